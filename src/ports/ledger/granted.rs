//! What people sign about a grant while it lives: that it ends later, now, or was closed by hand.

use super::standing::scope_of;
use super::{Batch, GrantLock, Ledger, LedgerError, Registered, registered};
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Kind, StepState};
use crate::core::grant::{ATTESTATIONS, ATTESTED, Grant};
use crate::core::moment::Moment;
use crate::core::playbook::Scope;
use crate::core::policy::{self, Denied};
use crate::core::roster::Roster;
use crate::core::statement::{Attest, Extend, Revoke, Verb};
use crate::ports::signer::Confirmed;

impl Ledger {
    /// Records that a grant ends later, once all of it is judged again on what stands now. Its
    /// plan still has the old end: [`extend_plan`](Self::extend_plan) brings it up to date.
    pub fn record_extension(
        &mut self,
        confirmed: &Confirmed<Extend>,
        now: &Moment,
    ) -> Result<Grant, LedgerError> {
        let registered = self.registered()?;
        let mut batch = Batch::begin(self, now)?;
        let Case { grant, scope, roster, facts } = batch.case(confirmed, registered.as_ref())?;
        let by = Seconds::new(facts.signed_u64("extend_s").unwrap_or(0));
        let person = facts.person.as_deref().unwrap_or_default();
        policy::judge_extension(&grant, &scope, &roster, person, by)?;
        let last_entry = super::head::read(batch.connection())?.clock_floor;
        policy::judge_in_time(&grant, now, last_entry).map_err(Denied::from)?;
        policy::judge_touch(scope.touch, facts.touch).map_err(policy::Refusal::from).map_err(Denied::from)?;
        let grant = batch.append_signed(confirmed, facts)?;
        batch.commit()?;
        Ok(grant)
    }

    /// Gives a grant's plan the end that the ledger recorded.
    ///
    /// The ledger always goes first. After a crash in between, the plan has the earlier end: the
    /// watchdog and `expire` ask the ledger and close at the later one, as it was signed; only who
    /// closes by the plan alone, because the ledger can't be read, closes at the earlier one.
    pub fn extend_plan(&self, grant: &Grant, lock: &GrantLock) -> Result<(), LedgerError> {
        let plans = self.plans();
        let plan = plans.read(grant.id.as_str())?.filter(|plan| plan.closed.is_none());
        let (Some(mut plan), Some(opening)) = (plan, &grant.opening) else { return Ok(()) };
        plan.expires_at.clone_from(&opening.terms.expires_at);
        plan.deadline_boot_ms = opening.terms.deadline_boot_ms;
        if lock.is_lost() {
            // Somebody took the grant over, and the plan is theirs.
            return Err(LedgerError::Refused(format!("{} is being closed by another glass", grant.id)));
        }
        plans.write(&plan)
    }
}

/// What an attestation came to.
#[derive(Debug)]
pub struct Attested {
    /// The grant as it stands after it.
    pub grant: Grant,
    /// The steps that it vouches for.
    pub steps: Vec<String>,
}

impl Ledger {
    /// Records that a person ends a grant; closing it goes on from there as ever.
    pub fn record_revocation(
        &mut self,
        confirmed: &Confirmed<Revoke>,
        now: &Moment,
    ) -> Result<Grant, LedgerError> {
        let registered = self.registered()?;
        let mut batch = Batch::begin(self, now)?;
        let Case { grant, scope, roster, facts } = batch.case(confirmed, registered.as_ref())?;
        let person = facts.person.as_deref().unwrap_or_default();
        policy::judge_revoker(&grant, &scope, &roster, person).map_err(Denied::from)?;
        let grant = batch.append_signed(confirmed, facts)?;
        batch.commit()?;
        Ok(grant)
    }

    /// Records that a person vouches that a grant was closed by hand. With the second of them it
    /// ends, in the same transaction, like any that was proved closed.
    ///
    /// The lock keeps every round of closing away: none may find it open that ended meanwhile.
    pub fn record_attestation(
        &mut self,
        confirmed: &Confirmed<Attest>,
        lock: GrantLock,
        now: &Moment,
    ) -> Result<Attested, LedgerError> {
        let (registered, plans) = (self.registered()?, self.plans());
        let mut batch = Batch::begin(self, now)?;
        let Case { grant, scope, roster, facts } = batch.case(confirmed, registered.as_ref())?;
        let person = facts.person.as_deref().unwrap_or_default();
        policy::judge_attester(&grant, &scope, &roster, person, now.wall).map_err(Denied::from)?;
        let steps = policy::steps_to_attest(&grant).map_err(Denied::from)?;
        if facts.signed_list("steps") != steps {
            return Err(LedgerError::Refused("other steps are left to attest than were signed".into()));
        }
        let mut grant = batch.append_signed(confirmed, facts)?;
        if batch.vouching(&grant, &steps)? >= ATTESTATIONS {
            grant = batch.end_attested(&grant, &steps)?;
        }
        batch.commit()?;
        if grant.state.is_ended() {
            plans.remove(grant.id.as_str())?;
            lock.discard()?;
        }
        Ok(Attested { grant, steps })
    }
}

/// A grant as it stands, and what was signed about it.
struct Case {
    grant: Grant,
    /// Its scope, as registered when it ran.
    scope: Scope,
    roster: Roster,
    /// Who signed, and what; to be appended once it is judged.
    facts: Facts,
}

impl Batch<'_> {
    /// Holds a signed statement against ledger and roster, and finds the grant that it names.
    fn case<V: Verb>(
        &self,
        confirmed: &Confirmed<V>,
        registered: Option<&Registered>,
    ) -> Result<Case, LedgerError> {
        let roster = registered::roster(self.connection())?;
        let mut facts = self.judge(confirmed, &roster)?;
        let id = facts.signed_str("grant").unwrap_or_default().to_owned();
        let grant = self.grant(&id)?;
        let grant = grant.ok_or_else(|| LedgerError::Refused("the ledger knows no such grant".into()))?;
        let scope = scope_of(self.connection(), self.genesis(), &grant, registered)?;
        let scope =
            scope.ok_or_else(|| LedgerError::Refused(format!("{} is not registered", grant.scope)))?;
        facts.grant = Some(id);
        Ok(Case { grant, scope, roster, facts })
    }

    /// How many people vouch for each of these steps. One who signed when fewer of them were left
    /// to people says nothing of the others.
    fn vouching(&self, grant: &Grant, steps: &[String]) -> Result<usize, LedgerError> {
        let mut count = 0;
        for consent in &grant.attested {
            let signed = super::projection::facts(self.connection(), consent.seq)?.signed_list("steps");
            count += usize::from(steps.iter().all(|step| signed.contains(step)));
        }
        Ok(count)
    }

    /// Ends a grant by the word of two people.
    fn end_attested(&mut self, grant: &Grant, steps: &[String]) -> Result<Grant, LedgerError> {
        let (id, now) = (grant.id.to_string(), self.now().clone());
        let fact = |kind| Facts { grant: Some(id.clone()), ..Facts::new(kind, &now) };
        for step in steps {
            let facts = Facts {
                step: Some(step.clone()),
                outcome: Some(StepState::Closed),
                proof: Some(ATTESTED.to_owned()),
                ..fact(Kind::StepClosed)
            };
            self.append(facts, "")?;
        }
        let kind = if grant.activated_at.is_some() { Kind::Closed } else { Kind::ActivationFailed };
        self.append(fact(kind), "")?;
        super::attempt::forget(self.connection(), &id)?;
        self.grant(&id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} is gone")))
    }

    /// Appends a signed entry of a grant, and gives the grant as it then stands.
    fn append_signed<V: Verb>(
        &mut self,
        confirmed: &Confirmed<V>,
        facts: Facts,
    ) -> Result<Grant, LedgerError> {
        let digest = facts.statement.clone().unwrap_or_default();
        let person = facts.person.clone().unwrap_or_default();
        let id = facts.grant.clone().unwrap_or_default();
        self.statement(&digest, &person, confirmed.statement().line(), self.next_seq())?;
        self.append(facts, confirmed.armor())?;
        self.grant(&id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} is gone")))
    }
}
