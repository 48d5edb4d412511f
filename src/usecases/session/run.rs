//! `exec` and `shell`: a recorded session under a grant, from its permit to its end (P13).
//!
//! Refuse what can be refused; record that it begins; make the files; start it up to its gate;
//! write it into the close plan; let it begin; relay; end all of it; record how it ended.

use super::failed;
use super::surroundings::{self, Surroundings};
use crate::core::grant::Grant;
use crate::core::id::{GrantId, SessionId};
use crate::core::playbook::Scope;
use crate::core::session::mask::Mask;
use crate::ports::clock;
use crate::ports::effect::session::{Cell, User};
use crate::ports::ledger::{GrantLock, Ledger, OfSession, Plans};
use crate::ports::signer;
use crate::ports::streams::Terminals;
use crate::ports::terminal::{PassedSignals, Terminal};
use crate::usecases::context::Context;
use crate::usecases::desk::{Known, recording};
use crate::usecases::failure::{Failure, Kind};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
#[derive(Debug)]
pub struct Wish {
    /// The grant.
    pub grant: GrantId,
    /// Program and arguments; empty for the session's user's own shell.
    pub command: Vec<OsString>,
}

/// Nobody takes a session over from a living glass.
const FOR_EVER_MS: u64 = u64::MAX;
/// Another session that begins or ends holds the grant's lock for a moment; a closing for longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Runs a session; gives the exit code of its command, or 125 where glass ended it.
pub fn run(context: &Context, wish: &Wish) -> Result<u8, Failure> {
    let verb = if wish.command.is_empty() { "shell" } else { "exec" };
    recording(context, verb, |known| attempt(context, wish, known))
}

/// A session that may begin, as far as it was found out.
pub(super) struct Case<'a> {
    pub(super) context: &'a Context,
    pub(super) grant: Grant,
    pub(super) scope: Scope,
    pub(super) of: OfSession,
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) surroundings: Surroundings,
    pub(super) terminals: Terminals,
    pub(super) mask: Mask,
    pub(super) is_shell: bool,
}

fn attempt(context: &Context, wish: &Wish, known: &mut Known) -> Result<u8, Failure> {
    let uid = u64::from(context.os_uid());
    let mut ledger = ledger(context)?;
    let (grant, scope) = find(&ledger, &wish.grant, uid, known)?;
    let plan = Plans::without_ledger(&context.place.open).read(grant.id.as_str())?;
    let runtime = plan.and_then(|plan| plan.runtime_dir);
    let surroundings = surroundings::of(context, &ledger, &grant, &scope, runtime)?;
    let (program, args) = command(&wish.command, &surroundings, context)?;
    let terminals = Terminals::here();
    let terminal = match Terminal::open() {
        Ok(terminal) => Some(terminal),
        Err(error) if terminals.stdin => return Err(error.into()),
        Err(_) => None,
    };
    let session = SessionId::of(&signer::nonce()?);
    let of = OfSession { grant: grant.id.to_string(), session: session.to_string() };
    let mask = Mask::new(&surroundings.secrets);
    let is_shell = wish.command.is_empty();
    let case = Case { context, grant, scope, of, program, args, surroundings, terminals, mask, is_shell };

    // Held as long as this process lives: by that, others know that it does.
    let now = clock::now()?;
    let lock = GrantLock::acquire(&context.place.locks, session.as_str(), &now, FOR_EVER_MS)?;
    let ended = case.run(&mut ledger, session, uid, terminal.as_ref());
    if let Some(lock) = lock {
        case.try_to(lock.discard());
    }
    ended
}

/// To be written to; or to be read alone, where it can't be written and the scope may not insist.
fn ledger(context: &Context) -> Result<Ledger, Failure> {
    match context.ledger_to_open() {
        Err(failure) if failure.kind == Kind::Failed => {
            let read = context.ledger_to_read().map_err(|_| failure)?;
            Ok(read)
        }
        opened => opened,
    }
}

fn find(ledger: &Ledger, id: &GrantId, uid: u64, known: &mut Known) -> Result<(Grant, Scope), Failure> {
    let grant = ledger.grant(id.as_str())?.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("there is no grant {id}"))
            .hint("`glass status` shows what is open")
            .cause("no-such-grant")
    })?;
    (known.person, known.scope) = (Some(grant.person.clone()), Some(grant.scope.clone()));
    let (grant, scope) = ledger.judge_session(id.as_str(), uid, &clock::now()?)?;
    let scope = scope.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("{} is not registered any more", grant.scope))
            .hint(format!("end it: glass revoke {id}"))
            .cause("not-registered")
    })?;
    Ok((grant, scope))
}

/// What runs: as given, or the shell of whom it runs as.
fn command(
    given: &[OsString],
    around: &Surroundings,
    context: &Context,
) -> Result<(OsString, Vec<OsString>), Failure> {
    if let Some((program, args)) = given.split_first() {
        return Ok((program.clone(), args.to_vec()));
    }
    let shell = match &around.user {
        Some(user) => user.shell.clone(),
        None => match around.plain("SHELL").map(PathBuf::from).filter(|shell| shell.is_absolute()) {
            Some(shell) => shell,
            None => User::numbered(context.environment.euid).map_err(|error| failed(&error))?.shell,
        },
    };
    Ok((shell.into_os_string(), Vec::new()))
}

impl Case<'_> {
    /// From its permit to its end; gives the exit code.
    fn run(
        &self,
        ledger: &mut Ledger,
        session: SessionId,
        uid: u64,
        terminal: Option<&Terminal>,
    ) -> Result<u8, Failure> {
        let cell = Cell::make(session.as_str());
        let attending = self.begin(ledger, session, cell.is_some(), uid)?;
        let played = PassedSignals::hold().map_err(|error| failed(&error)).and_then(|signals| {
            let recorder = self.recorder(ledger, &attending)?;
            self.play(ledger, &attending, cell, recorder, &signals, terminal)
        });
        match played {
            Ok((played, recorder)) => Ok(self.end(&attending, played, recorder)),
            Err(failure) => {
                self.never_began(&attending);
                Err(failure)
            }
        }
    }

    /// What is only bookkeeping by now ends nothing.
    pub(super) fn try_to<E: std::fmt::Display>(&self, outcome: Result<(), E>) {
        if let Err(error) = outcome {
            (self.context.talk)(&format!("WARNING: {error}"));
        }
    }
}

/// glass's own failures, as env(1) and others have it.
pub const NOT_THE_COMMANDS: u8 = 125;
