//! Whole ledgers are found whole; any single byte that changes is found.

use super::fixture::{Fixture, ORIGIN};
use crate::ports::ledger::{LedgerError, VerifyOptions};
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;

#[test]
fn p07_a_whole_ledger_is_whole_and_says_what_it_could_not_exclude() {
    let verification = Fixture::whole().verify();
    assert_eq!(verification.findings, []);
    assert!(verification.is_whole());
    assert_eq!((verification.size, verification.signatures, verification.vouched), (14, 3, 10));
    assert_eq!((verification.origin.as_str(), verification.unsigned_from), (ORIGIN, None));
    assert_eq!(verification.orphan_texts, 0);
    assert!(verification.not_excluded[0].starts_with("With no anchor, receipt or earlier checkpoint given"));
}

#[test]
fn p07_a_long_ledger_is_verified_across_its_chunks() {
    let mut fixture = Fixture::found(7);
    fixture.register();
    fixture.refuse(700);
    fixture.live_a_life();
    fixture.refuse(400);
    let verification = fixture.verify();
    assert_eq!(verification.findings, []);
    assert_eq!((verification.size, verification.signatures, verification.vouched), (1_115, 4, 711));
    fixture.damage("UPDATE node SET hash = zeroblob(32) WHERE level = 9 AND idx = 0");
    let findings = fixture.verify().findings;
    assert!(super::names(&findings, 0, "node 9/0 of the tree (entries 0 to 511)"), "{findings:#?}");
    fixture.damage("DELETE FROM entry WHERE seq BETWEEN 100 AND 600");
    let findings = fixture.verify().findings;
    assert!(super::names(&findings, 100, "the entries 100 to 600 are missing"), "{findings:#?}");
}

#[test]
fn p07_entries_without_a_signed_head_are_said_to_be_so() {
    let mut fixture = Fixture::whole();
    std::fs::remove_file(&fixture.place.key).unwrap();
    fixture.refuse(3);
    let verification = fixture.verify();
    assert_eq!((verification.findings, verification.unsigned_from), (vec![], Some(14)));
    assert!(verification.not_excluded[1].starts_with("Entries 14 to 16 are not covered by a signed head"));
}

#[test]
fn p07_a_database_torn_in_two_is_an_integrity_error_or_a_finding() {
    for table in
        ["entry", "text", "node", "head", "\"grant\"", "step", "review", "registration", "used_statement"]
    {
        let fixture = Fixture::whole();
        fixture.damage(&format!("DROP VIEW statement; DROP TABLE {table}"));
        let error = fixture.try_verify(&VerifyOptions::default()).unwrap_err();
        assert!(error.is_integrity(), "{table}: {error:?}");
    }
    let fixture = Fixture::whole();
    fixture.damage("PRAGMA journal_mode = DELETE");
    let mut bytes = std::fs::read(&fixture.place.database).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0x5a);
    std::fs::write(&fixture.place.database, &bytes).unwrap();
    match fixture.try_verify(&VerifyOptions::default()) {
        Ok(verification) => assert!(!verification.is_whole()),
        Err(error) => assert!(error.is_integrity(), "{error:?}"),
    }
}

/// The columns that are part of the proof.
const COLUMNS: [(&str, &str); 8] = [
    ("entry", "bytes"),
    ("entry", "signature"),
    ("entry", "leaf_hash"),
    ("text", "sha512"),
    ("text", "bytes"),
    ("node", "hash"),
    ("head", "root"),
    ("head", "frontier"),
];
const HEAD: [(&str, &str); 2] = [("head", "clock_floor"), ("head", "note")];

/// Flips one bit of one byte of a column's value, in the type that it has.
fn flip(connection: &Connection, table: &str, column: &str, row: usize, place: usize, bit: u8) -> bool {
    let key = match table {
        "node" => "level || '/' || idx",
        _ => "rowid",
    };
    let sql = format!("SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1");
    let mut statement = connection.prepare(&sql).unwrap();
    let rows: Vec<(Value, Value)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let (key_value, value) = rows[row % rows.len()].clone();
    let flipped = |mut bytes: Vec<u8>| {
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        bytes
    };
    let cast = match &value {
        Value::Text(_) => "CAST(?1 AS TEXT)",
        _ => "?1",
    };
    let bytes = match value {
        Value::Text(text) => flipped(text.into_bytes()),
        Value::Blob(bytes) => flipped(bytes),
        _ => return false,
    };
    let sql = format!("UPDATE {table} SET {column} = {cast} WHERE {key} = ?2");
    connection.execute(&sql, (bytes, key_value)).unwrap() == 1
}

#[test]
fn p07_any_flipped_byte_is_found() {
    let fixture = Fixture::whole();
    fixture.damage("PRAGMA journal_mode = DELETE");
    let whole = std::fs::read(&fixture.place.database).unwrap();
    let columns: Vec<_> = COLUMNS.into_iter().chain(HEAD).collect();
    let strategy = (0..columns.len(), any::<usize>(), any::<usize>(), 0..8u8);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    runner
        .run(&strategy, |(column, row, place, bit)| {
            std::fs::write(&fixture.place.database, &whole).unwrap();
            let (table, column) = columns[column];
            {
                let connection = Connection::open(&fixture.place.database).unwrap();
                connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
                prop_assert!(flip(&connection, table, column, row, place, bit));
            }
            match fixture.try_verify(&VerifyOptions::default()) {
                Ok(verification) => prop_assert!(!verification.is_whole(), "{}.{}", table, column),
                Err(LedgerError::Sqlite(error)) => prop_assert!(false, "{}", error),
                Err(error) => prop_assert!(error.is_integrity(), "{}", error),
            }
            Ok(())
        })
        .unwrap();
}
