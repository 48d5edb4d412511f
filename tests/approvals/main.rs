//! Four eyes (promise 6): what a scope reserves for several people opens with their signatures,
//! each by another person, and with nothing else.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod alone;
mod answers;
mod elsewhere;
mod tampered;
mod waiting;

use support::{Home, Person, text};

const CONFIRM: &str = "Type doors/front to confirm: ";

/// Ana and others of `oncall`; ben and cem of `security`; rex reviews; `doors/front` needs what
/// `approvals` says.
fn home(approvals: &str) -> Home {
    home_with(&[("approvals", approvals)])
}

fn home_with(lines: &[(&str, &str)]) -> Home {
    let home = Home::new();
    for (name, groups) in
        [("ben", ["security"]), ("cem", ["security"]), ("rex", ["reviewers"]), ("dora", ["oncall"])]
    {
        home.add_person(name, "", &groups);
    }
    let review = ("review", "{ by = [\"group:reviewers\"], within = \"24h\" }");
    let door = lines.iter().chain([&review]).fold(home.door(), |door, (name, value)| door.set(name, value));
    home.write_playbook("doors", &text("doors", &[door]));
    home.register();
    home
}

const ONE: &str = "{ needed = 1, from = [\"group:security\"] }";
const TWO: &str = "{ needed = 2, from = [\"group:security\"] }";

/// Ana asks, and her terminal waits; gives the request's id too.
fn asks(home: &Home) -> (Person, String) {
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect(CONFIRM).send_line("doors/front").expect("Ctrl-C leaves it waiting.");
    let grant = home.grants().pop().unwrap();
    assert_eq!(home.state(&grant), "awaiting-approval");
    assert!(home.target.open().is_empty());
    (ana, grant)
}

/// Somebody answers a request, up to the confirmation.
fn answers(home: &Home, person: &str, verb: &str, grant: &str) -> Person {
    let key = home.key(person);
    let mut person = home.person(&[verb, grant, "--key", key.to_str().unwrap()]);
    person.expect(&format!("Type {grant} to confirm: ")).send_line(grant);
    person
}

/// Somebody may not answer it: refused before anything is asked.
#[track_caller]
fn may_not(home: &Home, person: &str, verb: &str, grant: &str, code: i32, words: &str) {
    let key = home.key(person);
    let mut person = home.person(&[verb, grant, "--key", key.to_str().unwrap()]);
    person.exits(code).saw(words);
    assert!(!person.screen().contains("to confirm"), "{}", person.screen());
}

#[track_caller]
fn whole(home: &Home) {
    home.run(&["ledger", "verify"]).exits(0);
}
