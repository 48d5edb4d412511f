//! `approve` of acts that several people sign, and what `register` and `record` leave waiting.

use super::{exit, screen};
use crate::core::id::ActId;
use crate::ports::ledger::{PendingAct, Signed};
use crate::usecases::context::Context;
use crate::usecases::{act, outside, registration};
use std::path::Path;

pub(super) fn approve(
    context: &Context,
    id: &ActId,
    key: Option<&Path>,
    signature: Option<&Path>,
) -> anyhow::Result<u8> {
    let seconded = act::second(context, id, key, signature)?;
    match &seconded.signed {
        Signed::Waits(act) => screen::data(&waits(act)),
        Signed::Done { seq, grant: None } => screen::data(&format!(
            "Signed by {}: {id} ({}) takes effect, entry {seq}.\n",
            seconded.person, seconded.verb
        )),
        Signed::Done { seq, grant: Some(grant) } => screen::data(&format!(
            "Signed by {}: {id} is recorded as {grant}, entry {seq}. It owes its review: glass review {grant}\n",
            seconded.person
        )),
    }
    Ok(exit::DONE)
}

pub(super) fn record(context: &Context, wish: &outside::Wish) -> anyhow::Result<u8> {
    match outside::record(context, wish)? {
        Signed::Waits(act) => screen::data(&waits(&act)),
        Signed::Done { seq, .. } => screen::data(&format!("Recorded, entry {seq}.\n")),
    }
    Ok(exit::DONE)
}

pub(super) fn hotfix(context: &Context, key: Option<&Path>) -> anyhow::Result<u8> {
    match registration::hotfix::propose(context, key)? {
        Signed::Waits(act) => screen::data(&waits(&act)),
        Signed::Done { seq, .. } => screen::data(&format!("Mended, entry {seq}.\n")),
    }
    Ok(exit::DONE)
}

/// What an act waits for, and what the next person types.
pub(super) fn waits(act: &PendingAct) -> String {
    format!(
        "{} waits for {} more of {}, within 24 hours. They run: glass approve {}\n",
        act.id,
        act.missing(),
        act.able().join(", "),
        act.id
    )
}
