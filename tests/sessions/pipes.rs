//! Without a terminal a session is a clean filter, and is recorded all the same.

use crate::support::{LONG, Person, Ran, glass, wait_until};
use crate::{CANARY, open_vault};
use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of every value, none of them text.
fn binary(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn p13_what_goes_through_a_session_comes_out_as_it_went_in() {
    let (home, grant) = open_vault();
    let bytes = binary(5_000_000);
    let mut command = home.exec(&grant, &["cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
    let mut got = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(got == bytes, "{} bytes of {}", got.len(), bytes.len());
    // Recorded too, as text.
    assert!(home.only_cast().all("o").len() > 5_000_000);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p13_the_two_outputs_stay_apart_and_files_are_appended_to() {
    let (home, grant) = open_vault();
    let both = ["sh", "-c", "echo out; echo err >&2"];
    let ran = home.exec_ran(&grant, &both).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err\n"));
    let log = home.root().join("log");
    fs::write(&log, "before\n").unwrap();
    let script =
        format!("\"$@\" exec {grant} -- sh -c 'echo out; echo err >&2' >> {0} 2>> {0}", log.display());
    Ran::of(&mut home.script(&script)).exits(0);
    let told = fs::read_to_string(&log).unwrap();
    assert!(["before\nout\nerr\n", "before\nerr\nout\n"].contains(&told.as_str()), "{told:?}");
    // Neither is there at all.
    Ran::of(&mut home.script(&format!("\"$@\" exec {grant} -- sh -c 'exit 3' >&- 2>&-"))).exits(3);
    Ran::of(&mut home.script(&format!("\"$@\" exec {grant} -- sh -c 'exit 3' <&-"))).exits(3);
}

#[test]
fn p13_a_reader_that_leaves_ends_the_command_as_in_any_pipe() {
    let (home, grant) = open_vault();
    let since = Instant::now();
    let ran = Ran::of(&mut home.script(&format!("\"$@\" exec {grant} -- yes | head -1"))).exits(0);
    assert_eq!(ran.stdout, "y\n");
    assert_eq!(home.last_end()["ended"]["signal"], 13, "{:?}", home.last_end());
    assert!(since.elapsed() < LONG);
    // One that is slow keeps it waiting, and loses nothing.
    let slow =
        format!("\"$@\" exec {grant} -- seq 100000 | {{ sleep 1; sha256sum; }}; seq 100000 | sha256sum");
    let ran = Ran::of(&mut home.script(&slow)).exits(0);
    let sums: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn p13_input_is_left_to_who_reads_it() {
    let (home, grant) = open_vault();
    // What the session does not read is there for the next command of the script.
    let script =
        format!("printf 'one\\ntwo\\n' | {{ \"$@\" exec {grant} -- true; read line; echo \"got $line\"; }}");
    assert_eq!(Ran::of(&mut home.script(&script)).exits(0).stdout, "got one\n");
    let script =
        format!("printf 'one\\ntwo\\n' | \"$@\" exec {grant} -- sh -c 'read line; echo \"got $line\"; cat'");
    assert_eq!(Ran::of(&mut home.script(&script)).exits(0).stdout, "got one\ntwo\n");
    // The end of it, too.
    assert_eq!(home.exec_ran(&grant, &["cat"]).exits(0).stdout, "");
    // Where nobody types, what was piped in is recorded as little as what is typed.
    for session in home.sessions() {
        assert_eq!(home.cast(&session).all("i"), "");
    }
}

#[test]
fn p09_the_secret_goes_down_the_pipe_and_not_into_the_recording() {
    let (home, grant) = open_vault();
    let pieces = "for c in $(echo \"$TOKEN\" | sed 's/./& /g'); do printf %s \"$c\"; sleep 0.02; done; echo";
    let script = format!("echo \"$TOKEN\"; {pieces}; echo \"err $TOKEN\" >&2");
    let ran = home.exec_ran(&grant, &["sh", "-c", &script]).exits(0);
    assert_eq!(ran.stdout, format!("{CANARY}\n{CANARY}\n"));
    assert_eq!(ran.stderr, format!("err {CANARY}\n"));
    let cast = home.only_cast();
    assert_eq!(cast.all("o").matches("[masked]").count(), 3, "{:?}", cast.all("o"));
    let raw = fs::read_to_string(home.recordings().join(format!("{}.cast", home.sessions()[0]))).unwrap();
    assert!(!raw.contains(CANARY) && !cast.all("o").contains(CANARY));
}

#[test]
fn p13_a_session_may_have_a_terminal_for_some_of_its_streams() {
    let (home, grant) = open_vault();
    // Input from a pipe, output to the terminal.
    let script = format!(
        "echo piped | \"$@\" exec {grant} -- sh -c 'read x; echo \"got $x\"; test -t 1 && ! test -t 0; echo $?'"
    );
    Person::start(&mut home.script_at_terminal(&script)).exits(0).saw("got piped\r").saw("0\r");
    // Input from the terminal, output to a file.
    let out = home.root().join("out");
    let script = format!(
        "\"$@\" exec {grant} -- sh -c 'test -t 0 && ! test -t 1 && read x; echo \"got $x\"' > {}",
        out.display()
    );
    let mut person = Person::start(&mut home.script_at_terminal(&script));
    person.send_line("typed").exits(0);
    assert_eq!(fs::read_to_string(&out).unwrap(), "got typed\n");
    assert_eq!(home.cast(&home.sessions()[1]).all("o").matches("got typed").count(), 1);
}

/// A pager takes keys from the terminal itself.
#[test]
fn p13_a_pager_behind_or_in_a_session_gets_every_key() {
    let (home, grant) = open_vault();
    let keys = "abcdefghijklmnopqrstuvwxyz0123456789";
    // Behind it: a program that does not ask for keys leaves them to whoever does.
    let reader = "{ cat > /dev/null; printf ready; IFS= read -r x < /dev/tty; echo \"got $x\"; }";
    let script = format!("\"$@\" exec {grant} -- sh -c 'echo text; sleep 2' | {reader}");
    let mut person = Person::start(&mut home.script_at_terminal(&script));
    for key in keys.chars() {
        std::thread::sleep(Duration::from_millis(30));
        person.send(key.to_string());
    }
    person.expect("ready").send("\r").expect(&format!("got {keys}")).exits(0);
    // In it, its input from a pipe.
    let script = format!("seq 1000 | \"$@\" exec {grant} -- less");
    let mut person = Person::start(&mut home.script_at_terminal(&script));
    person.expect("10\r");
    person.send("G").expect("1000").send("q").exits(0);
    // A question that is asked on the terminal, by a program whose output goes elsewhere.
    let ask = "stty -echo </dev/tty; printf \"Password: \" >/dev/tty; read x </dev/tty; stty echo </dev/tty; echo \"got $x\"";
    let script = format!("echo piped | \"$@\" exec {grant} -- sh -c '{ask}' | cat; echo end");
    let mut person = Person::start(&mut home.script_at_terminal(&script));
    person.expect("Password: ").send_line("opensesame").expect("got opensesame").expect("end").exits(0);
    assert_eq!(person.screen().matches("opensesame").count(), 1, "{}", person.screen());
}

#[test]
fn p13_without_any_terminal_nothing_asks_for_one() {
    let (home, grant) = open_vault();
    let ran = home.exec_ran(&grant, &["sh", "-c", "ps -o tty= -p $$; echo < /dev/tty"]);
    assert_eq!(ran.stdout.trim(), "?", "{ran:?}");
    assert!(ran.stderr.contains("/dev/tty"), "{ran:?}");
    assert_eq!(home.of_kind("session-started")[0]["started"]["terminal"], false);
    // Nobody is left of it.
    let mut command = glass(&home, &["exec", &grant, "--", "sleep", "0.1"]);
    let child = command.spawn().unwrap();
    assert!(Ran::of(Command::new("true").stdin(Stdio::null())).code == Some(0));
    drop(child);
    assert!(wait_until(|| home.of_kind("session-ended").len() == 2, LONG));
}
