//! Working state of retries; no part of the proof.

use super::LedgerError;
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension};

/// The latest round of a grant that is not proved closed.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) tries: u32,
    boot_id: String,
    boot_ms: u64,
    wait_ms: u64,
    /// When an entry last said how it stands.
    pub(super) recorded_at: DateTime<Utc>,
}

impl Attempt {
    pub(super) fn new(tries: u32, now: &Moment, wait_ms: u64, recorded_at: DateTime<Utc>) -> Self {
        Self { tries, boot_id: now.boot_id.clone(), boot_ms: now.boot_ms, wait_ms, recorded_at }
    }

    /// Whether the wait is over. A reboot ends it: trying once more harms nobody.
    pub(super) fn is_over(&self, now: &Moment) -> bool {
        now.boot_id != self.boot_id || now.boot_ms >= self.boot_ms.saturating_add(self.wait_ms)
    }

    /// Whether the daily entry is owed; also where the clock was set back.
    pub(super) fn day_has_passed(&self, now: &Moment) -> bool {
        let since = now.wall - self.recorded_at;
        since >= TimeDelta::days(1) || since < TimeDelta::zero()
    }
}

pub(super) fn read(connection: &Connection, grant: &str) -> Result<Option<Attempt>, LedgerError> {
    let row = connection
        .prepare_cached(
            r#"SELECT tries, boot_id, boot_ms, wait_ms, recorded_at FROM attempt WHERE "grant" = ?1"#,
        )?
        .query_row([grant], |row| {
            Ok(Attempt {
                tries: row.get(0)?,
                boot_id: row.get(1)?,
                boot_ms: row.get(2)?,
                wait_ms: row.get(3)?,
                recorded_at: parse_rfc3339(&row.get::<_, String>(4)?).unwrap_or_default(),
            })
        })
        .optional()?;
    Ok(row)
}

pub(super) fn write(connection: &Connection, grant: &str, attempt: &Attempt) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            r#"INSERT OR REPLACE INTO attempt("grant", tries, boot_id, boot_ms, wait_ms, recorded_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)"#,
        )?
        .execute((
            grant,
            attempt.tries,
            &attempt.boot_id,
            attempt.boot_ms,
            attempt.wait_ms,
            rfc3339(attempt.recorded_at),
        ))?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, grant: &str) -> Result<(), LedgerError> {
    connection.prepare_cached(r#"DELETE FROM attempt WHERE "grant" = ?1"#)?.execute([grant])?;
    Ok(())
}
