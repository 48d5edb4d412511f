//! `status`: what is open, and what is owed.

use super::sessions;
use super::table::table;
use super::time::near;
use crate::core::moment::parse_rfc3339;
use crate::core::text::escape;
use crate::ports::ledger::{GrantRow, Hotfix, PendingAct, SessionRow};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// `glass.status/1`, oldest first, absent values `null`.
pub fn to_json(
    rows: &[GrantRow],
    running: &[SessionRow],
    acts: &[PendingAct],
    hotfixes: &[Hotfix],
    now: DateTime<Utc>,
) -> Value {
    let grants: Vec<Value> = rows.iter().map(|row| grant(row, running, now)).collect();
    json!({
        "schema": "glass.status/1",
        "grants": grants,
        "acts": super::acts::to_json(acts),
        "hotfixes": super::hotfixes::to_json(hotfixes),
    })
}

fn grant(row: &GrantRow, running: &[SessionRow], now: DateTime<Utc>) -> Value {
    let steps: Vec<Value> = row.steps.iter().map(|(id, state)| json!({"id": id, "state": state})).collect();
    let review = row.review.as_ref();
    let approvals: Vec<Value> =
        row.approvals.iter().map(|(person, at)| json!({"person": person, "at": at})).collect();
    json!({
        "id": row.id,
        "scope": row.scope,
        "state": row.state,
        "person": row.person,
        "incident": row.incident,
        "reason": row.reason,
        "drill": row.drill,
        "outside": row.outside,
        "requested_at": row.requested_at,
        "activated_at": row.activated_at,
        "expires_at": row.expires_at,
        "closed_at": row.closed_at,
        "approvals": approvals,
        "steps": steps,
        "sessions": sessions::running_to_json(running, &row.id),
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
    match (row.drill, row.outside) {
        (true, _) => format!("{} DRILL", row.scope),
        (_, true) => format!("{} OUTSIDE", row.scope),
        _ => row.scope.clone(),
    }
}

/// What needs a person stands out without colour too.
fn loud(state: &str) -> String {
    if state == "unrevoked" { "UNREVOKED".to_owned() } else { state.to_owned() }
}

fn until(row: &GrantRow, now: DateTime<Utc>) -> String {
    let when = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339).map(|time| near(time, now));
    if let Some(lapses) = when(&row.lapses_at) {
        return format!("{} of {} signed; lapses {lapses}", row.approvals.len(), row.needed);
    }
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
pub fn to_story(row: &GrantRow, running: &[SessionRow], now: DateTime<Utc>) -> String {
    let time = |text: &Option<String>| {
        text.as_deref().and_then(parse_rfc3339).map_or_else(|| "-".to_owned(), |time| near(time, now))
    };
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "(redacted)".to_owned(), escape);
    if row.outside {
        return to_told(row, now);
    }
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
    if row.needed > 0 {
        let signed: Vec<String> = row
            .approvals
            .iter()
            .map(|(person, at)| format!("{} {}", escape(person), time(&Some(at.clone()))))
            .collect();
        let signed = if signed.is_empty() { "nobody yet".to_owned() } else { signed.join(", ") };
        lines.push(format!("  signed by  {signed}; {} needed", row.needed));
    }
    if row.lapses_at.is_some() {
        lines.push(format!("  lapses     {}", time(&row.lapses_at)));
    }
    lines.extend(
        row.steps.iter().map(|(id, state)| format!("  step       {}: {}", escape(id), escape(state))),
    );
    lines.extend(sessions::running_in(running, &row.id, now).map(|words| format!("  runs       {words}")));
    if row.review.is_some() {
        lines.push(format!("  review     {}", review(row, now)));
    }
    if row.state == "unrevoked" {
        let id = escape(&row.id);
        lines.push(format!(
            "  next       `glass revoke {id}` tries once more; what no check can prove, two people"
        ));
        lines.push(format!("             close by hand, and each of them signs it: glass attest {id}"));
    }
    lines.join("\n") + "\n"
}

/// What two people told of an emergency outside glass.
fn to_told(row: &GrantRow, now: DateTime<Utc>) -> String {
    let time =
        |text: Option<&str>| text.and_then(parse_rfc3339).map(|time| near(time, now)).unwrap_or_default();
    let lines = [
        format!("{}  {}  {}", escape(&row.id), escape(&row.scope), escape(&row.state)),
        "  OUTSIDE    done outside glass; nothing was checked".to_owned(),
        format!("  person     {}", escape(&row.person)),
        format!("  reason     {}", row.reason.as_deref().map_or_else(|| "(redacted)".to_owned(), escape)),
        format!("  from       {}", time(row.activated_at.as_deref())),
        format!("  to         {}", time(row.closed_at.as_deref())),
        format!("  recorded   {}", time(Some(&row.requested_at))),
        format!("  review     {}", review(row, now)),
    ];
    lines.join("\n") + "\n"
}
