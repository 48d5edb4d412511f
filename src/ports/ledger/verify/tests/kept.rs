//! What was kept elsewhere: checkpoints, receipts, and what they find.

use super::fixture::{Fixture, names};
use crate::ports::ledger::{Given, VerifyOptions, verify_receipt};

#[test]
fn p07_an_older_copy_put_back_is_found_by_a_kept_checkpoint() {
    let mut fixture = Fixture::whole();
    fixture.damage("PRAGMA journal_mode = DELETE");
    let older = std::fs::read(&fixture.place.database).unwrap();
    let early = fixture.ledger().checkpoint().unwrap();
    fixture.refuse(2);
    let kept = fixture.ledger().checkpoint().unwrap();
    let verification = fixture.verify_against("kept", &format!("{early}\n{kept}"));
    assert_eq!(verification.findings, []);
    let sizes: Vec<u64> = verification.anchors.iter().map(|anchor| anchor.size).collect();
    assert_eq!(sizes, [14, 16]);
    assert!(verification.excluded.iter().any(|words| words.starts_with("kept: the first 16 entries")));
    fixture.damage("PRAGMA journal_mode = DELETE");
    std::fs::write(&fixture.place.database, older).unwrap();
    assert!(fixture.verify().is_whole(), "by itself an older copy is whole");
    let findings = fixture.verify_against("kept", &kept).findings;
    assert!(
        names(&findings, 14, "the entries 14 to 15 are missing: kept shows a head of 16"),
        "{findings:#?}"
    );
}

#[test]
fn p07_a_rewrite_with_the_right_key_is_found_by_anchor_and_receipt() {
    let mut fixture = Fixture::whole();
    fixture.refuse(1);
    let (kept, receipt) = (fixture.ledger().checkpoint().unwrap(), fixture.ledger().receipt(14).unwrap());
    assert!(fixture.verify_against("receipt", &receipt).is_whole());
    // The same key, the same people, another history: whole by itself.
    let mut rewritten = Fixture::whole();
    rewritten.now();
    rewritten.refuse(3);
    let verification = rewritten.verify();
    assert_eq!(verification.findings, []);
    let findings = rewritten.verify_against("kept", &kept).findings;
    assert!(names(&findings, 14, "kept shows another root of the first 15 entries"), "{findings:#?}");
    let findings = rewritten.verify_against("mine", &receipt).findings;
    assert!(names(&findings, 14, "mine is the receipt of another entry in its place"), "{findings:#?}");
}

#[test]
fn p07_a_rewrite_signed_by_another_key_is_found() {
    let kept = Fixture::whole().ledger().checkpoint().unwrap();
    let mut replaced = Fixture::found(8);
    replaced.live_a_life();
    assert!(replaced.verify().is_whole());
    let findings = replaced.verify_against("kept", &kept).findings;
    assert!(
        names(&findings, None, "kept: its checkpoint is not signed by this ledger's key"),
        "{findings:#?}"
    );
    // With the old genesis the new head has no good signature.
    let fixture = Fixture::whole();
    let note = replaced.ledger().checkpoint().unwrap();
    fixture.damage(&format!("UPDATE head SET note = '{note}'"));
    assert!(names(&fixture.verify().findings, None, "the head's checkpoint is not signed"));
}

#[test]
fn p07_files_that_show_nothing_are_findings() {
    let fixture = Fixture::whole();
    for (text, what) in [
        ("", "x\\u{1b}: holds no checkpoint"),
        ("hello", "x\\u{1b}: its checkpoint can't be read"),
        ("c2sp.org/tlog-proof@v1\nindex 1\n\n", "x\\u{1b}: the receipt does not hold the entry"),
    ] {
        let findings = fixture.verify_against("x\u{1b}", text).findings;
        assert!(names(&findings, None, what), "{findings:#?}");
    }
}

#[test]
fn p07_signatures_before_an_earlier_checkpoint_need_not_be_verified_again() {
    let mut fixture = Fixture::whole();
    let text = fixture.ledger().checkpoint().unwrap();
    fixture.request(3);
    let since = Some(Given { name: "last".to_owned(), text: text.clone() });
    let options = VerifyOptions { since, ..VerifyOptions::default() };
    let verification = fixture.try_verify(&options).unwrap();
    assert_eq!(verification.findings, []);
    // A registration is always verified: the roster of everything later leans on it.
    assert_eq!((verification.signatures, verification.since), (2, 14));
    let text = text.replace("— ", "— x");
    let forged = VerifyOptions { since: Some(Given { name: "last".to_owned(), text }), ..options };
    let verification = fixture.try_verify(&forged).unwrap();
    assert_eq!(verification.since, 0);
    assert!(names(&verification.findings, None, "last: its checkpoint is not signed"));
}

#[test]
fn p07_a_receipt_proves_its_entry_by_the_key_alone() {
    let mut fixture = Fixture::whole();
    let ledger = fixture.ledger();
    let vkey = ledger.genesis().vkey.parse().unwrap();
    for seq in 0..14 {
        let text = ledger.receipt(seq).unwrap();
        let receipt = verify_receipt(&text, &vkey).unwrap();
        assert_eq!((receipt.index, receipt.facts.seq, receipt.checkpoint.size), (seq, seq, 14));
        assert_eq!(!receipt.armor.is_empty(), receipt.facts.kind.is_signed());
        let other = text.replacen("extra e", "extra f", 1);
        assert!(verify_receipt(&other, &vkey).is_err());
    }
    assert!(ledger.receipt(14).unwrap_err().to_string().contains("entry 14 is not covered"));
    std::fs::remove_file(&fixture.place.key).unwrap();
    fixture.refuse(1);
    let ledger = fixture.ledger();
    assert!(ledger.checkpoint().unwrap_err().to_string().contains("entries from 14 on"));
    assert!(ledger.receipt(13).is_ok());
}
