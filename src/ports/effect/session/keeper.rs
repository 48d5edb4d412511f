//! The keeper of a session: it leads the session, starts the command, tells the front what becomes
//! of it, and leaves only when nothing that the session started is left.

use super::super::own_binary;
use super::super::spawn::{bar_core_dumps, control_socket, told};
use super::cgroup::Cell;
use super::command::NOT_TRIED;
use super::frame::{
    ASKED, END, EXITED, FAILED, GATE, GONE, KILLED, Parts, READY, REQUEST, RESUME, RESUMED, Received, SIGNAL,
    STOPPED, number, receive, send, send_with,
};
use super::{COMMAND, descendants};
use nix::sys::signal::{SigSet, Signal as Known};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::WaitStatus;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// How long the half may take to get ready, on a machine that is on its knees.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// What a session has after SIGHUP, where nobody says anything else.
const GRACE: Duration = Duration::from_secs(1);
/// Between two tries to end what could not be ended.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps a session until it is over.
///
/// `main` calls this before anything else when the first argument is [`KEEPER`](super::KEEPER).
pub fn become_keeper() -> ExitCode {
    let Ok(mut control) = control_socket() else { return ExitCode::from(NOT_TRIED) };
    match Keeper::begin(&mut control) {
        Ok(keeper) => keeper.keep(control),
        Err(why) => {
            let mut payload = vec![NOT_TRIED];
            payload.extend_from_slice(why.as_bytes());
            // The front may be gone by now; then nobody is left to be told.
            let _ = send(&mut control, FAILED, &payload);
        }
    }
    ExitCode::SUCCESS
}

struct Keeper {
    child: Pid,
    terminal: Option<OwnedFd>,
    cell: Option<Cell>,
    signals: SignalFd,
    /// The way to the half, until it is the command.
    half: Option<UnixStream>,
}

impl Keeper {
    fn begin(control: &mut UnixStream) -> Result<Self, String> {
        rustix::process::setsid().map_err(|e| told("no session of its own", e.into()))?;
        bar_core_dumps().map_err(|e| told("core dumps can't be barred", e))?;
        super::adopt_orphans().map_err(|e| told("orphans can't be adopted", e))?;
        // It leads the session: what the terminal says to all of it must not end the keeper.
        SigSet::all().thread_set_mask().map_err(|e| told("signals can't be held", e.into()))?;
        let heard: SigSet = [Known::SIGCHLD, Known::SIGTERM].into_iter().collect();
        let signals = SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(|e| told("signals can't be heard", e.into()))?;
        let request = receive(control).map_err(|e| told("the request can't be read", e))?;
        let (wanted, lists) = Wanted::of(request)?;
        if let Some(terminal) = &wanted.terminal {
            rustix::process::ioctl_tiocsctty(terminal)
                .map_err(|e| told("the terminal can't be taken", e.into()))?;
        }
        let (child, mut half) = start_half().map_err(|e| told("no process can be started", e))?;
        let mut keeper = Self { child, terminal: wanted.terminal, cell: wanted.cell, signals, half: None };
        let ready = keeper.make_ready(&mut half, &lists, &wanted.streams);
        keeper.half = Some(half);
        match ready.and_then(|moved| {
            send(control, READY, &moved).map_err(|e| told("nobody waits", e))?;
            Ok(receive(control).ok().filter(|message| message.letter == GATE))
        }) {
            Ok(Some(gate)) => keeper.place(is_front(&gate)),
            // The front thought better of it, or died.
            Ok(None) => return Err(keeper.give_up("the gate never opened".to_owned())),
            Err(why) => return Err(keeper.give_up(why)),
        }
        let opened = keeper.half.as_mut().map(|half| send(half, GATE, &[]));
        match opened {
            Some(Err(error)) => Err(keeper.give_up(told("the command ended before it began", error))),
            _ => Ok(keeper),
        }
    }

    /// Hands the half what it is to become, and puts it where it belongs; gives what it said.
    fn make_ready(
        &self,
        half: &mut UnixStream,
        lists: &[u8],
        streams: &[OwnedFd; 3],
    ) -> Result<Vec<u8>, String> {
        let streams: Vec<BorrowedFd<'_>> = streams.iter().map(AsFd::as_fd).collect();
        half.set_read_timeout(Some(READY_WITHIN))
            .and_then(|()| send_with(half, REQUEST, lists, &streams))
            .map_err(|e| told("the command can't be handed over", e))?;
        let answer = receive(half).map_err(|e| told("the new process said nothing", e))?;
        match answer.letter {
            READY => {}
            FAILED => return Err(words(&answer.payload)),
            _ => return Err("the new process said something else".to_owned()),
        }
        let id = self.child.as_raw_nonzero().get();
        if let Some(cell) = &self.cell {
            cell.take(id).map_err(|e| told("it can't be put into its cgroup", e))?;
        }
        half.set_read_timeout(None).map_err(|e| told("the way to it", e))?;
        Ok(answer.payload.to_vec())
    }

    fn give_up(self, why: String) -> String {
        // It never began: nothing hears a SIGHUP.
        descendants::end(Duration::ZERO, self.cell.as_ref(), &mut |_| {});
        why
    }

    /// Until nothing is left.
    fn keep(mut self, mut control: UnixStream) {
        loop {
            let heard = self.wait(&control);
            if heard.half {
                self.hear_half(&mut control);
            }
            if heard.signals && self.hear_signals(&mut control) {
                // Before what becomes of the command: this is why.
                tell(&mut control, ASKED, &[]);
                return self.end(Some(control), GRACE);
            }
            if heard.control {
                match receive(&mut control) {
                    Ok(message) if message.letter == END => {
                        let grace = number(&message.payload).and_then(|ms| u64::try_from(ms).ok());
                        let grace = grace.map_or(GRACE, Duration::from_millis);
                        return self.end(Some(control), grace);
                    }
                    Ok(message) => self.obey(&message, &mut control),
                    // The front died: everything ends with it.
                    Err(_) => return self.end(None, GRACE),
                }
            }
        }
    }

    fn wait(&self, control: &UnixStream) -> Heard {
        let mut polled = vec![
            PollFd::new(control, PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
        ];
        polled.extend(self.half.as_ref().map(|half| PollFd::new(half, PollFlags::IN)));
        // An interrupted wait says nothing of any of them.
        let came = poll(&mut polled, None).is_ok();
        let ready = |at: usize| came && polled.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Heard { control: ready(0), signals: ready(1), half: ready(2) }
    }

    /// The end of the socket means that the program runs; a reason, that it never will.
    fn hear_half(&mut self, control: &mut UnixStream) {
        let Some(mut half) = self.half.take() else { return };
        if let Ok(message) = receive(&mut half)
            && message.letter == FAILED
        {
            tell(control, FAILED, &message.payload);
        }
    }

    /// True where somebody asks for the end.
    fn hear_signals(&mut self, control: &mut UnixStream) -> bool {
        let mut asked = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            asked |= signal.ssi_signo == Known::SIGTERM as u32;
        }
        if self.half.is_some() {
            // Its reason comes before what became of it.
            self.hear_half_now(control);
        }
        let child = self.child;
        descendants::reap(&mut |status| tell_of(child, status, control));
        asked
    }

    fn hear_half_now(&mut self, control: &mut UnixStream) {
        let waits = self.half.as_ref().is_some_and(|half| {
            let mut polled = [PollFd::new(half, PollFlags::IN)];
            let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
        });
        if waits {
            self.hear_half(control);
        }
    }

    fn obey(&self, message: &Received, control: &mut UnixStream) {
        match message.letter {
            SIGNAL => {
                let signal = number(&message.payload).and_then(Signal::from_named_raw);
                let front = self.terminal.as_ref().and_then(|terminal| tcgetpgrp(terminal).ok());
                let front = front.filter(|group| *group != rustix::process::getpgrp());
                if let Some(signal) = signal {
                    // Who is gone needs no signal.
                    let _ = kill_process_group(front.unwrap_or(self.child), signal);
                }
            }
            RESUME => {
                self.place(is_front(message));
                let _ = kill_process_group(self.child, Signal::CONT);
                tell(control, RESUMED, &[]);
            }
            _ => {}
        }
    }

    /// Puts the command in front of its terminal; or behind, where it is stopped once it asks for
    /// what is typed.
    fn place(&self, in_front: bool) {
        if let Some(terminal) = &self.terminal {
            let group = if in_front { self.child } else { rustix::process::getpgrp() };
            // A command that has ended meanwhile is nowhere.
            let _ = tcsetpgrp(terminal, group);
        }
    }

    /// Ends everything, says how that went, and tries on until it is done.
    fn end(self, mut control: Option<UnixStream>, grace: Duration) {
        let mut gone = false;
        let mut grace = grace;
        while !gone {
            let child = self.child;
            gone = descendants::end(grace, self.cell.as_ref(), &mut |status| {
                if let Some(control) = &mut control {
                    tell_of(child, status, control);
                }
            });
            if let Some(mut control) = control.take() {
                tell(&mut control, GONE, &[u8::from(gone)]);
            }
            if !gone {
                grace = Duration::ZERO;
                std::thread::sleep(AGAIN);
            }
        }
    }
}

fn is_front(message: &Received) -> bool {
    message.payload.first() == Some(&1)
}

struct Heard {
    control: bool,
    signals: bool,
    half: bool,
}

/// What the front asks for.
struct Wanted {
    terminal: Option<OwnedFd>,
    cell: Option<Cell>,
    streams: [OwnedFd; 3],
}

impl Wanted {
    /// Beside it the lists for the half.
    fn of(request: Received) -> Result<(Self, Vec<u8>), String> {
        let senseless = || "the request makes no sense; this is a bug of glass".to_owned();
        let lists = Parts::read(&request.payload).filter(|_| request.letter == REQUEST);
        let lists = lists.ok_or_else(senseless)?;
        let [cell, terminal, streams, rest @ ..] = &lists[..] else { return Err(senseless()) };
        let mut descriptors = request.descriptors.into_iter();
        let terminal = match terminal.is_empty() {
            true => None,
            false => Some(descriptors.next().ok_or_else(senseless)?),
        };
        let mut given = Vec::new();
        for stream in streams {
            given.push(match (stream, &terminal) {
                ([b't'], Some(terminal)) => terminal.try_clone().map_err(|e| told("its terminal", e))?,
                ([b'g'], _) => descriptors.next().ok_or_else(senseless)?,
                _ => return Err(senseless()),
            });
        }
        let streams = given.try_into().map_err(|_| senseless())?;
        let cell = cell.first().map(|path| Cell::at(PathBuf::from(OsStr::from_bytes(path))));
        Ok((Self { terminal, cell, streams }, Parts::of(rest).bytes().to_vec()))
    }
}

/// The half, in a process group of its own.
#[allow(clippy::disallowed_methods)] // glass starts itself once more.
fn start_half() -> io::Result<(Pid, UnixStream)> {
    let (control, theirs) = UnixStream::pair()?;
    let child = Command::new(own_binary())
        .arg0("glass")
        .arg(COMMAND)
        .env_clear()
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let id = Pid::from_raw(child.id().cast_signed());
    Ok((id.ok_or(io::ErrorKind::NotFound)?, control))
}

fn tell_of(child: Pid, status: WaitStatus, control: &mut UnixStream) {
    let of_child = |id: nix::unistd::Pid| id.as_raw() == child.as_raw_nonzero().get();
    match status {
        WaitStatus::Exited(id, code) if of_child(id) => tell(control, EXITED, &code.to_le_bytes()),
        WaitStatus::Signaled(id, signal, _) if of_child(id) => {
            tell(control, KILLED, &(signal as i32).to_le_bytes());
        }
        WaitStatus::Stopped(id, signal) if of_child(id) => {
            tell(control, STOPPED, &(signal as i32).to_le_bytes());
        }
        _ => {}
    }
}

/// Whether the front still hears it shows when its socket ends.
fn tell(control: &mut UnixStream, letter: u8, payload: &[u8]) {
    let _ = send(control, letter, payload);
}

fn words(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload.get(1..).unwrap_or_default()).into_owned()
}
