//! Only a person at the controlling terminal activates.

use super::support::{GLASS, Home, LONG, Person, Ran, bare, glass, wait_until};
use super::{CONFIRM, only_refused};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::Duration;

#[test]
fn p04_no_terminal() {
    let home = Home::with_door();
    let wish = home.wish("doors/front", &[]);
    home.run(&wish).exits(4).says("no terminal to ask a person at").says("run it yourself in a terminal");
    only_refused(&home, &["no-terminal"]);
    let entry = home.entries().pop().unwrap();
    assert_eq!((&entry["kind"], &entry["verb"]), (&"refused".into(), &"activate".into()));
    assert!(entry["by"].is_string(), "{entry}");
    // Once a minute is enough, and nothing of the wish is kept.
    home.run(&wish).exits(4);
    only_refused(&home, &["no-terminal"]);
    // Registration asks as well.
    home.write_playbook("doors", "schema = 1\n");
    home.run(&["register"]).exits(4).says("no terminal");
    only_refused(&home, &["no-terminal", "no-terminal"]);
    assert_eq!(home.entries().pop().unwrap()["verb"], "register");
}

#[test]
fn p04_a_terminal_on_standard_input_alone_is_none() {
    let home = Home::with_door();
    // A new session, with a terminal as all three streams, that controls nothing.
    let mut person = Person::start(&mut glass(&home, &home.wish("doors/front", &[])));
    person.exits(4).saw("no terminal to ask a person at");
    only_refused(&home, &["no-terminal"]);
}

#[test]
fn p04_a_pipe_answers_nothing() {
    let home = Home::with_door();
    let wish = home.wish("doors/front", &[]);
    let line = r#"yes doors/front | exec "$@""#;
    // Without a terminal …
    let mut piped = bare(&home, "setsid");
    piped.args(["sh", "-c", line, "sh", GLASS, "--home"]).arg(home.path()).args(&wish).stdin(Stdio::null());
    Ran::of(&mut piped).exits(4).says("no terminal");
    // … and with one that nobody types at.
    let mut piped = bare(&home, "setsid");
    piped.args(["--ctty", "sh", "-c", line, "sh", GLASS, "--home"]).arg(home.path()).args(&wish);
    let mut person = Person::start(&mut piped);
    person.expect(CONFIRM);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(home.target.calls("grant"), 0);
    person.send([3]).exits(4).saw("interrupted; nothing was confirmed");
    only_refused(&home, &["no-terminal", "abandoned"]);
}

#[test]
fn p04_in_the_background_nobody_is_asked() {
    let home = Home::with_door();
    let wish = home.wish("doors/front", &[]);
    let mut job = bare(&home, "setsid");
    job.args(["--ctty", "sh", "-c", r#"set -m; "$@" & wait $!"#, "sh", GLASS, "--home"]);
    job.arg(home.path()).args(&wish);
    Person::start(&mut job).exits(4).saw("runs in the background of its terminal").saw("fg");
    only_refused(&home, &["in-background"]);
}

#[test]
fn p04_another_word_is_no_confirmation_and_there_is_no_second_try() {
    let home = Home::with_door();
    for word in ["front", "yes", "doors/front ", "DOORS/FRONT", "doors/frontdoors/front"] {
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect(CONFIRM).send_line(word).exits(4);
        person.saw("what was typed is not `doors/front`").saw("run the command again");
    }
    only_refused(&home, &["wrong-confirmation"]);
    let entry = home.entries().pop().unwrap();
    assert_eq!((&entry["person"], &entry["scope"]), (&"ana".into(), &"doors/front".into()));
}

#[test]
fn p04_only_enter_confirms_nothing() {
    let home = Home::with_door();
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.expect(CONFIRM).send_line("").exits(4).saw("nothing was typed; run the command again");
    only_refused(&home, &["empty-confirmation"]);
}

#[test]
fn p04_an_abandoned_question_confirms_nothing() {
    const CTRL_C: &[u8] = &[3];
    const CTRL_D: &[u8] = &[4];
    const CTRL_BACKSLASH: &[u8] = &[28];
    let half: &[u8] = b"doors/front\x03";
    for (keys, words) in [
        (CTRL_C, "interrupted; nothing was confirmed"),
        (CTRL_D, "the input ended; nothing was confirmed"),
        (CTRL_BACKSLASH, "interrupted; nothing was confirmed"),
        (half, "interrupted; nothing was confirmed"),
    ] {
        let home = Home::with_door();
        home.person(&home.wish("doors/front", &[])).expect(CONFIRM).send(keys).exits(4).saw(words);
        only_refused(&home, &["abandoned"]);
    }
}

#[test]
fn p04_a_signal_in_mid_question_confirms_nothing() {
    let home = Home::with_door();
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.expect(CONFIRM);
    kill_process(Pid::from_raw(person.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    person.exits(4).saw("interrupted");
    only_refused(&home, &["abandoned"]);
}

#[test]
fn p04_a_terminal_that_closes_confirms_nothing() {
    for typed in ["", "doors/front"] {
        let home = Home::with_door();
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect(CONFIRM).send(typed).hang_up().exits(4);
        only_refused(&home, &["abandoned"]);
    }
}

#[test]
fn p04_what_was_typed_before_the_question_answers_nothing() {
    let home = Home::with_door();
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.send_line("doors/front").send_line("doors/front");
    person.expect(CONFIRM);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(home.target.calls("grant"), 0, "type-ahead was taken for an answer");
    person.send_line("doors/front").exits(0);
    assert!(wait_until(|| home.target.calls("grant") == 1, LONG));
    assert_eq!(home.refusals(), [""; 0]);
}

#[test]
fn p04_every_question_takes_its_own_answer() {
    let home = Home::new();
    let scope = home.door().asks("stuck", "Is the door stuck?").asks("late", "Is it late?");
    home.write_playbook("doors", &super::support::text("doors", &[scope]));
    home.register();
    let key = super::key_of(&home, "ana");
    let args = ["activate", "front"].into_iter().chain(key.iter().map(String::as_str)).collect::<Vec<_>>();
    let mut person = home.person(&args);
    // A pasted answer to all of them is an answer to the first.
    person.expect("Is the door stuck? [y/N] ").send("y\ry\rINC-1\rIt is stuck again\rdoors/front\r");
    person.expect("Is it late? [y/N] ").send_line("Yes");
    person.expect("Incident: ").send_line("pending");
    person.expect("Reason: ").send_line("It is stuck again");
    person.expect(CONFIRM).send_line("doors/front").exits(0).saw("OPEN  doors/front until ");
    let status = home.status(&home.grants()[0]);
    assert_eq!((&status["incident"], &status["reason"]), (&"pending".into(), &"It is stuck again".into()));
}
