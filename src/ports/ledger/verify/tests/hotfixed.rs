//! Hotfixes that were used by who writes past the permit, and who finds it.

use super::fixture::{Fixture, confirm, grant, names, object, public_key};
use crate::core::id::{ActId, Nonce};
use crate::core::playbook::SAMPLE;
use crate::core::statement::{Hotfix, Register, Request, Statement};
use crate::ports::ledger::{LedgerError, Recorded};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

const SCOPE: &str = "break-glass/demo-file";
const PATH: &str = "playbooks/sample.toml";

fn sha512(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha512::digest(bytes))
}

fn mended() -> String {
    let mended = SAMPLE.replacen("opens    =", "runbook = \"https://mended.example\"\nopens    =", 1);
    assert_ne!(mended, SAMPLE);
    mended
}

/// 0 genesis, 1 registered by ana: the sample, and ben beside her; 2 proposed by ana, 3 hotfixed by
/// ben.
fn hotfixed() -> Fixture {
    let mut fixture = Fixture::found(7);
    let files = [("glass.toml", Fixture::settings_of_two()), (PATH, SAMPLE.as_bytes().to_vec())];
    let list: Vec<Value> =
        files.iter().map(|(path, bytes)| json!({"path": path, "sha512": sha512(bytes)})).collect();
    let facts = object(json!({"files": list, "previous": 0}));
    let statement = Statement::<Register>::new(&fixture.common(90), facts, object(json!({}))).unwrap();
    let bytes = files.map(|(_, bytes)| bytes);
    let now = fixture.now();
    fixture.ledger().sign_registration(&confirm(statement, 1), &bytes, &now).unwrap();
    sign(&mut fixture, 91, &[1, 2]).unwrap();
    let verification = fixture.verify();
    assert!(verification.is_whole(), "{:#?}", verification.findings);
    assert_eq!((verification.size, verification.orphan_texts), (4, 0));
    fixture
}

/// A hotfix of this nonce, signed by the holders of these keys.
fn sign(fixture: &mut Fixture, nonce: u8, keys: &[u8]) -> Result<(), LedgerError> {
    let mended = mended();
    let facts =
        object(json!({"scope": SCOPE, "path": PATH, "sha512": sha512(mended.as_bytes()), "previous": 1}));
    let common = fixture.common(nonce);
    for key in keys {
        let statement = Statement::<Hotfix>::new(&common, facts.clone(), object(json!({}))).unwrap();
        let now = fixture.now();
        fixture.ledger().sign_hotfix(&confirm(statement, *key), Some(mended.as_bytes()), &now)?;
    }
    Ok(())
}

/// Asks to open by the hotfix that counts, or with facts changed.
fn ask(
    fixture: &mut Fixture,
    nonce: u8,
    change: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Result<Recorded<Request>, LedgerError> {
    // The act's id follows from the nonce that its people signed.
    let act = ActId::of(&Nonce::new([91; 16])).to_string();
    let signer =
        |name: &str, byte| json!({"person": name, "key": public_key(byte).fingerprint().to_string()});
    let mut facts = object(json!({
        "grant": grant(nonce), "scope": SCOPE, "duration_s": 600, "review_within_s": 86_400,
        "registered": 1, "drill": false, "os_user": "ana", "playbook": sha512(mended().as_bytes()),
        "hotfix": act, "hotfix_by": [signer("ana", 1), signer("ben", 2)],
    }));
    change(&mut facts);
    let statement = Statement::<Request>::new(&fixture.common(nonce), facts, object(json!({}))).unwrap();
    let now = fixture.now();
    fixture.ledger().record_request(&confirm(statement, 1), &now)
}

#[track_caller]
fn found(fixture: &Fixture, seq: u64, what: &str) {
    let findings = fixture.verify().findings;
    assert!(names(&findings, seq, what), "{what}: {findings:#?}");
}

#[test]
fn p07_a_hotfix_opens_one_grant_and_the_second_is_named() {
    let mut fixture = hotfixed();
    // 4 and 5 ask for it; 6..=8 and 9..=11 open.
    ask(&mut fixture, 1, |_| {}).unwrap();
    ask(&mut fixture, 2, |_| {}).unwrap();
    fixture.open(&grant(1));
    let verification = fixture.verify();
    assert!(verification.is_whole(), "{:#?}", verification.findings);
    let refused = ask(&mut fixture, 3, |_| {}).unwrap_err();
    assert!(refused.to_string().contains("does not count any more"), "{refused}");
    fixture.open(&grant(2));
    found(&fixture, 9, "it opened by a hotfix that did not count any more");
}

#[test]
fn p11_a_hotfix_opens_nothing_after_a_day() {
    let mut fixture = hotfixed();
    ask(&mut fixture, 1, |_| {}).unwrap();
    fixture.wait(TimeDelta::hours(25));
    let refused = ask(&mut fixture, 2, |_| {}).unwrap_err();
    assert!(refused.to_string().contains("does not count any more"), "{refused}");
    fixture.open(&grant(1));
    found(&fixture, 5, "it opened by a hotfix that did not count any more");
}

#[test]
fn p05_a_request_names_the_hotfix_that_counts_as_it_is() {
    let mut fixture = hotfixed();
    let cases: [(&str, Value); 4] = [
        ("hotfix", json!("p-aaaaaaaaaa")),
        ("playbook", json!(sha512(SAMPLE.as_bytes()))),
        ("hotfix_by", json!([])),
        ("hotfix_by", json!("ana")),
    ];
    for (index, (key, value)) in cases.into_iter().enumerate() {
        let changed = ask(&mut fixture, 20 + index as u8, |facts| drop(facts.insert(key.into(), value)));
        let refused = changed.unwrap_err().to_string();
        assert!(refused.contains("count") || refused.contains("hotfix_by"), "{key}: {refused}");
    }
    ask(&mut fixture, 1, |_| {}).unwrap();
    fixture.forge(4, &sha512(mended().as_bytes()), &sha512(SAMPLE.as_bytes()));
    found(&fixture, 4, "it names a hotfix that did not count for it");
}

#[test]
fn p06_a_hotfix_without_its_two_signatures_is_named_and_opens_nothing() {
    let mut fixture = hotfixed();
    let refused = sign(&mut fixture, 92, &[1, 1]).unwrap_err();
    assert!(refused.to_string().contains("ana signed p-"), "{refused}");
    let fixture = hotfixed();
    fixture.forge(3, "\"cosigned\":[2],", "");
    found(&fixture, 3, "it is no hotfix");
    let mut fixture = fixture;
    let refused = ask(&mut fixture, 1, |_| {}).unwrap_err();
    assert!(refused.is_integrity(), "{refused}");
}
