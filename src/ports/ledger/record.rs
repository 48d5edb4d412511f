//! Recording what a person confirmed: the third link of the order of an act.

use super::head::root_at;
use super::standing::scope_of;
use super::{Batch, Ledger, LedgerError, Registered, hotfix, registered};
use crate::core::entry::{Facts, Touched};
use crate::core::id::GrantId;
use crate::core::moment::Moment;
use crate::core::policy::{self, Reviewer};
use crate::core::review::Verdict;
use crate::core::roster::Roster;
use crate::core::sshsig::Sshsig;
use crate::core::statement::{Request, Resume, Review, Statement, Verb};
use crate::core::text::escape;
use crate::ports::signer::Confirmed;
use data_encoding::HEXLOWER;
use std::marker::PhantomData;

/// A confirmed act that is in the ledger, durably. It opens nothing by itself.
#[derive(Debug)]
pub struct Recorded<V> {
    facts: Facts,
    verb: PhantomData<V>,
}

/// The verbs by which a requester wants a grant to open now: asking, and going on.
pub trait Intent: Verb {}

impl Intent for Request {}
impl Intent for Resume {}

impl<V: Verb> Recorded<V> {
    /// Position of its entry.
    pub const fn seq(&self) -> u64 {
        self.facts.seq
    }

    /// The grant that it belongs to, if any.
    pub fn grant(&self) -> Option<GrantId> {
        self.facts.grant.as_deref()?.parse().ok()
    }

    pub(super) const fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Ledger {
    /// Records a request for a grant, with the touch that its scope demands, and by a hotfix that
    /// counts where it names one. All else that the
    /// scope demands is judged when the permit is made.
    pub fn record_request(
        &mut self,
        confirmed: &Confirmed<Request>,
        now: &Moment,
    ) -> Result<Recorded<Request>, LedgerError> {
        let batch = Batch::begin(self, now)?;
        let roster = registered::roster(batch.connection())?;
        let mut facts = batch.judge(confirmed, &roster)?;
        let scope = facts.signed_str("scope").unwrap_or_default();
        let registered = batch.judge_touch(facts.signed_u64("registered"), scope, facts.touch)?;
        hotfix::named_by(batch.connection(), batch.genesis(), registered, &facts, now)?
            .map_err(policy::Denied::from)?;
        facts.grant = facts.signed_str("grant").map(str::to_owned);
        batch.record(confirmed, facts)
    }

    /// Records a verdict, once the reviewer and the grant are judged again on what stands now.
    pub fn record_review(
        &mut self,
        confirmed: &Confirmed<Review>,
        now: &Moment,
    ) -> Result<Recorded<Review>, LedgerError> {
        let registered = self.registered()?;
        let id = confirmed.statement().signed().get("grant").and_then(|id| id.as_str());
        let id = id.unwrap_or_default().to_owned();
        let story = self.story(&id)?;
        let requested = story.as_ref().and_then(|story| story.requested("incident"));
        let batch = Batch::begin(self, now)?;
        let roster = registered::roster(batch.connection())?;
        let mut facts = batch.judge(confirmed, &roster)?;
        let grant =
            batch.grant(&id)?.ok_or_else(|| LedgerError::Refused("the ledger knows no such grant".into()))?;
        let scope = scope_of(batch.connection(), batch.genesis(), &grant, registered.as_ref())?;
        let scope =
            scope.ok_or_else(|| LedgerError::Refused(format!("{} is not registered", grant.scope)))?;
        let person = facts.person.as_deref().unwrap_or_default();
        let reviewer = Reviewer::of(&grant, &scope, &roster, person).map_err(policy::Denied::from)?;
        let verdict: Verdict =
            facts.signed_str("verdict").unwrap_or_default().parse().map_err(LedgerError::refused)?;
        policy::judge_verdict(&grant, verdict).map_err(policy::Denied::from)?;
        if facts.signed_yes("self_review") != reviewer.is_self_review() {
            return Err(LedgerError::Refused("the statement does not say whose own use it reviews".into()));
        }
        if policy::owes_incident(&grant, requested) != facts.signed_yes("incident_filled_in") {
            return Err(LedgerError::Refused(
                "the statement does not fill in the incident that is owed".into(),
            ));
        }
        facts.grant = Some(id);
        batch.record(confirmed, facts)
    }
}

fn refused(why: &str) -> LedgerError {
    LedgerError::Refused(format!("the signed statement is refused: {why}"))
}

impl Batch<'_> {
    /// Holds a signed statement against this ledger and the roster; gives the facts to append.
    pub(super) fn judge<V: Verb>(
        &self,
        confirmed: &Confirmed<V>,
        roster: &Roster,
    ) -> Result<Facts, LedgerError> {
        let facts = self.judge_signer(confirmed, roster)?;
        if facts.person.as_deref() != facts.signed_str("person") {
            return Err(refused("its key is not one of that person's in the roster"));
        }
        self.judge_seen(confirmed.statement())?;
        Ok(facts)
    }

    /// The same for a statement that another person may have signed first, or that names no signer.
    pub(super) fn judge_signer<V: Verb>(
        &self,
        confirmed: &Confirmed<V>,
        roster: &Roster,
    ) -> Result<Facts, LedgerError> {
        let statement = confirmed.statement();
        let signed = |key: &str| statement.signed().get(key).and_then(|value| value.as_str());
        if signed("origin") != Some(&self.genesis().origin)
            || signed("ledger") != Some(&self.genesis().ledger)
        {
            return Err(refused("it belongs to another ledger"));
        }
        let person = roster.person_by_key(confirmed.key());
        let person = person.ok_or_else(|| refused("its key is nobody's in the roster"))?;
        if !roster.valid_at(confirmed.key(), self.now().wall) {
            return Err(refused("its key is no longer valid"));
        }
        let assertion = Sshsig::from_armor(confirmed.armor())
            .and_then(|sshsig| sshsig.verify(V::NAMESPACE, &statement.digest(), confirmed.key()))
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Facts {
            person: Some(person.name.clone()),
            key: Some(confirmed.key().fingerprint().to_string()),
            statement: Some(HEXLOWER.encode(&statement.digest())),
            signed: Some(statement.signed().clone()),
            touch: assertion.touched(),
            ..Facts::new(V::KIND, self.now())
        })
    }

    /// What a signature asserts must be what the scope, as this registration has it, demands.
    /// Gives the registration; a hotfix changes nothing of it.
    fn judge_touch(
        &self,
        registered: Option<u64>,
        scope: &str,
        touched: Option<Touched>,
    ) -> Result<Registered, LedgerError> {
        let nowhere = || LedgerError::Refused(format!("{} is not registered", escape(scope)));
        let registered = registered::at(self.connection(), self.genesis(), registered.ok_or_else(nowhere)?)?;
        let (_, scope) = registered.scope(scope).map_err(|_| nowhere())?;
        policy::judge_touch(scope.touch, touched)
            .map_err(policy::Refusal::from)
            .map_err(policy::Denied::from)?;
        Ok(registered)
    }

    /// `seen` must be a true earlier head of this very log (P7).
    fn judge_seen<V: Verb>(&self, statement: &Statement<V>) -> Result<(), LedgerError> {
        let seen = statement.signed().get("seen");
        let size = seen.and_then(|seen| seen.get("size")?.as_u64()).unwrap_or(0);
        let root = seen.and_then(|seen| seen.get("root")?.as_str()).unwrap_or_default();
        let known = size > 0 && size <= self.next_seq();
        if known && root_at(self.connection(), size)?.to_string() == root {
            return Ok(());
        }
        Err(LedgerError::Refused("the signed statement saw a head that this ledger never had".into()))
    }

    pub(super) fn record<V: Verb>(
        mut self,
        confirmed: &Confirmed<V>,
        mut facts: Facts,
    ) -> Result<Recorded<V>, LedgerError> {
        let digest = facts.statement.clone().unwrap_or_default();
        let person = facts.person.clone().unwrap_or_default();
        self.statement(&digest, &person, confirmed.statement().line(), self.next_seq())?;
        facts.seq = self.append(facts.clone(), confirmed.armor())?;
        self.commit()?;
        Ok(Recorded { facts, verb: PhantomData })
    }
}
