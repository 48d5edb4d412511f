//! A verdict in the ledger: judged before it is recorded, and checked as all else.

use super::fixture::{Fixture, grant, names};
use crate::ports::ledger::LedgerError;

#[test]
fn p07_a_reviewed_ledger_is_whole_and_a_changed_verdict_is_found() {
    let reviewed = || {
        let mut fixture = Fixture::whole();
        fixture.review(&grant(1), "misuse", true).unwrap();
        fixture
    };
    let whole = reviewed().verify();
    assert_eq!((whole.findings, whole.signatures, whole.size), (vec![], 4, 15));
    for verdict in ["'justified'", "NULL", "x'00'"] {
        let fixture = reviewed();
        fixture.damage(&format!("UPDATE review SET verdict = {verdict}"));
        let findings = fixture.verify().findings;
        assert!(names(&findings, 14, "the review is not the one that the entries give"), "{findings:#?}");
    }
    let fixture = reviewed();
    fixture.forge(14, "misuse", "justified");
    let findings = fixture.verify().findings;
    assert!(names(&findings, 14, "its facts are not those of the signed statement"), "{findings:#?}");
    let fixture = reviewed();
    fixture.forge(14, ",\"self_review\":true", "");
    let findings = fixture.verify().findings;
    assert!(names(&findings, 14, "the requester reviewed it, and it does not say so"), "{findings:#?}");
}

#[test]
fn p06_a_review_is_judged_again_when_it_is_recorded() {
    let mut fixture = Fixture::whole();
    let mut refused = |id: &str, verdict: &str, self_review: bool, why: &str| {
        let error: LedgerError = fixture.review(id, verdict, self_review).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    refused(&grant(2), "justified", true, "only what is closed can be reviewed");
    refused("g-aaaaaaaaaa", "justified", true, "the ledger knows no such grant");
    refused(&grant(1), "drill", true, "was not announced as a drill");
    refused(&grant(1), "fine", true, "not a verdict");
    refused(&grant(1), "justified", false, "does not say whose own use it reviews");
    fixture.review(&grant(1), "justified", true).unwrap();
    let again = fixture.review(&grant(1), "misuse", true).unwrap_err();
    assert!(again.to_string().contains("a verdict is given once"), "{again}");
    assert_eq!(fixture.verify().findings, []);
}
