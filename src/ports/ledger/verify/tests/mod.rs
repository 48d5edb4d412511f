//! Every damage that an owner of the file could do, and the finding that names it.

mod acts;
mod fixture;
mod granted;
mod hotfixed;
mod kept;
mod reviewed;
mod sessions;
mod touched;
mod whole;

use crate::core::entry::{Facts, Kind};
use crate::ports::ledger::{Batch, LedgerKey};
use fixture::{Fixture, grant, names};

/// Each damage, as an owner of the file could do it, and the finding that names it.
fn found(sql: &str, seq: impl Into<Option<u64>>, what: &str) {
    let fixture = Fixture::whole();
    fixture.damage(sql);
    let findings = fixture.verify().findings;
    assert!(names(&findings, seq, what), "{sql}: {findings:#?}");
}

#[test]
fn p07_a_changed_entry_is_named() {
    let hashed = "its facts or its signature were changed";
    // One character of the facts, of the same length.
    found(
        r#"UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'not-confirmed', 'nOt-confirmed') AS BLOB) WHERE seq = 9"#,
        9,
        hashed,
    );
    found("UPDATE entry SET bytes = x'7b7d' WHERE seq = 9", 9, "not the facts of an entry");
    found("UPDATE entry SET bytes = 'text' WHERE seq = 9", 9, "in a form that glass never writes");
    found("UPDATE entry SET signature = NULL WHERE seq = 10", 10, "has no signature");
    found("UPDATE entry SET signature = x'00' WHERE seq = 9", 9, "has a signature");
    found("UPDATE entry SET signature = 'text' WHERE seq = 10", 10, "in a form that glass never writes");
    found("UPDATE entry SET leaf_hash = zeroblob(32) WHERE seq = 9", 9, "its stored hash was changed");
}

#[test]
fn p07_a_changed_signature_is_named() {
    // The other request's signature: good, but over another statement.
    let swap = "UPDATE entry SET signature = (SELECT signature FROM entry WHERE seq = 2) WHERE seq = 10";
    found(swap, 10, "the signature does not match");
    found(swap, 10, "its facts or its signature were changed");
    // The same bytes in another armor.
    found(
        r#"UPDATE entry SET signature = CAST(CAST(signature AS TEXT) || char(10) AS BLOB) WHERE seq = 10"#,
        10,
        "not in the one form",
    );
}

#[test]
fn p07_a_changed_or_missing_text_is_named() {
    let change = |seq| {
        format!(
            "UPDATE text SET bytes = CAST(replace(CAST(bytes AS TEXT), 'INC-1', 'INC-2') AS BLOB)
             WHERE sha512 = (SELECT json_extract(CAST(bytes AS TEXT), '$.statement') FROM entry WHERE seq = {seq})"
        )
    };
    found(&change(2), 2, "the text of its statement was changed");
    let gone = "DELETE FROM text WHERE sha512 =
        (SELECT json_extract(CAST(bytes AS TEXT), '$.statement') FROM entry WHERE seq = 10)";
    found(gone, 10, "the text of its statement is missing");
    let file = |index| {
        format!(
            "(SELECT json_extract(CAST(bytes AS TEXT), '$.signed.files[{index}].sha512') FROM entry WHERE seq = 1)"
        )
    };
    found(
        &format!("UPDATE text SET bytes = CAST(bytes || x'0a' AS BLOB) WHERE sha512 = {}", file(1)),
        1,
        "the text of playbooks/sample.toml was changed",
    );
    found(&format!("DELETE FROM text WHERE sha512 = {}", file(0)), 1, "the text of glass.toml is missing");
    let output = format!("bytes = CAST('accessor of {}' AS BLOB)", grant(1));
    found(&format!("UPDATE text SET bytes = x'00' WHERE {output}"), 4, "the output `accessor` was changed");
    found(&format!("DELETE FROM text WHERE {output}"), 4, "the output `accessor` is missing");
    let tail = format!("bytes = CAST('tail of {}' AS BLOB)", grant(1));
    found(&format!("DELETE FROM text WHERE {tail}"), 4, "the error text of `grant` is missing");
    found("INSERT INTO text VALUES ('00', x'00')", None, "text 00 was changed; no entry names it");
}

#[test]
fn a_whole_text_that_no_entry_names_is_said_but_harms_nothing() {
    let mut fixture = Fixture::whole();
    let now = fixture.now();
    let mut ledger = fixture.ledger();
    let batch = Batch::begin(&mut ledger, &now).unwrap();
    batch.text(b"nobody's").unwrap();
    batch.commit().unwrap();
    let verification = fixture.verify();
    assert_eq!((verification.findings, verification.orphan_texts), (vec![], 1));
}

#[test]
fn p07_a_dropped_entry_is_named() {
    found("DELETE FROM entry WHERE seq = 9", 9, "the entry is missing");
    found("DELETE FROM entry WHERE seq BETWEEN 3 AND 5", 3, "the entries 3 to 5 are missing");
    found("DELETE FROM entry WHERE seq = 13", 13, "the entry is missing: the head counts 14");
    found("DELETE FROM entry WHERE seq = 13", 13, "the tree holds it, but the entry is missing");
    found("DELETE FROM entry WHERE seq = 13; UPDATE head SET size = 13", 13, "the ledger's key signed");
}

#[test]
fn p07_an_end_that_is_cut_off_with_its_nodes_and_head_is_found() {
    let fixture = Fixture::whole();
    fixture.damage("DELETE FROM entry WHERE seq = 13");
    fixture.forge(0, "", "");
    let findings = fixture.verify().findings;
    assert!(names(&findings, 13, "the entry is missing: the ledger's key signed"), "{findings:#?}");
    // Without the key the checkpoint can only be removed, which never happens by itself.
    fixture.damage("UPDATE head SET note = NULL");
    assert!(names(&fixture.verify().findings, None, "no signed checkpoint"));
}

#[test]
fn p07_a_swapped_or_added_entry_is_named() {
    let swap = "UPDATE entry SET seq = -1 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = 9;
                UPDATE entry SET seq = 9 WHERE seq = -1";
    found(swap, 4, "it says that it is entry 9");
    found(swap, 9, "it says that it is entry 4");
    let add = "INSERT INTO entry SELECT 14, bytes, signature, leaf_hash FROM entry WHERE seq = 9";
    found(add, 14, "it was added: the head counts 14");
    found(add, 14, "it says that it is entry 9");
    found(
        "INSERT INTO entry SELECT -5, bytes, signature, leaf_hash FROM entry WHERE seq = 9",
        None,
        "before the first",
    );
    let far =
        "INSERT INTO entry SELECT 4611686018427387904, bytes, signature, leaf_hash FROM entry WHERE seq = 9";
    found(far, 14, "are missing");
}

#[test]
fn p07_a_changed_node_is_named() {
    found(
        "UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 9",
        9,
        "the tree holds another entry",
    );
    found(
        "UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND idx = 1",
        4,
        "node 2/1 of the tree (entries 4 to 7)",
    );
    found("DELETE FROM node WHERE level = 2 AND idx = 1", 4, "is missing");
    found("DELETE FROM node WHERE level = 0 AND idx = 9", 9, "the tree does not hold it");
    found("INSERT INTO node VALUES (3, 9, zeroblob(32))", None, "node 3/9 is none of a tree of 14 entries");
    found("INSERT INTO node VALUES ('x', 9, zeroblob(32))", None, "has no place");
}

#[test]
fn p07_a_changed_head_is_found() {
    found("UPDATE head SET root = zeroblob(32)", None, "the head's root");
    found("UPDATE head SET frontier = zeroblob(96)", None, "the head's frontier");
    found("UPDATE head SET clock_floor = '2026-01-01T00:00:00.000Z'", None, "the head's clock floor");
    found("UPDATE head SET note = replace(note, '14', '13')", None, "is not signed by this ledger's key");
    found("DELETE FROM head", None, "the head is missing");
    found("UPDATE head SET size = 'many'", None, "the head has no size");
}

#[test]
fn p07_a_changed_projection_is_named() {
    let (ended, active) = (grant(1), grant(2));
    let row = |what: &str, id: &str| format!(r#"UPDATE "grant" SET {what} WHERE id = '{id}'"#);
    found(&row("state = 'closed'", &active), 13, "`state` says \"closed\"");
    found(&row("state = 'active'", &ended), 8, "`state` says \"active\"");
    found(&row("boot_ms = 9999999", &active), 13, "`boot_ms`");
    found(&row("last = 7", &ended), 8, "`last` says 7");
    found(&row("drill = 'maybe'", &active), 13, "in a form that glass never writes");
    found(&format!(r#"DELETE FROM "grant" WHERE id = '{active}'"#), 13, "the row is missing");
    found(
        &format!(r#"UPDATE step SET state = 'closed' WHERE "grant" = '{active}'"#),
        13,
        "step `file` is `open`",
    );
    found(&format!(r#"DELETE FROM step WHERE "grant" = '{active}'"#), 13, "step `file`");
    found(
        &format!(r#"INSERT INTO step VALUES ('{active}', 1, 'x', 'open')"#),
        None,
        "table `step` has 3 rows",
    );
    let stranger = r#"INSERT INTO "grant" SELECT 'g-aaaaaaaaaa', scope, state, person, drill, requested,
        requested_at, activated_at, expires_at, closed_at, boot_id, boot_ms, statement, last, needed, lapses_at FROM "grant" LIMIT 1"#;
    found(stranger, None, "no entry tells of was added: g-aaaaaaaaaa");
    found("INSERT INTO review VALUES ('g-x', '', NULL)", None, "no entry tells of was added: g-x");
    found("UPDATE review SET due_at = '2099-01-01T00:00:00.000Z'", 8, "the review");
    found("UPDATE review SET verdict = 'justified'", 8, "the review");
    found("DELETE FROM review", 8, "the review");
    found("DELETE FROM registration", 1, "not listed among the registrations");
    found("INSERT INTO registration VALUES (5)", None, "2 registrations are listed");
    found("UPDATE used_statement SET seq = 5 WHERE seq = 2", 2, "not listed as used");
    found("INSERT INTO used_statement VALUES ('00', 'ana', 5)", None, "4 statements are listed");
}

#[test]
fn p07_a_transition_that_cannot_be_is_named() {
    let mut fixture = Fixture::whole();
    std::fs::remove_file(&fixture.place.key).unwrap();
    let now = fixture.now();
    fixture.append(vec![Facts { grant: Some(grant(2)), ..Facts::new(Kind::Refused, &now) }]);
    fixture.forge(14, r#""kind":"refused""#, r#""kind":"closed""#);
    let findings = fixture.verify().findings;
    assert!(names(&findings, 14, "`closed` can't follow active"), "{findings:#?}");
    assert!(!names(&findings, 14, "changed"), "{findings:#?}");
}

#[test]
fn p07_a_rewrite_of_what_a_signer_saw_is_named() {
    let fixture = Fixture::whole();
    fixture.forge(9, "not-confirmed", "no-terminal!!");
    let findings = fixture.verify().findings;
    assert!(
        names(&findings, 10, "its signer saw a head of 10 entries that this ledger never had"),
        "{findings:#?}"
    );
    assert!(names(&findings, None, "the first 14 entries are not those that the ledger's key signed"));
    assert!(!names(&findings, 9, ""), "the rewritten entry itself looks whole: {findings:#?}");
    // Whoever holds the ledger's key signs the new head: the person's signature is left.
    let key = LedgerKey::new(fixture::ORIGIN, &zeroize::Zeroizing::new([7; 32])).unwrap();
    let checkpoint = crate::core::note::Checkpoint {
        origin: fixture::ORIGIN.to_owned(),
        size: 14,
        root: fixture.ledger().head().unwrap().frontier.root(),
    };
    fixture.damage(&format!("UPDATE head SET note = '{}'", key.sign(&checkpoint.text()).unwrap()));
    let findings = fixture.verify().findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].seq, Some(10));
}

#[test]
fn p06_a_signature_by_a_key_outside_the_roster_of_its_time_is_named() {
    let mut fixture = Fixture::whole();
    let key = |byte: u8| fixture::public_key(byte).fingerprint().to_string();
    std::fs::remove_file(&fixture.place.key).unwrap();
    fixture.request(3);
    // As if somebody else had signed it: facts that name another key.
    fixture.forge(14, &key(1), &key(2));
    let findings = fixture.verify().findings;
    assert!(names(&findings, 14, "was not one of that person's in the roster of that time"), "{findings:#?}");
    fixture.forge(14, &key(2), &key(1));
    assert_eq!(fixture.verify().findings, []);
    fixture.forge(14, r#""person":"ana","prev""#, r#""person":"bo","prev""#);
    fixture.forge(14, r#""person":"ana","seq""#, r#""person":"bo","seq""#);
    let findings = fixture.verify().findings;
    assert!(names(&findings, 14, "another person signed it than its facts say"), "{findings:#?}");
}
