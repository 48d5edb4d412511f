//! The kinds of entries, and which of them a person signs.

use serde::{Deserialize, Serialize};

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The first entry: origin, ledger id, ledger key, first person.
    Genesis,
    /// The owner of the files named a new admin: every admin key was lost.
    Recovered,
    /// Signed: the first of the people whom an act needs.
    Proposed,
    /// Signed: one more of them, and not yet the last.
    Seconded,
    /// Signed: the files that count from now on.
    Registered,
    /// Signed: one playbook, mended by two people of its scope for one grant.
    Hotfixed,
    /// Signed: an emergency that was done outside glass.
    Recorded,
    /// Signed: a person asks for a grant.
    Requested,
    /// Signed: another person consents.
    Approved,
    /// Signed: another person says no.
    Denied,
    /// Signed: the requester takes the request back.
    Withdrawn,
    /// Nobody signed in time.
    Lapsed,
    /// Signed: the requester, anew, in another process or alone.
    Resumed,
    /// The permit to open: fixes the deadlines; the close plan is on disk.
    Opening,
    /// A step's `grant` ran, or could not.
    StepOpened,
    /// Every step opened: the grant is active.
    Activated,
    /// Signed: the requester's grant ends later.
    Extended,
    /// Signed: a person ends it who is not known as the OS user who asked.
    Revoked,
    /// Closing began.
    Closing,
    /// A step's closing outcome changed, or stood unchanged for a day.
    StepClosed,
    /// Every step is proved closed.
    Closed,
    /// Rolled back and proved closed; the grant was never active.
    ActivationFailed,
    /// A round of closing ended without proof.
    Unrevoked,
    /// Signed: a person saw to it that it was closed by hand.
    Attested,
    /// Closed from the close plan while the ledger could not be written.
    ClosedFromPlan,
    /// A person began to use the grant, in a session of glass.
    SessionStarted,
    /// What was added to a session's recording since its last piece.
    SessionPiece,
    /// From here on a session is not recorded: recording failed.
    RecordingGap,
    /// A session and all that it started has ended; fixes its recording.
    SessionEnded,
    /// A session's glass died; fixes what there is of its recording.
    SessionInterrupted,
    /// A recording was deleted, as `recordings.keep` says; its hash stays.
    RecordingDeleted,
    /// Signed: a person judged the use.
    Reviewed,
    /// Something was refused or abandoned.
    Refused,
}

impl Kind {
    /// Whether a person signs entries of this kind.
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Proposed
            | Self::Seconded
            | Self::Registered
            | Self::Hotfixed
            | Self::Recorded
            | Self::Requested
            | Self::Approved
            | Self::Denied
            | Self::Withdrawn
            | Self::Resumed
            | Self::Extended
            | Self::Revoked
            | Self::Attested
            | Self::Reviewed => true,
            Self::Genesis
            | Self::Recovered
            | Self::Lapsed
            | Self::Opening
            | Self::StepOpened
            | Self::Activated
            | Self::Closing
            | Self::StepClosed
            | Self::Closed
            | Self::ActivationFailed
            | Self::Unrevoked
            | Self::ClosedFromPlan
            | Self::SessionStarted
            | Self::SessionPiece
            | Self::RecordingGap
            | Self::SessionEnded
            | Self::SessionInterrupted
            | Self::RecordingDeleted
            | Self::Refused => false,
        }
    }

    /// The word in the facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Recovered => "recovered",
            Self::Proposed => "proposed",
            Self::Seconded => "seconded",
            Self::Registered => "registered",
            Self::Hotfixed => "hotfixed",
            Self::Recorded => "recorded",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Resumed => "resumed",
            Self::Opening => "opening",
            Self::StepOpened => "step-opened",
            Self::Activated => "activated",
            Self::Extended => "extended",
            Self::Revoked => "revoked",
            Self::Closing => "closing",
            Self::StepClosed => "step-closed",
            Self::Closed => "closed",
            Self::ActivationFailed => "activation-failed",
            Self::Unrevoked => "unrevoked",
            Self::Attested => "attested",
            Self::ClosedFromPlan => "closed-from-plan",
            Self::SessionStarted => "session-started",
            Self::SessionPiece => "session-piece",
            Self::RecordingGap => "recording-gap",
            Self::SessionEnded => "session-ended",
            Self::SessionInterrupted => "session-interrupted",
            Self::RecordingDeleted => "recording-deleted",
            Self::Reviewed => "reviewed",
            Self::Refused => "refused",
        }
    }
}
