//! `attest`: two people sign that a grant was closed by hand, where no check can prove it (P3).
//!
//! First glass tries once more to close it, and to prove that: people vouch only for what is
//! left. `expire` goes on trying between the two, and a check that proves it open unsays the first.

use super::{Ending, close_patiently, tidy};
use crate::core::id::GrantId;
use crate::core::playbook::Touch;
use crate::core::policy;
use crate::ports::clock;
use crate::ports::ledger::{Cause, Ledger, Plans};
use crate::ports::terminal::Terminal;
use crate::reading::story;
use crate::reading::time::near;
use crate::usecases::context::Context;
use crate::usecases::desk::{Case, Desk, Known, find, recording, wait_for_lock};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::confirm_and_sign;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What `attest` came to.
#[derive(Debug)]
pub enum Attested {
    /// There was nothing to attest: this time a check proved it closed.
    Proved,
    /// One person vouches for it; any of these may be the second.
    Once {
        /// Who signed.
        person: String,
        /// Who may sign next.
        able: Vec<String>,
    },
    /// It is closed by the word of these.
    Closed(Vec<String>),
}

/// Attests a grant; what is refused or abandoned is recorded.
pub fn attest(context: &Context, grant: &GrantId, key: Option<&Path>) -> Result<Attested, Failure> {
    recording(context, "attest", |known| attempt(context, grant.as_str(), key, known))
}

fn attempt(context: &Context, id: &str, key: Option<&Path>, known: &mut Known) -> Result<Attested, Failure> {
    let terminal = Terminal::open()?;
    let ledger = context.ledger_to_close()?;
    ledger.check_head()?;
    let case = find(&ledger, id, known)?;
    let mut desk = Desk::open(context, terminal, &ledger, key, Touch::Off, known)?;
    policy::judge_attester(case.grant(), &case.scope, &desk.roster, &desk.person, clock::now()?.wall)?;

    desk.terminal.say("Trying once more to close it, and to prove it …")?;
    let Some(mut ledger) = try_once_more(context, ledger, id)? else { return Ok(Attested::Proved) };
    let case = find(&ledger, id, known)?;
    let common = desk.common(&ledger, &ledger.check_head()?)?;
    let authorization = policy::authorize_attestation(case.grant(), &case.scope, &desk.roster, &common)?;
    show(&mut desk, &case, &policy::steps_to_attest(case.grant())?)?;
    let confirmed = confirm_and_sign(&mut desk.terminal, &desk.key, Touch::Off, authorization)?;

    let lock = wait_for_lock(context, id, super::PATIENCE)?.ok_or_else(|| busy(id))?;
    let plan = Plans::without_ledger(&context.place.open).read(id).ok().flatten();
    let recorded = ledger.record_attestation(&confirmed, lock, &clock::now()?)?;
    if recorded.grant.state.is_ended() {
        tidy::wipe_secrets(context, id, plan.and_then(|plan| plan.runtime_dir).as_deref());
        let people = recorded.grant.attested.into_iter().map(|consent| consent.person);
        return Ok(Attested::Closed(people.collect()));
    }
    let now = clock::now()?.wall;
    let able = policy::able_to_attest(&recorded.grant, &case.scope, &desk.roster, now);
    Ok(Attested::Once { person: desk.person, able })
}

/// A real round of closing, whatever its wait; gives the ledger back unless that proved it closed.
fn try_once_more(context: &Context, ledger: Ledger, id: &str) -> Result<Option<Ledger>, Failure> {
    let ledger = Mutex::new(ledger);
    match close_patiently(context, Some(&ledger), id, Cause::Revoked, None)? {
        Ending::Ended | Ending::EndedUnrecorded => Ok(None),
        // What is left is judged by what the round recorded.
        Ending::Unrevoked | Ending::Waiting => {
            Ok(Some(ledger.into_inner().unwrap_or_else(PoisonError::into_inner)))
        }
        Ending::Busy => Err(busy(id)),
    }
}

fn busy(id: &str) -> Failure {
    Failure::new(Kind::Failed, format!("{id} is being closed by another glass"))
        .hint("try again when it is through")
}

/// What the person vouches for, and who did before.
fn show(desk: &mut Desk, case: &Case, steps: &[String]) -> Result<(), Failure> {
    let grant = case.grant();
    desk.terminal.say("")?;
    desk.terminal.say(&format!("ATTEST  {}  {}  ({}'s)", grant.id, grant.scope, grant.person))?;
    desk.terminal.say(&format!("  {}", case.scope.title))?;
    for line in story::steps_to_lines(&case.story, desk.terminal.width()) {
        desk.terminal.say(&line)?;
    }
    let now = clock::now()?.wall;
    for consent in &grant.attested {
        desk.row("attested", &format!("{}, {}", consent.person, near(consent.at, now)))?;
    }
    desk.terminal.say("")?;
    desk.terminal.say(&format!(
        "You sign that you looked at the target yourself, and that nothing of this is open any more: {}.",
        steps.join(", ")
    ))?;
    Ok(())
}
