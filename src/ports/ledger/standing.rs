//! What the earlier grants of a scope hold against one more of it.

use super::projection::{self, COLUMNS, Row};
use super::read::{LIVE, parse_state};
use super::registered::{self, Registered};
use super::{Ledger, LedgerError, hotfix};
use crate::core::duration::Seconds;
use crate::core::entry::{Genesis, Kind};
use crate::core::grant::Grant;
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use crate::core::playbook::Scope;
use crate::core::policy::{self, Debt, Other, Standing, Use};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

impl Ledger {
    /// How a scope of this registration stands now.
    pub fn standing(
        &self,
        registered: &Registered,
        address: &str,
        scope: &Scope,
        now: &Moment,
    ) -> Result<Standing, LedgerError> {
        standing(&self.connection, &self.genesis, registered, address, scope, None, now)
    }

    /// When a drill of the scope last ended, proved closed; `None` where there never was one.
    pub fn last_drill(&self, address: &str) -> Result<Option<DateTime<Utc>>, LedgerError> {
        let last: Option<String> = self
            .connection
            .prepare_cached(
                r#"SELECT max(closed_at) FROM "grant" WHERE scope = ?1 AND drill = 1 AND state = 'closed'"#,
            )?
            .query_row([address], |row| row.get(0))?;
        Ok(last.as_deref().and_then(parse_rfc3339))
    }
}

/// The same next to one grant, which does not count against itself.
pub(super) fn standing(
    connection: &Connection,
    genesis: &Genesis,
    registered: &Registered,
    address: &str,
    scope: &Scope,
    but: Option<&str>,
    now: &Moment,
) -> Result<Standing, LedgerError> {
    let routine = scope.limits.routine.as_ref();
    let uses = routine.map(|limit| uses(connection, address, limit.within, now.wall)).transpose()?;
    let mut uses = uses.unwrap_or_default();
    uses.retain(|used| Some(used.grant.as_str()) != but);
    Ok(Standing {
        others: others(connection, address, but)?,
        debts: debts(connection, genesis, registered, address, now)?,
        uses,
    })
}

fn others(connection: &Connection, address: &str, but: Option<&str>) -> Result<Vec<Other>, LedgerError> {
    let mut statement = connection.prepare_cached(&format!(
        r#"SELECT {COLUMNS} FROM "grant" INDEXED BY grant_live WHERE {LIVE} AND scope = ?1
           UNION ALL
           SELECT {COLUMNS} FROM (SELECT {COLUMNS} FROM "grant" INDEXED BY grant_scope
             WHERE scope = ?1 AND closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT 1)"#
    ))?;
    let rows = statement.query_map([address], Row::read)?.collect::<Result<Vec<_>, _>>()?;
    let mut others = Vec::new();
    for row in rows.into_iter().filter(|row| Some(row.id.as_str()) != but) {
        others.push(Other {
            state: parse_state(&row.state)?,
            opened: row.expires_at.is_some(),
            grant: row.id,
            last: moved_last(connection, row.last)?,
        });
    }
    Ok(others)
}

/// When a grant came to where it stands, from its latest entry back: its review, and what is told
/// late of its sessions, don't move it.
fn moved_last(connection: &Connection, latest: u64) -> Result<Moment, LedgerError> {
    let mut facts = projection::facts(connection, latest)?;
    while matches!(
        facts.kind,
        Kind::Reviewed
            | Kind::RecordingGap
            | Kind::SessionEnded
            | Kind::SessionInterrupted
            | Kind::RecordingDeleted
    ) && let Some(prev) = facts.prev.filter(|prev| *prev < facts.seq)
    {
        facts = projection::facts(connection, prev)?;
    }
    Ok(facts.moment())
}

/// The overdue reviews of a scope, the oldest first: each grant is folded once more.
fn debts(
    connection: &Connection,
    genesis: &Genesis,
    registered: &Registered,
    address: &str,
    now: &Moment,
) -> Result<Vec<Debt>, LedgerError> {
    let mut statement = connection.prepare_cached(
        r#"SELECT review."grant" FROM review INDEXED BY review_owed
           JOIN "grant" ON "grant".id = review."grant"
           WHERE review.verdict IS NULL AND review.due_at <= ?1 AND "grant".scope = ?2
           ORDER BY review.due_at"#,
    )?;
    let ids = statement.query_map((rfc3339(now.wall), address), |row| row.get::<_, String>(0))?;
    let mut debts = Vec::new();
    for id in ids {
        let grant = projection::fold(connection, &id?)?;
        let owed = grant.as_ref().filter(|grant| grant.review.is_none());
        let Some((grant, due_at)) = owed.and_then(|grant| Some((grant, grant.review_due_at()?))) else {
            continue;
        };
        let scope = scope_of(connection, genesis, grant, Some(registered))?;
        let able = scope.map(|ran_by| policy::able(grant, &ran_by, registered.roster()));
        debts.push(Debt { grant: grant.id.to_string(), due_at, able: able.unwrap_or_default() });
    }
    Ok(debts)
}

/// The uses of a scope within the time before `until`, oldest first; drills are none.
pub(super) fn uses(
    connection: &Connection,
    address: &str,
    within: Seconds,
    until: DateTime<Utc>,
) -> Result<Vec<Use>, LedgerError> {
    let since = until.checked_sub_signed(within.delta()).unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    let mut statement = connection.prepare_cached(
        r#"SELECT id, person, activated_at FROM "grant" INDEXED BY grant_scope
           WHERE scope = ?1 AND closed_at >= ?2 AND drill = 0 AND activated_at BETWEEN ?2 AND ?3
           UNION ALL
           SELECT id, person, activated_at FROM "grant" INDEXED BY grant_scope
           WHERE scope = ?1 AND closed_at IS NULL AND drill = 0 AND activated_at BETWEEN ?2 AND ?3
           ORDER BY activated_at"#,
    )?;
    let rows = statement.query_map((address, rfc3339(since), rfc3339(until)), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
    })?;
    rows.map(|row| {
        let (grant, person, at) = row?;
        Ok(Use { grant, person, at: parse_rfc3339(&at).unwrap_or_default() })
    })
    .collect()
}

/// A grant's scope as it was registered when the grant ran, or as the hotfix mended it that it ran
/// by; that of now, where its request was lost. `None` where no such scope is registered.
pub(super) fn scope_of(
    connection: &Connection,
    genesis: &Genesis,
    grant: &Grant,
    now: Option<&Registered>,
) -> Result<Option<Scope>, LedgerError> {
    let earlier = match grant.registered {
        Some(seq) if grant.mended.is_some() => Some(hotfix::ran_by(connection, genesis, grant, seq)?),
        Some(seq) if now.is_none_or(|now| now.seq() != seq) => {
            Some(registered::at(connection, genesis, seq)?)
        }
        _ => None,
    };
    let Some(registered) = earlier.as_ref().or(now) else { return Ok(None) };
    Ok(registered.scope(&grant.scope).ok().map(|(_, scope)| scope.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entry::Facts;
    use crate::ports::ledger::schema;

    #[test]
    fn what_is_told_after_its_end_keeps_no_scope_cooling_off() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let began = parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap();
        let moment = |seq: u64| Moment {
            wall: began + chrono::TimeDelta::hours(seq as i64),
            boot_id: "b".to_owned(),
            boot_ms: seq,
        };
        let late = [Kind::RecordingGap, Kind::SessionInterrupted, Kind::Reviewed, Kind::RecordingDeleted];
        for (seq, kind) in (0..).zip([Kind::Closing, Kind::Closed].into_iter().chain(late)) {
            let facts = Facts { seq, prev: u64::checked_sub(seq, 1), ..Facts::new(kind, &moment(seq)) };
            connection
                .execute(
                    "INSERT INTO entry(seq, bytes, leaf_hash) VALUES (?1, ?2, x'00')",
                    (seq, facts.to_bytes()),
                )
                .unwrap();
        }
        for latest in 1..=5 {
            assert_eq!(moved_last(&connection, latest).unwrap(), moment(1), "after entry {latest}");
        }
        assert_eq!(moved_last(&connection, 0).unwrap(), moment(0));
    }
}
