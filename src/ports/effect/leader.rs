//! The started process as glass holds it: it is reaped exactly once, and never left behind.

use super::invocation::NotStarted;
use super::process_group;
use super::spawn::{FAILED, GATE, READY};
use super::{SPAWN, own_binary};
use crate::core::plan::ProcessGroup;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long the waiting half may take to get ready, on a machine that is on its knees.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How long a killed process is waited for; one that hangs in the kernel is left to it.
const REAP_WITHIN: Duration = Duration::from_secs(1);

/// A child at its gate, or past it.
pub(super) struct Leader {
    child: Child,
    /// Readable once the child ended; absent on kernels before 5.3.
    pub(super) ended: Option<OwnedFd>,
    pub(super) control: Option<UnixStream>,
    pub(super) group: ProcessGroup,
    reaped: bool,
}

/// The read ends of a child's output.
pub(super) struct Outputs {
    pub(super) stdout: PipeReader,
    /// Absent where the child's talk goes to `/dev/null`.
    pub(super) stderr: Option<PipeReader>,
}

impl Leader {
    /// Starts the waiting half and takes it up to its gate.
    pub(super) fn start(frame: Zeroizing<Vec<u8>>, keep_stderr: bool) -> Result<(Self, Outputs), NotStarted> {
        let failed = |error: io::Error| NotStarted::because(format!("no process can be started: {error}"));
        let (mut control, theirs) = UnixStream::pair().map_err(failed)?;
        let (stdout, out) = io::pipe().map_err(failed)?;
        let (stderr, err) = match keep_stderr.then(io::pipe).transpose().map_err(failed)? {
            Some((reader, writer)) => (Some(reader), Stdio::from(writer)),
            None => (None, Stdio::null()),
        };
        let child = spawn(theirs.into(), out.into(), err).map_err(failed)?;
        let id = child.id() as i32;
        let mut leader = Self {
            ended: Pid::from_raw(id).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()),
            child,
            control: None,
            group: ProcessGroup { id, start: 0 },
            reaped: false,
        };
        // From here on, every way out ends the child before it can act.
        let timeout = Some(READY_WITHIN);
        control
            .set_read_timeout(timeout)
            .and_then(|()| control.set_write_timeout(timeout))
            .map_err(failed)?;
        control.write_all(&frame).map_err(failed)?;
        let mut answer = [0];
        control.read_exact(&mut answer).map_err(failed)?;
        if answer != [READY] {
            return Err(reason(control));
        }
        leader.group = process_group::led_by(id)
            .ok_or_else(|| NotStarted::because("the new process ended before it began"))?;
        leader.control = Some(control);
        Ok((leader, Outputs { stdout, stderr }))
    }

    /// Lets the child begin. An error is proof that it can't.
    pub(super) fn open_gate(&mut self) -> Result<(), NotStarted> {
        let control = self.control.as_mut().ok_or_else(|| NotStarted::because("the gate is gone"))?;
        control
            .write_all(&[GATE])
            .map_err(|error| NotStarted::because(format!("the new process ended before it began: {error}")))
    }

    /// To be called when the control socket is readable: the end of it means that the program
    /// runs; a reason, that it never will.
    pub(super) fn hear(&mut self) -> Option<NotStarted> {
        let mut control = self.control.take()?;
        let mut answer = [0];
        match control.read(&mut answer) {
            Ok(1) if answer == [FAILED] => Some(reason(control)),
            _ => None,
        }
    }

    /// How it ended, if it did.
    ///
    /// Where glass was started with SIGCHLD ignored the kernel keeps no status: then it is an
    /// error, and the caller must conclude nothing.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        self.reaped |= !matches!(status, Ok(None));
        status
    }

    /// Waits for the end of one that must end by itself.
    pub(super) fn wait(mut self) {
        self.reaped = true;
        // Its status interests nobody; it must only not stay a zombie.
        let _ = self.child.wait();
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        // It may not lead its group yet. Either may be gone already, which is as good.
        let _ = process_group::signal(&self.group, Signal::KILL);
        let _ = self.child.kill();
        let deadline = Instant::now() + REAP_WITHIN;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What the waiting half has to say; it speaks only before the program starts.
fn reason(mut control: UnixStream) -> NotStarted {
    let mut text = Vec::new();
    match control.read_to_end(&mut text) {
        Ok(_) => NotStarted::because(String::from_utf8_lossy(&text)),
        Err(error) => NotStarted::because(format!("unknown: {error}")),
    }
}

/// All descriptors of glass close on exec, so that commands started at the same time from
/// other threads inherit none of them.
#[allow(clippy::disallowed_methods)] // The one place where glass starts a process: itself.
fn spawn(control: OwnedFd, stdout: OwnedFd, stderr: Stdio) -> io::Result<Child> {
    Command::new(own_binary())
        .arg0("glass")
        .arg(SPAWN)
        .env_clear()
        .stdin(control)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
}
