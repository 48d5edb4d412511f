//! Only people activate (promise 4): signs of agents and CI runners are noted, shown to the person
//! and at review, and refuse nothing.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::{GLASS, Home, Person, bare, own_hints};

/// Ana activates by this command, and ends it; gives the grant's id and the screen.
#[track_caller]
fn used(home: &Home, command: &mut Command) -> (String, String) {
    let mut ana = Person::start(command);
    ana.expect("to confirm: ").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    home.run(&["revoke", &grant]).exits(0);
    (grant, ana.screen())
}

/// The hints that the request of a grant has in its signed facts.
fn noted(home: &Home, grant: &str) -> Value {
    let asked = home.entries().into_iter().find(|facts| facts["grant"] == grant).unwrap();
    asked["signed"]["hints"].clone()
}

/// What review points out about them, in words.
fn pointed_out(home: &Home, grant: &str) -> Option<String> {
    let story = home.run(&["review", grant, "--format", "json"]).exits(0).json();
    let found = story["unusual"].as_array().unwrap().iter().find(|found| found["id"] == "automation-hint");
    found.map(|found| found["text"].as_str().unwrap().to_owned())
}

#[test]
fn p04_variables_of_ci_runners_and_agents_are_noted_and_shown_at_review() {
    let home = Home::with_door();
    let mut command = home.at_terminal(&home.wish("doors/front", &[]));
    command
        .env("CI", "true")
        .env("CLAUDECODE", "1")
        .env("GITLAB_CI", "\x1b[2J")
        .env("GITHUB_ACTIONS", "false");
    let (grant, screen) = used(&home, &mut command);
    let mut expected: Vec<String> =
        ["environment: CI", "environment: GITLAB_CI", "environment: CLAUDECODE"].map(str::to_owned).into();
    expected.extend(own_hints());
    assert_eq!(noted(&home, &grant), json!(expected));
    assert!(screen.contains("environment: CI, environment: GITLAB_CI, environment: CLAUDECODE"), "{screen}");
    assert!(screen.contains("reviewers will see it") && !screen.contains("\x1b[2J"), "{screen}");
    assert!(pointed_out(&home, &grant).unwrap().contains("environment: CI"));
    let key = home.key("ana");
    let mut review = home.person(&["review", &grant, "--key", key.to_str().unwrap()]);
    review.expect("UNUSUAL      a hint of an agent or CI runner at its terminal: environment: CI");
    review.expect("Verdict (").send("\x03").exits(4);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p04_an_agent_above_the_terminal_is_noted() {
    let home = Home::with_door();
    // It has a session of its own, and starts another on a terminal, as agents do.
    let agent = home.root().join("claude");
    fs::write(&agent, "#!/bin/sh\n\"$@\"\nexit $?\n").unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let by = |program: &str| {
        let mut command = bare(&home, program);
        if program == "sh" {
            command.arg(&agent);
        }
        command.args(["setsid", "--wait", "--ctty", GLASS, "--home"]).arg(home.path());
        command.args(home.wish("doors/front", &[]));
        command
    };
    for program in ["sh", agent.to_str().unwrap()] {
        let (grant, screen) = used(&home, &mut by(program));
        assert!(noted(&home, &grant).as_array().unwrap().contains(&json!("process: claude")));
        assert!(screen.contains("process: claude") && screen.contains("reviewers will see it"), "{screen}");
        assert!(pointed_out(&home, &grant).unwrap().contains("process: claude"));
    }
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p04_a_person_is_not_taken_for_an_agent() {
    let home = Home::with_door();
    let (grant, screen) = used(&home, &mut home.at_terminal(&home.wish("doors/front", &[])));
    // Who runs the tests may be one.
    let expected = match own_hints() {
        hints if hints.is_empty() => Value::Null,
        hints => json!(hints),
    };
    assert_eq!(noted(&home, &grant), expected);
    assert_eq!(screen.contains("reviewers will see it"), expected != Value::Null, "{screen}");
    assert_eq!(pointed_out(&home, &grant).is_some(), expected != Value::Null);
}
