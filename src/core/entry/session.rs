//! What entries say of a session and of its recording.

use serde::{Deserialize, Serialize};

/// What holds a session together, so that it can be ended with all that it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Containment {
    /// A cgroup of its own: nothing that it starts can leave it, but with root's rights.
    Cgroup,
    /// glass's own processes, which its orphans fall to: whoever kills those sets them free.
    Subreaper,
}

impl Containment {
    /// The word in facts and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Subreaper => "subreaper",
        }
    }
}

/// What `session-started` fixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// SHA-512 of the argument vector, a JSON array in the `text` table.
    pub command: String,
    /// What holds it together.
    pub contained: Containment,
    /// What the scope asks for: `off`, `best-effort` or `required`.
    pub recording: String,
    /// The OS user that it runs as.
    pub run_as: String,
    /// Whether it has a terminal; through pipes there is no picture, but a stream.
    pub terminal: bool,
}

/// The files of a recording, by the ends of their names: the picture, and the log of commands.
pub const RECORDED: [&str; 2] = ["cast", "commands"];

/// A stretch of one file of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// Its first byte, from 0.
    pub from: u64,
    /// Bytes.
    pub length: u64,
    /// SHA-256 of them, lower-case hex.
    pub sha256: String,
}

/// How the command of a session ended; neither where nobody saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Exit code, where it exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// Whether it is proved that nothing which the session started is left.
    pub gone: bool,
    /// Signal number, where one ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}
