//! The signed judgement that each use owes (P8), given once.

use chrono::{DateTime, Utc};
use std::fmt;
use std::str::FromStr;

/// What a reviewer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// An emergency, used as it was meant.
    Justified,
    /// No emergency, or more than it needed; in good faith.
    Unjustified,
    /// Used for what it must not be used for.
    Misuse,
    /// A rehearsal, as it was announced.
    Drill,
}

impl Verdict {
    /// Every verdict, in the order of the prompt.
    pub const ALL: [Self; 4] = [Self::Justified, Self::Unjustified, Self::Misuse, Self::Drill];

    /// The word in facts, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
            Self::Misuse => "misuse",
            Self::Drill => "drill",
        }
    }

    /// Whether it can be said of a use that was announced as a drill, or was not.
    ///
    /// A drill is never an emergency, so never `justified`; what began as a drill and was used
    /// for something else is `unjustified` or `misuse`. Nothing becomes a drill afterwards.
    pub const fn fits(self, drill: bool) -> bool {
        match self {
            Self::Justified => !drill,
            Self::Drill => drill,
            Self::Unjustified | Self::Misuse => true,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a verdict: it is one of justified, unjustified, misuse, drill")]
pub struct NotAVerdict;

impl FromStr for Verdict {
    type Err = NotAVerdict;

    fn from_str(text: &str) -> Result<Self, NotAVerdict> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text).ok_or(NotAVerdict)
    }
}

/// A review that was given, as its entry tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// What was found.
    pub verdict: Verdict,
    /// Who judged.
    pub person: String,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Whether the requester judged it, alone in a home of one person.
    pub self_review: bool,
    /// SHA-512 of its statement, where its texts are.
    pub statement: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_read_back_and_nothing_else_is() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
        }
        for other in ["", "Justified", "justified ", "fine"] {
            assert_eq!(other.parse::<Verdict>(), Err(NotAVerdict), "{other}");
        }
    }

    #[test]
    fn a_drill_is_no_emergency_and_an_emergency_no_drill() {
        let fitting = |drill| Verdict::ALL.into_iter().filter(|v| v.fits(drill)).collect::<Vec<_>>();
        assert_eq!(fitting(true), [Verdict::Unjustified, Verdict::Misuse, Verdict::Drill]);
        assert_eq!(fitting(false), [Verdict::Justified, Verdict::Unjustified, Verdict::Misuse]);
    }
}
