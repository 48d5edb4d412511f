//! `expire`: cron's verb. Closes what is due, retries what is not proved closed, sweeps
//! half-open activations. Idempotent; quick when nothing is due.

use super::retention::Over;
use super::{Ending, close_one, sessions, side_by_side, tidy};
use crate::core::grant::State;
use crate::core::id::ActId;
use crate::core::moment::Moment;
use crate::ports::clock;
use crate::ports::config::touch;
use crate::ports::ledger::{Cause, Due, Ledger, Plans};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::sync::Mutex;

/// What a run of `expire` found and did.
#[derive(Debug, Default)]
pub struct Expired {
    /// Closed now.
    pub closed: Vec<String>,
    /// Due, but only looked at (`--dry-run`).
    pub due: Vec<String>,
    /// An orphaned command may still act; closed by a later run.
    pub waiting: Vec<String>,
    /// Not proved closed: also those whose next try is not due yet.
    pub unrevoked: Vec<String>,
    /// Closed, but the ledger could not take it.
    pub unrecorded: Vec<String>,
    /// Sessions whose glass died: ended, and their recordings fixed as they were found.
    pub interrupted: Vec<String>,
    /// Requests and acts of several people whose time is over.
    pub lapsed: Vec<Waited>,
    /// Sessions whose recording is kept no longer; with `--dry-run` only looked at.
    pub deleted: Vec<String>,
    /// What went wrong, grant by grant or with the ledger.
    pub failures: Vec<Failure>,
}

/// What waited for signatures in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A request.
    Request(String),
    /// An act of several people.
    Act(ActId),
}

impl std::fmt::Display for Waited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(id) => f.write_str(id),
            Self::Act(id) => write!(f, "{id}"),
        }
    }
}

/// Runs `expire`.
pub fn expire(context: &Context, dry_run: bool) -> Result<Expired, Failure> {
    let now = clock::now()?;
    let mut expired = Expired::default();
    let found = context.ledger_to_read().and_then(|ledger| {
        let due = find(context, &ledger, &now, &mut expired)?;
        Ok((due, ledger.running_sessions()?, Over::find(&ledger, &now)))
    });
    let (due, running, over) = match found {
        Ok(found) => found,
        Err(failure) => {
            expired.failures.push(failure);
            context.believe(&context.place.open)?;
            let due = due_plans(&Plans::without_ledger(&context.place.open), &now)?;
            (due, Vec::new(), Ok(Over::default()))
        }
    };
    let is_readable = expired.failures.is_empty();
    let over = over.unwrap_or_else(|failure| {
        expired.failures.push(failure);
        Over::default()
    });
    if dry_run {
        expired.deleted = over.sessions();
        expired.due = due.into_iter().map(|due| due.grant).collect();
        expired.due.extend(expired.lapsed.drain(..).map(|waited| waited.to_string()));
        return Ok(expired);
    }
    if !due.is_empty() {
        close_all(context, &due, &mut expired);
    }
    if !expired.lapsed.is_empty()
        && let Err(failure) = lapse(context, &expired.lapsed, &now)
    {
        expired.failures.push(failure);
    }
    match sessions::look_after_all(context, &running) {
        Ok(fixed) => expired.interrupted = fixed,
        Err(failure) => expired.failures.push(failure),
    }
    if let Err(error) = context.home.lay_in_ballast() {
        (context.talk)(&format!("warning: {error}"));
    }
    if is_readable && let Err(failure) = tidy::sweep(context) {
        (context.talk)(&format!("warning: {failure}"));
    }
    if !over.is_empty() {
        over.delete(context, &now, &mut expired);
    }
    if let Err(error) = touch(&context.home.heartbeat()) {
        expired.failures.push(Failure::new(Kind::Failed, error.to_string()));
    }
    Ok(expired)
}

/// What nobody signed in time lapses.
fn lapse(context: &Context, waited: &[Waited], now: &Moment) -> Result<(), Failure> {
    let mut ledger = context.ledger_to_close()?;
    for waited in waited {
        match waited {
            Waited::Request(id) => ledger.lapse(id, now).map(|_| ())?,
            Waited::Act(id) => ledger.lapse_act(id, now)?,
        }
    }
    Ok(())
}

/// What the ledger says is due, and what only a plan knows of.
fn find(
    context: &Context,
    ledger: &Ledger,
    now: &Moment,
    expired: &mut Expired,
) -> Result<Vec<Due>, Failure> {
    let (lapsed, mut due): (Vec<Due>, Vec<Due>) =
        ledger.due(now)?.into_iter().partition(|due| due.state == State::AwaitingApproval);
    let plans = Plans::without_ledger(&context.place.open);
    // A ledger put back from before an opening takes it for a request: the plan knows better.
    let (open, lapsed): (Vec<Due>, Vec<Due>) =
        lapsed.into_iter().partition(|due| plans.path(&due.grant).exists());
    due.extend(open);
    let acts = ledger.acts_to_lapse(now)?;
    let requests = lapsed.into_iter().map(|due| Waited::Request(due.grant));
    expired.lapsed = requests.chain(acts.into_iter().map(Waited::Act)).collect();
    let waiting = ledger.open_grants()?.into_iter().filter(|open| open.state == State::Unrevoked);
    expired
        .unrevoked
        .extend(waiting.map(|open| open.grant).filter(|grant| !due.iter().any(|due| due.grant == *grant)));
    for grant in plans.grants()? {
        let is_listed = |due: &[Due]| due.iter().any(|due| due.grant == grant);
        match ledger.has_ended(&grant)? {
            // Only the removal of the plan was interrupted.
            Some(true) => {}
            Some(false) if is_listed(&due) => {}
            // Closed without a ledger: that is recorded now.
            _ if plans.read(&grant).is_ok_and(|plan| plan.is_some_and(|plan| plan.closed.is_some())) => {
                due.push(Due { grant, state: State::Active, expires_at: String::new() });
            }
            Some(false) if ledger.waits(&grant)? => due.extend(due_plan(&plans, &grant, now)),
            Some(false) => {}
            None => due.extend(due_plan(&plans, &grant, now)),
        }
    }
    Ok(due)
}

fn due_plans(plans: &Plans, now: &Moment) -> Result<Vec<Due>, Failure> {
    Ok(plans.grants()?.iter().filter_map(|grant| due_plan(plans, grant, now)).collect())
}

/// A plan that can't be read counts as due: what it says is reported when it is closed.
fn due_plan(plans: &Plans, grant: &str, now: &Moment) -> Option<Due> {
    let plan = plans.read(grant).ok().flatten();
    let is_due = plan.as_ref().is_none_or(|plan| plan.is_due(now) && plan.closed.is_none());
    is_due.then(|| Due {
        grant: grant.to_owned(),
        state: State::Active,
        expires_at: plan.map(|plan| plan.expires_at).unwrap_or_default(),
    })
}

/// Closes side by side, earliest deadline first.
fn close_all(context: &Context, due: &[Due], expired: &mut Expired) {
    let ledger = match context.ledger_to_close() {
        Ok(ledger) => Some(Mutex::new(ledger)),
        Err(failure) => {
            // The same as when reading it is not told twice.
            if expired.failures.iter().all(|told| told.what != failure.what) {
                expired.failures.push(failure);
            }
            None
        }
    };
    let endings = side_by_side(due, |due| {
        let cause = if due.state == State::Activating { Cause::HalfOpen } else { Cause::Expired };
        close_one(context, ledger.as_ref(), &due.grant, cause, None)
    });
    for (grant, ending) in due.iter().map(|due| due.grant.clone()).zip(endings) {
        match ending {
            Ok(Ending::Ended) => expired.closed.push(grant),
            Ok(Ending::EndedUnrecorded) => expired.unrecorded.push(grant),
            Ok(Ending::Waiting) => expired.waiting.push(grant),
            Ok(Ending::Unrevoked) => expired.unrevoked.push(grant),
            Ok(Ending::Busy) => {}
            Err(failure) => {
                expired.failures.push(failure);
                expired.unrevoked.push(grant);
            }
        }
    }
}
