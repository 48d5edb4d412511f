//! `approve`, `deny`, `withdraw`, `request`.

use super::args::RequestVerb;
use super::{act, exit, screen};
use crate::core::id::{ActId, GrantId};
use crate::core::text::escape;
use crate::usecases::approval::{self, Answered, request};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::path::Path;

/// What waits for signatures: a request, or an act of several people.
enum Waiting {
    Grant(GrantId),
    Act(ActId),
}

fn waiting(id: &str) -> anyhow::Result<Waiting> {
    match (id.parse(), id.parse()) {
        (Ok(grant), _) => Ok(Waiting::Grant(grant)),
        (_, Ok(act)) => Ok(Waiting::Act(act)),
        _ => Err(Failure::new(Kind::Usage, format!("`{}` names nothing that waits", escape(id)))
            .hint("it looks like `g-k3q7x2m5ab` or `p-k3q7x2m5ab`; `glass status` lists what waits")
            .into()),
    }
}

pub(super) fn approve(
    context: &Context,
    id: &str,
    key: Option<&Path>,
    signature: Option<&Path>,
) -> anyhow::Result<u8> {
    match waiting(id)? {
        Waiting::Act(id) => act::approve(context, &id, key, signature),
        Waiting::Grant(id) => {
            let Answered { person, grant } = approval::approve(context, &id, key, signature)?;
            let missing = match grant.missing() {
                0 => "that was the last: its requester goes on with it".to_owned(),
                missing => format!("it waits for {missing} more"),
            };
            screen::data(&format!("Signed by {person}: {id} for {}; {missing}.\n", grant.scope));
            Ok(exit::DONE)
        }
    }
}

pub(super) fn deny(context: &Context, id: &GrantId, key: Option<&Path>) -> anyhow::Result<u8> {
    let Answered { person, grant } = approval::deny(context, id, key)?;
    screen::data(&format!("Denied by {person}: {id} for {} opens nothing.\n", grant.scope));
    Ok(exit::DONE)
}

pub(super) fn withdraw(context: &Context, id: &GrantId, key: Option<&Path>) -> anyhow::Result<u8> {
    let Answered { grant, .. } = approval::withdraw(context, id, key)?;
    screen::data(&format!("Withdrawn: {id} for {} opens nothing.\n", grant.scope));
    Ok(exit::DONE)
}

pub(super) fn request(context: &Context, verb: &RequestVerb) -> anyhow::Result<u8> {
    use crate::usecases::act::{export, show};
    let (RequestVerb::Show { id } | RequestVerb::Export { id }) = verb;
    screen::data(&match (verb, waiting(id)?) {
        (RequestVerb::Show { .. }, Waiting::Grant(id)) => request::show(context, &id)?,
        (RequestVerb::Show { .. }, Waiting::Act(id)) => show(context, &id)?,
        (RequestVerb::Export { .. }, Waiting::Grant(id)) => request::export(context, &id)?,
        (RequestVerb::Export { .. }, Waiting::Act(id)) => export(context, &id)?,
    });
    Ok(exit::DONE)
}
