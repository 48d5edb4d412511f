//! Who may end another person's grant. To close is never refused to those who could open it.

use super::{Denied, map};
use crate::core::authorization::Authorization;
use crate::core::grant::{Grant, State};
use crate::core::playbook::Scope;
use crate::core::roster::{Roster, Who};
use crate::core::statement::{Common, Revoke, Statement};
use serde_json::json;

/// Why a signature ends no grant, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeRefusal {
    /// There is nothing to end.
    #[error("{grant} is {}: nothing of it is open", state.as_str())]
    NothingOpen {
        /// The grant.
        grant: String,
        /// Where it stands.
        state: State,
    },
    /// Not among those who open or judge it.
    #[error("{grant} is {requester}'s, and {person} may not revoke it: that is for {}", who.join(", "))]
    NotARevoker {
        /// Who wants to end it.
        person: String,
        /// Who asked for it.
        requester: String,
        /// Whom the scope names.
        who: Vec<String>,
        /// The grant.
        grant: String,
    },
}

impl RevokeRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingOpen { .. } => "nothing-open",
            Self::NotARevoker { .. } => "not-a-revoker",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NothingOpen { grant, .. } => format!("`glass status {grant}` shows how it stands"),
            Self::NotARevoker { grant, .. } => {
                format!("send this to one of them, or to root, who needs no signature: glass revoke {grant}")
            }
        }
    }
}

/// Judges who ends a grant under signature, by the scope as it was registered when the grant ran,
/// and by who exists now. Its requester may always, at whatever OS user they sign.
pub fn judge_revoker(
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    person: &str,
) -> Result<(), RevokeRefusal> {
    if grant.state.is_ended() || grant.opening.is_none() {
        return Err(RevokeRefusal::NothingOpen { grant: grant.id.to_string(), state: grant.state });
    }
    let whom: Vec<&Who> = scope.activate.iter().chain(&scope.review.by).collect();
    let may = |known| whom.iter().any(|who| roster.is_member(known, who));
    if person == grant.person || roster.person(person).is_some_and(may) {
        return Ok(());
    }
    Err(RevokeRefusal::NotARevoker {
        person: person.to_owned(),
        requester: grant.person.clone(),
        who: whom.into_iter().map(Who::to_string).collect(),
        grant: grant.id.to_string(),
    })
}

/// Judges a revocation and puts it into the words that will be signed.
pub fn authorize_revocation(
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    common: &Common,
) -> Result<Authorization<Revoke>, Denied> {
    judge_revoker(grant, scope, roster, &common.person)?;
    let facts = map(json!({"grant": grant.id.as_str(), "scope": grant.scope}));
    let texts = map(json!({"title": scope.title.as_str()}));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, grant.id.to_string()))
}
