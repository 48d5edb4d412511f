//! Why a consent, or a refusal of it, does not count; and what to do next.

use crate::core::duration::Seconds;
use crate::core::grant::State;

/// Why a consent, or a refusal of it, does not count (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefusal {
    /// It waits for nobody.
    #[error("{grant} is {}: it waits for nobody's consent", state.as_str())]
    NotWaiting {
        /// The grant.
        grant: String,
        /// Where it stands.
        state: State,
    },
    /// Everyone signed.
    #[error("{0} has every signature that it needs: its requester goes on with it")]
    Complete(String),
    /// Its time is over.
    #[error("{0} has lapsed: nobody signed in time")]
    Lapsed(String),
    /// One's own request.
    #[error("{person} asked for {grant}, so somebody else must sign it")]
    Own {
        /// Who asked.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// A second signature of one person.
    #[error("{person} signed {grant} already: each person counts once, whatever keys they have")]
    Twice {
        /// Who signed.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// Not among those who may.
    #[error("{person} may not approve {scope}: that is for {}", who.join(", "))]
    NotAnApprover {
        /// Who wants to.
        person: String,
        /// What would open.
        scope: String,
        /// Whom the scope names.
        who: Vec<String>,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// Not the requester.
    #[error("{person} did not ask for {grant}: only {requester} can do that")]
    NotTheRequester {
        /// Who wants to.
        person: String,
        /// The grant.
        grant: String,
        /// Who asked.
        requester: String,
    },
    /// Too early to go on alone, or nobody ever may.
    #[error("{grant} still waits for {missing} of its signatures{}", match alone_in {
        Some(left) => format!("; its requester may go on alone in {left}"),
        None => String::new(),
    })]
    Incomplete {
        /// The grant.
        grant: String,
        /// How many are missing.
        missing: usize,
        /// When one may go on alone.
        alone_in: Option<Seconds>,
    },
    /// So few people may sign that it could never open.
    #[error("{scope} needs {needed} of {} to sign, besides {person}: there {}", who.join(", "), match able.len() {
        0 => "is nobody".to_owned(),
        1 => format!("is only {}", able[0]),
        count => format!("are only {count}"),
    })]
    TooFew {
        /// What would open.
        scope: String,
        /// How many must sign.
        needed: usize,
        /// Whom the scope names.
        who: Vec<String>,
        /// Who asks.
        person: String,
        /// Who could sign.
        able: Vec<String>,
    },
}

impl ApprovalRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotWaiting { .. } => "not-waiting",
            Self::Complete(_) => "complete-already",
            Self::Lapsed(_) => "lapsed",
            Self::Own { .. } => "own-approval",
            Self::Twice { .. } => "signed-already",
            Self::NotAnApprover { .. } => "not-in-approvals",
            Self::NotTheRequester { .. } => "not-the-requester",
            Self::Incomplete { .. } => "not-approved",
            Self::TooFew { .. } => "nobody-approves",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotWaiting { grant, .. } => format!("`glass status {grant}` shows how it stands"),
            Self::Complete(grant) => format!("nothing; `glass status {grant}` shows how it goes on"),
            Self::Lapsed(_) => "its requester asks again: `glass activate SCOPE`".into(),
            Self::Own { grant, able, .. }
            | Self::Twice { grant, able, .. }
            | Self::NotAnApprover { grant, able, .. } => send_to(able, grant),
            Self::NotTheRequester { grant, .. } => {
                format!("to say no to it, `glass deny {grant}`; to end what is open, `glass revoke {grant}`")
            }
            Self::Incomplete { grant, .. } => format!("the others type `glass approve {grant}`"),
            Self::TooFew { .. } => {
                "an admin gives more people a group that may approve, and registers; or ask for another scope"
                    .into()
            }
        }
    }
}

fn send_to(able: &[String], grant: &str) -> String {
    match able {
        [] => "nobody else may sign it: an admin gives another person a group that may, and registers".into(),
        able => format!("send this to {}: glass approve {grant}", able.join(" or ")),
    }
}
