//! The ledger's own key: it signs heads and nothing else, so its loss stops no emergency.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::fs;
use support::Home;

#[test]
fn p12_a_lost_ledger_key_stops_no_emergency_and_is_said_loudly() {
    let home = Home::with_door();
    let (key, away) = (home.path().join("ledger.key"), home.root().join("ledger.key"));
    let before = home.entries().len();
    fs::rename(&key, &away).unwrap();

    let mut person = home.person(&home.wish("doors/front", &["--for", "1h"]));
    person.expect("Type doors/front to confirm: ").saw("unsigned-head").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    home.run(&["revoke", &grant]).exits(0).says("unsigned-head");
    assert!(!home.target.is_open(&grant));
    let unsigned = format!("Entries {before} to {} are not covered", home.entries().len() - 1);
    home.run(&["ledger", "verify"]).exits(0).says(&unsigned);

    // Another's key signs nothing here either.
    let other = Home::with_door();
    fs::copy(other.path().join("ledger.key"), &key).unwrap();
    home.run(&["expire"]).exits(0);
    home.run(&["ledger", "verify"]).exits(0).says(&unsigned);

    // With the key back, the next entry's head covers them all.
    fs::rename(&away, &key).unwrap();
    let grant = home.activate_ok("doors/front", &["--for", "1h"]);
    home.run(&["revoke", &grant]).exits(0);
    let verified = home.run(&["ledger", "verify"]).exits(0);
    assert!(!verified.stdout.contains("not covered by a signed head"), "{verified:?}");
}
