//! Recording what was refused or abandoned, at most once a minute for the same cause.

use super::{Batch, Ledger, LedgerError};
use crate::core::entry::{Facts, Kind};
use crate::core::moment::Moment;
use rusqlite::OptionalExtension;

/// What was refused, without any free text.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The verb that was refused.
    pub verb: &'static str,
    /// Why, as a word of the program's own.
    pub cause: &'static str,
    /// The person of the roster, where known.
    pub person: Option<String>,
    /// The OS user.
    pub by: String,
    /// The registered scope, where it was reached.
    pub scope: Option<String>,
}

const MINUTE_MS: u64 = 60_000;

impl Ledger {
    /// Records a refusal; the same cause from the same person at most once a minute.
    pub fn record_refusal(&mut self, refusal: &Refusal, now: &Moment) -> Result<(), LedgerError> {
        let who = refusal.person.as_ref().unwrap_or(&refusal.by);
        let mut batch = Batch::begin(self, now)?;
        let earlier: Option<(String, u64)> = batch
            .connection()
            .prepare_cached(
                "SELECT boot_id, boot_ms FROM refusal WHERE who = ?1 AND verb = ?2 AND cause = ?3",
            )?
            .query_row((who, refusal.verb, refusal.cause), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let again = earlier.is_some_and(|(boot_id, boot_ms)| {
            boot_id == now.boot_id && now.boot_ms.saturating_sub(boot_ms) < MINUTE_MS
        });
        if again {
            return Ok(());
        }
        batch
            .connection()
            .prepare_cached(
                "INSERT OR REPLACE INTO refusal(who, verb, cause, boot_id, boot_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((who, refusal.verb, refusal.cause, &now.boot_id, now.boot_ms))?;
        batch.append(
            Facts {
                verb: Some(refusal.verb.to_owned()),
                cause: Some(refusal.cause.to_owned()),
                person: refusal.person.clone(),
                by: Some(refusal.by.clone()),
                scope: refusal.scope.clone(),
                ..Facts::new(Kind::Refused, now)
            },
            "",
        )?;
        batch.commit()?;
        Ok(())
    }
}
