//! Sessions: how grants were used through glass (P13), in a list, one by one, and as JSON.

mod commands;
mod json;
mod list;
mod one;
mod running;
#[cfg(test)]
pub(crate) mod tests;

pub use commands::{Logged, Logs};
pub use json::to_json;
pub use list::to_table;
pub use one::to_text;
pub use running::after_table;

pub(super) use commands::{entries, to_json as commands_to_json};
pub(super) use json::session as session_to_json;
pub(super) use running::{in_words as running_in, to_json as running_to_json};

use crate::core::entry::Containment;
use crate::core::grant::GrantSession;
use crate::core::playbook::shell::typed;
use crate::core::text::escape;
use crate::ports::ledger::SessionRow;
use crate::reading::time::{clock, local, span};
use chrono::{DateTime, Utc};
use console::truncate_str;

/// `running`, `ended`, `interrupted` or `deleted`.
fn state(session: &GrantSession) -> &'static str {
    match (&session.end, session.deleted_at) {
        (_, Some(_)) => "deleted",
        (None, None) => "running",
        (Some(end), None) if end.interrupted => "interrupted",
        (Some(_), None) => "ended",
    }
}

/// What was run; `None` where its text is not there.
fn argv(row: &SessionRow) -> Option<Vec<String>> {
    row.command.as_deref().and_then(|command| serde_json::from_str(command).ok())
}

/// The same as it would be typed, inert. It may be longer than anybody reads: see [`cut`].
pub(super) fn command(row: &SessionRow) -> String {
    argv(row).map_or_else(|| "(its text is not there)".to_owned(), |argv| escape(&typed(&argv)))
}

/// So many columns of a command are enough beside other things.
pub(super) const ENOUGH: usize = 120;

/// So much of an inert text as fits.
pub(super) fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

/// How long it ran, as far as somebody saw its end.
pub(super) fn length(session: &GrantSession, now: DateTime<Utc>) -> Option<String> {
    match &session.end {
        None => Some(span(now - session.at)),
        Some(end) if end.interrupted => None,
        Some(end) => Some(span(end.at - session.at)),
    }
}

/// How its command ended, in a word or two.
pub(super) fn ended(session: &GrantSession) -> String {
    let Some(end) = &session.end else { return "running".to_owned() };
    match (end.ending.exit, end.ending.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(exit), None) => format!("exit {exit}"),
        (None, None) if end.interrupted => "unseen".to_owned(),
        (None, None) => "no exit code".to_owned(),
    }
}

/// What everyone has to see of it, loudest first.
pub(super) fn marks(session: &GrantSession) -> Vec<String> {
    let mut marks = Vec::new();
    if let Some(end) = &session.end {
        if end.interrupted {
            marks.push("INTERRUPTED: its glass died, and nobody saw how it ended".to_owned());
        }
        if !end.ending.gone {
            marks.push("NOT PROVED GONE: what it started may still run".to_owned());
        }
    }
    if let Some(gap) = &session.gap {
        marks.push(format!("GAP: not recorded from {} on ({})", clock(gap.at), gap.cause));
    }
    if !is_asked_for(session) {
        marks.push("NOT RECORDED: its scope asks for no recording".to_owned());
    } else if is_missing(session) {
        marks.push("NOT RECORDED: no recording of it is bound into the ledger".to_owned());
    }
    marks
}

/// Whether its scope asks for a recording.
pub(super) fn is_asked_for(session: &GrantSession) -> bool {
    session.started.recording != "off"
}

/// Whether it ended without a recording that it should have, and no entry says why.
pub(super) fn is_missing(session: &GrantSession) -> bool {
    let has_none = session.end.as_ref().is_some_and(|end| end.files.is_empty());
    is_asked_for(session) && has_none && session.gap.is_none()
}

/// Whether there is a picture to play, as far as the ledger knows.
pub fn can_be_played(session: &GrantSession) -> bool {
    let has_picture = session.end.as_ref().is_none_or(|end| end.files.contains_key("cast"));
    is_asked_for(session) && has_picture && session.deleted_at.is_none()
}

/// When its recording was deleted, in words.
pub(super) fn deleted(session: &GrantSession, now: DateTime<Utc>) -> Option<String> {
    Some(format!("deleted {}, as was registered; its hash stays", local(session.deleted_at?, now)))
}

/// What holds a session together, in words.
const fn held(contained: Containment) -> &'static str {
    match contained {
        Containment::Cgroup => "a cgroup of its own, which only root's rights could leave",
        Containment::Subreaper => "glass's own watch: a program that kills glass first may outlive it",
    }
}
