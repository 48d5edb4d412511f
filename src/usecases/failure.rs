//! What every verb fails with: what was refused, why, and the next thing to type.

use crate::core::policy::{
    ActRefusal, ApprovalRefusal, AttestRefusal, Denied, ExtendRefusal, HotfixRefusal, Refusal, ReviewRefusal,
    RevokeRefusal, SessionRefusal, TouchRefusal,
};
use crate::core::source::Faults;
use crate::core::text::HostileText;
use crate::ports::clock::ClockError;
use crate::ports::config::{HomeError, ReadError, WriteError};
use crate::ports::ledger::LedgerError;
use crate::ports::recordings::RecordingsError;
use crate::ports::signer::{FindError, RandomError, SignError};
use crate::ports::terminal::{NotConfirmed, TerminalError};

/// The kinds of failure; `cli` maps each to its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It could not be done; what could not be recorded was not opened.
    Failed,
    /// A malformed file or text.
    Usage,
    /// Policy says no.
    Refused,
    /// No terminal, wrong text, no or bad signature.
    NotConfirmed,
    /// The ledger contradicts itself.
    Integrity,
    /// Not opened, rolled back and proved closed.
    RolledBack,
    /// Something is open or owed that should not be.
    Attention,
}

/// A failure in words for people.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// Its kind.
    pub kind: Kind,
    /// What was refused or failed, and why.
    pub what: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The word by which a refusal is recorded; empty where nothing is to be recorded.
    pub cause: &'static str,
}

impl Failure {
    /// A failure without a hint, not to be recorded.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hint: None, cause: "" }
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Names the word by which it is recorded.
    #[must_use]
    pub fn cause(self, cause: &'static str) -> Self {
        Self { cause, ..self }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Touch(refusal) => refusal.into(),
            _ => Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code()),
        }
    }
}

impl From<TouchRefusal> for Failure {
    fn from(refusal: TouchRefusal) -> Self {
        let kind = match refusal {
            TouchRefusal::Hardware => Kind::Refused,
            _ => Kind::NotConfirmed,
        };
        Self::new(kind, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<ApprovalRefusal> for Failure {
    fn from(refusal: ApprovalRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<ActRefusal> for Failure {
    fn from(refusal: ActRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<HotfixRefusal> for Failure {
    fn from(refusal: HotfixRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<ReviewRefusal> for Failure {
    fn from(refusal: ReviewRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<AttestRefusal> for Failure {
    fn from(refusal: AttestRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<RevokeRefusal> for Failure {
    fn from(refusal: RevokeRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<SessionRefusal> for Failure {
    fn from(refusal: SessionRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<ExtendRefusal> for Failure {
    fn from(refusal: ExtendRefusal) -> Self {
        Self::new(Kind::Refused, refusal.to_string()).hint(refusal.hint()).cause(refusal.code())
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::Review(refusal) => refusal.into(),
            Denied::Approval(refusal) => refusal.into(),
            Denied::Act(refusal) => refusal.into(),
            Denied::Hotfix(refusal) => refusal.into(),
            Denied::Extension(refusal) => refusal.into(),
            Denied::Attestation(refusal) => refusal.into(),
            Denied::Revocation(refusal) => refusal.into(),
            Denied::Session(refusal) => refusal.into(),
            Denied::Statement(error) => Self::new(Kind::Usage, error.to_string()),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let integrity = error.is_integrity();
        let what = error.to_string();
        match error {
            LedgerError::Missing(_) => Self::new(Kind::Failed, what).hint(
                "put a backup back; or is it another home (`--home DIR`)? `glass init` makes a first one",
            ),
            LedgerError::Denied(denied) => (*denied).into(),
            LedgerError::Refused(_) => Self::new(Kind::Refused, what).cause("refused-by-ledger"),
            _ if integrity => Self::new(Kind::Integrity, what).hint(
                "`glass ledger verify` names what is wrong; closing goes on by the close plans; \
                 to open by hand there is the scope's printed card (`glass playbook show --card`)",
            ),
            _ => Self::new(Kind::Failed, what).hint(
                "what could not be recorded was not opened; free disk space or mend the file, then try again",
            ),
        }
    }
}

impl From<ClockError> for Failure {
    fn from(error: ClockError) -> Self {
        Self::new(Kind::Failed, error.to_string())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let kind = match error {
            HomeError::FixedUnderSudo(_) => Kind::Refused,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<RecordingsError> for Failure {
    fn from(error: RecordingsError) -> Self {
        let (kind, cause) = match error {
            RecordingsError::NotADirectory(_) => (Kind::Refused, "not-a-directory"),
            RecordingsError::WritableByOthers { .. } => (Kind::Refused, "writable-by-others"),
            RecordingsError::Missing(_) | RecordingsError::Refused { .. } => (Kind::Failed, ""),
        };
        Self::new(kind, error.to_string()).cause(cause)
    }
}

impl From<RandomError> for Failure {
    fn from(error: RandomError) -> Self {
        Self::new(Kind::Failed, error.to_string())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::new(Kind::Failed, error.to_string())
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::new(Kind::Usage, faults.to_string())
    }
}

impl From<TerminalError> for Failure {
    fn from(error: TerminalError) -> Self {
        let cause = match &error {
            TerminalError::None(_) => "no-terminal",
            TerminalError::Background => "in-background",
            TerminalError::Abandoned(_) => "abandoned",
            TerminalError::TooLong(_) | TerminalError::NotText => "malformed-answer",
            TerminalError::NeverQuiet => "input-never-quiet",
            TerminalError::Failed(_) => "terminal-failed",
        };
        let kind = if cause == "malformed-answer" { Kind::Usage } else { Kind::NotConfirmed };
        Self::new(kind, error.to_string()).cause(cause)
    }
}

impl From<NotConfirmed> for Failure {
    fn from(error: NotConfirmed) -> Self {
        let cause = match error {
            NotConfirmed::Terminal(error) => return error.into(),
            NotConfirmed::Wrong(_) => "wrong-confirmation",
            NotConfirmed::Empty(_) => "empty-confirmation",
        };
        Self::new(Kind::NotConfirmed, error.to_string()).cause(cause)
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        let cause =
            if matches!(error, FindError::NotInRoster { .. }) { "key-not-in-roster" } else { "no-key" };
        Self::new(Kind::NotConfirmed, error.to_string()).cause(cause)
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        let cause = if matches!(error, SignError::Interrupted) { "abandoned" } else { "not-signed" };
        Self::new(Kind::NotConfirmed, error.to_string()).cause(cause)
    }
}

impl From<HostileText> for Failure {
    fn from(error: HostileText) -> Self {
        Self::new(Kind::Usage, error.to_string()).cause("hostile-text")
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(Kind::Failed, error.to_string())
    }
}
