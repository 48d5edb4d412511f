//! Running the steps of an activation, each written down before it may act.

use super::preflight::Ready;
use crate::core::entry::{Run, StepState};
use crate::core::filling::{Outputs, Values, planned_steps};
use crate::core::grant::Grant;
use crate::core::moment::Moment;
use crate::core::plan::{Began, ClosePlan, PlanMoment};
use crate::core::playbook::placeholder::Placeholder;
use crate::core::playbook::step::{CommandStep, Given, Step, StepKind};
use crate::core::proof::{Ended, Match, Outcome};
use crate::core::text::Line;
use crate::ports::clock;
use crate::ports::effect::{Prepared, Stdin, prepare_grant};
use crate::ports::ledger::{Ledger, Opening, Plans, StepReport};
use crate::ports::terminal::HeldSignals;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::invocation::{Judgement, Ready as ReadyCommand, ready, stdin_of};
use crate::usecases::words::{not_started, record, tail};
use secrecy::SecretString;
use std::cell::Cell;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Opens every step in order. The first that fails ends it: the caller rolls back.
pub(super) fn open_steps(
    context: &Context,
    ledger: &mut Ledger,
    wanted: &Ready,
    opening: &Opening,
    plan: ClosePlan,
    held: &HeldSignals,
) -> Result<(), Failure> {
    let os_user = context.os_user();
    let mut run = Opener {
        context,
        wanted,
        opening,
        plan,
        os_user,
        outputs: Outputs::new(),
        secrets: BTreeMap::new(),
        held,
        abandoned: Cell::new(false),
    };
    for (index, step) in wanted.scope().steps.iter().enumerate() {
        if let StepKind::Command(command) = &step.kind {
            run.open_step(ledger, index, step, command)?;
        }
        if run.is_abandoned() {
            return Err(Failure::new(Kind::Failed, "the activation was interrupted"));
        }
    }
    Ok(())
}

struct Opener<'a> {
    context: &'a Context,
    wanted: &'a Ready,
    opening: &'a Opening,
    plan: ClosePlan,
    os_user: String,
    outputs: Outputs,
    /// Outputs that are secret; they also lie in the runtime directory.
    secrets: BTreeMap<(String, String), Zeroizing<String>>,
    held: &'a HeldSignals,
    abandoned: Cell<bool>,
}

impl Opener<'_> {
    fn grant(&self) -> &Grant {
        self.opening.grant()
    }

    /// Whether Ctrl-C was typed, or the terminal was lost.
    fn is_abandoned(&self) -> bool {
        if matches!(self.held.take(), Ok(Some(_))) {
            self.abandoned.set(true);
        }
        self.abandoned.get()
    }

    fn open_step(
        &mut self,
        ledger: &mut Ledger,
        index: usize,
        step: &Step,
        command: &CommandStep,
    ) -> Result<(), Failure> {
        (self.context.talk)(&format!("opening {} …", step.id));
        let (outcome, masked) = match self.resolve(step, command) {
            Ok(ready) => (self.run(ledger, index, &ready)?, ready.secrets),
            Err(why) => (not_started(why), Vec::new()),
        };
        let state = classify(command, &outcome);
        let trouble = match state {
            StepState::Open | StepState::PreExisting => self.keep_outputs(step, command, &outcome).err(),
            _ => Some(describe(&outcome)),
        };
        self.write_plan(index, state)?;
        let report = StepReport {
            id: step.id.clone(),
            outcome: state,
            proof: None,
            runs: self.runs(&outcome, trouble.is_some(), &masked),
        };
        let recorded = self.recorded_outputs(step);
        ledger.record_step_opened(self.grant().id.as_str(), &report, &recorded, &clock::now()?)?;
        match (trouble, state) {
            (Some(trouble), _) => {
                let said = tail(&outcome, &masked);
                let said = if said.is_empty() { said } else { format!(": {said}") };
                Err(Failure::new(Kind::Failed, format!("step `{}` {trouble}{said}", step.id)))
            }
            (None, StepState::PreExisting) => {
                (self.context.talk)(&format!(
                    "  {}: the access was there already (recorded as pre-existing)",
                    step.id
                ));
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// Fills in the step's `grant`: placeholders, program, variables, input.
    fn resolve(&self, step: &Step, command: &CommandStep) -> Result<ReadyCommand, String> {
        let now = clock::now().map_err(|error| error.to_string())?;
        let values = Values::new(self.grant(), &self.os_user, self.seconds_left(&now), &self.outputs);
        let lookup = |placeholder: &Placeholder| match placeholder {
            Placeholder::Output { step, output } => {
                let secret = self.secrets.get(&(step.clone(), output.clone())).cloned();
                secret.or_else(|| values.get(placeholder))
            }
            _ => values.get(placeholder),
        };
        let around = &step.surroundings;
        let filled =
            around.fill(&command.grant.run, lookup).map_err(|missing| format!("{missing} has no value"))?;
        let stdin = stdin_of(self.context, around.stdin.as_ref(), lookup, Judgement::Strict)
            .map_err(|error| error.to_string())?;
        let from_file = match (&around.stdin, &stdin) {
            (Some(Given::File(_)), Stdin::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        // What it is given to read, it may repeat in its errors.
        let read = from_file.map(|text| SecretString::from(text.trim_end()));
        let issued = self.secrets.values().map(|secret| SecretString::from(secret.as_str()));
        let read: Vec<SecretString> = issued.chain(read).collect();
        let mut ready =
            ready(self.context, &filled, stdin, Judgement::Strict).map_err(|error| error.to_string())?;
        ready.secrets.extend(read);
        Ok(ready)
    }

    fn seconds_left(&self, now: &Moment) -> u64 {
        let deadline = self.grant().opening.as_ref().map_or(0, |opened| opened.terms.deadline_boot_ms);
        deadline.saturating_sub(now.boot_ms) / 1_000
    }

    /// Starts the command up to its gate, writes down which processes may act, lets it act.
    fn run(&mut self, ledger: &Ledger, index: usize, ready: &ReadyCommand) -> Result<Outcome, Failure> {
        let prepared = match prepare_grant(self.opening, &ready.invocation) {
            Ok(prepared) => prepared,
            Err(error) => return Ok(not_started(error.to_string())),
        };
        let moment = PlanMoment::new(&clock::now()?);
        let planned = &mut self.plan.steps[index];
        planned.began = Some(Began { moment, group: prepared.process_group() });
        planned.state = StepState::Unknown;
        // If this can't be written, `prepared` is dropped here and never acts.
        Plans::without_ledger(&self.context.place.open).write(&self.plan)?;
        // Asked only now: either this sees that a closing began, or that one finds in the plan
        // what it has to end.
        if !ledger.still_opening(self.opening, &clock::now()?)? {
            self.take_back(index, prepared)?;
            return Err(Failure::new(
                Kind::Failed,
                "the activation was ended by someone else, or took too long",
            ));
        }
        Ok(prepared.run_until(&|| self.is_abandoned()))
    }

    /// A command that is not let act is no half-open step. Where somebody took over, the plan is
    /// theirs, and they have seen to the command already.
    fn take_back(&mut self, index: usize, prepared: Prepared) -> Result<(), Failure> {
        drop(prepared);
        let planned = &mut self.plan.steps[index];
        (planned.began, planned.state) = (None, StepState::Pending);
        if self.opening.is_held() {
            Plans::without_ledger(&self.context.place.open).write(&self.plan)?;
        }
        Ok(())
    }

    /// Takes what the step's `grant` printed: recorded outputs, and secret ones.
    fn keep_outputs(&mut self, step: &Step, command: &CommandStep, outcome: &Outcome) -> Result<(), String> {
        for (name, output) in &command.outputs {
            let value = output
                .extract(&outcome.stdout.kept)
                .map_err(|error| format!("opened, but its output `{name}` can't be taken: {error}"))?;
            let key = (step.id.clone(), name.clone());
            if output.record {
                let line = Line::new(value.as_str())
                    .map_err(|error| format!("opened, but its output `{name}` can't be recorded: {error}"))?;
                self.outputs.insert(key, line.as_str().to_owned());
                continue;
            }
            let stored = self.wanted.runtime.as_ref().map(|runtime| {
                runtime.store(&self.grant().id, &step.id, name, &SecretString::from(value.as_str()))
            });
            match stored {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Err(format!("opened, but its output `{name}` can't be kept: {error}"));
                }
                None => return Err(format!("opened, but there is no place for its output `{name}`")),
            }
            self.secrets.insert(key, value);
        }
        Ok(())
    }

    /// Brings the plan up to date: the step has ended, and its outputs fill in later commands.
    fn write_plan(&mut self, index: usize, state: StepState) -> Result<(), Failure> {
        let filled = planned_steps(self.wanted.scope(), self.grant(), &self.os_user, &self.outputs);
        for (planned, filled) in self.plan.steps.iter_mut().zip(filled) {
            (planned.revoke, planned.end, planned.check) = (filled.revoke, filled.end, filled.check);
        }
        let planned = &mut self.plan.steps[index];
        (planned.state, planned.grant_ended) = (state, true);
        Ok(Plans::without_ledger(&self.context.place.open).write(&self.plan)?)
    }

    fn runs(
        &self,
        outcome: &Outcome,
        failed: bool,
        masked: &[SecretString],
    ) -> BTreeMap<&'static str, (Run, Option<String>)> {
        BTreeMap::from([("grant", (record(outcome), failed.then(|| tail(outcome, masked))))])
    }

    fn recorded_outputs(&self, step: &Step) -> BTreeMap<String, String> {
        let own = self.outputs.iter().filter(|((of, _), _)| *of == step.id);
        own.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }
}

/// What the end of a `grant` says of its step. Only a refusal that the playbook describes, or
/// a program that never started, proves that nothing opened.
fn classify(command: &CommandStep, outcome: &Outcome) -> StepState {
    let holds = |proof: &Option<Match>| proof.as_ref().is_some_and(|proof| proof.holds(outcome));
    match outcome.ended {
        Ended::NotStarted(_) => StepState::Failed,
        _ if holds(&command.grant.already) => StepState::PreExisting,
        Ended::Exit(0) => StepState::Open,
        _ if holds(&command.refused) => StepState::Failed,
        _ => StepState::Unknown,
    }
}

fn describe(outcome: &Outcome) -> String {
    match &outcome.ended {
        Ended::Exit(code) => format!("failed with exit code {code}"),
        Ended::Signal(signal) => format!("was ended by signal {signal}"),
        Ended::TimedOut => "did not end in time, and was ended".to_owned(),
        Ended::NotStarted(_) => "could not be started".to_owned(),
    }
}
