//! A command that waits at its gate, and what comes of it once the gate is open.

use super::capture::Capture;
use super::invocation::{Invocation, NotStarted};
use super::leader::{Leader, Outputs};
use super::process_group::{acts, signal};
use crate::core::plan::ProcessGroup;
use crate::core::proof::{Captured, Ended, Outcome};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::io::{PipeReader, Read};
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long the pipes are read on after the leader ended: a child that it left behind may
/// hold them open for ever.
const LINGER: Duration = Duration::from_millis(200);

/// Between SIGTERM and SIGKILL at the time-out.
const GRACE: Duration = Duration::from_millis(500);

/// Pause between two looks at whether the person gave up.
const LOOK: Duration = Duration::from_millis(100);

/// How long the end after SIGKILL is waited for.
const LAST: Duration = Duration::from_secs(1);

/// Pause between two looks where nothing tells.
const PAUSE: Duration = Duration::from_millis(20);

/// No command takes longer; keeps the sums of times in bounds.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A command whose process waits at its gate: set up, but nothing done. Dropped, it never acts.
///
/// It stays with the thread that prepared it: the death signal that binds the process to
/// glass follows that thread.
pub struct Prepared {
    leader: Leader,
    outputs: Outputs,
    timeout: Duration,
    this_thread: PhantomData<*const ()>,
}

/// Starts the process of a command and takes it up to its gate.
///
/// # Errors
/// Whatever stands in the way of it: then no process of the program ever ran.
pub(crate) fn prepare(invocation: &Invocation) -> Result<Prepared, NotStarted> {
    let (leader, outputs) = Leader::start(invocation.encode(true)?, true)?;
    Ok(Prepared { leader, outputs, timeout: invocation.timeout.min(LONGEST), this_thread: PhantomData })
}

/// Runs a command to its end or time-out.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    match prepare(invocation) {
        Ok(prepared) => prepared.run(),
        Err(reason) => Outcome {
            ended: Ended::NotStarted(reason.to_string()),
            stdout: Capture::new().finish(),
            stderr: Capture::new().finish(),
            elapsed: Duration::ZERO,
        },
    }
}

impl Prepared {
    /// The group to write into the close plan before the command acts.
    pub fn process_group(&self) -> ProcessGroup {
        self.leader.group
    }

    /// Opens the gate, keeps what the command prints, and ends its whole group at the time-out.
    ///
    /// Children that outlive a leader that ended in time are left alone.
    pub fn run(self) -> Outcome {
        self.run_unless(None)
    }

    /// The same, but ends the group early once `stop` says so: a person gave up.
    pub fn run_until(self, stop: &dyn Fn() -> bool) -> Outcome {
        self.run_unless(Some(stop))
    }

    fn run_unless(self, stop: Option<&dyn Fn() -> bool>) -> Outcome {
        let began = Instant::now();
        let mut running = Running {
            leader: self.leader,
            stdout: Stream::new(Some(self.outputs.stdout)),
            stderr: Stream::new(self.outputs.stderr),
            buffer: Zeroizing::new(vec![0; 16 * 1024]),
            refused: None,
        };
        let ended = match running.leader.open_gate() {
            Ok(()) => running.follow(began + self.timeout, stop),
            Err(reason) => Ended::NotStarted(reason.to_string()),
        };
        Outcome {
            ended,
            stdout: running.stdout.finish(),
            stderr: running.stderr.finish(),
            elapsed: began.elapsed(),
        }
    }
}

/// One pipe of a command; closed once its end was read.
struct Stream {
    pipe: Option<PipeReader>,
    capture: Capture,
}

impl Stream {
    fn new(pipe: Option<PipeReader>) -> Self {
        Self { pipe, capture: Capture::new() }
    }

    /// To be called when the pipe is readable: takes what is there, without waiting for more.
    fn take(&mut self, buffer: &mut [u8]) {
        match self.pipe.as_mut().map(|pipe| pipe.read(buffer)) {
            Some(Ok(length)) if length > 0 => self.capture.take(&buffer[..length]),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => self.pipe = None,
        }
    }

    fn finish(self) -> Captured {
        self.capture.finish()
    }
}

/// What of a command can be waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Control,
    Stdout,
    Stderr,
    Leader,
}

/// A command past its gate.
struct Running {
    leader: Leader,
    stdout: Stream,
    stderr: Stream,
    buffer: Zeroizing<Vec<u8>>,
    refused: Option<NotStarted>,
}

impl Running {
    /// From the opened gate to the outcome.
    fn follow(&mut self, deadline: Instant, stop: Option<&dyn Fn() -> bool>) -> Ended {
        let ended = self.leader_ends(deadline, stop).unwrap_or_else(|| {
            let in_time = Instant::now() < deadline;
            self.end_group();
            if in_time { Ended::Signal(Signal::TERM.as_raw()) } else { Ended::TimedOut }
        });
        let linger = Instant::now() + LINGER;
        while !self.is_silent() && Instant::now() < linger {
            self.turn(linger, false);
        }
        match self.refused.take() {
            Some(reason) => Ended::NotStarted(reason.to_string()),
            None => ended,
        }
    }

    /// Reads on until the leader ends; nothing where it does not in time, or is to stop.
    fn leader_ends(&mut self, deadline: Instant, stop: Option<&dyn Fn() -> bool>) -> Option<Ended> {
        loop {
            match self.leader.status() {
                Ok(Some(status)) => return Some(how(status)),
                // The kernel kept no status. Signal 0 is no signal: nothing can be concluded.
                Err(_) => return Some(Ended::Signal(0)),
                Ok(None) if Instant::now() >= deadline => return None,
                Ok(None) => match stop {
                    Some(stop) if stop() => return None,
                    Some(_) => self.turn(deadline.min(Instant::now() + LOOK), true),
                    None => self.turn(deadline, true),
                },
            }
        }
    }

    /// SIGTERM, a short grace, SIGKILL, to all members. The leader is not reaped before
    /// that: while it is a zombie its number can't become another group's.
    fn end_group(&mut self) {
        let group = self.leader.group;
        // A group that can't be signalled stays; the outcome proves nothing either way.
        let _ = signal(&group, Signal::TERM);
        let grace = Instant::now() + GRACE;
        while Instant::now() < grace && acts(&group).unwrap_or(true) {
            self.turn((Instant::now() + PAUSE).min(grace), false);
        }
        let _ = signal(&group, Signal::KILL);
        // A leader that hangs in the kernel is left to it, and its status unread.
        let _ = self.leader_ends(Instant::now() + LAST, None);
    }

    fn is_silent(&self) -> bool {
        self.leader.control.is_none() && self.stdout.pipe.is_none() && self.stderr.pipe.is_none()
    }

    /// Waits once, at most until `until`, and takes what came.
    fn turn(&mut self, until: Instant, for_leader: bool) {
        let mut wait = until.saturating_duration_since(Instant::now());
        if for_leader && self.leader.ended.is_none() {
            wait = wait.min(PAUSE);
        }
        for source in self.ready(wait, for_leader) {
            match source {
                Source::Control => self.refused = self.leader.hear(),
                Source::Stdout => self.stdout.take(&mut self.buffer),
                Source::Stderr => self.stderr.take(&mut self.buffer),
                Source::Leader => {}
            }
        }
    }

    fn ready(&self, wait: Duration, for_leader: bool) -> Vec<Source> {
        let sources = [
            (Source::Control, self.leader.control.as_ref().map(AsFd::as_fd)),
            (Source::Stdout, self.stdout.pipe.as_ref().map(AsFd::as_fd)),
            (Source::Stderr, self.stderr.pipe.as_ref().map(AsFd::as_fd)),
            (Source::Leader, self.leader.ended.as_ref().filter(|_| for_leader).map(AsFd::as_fd)),
        ];
        let sources: Vec<_> = sources.into_iter().filter_map(|(source, fd)| Some((source, fd?))).collect();
        let mut polled: Vec<_> =
            sources.iter().map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        // An interrupted wait is a short one; the caller looks at the clock again.
        match poll(&mut polled, Some(&wait)) {
            Ok(_) => {
                let came = sources.iter().zip(&polled).filter(|(_, fd)| !fd.revents().is_empty());
                came.map(|((source, _), _)| *source).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

fn how(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
}
