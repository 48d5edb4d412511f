//! A grant's sessions end with it, before its access is taken away (P13); and a session whose
//! glass died ends at once, and has its recording fixed as it is found.

use super::held;
use crate::core::id::SessionId;
use crate::core::moment::Moment;
use crate::core::plan::{ClosePlan, PlannedSession};
use crate::ports::clock;
use crate::ports::effect::HookDir;
use crate::ports::effect::session::{end_session, end_unplanned, holds_this_process};
use crate::ports::ledger::{GrantLock, Ledger, OfSession, Plans};
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use crate::usecases::session::files_of;
use std::sync::Mutex;

/// How long the lock of a dead session is needed.
const FIXING_MS: u64 = 600_000;

/// Ends the sessions of a plan that is being closed, and takes those out that are over.
///
/// The one that this very process was started in is left: its glass sees within a second that the
/// grant is over, and ends it then.
pub(super) fn end_all(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    plan: &mut ClosePlan,
) -> Result<(), Failure> {
    if plan.sessions.is_empty() {
        return Ok(());
    }
    let now = clock::now()?;
    let (own, others): (Vec<_>, Vec<_>) =
        plan.sessions.drain(..).partition(|planned| holds_this_process(planned, &now.boot_id));
    let proofs = super::side_by_side(&others, |planned| end_session(planned, &now.boot_id));
    plan.sessions = own;
    for (planned, gone) in others.into_iter().zip(proofs) {
        let of = OfSession { grant: plan.grant.clone(), session: planned.id.clone() };
        // Where its own glass lives, that one records its end; else, or later, this does.
        let told = ledger.map(|ledger| fix(context, ledger, &of, gone, &clock::now()?));
        if let Some(Err(failure)) = &told {
            (context.talk)(&format!("WARNING: {}: {failure}", planned.id));
        }
        if !gone && !ledger.is_some_and(|ledger| is_told_gone(&held(ledger), &of)) {
            (context.talk)(&format!(
                "WARNING: it is not proved that all which {} started has ended",
                planned.id
            ));
        }
    }
    Ok(())
}

/// Whether it was recorded already that nothing of a session is left: its glass saw more.
fn is_told_gone(ledger: &Ledger, of: &OfSession) -> bool {
    let grant = ledger.grant(&of.grant).ok().flatten();
    let end =
        grant.as_ref().and_then(|grant| grant.session(&of.session)).and_then(|found| found.end.as_ref());
    end.is_some_and(|end| end.ending.gone)
}

/// Fixes the recording of a session whose glass is dead; false where it lives, or its end is told.
///
/// The ledger is not held while the recording is read, which may be long.
fn fix(
    context: &Context,
    ledger: &Mutex<Ledger>,
    of: &OfSession,
    gone: bool,
    now: &Moment,
) -> Result<bool, Failure> {
    let Ok(session) = of.session.parse::<SessionId>() else { return Ok(false) };
    let locks = &context.place.locks;
    let Some(lock) = GrantLock::acquire(locks, session.as_str(), now, now.boot_ms + FIXING_MS)? else {
        return Ok(false);
    };
    let known = held(ledger).grant(&of.grant)?;
    let is_open =
        known.is_some_and(|grant| grant.session(&of.session).is_some_and(|found| found.end.is_none()));
    if is_open {
        let files = files_of(context, &session);
        held(ledger).interrupt_session(of, gone, files, now)?;
    }
    if let Some(left) = HookDir::find(&session) {
        // Nothing secret lies in it: that it can't be removed ends nothing.
        let _ = HookDir::remove_left(&left);
    }
    lock.discard()?;
    Ok(is_open)
}

/// Looks after the sessions of a grant that goes on: one whose glass died ends, and is fixed.
/// Gives those that were.
pub(super) fn look_after(context: &Context, plan: &ClosePlan) -> Result<Vec<String>, Failure> {
    let now = clock::now()?;
    let dead: Vec<&PlannedSession> =
        plan.sessions.iter().filter(|planned| is_dead(context, &planned.id, &now)).collect();
    let mut fixed = Vec::new();
    for planned in dead {
        let of = OfSession { grant: plan.grant.clone(), session: planned.id.clone() };
        let gone = end_session(planned, &now.boot_id);
        let ledger = Mutex::new(context.ledger_to_close()?);
        if fix(context, &ledger, &of, gone, &clock::now()?)? {
            fixed.push(of.session.clone());
        }
        let lock = GrantLock::acquire(&context.place.locks, &of.grant, &now, now.boot_ms + FIXING_MS)?;
        if let Some(lock) = lock {
            held(&ledger).unplan_session(&of, lock)?;
        }
    }
    Ok(fixed)
}

/// The same for every session that the ledger takes for running: `expire`'s part. Gives those that
/// were fixed.
pub(super) fn look_after_all(context: &Context, running: &[OfSession]) -> Result<Vec<String>, Failure> {
    let now = clock::now()?;
    let mut fixed = Vec::new();
    for of in running.iter().filter(|of| is_dead(context, &of.session, &now)) {
        let plan = Plans::without_ledger(&context.place.open).read(&of.grant)?;
        let planned =
            plan.as_ref().and_then(|plan| plan.sessions.iter().find(|planned| planned.id == of.session));
        match (&plan, planned) {
            (Some(plan), Some(_)) => fixed.extend(look_after(context, plan)?),
            // It is in no plan any more: what it started was ended with the grant, or never began.
            _ => {
                let ledger = Mutex::new(context.ledger_to_close()?);
                let gone = end_unplanned(&of.session).unwrap_or(false);
                if fix(context, &ledger, of, gone, &clock::now()?)? {
                    fixed.push(of.session.clone());
                }
            }
        }
    }
    Ok(fixed)
}

/// What is left of sessions whose glass died before it could record that they begin, or after it
/// recorded that they ended. Touches nothing that is in use.
pub(super) fn sweep(context: &Context) -> Result<(), Failure> {
    let locks = &context.place.locks;
    let left = GrantLock::named_by_sessions(locks)?;
    if left.is_empty() {
        return Ok(());
    }
    let (now, ledger) = (clock::now()?, context.ledger_to_read()?);
    for session in left {
        let Some(lock) = GrantLock::acquire(locks, &session, &now, now.boot_ms + FIXING_MS)? else {
            continue;
        };
        if !ledger.running_sessions()?.iter().any(|of| of.session == session) {
            // No entry speaks of what it leaves behind: whether that is proved gone is told nowhere.
            let _ = end_unplanned(&session);
            lock.discard()?;
        }
    }
    Ok(())
}

/// Whether nobody holds a session's lock.
fn is_dead(context: &Context, session: &str, now: &Moment) -> bool {
    let lock = GrantLock::acquire(&context.place.locks, session, now, now.boot_ms + FIXING_MS);
    matches!(lock, Ok(Some(_)))
}
