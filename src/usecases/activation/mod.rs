//! `activate`: the main job, in the order that its types prescribe (P1, P4).
//!
//! Refuse what can be refused; show; ask; have it typed and signed; record; wait for whoever else
//! must sign; open; and if a step fails, close what was opened.

mod opening;
mod preflight;
mod questions;
mod resuming;
mod waiting;

use crate::core::duration::Seconds;
use crate::core::id::GrantId;
use crate::core::policy::{self, Ask};
use crate::core::statement::Request;
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::config::WriteError;
use crate::ports::ledger::{Cause, GrantLock, Intent, Ledger, Recorded, Refusal};
use crate::ports::terminal::{HeldSignals, Terminal};
use crate::usecases::closing::{Ending, close_patiently, watchdog};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign};
use chrono::{DateTime, Utc};
use preflight::Ready;
pub(super) use preflight::find_scope;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use waiting::Consent;

/// What is asked for.
#[derive(Debug)]
pub struct Wish {
    /// `playbook/scope`, or the bare scope name.
    pub scope: String,
    /// The incident, where given as a flag.
    pub incident: Option<String>,
    /// The reason, where given as a flag.
    pub reason: Option<String>,
    /// How long; the scope's default otherwise.
    pub length: Option<Seconds>,
    /// Whether it is a rehearsal.
    pub drill: bool,
    /// Whether overdue reviews are overridden.
    pub overriding: bool,
    /// The request to go on with, instead of asking anew.
    pub resume: Option<GrantId>,
    /// The key that signs.
    pub key: Option<PathBuf>,
    /// Where a receipt is to be written.
    pub receipt: Option<PathBuf>,
}

/// What is open now.
#[derive(Debug)]
pub struct Activated {
    /// The grant.
    pub grant: String,
    /// `playbook/scope`.
    pub scope: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// For how long.
    pub length: Seconds,
    /// Whether it is a rehearsal.
    pub drill: bool,
}

/// How long a request may take from its record to its permit.
const RECORDING_MS: u64 = 30_000;

/// Activates a scope; what is refused or abandoned is recorded.
pub fn activate(context: &Context, wish: &Wish) -> Result<Activated, Failure> {
    let mut known = Known::default();
    attempt(context, wish, &mut known).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb: "activate",
                cause: failure.cause,
                person: known.person.clone(),
                by: context.by(),
                scope: known.scope.clone(),
            });
        }
    })
}

/// What was found out before a refusal.
#[derive(Default)]
struct Known {
    person: Option<String>,
    scope: Option<String>,
}

fn attempt(context: &Context, wish: &Wish, known: &mut Known) -> Result<Activated, Failure> {
    let mut terminal = Terminal::open()?;
    let mut ledger = context.ledger_to_open()?;
    if let Some(grant) = &wish.resume {
        return resuming::resume(context, terminal, ledger, wish, grant.as_str(), known);
    }
    let ready = preflight::refuse(context, &ledger, wish, None, known)?;

    questions::summary(context, &mut terminal, &ready)?;
    let answers = questions::criteria(context, &mut terminal, &ready)?;
    let incident = questions::incident(&mut terminal, &ready)?;
    let reason = questions::reason(&mut terminal, &ready)?;
    let time_given = questions::time(&mut terminal, &ready)?;

    // Everything is judged on what stands now, not on what stood before the questions.
    let (now, head) = (clock::now()?, ledger.check_head()?);
    let common = common(&ledger, &head, &ready.person, &now)?;
    let grant = GrantId::of(&common.nonce);
    let os_user = context.os_user();
    let ask = Ask {
        grant: grant.as_str(),
        address: &ready.address,
        playbook: &ready.playbook_sha512,
        registered: ready.registered.seq(),
        duration: ready.length,
        drill: ready.drill,
        os_user: &os_user,
        os_uid: context.os_uid(),
        by_sudo: context.environment.sudo.is_some(),
        hints: &ready.hints,
        incident: &incident,
        reason: &reason,
        answers: &answers,
        time_given,
        overrides: &ready.overrides,
        mended: ready.mended.as_ref(),
    };
    let standing = ledger.standing(&ready.registered, &ready.address, ready.scope(), &now)?;
    let authorization =
        policy::authorize_request(ready.scope(), ready.registered.roster(), &ask, &common, &standing, &now)?;
    let confirmed = confirm_and_sign(&mut terminal, &ready.key, ready.scope().touch, authorization)?;

    // From here to the end Ctrl-C and a lost terminal roll back instead of leaving it half done.
    let held = hold()?;
    let mut lock = take_lock(context, grant.as_str())?;
    let recorded = ledger.record_request(&confirmed, &clock::now()?)?;
    if let Some(path) = &wish.receipt {
        write_receipt(context, &ledger, &recorded, path);
    }
    let consent = waiting::wait(&mut terminal, &mut ledger, &ready, grant.as_str(), &mut lock)?;
    drop(terminal);
    match consent {
        Consent::Given => open(context, ledger, &ready, &recorded, lock, &held),
        Consent::Alone(resumed) => open(context, ledger, &ready, &resumed, lock, &held),
    }
}

fn hold() -> Result<HeldSignals, Failure> {
    HeldSignals::hold().map_err(|error| Failure::new(Kind::Failed, error.to_string()))
}

fn take_lock(context: &Context, grant: &str) -> Result<GrantLock, Failure> {
    let now = clock::now()?;
    GrantLock::acquire(&context.place.locks, grant, &now, now.boot_ms + RECORDING_MS)?.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("another glass is at {grant}: it waits in another terminal"))
            .hint("go on there, or end that one with Ctrl-C first")
            .cause("in-use")
    })
}

/// A receipt that can't be written stops nothing (P12).
fn write_receipt(context: &Context, ledger: &Ledger, recorded: &Recorded<Request>, path: &Path) {
    let written = ledger
        .receipt(recorded.seq())
        .map_err(Failure::from)
        .and_then(|receipt| write_down(context, &receipt, path));
    match written {
        Ok(()) => (context.talk)(&format!("receipt: {}", escape(&path.to_string_lossy()))),
        Err(failure) => (context.talk)(&format!("WARNING: no receipt: {failure}")),
    }
}

fn write_down(context: &Context, receipt: &str, path: &Path) -> Result<(), Failure> {
    let written = context.belongings.write_new(path, &mut receipt.as_bytes());
    Ok(written.map_err(|source| WriteError { path: path.to_owned(), source })?)
}

/// From a recorded intent to an open grant, or to one that is rolled back.
fn open<V: Intent>(
    context: &Context,
    mut ledger: Ledger,
    ready: &Ready,
    recorded: &Recorded<V>,
    lock: GrantLock,
    held: &HeldSignals,
) -> Result<Activated, Failure> {
    let now = clock::now()?;
    let runtime_dir =
        ready.runtime.as_ref().zip(recorded.grant()).map(|(runtime, grant)| runtime.of_grant(&grant));
    let (opening, plan) = ledger.open_grant(recorded, lock, runtime_dir, &now)?;
    let id = opening.grant().id.to_string();
    let opened = watchdog::arm(context, &id)
        .and_then(|()| opening::open_steps(context, &mut ledger, ready, &opening, plan, held));
    if let Err(failure) = opened {
        drop(opening);
        return Err(roll_back(context, ledger, &id, &failure));
    }
    let grant = match ledger.activated(opening, &clock::now()?) {
        Ok(grant) => grant,
        Err(error) => return Err(roll_back(context, ledger, &id, &error.into())),
    };
    let expires_at = grant.deadline().map_or(now.wall, |deadline| deadline.wall);
    Ok(Activated { grant: id, scope: grant.scope, expires_at, length: ready.length, drill: ready.drill })
}

/// Closes what a failed activation opened, the step that failed too, and says how that went.
fn roll_back(context: &Context, ledger: Ledger, grant: &str, failure: &Failure) -> Failure {
    (context.talk)("rolling back: closing every step that may have opened");
    let ending = close_patiently(context, Some(&Mutex::new(ledger)), grant, Cause::Failed, None);
    let still = |what: String| {
        Failure::new(Kind::Attention, what).hint(format!(
            "glass goes on trying; `glass revoke {grant}` tries now, `glass status {grant}` shows the steps"
        ))
    };
    match ending {
        Ok(Ending::Ended | Ending::EndedUnrecorded) => {
            Failure::new(Kind::RolledBack, format!("{grant} was not opened: {failure}"))
                .hint("everything was rolled back and is proved closed; mend the step and activate again")
        }
        Ok(Ending::Unrevoked | Ending::Waiting | Ending::Busy) => {
            still(format!("{grant} failed ({failure}), and is not proved closed yet"))
        }
        Err(error) => still(format!("{grant} failed ({failure}), and could not be rolled back: {error}")),
    }
}
