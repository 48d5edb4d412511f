//! Whose consent a request needs, and who may give it (P6: by person, not by key).

mod refusal;
mod statements;

pub use refusal::ApprovalRefusal;
pub use statements::{
    Asked, authorize_approval, authorize_denial, authorize_resumption, authorize_withdrawal,
};

use super::judge_key;
use crate::core::duration::Seconds;
use crate::core::grant::{Grant, State};
use crate::core::moment::Moment;
use crate::core::playbook::{Scope, Touch};
use crate::core::roster::{Person, Roster, RosterKey, Who};
use chrono::TimeDelta;

/// How long one waits before going on alone in spite of a review debt is twice the scope's own
/// wait, or twice this where it has none (CONTRACT 3).
const USUAL_WAIT: Seconds = Seconds::new(15 * 60);
/// How long others may take to consent, where the scope says nothing.
const USUAL_WITHIN: Seconds = Seconds::new(15 * 60);

/// What a request of a scope waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// How many other people must sign.
    pub needed: usize,
    /// Whom the scope's own approvals are from; the one more that an override needs may also be
    /// a reviewer.
    approvers: usize,
    /// When the request lapses.
    pub within: Seconds,
    /// When the requester may go on alone.
    pub alone_after: Option<Seconds>,
}

impl Demand {
    /// Of a scope, for a request that names overdue reviews or none; `None` where nobody else
    /// must sign.
    pub fn of(scope: &Scope, overriding: bool) -> Option<Self> {
        let own = scope.approvals.as_ref();
        let (approvers, within) =
            own.map_or((0, USUAL_WITHIN), |approvals| (approvals.needed, approvals.within));
        let alone_after = own.and_then(|approvals| approvals.alone_after);
        let alone_after = match overriding {
            false => alone_after,
            true => Some(Seconds::new(alone_after.unwrap_or(USUAL_WAIT).get().saturating_mul(2))),
        };
        let needed = approvers + usize::from(overriding);
        // A request must not lapse before its requester may go on alone.
        let within = match alone_after {
            Some(wait) if wait >= within => Seconds::new(wait.get().saturating_add(within.get())),
            _ => within,
        };
        (needed > 0).then_some(Self { needed, approvers, within, alone_after })
    }

    /// Whether one of this kind has a seat beside those who signed: reviewers fill only the one
    /// that an override adds.
    fn has_seat(&self, is_approver: bool, signed: &[bool]) -> bool {
        let reviewers = signed.iter().filter(|approver| !**approver).count();
        is_approver || reviewers < self.needed - self.approvers
    }
}

/// What going on with a request demands of the key: alone in spite of a debt, always a touch.
pub fn touch_to_resume(scope: &Scope, grant: &Grant, alone: bool) -> Touch {
    match alone && !grant.overrides.is_empty() {
        true => scope.touch.max(Touch::Required),
        false => scope.touch,
    }
}

/// By person; and by key, lest a new name make somebody else of them.
fn is_requester(grant: &Grant, person: &Person) -> bool {
    person.name == grant.person || has_key(person, grant.key.as_deref())
}

fn has_key(person: &Person, fingerprint: Option<&str>) -> bool {
    person.keys.iter().any(|key| Some(key.key.fingerprint().to_string()).as_deref() == fingerprint)
}

fn has_signed(grant: &Grant, person: &Person) -> bool {
    let signed = grant.approvals.iter();
    signed.into_iter().any(|given| given.person == person.name || has_key(person, given.key.as_deref()))
}

/// Somebody who could sign now: no automation, with a valid key that can assert what is demanded.
fn is_present(roster: &Roster, person: &Person, scope: &Scope, now: &Moment) -> bool {
    let can = |key: &RosterKey| key.valid_at(now.wall) && judge_key(scope.touch, &key.key).is_ok();
    !roster.is_automation(person) && person.keys.iter().any(can)
}

/// A person who may say yes or no to one request; four eyes are checked here and nowhere else.
#[derive(Debug)]
pub struct Approver(());

impl Approver {
    /// Judges by the scope and the people as they are registered now.
    ///
    /// # Errors
    /// Anyone but another person, who is no automation, of `approvals.from`; or of `review.by`
    /// for the one signature more that an override needs. Absence fails closed: of an empty or
    /// unknown group, nobody.
    pub fn of(
        grant: &Grant,
        scope: &Scope,
        roster: &Roster,
        person: &str,
        now: &Moment,
    ) -> Result<Self, ApprovalRefusal> {
        let id = || grant.id.to_string();
        if grant.state != State::AwaitingApproval {
            return Err(ApprovalRefusal::NotWaiting { grant: id(), state: grant.state });
        }
        let able = able_to_approve(grant, scope, roster, now);
        let person = person.to_owned();
        let known = roster.person(&person);
        if known.is_some_and(|known| is_requester(grant, known)) {
            return Err(ApprovalRefusal::Own { person, grant: id(), able });
        }
        if known.is_some_and(|known| has_signed(grant, known)) {
            return Err(ApprovalRefusal::Twice { person, grant: id(), able });
        }
        if grant.missing() == 0 {
            return Err(ApprovalRefusal::Complete(id()));
        }
        if able.contains(&person) {
            return Ok(Self(()));
        }
        let (scope, who) = (grant.scope.clone(), whom(scope, !grant.overrides.is_empty()));
        Err(ApprovalRefusal::NotAnApprover { person, scope, who, grant: id(), able })
    }

    /// The same for a signature that is recorded already: whether it still counts.
    pub fn still(grant: &Grant, scope: &Scope, roster: &Roster, index: usize, now: &Moment) -> bool {
        let mut before = grant.clone();
        before.state = State::AwaitingApproval;
        let Some(given) = grant.approvals.get(index) else { return false };
        before.approvals.truncate(index);
        Self::of(&before, scope, roster, &given.person, now).is_ok()
    }
}

/// Whom a scope names as those who consent.
pub fn whom(scope: &Scope, overriding: bool) -> Vec<String> {
    let own = scope.approvals.iter().flat_map(|approvals| &approvals.from);
    let reviewers = scope.review.by.iter().filter(|_| overriding);
    let mut whom: Vec<String> = Vec::new();
    for who in own.chain(reviewers).map(Who::to_string) {
        if !whom.contains(&who) {
            whom.push(who);
        }
    }
    whom
}

/// The names of all who may still sign a request.
pub fn able_to_approve(grant: &Grant, scope: &Scope, roster: &Roster, now: &Moment) -> Vec<String> {
    let overriding = !grant.overrides.is_empty();
    let signed: Vec<&Person> =
        grant.approvals.iter().filter_map(|given| roster.person(&given.person)).collect();
    let others = roster.people().iter();
    let others = others.filter(|person| !is_requester(grant, person) && !has_signed(grant, person));
    able(scope, roster, others, &signed, overriding, now)
}

/// The names of all who could sign a request that this person is about to make.
pub fn able_besides(
    scope: &Scope,
    roster: &Roster,
    person: &str,
    overrides: &[String],
    now: &Moment,
) -> Vec<String> {
    let others = roster.people().iter().filter(|other| other.name != person);
    able(scope, roster, others, &[], !overrides.is_empty(), now)
}

fn able<'a>(
    scope: &Scope,
    roster: &Roster,
    others: impl Iterator<Item = &'a Person>,
    signed: &[&Person],
    overriding: bool,
    now: &Moment,
) -> Vec<String> {
    let Some(demand) = Demand::of(scope, overriding) else { return Vec::new() };
    let is_approver = |person: &Person| {
        scope.approvals.as_ref().is_some_and(|approvals| roster.is_any(person, &approvals.from))
    };
    let signed: Vec<bool> = signed.iter().map(|person| is_approver(person)).collect();
    others
        .filter(|person| is_approver(person) || (overriding && roster.is_any(person, &scope.review.by)))
        .filter(|person| is_present(roster, person, scope, now))
        .filter(|person| demand.has_seat(is_approver(person), &signed))
        .map(|person| person.name.clone())
        .collect()
}

/// Refuses a request that could never have its signatures, before anything is asked.
pub(super) fn judge_approvers(
    scope: &Scope,
    roster: &Roster,
    person: &str,
    overriding: bool,
    now: &Moment,
) -> Result<(), ApprovalRefusal> {
    let Some(demand) = Demand::of(scope, overriding).filter(|demand| demand.alone_after.is_none()) else {
        return Ok(());
    };
    let others = roster.people().iter().filter(|other| other.name != person);
    let able = able(scope, roster, others, &[], overriding, now);
    if able.len() >= demand.needed {
        return Ok(());
    }
    Err(ApprovalRefusal::TooFew {
        scope: scope.name.clone(),
        needed: demand.needed,
        who: whom(scope, overriding),
        person: person.to_owned(),
        able,
    })
}

/// Only who asked takes it back, or goes on with it; and only while it waits.
pub fn judge_requester(grant: &Grant, person: &str) -> Result<(), ApprovalRefusal> {
    let id = || grant.id.to_string();
    if grant.person != person {
        let (person, requester) = (person.to_owned(), grant.person.clone());
        return Err(ApprovalRefusal::NotTheRequester { person, grant: id(), requester });
    }
    match grant.state {
        State::AwaitingApproval => Ok(()),
        state => Err(ApprovalRefusal::NotWaiting { grant: id(), state }),
    }
}

/// Whether everyone signed whom it waits for, or its requester went on alone.
pub fn judge_consent(grant: &Grant, now: &Moment) -> Result<(), ApprovalRefusal> {
    if grant.has_consent() { Ok(()) } else { Err(incomplete(grant, now)) }
}

/// Whether the wait before going on alone is over.
pub fn judge_alone(grant: &Grant, now: &Moment) -> Result<(), ApprovalRefusal> {
    match grant.alone_in(now) {
        Some(left) if left <= TimeDelta::zero() => Ok(()),
        _ => Err(incomplete(grant, now)),
    }
}

fn incomplete(grant: &Grant, now: &Moment) -> ApprovalRefusal {
    let seconds = |left: i64| Seconds::new(u64::try_from(left).unwrap_or(0).div_ceil(1_000));
    ApprovalRefusal::Incomplete {
        grant: grant.id.to_string(),
        missing: grant.missing(),
        alone_in: grant.alone_in(now).map(|left| seconds(left.num_milliseconds())),
    }
}

#[cfg(test)]
mod tests;
