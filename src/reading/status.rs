//! `status`: what is open, and what is owed.

use super::table::table;
use super::time::near;
use crate::core::moment::parse_rfc3339;
use crate::core::text::escape;
use crate::ports::ledger::GrantRow;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// `glass.status/1`, oldest first, absent values `null`.
pub fn to_json(rows: &[GrantRow], now: DateTime<Utc>) -> Value {
    let grants: Vec<Value> = rows.iter().map(|row| grant(row, now)).collect();
    json!({"schema": "glass.status/1", "grants": grants})
}

fn grant(row: &GrantRow, now: DateTime<Utc>) -> Value {
    let steps: Vec<Value> = row.steps.iter().map(|(id, state)| json!({"id": id, "state": state})).collect();
    let review = row.review.as_ref();
    json!({
        "id": row.id,
        "scope": row.scope,
        "state": row.state,
        "person": row.person,
        "incident": row.incident,
        "reason": row.reason,
        "drill": row.drill,
        "requested_at": row.requested_at,
        "activated_at": row.activated_at,
        "expires_at": row.expires_at,
        "closed_at": row.closed_at,
        "approvals": [],
        "steps": steps,
        "review": {
            "state": review_state(row, now),
            "due_at": review.map(|(due_at, _)| due_at),
            "verdict": review.and_then(|(_, verdict)| verdict.as_ref()),
        },
    })
}

/// `due`, `overdue`, `reviewed`; `None` before closing.
pub fn review_state(row: &GrantRow, now: DateTime<Utc>) -> Option<&'static str> {
    let (due_at, verdict) = row.review.as_ref()?;
    Some(match (verdict, parse_rfc3339(due_at)) {
        (Some(_), _) => "reviewed",
        (None, Some(due_at)) if now < due_at => "due",
        (None, _) => "overdue",
    })
}

/// Whether something is open or owed that should not be.
pub fn needs_attention(rows: &[GrantRow], now: DateTime<Utc>) -> bool {
    rows.iter().any(|row| row.state == "unrevoked" || review_state(row, now) == Some("overdue"))
}

/// A table for people.
pub fn to_table(rows: &[GrantRow], now: DateTime<Utc>, width: u16) -> String {
    if rows.is_empty() {
        return "Nothing is open, and no review is owed.\n".to_owned();
    }
    table(
        &["GRANT", "SCOPE", "STATE", "PERSON", "UNTIL", "REVIEW"],
        rows.iter().map(|row| {
            vec![
                row.id.clone(),
                named(row),
                loud(&row.state),
                row.person.clone(),
                until(row, now),
                review(row, now),
            ]
        }),
        width,
    )
}

/// The scope; a rehearsal is marked wherever it is named.
pub(super) fn named(row: &GrantRow) -> String {
    if row.drill { format!("{} DRILL", row.scope) } else { row.scope.clone() }
}

/// What needs a person stands out without colour too.
fn loud(state: &str) -> String {
    if state == "unrevoked" { "UNREVOKED".to_owned() } else { state.to_owned() }
}

fn until(row: &GrantRow, now: DateTime<Utc>) -> String {
    let when = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339).map(|time| near(time, now));
    match row.closed_at {
        Some(_) => when(&row.closed_at).map_or_else(String::new, |time| format!("closed {time}")),
        None => when(&row.expires_at).unwrap_or_default(),
    }
}

fn review(row: &GrantRow, now: DateTime<Utc>) -> String {
    let due_at = row.review.as_ref().and_then(|(due_at, _)| parse_rfc3339(due_at));
    match (review_state(row, now), due_at) {
        (Some("reviewed"), _) => {
            row.review.as_ref().and_then(|(_, verdict)| verdict.clone()).unwrap_or_default()
        }
        (Some("overdue"), Some(due_at)) => format!("OVERDUE since {}", near(due_at, now)),
        (Some(state), Some(due_at)) => format!("{state} {}", near(due_at, now)),
        _ => String::new(),
    }
}

/// All about one grant, for people.
pub fn to_story(row: &GrantRow, now: DateTime<Utc>) -> String {
    let time = |text: &Option<String>| {
        text.as_deref().and_then(parse_rfc3339).map_or_else(|| "-".to_owned(), |time| near(time, now))
    };
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "(redacted)".to_owned(), escape);
    let mut lines = vec![
        format!("{}  {}  {}", escape(&row.id), escape(&row.scope), loud(&escape(&row.state))),
        format!("  person     {}{}", escape(&row.person), if row.drill { "  DRILL" } else { "" }),
        format!("  incident   {}", text(&row.incident)),
        format!("  reason     {}", text(&row.reason)),
        format!("  requested  {}", time(&Some(row.requested_at.clone()))),
        format!("  activated  {}", time(&row.activated_at)),
        format!("  until      {}", time(&row.expires_at)),
        format!("  closed     {}", time(&row.closed_at)),
    ];
    lines.extend(
        row.steps.iter().map(|(id, state)| format!("  step       {}: {}", escape(id), escape(state))),
    );
    if row.review.is_some() {
        lines.push(format!("  review     {}", review(row, now)));
    }
    lines.join("\n") + "\n"
}
