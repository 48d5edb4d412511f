//! The grant's watchdog is started here, detached: it must outlive glass and its terminal (P2).

use super::invocation::{NotStarted, environment, own_home};
use super::leader::Leader;
use super::request::Request;
use super::{WATCHDOG, own_binary};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

/// What the watchdog writes on its standard output once nothing can stop it any more.
const WORD: &[u8] = b"armed\n";

/// How long glass waits for that word.
const WITHIN: Duration = Duration::from_secs(5);

/// Proof that a watchdog runs and has said so.
#[derive(Debug)]
pub struct Armed(());

/// No watchdog runs. What was started of it was ended again.
#[derive(Debug, thiserror::Error)]
#[error("the watchdog of the grant could not be armed: {0}; nothing was opened")]
pub struct NotArmed(String);

impl From<NotStarted> for NotArmed {
    fn from(reason: NotStarted) -> Self {
        Self(reason.to_string())
    }
}

/// Starts `glass __watchdog ARGS…` and waits up to 5 s for its word.
///
/// It runs in a session of its own in `/`, with the fixed environment alone (so `args` must
/// name the home), standard streams on `/dev/null`, no other descriptor, no death signal.
///
/// # Errors
/// It did not start, ended, or kept silent.
pub fn spawn_detached(args: &[OsString]) -> Result<Armed, NotArmed> {
    let args = std::iter::once(OsStr::new(WATCHDOG)).chain(args.iter().map(OsString::as_os_str));
    detach(own_binary(), &args.collect::<Vec<_>>())
}

/// The same for any program, so that a test needs no watchdog.
pub(crate) fn detach(program: &OsStr, args: &[&OsStr]) -> Result<Armed, NotArmed> {
    let request = Request {
        identity: None,
        bound: false,
        program: program.as_encoded_bytes(),
        args: args.iter().map(|arg| arg.as_encoded_bytes()).collect(),
        env: environment(own_home()).into(),
        stdin: None,
    };
    let (mut leader, outputs) = Leader::start(request.encode(), false)?;
    leader.open_gate()?;
    if let Err(error) = wait_for_word(outputs.stdout) {
        return Err(leader.hear().map_or_else(|| NotArmed(error.to_string()), NotArmed::from));
    }
    // Should it end before this process does, it must not stay a zombie. If the thread can't
    // be made, the leader is dropped, and ended, with it.
    thread::Builder::new()
        .name("watchdog".into())
        .stack_size(64 * 1024)
        .spawn(move || leader.wait())
        .map_err(|e| NotArmed(e.to_string()))?;
    Ok(Armed(()))
}

fn wait_for_word(mut stdout: PipeReader) -> io::Result<()> {
    let deadline = Instant::now() + WITHIN;
    let mut said = Vec::new();
    while said != WORD {
        let wait = deadline.saturating_duration_since(Instant::now());
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        if poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&wait))? == 0 {
            return Err(io::Error::other("it kept silent for 5 s"));
        }
        let mut byte = [0];
        if stdout.read(&mut byte)? == 0 {
            return Err(io::Error::other("it ended at once"));
        }
        said.extend(byte);
        if !WORD.starts_with(&said) {
            return Err(io::Error::other("it said something else"));
        }
    }
    Ok(())
}

/// For the watchdog itself: says the word and lets go of the pipe it was said on.
///
/// # Errors
/// Nobody listens any more: then nothing will be opened, and the watchdog may end.
pub fn report_armed() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut stdout = io::stdout();
    stdout.write_all(WORD)?;
    stdout.flush()?;
    Ok(rustix::stdio::dup2_stdout(null)?)
}
