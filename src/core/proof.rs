//! What a finished command proves (P3): *open*, *closed*, or nothing.

use crate::core::command::FilledCommand;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited by itself, with this code.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// Its time-out passed and its whole process group was ended.
    TimedOut,
    /// No process was ever started: this proves that it had no effect.
    NotStarted(String),
}

/// What is kept of one output stream.
///
/// It may hold a secret that the target just issued, so it is wiped, and never printed.
#[derive(Clone, Default)]
pub struct Captured {
    /// The first bytes, up to the cap of the effect room.
    pub kept: Zeroizing<Vec<u8>>,
    /// The last bytes, of a stream that is longer than `kept`; empty otherwise.
    pub end: Zeroizing<Vec<u8>>,
    /// How many bytes came in all.
    pub length: u64,
    /// SHA-256 of all that came.
    pub sha256: [u8; 32],
}

impl Captured {
    /// The end of the stream, as far as it was kept.
    pub fn last(&self) -> &[u8] {
        if self.end.is_empty() { &self.kept } else { &self.end }
    }
}

impl std::fmt::Debug for Captured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Captured({} bytes)", self.length)
    }
}

/// A command that was run, or that could not be.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// How long it took.
    pub elapsed: Duration,
}

/// What an outcome must show: all of the conditions that are given, one at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// This exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// This text somewhere in the kept standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// This text somewhere in the kept standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

impl Match {
    /// Whether the outcome shows all that is asked. An empty match shows nothing.
    pub fn holds(&self, outcome: &Outcome) -> bool {
        let Ended::Exit(code) = outcome.ended else { return false };
        let asked = self.exit.is_some() || self.stdout.is_some() || self.stderr.is_some();
        asked
            && self.exit.is_none_or(|wanted| wanted == code)
            && self.stdout.as_ref().is_none_or(|text| contains(&outcome.stdout.kept, text))
            && self.stderr.as_ref().is_none_or(|text| contains(&outcome.stderr.kept, text))
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Positively open.
    Open,
    /// Positively closed.
    Closed,
    /// Neither was proved: not closed.
    Unknown,
}

/// A check with nothing left to fill in: a command and its two proofs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilledCheck {
    /// What to run.
    pub command: FilledCommand,
    /// What proves that access is open.
    pub open: Match,
    /// What proves that access is closed.
    pub closed: Match,
}

/// Judges an outcome by two proofs; if both hold, or neither does, nothing is proved.
pub fn judge(open: &Match, closed: &Match, outcome: &Outcome) -> Proof {
    match (open.holds(outcome), closed.holds(outcome)) {
        (true, false) => Proof::Open,
        (false, true) => Proof::Closed,
        _ => Proof::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ended: Ended, stdout: &str, stderr: &str) -> Outcome {
        let captured = |text: &str| Captured {
            kept: Zeroizing::new(text.as_bytes().to_vec()),
            end: Zeroizing::new(Vec::new()),
            length: text.len() as u64,
            sha256: [0; 32],
        };
        Outcome { ended, stdout: captured(stdout), stderr: captured(stderr), elapsed: Duration::ZERO }
    }

    fn exit(code: i32) -> Match {
        Match { exit: Some(code), stdout: None, stderr: None }
    }

    #[test]
    fn p03_only_positive_proof_is_closed() {
        let closed = Match { stderr: Some("invalid accessor".into()), ..exit(2) };
        let judge = |o: &Outcome| judge(&exit(0), &closed, o);
        assert_eq!(judge(&outcome(Ended::Exit(0), "", "")), Proof::Open);
        assert_eq!(judge(&outcome(Ended::Exit(2), "", "x invalid accessor\n")), Proof::Closed);
        for unproved in [
            outcome(Ended::Exit(2), "", "connection refused"),
            outcome(Ended::Exit(2), "invalid accessor", ""),
            outcome(Ended::Signal(9), "", "invalid accessor"),
            outcome(Ended::TimedOut, "", "invalid accessor"),
            outcome(Ended::NotStarted("no such file".into()), "", "invalid accessor"),
        ] {
            assert_eq!(judge(&unproved), Proof::Unknown, "{unproved:?}");
        }
    }

    #[test]
    fn p03_two_proofs_at_once_prove_nothing() {
        assert_eq!(judge(&exit(0), &exit(0), &outcome(Ended::Exit(0), "", "")), Proof::Unknown);
        let empty = Match { exit: None, stdout: None, stderr: None };
        assert!(!empty.holds(&outcome(Ended::Exit(0), "", "")));
    }
}
