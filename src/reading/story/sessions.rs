//! The sessions of a story: what was run, and how that ended.

use super::screen::Sheet;
use crate::ports::ledger::Story;
use crate::reading::sessions::{ENOUGH, Logs, command, cut, deleted, ended, entries, length, marks};
use crate::reading::time::local;
use chrono::{DateTime, Utc};

/// So many sessions are told; the others are in `sessions list`.
const MOST: usize = 5;
/// So many commands are told of all of them together, and so many of each at least.
const COMMANDS: (usize, usize) = (10, 2);

pub(super) fn sessions(story: &Story, logs: &Logs, now: DateTime<Utc>, sheet: &mut Sheet) {
    let all = &story.sessions;
    let most = (COMMANDS.0 / all.len().clamp(1, MOST)).max(COMMANDS.1);
    for (index, row) in all.iter().take(MOST).enumerate() {
        let (session, began) = (&row.session, local(row.session.at, now));
        let ran = length(session, now).map_or_else(String::new, |length| format!(" for {length}"));
        let words =
            format!("{} {began}{ran}: {}; {}", session.id, cut(&command(row), ENOUGH), ended(session));
        let recorded = match deleted(session, now) {
            Some(words) => format!("; its recording was {words}"),
            None if marks(session).is_empty() => "; recorded".to_owned(),
            None => String::new(),
        };
        // By its number it can be played.
        let name = if all.len() == 1 { "session".to_owned() } else { format!("session {}", index + 1) };
        sheet.row(&name, &format!("{words}{recorded}"));
        for mark in marks(session) {
            sheet.row("", &mark);
        }
        let log = logs.get(&session.id).map(Vec::as_slice).unwrap_or_default();
        for (heading, text) in entries(&log[..log.len().min(most)], ENOUGH) {
            sheet.row(&heading, &text);
        }
        if log.len() > most {
            sheet.row("", &format!("… {} more: glass sessions list {}", log.len() - most, session.id));
        }
    }
    if all.len() > MOST {
        let more = all.len() - MOST;
        sheet.row("", &format!("and {more} more: glass sessions list {}", story.grant.id));
    }
}
