//! Projections: tables that follow from the entries, so that reading is quick.
//! `ledger verify` recomputes them; a permit never believes them.

use super::LedgerError;
use crate::core::entry::{Facts, Kind};
use crate::core::grant::{Grant, State, apply};
use crate::core::moment::rfc3339;
use rusqlite::{Connection, OptionalExtension};

/// Folds a grant from its entries, from the latest back by `prev`.
pub(super) fn fold(connection: &Connection, id: &str) -> Result<Option<Grant>, LedgerError> {
    let last: Option<u64> = connection
        .prepare_cached(r#"SELECT last FROM "grant" WHERE id = ?1"#)?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let mut chain = Vec::new();
    let mut next = last;
    while let Some(seq) = next {
        let facts = facts(connection, seq)?;
        if facts.grant.as_deref() != Some(id) || facts.prev.is_some_and(|prev| prev >= seq) {
            return Err(LedgerError::Corrupt(format!("entry {seq} does not belong to {id}")));
        }
        next = facts.prev;
        chain.push(facts);
    }
    let mut grant = None;
    for facts in chain.iter().rev() {
        grant = Some(apply(grant, facts)?);
    }
    Ok(grant)
}

/// The facts of one entry.
pub(super) fn facts(connection: &Connection, seq: u64) -> Result<Facts, LedgerError> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM entry WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    let bytes = bytes.ok_or_else(|| LedgerError::Corrupt(format!("entry {seq} is missing")))?;
    let facts =
        Facts::from_bytes(&bytes).map_err(|error| LedgerError::Corrupt(format!("entry {seq}: {error}")))?;
    if facts.seq != seq {
        return Err(LedgerError::Corrupt(format!("entry {seq} says that it is entry {}", facts.seq)));
    }
    Ok(facts)
}

/// One row of `"grant"` as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) scope: String,
    pub(super) state: String,
    pub(super) person: String,
    pub(super) drill: bool,
    pub(super) requested: u64,
    pub(super) requested_at: String,
    pub(super) activated_at: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) closed_at: Option<String>,
    pub(super) boot_id: Option<String>,
    pub(super) boot_ms: Option<u64>,
    pub(super) statement: Option<String>,
    pub(super) needed: u64,
    pub(super) lapses_at: Option<String>,
    pub(super) last: u64,
}

/// The columns in the order of [`Row`].
pub(super) const COLUMNS: &str = "id, scope, state, person, drill, requested, requested_at, activated_at, \
     expires_at, closed_at, boot_id, boot_ms, statement, needed, lapses_at, last";

impl Row {
    pub(super) fn of(grant: &Grant) -> Self {
        let opening = grant.opening.as_ref();
        Self {
            id: grant.id.to_string(),
            scope: grant.scope.clone(),
            state: grant.state.as_str().to_owned(),
            person: grant.person.clone(),
            drill: grant.drill,
            requested: grant.requested,
            requested_at: rfc3339(grant.requested_at),
            activated_at: grant.activated_at.map(rfc3339),
            expires_at: opening.map(|opening| opening.terms.expires_at.clone()),
            closed_at: grant.closed_at.map(rfc3339),
            boot_id: opening.map(|opening| opening.moment.boot_id.clone()),
            boot_ms: opening.map(|opening| opening.terms.deadline_boot_ms),
            statement: grant.statement.clone(),
            needed: grant.waiting.as_ref().map_or(0, |waiting| waiting.needed as u64),
            lapses_at: grant.lapses().map(|lapses| rfc3339(lapses.wall)),
            last: grant.last,
        }
    }

    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            scope: row.get(1)?,
            state: row.get(2)?,
            person: row.get(3)?,
            drill: row.get(4)?,
            requested: row.get(5)?,
            requested_at: row.get(6)?,
            activated_at: row.get(7)?,
            expires_at: row.get(8)?,
            closed_at: row.get(9)?,
            boot_id: row.get(10)?,
            boot_ms: row.get(11)?,
            statement: row.get(12)?,
            needed: row.get(13)?,
            lapses_at: row.get(14)?,
            last: row.get(15)?,
        })
    }
}

/// Writes a grant's projections anew.
pub(super) fn write(connection: &Connection, grant: &Grant) -> Result<(), LedgerError> {
    let row = Row::of(grant);
    connection
        .prepare_cached(&format!(
            r#"INSERT OR REPLACE INTO "grant"({COLUMNS})
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"#
        ))?
        .execute(rusqlite::params![
            row.id,
            row.scope,
            row.state,
            row.person,
            row.drill,
            row.requested,
            row.requested_at,
            row.activated_at,
            row.expires_at,
            row.closed_at,
            row.boot_id,
            row.boot_ms,
            row.statement,
            row.needed,
            row.lapses_at,
            row.last
        ])?;
    let mut step = connection
        .prepare_cached(r#"INSERT OR REPLACE INTO step("grant", idx, id, state) VALUES (?1, ?2, ?3, ?4)"#)?;
    for (index, planned) in grant.steps.iter().enumerate() {
        step.execute((&row.id, index, &planned.id, planned.state.as_str()))?;
    }
    let mut approval = connection.prepare_cached(
        r#"INSERT OR REPLACE INTO approval("grant", idx, person, at) VALUES (?1, ?2, ?3, ?4)"#,
    )?;
    for (index, approved) in grant.approvals.iter().enumerate() {
        approval.execute((&row.id, index, &approved.person, rfc3339(approved.at)))?;
    }
    match (grant.review_due_at(), grant.state) {
        (Some(due_at), _) => {
            connection
                .prepare_cached(
                    r#"INSERT OR REPLACE INTO review("grant", due_at, verdict) VALUES (?1, ?2, ?3)"#,
                )?
                .execute((&row.id, rfc3339(due_at), verdict(grant)))?;
        }
        // Closed, and then open again: an activation that had been given up came through late.
        (None, State::Closing) => {
            connection.prepare_cached(r#"DELETE FROM review WHERE "grant" = ?1"#)?.execute([&row.id])?;
        }
        _ => {}
    }
    Ok(())
}

/// The word in `review.verdict`; none while the review is owed.
pub(super) fn verdict(grant: &Grant) -> Option<&'static str> {
    grant.review.as_ref().map(|review| review.verdict.as_str())
}

/// Notes which entries are registrations.
pub(super) fn registered(connection: &Connection, seq: u64) -> Result<(), LedgerError> {
    connection.prepare_cached("INSERT INTO registration(seq) VALUES (?1)")?.execute([seq])?;
    Ok(())
}

/// How an act of two people stands, by its latest entry.
pub(super) fn act_state(facts: &Facts) -> &'static str {
    match facts.kind {
        Kind::Proposed | Kind::Seconded => "pending",
        Kind::Lapsed => "lapsed",
        _ => "done",
    }
}

/// Writes the projection of an act anew: its first signature fixes who proposed it, and when.
pub(super) fn act(connection: &Connection, facts: &Facts) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO act(id, verb, state, person, proposed_at, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT(id) DO UPDATE SET state = excluded.state, last = excluded.last",
        )?
        .execute((
            &facts.act,
            facts.signed_str("verb").unwrap_or_default(),
            act_state(facts),
            facts.person.as_deref().unwrap_or_default(),
            &facts.at,
            facts.seq,
        ))?;
    Ok(())
}

/// One row of `session` as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionLine {
    pub(super) id: String,
    pub(super) grant: String,
    pub(super) state: &'static str,
    pub(super) started: u64,
    /// When its end was recorded.
    pub(super) ended_at: Option<String>,
    /// The files that its end fixes, by the ends of their names, with a space between.
    pub(super) files: String,
    pub(super) last: u64,
}

impl SessionLine {
    /// The row after an entry; `None` where that begins no session, nor follows one.
    pub(super) fn after(before: Option<Self>, facts: &Facts) -> Option<Self> {
        let state = match facts.kind {
            Kind::SessionStarted => "running",
            Kind::SessionEnded => "ended",
            Kind::SessionInterrupted => "interrupted",
            Kind::RecordingDeleted => "deleted",
            _ => return before,
        };
        let mut line = match (before, facts.kind) {
            (None, Kind::SessionStarted) => Self {
                id: facts.session.clone()?,
                grant: facts.grant.clone()?,
                state,
                started: facts.seq,
                ended_at: None,
                files: String::new(),
                last: facts.seq,
            },
            (Some(before), kind) if kind != Kind::SessionStarted => before,
            _ => return None,
        };
        (line.state, line.last) = (state, facts.seq);
        if line.ended_at.is_none() && state != "running" {
            line.ended_at = Some(facts.at.clone());
            line.files = facts.files.keys().cloned().collect::<Vec<_>>().join(" ");
        }
        Some(line)
    }

    /// The stored row of a session.
    pub(super) fn stored(connection: &Connection, id: &str) -> rusqlite::Result<Option<Self>> {
        let sql = r#"SELECT id, "grant", state, started, ended_at, files, last FROM session WHERE id = ?1"#;
        let read = |row: &rusqlite::Row<'_>| {
            let state: String = row.get(2)?;
            let known =
                ["running", "ended", "interrupted", "deleted"].into_iter().find(|word| *word == state);
            Ok(Self {
                id: row.get(0)?,
                grant: row.get(1)?,
                state: known.unwrap_or("unknown"),
                started: row.get(3)?,
                ended_at: row.get(4)?,
                files: row.get(5)?,
                last: row.get(6)?,
            })
        };
        connection.prepare_cached(sql)?.query_row([id], read).optional()
    }
}

/// Writes the projection of a session anew.
pub(super) fn session(connection: &Connection, facts: &Facts) -> Result<(), LedgerError> {
    let Some(id) = &facts.session else { return Ok(()) };
    let line = SessionLine::after(SessionLine::stored(connection, id)?, facts);
    let line = line.ok_or_else(|| LedgerError::Refused(format!("{id} is started once, before it ends")))?;
    connection
        .prepare_cached(
            r#"INSERT OR REPLACE INTO session(id, "grant", state, started, ended_at, files, last)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"#,
        )?
        .execute((line.id, line.grant, line.state, line.started, line.ended_at, line.files, line.last))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::grant::tests::{facts as facts_of, lives, lives_of_use, lives_with_consent};
    use crate::ports::ledger::schema;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p03_the_projection_is_always_what_the_entries_fold_to(
            life in prop_oneof![lives(), lives_with_consent(), lives_of_use()]
        ) {
            let mut connection = Connection::open_in_memory().unwrap();
            schema::migrate(&mut connection).unwrap();
            let mut grant: Option<Grant> = None;
            for next in &life {
                let seq = connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
                let facts = facts_of(next, seq, grant.as_ref());
                let Ok(after) = apply(grant.clone(), &facts) else { continue };
                connection
                    .execute(
                        "INSERT INTO entry(seq, bytes, leaf_hash) VALUES (?1, ?2, x'00')",
                        (seq, facts.to_bytes()),
                    )
                    .unwrap();
                if facts.session.is_some() {
                    session(&connection, &facts).unwrap();
                }
                write(&connection, &after).unwrap();
                let id = after.id.to_string();
                let folded = fold(&connection, &id).unwrap();
                prop_assert_eq!(folded.as_ref(), Some(&after));
                let row = connection
                    .query_row(&format!(r#"SELECT {COLUMNS} FROM "grant""#), [], Row::read)
                    .unwrap();
                prop_assert_eq!(row, Row::of(&after));
                let steps: Vec<(String, String)> = connection
                    .prepare("SELECT id, state FROM step ORDER BY idx")
                    .unwrap()
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .unwrap()
                    .collect::<Result<_, _>>()
                    .unwrap();
                let folded: Vec<_> =
                    after.steps.iter().map(|step| (step.id.clone(), step.state.as_str().to_owned())).collect();
                prop_assert_eq!(steps, folded);
                let approvals: Vec<(String, String)> = connection
                    .prepare("SELECT person, at FROM approval ORDER BY idx")
                    .unwrap()
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .unwrap()
                    .collect::<Result<_, _>>()
                    .unwrap();
                let folded: Vec<_> =
                    after.approvals.iter().map(|given| (given.person.clone(), rfc3339(given.at))).collect();
                prop_assert_eq!(approvals, folded);
                let review: Option<(String, Option<String>)> = connection
                    .query_row("SELECT due_at, verdict FROM review", [], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
                    .unwrap();
                let expected = after.review_due_at().map(|due_at| {
                    (rfc3339(due_at), verdict(&after).map(str::to_owned))
                });
                prop_assert_eq!(review, expected);
                for session in &after.sessions {
                    let line = SessionLine::stored(&connection, &session.id).unwrap().unwrap();
                    let state = match &session.end {
                        _ if session.deleted_at.is_some() => "deleted",
                        None => "running",
                        Some(end) if end.interrupted => "interrupted",
                        Some(_) => "ended",
                    };
                    let ended_at = session.end.as_ref().map(|end| rfc3339(end.at));
                    let files = session.end.iter().flat_map(|end| end.files.keys().cloned());
                    let files = files.collect::<Vec<_>>().join(" ");
                    prop_assert_eq!(
                        (&line.grant, line.state, line.ended_at, line.files),
                        (&id, state, ended_at, files)
                    );
                }
                let sessions: usize =
                    connection.query_row("SELECT count(*) FROM session", [], |row| row.get(0)).unwrap();
                prop_assert_eq!(sessions, after.sessions.len());
                grant = Some(after);
            }
        }
    }
}
