//! What a session runs on: its own terminal or pipes, the processes at their gate, its place in the
//! close plan; then everything is relayed until it ends.

use super::commands::Commands;
use super::failed;
use super::notice::Notice;
use super::outcome::Played;
use super::recorder::Recorder;
use super::relay::{Lane, Relay};
use super::run::{Case, PATIENCE};
use super::watch::{Left, left};
use crate::core::plan::PlannedSession;
use crate::core::session::warning::Warnings;
use crate::ports::clock;
use crate::ports::effect::session::{Cell, Running, SessionCommand, Stream, Waiting};
use crate::ports::effect::{HookDir, prepare_session};
use crate::ports::ledger::{Attending, Ledger, OfSession};
use crate::ports::pseudoterminal::Pair;
use crate::ports::streams::{self, Inlet, Outlet, Terminals};
use crate::ports::terminal::{PassedSignals, Terminal};
use crate::reading::time::clock as clock_of;
use crate::usecases::desk::wait_for_lock;
use crate::usecases::failure::{Failure, Kind};
use chrono::TimeDelta;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

impl Case<'_> {
    /// From the gate to the end of all that it started.
    pub(super) fn play(
        &self,
        ledger: &Ledger,
        attending: &Attending,
        cell: Option<Cell>,
        recorder: Recorder,
        signals: &PassedSignals,
        terminal: Option<&Terminal>,
    ) -> Result<(Played, Recorder), Failure> {
        let io = |error: std::io::Error| failed(&error);
        let (columns, rows) = self.size();
        let modes = terminal.and_then(Terminal::modes);
        let pair = self
            .terminals
            .any()
            .then(|| Pair::open(columns, rows, modes.as_ref()))
            .transpose()
            .map_err(io)?;
        let (streams, lanes) = self.streams(pair.as_ref()).map_err(io)?;
        let hook = self.hook(attending, &recorder);
        let waiting = {
            let slave = pair.as_ref().map(Pair::slave).transpose().map_err(io)?;
            prepare_session(attending, self.command(streams, hook.as_ref()), slave, cell)
                .map_err(|error| failed(&error))?
        };
        if self.is_shell {
            self.announce(recorder.has_files());
        }
        // Part of a pipeline, its neighbours may want the keys: it gets them once it asks.
        let alone = self.terminals.stdin && self.terminals.stdout;
        let running = self.let_begin(ledger, attending, waiting, alone)?;
        let keys = terminal.filter(|_| alone).map(Terminal::raw).transpose()?;
        let pair =
            pair.map(|pair| Ok((Outlet::into(pair.master.try_clone()?), pair))).transpose().map_err(io)?;
        let time = match left(self.context, self.grant.id.as_str(), &self.of.session) {
            Left::Time(time) => time,
            Left::Nothing => TimeDelta::zero(),
        };
        let commands = Commands::of(running.keeper().id, hook);
        let relay = Relay {
            context: self.context,
            grant: self.grant.id.as_str(),
            session: &self.of.session,
            running,
            signals,
            terminal,
            keys,
            terminals: self.terminals,
            pair: pair.map(|(typed, pair)| (pair, typed)),
            lanes,
            recorder,
            commands,
            warnings: Warnings::beginning_with(time),
            notice: Notice::new(self.extension(), self.context.talk),
        };
        Ok(relay.play())
    }

    /// Columns and rows of the person's terminal.
    pub(super) fn size(&self) -> (u16, u16) {
        let size = Terminal::open().map(|terminal| terminal.size());
        size.map_or((80, 24), |size| (size.columns, size.rows))
    }

    /// Writes the session into the plan, and lets it begin; or sees that a closing was quicker.
    fn let_begin(
        &self,
        ledger: &Ledger,
        attending: &Attending,
        waiting: Waiting,
        in_front: bool,
    ) -> Result<Running, Failure> {
        let grant = self.grant.id.as_str();
        let over = || {
            Failure::new(Kind::Refused, format!("{grant} is being closed: no session begins"))
                .hint(format!("`glass status {grant}` shows how it stands"))
                .cause("not-active")
        };
        if waiting.moved {
            (self.context.talk)("WARNING: the session's user can't go to this directory: it is in /");
        }
        let now = clock::now()?;
        let planned = PlannedSession {
            id: self.of.session.clone(),
            keeper: waiting.keeper(),
            boot_id: now.boot_id.clone(),
            cgroup: waiting.cgroup().map(PathBuf::from),
        };
        let allowed = wait_for_lock(self.context, grant, PATIENCE).and_then(|lock| match lock {
            Some(lock) => Ok(ledger.plan_session(attending, planned, &lock, &now)?),
            None => Ok(false),
        });
        match allowed {
            Ok(true) => waiting.begin(in_front).map_err(|error| failed(&error)),
            refused => {
                waiting.call_off();
                Err(refused.err().unwrap_or_else(over))
            }
        }
    }

    /// What is a terminal here is one there, all of them the same; what is not is a pipe, or
    /// handed on as it is.
    fn streams(&self, pair: Option<&Pair>) -> std::io::Result<([Stream; 3], Vec<Lane>)> {
        let Terminals { stdin, stdout, stderr } = self.terminals;
        let mut lanes = Vec::new();
        if pair.is_some() {
            let outlet = match (stdout, stderr) {
                (true, _) => Outlet::stdout()?,
                (_, true) => Outlet::stderr()?,
                _ => Outlet::terminal()?,
            };
            lanes.push(Lane { inlet: None, outlet });
        }
        let mut output = |is_terminal: bool, outlet: fn() -> std::io::Result<Outlet>| {
            if is_terminal {
                return Ok::<_, std::io::Error>(Stream::Terminal);
            }
            let (inlet, theirs) = Inlet::pipe()?;
            lanes.push(Lane { inlet: Some(inlet), outlet: outlet()? });
            Ok(Stream::Given(theirs.into()))
        };
        let (stdout, stderr) = (output(stdout, Outlet::stdout)?, output(stderr, Outlet::stderr)?);
        let stdin = if stdin { Stream::Terminal } else { Stream::Given(streams::stdin()?) };
        Ok(([stdin, stdout, stderr], lanes))
    }

    fn command(&self, streams: [Stream; 3], hook: Option<&HookDir>) -> SessionCommand {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let (mut args, mut env) = (self.args.clone(), self.surroundings.env.clone());
        let mut odd_env = self.surroundings.odd_env.clone();
        if let Some(hook) = hook {
            args.splice(..0, hook.args().iter().map(OsString::from));
            for (name, value) in hook.env() {
                env.retain(|(known, _)| known != name.as_str());
                odd_env.retain(|(known, _)| known != name.as_str());
                env.push((name.into(), value.as_str().into()));
            }
        }
        SessionCommand {
            program: self.program.clone(),
            args,
            env,
            odd_env,
            directory,
            user: self.surroundings.user.clone(),
            streams,
        }
    }

    /// The private start-up files of a shell at a terminal, that has it tell what is typed. Without
    /// them only the process tree tells, and the log says so by having nothing typed in it (P12).
    fn hook(&self, attending: &Attending, recorder: &Recorder) -> Option<HookDir> {
        if !self.is_shell || !self.terminals.stdin || !recorder.has_files() {
            return None;
        }
        let shell = Path::new(&self.program).file_name()?.to_str()?.to_owned();
        let user = self.surroundings.user.as_ref().map(|user| (user.uid, user.gid));
        HookDir::make(attending.session(), &shell, user).unwrap_or_else(|error| {
            (self.context.talk)(&format!(
                "WARNING: what is typed at the prompt is in the picture alone, not in the command log: {error}"
            ));
            None
        })
    }

    fn announce(&self, is_recorded: bool) {
        let end = self.grant.deadline().map_or_else(String::new, |deadline| clock_of(deadline.wall));
        let recorded = if is_recorded { "recorded" } else { "NOT RECORDED" };
        let OfSession { grant, session } = &self.of;
        (self.context.talk)(&format!("glass: session {session}, {recorded}; it ends with {grant} at {end}"));
    }

    /// What to type to have the grant end later.
    fn extension(&self) -> String {
        let (grant, left) = (&self.grant, self.grant.extensions > self.grant.extended);
        match self.scope.duration.extension.as_ref().filter(|_| left) {
            Some(extension) => format!("longer: glass extend {} --for {}", grant.id, extension.length),
            None => "it can't be extended".to_owned(),
        }
    }
}
