//! A terminal that glass makes itself, for `demo`: programs run on it as for a person who types.
//!
//! It answers only for a throw-away home that the demo made: nothing else starts it.

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The hidden first argument that puts a program on a terminal of its own.
pub const ON_TERMINAL: &str = "__terminal";

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where programs run, and with which variables alone.
pub struct Stage {
    /// Working directory.
    pub directory: std::path::PathBuf,
    /// Every variable.
    pub environment: Vec<(OsString, OsString)>,
    /// Shows what appears on the terminal.
    pub show: fn(&str),
    /// Whether to give up.
    pub stop: Box<dyn Fn() -> bool>,
}

/// What a program did.
#[derive(Debug)]
pub struct Performed {
    /// Its exit code; 128 and the signal, where one ended it.
    pub code: i32,
    /// All that appeared on its terminal.
    pub screen: String,
}

/// Why it could not be seen to its end.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The system refused.
    #[error("a terminal for the demo can't be had: {0}")]
    Io(#[from] io::Error),
    /// The prompt never came.
    #[error("waited in vain for `{0}`")]
    NoPrompt(String),
    /// The person at the demo wants to end it.
    #[error("interrupted")]
    Stopped,
}

impl From<rustix::io::Errno> for StageError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl Stage {
    /// Runs a program; types each answer once its prompt is on the screen.
    ///
    /// # Errors
    /// No terminal, a prompt that never comes, or the person gave up: then the program is ended.
    pub fn perform(
        &self,
        program: &OsStr,
        args: &[&str],
        answers: &[(&str, &str)],
    ) -> Result<Performed, StageError> {
        let mut running = self.start(program, args)?;
        let played = self.play(&mut running, answers);
        if played.is_err() {
            // It may be gone already; either way nothing is left running.
            let _ = running.child.kill();
        }
        let status = running.child.wait()?;
        played?;
        use std::os::unix::process::ExitStatusExt;
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(Performed { code, screen: running.screen })
    }

    // The one other place that starts processes: a terminal for the demo, no effect of a grant.
    #[allow(clippy::disallowed_methods)]
    fn start(&self, program: &OsStr, args: &[&str]) -> Result<Running, StageError> {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&terminal)?;
        unlockpt(&terminal)?;
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size)?;
        let name = ptsname(&terminal, Vec::new())?;
        let child = Command::new("/proc/self/exe")
            .arg(ON_TERMINAL)
            .arg(OsStr::from_bytes(name.as_bytes()))
            .arg(program)
            .args(args)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Running { child, terminal: File::from(terminal), screen: String::new() })
    }

    fn play(&self, running: &mut Running, answers: &[(&str, &str)]) -> Result<(), StageError> {
        let mut seen = 0;
        for (prompt, answer) in answers {
            let give_up = Instant::now() + PATIENCE;
            let place = loop {
                if let Some(at) = running.screen[seen..].find(prompt) {
                    break seen + at + prompt.len();
                }
                if !self.turn(running)? || Instant::now() >= give_up {
                    return Err(StageError::NoPrompt((*prompt).to_owned()));
                }
            };
            seen = place;
            running.terminal.write_all(format!("{answer}\n").as_bytes())?;
        }
        while self.turn(running)? {}
        Ok(())
    }

    /// Waits a little for more on the screen, and shows it; false once the program has ended
    /// and all that it wrote was read.
    fn turn(&self, running: &mut Running) -> Result<bool, StageError> {
        if (self.stop)() {
            return Err(StageError::Stopped);
        }
        let mut ready = [PollFd::new(&running.terminal, PollFlags::IN)];
        let some = poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 50_000_000 }))?;
        let mut buffer = [0; 4096];
        let read = match some {
            0 => return Ok(running.child.try_wait()?.is_none()),
            _ => running.terminal.read(&mut buffer),
        };
        match read {
            Ok(length) if length > 0 => {
                let text = String::from_utf8_lossy(&buffer[..length]).replace('\r', "");
                running.screen.push_str(&text);
                (self.show)(&text);
                Ok(true)
            }
            // The last process let go of the terminal (EIO), or there is nothing more.
            _ => {
                if running.child.try_wait()?.is_none() {
                    std::thread::sleep(Duration::from_millis(5));
                    return Ok(true);
                }
                Ok(false)
            }
        }
    }
}

struct Running {
    child: Child,
    terminal: File,
    screen: String,
}

/// The child's half: a session of its own with this terminal as its controlling one; then the
/// program. Comes back only where that fails.
pub fn become_program(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(terminal), Some(program)) = (args.next(), args.next()) else { return ExitCode::from(2) };
    match take_terminal(Path::new(&terminal)) {
        Ok(()) => {
            // A stage holds signals back; the program must not inherit that.
            if SigSet::empty().thread_set_mask().is_err() {
                return ExitCode::from(1);
            }
            #[allow(clippy::disallowed_methods)]
            let error = Command::new(program).args(args).exec();
            ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
        }
        Err(_) => ExitCode::from(125),
    }
}

fn take_terminal(path: &Path) -> io::Result<()> {
    rustix::process::setsid()?;
    // The first terminal that a session's leader opens becomes its controlling terminal.
    let terminal = rustix::fs::open(path, OFlags::RDWR, Mode::empty())?;
    rustix::stdio::dup2_stdin(&terminal)?;
    rustix::stdio::dup2_stdout(&terminal)?;
    rustix::stdio::dup2_stderr(&terminal)?;
    Ok(())
}
