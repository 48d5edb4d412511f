//! One round of closing (P3): bar new access, end live access, check. A step that fails
//! does not stop the others; only a check's positive proof is *closed*.

use super::tidy;
use crate::core::command::FilledCommand;
use crate::core::entry::{Run, StepState};
use crate::core::moment::Moment;
use crate::core::plan::{Began, ClosePlan, Planned, PlannedAction, PlannedStep};
use crate::core::proof::{Ended, Outcome, Proof, judge};
use crate::ports::clock;
use crate::ports::effect::{self, Stdin};
use crate::ports::ledger::{Closing, Round, StepReport};
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use crate::usecases::invocation::{Judgement, ready};
use crate::usecases::words::{not_started, record, tail};
use std::collections::BTreeMap;
use std::time::Duration;

/// After its time-out and this long, an orphaned command is taken to have acted.
const ORPHAN_GRACE_MS: u64 = 2_000;
/// A rest of that wait that is worth sitting out.
const WORTH_WAITING_MS: u64 = 3_000;
/// Time that glass itself may take in a round, beside the commands' time-outs.
const OWN_SECONDS: u64 = 10;

/// Runs one round on every step that is not shut, and writes the plan as it then stands.
pub(super) fn run_round(context: &Context, closing: &mut Closing) -> Result<Round, Failure> {
    let now = clock::now()?;
    let until = now.boot_ms + 1_000 * longest_seconds(&closing.plan);
    super::warn(context, closing.extend(&now, until));
    end_orphans(&closing.plan, &now);
    tidy::wipe_secrets(context, &closing.plan.grant, closing.plan.runtime_dir.as_deref());
    let mut steps = three_phases(context, closing);
    let mut wait = orphan_wait_ms(&closing.plan, &clock::now()?);
    if let Some(short) = wait.filter(|wait| *wait <= WORTH_WAITING_MS) {
        std::thread::sleep(Duration::from_millis(short));
        steps = three_phases(context, closing);
        wait = None;
    }
    for report in &mut steps {
        let half_open = closing.plan.steps.iter().any(|step| step.id == report.id && step.is_half_open());
        if wait.is_some() && half_open && report.outcome == StepState::Closed {
            // The orphan may still act: this proof comes too early to count.
            (report.outcome, report.proof) = (StepState::Closing, None);
        }
    }
    for step in &mut closing.plan.steps {
        if let Some(report) = steps.iter().find(|report| report.id == step.id) {
            step.state = report.outcome;
        }
    }
    Ok(Round { steps, orphan_wait_ms: wait })
}

/// The longest that a round may take: every command of every step at its time-out, twice,
/// because the proof of a half-open step is taken again.
fn longest_seconds(plan: &ClosePlan) -> u64 {
    let commands = plan.steps.iter().flat_map(|step| {
        let action = |planned: &Planned<PlannedAction>| match planned {
            Planned::Ready(action) => action.command.timeout_s,
            Planned::Missing(_) => 0,
        };
        let check = match &step.check {
            Planned::Ready(check) => check.command.timeout_s,
            Planned::Missing(_) => 0,
        };
        [action(&step.revoke), step.end.as_ref().map_or(0, action), check]
    });
    OWN_SECONDS + 2 * commands.sum::<u64>()
}

/// Ends what a dead activation left running, where the plan names it and this boot began it.
fn end_orphans(plan: &ClosePlan, now: &Moment) {
    for began in plan.steps.iter().filter(|step| step.is_half_open()).filter_map(|step| step.began.as_ref()) {
        if began.moment.boot_id == now.boot_id {
            effect::end_process_group(&began.group);
        }
    }
}

fn three_phases(context: &Context, closing: &Closing) -> Vec<StepReport> {
    let plan = &closing.plan;
    let open: Vec<&PlannedStep> = plan.steps.iter().rev().filter(|step| !step.state.is_shut()).collect();
    let mut runs: Vec<BTreeMap<&'static str, (Run, Option<String>)>> = vec![BTreeMap::new(); open.len()];
    for (step, runs) in open.iter().zip(&mut runs) {
        act(context, closing, "revoke", &step.revoke, runs);
    }
    for (step, runs) in open.iter().zip(&mut runs) {
        if let Some(end) = &step.end {
            act(context, closing, "end", end, runs);
        }
    }
    let mut reports: Vec<StepReport> = open
        .iter()
        .zip(runs)
        .map(|(step, mut runs)| {
            let (outcome, proof) = check(context, closing, step, &mut runs);
            StepReport { id: step.id.clone(), outcome, proof, runs }
        })
        .collect();
    reports.extend(plan.steps.iter().filter(|step| step.state.is_shut()).map(already_shut));
    reports
}

/// A step with nothing to do. A pending one's `grant` was never started: the plan says so
/// before a command may act.
fn already_shut(step: &PlannedStep) -> StepReport {
    let (outcome, proof) = match step.state {
        StepState::Pending => (StepState::Failed, Some("never-opened")),
        shut => (shut, Some("earlier")),
    };
    StepReport { id: step.id.clone(), outcome, proof, runs: BTreeMap::new() }
}

fn act(
    context: &Context,
    closing: &Closing,
    phase: &'static str,
    action: &Planned<PlannedAction>,
    runs: &mut BTreeMap<&'static str, (Run, Option<String>)>,
) {
    if let Planned::Ready(action) = action {
        let (outcome, tail) = run(context, closing, &action.command);
        let done = matches!(outcome.ended, Ended::Exit(0))
            || action.already.as_ref().is_some_and(|already| already.holds(&outcome));
        runs.insert(phase, (record(&outcome), (!done).then_some(tail)));
    }
}

fn check(
    context: &Context,
    closing: &Closing,
    step: &PlannedStep,
    runs: &mut BTreeMap<&'static str, (Run, Option<String>)>,
) -> (StepState, Option<&'static str>) {
    let Planned::Ready(check) = &step.check else {
        // Its output never arrived, so nothing can be asked; the target's own end is all there is.
        return match ended_natively(&closing.plan, step) {
            true => (StepState::Closed, Some("native-expiry-not-checked")),
            false => (StepState::Unknown, None),
        };
    };
    let (outcome, tail) = run(context, closing, &check.command);
    let proof = judge(&check.open, &check.closed, &outcome);
    runs.insert("check", (record(&outcome), (proof != Proof::Closed).then_some(tail)));
    match proof {
        Proof::Closed => (StepState::Closed, Some("check")),
        Proof::Open => (StepState::Open, None),
        Proof::Unknown => (StepState::Unknown, None),
    }
}

/// Whether the step's lifetime and its `grant`'s time-out have passed by the slower clock.
fn ended_natively(plan: &ClosePlan, step: &PlannedStep) -> bool {
    let began = step.began.as_ref().and_then(|began| began.moment.moment());
    let (Some(began), Ok(now), true) = (began, clock::now(), step.native_expiry) else { return false };
    let life_ms = plan.deadline_boot_ms.saturating_sub(plan.opened.boot_ms) + 1_000 * step.grant_timeout_s;
    now.waited_since(&began).num_milliseconds() >= i64::try_from(life_ms).unwrap_or(i64::MAX)
}

/// How long an orphaned `grant` may still act, by the clock that it lives by.
fn orphan_wait_ms(plan: &ClosePlan, now: &Moment) -> Option<u64> {
    let left = |step: &PlannedStep, began: &Began| {
        let span = 1_000 * step.grant_timeout_s + ORPHAN_GRACE_MS;
        let since = if began.moment.boot_id == now.boot_id { began.moment.boot_ms } else { 0 };
        (since + span).saturating_sub(now.boot_ms)
    };
    let half_open = plan.steps.iter().filter(|step| step.is_half_open());
    half_open.filter_map(|step| Some(left(step, step.began.as_ref()?))).max().filter(|left| *left > 0)
}

/// Runs a command; gives its outcome and its last words.
fn run(context: &Context, closing: &Closing, command: &FilledCommand) -> (Outcome, String) {
    match ready(context, command, Stdin::Empty, Judgement::Lenient) {
        Ok(ready) => {
            let outcome = effect::close(closing, &ready.invocation);
            let tail = tail(&outcome, &ready.secrets);
            (outcome, tail)
        }
        Err(error) => {
            let outcome = not_started(error.to_string());
            let tail = tail(&outcome, &[]);
            (outcome, tail)
        }
    }
}
