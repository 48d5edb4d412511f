//! `revoke`: ends a grant now, whatever its deadline and its wait between retries. Another
//! person's, under sudo, takes a signature.

use super::{Ending, close_patiently, others, side_by_side};
use crate::core::id::GrantId;
use crate::ports::ledger::{Cause, Ledger, LedgerError, Plans};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::path::Path;
use std::sync::Mutex;

/// What was asked to end.
#[derive(Debug)]
pub enum Target {
    /// One grant.
    Grant(GrantId),
    /// Everything that is open.
    All,
}

/// A grant, and what became of it.
pub type Revoked = (String, Result<Ending, Failure>);

/// Ends grants; gives each with what became of it. Those that need a signature come last.
pub fn revoke(context: &Context, target: &Target, key: Option<&Path>) -> Result<Vec<Revoked>, Failure> {
    let ledger = match context.ledger_to_close() {
        Ok(ledger) => Some(ledger),
        Err(failure) => {
            (context.talk)(&format!("{failure}; closing by close plans"));
            context.believe(&context.place.open)?;
            None
        }
    };
    let grants = match target {
        Target::Grant(id) => vec![one(context, ledger.as_ref(), id)?],
        Target::All => all(context, ledger.as_ref())?,
    };
    let (own, of_others): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|grant| others::is_free(context, ledger.as_ref(), grant));
    let ledger = ledger.map(Mutex::new);
    let by = context.by();
    // Side by side, as `expire` does: one target that hangs must not hold up the others.
    let endings = side_by_side(&own, |grant| {
        close_patiently(context, ledger.as_ref(), grant, Cause::Revoked, Some(&by))
    });
    let ended = own.into_iter().zip(endings);
    Ok(ended.chain(others::end(context, ledger.as_ref(), of_others, key)).collect())
}

fn one(context: &Context, ledger: Option<&Ledger>, id: &GrantId) -> Result<String, Failure> {
    let planned = Plans::without_ledger(&context.place.open).grants()?.contains(&id.to_string());
    let ended = ledger.map(|ledger| ledger.has_ended(id.as_str())).transpose();
    match ended.or_else(|error| despite(context, error, planned))?.flatten() {
        Some(false) if !planned && ledger.is_some_and(|ledger| matches!(ledger.waits(id.as_str()), Ok(true))) => {
            Err(Failure::new(Kind::Refused, format!("{id} waits for approval: nothing of it is open"))
                .hint(format!("its requester takes it back by `glass withdraw {id}`; another says no by `glass deny {id}`")))
        }
        Some(false) => Ok(id.to_string()),
        _ if planned => Ok(id.to_string()),
        Some(true) => Err(Failure::new(Kind::Refused, format!("{id} is closed already"))
            .hint(format!("`glass status {id}` shows how it ended"))),
        None => Err(Failure::new(Kind::Refused, format!("there is no grant {id}"))
            .hint("`glass status` shows what is open")),
    }
}

fn all(context: &Context, ledger: Option<&Ledger>) -> Result<Vec<String>, Failure> {
    let mut grants = Plans::without_ledger(&context.place.open).grants()?;
    match ledger.map(Ledger::open_grants).transpose() {
        Ok(open) => grants.extend(open.into_iter().flatten().map(|open| open.grant)),
        Err(error) => despite(context, error, !grants.is_empty()).map(|_: Option<()>| ())?,
    }
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}

/// A ledger that can't be read stops nothing that a plan can close.
fn despite<T>(context: &Context, error: LedgerError, planned: bool) -> Result<Option<T>, Failure> {
    if !planned {
        return Err(error.into());
    }
    (context.talk)(&format!("{error}; closing by close plans"));
    Ok(None)
}
