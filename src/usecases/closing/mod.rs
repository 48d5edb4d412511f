//! Closing: the promise that what was opened ends (P2, P3).
//!
//! `expire`, `revoke`, the watchdog and a failed activation all end a grant by [`close_one`].

pub mod attest;
pub mod expire;
mod others;
mod retention;
pub mod revoke;
mod round;
mod sessions;
mod tidy;
pub mod watchdog;

use crate::core::grant::State;
use crate::core::plan::{ClosePlan, PlanMoment};
use crate::ports::clock;
use crate::ports::ledger::{Cause, Closing, ClosingPermit, GrantLock, Ledger, LedgerError, Plans};
use crate::ports::signer;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What became of one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every step is proved closed, and that is recorded.
    Ended,
    /// Every step is proved closed; the ledger could not take it yet.
    EndedUnrecorded,
    /// An orphaned command may still act: the proof is taken again later.
    Waiting,
    /// Not proved closed: retried for ever.
    Unrevoked,
    /// Somebody else is at it, or its time is not over after all.
    Busy,
}

/// How long a lock is asked for before the plan says how long closing may take.
const FIRST_MS: u64 = 60_000;

/// Closes one grant: by the ledger, and where that fails, by its close plan alone.
///
/// The ledger is shared by the threads of `expire`: it is held for the recording, never
/// while a command runs. `None` is a ledger that could not even be opened.
pub fn close_one(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    grant: &str,
    cause: Cause,
    by: Option<&str>,
) -> Result<Ending, Failure> {
    let now = clock::now()?;
    let take = || GrantLock::acquire(&context.place.locks, grant, &now, now.boot_ms + FIRST_MS);
    let Some(lock) = take()? else { return Ok(Ending::Busy) };
    let plan = believed_plan(context, grant).ok().flatten();
    if let Some(plan) = plan.filter(|plan| plan.closed.is_some()) {
        return finish_from_plan(context, ledger, Closing::from_plan(plan, lock));
    }
    let lock = match ledger.map(|ledger| held(ledger).close_grant(grant, lock, cause, by, &now)) {
        Some(Ok(ClosingPermit::Granted(mut closing))) => {
            if let (Some(ledger), Err(failure)) = (ledger, context.believe(&plan_file(context, grant))) {
                (context.talk)(&format!("WARNING: {failure}; the plan is made anew from the ledger"));
                closing.plan = held(ledger).plan_anew(grant, &now)?;
            }
            return by_ledger(context, ledger, *closing);
        }
        Some(Ok(ClosingPermit::NothingOpen)) => return Ok(Ending::Ended),
        Some(Ok(ClosingPermit::NotDue)) => return Ok(Ending::Busy),
        Some(Ok(ClosingPermit::Unknown(lock))) => Some(lock),
        Some(Err(error)) => {
            (context.talk)(&format!("{grant}: {error}; closing goes on by its close plan"));
            if let Some(ledger) = ledger {
                held(ledger).lose_patience();
            }
            take()?
        }
        None => take()?,
    };
    match lock {
        Some(lock) => by_plan(context, ledger, grant, lock),
        None => Ok(Ending::Busy),
    }
}

fn by_ledger(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    mut closing: Closing,
) -> Result<Ending, Failure> {
    sessions::end_all(context, ledger, &mut closing.plan)?;
    let round = round::run_round(context, &mut closing)?;
    // What is left of them sees that, and ends; a closing that was begun inside it is through.
    closing.plan.sessions.clear();
    let plans = Plans::without_ledger(&context.place.open);
    let (jitter, now) = (signer::random_byte()?, clock::now()?);
    let recorded = ledger.map(|ledger| held(ledger).record_round(&closing, &round, jitter, &now));
    let ending = match recorded {
        Some(Ok(state)) if state.is_ended() => Ending::Ended,
        Some(Ok(State::Closing)) => Ending::Waiting,
        Some(Ok(_)) => Ending::Unrevoked,
        Some(Err(error)) => {
            (context.talk)(&format!("{}: closed so far, but not recorded: {error}", closing.plan.grant));
            keep_in_plan(context, &mut closing, round.orphan_wait_ms.is_none())?
        }
        None => keep_in_plan(context, &mut closing, round.orphan_wait_ms.is_none())?,
    };
    if !matches!(ending, Ending::Ended | Ending::EndedUnrecorded) {
        warn(context, plans.write(&closing.plan));
    }
    warn(context, closing.release(ending == Ending::Ended));
    Ok(ending)
}

/// Closes by the plan alone: no database, no configuration, no playbook.
fn by_plan(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    grant: &str,
    lock: GrantLock,
) -> Result<Ending, Failure> {
    let by_hand = |what: &str| {
        Failure::new(Kind::Attention, format!("{grant} {what}, and the ledger can't be used"))
            .hint("close it by hand: `glass playbook show --card` was printed for this")
    };
    let plan = believed_plan(context, grant);
    let plan = plan.map_err(|error| by_hand(&format!("can't be closed by its plan ({error})")))?;
    let Some(plan) = plan else { return Err(by_hand("has no close plan")) };
    let mut closing = Closing::from_plan(plan, lock);
    if closing.plan.closed.is_none() {
        sessions::end_all(context, ledger, &mut closing.plan)?;
        let round = round::run_round(context, &mut closing)?;
        closing.plan.sessions.clear();
        let ending = keep_in_plan(context, &mut closing, round.orphan_wait_ms.is_none())?;
        if ending != Ending::EndedUnrecorded {
            warn(context, closing.release(false));
            return Ok(ending);
        }
    }
    finish_from_plan(context, ledger, closing)
}

fn plan_file(context: &Context, grant: &str) -> PathBuf {
    Plans::without_ledger(&context.place.open).path(grant)
}

/// A grant's plan, unless others may have written it: its commands run as this user.
fn believed_plan(context: &Context, grant: &str) -> Result<Option<ClosePlan>, Failure> {
    context.believe(&plan_file(context, grant))?;
    Ok(Plans::without_ledger(&context.place.open).read(grant)?)
}

/// Records what was closed by its plan, as soon as the ledger can take it.
fn finish_from_plan(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    closing: Closing,
) -> Result<Ending, Failure> {
    let now = clock::now()?;
    let recorded = ledger.map(|ledger| held(ledger).record_closed_from_plan(&closing.plan, &now));
    let ending = match recorded {
        Some(Ok(())) => Ending::Ended,
        // The plan says that it is closed until the next try.
        Some(Err(error)) => {
            (context.talk)(&format!("{}: closed, but not recorded: {error}", closing.plan.grant));
            Ending::EndedUnrecorded
        }
        None => Ending::EndedUnrecorded,
    };
    warn(context, closing.release(ending == Ending::Ended));
    Ok(ending)
}

/// Keeps in the plan what the ledger can't take. A plan that can't be written either is no
/// reason to stop: closing is done again, and "already gone" counts.
fn keep_in_plan(context: &Context, closing: &mut Closing, proof_counts: bool) -> Result<Ending, Failure> {
    let shut = closing.plan.steps.iter().all(|step| step.state.is_shut());
    if shut && proof_counts {
        closing.plan.closed = Some(PlanMoment::new(&clock::now()?));
    }
    warn(context, Plans::without_ledger(&context.place.open).write(&closing.plan));
    Ok(match (shut, proof_counts) {
        (true, true) => Ending::EndedUnrecorded,
        (_, false) => Ending::Waiting,
        (false, true) => Ending::Unrevoked,
    })
}

/// What is only bookkeeping by now must not hide how the closing went.
fn warn(context: &Context, outcome: Result<(), LedgerError>) {
    if let Err(error) = outcome {
        (context.talk)(&format!("WARNING: {error}"));
    }
}

/// How long to wait for another who is at the same grant.
const PATIENCE: Duration = Duration::from_secs(120);

/// [`close_one`], but an activation or another closer who is at it is told to stop, and
/// waited for.
pub fn close_patiently(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    grant: &str,
    cause: Cause,
    by: Option<&str>,
) -> Result<Ending, Failure> {
    let give_up = Instant::now() + PATIENCE;
    let mut told = ledger.zip(by);
    loop {
        let ending = close_one(context, ledger, grant, cause, by)?;
        if ending != Ending::Busy || Instant::now() >= give_up {
            return Ok(ending);
        }
        if let Some((ledger, by)) = told
            && let Err(error) = held(ledger).stop_activation(grant, by, &clock::now()?)
        {
            (context.talk)(&format!("{grant}: {error}; waiting for who is at it"));
            told = None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Grants closed at once, so that one that hangs delays no other.
const AT_ONCE: usize = 16;

/// Works on items side by side, first come first served; gives the results in the items' order.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The shared ledger. A thread that panicked while holding it left no transaction behind.
fn held(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
