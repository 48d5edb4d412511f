//! One session for people: all that the ledger knows of it, and its commands.

use super::{Logged, can_be_played, command, deleted, ended, entries, held, length, marks};
use crate::core::text::escape;
use crate::ports::ledger::SessionRow;
use crate::reading::time::near;
use crate::reading::wrap::hang;
use chrono::{DateTime, Utc};

/// Where the text begins that follows a heading.
const MARGIN: usize = 13;

/// Lines for a screen of this width; `log` is `None` where its command log can't be read.
pub fn to_text(row: &SessionRow, log: Option<&[Logged]>, now: DateTime<Utc>, width: u16) -> String {
    let (session, started) = (&row.session, &row.session.started);
    let mut lines = vec![escape(&format!("{}  of {}  {}", session.id, row.grant, row.scope))];
    let mut put = |name: &str, text: &str| {
        lines.extend(hang(&format!("{name:<MARGIN$}"), &escape(text), width.into()));
    };
    for mark in marks(session) {
        put("", &mark);
    }
    put("ran", &command(row));
    put("who", &format!("{}, as OS user {}", row.person, session.by));
    let through = if started.terminal { "at a terminal" } else { "through pipes" };
    put("ran as", &format!("OS user {}, {through}", started.run_as));
    put("began", &near(session.at, now));
    match &session.end {
        None => put("running", &format!("for {}", length(session, now).unwrap_or_default())),
        Some(end) if end.interrupted => {
            put("ended", &format!("nobody saw when; recorded {} ({})", near(end.at, now), end.cause));
        }
        Some(end) => {
            let ran = length(session, now).map_or_else(String::new, |length| format!("after {length}, "));
            put("ended", &format!("{}: {ran}{} ({})", near(end.at, now), ended(session), end.cause));
        }
    }
    if session.end.as_ref().is_some_and(|end| end.ending.gone) {
        put("", "nothing that it started is left");
    }
    put("held by", held(started.contained));
    put("recording", &started.recording);
    for (suffix, whole) in session.end.iter().flat_map(|end| &end.files) {
        put("", &format!("{}.{suffix}, {} bytes, SHA-256 {}", session.id, whole.length, whole.sha256));
    }
    if let Some(words) = deleted(session, now) {
        put("", &words);
    }
    if can_be_played(session) {
        put("to play it", &format!("glass sessions play {}", session.id));
    }
    match log {
        None => put("commands", "its command log can't be read"),
        Some([]) => put("commands", "none that glass could see"),
        Some(log) => {
            put("commands", "");
            for (heading, text) in entries(log, usize::MAX) {
                put(&heading, &text);
            }
        }
    }
    lines.join("\n") + "\n"
}
