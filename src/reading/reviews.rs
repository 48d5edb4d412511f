//! `review --list`: what owes its review, as a table and as JSON.

use super::status::{named, review_state};
use super::table::table;
use super::time::near;
use crate::core::moment::parse_rfc3339;
use crate::ports::ledger::GrantRow;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// `glass.review-list/1`, overdue first, absent values `null`.
pub fn to_json(rows: &[GrantRow], now: DateTime<Utc>) -> Value {
    let reviews: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "grant": row.id,
                "scope": row.scope,
                "person": row.person,
                "drill": row.drill,
                "incident": row.incident,
                "reason": row.reason,
                "closed_at": row.closed_at,
                "state": review_state(row, now),
                "due_at": row.review.as_ref().map(|(due_at, _)| due_at),
            })
        })
        .collect();
    json!({"schema": "glass.review-list/1", "reviews": reviews})
}

/// A table for people.
pub fn to_table(rows: &[GrantRow], now: DateTime<Utc>, width: u16) -> String {
    if rows.is_empty() {
        return "No review is owed.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let due_at = row.review.as_ref().and_then(|(due_at, _)| parse_rfc3339(due_at));
        let due = due_at.map(|due_at| near(due_at, now)).unwrap_or_default();
        let owed = match review_state(row, now) {
            Some("overdue") => format!("OVERDUE since {due}"),
            _ => format!("due {due}"),
        };
        let incident = row.incident.clone().unwrap_or_default();
        vec![row.id.clone(), named(row), row.person.clone(), incident, owed]
    });
    table(&["GRANT", "SCOPE", "PERSON", "INCIDENT", "REVIEW"], cells, width)
}
