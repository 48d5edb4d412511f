//! The verbs below `playbook`, `request`, `sessions` and `ledger`.

use crate::core::duration::Seconds;
use crate::core::id::{GrantId, SessionId};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PlaybookVerb {
    /// The registered scopes
    List,
    /// What a scope says
    Show {
        /// `playbook/scope`, or the scope's name where it is unique
        scope: String,
        /// The card to print beforehand: how to open and close by hand
        #[arg(long)]
        card: bool,
    },
    /// Check playbook files; the home's drafts otherwise
    Lint {
        /// Playbook files
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RequestVerb {
    /// What is asked, by whom and why, and how it is signed
    Show {
        /// What waits: `g-…` or `p-…`
        #[arg(value_name = "GRANT")]
        id: String,
    },
    /// Exactly the bytes to sign with `ssh-keygen -Y sign`
    Export {
        /// What waits: `g-…` or `p-…`
        #[arg(value_name = "GRANT")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SessionsVerb {
    /// The sessions, oldest first; of one of them its commands too
    List {
        /// Only those of this grant, or this one session: `g-…` or `s-…`
        #[arg(value_name = "GRANT")]
        id: Option<String>,
    },
    /// Play a session back on your terminal
    ///
    /// Keys: space pauses, `.` goes one step while paused, `+` and `-` change the speed, `]` and `[` go
    /// to the next and the previous command, `/` searches, `n` goes on to the next hit, `q` and Ctrl-C
    /// quit.
    Play {
        /// The session
        session: SessionId,
        /// How many times as fast as it was
        #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
        speed: f64,
        /// The longest pause
        #[arg(long, value_name = "DURATION", default_value = "2s")]
        idle_limit: Seconds,
        /// Begin at the Nth command that was typed
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "search")]
        command: Option<u64>,
        /// Begin where this text was first seen
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Write a session's recording, asciicast v2, for other players
    Export {
        /// The session
        session: SessionId,
        /// The file to make, instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LedgerVerb {
    /// The entries, oldest first
    Log {
        /// Only the entries of this grant
        #[arg(long)]
        grant: Option<GrantId>,
    },
    /// Check everything that can be checked
    Verify {
        /// Checkpoints or receipts kept elsewhere
        #[arg(long, value_name = "FILE", num_args = 1..)]
        anchors: Vec<PathBuf>,
        /// Check signatures only after this checkpoint, which was verified before
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Read every recording too, and hold it against what the ledger binds
        #[arg(long)]
        recordings: bool,
    },
    /// Print the signed checkpoint, to be kept elsewhere
    Checkpoint,
    /// Write a consistent copy, while others go on
    Backup {
        /// The file to make
        file: PathBuf,
    },
}

/// A speed that a person can still follow.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.1..=100.0).contains(speed));
    speed.ok_or_else(|| "a speed is a number from 0.1 to 100".to_owned())
}
