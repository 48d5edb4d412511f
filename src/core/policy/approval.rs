//! Whose consent a request needs, and who may give it (P6: by person, not by key).

use super::{Denied, judge_key, map};
use crate::core::authorization::Authorization;
use crate::core::duration::Seconds;
use crate::core::entry::Facts;
use crate::core::grant::{Grant, State};
use crate::core::merkle::Hash;
use crate::core::moment::Moment;
use crate::core::playbook::{Scope, Touch};
use crate::core::roster::{Person, Roster, RosterKey, Who};
use crate::core::statement::{Approve, Common, Deny, Resume, Statement, Verb, Withdraw};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

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

/// A request as its entry and its texts tell it: what others consent to, word for word.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The facts of the request entry.
    pub request: &'a Facts,
    /// The texts that the requester signed.
    pub texts: &'a Map<String, Value>,
    /// The root of the log just after the request.
    pub root: Hash,
}

impl Asked<'_> {
    /// The statement of every approval of it: a function of the request alone, so that it can be
    /// exported and signed anywhere, by each of those who must.
    pub fn to_statement(&self) -> Result<Statement<Approve>, Denied> {
        let mut signed = self.request.signed.clone().unwrap_or_default();
        let (origin, ledger) = (text(&signed, "origin"), text(&signed, "ledger"));
        for (from, to) in [("person", "requester"), ("at", "requested_at")] {
            if let Some(value) = signed.remove(from) {
                signed.insert(to.into(), value);
            }
        }
        let seen = json!({"size": self.request.seq + 1, "root": self.root.to_string()});
        signed.insert("seen".into(), seen);
        signed.insert("request".into(), json!(self.request.statement));
        Ok(Statement::of(&origin, &ledger, signed, self.texts.clone())?)
    }
}

fn text(signed: &Map<String, Value>, key: &str) -> String {
    signed.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Puts a consent into the words that will be signed.
pub fn authorize_approval(
    _: &Approver,
    grant: &Grant,
    asked: &Asked<'_>,
) -> Result<Authorization<Approve>, Denied> {
    Ok(Authorization::new(asked.to_statement()?, grant.id.to_string()))
}

/// Puts a refusal of consent into the words that will be signed.
pub fn authorize_denial(
    _: &Approver,
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
) -> Result<Authorization<Deny>, Denied> {
    Ok(Authorization::new(about(grant, asked, common, Map::new())?, grant.id.to_string()))
}

/// Puts the taking back of one's own request into the words that will be signed.
pub fn authorize_withdrawal(
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
) -> Result<Authorization<Withdraw>, Denied> {
    judge_requester(grant, &common.person)?;
    Ok(Authorization::new(about(grant, asked, common, Map::new())?, grant.id.to_string()))
}

/// Puts going on with one's own request into the words that will be signed: with everyone's
/// consent, or alone after the wait.
pub fn authorize_resumption(
    grant: &Grant,
    asked: &Asked<'_>,
    alone: bool,
    common: &Common,
    now: &Moment,
) -> Result<Authorization<Resume>, Denied> {
    judge_requester(grant, &common.person)?;
    let mut facts = Map::new();
    if alone {
        judge_alone(grant, now)?;
        facts.insert("alone".into(), json!(true));
    }
    Ok(Authorization::new(about(grant, asked, common, facts)?, grant.scope.clone()))
}

fn about<V: Verb>(
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
    mut facts: Map<String, Value>,
) -> Result<Statement<V>, Denied> {
    facts.extend(map(json!({
        "grant": grant.id.as_str(),
        "scope": grant.scope,
        "request": asked.request.statement,
    })));
    let mut texts = asked.texts.clone();
    texts.retain(|key, _| matches!(key.as_str(), "title" | "opens" | "incident" | "reason"));
    Ok(Statement::new(common, facts, texts)?)
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
