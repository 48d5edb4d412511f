//! How a session went, and why it ended.

/// Why a session ends; the words of `session-ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its command came to its end.
    Command,
    /// Its grant did: expired, or revoked, or being closed.
    Grant,
    /// It could no longer be recorded, and must be.
    Recording,
    /// The person's terminal is gone.
    HungUp,
    /// Its keeper was killed.
    Keeper,
    /// The system failed glass.
    Glass,
}

impl Why {
    /// The cause as entries name it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command-ended",
            Self::Grant => "grant-ended",
            Self::Recording => "recording-failed",
            Self::HungUp => "hung-up",
            Self::Keeper => "keeper-killed",
            Self::Glass => "glass-failed",
        }
    }
}

/// How it went.
#[derive(Clone, Debug)]
pub(super) struct Played {
    /// Why it ended.
    pub(super) why: Why,
    /// The command's exit code, where it exited.
    pub(super) exit: Option<i32>,
    /// The signal that ended it, where one did.
    pub(super) signal: Option<i32>,
    /// Whether it is proved that nothing of it is left.
    pub(super) gone: bool,
    /// The program could not be started: the exit code that says so, and why.
    pub(super) not_started: Option<(u8, String)>,
}
