//! What glass refuses: each with its exit code and words that say what to do next, with nothing
//! opened, and recorded (promises 4, 5 and 11; acceptance 3 of the first milestone).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod keys;
mod policy;
mod registration;
mod terminal;

use support::Home;

/// What a test's playbook asks last of the person.
const CONFIRM: &str = "Type doors/front to confirm: ";

/// Nothing was run on the target, no grant was opened, and these refusals stand in the ledger.
#[track_caller]
fn only_refused(home: &Home, causes: &[&str]) {
    assert_eq!(home.target.calls("grant"), 0, "the target was touched");
    assert_eq!(home.target.open(), [""; 0], "something is open");
    let entries = home.entries();
    assert!(entries.iter().all(|facts| facts["kind"] != "opening"), "{entries:#?}");
    assert_eq!(home.refusals(), causes);
}

/// `--key` and the path of this person's private key.
fn key_of(home: &Home, person: &str) -> [String; 2] {
    ["--key".into(), home.key(person).to_str().unwrap().into()]
}
