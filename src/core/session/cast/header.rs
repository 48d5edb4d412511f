//! The first line of a recording.

use super::CastError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a recording says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Columns of the terminal at the start.
    pub width: u16,
    /// Its rows.
    pub height: u16,
    /// When the session began: seconds since 1970, UTC.
    pub timestamp: Option<i64>,
    /// What a player may show.
    pub title: Option<String>,
    /// The command that ran, for people.
    pub command: Option<String>,
    /// `TERM` of the session: the kind of terminal that its programs wrote for.
    pub term: Option<String>,
    /// `SHELL` of the session.
    pub shell: Option<String>,
}

const TERM: &str = "TERM";
const SHELL: &str = "SHELL";

/// The line as it stands; whatever else it has is left alone.
#[derive(Serialize, Deserialize)]
struct Line {
    version: u8,
    width: u16,
    height: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
}

impl Header {
    /// The line with its line feed.
    pub fn to_line(&self) -> String {
        let variable = |name: &str, value: &Option<String>| Some((name.to_owned(), value.clone()?));
        let line = Line {
            version: 2,
            width: self.width,
            height: self.height,
            timestamp: self.timestamp,
            title: self.title.clone(),
            command: self.command.clone(),
            env: [variable(TERM, &self.term), variable(SHELL, &self.shell)].into_iter().flatten().collect(),
        };
        // Its keys are texts and its values can all be written down.
        let json = serde_json::to_string(&line).unwrap_or_default();
        crate::core::text::escape_json(&json) + "\n"
    }

    /// Reads the line, with or without its line feed.
    ///
    /// # Errors
    /// [`CastError::NoHeader`].
    pub fn parse(line: &[u8]) -> Result<Self, CastError> {
        let mut line: Line = serde_json::from_slice(line).map_err(|_| CastError::NoHeader)?;
        if line.version != 2 {
            return Err(CastError::NoHeader);
        }
        Ok(Self {
            width: line.width,
            height: line.height,
            timestamp: line.timestamp,
            title: line.title,
            command: line.command,
            term: line.env.remove(TERM),
            shell: line.env.remove(SHELL),
        })
    }
}
