//! Why policy says no, and what to do next.

use super::{
    ActRefusal, ApprovalRefusal, AttestRefusal, ExtendRefusal, HotfixRefusal, ReviewRefusal, RevokeRefusal,
    SessionRefusal, TouchRefusal, review,
};
use crate::core::canonical::CanonicalError;
use crate::core::duration::Seconds;
use crate::core::playbook::{Incident, Routine};
use chrono::{DateTime, Utc};

/// Why something is refused, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The scope uses what this version can't do.
    #[error("{scope} uses what this version of glass does not support yet: {}", what.join(", "))]
    Unsupported {
        /// The scope.
        scope: String,
        /// Each in the playbook's own words.
        what: Vec<String>,
    },
    /// Not among those who may activate.
    #[error("{person} may not activate {scope}: it is for {}", who.join(", "))]
    NotAllowed {
        /// Who asked.
        person: String,
        /// What for.
        scope: String,
        /// Who may.
        who: Vec<String>,
    },
    /// A member of a group that never activates.
    #[error("{0} belongs to an automation group, which may never activate")]
    Automation(String),
    /// Longer than the scope allows.
    #[error("{asked} is longer than {scope} allows: at most {max}")]
    TooLong {
        /// The scope.
        scope: String,
        /// What was asked for.
        asked: Seconds,
        /// What is registered.
        max: Seconds,
    },
    /// As many grants as the scope allows are open.
    #[error("{scope} is in use by {}: it allows {concurrent} at a time", grants.join(", "))]
    InUse {
        /// The scope.
        scope: String,
        /// Its limit.
        concurrent: u32,
        /// The grants.
        grants: Vec<String>,
    },
    /// The wait after the last closing is not over.
    #[error("{scope} cools off for {left} more after {grant}")]
    CoolOff {
        /// The scope.
        scope: String,
        /// The last grant.
        grant: String,
        /// What is left of the wait.
        left: Seconds,
    },
    /// An earlier use was never reviewed.
    #[error("{scope} stays closed: the review of {grant} is overdue since {} UTC", due_at.format("%Y-%m-%d %H:%M"))]
    Overdue {
        /// The scope.
        scope: String,
        /// The grant that owes it.
        grant: String,
        /// Since when.
        due_at: DateTime<Utc>,
        /// Who can clear it.
        able: Vec<String>,
    },
    /// Used too often to be an emergency.
    #[error("{scope} was opened {uses} times within {}: that is routine, which it is not for", limit.within)]
    Routine {
        /// The scope.
        scope: String,
        /// How often.
        uses: usize,
        /// What is registered.
        limit: Routine,
    },
    /// The incident is not of the form that the scope asks for.
    #[error("the incident does not match {0}")]
    Incident(String),
    /// The reason is too short.
    #[error("the reason has {has} characters; this scope asks for at least {min}")]
    ReasonTooShort {
        /// How long it is.
        has: usize,
        /// How long it must be.
        min: usize,
    },
    /// A criterion was answered with no.
    #[error("criterion `{id}` does not hold: {ask}")]
    Criterion {
        /// Its id.
        id: String,
        /// Its question.
        ask: String,
    },
    /// Others must sign it, and can't.
    #[error(transparent)]
    Approval(#[from] ApprovalRefusal),
    /// There is no debt to override.
    #[error("no review of {0} is overdue: there is nothing to override")]
    NothingToOverride(String),
    /// Another registration came between the request and its opening.
    #[error("the registration changed in the meantime")]
    RegistrationChanged,
    /// The hotfix that was to count was used, is over, or something else counts now.
    #[error(
        "{0} does not count any more: it was used, its 24 hours are over, or another one or a registration came"
    )]
    HotfixOver(String),
    /// What signed does not assert the touch that the scope demands (exit code 4).
    #[error(transparent)]
    Touch(#[from] TouchRefusal),
    /// Only admins register.
    #[error("{0} is not in the group `admin`")]
    NotAnAdmin(String),
}

impl Refusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "not-supported-yet",
            Self::NotAllowed { .. } => "not-in-activate",
            Self::Automation(_) => "automation",
            Self::TooLong { .. } => "duration-over-maximum",
            Self::InUse { .. } => "concurrent-limit",
            Self::CoolOff { .. } => "cool-off",
            Self::Overdue { .. } => "review-overdue",
            Self::Routine { .. } => "routine",
            Self::Incident(_) => "bad-incident",
            Self::ReasonTooShort { .. } => "short-reason",
            Self::Criterion { .. } => "criterion-not-met",
            Self::Approval(refusal) => refusal.code(),
            Self::NothingToOverride(_) => "nothing-to-override",
            Self::RegistrationChanged => "registration-changed",
            Self::HotfixOver(_) => "hotfix-over",
            Self::Touch(refusal) => refusal.code(),
            Self::NotAnAdmin(_) => "not-an-admin",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unsupported { .. } => {
                "remove it from the playbook and `glass register` again, or use another scope".into()
            }
            Self::NotAllowed { .. } | Self::Automation(_) => {
                "ask one of them; `glass playbook list` shows the scopes".into()
            }
            Self::TooLong { max, .. } => {
                format!("use `--for {max}` or less; a longer maximum must be registered first")
            }
            Self::InUse { grants, .. } => {
                let grant = grants.first().map_or("GRANT", String::as_str);
                format!("`glass status` shows what is open; `glass revoke {grant}` ends it")
            }
            Self::CoolOff { left, .. } => format!("try again in {left}"),
            Self::Overdue { grant, able, .. } => format!(
                "{}; if it can't wait, `--override` asks a second person to sign for it",
                review::send_to(able, grant)
            ),
            Self::Routine { .. } => {
                "give this work a normal path; a higher `limits.routine` must be registered first".into()
            }
            Self::Incident(_) => {
                format!("give the incident's number, or `{}` if there is none yet", Incident::PENDING)
            }
            Self::ReasonTooShort { .. } => "say what is broken, and what you will do about it".into(),
            Self::Criterion { .. } => {
                "this scope is not for this; use the normal path, or another scope (`glass playbook list`)"
                    .into()
            }
            Self::Approval(refusal) => refusal.hint(),
            Self::NothingToOverride(_) => "leave `--override` out".into(),
            Self::RegistrationChanged => "run the same command again".into(),
            Self::HotfixOver(_) => "activate anew: what admins registered counts again".into(),
            Self::Touch(refusal) => refusal.hint().into(),
            Self::NotAnAdmin(_) => "an admin registers: `glass register --key FILE`".into(),
        }
    }
}

/// Why there is no authorization.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Policy says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of review say no.
    #[error(transparent)]
    Review(#[from] ReviewRefusal),
    /// The rules of acts that several sign say no.
    #[error(transparent)]
    Act(#[from] ActRefusal),
    /// It is no hotfix.
    #[error(transparent)]
    Hotfix(#[from] HotfixRefusal),
    /// The rules of consent say no.
    #[error(transparent)]
    Approval(#[from] ApprovalRefusal),
    /// It may not be open for longer.
    #[error(transparent)]
    Extension(#[from] ExtendRefusal),
    /// People can't vouch for its closing.
    #[error(transparent)]
    Attestation(#[from] AttestRefusal),
    /// This person's signature does not end it.
    #[error(transparent)]
    Revocation(#[from] RevokeRefusal),
    /// Of a session.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// It can't be put into words.
    #[error("the statement can't be written: {0}")]
    Statement(#[from] CanonicalError),
}
