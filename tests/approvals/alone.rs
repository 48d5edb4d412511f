//! Going on alone after the wait, and in spite of an overdue review.

use super::support::{Authenticator, Home, Manner, NOBODY, PRESENT, Person, SecurityKey, text};
use super::{CONFIRM, ONE, answers, asks, home, may_not, whole};
use chrono::{DateTime, TimeDelta};

const SOON: &str = "{ needed = 1, from = [\"group:security\"], alone-after = \"1s\" }";

#[test]
fn p06_one_goes_on_alone_after_the_wait_marked_and_reviewed_sooner() {
    let home = home(SOON);
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect(CONFIRM).send_line("doors/front");
    ana.expect("The wait is over").expect(CONFIRM).send_line("doors/front").exits(0).saw("OPEN");
    let grant = home.grants().pop().unwrap();
    assert_eq!(home.kinds(&grant)[..3], ["requested", "resumed", "opening"]);
    home.run(&["revoke", &grant]).exits(0);
    let status = home.status(&grant);
    let time = |text: &serde_json::Value| DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
    assert_eq!(time(&status["review"]["due_at"]) - time(&status["closed_at"]), TimeDelta::hours(12));
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    let found: Vec<_> =
        story["unusual"].as_array().unwrap().iter().map(|found| found["id"].clone()).collect();
    assert!(found.contains(&"alone".into()), "{story:#}");
    whole(&home);
}

#[test]
fn p06_a_signature_in_time_goes_before_going_alone() {
    let home = home(SOON);
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect(CONFIRM).send_line("doors/front").expect("The wait is over").expect(CONFIRM);
    let grant = home.grants().pop().unwrap();
    answers(&home, "ben", "approve", &grant).exits(0);
    ana.exits(0).saw("ben signed at ").saw("OPEN");
    assert_eq!(home.kinds(&grant)[..3], ["requested", "approved", "opening"]);
    whole(&home);
}

#[test]
fn p11_nobody_goes_on_alone_before_the_wait_is_over() {
    let home = home("{ needed = 1, from = [\"group:security\"], alone-after = \"10m\" }");
    let (mut ana, grant) = asks(&home);
    ana.expect("alone in ").send("\x03").exits(4);
    let key = home.key("ana");
    let mut ana = home.person(&["activate", "front", "--resume", &grant, "--key", key.to_str().unwrap()]);
    ana.expect("it is waited for here").expect(CONFIRM).send_line("doors/front");
    ana.expect("alone in ");
    assert!(home.target.open().is_empty());
}

/// A home whose `doors/front` has an overdue review of another grant of ana's.
fn in_debt(lines: &[(&str, &str)]) -> (Home, String) {
    let soon = ("review", "{ by = [\"group:reviewers\"], within = \"1s\" }");
    let home = super::home_with(lines);
    let door = lines.iter().chain([&soon]).fold(home.door(), |door, (name, value)| door.set(name, value));
    home.write_playbook("doors", &text("doors", &[door]));
    home.register();
    let owed = home.activate_ok("doors/front", &[]);
    home.run(&["revoke", &owed]).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    (home, owed)
}

#[test]
fn p08_a_second_person_overrides_an_overdue_review() {
    let (home, owed) = in_debt(&[]);
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.exits(3).saw(&format!("the review of {owed} is overdue")).saw("--override");
    let mut ana = home.person(&home.wish("doors/front", &["--override"]));
    ana.expect(CONFIRM).send_line("doors/front").expect("Ctrl-C leaves it waiting.");
    ana.saw(&format!("the overdue review of {owed}"));
    let grant = home.grants().into_iter().find(|grant| *grant != owed).unwrap();
    may_not(&home, "dora", "approve", &grant, 3, "may not approve");
    let mut rex = answers(&home, "rex", "approve", &grant);
    rex.exits(0).saw(&format!("the overdue review of {owed}"));
    ana.exits(0).saw("OPEN");
    let signed = home.entries().into_iter().find(|facts| facts["grant"] == grant.as_str()).unwrap();
    assert_eq!(signed["signed"]["overrides"], serde_json::json!([owed]));
    // Who signed the override does not review it.
    home.run(&["revoke", &grant]).exits(0);
    let key = home.key("rex");
    home.person(&["review", &grant, "--key", key.to_str().unwrap()]).exits(3);
    whole(&home);
}

#[test]
fn p08_there_must_be_something_to_override() {
    let home = home(ONE);
    let mut ana = home.person(&home.wish("doors/front", &["--override"]));
    ana.exits(3).saw("there is nothing to override");
    assert_eq!(home.refusals(), ["nothing-to-override"]);
}

/// Eve, whose key can be touched, asks by this agent in spite of the debt.
fn overrides(home: &Home, agent: &Authenticator) -> Person {
    let ask =
        ["activate", "doors/front", "--incident", "INC-1", "--reason", "the door is stuck", "--override"];
    let mut command = home.at_terminal(&ask);
    let mut eve = Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
    eve.expect(CONFIRM).send_line("doors/front").expect("The wait is over");
    eve
}

#[test]
fn p08_alone_an_override_takes_twice_the_wait_and_a_touch() {
    let key = SecurityKey::new();
    let home = super::home_with(&[]);
    home.add_person_with("eve", &format!("\"{}\"", key.line()), &["oncall"]);
    let door = home
        .door()
        .set("review", "{ by = [\"group:reviewers\"], within = \"1s\" }")
        .set("approvals", SOON)
        .set("touch", "\"off\"");
    home.write_playbook("doors", &text("doors", &[door]));
    home.register();
    let (mut ana, owed) = asks(&home);
    answers(&home, "ben", "approve", &owed).exits(0);
    ana.exits(0);
    home.run(&["revoke", &owed]).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    // Ana's plain key can't be touched: she can only wait.
    let mut ana = home.person(&home.wish("doors/front", &["--override"]));
    ana.expect(CONFIRM).send_line("doors/front");
    ana.expect("alone: not with this key").send("\x03").exits(4).saw("still waits");
    let agent = Authenticator::holding(&home, &key);
    agent.does(Manner::Signs(NOBODY));
    let mut eve = overrides(&home, &agent);
    eve.expect(CONFIRM).send_line("doors/front").exits(4).saw("does not say that the key was touched");
    agent.does(Manner::Signs(PRESENT));
    let mut eve = overrides(&home, &agent);
    eve.expect(CONFIRM).send_line("doors/front").exits(0).saw("OPEN");
    whole(&home);
}
