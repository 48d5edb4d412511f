//! Who may use a grant, and until when: the OS user who asked for it, while it is active (P13);
//! and for how long what was recorded of it is kept.

use crate::core::duration::Seconds;
use crate::core::grant::{Grant, GrantSession, State};
use crate::core::moment::{Moment, rfc3339};
use chrono::{DateTime, Utc};

/// Why no session is started under a grant, with what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// Only what is open can be used.
    #[error("{grant} is {}: only an active grant is used", state.as_str())]
    NotActive {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// Where it stands.
        state: State,
    },
    /// Its end has come, whether or not it is closed yet.
    #[error("the time of {grant} is over: it is closed, and no longer used")]
    Over {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
    },
    /// Another OS user's grant.
    #[error(
        "{grant} was asked for by the OS user with id {asked}, and you are {uid}: only that user uses it"
    )]
    NotYours {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// Who asked.
        asked: u64,
        /// Who is here.
        uid: u64,
    },
}

impl SessionRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotActive { .. } => "not-active",
            Self::Over { .. } => "over",
            Self::NotYours { .. } => "not-the-requester",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotActive { grant, state: State::AwaitingApproval, .. } => {
                format!("`glass request show {grant}` shows whom it waits for")
            }
            Self::NotActive { scope, .. } | Self::Over { scope, .. } => {
                format!("open it anew, with a reason of its own: glass activate {scope}")
            }
            Self::NotYours { scope, .. } => format!("ask for one of your own: glass activate {scope}"),
        }
    }
}

/// Whether a grant can be used at all, by whomever.
pub fn judge_usable(grant: &Grant, now: &Moment, last_entry: DateTime<Utc>) -> Result<(), SessionRefusal> {
    let (id, scope) = (|| grant.id.to_string(), || grant.scope.clone());
    if grant.state != State::Active {
        return Err(SessionRefusal::NotActive { grant: id(), scope: scope(), state: grant.state });
    }
    if grant.deadline().is_none_or(|deadline| deadline.has_passed(now, last_entry)) {
        return Err(SessionRefusal::Over { grant: id(), scope: scope() });
    }
    Ok(())
}

/// Judges who wants to use a grant: `asked` is the OS user of its request, `uid` the one here.
pub fn judge_session(
    grant: &Grant,
    asked: Option<u64>,
    uid: u64,
    now: &Moment,
    last_entry: DateTime<Utc>,
) -> Result<(), SessionRefusal> {
    judge_usable(grant, now, last_entry)?;
    match asked {
        Some(asked) if asked == uid => Ok(()),
        asked => {
            let (grant, scope) = (grant.id.to_string(), grant.scope.clone());
            // A request that was lost says of nobody that it was theirs.
            Err(SessionRefusal::NotYours { grant, scope, asked: asked.unwrap_or(u64::MAX), uid })
        }
    }
}

/// Why a recording is not deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionRefusal {
    /// Nothing registered says for how long recordings are kept.
    #[error("recordings are kept for ever: `glass.toml` as it is registered has no `[recordings]`")]
    NoLimit,
    /// Its session may still run.
    #[error("the session has not ended")]
    Running,
    /// There is none.
    #[error("the session has no recording")]
    NoRecording,
    /// Once is enough.
    #[error("it was deleted already")]
    Deleted,
    /// Whoever reviews looks at it.
    #[error("the review of its grant is still owed")]
    NotReviewed,
    /// Its time is not over.
    #[error("it is kept until {until}")]
    Kept {
        /// RFC 3339.
        until: String,
    },
}

/// Whether a recording may be deleted at `now`, where recordings are kept for `keep`.
pub fn judge_deletion(
    grant: &Grant,
    session: &GrantSession,
    keep: Option<Seconds>,
    now: DateTime<Utc>,
) -> Result<(), DeletionRefusal> {
    let keep = keep.ok_or(DeletionRefusal::NoLimit)?;
    let end = session.end.as_ref().ok_or(DeletionRefusal::Running)?;
    if end.files.is_empty() {
        return Err(DeletionRefusal::NoRecording);
    }
    if session.deleted_at.is_some() {
        return Err(DeletionRefusal::Deleted);
    }
    if grant.review.is_none() {
        return Err(DeletionRefusal::NotReviewed);
    }
    let until = end.at.checked_add_signed(keep.delta()).unwrap_or(DateTime::<Utc>::MAX_UTC);
    match until <= now {
        true => Ok(()),
        false => Err(DeletionRefusal::Kept { until: rfc3339(until) }),
    }
}
