//! Reading: what is due, what is open or owed, the log itself.

use super::projection::{self, COLUMNS, Row};
use super::{Ledger, LedgerError, attempt, head};
use crate::core::deadline::Deadline;
use crate::core::entry::{Facts, Kind};
use crate::core::grant::{Grant, State};
use crate::core::moment::{Moment, parse_rfc3339};
use crate::core::statement::{Record, Verb};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;

/// The states in which something may be open; the partial index `grant_live` holds just these.
pub(super) const LIVE: &str = "state NOT IN ('closed', 'activation-failed', 'denied', 'withdrawn', 'lapsed')";

/// A grant that may have to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The grant.
    pub grant: String,
    /// Where it stands.
    pub state: State,
    /// Its end on the wall clock, RFC 3339; empty while nothing was opened.
    pub expires_at: String,
}

/// A grant with what people want to see of it.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Id.
    pub id: String,
    /// `playbook/scope`.
    pub scope: String,
    /// State, as stored.
    pub state: String,
    /// Who asked.
    pub person: String,
    /// A rehearsal.
    pub drill: bool,
    /// It was done outside glass, and told afterwards.
    pub outside: bool,
    /// Times, RFC 3339.
    pub requested_at: String,
    /// When every step was open.
    pub activated_at: Option<String>,
    /// The end.
    pub expires_at: Option<String>,
    /// When it was proved closed.
    pub closed_at: Option<String>,
    /// Step ids and states, in order.
    pub steps: Vec<(String, String)>,
    /// The incident, from the signed text while it is there.
    pub incident: Option<String>,
    /// The reason, likewise.
    pub reason: Option<String>,
    /// When the review is due, and its verdict.
    pub review: Option<(String, Option<String>)>,
    /// Who consented, and when.
    pub approvals: Vec<(String, String)>,
    /// How many must consent.
    pub needed: u64,
    /// When it lapses, while it waits for them.
    pub lapses_at: Option<String>,
}

/// Which grants to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is open, and what is owed.
    Current,
    /// What owes its review, the longest overdue first.
    Owed,
    /// All there ever were.
    All,
    /// This one.
    One(String),
}

impl Ledger {
    /// Every grant that is to be closed now, earliest deadline first. A wait between retries
    /// is honoured. Whether an activation still lives only its lock can tell: it is listed.
    pub fn due(&self, now: &Moment) -> Result<Vec<Due>, LedgerError> {
        let last_entry = head::read(&self.connection)?.clock_floor;
        let mut due = Vec::new();
        for row in self.live()? {
            let state = parse_state(&row.state)?;
            let is_due = match state {
                State::Active => deadline(&row).is_none_or(|deadline| deadline.has_passed(now, last_entry)),
                State::Activating => true,
                State::AwaitingApproval => {
                    let lapses = self.grant(&row.id)?.and_then(|grant| grant.lapses());
                    lapses.is_none_or(|lapses| lapses.has_passed(now, last_entry))
                }
                _ => attempt::read(&self.connection, &row.id)?.is_none_or(|attempt| attempt.is_over(now)),
            };
            if is_due {
                due.push(Due { grant: row.id, state, expires_at: row.expires_at.unwrap_or_default() });
            }
        }
        due.sort_by(|a, b| a.expires_at.cmp(&b.expires_at));
        Ok(due)
    }

    /// Every grant of which something may be open, whether due or not; not those that wait for
    /// consent.
    pub fn open_grants(&self) -> Result<Vec<Due>, LedgerError> {
        self.live()?
            .into_iter()
            .filter(|row| row.state != State::AwaitingApproval.as_str())
            .map(|row| {
                let state = parse_state(&row.state)?;
                Ok(Due { grant: row.id, state, expires_at: row.expires_at.unwrap_or_default() })
            })
            .collect()
    }

    /// Whether the projection lists this grant as ended; `None` where it is unknown.
    pub fn has_ended(&self, grant: &str) -> Result<Option<bool>, LedgerError> {
        let state: Option<String> = self
            .connection
            .prepare_cached(r#"SELECT state FROM "grant" WHERE id = ?1"#)?
            .query_row([grant], |row| row.get(0))
            .optional()?;
        state.map(|state| Ok(parse_state(&state)?.is_ended())).transpose()
    }

    /// Whether the projection lists this grant as one that waits for consent.
    pub fn waits(&self, grant: &str) -> Result<bool, LedgerError> {
        let mut statement = self
            .connection
            .prepare_cached(r#"SELECT 1 FROM "grant" WHERE id = ?1 AND state = 'awaiting-approval'"#)?;
        Ok(statement.exists([grant])?)
    }

    /// The grant, folded from its entries.
    pub fn grant(&self, id: &str) -> Result<Option<Grant>, LedgerError> {
        projection::fold(&self.connection, id)
    }

    /// The OS user who asked for a grant, by its signed request; `None` where that was lost.
    pub fn asked_by(&self, id: &str) -> Result<Option<u64>, LedgerError> {
        let Some(grant) = self.grant(id)? else { return Ok(None) };
        let first = projection::facts(&self.connection, grant.requested)?;
        Ok(first.signed_u64("os_uid").filter(|_| first.kind == Kind::Requested))
    }

    fn live(&self) -> Result<Vec<Row>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!(
            r#"SELECT {COLUMNS} FROM "grant" INDEXED BY grant_live WHERE {LIVE} ORDER BY id"#
        ))?;
        let rows = statement.query_map([], Row::read)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Grants for people, oldest first.
    pub fn grants(&self, which: &Which) -> Result<Vec<GrantRow>, LedgerError> {
        let (condition, one) = match which {
            // Both halves come from a partial index: history is never looked at.
            Which::Current => (
                format!(
                    r#"id IN (SELECT id FROM "grant" INDEXED BY grant_live WHERE {LIVE}
                       UNION SELECT "grant" FROM review INDEXED BY review_owed WHERE verdict IS NULL)"#
                ),
                None,
            ),
            Which::Owed => (
                r#"id IN (SELECT "grant" FROM review INDEXED BY review_owed WHERE verdict IS NULL)"#
                    .to_owned(),
                None,
            ),
            Which::All => ("1".to_owned(), None),
            Which::One(id) => ("id = ?1".to_owned(), Some(id)),
        };
        // One moment for all of it: a grant, its steps and its review belong together.
        let _snapshot = self.connection.unchecked_transaction()?;
        let mut statement = self.connection.prepare_cached(&format!(
            r#"SELECT {COLUMNS} FROM "grant" WHERE {condition} ORDER BY requested"#
        ))?;
        let rows = statement
            .query_map(rusqlite::params_from_iter(one), Row::read)?
            .collect::<Result<Vec<_>, _>>()?;
        let mut rows = rows.into_iter().map(|row| self.grant_row(row)).collect::<Result<Vec<_>, _>>()?;
        if *which == Which::Owed {
            rows.sort_by(|a, b| a.review.cmp(&b.review));
        }
        Ok(rows)
    }

    fn grant_row(&self, row: Row) -> Result<GrantRow, LedgerError> {
        let steps = self
            .connection
            .prepare_cached(r#"SELECT id, state FROM step WHERE "grant" = ?1 ORDER BY idx"#)?
            .query_map([&row.id], |step| Ok((step.get(0)?, step.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let review = self
            .connection
            .prepare_cached(r#"SELECT due_at, verdict FROM review WHERE "grant" = ?1"#)?
            .query_row([&row.id], |review| Ok((review.get(0)?, review.get(1)?)))
            .optional()?;
        let approvals = self
            .connection
            .prepare_cached(r#"SELECT person, at FROM approval WHERE "grant" = ?1 ORDER BY idx"#)?
            .query_map([&row.id], |approval| Ok((approval.get(0)?, approval.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let line = row.statement.as_deref().map(|digest| self.statement_line(digest)).transpose()?.flatten();
        let text = |key: &str| Some(line.as_ref()?.get("texts")?.get(key)?.as_str()?.to_owned());
        let verb = line.as_ref().and_then(|line| line.get("signed")?.get("verb")?.as_str());
        Ok(GrantRow {
            outside: verb == Some(Record::NAME),
            incident: text("incident"),
            reason: text("reason"),
            id: row.id,
            scope: row.scope,
            state: row.state,
            person: row.person,
            drill: row.drill,
            requested_at: row.requested_at,
            activated_at: row.activated_at,
            expires_at: row.expires_at,
            closed_at: row.closed_at,
            steps,
            review,
            approvals,
            needed: row.needed,
            lapses_at: row.lapses_at,
        })
    }

    /// The free texts of a statement; `None` once they were redacted.
    pub(super) fn statement_texts(&self, digest: &str) -> Result<Option<serde_json::Value>, LedgerError> {
        Ok(self.statement_line(digest)?.and_then(|line| line.get("texts").cloned()))
    }

    fn statement_line(&self, digest: &str) -> Result<Option<serde_json::Value>, LedgerError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
            .query_row([digest], |row| row.get(0))
            .optional()?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The entries from `from` on, or those of one grant, in order.
    pub fn log(
        &self,
        from: u64,
        grant: Option<&str>,
        mut each: impl FnMut(Facts) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut statement =
            self.connection.prepare_cached("SELECT seq FROM entry WHERE seq >= ?1 ORDER BY seq")?;
        let mut rows = statement.query([from])?;
        while let Some(row) = rows.next()? {
            let facts = projection::facts(&self.connection, row.get(0)?)?;
            if grant.is_none_or(|grant| facts.grant.as_deref() == Some(grant)) {
                each(facts)?;
            }
        }
        Ok(())
    }

    /// A consistent copy of the whole ledger, made while others go on writing.
    pub fn backup(&self, to: &std::path::Path) -> Result<(), LedgerError> {
        if to.exists() {
            return Err(LedgerError::Exists(to.to_owned()));
        }
        let mut copy = Connection::open(to)?;
        let backup = rusqlite::backup::Backup::new(&self.connection, &mut copy)?;
        backup.run_to_completion(1_024, std::time::Duration::ZERO, None)?;
        Ok(())
    }
}

pub(super) fn parse_state(word: &str) -> Result<State, LedgerError> {
    State::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(|| {
        LedgerError::Corrupt(format!("`{}` is no state of a grant", crate::core::text::escape(word)))
    })
}

fn deadline(row: &Row) -> Option<Deadline> {
    Some(Deadline {
        wall: parse_rfc3339(row.expires_at.as_deref()?)?,
        boot_id: row.boot_id.clone()?,
        boot_ms: row.boot_ms?,
    })
}

/// The recorded outputs of a grant's steps, by step and name.
pub(super) fn outputs(
    connection: &Connection,
    grant: &Grant,
) -> Result<BTreeMap<(String, String), String>, LedgerError> {
    let mut outputs = BTreeMap::new();
    let mut next = Some(grant.last);
    while let Some(seq) = next {
        let facts = projection::facts(connection, seq)?;
        if facts.kind == Kind::StepOpened {
            let step = facts.step.clone().unwrap_or_default();
            for (name, sha512) in &facts.outputs {
                let bytes: Option<Vec<u8>> = connection
                    .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
                    .query_row([sha512], |row| row.get(0))
                    .optional()?;
                let value = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                outputs.extend(value.map(|value| ((step.clone(), name.clone()), value)));
            }
        }
        next = facts.prev;
    }
    Ok(outputs)
}
