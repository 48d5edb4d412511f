//! Recordings whose time is over: which they are, and the entry that comes before their end.

use super::chain::chain;
use super::{Batch, Ledger, LedgerError, OfSession, projection, registered};
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Kind};
use crate::core::id::SessionId;
use crate::core::moment::{Moment, rfc3339};
use crate::core::policy;
use rusqlite::OptionalExtension;

/// Leave to delete the files of one recording: the ledger says already that it is deleted.
#[derive(Debug)]
pub struct Deletable {
    session: SessionId,
}

impl Deletable {
    /// Leave that no ledger gave.
    #[cfg(test)]
    pub(crate) fn for_tests(session: SessionId) -> Self {
        Self { session }
    }

    /// The session whose recording it is.
    pub const fn session(&self) -> &SessionId {
        &self.session
    }
}

/// So many recordings are deleted at a time: whoever else wants to write waits meanwhile.
const AT_ONCE: usize = 500;

impl Ledger {
    /// The recordings that were kept for as long as is registered, of reviewed grants; the oldest
    /// first, not more than are deleted at a time.
    ///
    /// Reads one row of an index where there is no recording to think of.
    pub fn stale_recordings(&self, now: &Moment) -> Result<Vec<OfSession>, LedgerError> {
        let oldest: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT ended_at FROM session INDEXED BY session_kept
                 WHERE state IN ('ended', 'interrupted') AND files <> '' ORDER BY ended_at LIMIT 1",
            )?
            .query_row([], |row| row.get(0))
            .optional()?;
        let Some(oldest) = oldest else { return Ok(Vec::new()) };
        let ended_until = self.kept_at_least()?.and_then(|keep| now.wall.checked_sub_signed(keep.delta()));
        let Some(ended_until) = ended_until.map(rfc3339).filter(|until| oldest <= *until) else {
            return Ok(Vec::new());
        };
        let mut statement = self.connection.prepare_cached(
            r#"SELECT session."grant", session.id FROM session INDEXED BY session_kept
               JOIN review ON review."grant" = session."grant"
               WHERE session.state IN ('ended', 'interrupted') AND session.files <> ''
                 AND session.ended_at <= ?1 AND review.verdict IS NOT NULL
               ORDER BY session.ended_at LIMIT ?2"#,
        )?;
        let rows = statement.query_map((ended_until, AT_ONCE), |row| {
            Ok(OfSession { grant: row.get(0)?, session: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// For how long the latest registration keeps recordings, its signatures not looked at: that
    /// is done before anything is deleted, not each minute.
    fn kept_at_least(&self) -> Result<Option<Seconds>, LedgerError> {
        let mut statement =
            self.connection.prepare_cached("SELECT seq FROM registration ORDER BY seq DESC")?;
        for seq in statement.query_map([], |row| row.get(0))? {
            let facts = projection::facts(&self.connection, seq?)?;
            if facts.kind == Kind::Registered {
                return Ok(registered::settings(&self.connection, &facts)?.1.keep_recordings);
            }
        }
        Ok(None)
    }

    /// Records that these recordings are deleted, as was registered; all or none. One that is not
    /// to be deleted after all is passed by.
    ///
    /// What is left to do then is in [`Self::deletable`].
    pub fn record_deletions(
        &mut self,
        stale: &[OfSession],
        by: &str,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        let keep = match chain(batch.connection(), batch.genesis(), u64::MAX)?.last {
            Some(facts) => registered::settings(batch.connection(), &facts)?.1.keep_recordings,
            None => None,
        };
        for of in stale {
            let Some(grant) = batch.grant(&of.grant)? else { continue };
            let Some(session) = grant.session(&of.session) else { continue };
            if policy::judge_deletion(&grant, session, keep, now.wall).is_err() {
                continue;
            }
            let facts = Facts {
                by: Some(by.to_owned()),
                cause: Some("retention".to_owned()),
                ..of.facts(Kind::RecordingDeleted, now)
            };
            batch.append(facts, "")?;
            batch
                .connection()
                .prepare_cached(r#"INSERT OR REPLACE INTO deletion(session, "grant") VALUES (?1, ?2)"#)?
                .execute((&of.session, &of.grant))?;
        }
        batch.commit()?;
        Ok(())
    }

    /// The recordings that are deleted by their entries, and whose files may still be there.
    pub fn deletable(&self) -> Result<Vec<Deletable>, LedgerError> {
        let mut statement = self.connection.prepare_cached(r#"SELECT session, "grant" FROM deletion"#)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
        let mut deletable = Vec::new();
        for (session, grant) in rows {
            // This table is no proof: the entries are.
            let grant = self.grant(&grant)?;
            let is_deleted = grant.is_some_and(|grant| {
                grant.session(&session).is_some_and(|session| session.deleted_at.is_some())
            });
            let id = session.parse().ok().filter(|_| is_deleted);
            deletable.extend(id.map(|session| Deletable { session }));
        }
        Ok(deletable)
    }

    /// Nothing is left of these files.
    pub fn forget_deleted(&mut self, deleted: &[Deletable]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        for deleted in deleted {
            transaction
                .prepare_cached("DELETE FROM deletion WHERE session = ?1")?
                .execute([deleted.session.as_str()])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
