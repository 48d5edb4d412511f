//! How long a session may go on: until its grant ends, whoever ends it.

use crate::core::grant::State;
use crate::ports::clock;
use crate::ports::ledger::{GrantLock, Plans};
use crate::usecases::context::Context;
use chrono::TimeDelta;

/// What is left of a grant's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// So much.
    Time(TimeDelta),
    /// Nothing: it is due, or being closed, or closed.
    Nothing,
}

/// Asks by the close plan, and the ledger where that says that it is over.
///
/// The plan alone is read each second. Where it is gone or due, somebody may have extended the
/// grant and died before the plan had the new end: the ledger knows. What can't be read at all
/// ends nothing here: the watchdog and `expire` close by what they can read.
///
/// A session that a living plan no longer names is over too: a closing that was begun inside it
/// takes it out, once it has come as far as it could.
pub(super) fn left(context: &Context, grant: &str, session: &str) -> Left {
    let Ok(now) = clock::now() else { return Left::Nothing };
    let plan = match Plans::without_ledger(&context.place.open).read(grant) {
        Ok(Some(plan)) if plan.closed.is_none() => Some(plan),
        _ => None,
    };
    if plan.as_ref().is_some_and(|plan| plan.sessions.iter().all(|planned| planned.id != session)) {
        return Left::Nothing;
    }
    if let Some(deadline) = plan.as_ref().filter(|plan| !plan.is_due(&now)).and_then(|plan| plan.deadline()) {
        return Left::Time(deadline.left(&now));
    }
    let granted = context.ledger_to_read().ok().and_then(|ledger| ledger.grant(grant).ok().flatten());
    match granted.filter(|grant| grant.state == State::Active) {
        Some(grant) => match grant.deadline().map(|deadline| deadline.left(&now)) {
            Some(left) if left > TimeDelta::zero() => Left::Time(left),
            _ => Left::Nothing,
        },
        None => Left::Nothing,
    }
}

/// Whether somebody closes a grant, or has closed it. Who ends its sessions holds its lock, and
/// has recorded that first where the ledger could take it.
pub(super) fn is_closing(context: &Context, grant: &str) -> bool {
    let granted = context.ledger_to_read().ok().and_then(|ledger| ledger.grant(grant).ok().flatten());
    granted.is_none_or(|grant| grant.state != State::Active) || is_held(context, grant)
}

fn is_held(context: &Context, grant: &str) -> bool {
    let Ok(now) = clock::now() else { return true };
    matches!(GrantLock::acquire(&context.place.locks, grant, &now, now.boot_ms), Ok(None))
}
