//! The database's shape, and the ordered migrations that lead to it.

use super::LedgerError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours in its header (`file(1)` and `PRAGMA application_id` show it): "glas".
const APPLICATION_ID: i32 = 0x676c_6173;

/// Each brings the schema from its index to the next version; never edited once released.
const MIGRATIONS: &[&str] = &[V1, V2, V3];

const V1: &str = r#"
CREATE TABLE entry(
  seq INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL,
  signature BLOB,
  leaf_hash BLOB NOT NULL
);
CREATE TRIGGER entry_in_order BEFORE INSERT ON entry
WHEN new.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entry)
BEGIN SELECT raise(ABORT, 'the ledger is append-only: entries follow in order'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'the ledger is append-only: entries do not change'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'the ledger is append-only: entries are not deleted'); END;

CREATE TABLE text(sha512 TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TRIGGER text_no_update BEFORE UPDATE ON text
BEGIN SELECT raise(ABORT, 'texts do not change'); END;
CREATE TRIGGER text_no_delete BEFORE DELETE ON text
BEGIN SELECT raise(ABORT, 'texts are not deleted'); END;

CREATE VIEW statement AS
SELECT entry.seq AS seq, CAST(text.bytes AS TEXT) AS text, CAST(entry.signature AS TEXT) AS signature
FROM entry JOIN text ON text.sha512 = json_extract(CAST(entry.bytes AS TEXT), '$.statement')
WHERE entry.signature IS NOT NULL;

CREATE TABLE node(level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, idx)) WITHOUT ROWID;
CREATE TABLE head(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  frontier BLOB NOT NULL,
  clock_floor TEXT NOT NULL,
  note TEXT
);

CREATE TABLE "grant"(
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  state TEXT NOT NULL,
  person TEXT NOT NULL,
  drill INTEGER NOT NULL,
  requested INTEGER NOT NULL,
  requested_at TEXT NOT NULL,
  activated_at TEXT,
  expires_at TEXT,
  closed_at TEXT,
  boot_id TEXT,
  boot_ms INTEGER,
  statement TEXT,
  last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX grant_live ON "grant"(state, id) WHERE state NOT IN ('closed', 'activation-failed');
CREATE INDEX grant_scope ON "grant"(scope, closed_at);
CREATE INDEX grant_drill ON "grant"(scope, closed_at) WHERE drill = 1;
CREATE TABLE step("grant" TEXT, idx INTEGER, id TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY("grant", idx)) WITHOUT ROWID;
CREATE TABLE review("grant" TEXT PRIMARY KEY, due_at TEXT NOT NULL, verdict TEXT) WITHOUT ROWID;
CREATE INDEX review_owed ON review(due_at) WHERE verdict IS NULL;
CREATE TABLE registration(seq INTEGER PRIMARY KEY);
CREATE TABLE used_statement(statement TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE attempt(
  "grant" TEXT PRIMARY KEY,
  tries INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  boot_ms INTEGER NOT NULL,
  wait_ms INTEGER NOT NULL,
  recorded_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE refusal(who TEXT, verb TEXT, cause TEXT, boot_id TEXT NOT NULL, boot_ms INTEGER NOT NULL, PRIMARY KEY(who, verb, cause)) WITHOUT ROWID;
"#;

/// Requests that wait, acts of two people, and statements that several sign.
const V2: &str = r#"
DROP INDEX grant_live;
CREATE INDEX grant_live ON "grant"(state, id)
  WHERE state NOT IN ('closed', 'activation-failed', 'denied', 'withdrawn', 'lapsed');
ALTER TABLE "grant" ADD COLUMN needed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "grant" ADD COLUMN lapses_at TEXT;
CREATE TABLE approval("grant" TEXT, idx INTEGER, person TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY("grant", idx)) WITHOUT ROWID;

CREATE TABLE act(
  id TEXT PRIMARY KEY,
  verb TEXT NOT NULL,
  state TEXT NOT NULL,
  person TEXT NOT NULL,
  proposed_at TEXT NOT NULL,
  last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX act_pending ON act(id) WHERE state = 'pending';

ALTER TABLE used_statement RENAME TO used_statement_of_one;
CREATE TABLE used_statement(
  statement TEXT,
  person TEXT,
  seq INTEGER NOT NULL,
  PRIMARY KEY(statement, person)
) WITHOUT ROWID;
INSERT INTO used_statement(statement, person, seq)
  SELECT used_statement_of_one.statement, json_extract(CAST(entry.bytes AS TEXT), '$.person'), used_statement_of_one.seq
  FROM used_statement_of_one JOIN entry USING (seq);
DROP TABLE used_statement_of_one;
"#;

/// Sessions under grants.
const V3: &str = r#"
CREATE TABLE session(
  id TEXT PRIMARY KEY,
  "grant" TEXT NOT NULL,
  state TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended_at TEXT,
  files TEXT NOT NULL,
  last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_grant ON session("grant", started);
CREATE INDEX session_running ON session(id) WHERE state = 'running';
CREATE INDEX session_kept ON session(ended_at) WHERE state IN ('ended', 'interrupted') AND files <> '';

CREATE TABLE deletion(session TEXT PRIMARY KEY, "grant" TEXT NOT NULL) WITHOUT ROWID;
"#;

/// Settings of every connection, before anything is read.
pub(super) fn configure(connection: &Connection) -> Result<(), LedgerError> {
    // Nobody is to read the word "locked": a writer holds the file for milliseconds.
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")?;
    // Without it SQLite plans some statements anew for each value that is bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Refuses a database of a newer glass, or of something else.
pub(super) fn check(connection: &Connection) -> Result<(), LedgerError> {
    let found = version(connection)?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(LedgerError::NotALedger);
    }
    if found > MIGRATIONS.len() {
        return Err(LedgerError::Newer { found, known: MIGRATIONS.len() });
    }
    Ok(())
}

/// Whether an older glass wrote it.
pub(super) fn is_older(connection: &Connection) -> Result<bool, LedgerError> {
    Ok(version(connection)? < MIGRATIONS.len())
}

/// Brings an older or empty database to this version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), LedgerError> {
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited.
    let found = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, LedgerError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(found).map_err(|_| LedgerError::NotALedger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus::RePrepare;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let mut connection = Connection::open_in_memory().unwrap();
        configure(&connection).unwrap();
        migrate(&mut connection).unwrap();
        let steps =
            || connection.prepare_cached(r#"SELECT id FROM step WHERE "grant" = ?1 ORDER BY idx"#).unwrap();
        for grant in ["a", "b", "c"] {
            assert!(!steps().exists([grant]).unwrap());
        }
        assert_eq!(steps().get_status(RePrepare), 0);
    }
}
