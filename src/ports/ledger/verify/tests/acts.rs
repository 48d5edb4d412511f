//! Acts of several people: what an owner of the file could make of them, and who finds it.

use super::fixture::{Fixture, names, public_key};
use crate::core::id::ActId;
use crate::core::moment::Moment;
use crate::ports::ledger::Act;
use chrono::TimeDelta;

/// 0 genesis, 1 registered by ana alone (from then on two must sign), 2 proposed by ana,
/// 3 registered by ben, 4 proposed by ana.
fn two() -> (Fixture, String) {
    let mut fixture = Fixture::found(7);
    fixture.register_by(&[1]).unwrap();
    fixture.register_by(&[1, 2]).unwrap();
    let id = fixture.propose().to_string();
    let verification = fixture.verify();
    assert!(verification.is_whole(), "{:#?}", verification.findings);
    assert_eq!((verification.size, verification.signatures), (5, 4));
    (fixture, id)
}

#[track_caller]
fn found(fixture: &Fixture, seq: impl Into<Option<u64>>, what: &str) {
    let findings = fixture.verify().findings;
    assert!(names(&findings, seq, what), "{what}: {findings:#?}");
}

#[test]
fn p07_what_is_listed_of_an_act_is_held_against_its_entries() {
    for (sql, seq, what) in [
        ("UPDATE act SET state = 'done' WHERE state = 'pending'", Some(4), "is not what its entries say"),
        ("UPDATE act SET state = 'pending'", Some(3), "is not what its entries say"),
        ("UPDATE act SET person = 'eve'", Some(4), "is not what its entries say"),
        ("UPDATE act SET last = 3 WHERE last = 4", Some(4), "is not what its entries say"),
        ("UPDATE act SET verb = x'00'", Some(3), "is not what its entries say"),
        ("DELETE FROM act WHERE state = 'done'", None, "1 acts are listed, the entries hold 2"),
        (
            "INSERT INTO act VALUES ('p-aaaaaaaaaa', 'register', 'done', 'ana', 'x', 3)",
            None,
            "3 acts are listed",
        ),
    ] {
        let (fixture, _) = two();
        fixture.damage(sql);
        found(&fixture, seq, what);
    }
}

#[test]
fn p05_a_registration_without_the_signatures_that_it_needed_is_named_and_counts_nowhere() {
    let (fixture, id) = two();
    fixture.forge(4, &format!("\"act\":\"{id}\","), "");
    fixture.forge(4, "\"kind\":\"proposed\"", "\"kind\":\"registered\"");
    fixture.damage("INSERT INTO registration VALUES (4); DELETE FROM act WHERE state = 'pending'");
    found(&fixture, 4, "1 signed it, and 2 people must have");
    let refused = fixture.ledger().registered().unwrap_err();
    assert!(refused.is_integrity(), "{refused}");
    assert!(refused.to_string().contains("1 admins signed it, and 2 must have"), "{refused}");

    let (fixture, _) = two();
    fixture.forge(3, "\"cosigned\":[2],", "");
    found(&fixture, 3, "it does not name the signatures before it");
    assert!(fixture.ledger().registered().unwrap_err().is_integrity());
}

#[test]
fn p06_a_signature_of_the_same_person_or_over_something_else_is_named() {
    let keys = [1, 2].map(|byte| public_key(byte).fingerprint().to_string());
    let (fixture, _) = two();
    fixture.forge(2, &keys[0], &keys[1]);
    fixture.forge(2, "\"person\":\"ana\",\"seq\":2", "\"person\":\"ben\",\"seq\":2");
    found(&fixture, 3, "the same person signed it twice");
    found(&fixture, 2, "another person signed it than its facts say");
    assert!(fixture.ledger().registered().unwrap_err().is_integrity());

    // Ben signed something else than ana did.
    let (fixture, _) = two();
    fixture.forge(2, "\"verb\":\"register\"", "\"verb\":\"record\"");
    found(&fixture, 2, "its facts are not those of the signed statement");
    let digest = |seq: u64| -> String {
        let sql = "SELECT json_extract(CAST(bytes AS TEXT), '$.statement') FROM entry WHERE seq = ?1";
        let connection = rusqlite::Connection::open(&fixture.place.database).unwrap();
        connection.query_row(sql, [seq], |row| row.get(0)).unwrap()
    };
    let (second, other) = (digest(3), digest(4));
    let (fixture, _) = two();
    fixture.forge(3, &second, &other);
    found(&fixture, 3, "another statement was signed than the first of its people signed");
    assert!(fixture.ledger().registered().unwrap_err().is_integrity());
}

#[test]
fn p06_the_ledger_itself_takes_no_second_signature_of_one_person() {
    let mut fixture = Fixture::found(7);
    fixture.register_by(&[1]).unwrap();
    let refused = fixture.register_by(&[1, 1]).unwrap_err();
    assert!(refused.to_string().contains("ana signed p-"), "{refused}");
    let refused = fixture.register_by(&[2]).unwrap_err();
    assert!(refused.to_string().contains("not one of that person's"), "{refused}");
    assert!(fixture.verify().is_whole());
}

#[test]
fn p11_an_act_lapses_after_a_day_by_either_clock() {
    let (mut fixture, id) = two();
    let id: ActId = id.parse().unwrap();
    fixture.wait(TimeDelta::hours(24) - TimeDelta::seconds(10));
    let before = fixture.now();
    assert_eq!(fixture.ledger().acts_to_lapse(&before).unwrap(), []);
    fixture.wait(TimeDelta::seconds(20));
    let after = fixture.now();
    for now in [
        after.clone(),
        Moment { wall: before.wall, ..after.clone() },
        Moment { boot_ms: before.boot_ms, ..after.clone() },
    ] {
        assert_eq!(fixture.ledger().acts_to_lapse(&now).unwrap(), std::slice::from_ref(&id));
    }
    // Too early it does nothing, and twice it does nothing more.
    fixture.ledger().lapse_act(&id, &before).unwrap();
    assert!(matches!(fixture.ledger().act(&id, &before).unwrap(), Some(Act::Pending(_))));
    for _ in 0..2 {
        fixture.ledger().lapse_act(&id, &after).unwrap();
        assert!(matches!(fixture.ledger().act(&id, &after).unwrap(), Some(Act::Lapsed)));
    }
    let verification = fixture.verify();
    assert!(verification.is_whole(), "{:#?}", verification.findings);
    assert_eq!(verification.size, 6);
}

#[test]
fn p05_a_recovery_is_always_named() {
    let (mut fixture, _) = two();
    let now = fixture.now();
    assert_eq!(fixture.ledger().recover("cem", &public_key(3), &now).unwrap(), 5);
    let verification = fixture.verify();
    assert!(verification.is_whole(), "{:#?}", verification.findings);
    let named: Vec<_> =
        verification.recoveries.iter().map(|recovery| (recovery.seq, recovery.person.as_str())).collect();
    assert_eq!(named, [(5, "cem")]);
    fixture.damage("DELETE FROM registration WHERE seq = 5");
    found(&fixture, 5, "it is not listed among the registrations");
    let now = fixture.now();
    let refused = fixture.ledger().recover("eve", &public_key(2), &now).unwrap_err();
    assert!(refused.to_string().contains("belongs to `ben` already"), "{refused}");
}
