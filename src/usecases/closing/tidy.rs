//! What an end leaves behind where a crash came before the tidying: plans and locks of
//! grants that have ended, half-written plans, secrets.

use super::sessions;
use crate::ports::ledger::{GrantLock, Ledger, Plans};
use crate::ports::{clock, effect};
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A lock for as long as tidying takes.
const TIDYING_MS: u64 = 10_000;

/// Removes what is left of grants that have ended. Touches nothing that is in use.
pub(super) fn sweep(context: &Context) -> Result<(), Failure> {
    sessions::sweep(context)?;
    let plans = Plans::without_ledger(&context.place.open);
    let mut named: BTreeSet<String> = plans.named()?.into_iter().collect();
    named.extend(GrantLock::named(&context.place.locks)?);
    if named.is_empty() {
        return Ok(());
    }
    let ledger = context.ledger_to_read()?;
    for grant in named {
        if is_over(&ledger, &plans, &grant)? {
            sweep_one(context, &ledger, &plans, &grant)?;
        }
    }
    Ok(())
}

/// Whether nothing of a grant is left to do. One that neither ledger nor plan knows never
/// got as far as its request.
fn is_over(ledger: &Ledger, plans: &Plans, grant: &str) -> Result<bool, Failure> {
    Ok(match ledger.has_ended(grant)? {
        Some(ended) => ended,
        None => plans.read(grant).is_ok_and(|plan| plan.is_none()),
    })
}

fn sweep_one(context: &Context, ledger: &Ledger, plans: &Plans, grant: &str) -> Result<(), Failure> {
    let now = clock::now()?;
    let lock = GrantLock::acquire(&context.place.locks, grant, &now, now.boot_ms + TIDYING_MS)?;
    // Asked again under the lock: its request may have come in between.
    let Some(lock) = lock.filter(|_| matches!(is_over(ledger, plans, grant), Ok(true))) else {
        return Ok(());
    };
    let runtime_dir = plans.read(grant).ok().flatten().and_then(|plan| plan.runtime_dir);
    wipe_secrets(context, grant, runtime_dir.as_deref());
    plans.remove(grant)?;
    Ok(lock.discard()?)
}

/// Wipes a grant's secrets: where its plan says, or where they can only be.
pub(super) fn wipe_secrets(context: &Context, grant: &str, runtime_dir: Option<&Path>) {
    let places: Vec<PathBuf> = match runtime_dir {
        Some(place) => vec![place.to_owned()],
        None => {
            let places = effect::places_of_grant(context.environment.euid, grant);
            places.into_iter().filter(|place| place.exists()).collect()
        }
    };
    for place in places {
        if let Err(error) = effect::wipe(&place) {
            (context.talk)(&format!("WARNING: {grant}: {error}"));
        }
    }
}
