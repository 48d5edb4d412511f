#![allow(clippy::disallowed_methods)]

mod fixture;

use fixture::{Fixture, names};

#[test]
fn p07_a_whole_ledger_is_whole_and_says_what_it_could_not_exclude() {
    let verification = Fixture::whole().verify();
    assert_eq!(verification.findings, []);
    assert_eq!(verification.size, 13);
}
