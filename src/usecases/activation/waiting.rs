//! Waiting for the people who must sign before anything opens (P6).
//!
//! Only this process opens what it asked for. If it goes away while it waits, the request stays,
//! and opens nothing until its requester resumes it.

use super::RECORDING_MS;
use super::preflight::Ready;
use crate::core::entry::Kind as EntryKind;
use crate::core::grant::{Grant, State};
use crate::core::policy::{self, whom};
use crate::core::statement::Resume;
use crate::ports::clock;
use crate::ports::ledger::{GrantLock, Ledger, LedgerError, Recorded};
use crate::ports::terminal::Terminal;
use crate::reading::time::{away, near};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign_unless};
use chrono::TimeDelta;
use std::time::Duration;

/// How a wait ended well.
pub(super) enum Consent {
    /// Nobody had to sign, or everyone did.
    Given,
    /// The requester goes on alone, and signed for that.
    Alone(Box<Recorded<Resume>>),
}

const TURN: Duration = Duration::from_millis(250);

/// Waits until everyone signed whom the request waits for; or until its requester, once the wait
/// for that is over, confirms to go on alone.
///
/// # Errors
/// Another person said no, the requester took it back elsewhere, it lapsed; or the person gave up
/// the wait, which leaves it waiting.
pub(super) fn wait(
    terminal: &mut Terminal,
    ledger: &mut Ledger,
    ready: &Ready,
    id: &str,
    lock: &mut GrantLock,
) -> Result<Consent, Failure> {
    let mut grant = look(ledger, id, lock)?;
    if grant.has_consent() {
        return Ok(Consent::Given);
    }
    announce(terminal, ready, &grant)?;
    loop {
        if !can_go_alone(ready, &grant)? {
            watch(terminal, ledger, ready, &grant, lock).map_err(|failure| left_waiting(failure, &grant))?;
        } else if let Some(resumed) = ask_alone(terminal, ledger, ready, &grant, lock)
            .map_err(|failure| left_waiting(failure, &grant))?
        {
            return Ok(Consent::Alone(Box::new(resumed)));
        }
        let after = look(ledger, id, lock)?;
        for (index, given) in after.approvals.iter().enumerate().skip(grant.approvals.len()) {
            let (at, needed) = (near(given.at, clock::now()?.wall), needed(&grant));
            terminal.say(&format!("{} signed at {at}: {} of {needed}.", given.person, index + 1))?;
        }
        if after.has_consent() {
            return Ok(Consent::Given);
        }
        grant = after;
    }
}

/// Whether the wait is over, and this key can sign for what it takes to go on alone.
fn can_go_alone(ready: &Ready, grant: &Grant) -> Result<bool, Failure> {
    let demanded = policy::touch_to_resume(ready.scope(), grant, true);
    Ok(policy::judge_key(demanded, ready.key.public()).is_ok()
        && policy::judge_alone(grant, &clock::now()?).is_ok())
}

/// How the request stands now; one whose time is over lapses.
fn look(ledger: &mut Ledger, id: &str, lock: &mut GrantLock) -> Result<Grant, Failure> {
    let now = clock::now()?;
    // The lock tells that somebody waits here; a process that was stopped loses it.
    lock.extend(&now, now.boot_ms + RECORDING_MS)?;
    let grant = ledger.lapse(id, &now)?;
    let word = match grant.state {
        State::AwaitingApproval | State::Activating => return Ok(grant),
        State::Denied => format!("{} said no to {id}", last_signer(ledger, &grant)?),
        State::Withdrawn => format!("{id} was withdrawn"),
        State::Lapsed => {
            format!("{id} has lapsed: {} of {} signed in time", grant.approvals.len(), needed(&grant))
        }
        state => format!("{id} is {}", state.as_str()),
    };
    let failure = Failure::new(Kind::Refused, format!("nothing was opened: {word}"));
    Err(match grant.state {
        State::Lapsed => {
            failure.hint("ask again when somebody who may sign is there; `glass playbook show` names them")
        }
        State::Denied => failure.hint("talk to them; a new request needs their consent too"),
        _ => failure.hint(format!("`glass ledger log --grant {id}` shows what happened")),
    })
}

/// Who signed its latest entry.
fn last_signer(ledger: &Ledger, grant: &Grant) -> Result<String, LedgerError> {
    let mut signer = None;
    ledger.log(grant.last, Some(grant.id.as_str()), |facts| {
        signer = facts.person.filter(|_| facts.kind == EntryKind::Denied).or(signer.take());
        Ok(())
    })?;
    Ok(signer.unwrap_or_else(|| "somebody".to_owned()))
}

fn needed(grant: &Grant) -> usize {
    grant.waiting.as_ref().map_or(0, |waiting| waiting.needed)
}

fn announce(terminal: &mut Terminal, ready: &Ready, grant: &Grant) -> Result<(), Failure> {
    let (id, now) = (&grant.id, clock::now()?);
    let able = match ready.able.as_slice() {
        [] => "nobody is there who could".to_owned(),
        able => able.join(", "),
    };
    let whom = whom(ready.scope(), !grant.overrides.is_empty()).join(", ");
    terminal.say("")?;
    terminal.say(&format!("{id} waits for {} of {whom} ({able}) to sign.", grant.missing()))?;
    terminal.say(&format!("  they type   glass approve {id}"))?;
    terminal.say(&format!("  elsewhere   glass request export {id}, signed with ssh-keygen"))?;
    if let Some(lapses) = grant.lapses() {
        terminal.say(&format!("  lapses      {}", near(lapses.wall, now.wall)))?;
    }
    if let Some(left) = grant.alone_in(&now) {
        let wait = if left > TimeDelta::zero() { away(left) } else { "now".to_owned() };
        terminal.say(&format!("  alone       {wait}: marked, and its review owed in half the time"))?;
    }
    terminal.say("It goes on by itself with the last signature. Ctrl-C leaves it waiting.")?;
    Ok(())
}

/// Shows what is waited for until somebody signed, it ended, or its requester may go on alone.
fn watch(
    terminal: &mut Terminal,
    ledger: &mut Ledger,
    ready: &Ready,
    grant: &Grant,
    lock: &mut GrantLock,
) -> Result<(), Failure> {
    let mut wait = terminal.wait()?;
    loop {
        let (now, after) = (clock::now()?, look(ledger, grant.id.as_str(), lock)?);
        if after.approvals.len() != grant.approvals.len() || can_go_alone(ready, &after)? {
            return Ok(());
        }
        let mut line = format!("{} of {} signed", after.approvals.len(), needed(&after));
        match after.alone_in(&now) {
            Some(left) if left > TimeDelta::zero() => line += &format!("; alone {}", away(left)),
            Some(_) => line += "; alone: not with this key",
            None => {}
        }
        if let Some(lapses) = after.lapses() {
            line += &format!("; lapses {}", away(lapses.wall - now.wall));
        }
        wait.turn(&line)?;
        std::thread::sleep(TURN);
    }
}

/// Asks whether to go on alone, until that is confirmed or somebody signed.
fn ask_alone(
    terminal: &mut Terminal,
    ledger: &mut Ledger,
    ready: &Ready,
    grant: &Grant,
    lock: &mut GrantLock,
) -> Result<Option<Recorded<Resume>>, Failure> {
    let now = clock::now()?;
    let until =
        grant.lapses().map_or_else(String::new, |end| format!(", until {}", near(end.wall, now.wall)));
    terminal.say(&format!("The wait is over: you may go on alone, marked as such; or wait on{until}."))?;
    let demanded = policy::touch_to_resume(ready.scope(), grant, true);
    let head = ledger.check_head()?;
    let common = common(ledger, &head, &ready.person, &now)?;
    let pending = ledger.pending(grant.id.as_str())?.ok_or_else(|| gone(grant))?;
    let authorization = policy::authorize_resumption(grant, &pending.asked(), true, &common, &now)?;
    let mut over = || {
        let after = look(ledger, grant.id.as_str(), lock);
        // What went wrong is told when it is looked at next.
        after.map_or(true, |after| after.approvals.len() != grant.approvals.len())
    };
    let confirmed = confirm_and_sign_unless(terminal, &ready.key, demanded, authorization, &mut over)?;
    let Some(confirmed) = confirmed else { return Ok(None) };
    Ok(Some(ledger.record_resumption(&confirmed, &clock::now()?)?))
}

/// The refusal to go on with a request that is not there.
pub(super) fn gone(grant: &Grant) -> Failure {
    Failure::new(Kind::Refused, format!("the request of {} is not in the ledger", grant.id))
        .hint("ask anew: `glass activate SCOPE`")
        .cause("no-request")
}

/// A wait that was given up leaves the request as it is.
fn left_waiting(failure: Failure, grant: &Grant) -> Failure {
    if failure.kind != Kind::NotConfirmed {
        return failure;
    }
    let (id, scope) = (&grant.id, &grant.scope);
    failure.hint(format!(
        "{id} still waits: `glass activate {scope} --resume {id}` goes on with it, `glass withdraw {id}` ends it"
    ))
}
