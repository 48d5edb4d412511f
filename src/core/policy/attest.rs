//! Who may vouch that a grant was closed by hand, where no check can prove it (P3, P6).

use super::review::is_requester;
use super::{Denied, map};
use crate::core::authorization::Authorization;
use crate::core::entry::StepState;
use crate::core::grant::{Grant, State};
use crate::core::playbook::Scope;
use crate::core::roster::{Person, Roster, Who};
use crate::core::statement::{Attest, Common, Statement};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::BTreeSet;

/// Why an attestation is refused, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestRefusal {
    /// Closing has not failed, so people need not do its work.
    #[error("{grant} is {}: only what closing could not prove is attested", state.as_str())]
    NotUnrevoked {
        /// The grant.
        grant: String,
        /// Where it stands.
        state: State,
    },
    /// No word of people counts against a check.
    #[error("the check of {} proves {grant} open: that can't be attested", steps.join(", "))]
    ProvedOpen {
        /// The grant.
        grant: String,
        /// The steps that are open.
        steps: Vec<String>,
    },
    /// An interrupted command may still open it.
    #[error("{} of {grant} may still be acting: it is too early to attest", steps.join(", "))]
    StillActing {
        /// The grant.
        grant: String,
        /// The steps.
        steps: Vec<String>,
    },
    /// The requester's own grant.
    #[error("{person} asked for {grant}, so two others must attest it")]
    Own {
        /// Who asked, and wants to attest.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// A second signature of the same person.
    #[error("{person} attested {grant} already: the second must be another person")]
    Again {
        /// Who.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// Not among those whom the scope trusts.
    #[error("{person} may not attest {grant}: that is for {}", who.join(", "))]
    NotAnAttester {
        /// Who wants to attest.
        person: String,
        /// Whom the scope names.
        who: Vec<String>,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
}

impl AttestRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotUnrevoked { .. } => "not-unrevoked",
            Self::ProvedOpen { .. } => "proved-open",
            Self::StillActing { .. } => "still-acting",
            Self::Own { .. } => "own-attestation",
            Self::Again { .. } => "attested-already",
            Self::NotAnAttester { .. } => "not-an-attester",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotUnrevoked { grant, state } if state.is_ended() => {
                format!("`glass status {grant}` shows how it ended")
            }
            Self::NotUnrevoked { grant, .. } => format!("`glass revoke {grant}` ends it now"),
            Self::ProvedOpen { grant, .. } => {
                format!("close it at the target by hand, then: glass attest {grant}")
            }
            Self::StillActing { grant, .. } => format!("try again shortly: glass attest {grant}"),
            Self::Own { grant, able, .. }
            | Self::Again { grant, able, .. }
            | Self::NotAnAttester { grant, able, .. } => match &able[..] {
                [] => {
                    "nobody else may attest it: an admin gives another person a group that may, and registers"
                        .to_owned()
                }
                able => format!("send this to {}: glass attest {grant}", able.join(" or ")),
            },
        }
    }
}

/// Everyone whom the scope trusts with it: to open it, to consent to it, or to judge it.
fn trusted(scope: &Scope) -> BTreeSet<&Who> {
    let approvers = scope.approvals.iter().flat_map(|approvals| &approvals.from);
    scope.activate.iter().chain(approvers).chain(&scope.review.by).collect()
}

fn is_trusted(scope: &Scope, roster: &Roster, person: &Person, now: DateTime<Utc>) -> bool {
    let is_named = trusted(scope).into_iter().any(|who| roster.is_member(person, who));
    is_named && !roster.is_automation(person) && person.valid_at(now)
}

/// The names of all who may attest a grant and have not yet.
pub fn able_to_attest(grant: &Grant, scope: &Scope, roster: &Roster, now: DateTime<Utc>) -> Vec<String> {
    roster
        .people()
        .iter()
        .filter(|person| is_trusted(scope, roster, person, now))
        .filter(|person| !is_requester(grant, person) && !has_attested(grant, &person.name))
        .map(|person| person.name.clone())
        .collect()
}

fn has_attested(grant: &Grant, person: &str) -> bool {
    grant.attested.iter().any(|consent| consent.person == person)
}

/// Judges who vouches, by the scope as it was registered when the grant ran, and by who exists
/// now.
pub fn judge_attester(
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    person: &str,
    now: DateTime<Utc>,
) -> Result<(), AttestRefusal> {
    let id = || grant.id.to_string();
    if grant.state != State::Unrevoked {
        return Err(AttestRefusal::NotUnrevoked { grant: id(), state: grant.state });
    }
    let able = able_to_attest(grant, scope, roster, now);
    if able.iter().any(|name| name == person) {
        return Ok(());
    }
    let name = person.to_owned();
    match roster.person(person) {
        Some(known) if is_requester(grant, known) => {
            Err(AttestRefusal::Own { person: name, grant: id(), able })
        }
        _ if has_attested(grant, person) => Err(AttestRefusal::Again { person: name, grant: id(), able }),
        _ => Err(AttestRefusal::NotAnAttester {
            person: name,
            who: trusted(scope).into_iter().map(Who::to_string).collect(),
            grant: id(),
            able,
        }),
    }
}

/// The steps that are left to people: each that nothing proves closed, if nothing proves one open.
pub fn steps_to_attest(grant: &Grant) -> Result<Vec<String>, AttestRefusal> {
    let ids = |wanted: &dyn Fn(StepState) -> bool| -> Vec<String> {
        let steps = grant.steps.iter().filter(|step| wanted(step.state));
        steps.map(|step| step.id.clone()).collect()
    };
    let open = ids(&|state| matches!(state, StepState::Open | StepState::PreExisting));
    if !open.is_empty() {
        return Err(AttestRefusal::ProvedOpen { grant: grant.id.to_string(), steps: open });
    }
    let acting = ids(&|state| state == StepState::Closing);
    if !acting.is_empty() {
        return Err(AttestRefusal::StillActing { grant: grant.id.to_string(), steps: acting });
    }
    Ok(ids(&|state| !state.is_shut()))
}

/// Judges an attestation and puts it into the words that will be signed.
pub fn authorize_attestation(
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    common: &Common,
) -> Result<Authorization<Attest>, Denied> {
    judge_attester(grant, scope, roster, &common.person, common.at)?;
    let facts = map(json!({
        "grant": grant.id.as_str(),
        "scope": grant.scope,
        "steps": steps_to_attest(grant)?,
    }));
    let texts = map(json!({"title": scope.title.as_str()}));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, grant.id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::duration::Seconds;
    use crate::core::grant::{Consent, GrantStep};
    use crate::core::playbook::{Approvals, Playbook, SAMPLE};
    use crate::core::public_key::PublicKey;
    use crate::core::roster::RosterKey;
    use crate::core::unusual::tests::closed;

    /// Ana asked; ben opens, cem consents, dora judges, eve is nobody, and fay's key has ended.
    fn judge(person: &str, change: impl FnOnce(&mut Grant)) -> Result<(), &'static str> {
        let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
        let group = |name: &str| vec![Who::Group(name.into())];
        (scope.activate, scope.review.by) = (group("open"), group("judge"));
        let (within, alone_after) = (Seconds::new(60), None);
        scope.approvals = Some(Approvals { needed: 1, from: group("consent"), within, alone_after });
        let mut roster = Roster::default();
        for (byte, (name, group)) in (1..).zip([
            ("ana", "open"),
            ("ben", "open"),
            ("cem", "consent"),
            ("dora", "judge"),
            ("eve", "x"),
            ("fay", "open"),
        ]) {
            let mut key = RosterKey::new(PublicKey::ed25519([byte; 32]));
            key.valid_before = (name == "fay").then(|| closed().requested_at.date_naive());
            let (groups, keys) = ([group.to_owned()].into(), vec![key]);
            roster.add(Person { name: name.into(), groups, keys, os_user: None }).unwrap();
        }
        let mut grant = Grant { state: State::Unrevoked, closed_at: None, ..closed() };
        change(&mut grant);
        judge_attester(&grant, &scope, &roster, person, grant.requested_at).map_err(|refusal| {
            assert!(refusal.hint().contains("glass "), "{}", refusal.hint());
            refusal.code()
        })
    }

    #[test]
    fn p06_whom_the_scope_trusts_attests_once_and_never_who_asked() {
        for person in ["ben", "cem", "dora"] {
            assert_eq!(judge(person, |_| {}), Ok(()), "{person}");
        }
        assert_eq!(judge("ana", |_| {}), Err("own-attestation"));
        for person in ["eve", "fay", "nobody"] {
            assert_eq!(judge(person, |_| {}), Err("not-an-attester"), "{person}");
        }
        let by_ben = |grant: &mut Grant| {
            let at = grant.requested_at;
            grant.attested = vec![Consent { person: "ben".into(), key: None, touch: None, at, seq: 9 }];
        };
        assert_eq!((judge("ben", by_ben), judge("cem", by_ben)), (Err("attested-already"), Ok(())));
        assert_eq!(judge("ben", |grant| grant.state = State::Active), Err("not-unrevoked"));
    }

    #[test]
    fn p03_people_vouch_for_what_is_unknown_alone() {
        let left = |states: &[StepState]| {
            let mut grant = closed();
            let steps = states.iter().zip(["a", "b"]);
            grant.steps = steps.map(|(state, id)| GrantStep { id: id.into(), state: *state }).collect();
            steps_to_attest(&grant).map_err(|refusal| refusal.code())
        };
        assert_eq!(left(&[StepState::Unknown, StepState::Closed]), Ok(vec!["a".to_owned()]));
        assert_eq!(left(&[StepState::Unknown, StepState::Open]), Err("proved-open"));
        assert_eq!(left(&[StepState::Unknown, StepState::Closing]), Err("still-acting"));
    }
}
