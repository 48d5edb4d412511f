//! A session as the front holds it.

use super::super::own_binary;
use super::super::process_group::led_by;
use super::frame::{
    ASKED, END, EXITED, FAILED, GATE, GONE, KILLED, Parts, READY, REQUEST, RESUME, RESUMED, SIGNAL, STOPPED,
    number, receive, send, send_with,
};
use super::{Cell, KEEPER, NotStarted, SessionCommand, Stream, descendants};
use crate::core::plan::ProcessGroup;
use crate::core::text::escape;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long keeper and half may take to get ready, on a machine that is on its knees.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a keeper may take to let what was stopped go on.
const RESUMED_WITHIN: Duration = Duration::from_secs(2);
/// How long a keeper may take to end a session, beside its grace.
const END_WITHIN: Duration = Duration::from_secs(7);

/// What a keeper tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The program could not be started: the exit code that says so, and why, inert.
    NotStarted(u8, String),
    /// Stopped by this signal.
    Stopped(i32),
    /// It has exited with this code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// Somebody else asked the keeper to end it all.
    Asked,
    /// The keeper has ended it: nothing is left, or that can't be said.
    Gone(bool),
    /// Nobody keeps the session any more.
    KeeperDied,
}

/// A session at its gate. Dropped, it ends before its command ever ran.
pub struct Waiting {
    running: Running,
    /// The command's user can't go where it was to run; it will be in `/`.
    pub moved: bool,
}

/// A session past its gate. Dropped, its keeper ends it.
pub struct Running {
    child: Child,
    control: UnixStream,
    keeper: ProcessGroup,
    cgroup: Option<PathBuf>,
    news: VecDeque<News>,
    resumed: bool,
    lost: bool,
}

pub(super) fn start(
    command: SessionCommand,
    terminal: Option<OwnedFd>,
    cell: Option<Cell>,
) -> Result<Waiting, NotStarted> {
    let failed = |error: io::Error| NotStarted::because(format!("no session can be started: {error}"));
    if ignores_children() {
        return Err(NotStarted::because(
            "glass was started with SIGCHLD ignored, so that nobody could tell what becomes of the command; \
             type it behind `env --default-signal=CHLD`",
        ));
    }
    super::adopt_orphans().map_err(failed)?;
    if let (Some(terminal), Some(user)) = (&terminal, &command.user) {
        let owner = Some(rustix::process::Uid::from_raw(user.uid));
        rustix::fs::fchown(terminal, owner, None).map_err(|e| failed(e.into()))?;
    }
    let (mut control, theirs) = UnixStream::pair().map_err(failed)?;
    let child = spawn(theirs.into()).map_err(failed)?;
    // From here on every way out closes the socket, at whose end the keeper ends.
    let timeout = Some(READY_WITHIN);
    control.set_read_timeout(timeout).and_then(|()| control.set_write_timeout(timeout)).map_err(failed)?;
    hand_over(&mut control, &command, terminal.as_ref(), cell.as_ref()).map_err(failed)?;
    drop((command, terminal));
    let answer = receive(&mut control).map_err(failed)?;
    if answer.letter != READY {
        return Err(NotStarted::because(words(&answer.payload)));
    }
    let id = child.id().cast_signed();
    let keeper = led_by(id).ok_or_else(|| NotStarted::because("the keeper ended before it began"))?;
    control.set_read_timeout(None).map_err(failed)?;
    let cgroup = cell.map(Cell::keep);
    let running =
        Running { child, control, keeper, cgroup, news: VecDeque::new(), resumed: false, lost: false };
    Ok(Waiting { running, moved: answer.payload.first() == Some(&1) })
}

/// Whether the kernel keeps no status of children that ended: bit 17 of proc_pid_status(5)'s `SigIgn`.
fn ignores_children() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (Signal::CHILD.as_raw() - 1)) != 0)
}

fn hand_over(
    control: &mut UnixStream,
    command: &SessionCommand,
    terminal: Option<&OwnedFd>,
    cell: Option<&Cell>,
) -> io::Result<()> {
    let user = command.user.as_ref().map(|user| (user, user.uid.to_le_bytes(), user.gid.to_le_bytes()));
    let secret = command.env.iter().map(|(name, value)| (name.as_bytes(), value.expose_secret().as_bytes()));
    let odd = command.odd_env.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let streams = command.streams.iter();
    let parts = Parts::of(&[
        cell.map(|cell| cell.path().as_os_str().as_bytes()).into_iter().collect(),
        terminal.map(|_| &b"1"[..]).into_iter().collect(),
        streams.map(|stream| if matches!(stream, Stream::Terminal) { &b"t"[..] } else { b"g" }).collect(),
        vec![command.program.as_bytes()],
        command.args.iter().map(|arg| arg.as_bytes()).collect(),
        secret.chain(odd).flat_map(|(name, value)| [name, value]).collect(),
        vec![command.directory.as_os_str().as_bytes()],
        user.iter().flat_map(|(user, uid, gid)| [user.name.as_bytes(), &uid[..], &gid[..]]).collect(),
    ]);
    let given = command.streams.iter().filter_map(|stream| match stream {
        Stream::Given(fd) => Some(fd.as_fd()),
        Stream::Terminal => None,
    });
    let descriptors: Vec<BorrowedFd<'_>> = terminal.map(AsFd::as_fd).into_iter().chain(given).collect();
    send_with(control, REQUEST, parts.bytes(), &descriptors)
}

impl Waiting {
    /// The processes that closing ends, for the plan.
    pub const fn keeper(&self) -> ProcessGroup {
        self.running.keeper
    }

    /// The cgroup that it is in, for the plan.
    pub fn cgroup(&self) -> Option<&Path> {
        self.running.cgroup.as_deref()
    }

    /// Ends it before its command ever ran.
    pub fn call_off(mut self) {
        self.running.end(Duration::ZERO);
    }

    /// Lets the command begin: in front of its terminal; or behind, where it is stopped
    /// (SIGTTIN, SIGTTOU) once it asks for what is typed.
    ///
    /// # Errors
    /// The keeper is gone: it never ran.
    pub fn begin(self, in_front: bool) -> Result<Running, NotStarted> {
        let mut running = self.running;
        let begun = send(&mut running.control, GATE, &[u8::from(in_front)]);
        begun.map_err(|error| NotStarted::because(format!("the keeper ended before it began: {error}")))?;
        Ok(running)
    }
}

impl Running {
    /// Its keeper.
    pub const fn keeper(&self) -> ProcessGroup {
        self.keeper
    }

    /// The cgroup that it is in.
    pub fn cgroup(&self) -> Option<&Path> {
        self.cgroup.as_deref()
    }

    /// Readable when there is news; nothing once the keeper is gone.
    pub fn control(&self) -> Option<BorrowedFd<'_>> {
        (!self.lost).then(|| self.control.as_fd())
    }

    /// What has happened, if anything; never waits.
    pub fn hear(&mut self) -> Option<News> {
        self.listen(Duration::ZERO);
        self.news.pop_front()
    }

    /// Takes one message, waiting so long for it.
    fn listen(&mut self, patience: Duration) {
        if self.lost || (patience.is_zero() && !self.news.is_empty()) {
            return;
        }
        let patience =
            Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        let mut polled = [PollFd::new(&self.control, PollFlags::IN)];
        if !matches!(poll(&mut polled, Some(&patience)), Ok(ready) if ready > 0) {
            return;
        }
        let Ok(message) = receive(&mut self.control) else {
            self.lost = true;
            self.news.push_back(News::KeeperDied);
            return;
        };
        let number = number(&message.payload).unwrap_or(0);
        self.news.extend(match message.letter {
            FAILED => {
                let code = message.payload.first().copied().unwrap_or(super::command::NOT_TRIED);
                Some(News::NotStarted(code, words(&message.payload)))
            }
            RESUMED => {
                self.resumed = true;
                None
            }
            STOPPED => Some(News::Stopped(number)),
            ASKED => Some(News::Asked),
            EXITED => Some(News::Exited(number)),
            KILLED => Some(News::Killed(number)),
            GONE => {
                // That was its last word.
                self.lost = true;
                Some(News::Gone(message.payload.first() == Some(&1)))
            }
            _ => None,
        });
    }

    /// Passes a signal on to what is in front.
    pub fn signal(&mut self, signal: Signal) {
        self.say(SIGNAL, &signal.as_raw().to_le_bytes());
    }

    /// Lets the command go on, in front or behind, after it was stopped.
    pub fn resume(&mut self, in_front: bool) {
        self.resumed = false;
        self.say(RESUME, &[u8::from(in_front)]);
        // A key that stops it once more would be lost if it overtook this.
        let patience = Instant::now() + RESUMED_WITHIN;
        while !self.resumed && !self.lost && Instant::now() < patience {
            self.listen(patience.saturating_duration_since(Instant::now()));
        }
    }

    /// That the keeper is gone shows when it is listened to.
    fn say(&mut self, letter: u8, payload: &[u8]) {
        let _ = send(&mut self.control, letter, payload);
    }

    /// Ends all that the session started: SIGHUP, so much grace, SIGKILL. Says whether it is
    /// proved that nothing is left. News that comes meanwhile is there to be heard.
    pub fn end(&mut self, grace: Duration) -> bool {
        let patience = Instant::now() + grace + END_WITHIN;
        let grace_ms = i32::try_from(grace.as_millis()).unwrap_or(i32::MAX);
        if !self.lost {
            self.wake_keeper();
            self.say(END, &grace_ms.to_le_bytes());
        }
        loop {
            if let Some(gone) = self.news.iter().find_map(|news| match news {
                News::Gone(gone) => Some(*gone),
                _ => None,
            }) {
                self.wait_for_keeper();
                return gone;
            }
            if self.lost || Instant::now() >= patience {
                return self.end_without_keeper(grace);
            }
            self.listen(patience.saturating_duration_since(Instant::now()));
        }
    }

    /// Someone may have stopped it. It is not reaped yet: its number can't be another's.
    fn wake_keeper(&self) {
        if let Some(keeper) = Pid::from_raw(self.keeper.id) {
            // That it is gone shows when it is listened to.
            let _ = kill_process(keeper, Signal::CONT);
        }
    }

    /// What the keeper adopted was handed on to this process.
    fn end_without_keeper(&mut self, grace: Duration) -> bool {
        // One that hangs would keep what it adopted.
        let _ = self.child.kill();
        let cell = self.cgroup.clone().map(Cell::at);
        descendants::end(grace, cell.as_ref(), &mut |_| {})
    }

    /// It leaves once it has said that nothing is left: its terminal is free then.
    fn wait_for_keeper(&mut self) {
        let patience = Instant::now() + Duration::from_secs(1);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn words(payload: &[u8]) -> String {
    escape(&String::from_utf8_lossy(payload.get(1..).unwrap_or_default()))
}

#[allow(clippy::disallowed_methods)] // glass starts itself.
fn spawn(control: OwnedFd) -> io::Result<Child> {
    Command::new(own_binary())
        .arg0("glass")
        .arg(KEEPER)
        .env_clear()
        .stdin(control)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
