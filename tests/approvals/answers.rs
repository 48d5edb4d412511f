//! Who may say yes or no, by person; and what a no does.

use super::support::text;
use super::{ONE, TWO, answers, asks, home, may_not, whole};
use std::fs;

#[test]
fn p06_nobody_consents_to_their_own_request_nor_twice_nor_from_outside() {
    let home = home(TWO);
    let (ana, grant) = asks(&home);
    may_not(&home, "ana", "approve", &grant, 3, "ana asked for");
    may_not(
        &home,
        "rex",
        "approve",
        &grant,
        3,
        "rex may not approve doors/front: that is for group:security",
    );
    may_not(&home, "dora", "deny", &grant, 3, "dora may not approve");
    may_not(&home, "dora", "withdraw", &grant, 3, "only ana can do that");
    answers(&home, "ben", "approve", &grant).exits(0);
    may_not(&home, "ben", "approve", &grant, 3, "each person counts once");
    home.make_key("eve", "");
    may_not(&home, "eve", "approve", &grant, 4, "not in the roster");
    // Without a terminal nobody says yes or no.
    let key = home.key("cem");
    for verb in ["approve", "deny"] {
        home.run(&[verb, &grant, "--key", key.to_str().unwrap()]).exits(4).says("no terminal");
    }
    assert_eq!(
        home.refusals(),
        [
            "own-approval",
            "not-in-approvals",
            "not-in-approvals",
            "not-the-requester",
            "signed-already",
            "key-not-in-roster",
            "no-terminal",
            "no-terminal"
        ]
    );
    assert_eq!(home.state(&grant), "awaiting-approval");
    drop(ana);
    whole(&home);
}

#[test]
fn p06_one_person_with_two_keys_is_not_two_people() {
    let home = super::Home::new();
    home.make_key("ben", "");
    home.make_key("ben2", "");
    let line = |name: &str| fs::read_to_string(home.public_key(name)).unwrap().trim().to_owned();
    home.add_person_with("ben", &format!("\"{}\", \"{}\"", line("ben"), line("ben2")), &["security"]);
    home.add_person("cem", "", &["security"]);
    home.write_playbook("doors", &text("doors", &[home.door().set("approvals", TWO)]));
    home.register();
    let (ana, grant) = asks(&home);
    answers(&home, "ben", "approve", &grant).exits(0);
    may_not(&home, "ben2", "approve", &grant, 3, "ben signed");
    drop(ana);
}

#[test]
fn p06_a_no_ends_it_and_the_requester_is_told() {
    let home = home(TWO);
    let (mut ana, grant) = asks(&home);
    answers(&home, "ben", "approve", &grant).exits(0);
    let mut cem = answers(&home, "cem", "deny", &grant);
    cem.exits(0).saw("You say NO to it").saw("opens nothing");
    ana.exits(3).saw("cem said no to");
    assert_eq!(home.state(&grant), "denied");
    may_not(&home, "cem", "approve", &grant, 3, "it waits for nobody's consent");
    home.run(&["revoke", &grant]).exits(3);
    home.run(&["expire"]).exits(0);
    assert!(home.target.open().is_empty());
    whole(&home);
}

#[test]
fn p06_a_requester_takes_it_back() {
    let home = home(ONE);
    let (mut ana, grant) = asks(&home);
    home.run(&["revoke", &grant]).exits(3).says("nothing of it is open");
    answers(&home, "ana", "withdraw", &grant).exits(0);
    ana.exits(3).saw("was withdrawn");
    assert_eq!(home.state(&grant), "withdrawn");
    assert!(home.target.open().is_empty());
    whole(&home);
}

#[test]
fn p06_absence_fails_closed() {
    let home = home("{ needed = 1, from = [\"group:nobody\"] }");
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.exits(3).saw("there is nobody");
    // An approver who is only the requester is nobody either.
    let only = home.door().set("approvals", "{ needed = 1, from = [\"person:ana\"] }");
    home.write_playbook("doors", &text("doors", &[only]));
    home.register();
    home.person(&home.wish("doors/front", &[])).exits(3).saw("besides ana: there is nobody");
    assert_eq!(home.refusals(), ["nobody-approves"]);
    assert!(home.grants().is_empty());
}

#[test]
fn p06_a_person_removed_between_request_and_approval_signs_nothing() {
    let home = home(ONE);
    let (mut ana, grant) = asks(&home);
    let settings = home.path().join("glass.toml");
    let before = fs::read_to_string(&settings).unwrap();
    let line = before.lines().position(|line| line == "name = \"ben\"").unwrap();
    let without: Vec<&str> = before
        .lines()
        .enumerate()
        .filter(|(at, _)| !(line - 1..line + 3).contains(at))
        .map(|(_, l)| l)
        .collect();
    fs::write(&settings, without.join("\n") + "\n").unwrap();
    home.register();
    may_not(&home, "ben", "approve", &grant, 4, "not in the roster");
    // What others sign now no longer opens it: it was asked for under another registration.
    answers(&home, "cem", "approve", &grant).exits(0);
    ana.exits(3).saw("the registration changed");
    assert_eq!(home.state(&grant), "activation-failed");
    assert!(home.target.open().is_empty());
    whole(&home);
}

#[test]
fn p06_who_consented_does_not_review() {
    let home = super::home_with(&[
        ("approvals", ONE),
        ("review", "{ by = [\"group:security\", \"group:reviewers\"], within = \"24h\" }"),
    ]);
    let (mut ana, grant) = asks(&home);
    answers(&home, "ben", "approve", &grant).exits(0);
    ana.exits(0);
    home.run(&["revoke", &grant]).exits(0);
    let review = |name: &str| {
        let key = home.key(name);
        home.person(&[
            "review",
            &grant,
            "--verdict",
            "justified",
            "--note",
            "as told",
            "--key",
            key.to_str().unwrap(),
        ])
    };
    review("ben").exits(3);
    let mut rex = review("rex");
    rex.expect(&format!("Type {grant} to confirm: ")).send_line(&grant).exits(0).saw("ben");
    whole(&home);
}
