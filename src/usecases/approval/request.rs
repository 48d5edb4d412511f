//! `request show`, `request export`: what is asked, and exactly the bytes that are signed for it.

use crate::core::duration::Seconds;
use crate::core::grant::Mended;
use crate::core::id::GrantId;
use crate::core::moment::Moment;
use crate::core::policy;
use crate::core::roster::Roster;
use crate::core::statement::{Approve, Verb};
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::effect::session::containment;
use crate::ports::ledger::{Ledger, Pending};
use crate::reading::summary::Summary;
use crate::reading::time::near;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use serde_json::Value;

/// The screen of a request, and how it is signed here and elsewhere.
pub fn show(context: &Context, id: &GrantId) -> Result<String, Failure> {
    let ledger = context.ledger_to_read()?;
    let pending = find(&ledger, id)?;
    let mut lines = to_lines(&pending, &ledger.roster()?, &clock::now()?);
    lines.push(String::new());
    lines.push(format!("  to sign    glass approve {id}"));
    lines.push(format!(
        "  elsewhere  glass request export {id} > FILE; ssh-keygen -Y sign -n {} -f KEY FILE; \
         glass approve {id} --signature FILE.sig",
        Approve::NAMESPACE
    ));
    Ok(lines.join("\n") + "\n")
}

/// The message of every approval of a request: one line, with its line feed.
pub fn export(context: &Context, id: &GrantId) -> Result<String, Failure> {
    let pending = find(&context.ledger_to_read()?, id)?;
    if pending.grant.waiting.is_none() {
        return Err(Failure::new(Kind::Refused, format!("{id} waits for nobody's consent"))
            .hint(format!("`glass status {id}` shows how it stands")));
    }
    Ok(format!("{}\n", pending.asked().to_statement()?.line()))
}

fn find(ledger: &Ledger, id: &GrantId) -> Result<Pending, Failure> {
    ledger.pending(id.as_str())?.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("there is no request {id}"))
            .hint("`glass status` shows what waits")
    })
}

/// What the requester saw, who asks and why, who signed, and until when it waits; inert.
pub(super) fn to_lines(pending: &Pending, roster: &Roster, now: &Moment) -> Vec<String> {
    let Pending { grant, scope, .. } = pending;
    let request = pending.request();
    let length = Seconds::new(grant.duration_s);
    let summary = Summary {
        address: &grant.scope,
        scope,
        person: &grant.person,
        key: grant.key.as_deref().unwrap_or_default(),
        length,
        drill: grant.drill,
        hints: &request.signed_list("hints"),
        overrides: &grant.overrides,
        hotfix: grant.mended.as_ref().map(Mended::to_words),
        able: &policy::able_to_approve(grant, scope, roster, now),
        contained: containment(),
        os_uid: request.signed_u64("os_uid"),
        until: now.wall + length.delta(),
    };
    let mut lines = summary.to_lines();
    let os_user = request.signed_str("os_user").map(escape).unwrap_or_default();
    lines.push(String::new());
    lines.push(format!(
        "{} asks, as OS user {os_user}, {}:",
        grant.person,
        near(grant.requested_at, now.wall)
    ));
    let text = |key: &str| pending.texts().get(key).and_then(Value::as_str).map(escape).unwrap_or_default();
    lines.push(format!("  incident  {}", text("incident")));
    lines.push(format!("  reason    {}", text("reason")));
    let answers = pending.texts().get("answers").and_then(Value::as_array);
    for answer in answers.into_iter().flatten() {
        let part = |key: &str| answer.get(key).and_then(Value::as_str).map(escape).unwrap_or_default();
        lines.push(format!("  {} {}", part("ask"), part("answer")));
    }
    for given in &grant.approvals {
        lines.push(format!("  {} has signed, {}", given.person, near(given.at, now.wall)));
    }
    match grant.lapses() {
        Some(lapses) => lines.push(format!(
            "It waits for {} more, and lapses {}.",
            grant.missing(),
            near(lapses.wall, now.wall)
        )),
        None => lines.push(format!("It is {}.", grant.state.as_str())),
    }
    lines
}
