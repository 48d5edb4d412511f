//! `review`: one grant's whole story, on one screen and as JSON.

mod json;
mod screen;
mod sessions;
#[cfg(test)]
mod tests;

pub use json::to_json;
pub use screen::{steps_to_lines, to_lines};

use crate::core::entry::{Facts, Kind};
use crate::core::unusual::{Finding, History, unusual};
use crate::ports::ledger::Story;
use crate::reading::sessions::{Logs, is_asked_for, is_missing};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What was unusual about it.
fn findings(story: &Story) -> Vec<Finding> {
    unusual(&History {
        grant: &story.grant,
        entries: &story.entries,
        scope: story.scope.as_ref(),
        reason: story.requested("reason"),
        uses: &story.uses,
        attempts: &story.attempts,
    })
}

/// A fact that the requester signed, where it is no text.
fn signed<'a>(story: &'a Story, key: &str) -> Option<&'a Value> {
    story.request_facts()?.signed.as_ref()?.get(key)
}

/// The gaps, named (P13): what nobody can tell from this record.
fn not_recorded(story: &Story, logs: &Logs) -> Vec<String> {
    if story.grant.outside {
        return vec!["anything of it: it was done outside glass, and is what two people say".to_owned()];
    }
    let mut gaps = vec![match story.sessions.is_empty() {
        true => "what was done with the access: no session of glass was used".to_owned(),
        false => "what was done outside sessions of glass".to_owned(),
    }];
    for session in story.sessions.iter().map(|row| &row.session) {
        let id = &session.id;
        if !is_asked_for(session) {
            gaps.push(format!("session {id}: its scope asks for no recording"));
        } else if let Some(gap) = &session.gap {
            gaps.push(format!("session {id}, once its recording broke off ({})", gap.cause));
        } else if is_missing(session) {
            gaps.push(format!("session {id}: no recording of it is bound into the ledger"));
        }
        if is_asked_for(session) && session.deleted_at.is_none() && !logs.contains_key(id) {
            gaps.push(format!("the commands of session {id}: its command log can't be read"));
        }
    }
    if story.scope.as_ref().is_none_or(|scope| scope.evidence.is_empty()) {
        gaps.push("the target's own audit trail: the scope fetches none".to_owned());
    }
    if story.request.is_none() {
        gaps.push("reason, incident and answers: the text of the request is not there".to_owned());
    }
    gaps
}

/// `due`, `overdue`, `reviewed`; `None` before closing.
fn review_state(story: &Story, now: DateTime<Utc>) -> Option<&'static str> {
    let due_at = story.grant.review_due_at()?;
    Some(match story.grant.review {
        Some(_) => "reviewed",
        None if now < due_at => "due",
        None => "overdue",
    })
}

/// A criterion and how it was met.
struct Criterion<'a> {
    id: &'a str,
    ask: Option<&'a str>,
    asked: bool,
    probe_exit: Option<i64>,
}

/// The criteria: their facts, and their texts while those are there.
fn criteria(story: &Story) -> Vec<Criterion<'_>> {
    let signed = story.request_facts().and_then(|facts| facts.signed.as_ref()?.get("criteria")?.as_array());
    let answers = story.request.as_ref().and_then(|texts| texts.get("answers")?.as_array());
    let ask = |index: usize| answers?.get(index)?.get("ask")?.as_str();
    signed
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, criterion)| {
            Some(Criterion {
                id: criterion.get("id")?.as_str()?,
                ask: ask(index),
                asked: criterion.get("asked").and_then(Value::as_bool).unwrap_or(true),
                probe_exit: criterion.get("probe_exit").and_then(Value::as_i64),
            })
        })
        .collect()
}

/// The entries of one step, oldest first.
fn of_step<'a>(story: &'a Story, step: &'a str) -> impl Iterator<Item = &'a Facts> {
    story.entries.iter().filter(move |facts| facts.step.as_deref() == Some(step))
}

/// The entries of a kind, oldest first.
fn of_kind(story: &Story, kind: Kind) -> impl Iterator<Item = &Facts> {
    story.entries.iter().filter(move |facts| facts.kind == kind)
}

/// The latest entry of a kind.
fn last(story: &Story, kind: Kind) -> Option<&Facts> {
    story.entries.iter().rfind(|facts| facts.kind == kind)
}
