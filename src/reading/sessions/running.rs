//! The sessions that run now, for `status`.

use super::{ENOUGH, argv, command, cut};
use crate::core::moment::rfc3339;
use crate::core::text::escape;
use crate::ports::ledger::SessionRow;
use crate::reading::time::local;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Lines below the table of `status`: what runs under each grant.
pub fn after_table(running: &[SessionRow], now: DateTime<Utc>, width: u16) -> String {
    let mut grants: Vec<&str> = Vec::new();
    for row in running {
        if !grants.contains(&row.grant.as_str()) {
            grants.push(&row.grant);
        }
    }
    let line = |grant: &str| {
        let words = words(running.iter().filter(|row| row.grant == grant), now);
        cut(&format!("{}  {words}", escape(grant)), width.into()) + "\n"
    };
    grants.into_iter().map(line).collect()
}

/// What runs under one grant, in a line.
pub(in crate::reading) fn in_words(
    running: &[SessionRow],
    grant: &str,
    now: DateTime<Utc>,
) -> Option<String> {
    let mut of = running.iter().filter(|row| row.grant == grant).peekable();
    of.peek().is_some().then(|| words(of, now))
}

/// The same for `glass.status/1`.
pub(in crate::reading) fn to_json(running: &[SessionRow], grant: &str) -> Vec<Value> {
    let of = running.iter().filter(|row| row.grant == grant);
    let session = |row: &SessionRow| {
        json!({
            "id": row.session.id,
            "started_at": rfc3339(row.session.at),
            "by": row.session.by,
            "command": argv(row),
        })
    };
    of.map(session).collect()
}

/// `1 session: s-k3q7x2m5ab since 03:12:09, bash`.
fn words<'a>(running: impl Iterator<Item = &'a SessionRow>, now: DateTime<Utc>) -> String {
    let each: Vec<String> = running
        .map(|row| {
            let since = local(row.session.at, now);
            format!("{} since {since}, {}", escape(&row.session.id), cut(&command(row), ENOUGH))
        })
        .collect();
    let plural = if each.len() == 1 { "" } else { "s" };
    format!("{} session{plural}: {}", each.len(), each.join("; "))
}
