//! A session at a person's terminal: sizes, keys that stop and end, signals, and what is told
//! before the grant ends.

use crate::support::{Home, LONG, Person, requires, wait_until};
use crate::{open_vault, vault};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;
use std::time::Duration;

fn bash(home: &Home) -> Command {
    let mut command = crate::support::bare(home, "setsid");
    command.args(["--ctty", "bash", "--norc", "--noprofile", "-i"]);
    command.env("TERM", "xterm").env("PS1", "PROMPT> ").env("GLASS", crate::support::GLASS);
    command.env("GLASS_HOME", home.path());
    command
}

/// Sends a signal to glass itself, whose parent is the shell that `person` has.
fn signal(person: &Person, signal: Signal) {
    kill_process(Pid::from_raw(person.id().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn p13_the_session_has_the_windows_size_and_is_told_of_every_change() {
    let (home, grant) = open_vault();
    let script =
        "trap 'stty size' WINCH; trap 'exit 9' INT; stty size; echo ready; while :; do sleep 0.05; done";
    let mut person = home.person(&["exec", &grant, "--", "bash", "-c", script]);
    person.expect("50 400\r").expect("ready");
    person.resize(132, 43).expect("43 132\r");
    // While it runs its trap, bash hears of no second one.
    std::thread::sleep(Duration::from_millis(300));
    person.resize(80, 24).expect("24 80\r");
    person.send("\x03").exits(9);
    let cast = home.only_cast();
    assert_eq!((&cast.header["width"], &cast.header["height"]), (&400.into(), &50.into()));
    assert_eq!(cast.all("r"), "132x4380x24");
    // Ctrl-C ends what runs, and glass with it.
    let mut person = home.person(&["exec", &grant, "--", "sh", "-c", "echo ready; exec sleep 100"]);
    person.expect("ready").send("\x03").exits(128 + 2);
    assert_eq!(home.last_end()["ended"]["signal"], 2);
}

#[test]
fn p13_keys_that_end_or_interrupt_reach_the_program_and_never_glass() {
    let (home, grant) = open_vault();
    let script = "trap 'echo interrupted' INT; trap 'echo quit' QUIT; echo ready; while :; do read x && echo \"got $x\" && test \"$x\" = end && exit 3; done";
    let mut person = home.person(&["exec", &grant, "--", "bash", "-c", script]);
    person.expect("ready").send("\x03").expect("interrupted").send("\x1c").expect("quit");
    person.send_line("end").expect("got end").exits(3);
    // The end of input, too.
    let mut person = home.person(&["exec", &grant, "--", "cat"]);
    person.send_line("line").expect("line").expect("line").send("\x04").exits(0);
    let mut person = home.person(&["exec", &grant, "--", "sleep", "100"]);
    let sleeps = || !crate::support::with_argument(&["sleep", "100"]).is_empty();
    assert!(wait_until(sleeps, LONG));
    std::thread::sleep(Duration::from_millis(300));
    person.send("\x1c").exits(128 + 3);
}

#[test]
fn p13_signals_sent_to_glass_are_passed_on() {
    let (home, grant) = open_vault();
    let script = "trap 'exit 4' QUIT; for s in USR1 USR2 TERM INT; do trap \"echo got $s\" $s; done; echo ready; n=0; \
                  while test $n -lt 400; do sleep 0.05; n=$((n + 1)); done";
    let mut person = home.person(&["exec", &grant, "--", "bash", "-c", script]);
    person.expect("ready");
    for (name, number) in
        [("USR1", Signal::USR1), ("USR2", Signal::USR2), ("TERM", Signal::TERM), ("INT", Signal::INT)]
    {
        signal(&person, number);
        person.expect(&format!("got {name}"));
    }
    signal(&person, Signal::QUIT);
    person.exits(4);
    // Through pipes likewise.
    let mut child = home.exec(&grant, &["sleep", "100"]).spawn().unwrap();
    assert!(wait_until(|| home.of_kind("session-started").len() == 2, LONG));
    assert!(wait_until(|| !crate::support::with_argument(&["sleep", "100"]).is_empty(), LONG));
    std::thread::sleep(Duration::from_millis(300));
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
}

#[test]
fn p13_a_session_is_stopped_and_goes_on_as_any_job() {
    let (home, grant) = open_vault();
    let mut person = Person::start(&mut bash(&home));
    person.expect("PROMPT> ").send_line(&format!("stty -a > before; $GLASS exec {grant} -- cat"));
    person.expect("-- cat").is_taken().send_line("one").expect("one").expect("one");
    for word in ["two", "three"] {
        person.send("\x1a").expect("Stopped").expect("PROMPT> ");
        // The shell has its terminal back as it was.
        person.send_line("stty -a > now; cmp before now && echo sa''me").expect("same").expect("PROMPT> ");
        person.send_line("fg").expect("exec").is_taken().send_line(word).expect(word).expect(word);
    }
    // In the background it waits until it is to read, and is in front again by `fg`.
    person.send("\x1a").expect("Stopped").expect("PROMPT> ").send_line("bg").expect("PROMPT> ");
    person.send_line("jobs; echo al''so").expect("also").expect("PROMPT> ");
    person.send_line("fg").expect("exec").is_taken().send_line("four").expect("four").expect("four");
    person.send("\x04").expect("PROMPT> ").send_line("echo $?").expect("0\r").send_line("exit").exits(0);
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.last_end()["ended"]["exit"], 0);
}

#[test]
fn p13_a_session_goes_on_in_the_background_where_it_needs_no_keys() {
    let (home, grant) = open_vault();
    let mut person = Person::start(&mut bash(&home));
    let script = "sleep 1; echo wo''rked; read x; echo \"got $x\"";
    person.expect("PROMPT> ").send_line(&format!("$GLASS exec {grant} -- sh -c '{script}'"));
    assert!(wait_until(|| !home.of_kind("session-started").is_empty(), LONG));
    std::thread::sleep(Duration::from_millis(500));
    person
        .send("\x1a")
        .expect("Stopped")
        .expect("PROMPT> ")
        .send_line("bg")
        .expect("PROMPT> ")
        .expect("worked");
    // Now it asks for a line, and is stopped for it.
    person.send_line("sleep 1").expect("Stopped");
    person
        .expect("PROMPT> ")
        .send_line("fg")
        .expect("exec")
        .is_taken()
        .send_line("typed")
        .expect("got typed");
    person.expect("PROMPT> ").send_line("exit").exits(0);
}

#[test]
fn p13_glass_told_to_stop_stops_the_program_and_both_go_on() {
    let (home, grant) = open_vault();
    let mut person = Person::start(&mut bash(&home));
    person.expect("PROMPT> ").send_line(&format!("$GLASS exec {grant} -- cat"));
    person.expect("-- cat").is_taken().send_line("one").expect("one").expect("one");
    let glass = crate::support::with_argument(&["exec", &grant, "cat"]);
    assert_eq!(glass.len(), 1);
    kill_process(glass[0], Signal::TSTP).unwrap();
    person.expect("Stopped").expect("PROMPT> ").send_line("fg").expect("exec").is_taken();
    person.send_line("two").expect("two").expect("two").send("\x04").expect("PROMPT> ");
    person.send_line("exit").exits(0);
}

#[test]
fn p13_a_shell_in_a_session_has_jobs_of_its_own() {
    let (home, grant) = open_vault();
    let mut command = home.at_terminal(&["exec", &grant, "--", "bash", "--norc", "--noprofile", "-i"]);
    command.env("TERM", "xterm").env("PS1", "INNER> ");
    let mut person = Person::start(&mut command);
    person.expect("INNER> ").send_line("cat").expect("cat");
    // Until the shell has let go of the terminal.
    std::thread::sleep(Duration::from_millis(500));
    person.send_line("one").expect("one").expect("one");
    person.send("\x1a").expect("Stopped").expect("INNER> ").send_line("fg").expect("cat");
    person.send_line("two").expect("two").expect("two").send("\x03").expect("INNER> ");
    person.send_line("echo $?").expect("130\r").expect("INNER> ").send_line("exit 5").exits(5);
    let screen = person.screen();
    assert!(!screen.contains("no job control") && !screen.contains("Inappropriate ioctl"), "{screen}");
    assert_eq!(home.only_cast().all("o"), screen);
}

/// A grant that ends a little over a minute from now, and may be extended.
fn nearly_a_minute(seconds: u32) -> (Home, String) {
    let home = vault(|scope| {
        scope.set("duration", "{ default = \"10m\", max = \"1h\", extend = \"10m\", extensions = 1 }")
    });
    let grant = home.activate_ok("vault", &["--for", &format!("{seconds}s")]);
    (home, grant)
}

#[test]
fn p13_a_minute_before_the_end_the_person_is_told_and_how_to_have_longer() {
    let (home, grant) = nearly_a_minute(64);
    let mut command = home.at_terminal(&["exec", &grant, "--", "bash", "--norc", "--noprofile", "-i"]);
    command.env("TERM", "xterm").env("PS1", "INNER> ");
    let mut person = Person::start(&mut command);
    person.expect("INNER> ").send("echo half");
    person.expect(&format!("glass: 1 minute left; longer: glass extend {grant} --for 10m"));
    // The prompt is there again, with what was typed at it.
    person.expect("INNER> echo half").send("way\r").expect("halfway\r");
    assert_eq!(person.screen().matches("1 minute left").count(), 1);
    person.send_line("exit").exits(0);
    // Where there is no terminal it is said beside the output.
}

#[test]
fn p13_the_warning_stands_on_the_last_line_of_a_full_screen_which_is_painted_again() {
    if !requires("vim") {
        return;
    }
    let (home, grant) = nearly_a_minute(64);
    let mut command = home.at_terminal(&["exec", &grant, "--", "vim", "-u", "NONE", "-N", "text"]);
    command.env("TERM", "xterm");
    std::fs::write(home.user().join("text"), "first line of it\nsecond line\n").unwrap();
    let mut person = Person::start(&mut command);
    person.expect("first line of it");
    person.expect("\x1b[50;1H\x1b[0;7m").expect("1 minute left");
    // vim paints its screen again, and works on.
    person.expect("first line of it");
    person.send(":q!\r").exits(0);
}

#[test]
fn p13_without_a_terminal_the_warning_is_said_beside_the_output() {
    let (home, grant) = nearly_a_minute(63);
    let ran = home.exec_ran(&grant, &["sh", "-c", "sleep 5; echo done"]).exits(0);
    assert_eq!(ran.stdout, "done\n");
    assert!(ran.stderr.contains(&format!("glass extend {grant} --for 10m")), "{ran:?}");
    assert!(!home.only_cast().all("o").contains("extend"));
}
