//! Recording what one round of closing proved.

use super::attempt::{self, Attempt};
use super::{Batch, Closing, Ledger, LedgerError};
use crate::core::backoff;
use crate::core::entry::{Facts, Kind, Run, StepState};
use crate::core::grant::State;
use crate::core::moment::{Moment, parse_rfc3339};
use std::collections::BTreeMap;

/// What a round found out about one step.
#[derive(Debug)]
pub struct StepReport {
    /// The step.
    pub id: String,
    /// How it stands now.
    pub outcome: StepState,
    /// What proved it closed.
    pub proof: Option<&'static str>,
    /// The commands that ran, and the last words of those that failed.
    pub runs: BTreeMap<&'static str, (Run, Option<String>)>,
}

/// What a round found out.
#[derive(Debug)]
pub struct Round {
    /// Every step, whether it had to be closed or not.
    pub steps: Vec<StepReport>,
    /// An orphaned command may still act for so long: the proof does not count yet.
    pub orphan_wait_ms: Option<u64>,
}

impl Ledger {
    /// Records a round and gives the grant's state after it. Ends the plan of a grant that ended.
    pub fn record_round(
        &mut self,
        closing: &Closing,
        round: &Round,
        jitter: u8,
        now: &Moment,
    ) -> Result<State, LedgerError> {
        let id = closing.plan.grant.clone();
        let plans = self.plans();
        let mut batch = Batch::begin(self, now)?;
        let grant =
            batch.grant(&id)?.ok_or_else(|| LedgerError::Refused(format!("the ledger knows no {id}")))?;
        if grant.state.is_ended() {
            return Ok(grant.state);
        }
        let earlier = attempt::read(batch.connection(), &id)?;
        let daily = earlier.as_ref().is_none_or(|attempt| attempt.day_has_passed(now));
        let mut wrote = false;
        for report in &round.steps {
            let changed = grant.step(&report.id).is_some_and(|step| step.state != report.outcome);
            if changed || (daily && !report.outcome.is_shut()) {
                batch.append_step(&id, Kind::StepClosed, report)?;
                wrote = true;
            }
        }
        let grant = batch.grant(&id)?.unwrap_or(grant);
        let fact = |kind| Facts { grant: Some(id.clone()), ..Facts::new(kind, now) };
        let shut = grant.steps.iter().all(|step| step.state.is_shut());
        match (shut && round.orphan_wait_ms.is_none(), grant.state) {
            (true, _) => {
                let kind = if grant.activated_at.is_some() { Kind::Closed } else { Kind::ActivationFailed };
                batch.append(fact(kind), "")?;
                attempt::forget(batch.connection(), &id)?;
            }
            (false, State::Closing) if round.orphan_wait_ms.is_none() => {
                batch.append(fact(Kind::Unrevoked), "")?;
                wrote = true;
            }
            (false, _) => {}
        }
        let state = batch.grant(&id)?.map_or(grant.state, |grant| grant.state);
        if !state.is_ended() {
            let tries = earlier.as_ref().map_or(0, |attempt| attempt.tries) + 1;
            let recorded_at = match earlier.filter(|_| !wrote) {
                Some(attempt) => attempt.recorded_at,
                None => now.wall,
            };
            let wait_ms = round.orphan_wait_ms.unwrap_or_else(|| backoff::wait_ms(tries, jitter));
            attempt::write(batch.connection(), &id, &Attempt::new(tries, now, wait_ms, recorded_at))?;
        }
        batch.commit()?;
        if state.is_ended() {
            plans.remove(&id)?;
        }
        Ok(state)
    }

    /// Records how a step's `grant` ended, and its recorded outputs.
    pub fn record_step_opened(
        &mut self,
        grant: &str,
        report: &StepReport,
        outputs: &BTreeMap<String, String>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        let mut kept = BTreeMap::new();
        for (name, value) in outputs {
            kept.insert(name.clone(), batch.text(value.as_bytes())?);
        }
        let facts = Facts { outputs: kept, ..batch.step_facts(grant, Kind::StepOpened, report)? };
        batch.append(facts, "")?;
        batch.commit()?;
        Ok(())
    }

    /// Records that a grant was closed from its plan while the ledger was out of reach.
    pub fn record_closed_from_plan(
        &mut self,
        plan: &crate::core::plan::ClosePlan,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let plans = self.plans();
        let mut batch = Batch::begin(self, now)?;
        let known = batch.grant(&plan.grant)?;
        if known.as_ref().is_none_or(|grant| !grant.state.is_ended()) {
            let closed_at = plan.closed.as_ref().and_then(|closed| parse_rfc3339(&closed.at));
            let facts = Facts {
                grant: Some(plan.grant.clone()),
                person: Some(plan.person.clone()),
                scope: Some(plan.scope.clone()),
                cause: closed_at.map(|at| format!("closed at {}", crate::core::moment::rfc3339(at))),
                ..Facts::new(Kind::ClosedFromPlan, now)
            };
            batch.append(facts, "")?;
            attempt::forget(batch.connection(), &plan.grant)?;
            batch.commit()?;
        }
        plans.remove(&plan.grant)
    }
}

impl Batch<'_> {
    fn append_step(&mut self, grant: &str, kind: Kind, report: &StepReport) -> Result<(), LedgerError> {
        let facts = self.step_facts(grant, kind, report)?;
        self.append(facts, "").map(|_| ())
    }

    fn step_facts(&self, grant: &str, kind: Kind, report: &StepReport) -> Result<Facts, LedgerError> {
        let mut runs = BTreeMap::new();
        for (name, (run, tail)) in &report.runs {
            let tail = tail.as_ref().map(|tail| self.text(tail.as_bytes())).transpose()?;
            runs.insert((*name).to_owned(), Run { tail, ..run.clone() });
        }
        Ok(Facts {
            grant: Some(grant.to_owned()),
            step: Some(report.id.clone()),
            outcome: Some(report.outcome),
            proof: report.proof.map(str::to_owned),
            runs,
            ..Facts::new(kind, self.now())
        })
    }
}
