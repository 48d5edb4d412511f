//! The waiting half: what this binary does when glass starts it as `__spawn`.
//!
//! Standard input is the *control socket*. Over it come the request and then one byte, the
//! gate; back go one byte, "ready", or the reason why not. The socket is closed by the
//! kernel when the target program takes over, so a reason that arrives is proof that it
//! never did, and nothing that the target prints can look like one.
//!
//! It serves nobody but the glass that started it: both ends of the socket must belong to the
//! same user and its maker must be the parent. Without that, a `sudo glass` rule would let
//! anyone run anything as root.

use super::request::{Identity, Request};
use crate::core::text::escape;
use nix::sys::signal::SigSet;
use nix::unistd::{Gid, Uid, initgroups, setgid, setuid};
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use zeroize::Zeroizing;

/// To glass: all is set up; open the gate.
pub(super) const READY: u8 = b'R';
/// To glass: what follows is the reason why the program did not start.
pub(super) const FAILED: u8 = b'F';
/// From glass: begin.
pub(super) const GATE: u8 = b'G';

/// Exit code of a waiting half that was not started by glass, or that could not start its
/// program; nobody concludes anything from it.
const USELESS: u8 = 127;

/// Waits at the gate and becomes the command. Returns only where it could not.
///
/// `main` calls this before anything else when the first argument is [`SPAWN`](super::SPAWN).
pub fn become_command() -> ExitCode {
    // The parent may be gone by now; then nobody is left to be told.
    if let Ok(mut control) = control_socket()
        && let Err(reason) = serve(&mut control)
    {
        let mut message = vec![FAILED];
        message.extend_from_slice(reason.as_bytes());
        let _ = control.write_all(&message);
    }
    ExitCode::from(USELESS)
}

/// Takes the control socket off standard input, and lets go of all other descriptors.
pub(super) fn control_socket() -> io::Result<UnixStream> {
    let foreign: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in foreign {
        // The listing's own descriptor is among them, and closed already.
        let _ = nix::unistd::close(fd);
    }

    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let maker = rustix::net::sockopt::socket_peercred(&control)?;
    if maker.uid != rustix::process::geteuid() || Some(maker.pid) != rustix::process::getppid() {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(control)
}

/// Everything up to the program's start; comes back only with the reason why it did not.
fn serve(control: &mut UnixStream) -> Result<(), String> {
    withdraw()?;
    let frame = read_frame(control).map_err(|e| told("the request can't be read", e))?;
    let request = Request::decode(&frame).ok_or("the request makes no sense; this is a bug of glass")?;
    let stdin = stdin(request.stdin).map_err(|e| told("standard input can't be made", e))?;
    settle(&request)?;

    control.write_all(&[READY]).map_err(|e| told("the gate can't be reached", e))?;
    let mut gate = [0];
    // The end of the socket means that glass died or thought better of it.
    control.read_exact(&mut gate).map_err(|e| told("the gate never opened", e))?;
    if gate != [GATE] {
        return Err("the gate never opened".to_owned());
    }
    rustix::stdio::dup2_stdin(&stdin).map_err(|e| told("standard input can't be set", e.into()))?;
    Err(told(&escape(&program(&request).to_string_lossy()), execute(&request)))
}

fn read_frame(control: &mut UnixStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let mut frame = Zeroizing::new(vec![0; u32::from_le_bytes(length) as usize]);
    control.read_exact(&mut frame)?;
    Ok(frame)
}

/// An unnamed file in memory: it needs nobody to feed it, however little the program reads.
fn stdin(bytes: Option<&[u8]>) -> io::Result<OwnedFd> {
    let Some(bytes) = bytes else {
        return Ok(rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?);
    };
    let flags = MemfdFlags::CLOEXEC;
    let file = match rustix::fs::memfd_create("stdin", flags | MemfdFlags::NOEXEC_SEAL) {
        // Kernels before 6.3 don't know the seal; later ones may insist on it.
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create("stdin", flags)?,
        other => other?,
    };
    let mut file = File::from(file);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// Away from terminal, directory and core dumps, before any secret is read.
fn withdraw() -> Result<(), String> {
    rustix::process::setsid().map_err(|e| told("no session of its own", e.into()))?;
    // A glass that asks or opens holds signals back; the command must not inherit that.
    SigSet::empty().thread_set_mask().map_err(|e| told("signals stay blocked", e.into()))?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    std::env::set_current_dir("/").map_err(|e| told("can't go to /", e))?;
    bar_core_dumps().map_err(|e| told("core dumps can't be barred", e))
}

/// From now on no core of this process or its children is written: it may hold a secret (P9).
///
/// # Errors
/// The system refuses.
pub fn bar_core_dumps() -> io::Result<()> {
    // One byte: too small for any dump, and unlike 0 it stops one that is piped to a
    // program as well (core(5), `core_pattern`).
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    match rustix::process::setrlimit(Resource::Core, none) {
        // sudo or an administrator has set 0 for good, and even 1 would be more than that. A dump
        // to a program is then stopped by the process's own flag, which its children don't have.
        Err(Errno::PERM) if rustix::process::getrlimit(Resource::Core).maximum == Some(0) => {
            Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
        }
        set => Ok(set?),
    }
}

/// User and death signal, in this order: a change of user clears the signal.
fn settle(request: &Request<'_>) -> Result<(), String> {
    startable(program(request))?;
    if let Some(identity) = &request.identity {
        become_user(identity)?;
    }
    if request.bound {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|e| told("no death signal", e.into()))?;
    }
    Ok(())
}

pub(super) fn become_user(identity: &Identity<'_>) -> Result<(), String> {
    let name = CString::new(identity.name).map_err(|_| "a user's name holds a NUL byte")?;
    let gid = Gid::from_raw(identity.gid);
    initgroups(&name, gid)
        .and_then(|()| setgid(gid))
        .and_then(|()| setuid(Uid::from_raw(identity.uid)))
        .map_err(|e| told(&format!("can't become {}", escape(&name.to_string_lossy())), e.into()))
}

/// Refuses what is neither a binary nor a script with `#!`: for such a file the C library
/// would fall back to a shell.
fn startable(program: &OsStr) -> Result<(), String> {
    let shown = escape(&program.to_string_lossy());
    let mut start = [0; 4];
    match File::open(Path::new(program)).and_then(|mut file| file.read_exact(&mut start)) {
        Ok(()) if start.starts_with(b"#!") || &start == b"\x7fELF" => Ok(()),
        // A program that may be run but not read: the shell could not read it either.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => Err(told(&shown, e)),
        _ => Err(format!("{shown}: neither a binary nor a script that begins with `#!`")),
    }
}

fn program<'a>(request: &Request<'a>) -> &'a OsStr {
    OsStr::from_bytes(request.program)
}

/// The target takes over this process; the standard library gives it default signals.
#[allow(clippy::disallowed_methods)] // The one place where a target program begins.
fn execute(request: &Request<'_>) -> io::Error {
    Command::new(program(request))
        .args(request.args.iter().map(|arg| OsStr::from_bytes(arg)))
        .env_clear()
        .envs(request.env.iter().map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value))))
        .exec()
}

pub(super) fn told(what: &str, error: io::Error) -> String {
    format!("{what}: {error}")
}
