//! A session's command log: numbered lines, as `sessions play` counts them too.

use super::cut;
use crate::core::moment::rfc3339;
use crate::core::text::escape;
use crate::reading::time::{clock, span};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A line of a session's command log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When it began.
    pub at: DateTime<Utc>,
    /// What was typed, or run.
    pub text: String,
    /// The directory that it ran in, where that is known.
    pub cwd: Option<String>,
    /// Exit code, where that is known.
    pub exit: Option<i32>,
    /// How long it took, where that is known.
    pub took: Option<TimeDelta>,
    /// What told of it, in a word.
    pub source: String,
}

/// The command logs that can be read, by session.
pub type Logs = BTreeMap<String, Vec<Logged>>;

/// Each with its number and time, and its text, cut to `most` columns, with what else is known of
/// it; inert. Directory and source are named where they change.
pub(in crate::reading) fn entries(log: &[Logged], most: usize) -> Vec<(String, String)> {
    let mut before: Option<&Logged> = None;
    let mut entries = Vec::new();
    for (index, logged) in log.iter().enumerate() {
        let mut notes = Vec::new();
        notes.extend(logged.exit.filter(|exit| *exit != 0).map(|exit| format!("exit {exit}")));
        notes.extend(logged.took.filter(|took| took.num_seconds() > 0).map(span));
        let moved = before.is_none_or(|before| before.cwd != logged.cwd);
        notes.extend(logged.cwd.as_ref().filter(|_| moved).map(|cwd| format!("in {}", escape(cwd))));
        if before.is_none_or(|before| before.source != logged.source) {
            notes.push(format!("told by {}", escape(&logged.source)));
        }
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) };
        let heading = format!("{:>3} {}", index + 1, clock(logged.at));
        entries.push((heading, format!("{}{notes}", cut(&escape(&logged.text), most))));
        before = Some(logged);
    }
    entries
}

/// For programs, absent values `null`.
pub(in crate::reading) fn to_json(log: &[Logged]) -> Vec<Value> {
    let command = |logged: &Logged| {
        json!({
            "at": rfc3339(logged.at),
            "text": logged.text,
            "cwd": logged.cwd,
            "exit": logged.exit,
            "took_ms": logged.took.map(|took| took.num_milliseconds()),
            "source": logged.source,
        })
    };
    log.iter().map(command).collect()
}
