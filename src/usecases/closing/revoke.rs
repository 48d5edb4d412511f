//! `revoke`: ends a grant now, whatever its deadline and its wait between retries.

use super::{Ending, close_one, held, side_by_side};
use crate::core::id::GrantId;
use crate::ports::clock;
use crate::ports::ledger::{Cause, Ledger, Plans};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long to wait for another who is at the same grant.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was asked to end.
#[derive(Debug)]
pub enum Target {
    /// One grant.
    Grant(GrantId),
    /// Everything that is open.
    All,
}

/// Ends grants; gives each with what became of it.
pub fn revoke(context: &Context, target: &Target) -> Result<Vec<(String, Ending)>, Failure> {
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
    let ledger = ledger.map(Mutex::new);
    let by = context.os_user();
    // Side by side, as `expire` does: one target that hangs must not hold up the others.
    let endings = side_by_side(&grants, |grant| patiently(context, ledger.as_ref(), grant, &by));
    grants.into_iter().zip(endings).map(|(grant, ending)| Ok((grant, ending?))).collect()
}

fn one(context: &Context, ledger: Option<&Ledger>, id: &GrantId) -> Result<String, Failure> {
    let planned = Plans::without_ledger(&context.place.open).grants()?.contains(&id.to_string());
    let ended = ledger.map(|ledger| ledger.has_ended(id.as_str())).transpose()?.flatten();
    match ended {
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
    if let Some(ledger) = ledger {
        grants.extend(ledger.open_grants()?.into_iter().map(|open| open.grant));
    }
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}

/// An activation or another closer may hold the grant: it is told to stop, and waited for.
fn patiently(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    grant: &str,
    by: &str,
) -> Result<Ending, Failure> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let ending = close_one(context, ledger, grant, Cause::Revoked, Some(by))?;
        if ending != Ending::Busy || Instant::now() >= give_up {
            return Ok(ending);
        }
        if let Some(ledger) = ledger {
            held(ledger).stop_activation(grant, by, &clock::now()?)?;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
