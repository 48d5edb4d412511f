//! The grants' lives, folded anew, and the projections held against them.
//!
//! A grant is kept until its last entry, then compared and dropped: memory follows what is
//! open, not what ever was.

use super::super::projection::{COLUMNS, Row, verdict};
use super::finding::Findings;
use super::rows::{integer, text};
use crate::core::entry::Facts;
use crate::core::grant::{Grant, apply};
use crate::core::moment::rfc3339;
use crate::core::text::escape;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{HashMap, HashSet};

pub(super) struct Grants<'a> {
    connection: &'a Connection,
    live: HashMap<String, Grant>,
    /// Those whose entries contradict each other: one finding is enough.
    broken: HashSet<String>,
    begun: u64,
    steps: u64,
    approvals: u64,
    reviews: u64,
}

impl<'a> Grants<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        let (live, broken) = (HashMap::new(), HashSet::new());
        Self { connection, live, broken, begun: 0, steps: 0, approvals: 0, reviews: 0 }
    }

    /// The grant of an entry, as its entries before that one left it.
    pub(super) fn before(&self, facts: &Facts) -> Option<&Grant> {
        self.live.get(facts.grant.as_deref()?)
    }

    /// Follows a grant by one entry.
    pub(super) fn follow(&mut self, facts: &Facts, findings: &mut Findings) -> rusqlite::Result<()> {
        if !facts.is_of_a_grant() {
            return Ok(());
        }
        let id = facts.grant.as_deref().unwrap_or_default();
        if self.broken.contains(id) {
            return Ok(());
        }
        let before = self.live.remove(id);
        self.begun += u64::from(before.is_none());
        let grant = match apply(before, facts) {
            Ok(grant) => grant,
            Err(corrupt) => {
                findings.entry(facts.seq, format!("of {}: {corrupt}", escape(id)));
                self.broken.insert(id.to_owned());
                return Ok(());
            }
        };
        // Only the projection knows whether more entries follow; if it is wrong, they don't fit.
        if grant.state.is_ended() {
            let stored = self.stored(id)?;
            if matches!(&stored, Some(Ok(row)) if row.last == grant.last) {
                return self.compare(&grant, stored, findings);
            }
        }
        self.live.insert(id.to_owned(), grant);
        Ok(())
    }

    /// The stored row; an error inside where it is in no form that glass writes.
    fn stored(&self, id: &str) -> rusqlite::Result<Option<rusqlite::Result<Row>>> {
        let sql = format!(r#"SELECT {COLUMNS} FROM "grant" WHERE id = ?1"#);
        self.connection.prepare_cached(&sql)?.query_row([id], |row| Ok(Row::read(row))).optional()
    }

    /// At the end: what is still live, and that nothing stands beside what the entries gave.
    pub(super) fn finish(mut self, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut live: Vec<Grant> = std::mem::take(&mut self.live).into_values().collect();
        live.sort_unstable_by_key(|grant| grant.requested);
        for grant in live {
            let stored = self.stored(grant.id.as_str())?;
            self.compare(&grant, stored, findings)?;
        }
        if !self.broken.is_empty() {
            // How many rows there must be can't be told.
            return Ok(());
        }
        let expected = [
            ("grant", self.begun),
            ("step", self.steps),
            ("approval", self.approvals),
            ("review", self.reviews),
        ];
        for (table, expected) in expected {
            let sql = format!(r#"SELECT count(*) FROM "{table}""#);
            let rows: u64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
            if rows != expected {
                findings.ledger(format!("table `{table}` has {rows} rows; the entries give {expected}"));
                self.name_strangers(findings)?;
            }
        }
        Ok(())
    }

    /// Rows whose last entry is none of that grant.
    fn name_strangers(&self, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            r#"SELECT "grant".id FROM "grant" LEFT JOIN entry ON entry.seq = "grant".last
               WHERE CASE json_valid(CAST(entry.bytes AS TEXT))
                 WHEN 1 THEN json_extract(CAST(entry.bytes AS TEXT), '$.grant') END IS NOT "grant".id
               UNION SELECT "grant" FROM step WHERE "grant" NOT IN (SELECT id FROM "grant")
               UNION SELECT "grant" FROM approval WHERE "grant" NOT IN (SELECT id FROM "grant")
               UNION SELECT "grant" FROM review WHERE "grant" NOT IN (SELECT id FROM "grant") LIMIT 10"#,
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = text(row.get_ref(0)?).map_or_else(|| "one without an id".to_owned(), escape);
            findings.ledger(format!("a grant that no entry tells of was added: {id}"));
        }
        Ok(())
    }

    fn compare(
        &mut self,
        grant: &Grant,
        stored: Option<rusqlite::Result<Row>>,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        let expected = Row::of(grant);
        let mut find = |what: String| findings.entry(grant.last, format!("{what} of {}", grant.id));
        match stored {
            None => find("the row is missing".to_owned()),
            Some(Err(_)) => find("the row is stored in a form that glass never writes, that".to_owned()),
            Some(Ok(row)) if row == expected => {}
            Some(Ok(row)) => {
                for (column, found, expected) in differences(&row, &expected) {
                    find(format!(
                        "`{column}` says {found}, the entries {expected}: it was changed in the row"
                    ));
                }
            }
        }
        let expected_steps = grant.steps.iter().map(|step| (step.id.as_str(), step.state.as_str()));
        let mut steps = self
            .connection
            .prepare_cached(r#"SELECT idx, id, state FROM step WHERE "grant" = ?1 ORDER BY idx"#)?;
        let mut rows = steps.query([&expected.id])?;
        for (index, (id, state)) in expected_steps.enumerate() {
            self.steps += 1;
            let row = rows.next()?;
            let whole = row.is_some_and(|row| {
                let column = |place| row.get_ref(place).unwrap_or(ValueRef::Null);
                integer(column(0)) == Some(index as u64)
                    && text(column(1)) == Some(id)
                    && text(column(2)) == Some(state)
            });
            if !whole {
                find(format!("step `{}` is `{state}` by the entries, but not in the row", escape(id)));
            }
        }
        drop(rows);
        let expected_approvals =
            grant.approvals.iter().map(|given| (given.person.as_str(), rfc3339(given.at)));
        let mut approvals = self
            .connection
            .prepare_cached(r#"SELECT idx, person, at FROM approval WHERE "grant" = ?1 ORDER BY idx"#)?;
        let mut rows = approvals.query([&expected.id])?;
        for (index, (person, at)) in expected_approvals.enumerate() {
            self.approvals += 1;
            let row = rows.next()?;
            let whole = row.is_some_and(|row| {
                let column = |place| row.get_ref(place).unwrap_or(ValueRef::Null);
                integer(column(0)) == Some(index as u64)
                    && text(column(1)) == Some(person)
                    && text(column(2)) == Some(&at)
            });
            if !whole {
                find(format!("{} consented by the entries, but not in the row", escape(person)));
            }
        }
        drop(rows);
        let due = grant.review_due_at().map(rfc3339);
        self.reviews += u64::from(due.is_some());
        let mut review =
            self.connection.prepare_cached(r#"SELECT due_at, verdict FROM review WHERE "grant" = ?1"#)?;
        let found = review
            .query_row([&expected.id], |row| {
                let verdict = match row.get_ref(1)? {
                    ValueRef::Null => Some(None),
                    stored => text(stored).map(|word| Some(word.to_owned())),
                };
                Ok((text(row.get_ref(0)?).map(str::to_owned), verdict))
            })
            .optional()?;
        let verdict = Some(verdict(grant).map(str::to_owned));
        if found != due.map(|due| (Some(due), verdict)) {
            find("the review is not the one that the entries give, that".to_owned());
        }
        Ok(())
    }
}

/// The columns that differ: name, what is stored, what the entries give.
fn differences(found: &Row, expected: &Row) -> Vec<(&'static str, String, String)> {
    let word = |text: &dyn std::fmt::Debug| escape(&format!("{text:?}"));
    macro_rules! columns {
        ($($column:ident),*) => {
            [$((stringify!($column), found.$column == expected.$column, word(&found.$column), word(&expected.$column))),*]
        };
    }
    let columns = columns!(
        id,
        scope,
        state,
        person,
        drill,
        requested,
        requested_at,
        activated_at,
        expires_at,
        closed_at,
        boot_id,
        boot_ms,
        statement,
        needed,
        lapses_at,
        last
    );
    columns
        .into_iter()
        .filter(|(_, same, ..)| !same)
        .map(|(column, _, found, expected)| (column, found, expected))
        .collect()
}
