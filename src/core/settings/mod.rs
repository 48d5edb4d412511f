//! `glass.toml`: the roster, and where news and copies of the ledger's head go (CONTRACT 2).
//!
//! [`Settings::parse`] is the only maker. What this version reads but cannot do yet is named
//! by [`Settings::unsupported`].

mod read;
#[cfg(test)]
mod tests;

use crate::core::duration::Seconds;
use crate::core::roster::Roster;
use std::path::PathBuf;

/// The whole of `glass.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many admins sign a registration; one at least, and no more than there are.
    pub admins: usize,
    /// The name of the ledger, as C2SP signed notes write it.
    pub origin: String,
    /// Everyone.
    pub roster: Roster,
    /// Where news goes.
    pub notify: Vec<Notify>,
    /// Where copies of the ledger's head go.
    pub anchors: Vec<Anchor>,
    /// How long recordings are kept; absent means for ever.
    pub keep_recordings: Option<Seconds>,
}

/// A receiver of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How it is told.
    pub target: NotifyTarget,
    /// What it is told; never empty.
    pub events: Vec<Event>,
}

/// How news travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyTarget {
    /// An HTTPS request, with an HMAC-SHA256 header where a secret is given.
    Webhook {
        /// Where to.
        url: String,
        /// The file with the key of the HMAC.
        secret: Option<PathBuf>,
    },
    /// A program of an absolute path, that reads the news.
    Command(Vec<String>),
    /// The system's log.
    Syslog,
}

/// News.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request waits for approval.
    Requested,
    /// A grant is open.
    Activated,
    /// A grant is proved closed.
    Closed,
    /// A closing was not proved.
    Unrevoked,
    /// A review is overdue.
    ReviewOverdue,
}

/// A place where copies of the ledger's head are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// A file that each head is added to.
    File(PathBuf),
    /// A program of an absolute path, that reads each head.
    Command(Vec<String>),
    /// The system's log.
    Syslog,
    /// A C2SP witness.
    Witness(String),
}

impl Settings {
    /// What this version cannot do yet, in the file's own words; empty for none.
    pub fn unsupported(&self) -> Vec<String> {
        [(!self.notify.is_empty(), "[[notify]]"), (!self.anchors.is_empty(), "[[anchor]]")]
            .into_iter()
            .filter(|(present, _)| *present)
            .map(|(_, words)| words.to_owned())
            .collect()
    }

    /// The commented file that `init` writes: one person, who is admin and on call.
    ///
    /// Parses back to [`Roster::founder`] for a valid origin, person and public key line.
    pub fn template(origin: &str, person: &str, key_line: &str) -> String {
        // The TOML library quotes, so that a comment in the key line can't break out.
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        format!(
            include_str!("template.txt"),
            origin = quoted(origin),
            person = quoted(person),
            key = quoted(key_line.trim())
        )
    }
}

/// Whether a text can name a ledger, as C2SP signed notes write names: not empty, no white
/// space or control character, no `+`.
pub fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && !text.chars().any(|c| c == '+' || c.is_whitespace() || crate::core::text::is_hostile(c))
}
