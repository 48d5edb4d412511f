//! The person's own `ssh-keygen`, which signs by a security key that no agent holds.
//!
//! It is the person's tool with the person's key, so it runs as the person, in front on their
//! terminal: there it asks for PIN and touch, and glass hears neither. `SSH_SK_PROVIDER` is
//! passed on from their environment for the same reason: it names the library that speaks to
//! their key, is loaded with their rights alone, and what comes back is verified anyway. Of
//! everything else, the agent's socket too, nothing is passed on.
//!
//! It runs by way of this binary ([`become_keygen`]), which gives up root's rights under sudo,
//! lets signals through that glass holds back, and puts itself in front, in a process group of its
//! own: Ctrl-C ends `ssh-keygen` with all that it started, and so can glass.

use super::{Account, Reach, SUDO_UID, child, nobody};
use nix::sys::signal::{SigSet, Signal as Name};
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, set_parent_process_death_signal, waitid,
};
use rustix::termios::tcsetpgrp;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The hidden first argument that makes this binary the person's `ssh-keygen`.
pub const KEYGEN: &str = "__keygen";

/// Where `ssh-keygen` and its own helpers look for programs.
const FIXED_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// No signature is longer, bytes.
const LONGEST: u64 = 64 * 1024;
/// How long it may take to put the terminal right once it is told to end.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Exit code of a child that could not become `ssh-keygen`, which itself never exits with it.
const USELESS: u8 = 125;

/// The signals of Ctrl-C, Ctrl-\\, a lost terminal and a wish to end.
const ASKED_TO_END: [i32; 4] =
    [Name::SIGINT as i32, Name::SIGQUIT as i32, Name::SIGHUP as i32, Name::SIGTERM as i32];

/// How a process stands.
enum Stands {
    AtWork,
    Stopped,
    Ended,
}

/// The `ssh-keygen` of this host, and what it needs of the person's environment.
#[derive(Clone, Debug)]
pub struct Keygen {
    reach: Reach,
    program: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

/// How `ssh-keygen` ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// What it wrote to standard output.
    Signed(String),
    /// It said why not on the terminal.
    Refused,
    /// Ctrl-C, or a signal that asks it to end.
    Interrupted,
    /// It never began.
    Useless,
}

impl Keygen {
    /// `program` was judged; `home` counts where the person runs glass, `provider` is their
    /// `SSH_SK_PROVIDER`.
    pub(super) fn new(reach: &Reach, program: &Path, home: Option<&Path>, provider: Option<&OsStr>) -> Self {
        let home = match reach {
            Reach::Caller(account) => Some(account.home.as_path()),
            Reach::Own | Reach::Nobody(_) => home,
        };
        let mut variables = vec![("PATH", OsString::from(FIXED_PATH))];
        variables.extend(home.map(|home| ("HOME", home.into())));
        variables.extend(provider.map(|provider| ("SSH_SK_PROVIDER", provider.to_owned())));
        Self { reach: reach.clone(), program: program.to_owned(), variables }
    }

    /// Starts signing a message for a namespace by the handle in a key file.
    ///
    /// # Errors
    /// It can't be started.
    pub fn sign(&self, key: &Path, namespace: &str, message: &[u8]) -> io::Result<Signing> {
        let caller = match &self.reach {
            Reach::Own => None,
            Reach::Caller(account) => Some(account),
            Reach::Nobody(reason) => return Err(nobody(reason)),
        };
        // As the person meant it; and never taken for an option.
        let key = std::path::absolute(key)?;
        let arguments = ["-Y", "sign", "-n", namespace, "-f"].map(OsStr::new);
        let child = spawn(caller, &self.variables, message, |command| {
            command.arg(&self.program).args(arguments).arg(key)
        })?;
        Ok(Signing { child, ended: false })
    }
}

/// This same binary, on its way to become the program.
#[allow(clippy::disallowed_methods)] // The person's own tool with the person's rights: no effect, no permit.
fn spawn(
    caller: Option<&Account>,
    variables: &[(&'static str, OsString)],
    message: &[u8],
    run: impl FnOnce(&mut Command) -> &mut Command,
) -> io::Result<Child> {
    // In memory, so that nobody has to feed it while it asks for a PIN.
    let mut stdin = File::from(rustix::fs::memfd_create("statement", MemfdFlags::CLOEXEC)?);
    stdin.write_all(message)?;
    stdin.rewind()?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("glass").arg(KEYGEN).env_clear().envs(variables.iter().cloned());
    if let Some(account) = caller {
        command.env(SUDO_UID, account.uid.to_string());
    }
    run(&mut command).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// A running `ssh-keygen`. Dropping it ends it, and all that it started.
#[derive(Debug)]
pub struct Signing {
    child: Child,
    ended: bool,
}

impl Signing {
    /// How it ended; `None` while it is at work.
    ///
    /// # Errors
    /// The system refuses.
    pub fn poll(&mut self) -> io::Result<Option<Ended>> {
        match self.look()? {
            Stands::AtWork => return Ok(None),
            // Ctrl-Z: no shell is there that would bring it to the front again.
            Stands::Stopped => return Ok(Some(Ended::Interrupted)),
            Stands::Ended => {}
        }
        let status = self.reap()?;
        let mut written = String::new();
        if let Some(stdout) = self.child.stdout.take() {
            // What is no text is no armor: the caller finds that out.
            let mut bytes = Vec::new();
            stdout.take(LONGEST).read_to_end(&mut bytes)?;
            written = String::from_utf8_lossy(&bytes).into_owned();
        }
        Ok(Some(match (status.code(), status.signal()) {
            (Some(0), _) => Ended::Signed(written),
            (Some(code), _) if code == i32::from(USELESS) => Ended::Useless,
            (None, Some(signal)) if ASKED_TO_END.contains(&signal) => Ended::Interrupted,
            _ => Ended::Refused,
        }))
    }

    /// Looks without reaping: until then nobody else can have the process group's number.
    fn look(&self) -> io::Result<Stands> {
        let either = WaitIdOptions::EXITED | WaitIdOptions::STOPPED;
        let seen = waitid(WaitId::Pid(self.pid()), either | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT)?;
        Ok(match seen {
            None => Stands::AtWork,
            Some(status) if status.stopped() => Stands::Stopped,
            Some(_) => Stands::Ended,
        })
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Ends what is left of the group, and takes the exit status.
    fn reap(&mut self) -> io::Result<std::process::ExitStatus> {
        // Mostly nothing is left; before it made its group, there is none.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        self.ended = true;
        self.child.wait()
    }
}

impl Drop for Signing {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Asked first: while it reads a PIN it has the terminal's echo to put back.
        let _ = kill_process_group(self.pid(), Signal::TERM);
        let _ = kill_process_group(self.pid(), Signal::CONT);
        let deadline = Instant::now() + END_WITHIN;
        while !matches!(self.look(), Ok(Stands::Ended) | Err(_)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Each of these may find that it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.reap();
    }
}

/// The child's half: gives up what is not the person's, and becomes `ssh-keygen`. Comes back
/// only where that fails.
pub fn become_keygen(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(program) = arguments.next() else { return ExitCode::from(USELESS) };
    if step_in_front().is_ok() {
        #[allow(clippy::disallowed_methods)]
        let _ = Command::new(program).args(arguments).env_remove(SUDO_UID).exec();
    }
    ExitCode::from(USELESS)
}

fn step_in_front() -> io::Result<()> {
    child::drop_rights_to_caller()?;
    let terminal = rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stderr(&terminal)?;
    // To step in front from a group that is not there would stop this process.
    [Name::SIGTTOU].into_iter().collect::<SigSet>().thread_block()?;
    rustix::process::setpgid(None, None)?;
    tcsetpgrp(&terminal, rustix::process::getpgrp())?;
    // After the rights are dropped, which clears it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(SigSet::empty().thread_set_mask()?)
}
