//! The half that becomes a session's command: in its own process group already, not yet in front,
//! with its keeper's user. It takes its streams, its user and its directory, waits at the gate,
//! and is then the program.

use super::super::request::Identity;
use super::super::spawn::{become_user, control_socket, told};
use super::frame::{FAILED, GATE, Parts, READY, REQUEST, receive, send};
use crate::core::text::escape;
use nix::sys::signal::SigSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// As shells and env(1) have it: there is no such program.
pub(super) const NOT_FOUND: u8 = 127;
/// It is there and can't be run.
pub(super) const NOT_RUN: u8 = 126;
/// It was never tried.
pub(super) const NOT_TRIED: u8 = 125;

/// Why there is no program, with the exit code that says so.
struct Failed(u8, String);

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self(NOT_TRIED, why)
    }
}

/// Becomes the command. Returns only where it could not.
///
/// `main` calls this before anything else when the first argument is [`COMMAND`](super::COMMAND).
pub fn become_session_command() -> ExitCode {
    // The keeper may be gone by now; then nobody is left to be told.
    if let Ok(mut control) = control_socket()
        && let Err(Failed(code, why)) = serve(&mut control)
    {
        let mut payload = vec![code];
        payload.extend_from_slice(why.as_bytes());
        let _ = send(&mut control, FAILED, &payload);
    }
    ExitCode::from(NOT_TRIED)
}

fn serve(control: &mut UnixStream) -> Result<(), Failed> {
    let request = receive(control).map_err(|e| told("the request can't be read", e))?;
    let senseless = || Failed(NOT_TRIED, "the request makes no sense; this is a bug of glass".to_owned());
    let lists = Parts::read(&request.payload).filter(|_| request.letter == REQUEST);
    let lists = lists.ok_or_else(senseless)?;
    let ([program, args, env, directory, user], Ok(streams)) =
        (&lists[..], <[OwnedFd; 3]>::try_from(request.descriptors))
    else {
        return Err(senseless());
    };
    let ([program], [directory]) = (&program[..], &directory[..]) else { return Err(senseless()) };
    match user[..] {
        [] => {}
        [name, uid, gid] => {
            let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
            let (uid, gid) = number(uid).zip(number(gid)).ok_or_else(senseless)?;
            become_user(&Identity { name, uid, gid })?;
        }
        _ => return Err(senseless()),
    }
    let moved = std::env::set_current_dir(OsStr::from_bytes(directory)).is_err();
    if moved {
        std::env::set_current_dir("/").map_err(|e| told("can't go to /", e))?;
    }
    SigSet::empty().thread_set_mask().map_err(|e| told("signals stay blocked", e.into()))?;
    send(control, READY, &[u8::from(moved)]).map_err(|e| told("the gate can't be reached", e))?;
    // The end of the socket means that the keeper died or thought better of it.
    let gate = receive(control).map_err(|e| told("the gate never opened", e))?;
    if gate.letter != GATE {
        return Err(senseless());
    }
    let [stdin, stdout, stderr] = streams;
    rustix::stdio::dup2_stdin(&stdin)
        .and_then(|()| rustix::stdio::dup2_stdout(&stdout))
        .and_then(|()| rustix::stdio::dup2_stderr(&stderr))
        .map_err(|e| told("its streams can't be set", e.into()))?;
    drop((stdin, stdout, stderr));
    let error = execute(program, args, env);
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
    Err(Failed(code, told(&escape(&String::from_utf8_lossy(program)), error)))
}

/// The command takes over this process; the standard library gives it default signals, and looks
/// for a bare name on the `PATH` among its variables.
#[allow(clippy::disallowed_methods)] // The other place where a target program begins: a person's own.
fn execute(program: &[u8], args: &[&[u8]], env: &[&[u8]]) -> io::Error {
    let variables = env.chunks_exact(2).map(|pair| (OsStr::from_bytes(pair[0]), OsStr::from_bytes(pair[1])));
    Command::new(OsStr::from_bytes(program))
        .args(args.iter().map(|arg| OsStr::from_bytes(arg)))
        .env_clear()
        .envs(variables)
        .exec()
}
