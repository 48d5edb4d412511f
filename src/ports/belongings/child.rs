//! The child's half: it becomes the person, and only then hears what it is to do.
//!
//! Whom it becomes it takes from nobody but sudo (`SUDO_UID`), so that `sudo glass __as-person`,
//! run by hand, can do nothing that its caller could not do without sudo.

use super::message::{Act, Request, answer, take_pieces};
use super::{Account, SUDO_UID, acts};
use nix::unistd::{Gid, Uid, initgroups, setgid, setuid};
use rustix::fs::Mode;
use rustix::process::Signal;
use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;
use zeroize::Zeroizing;

/// Becomes the person, and does what it is asked over its standard input, a socket.
///
/// `main` calls this before anything else when the first argument is
/// [`AS_PERSON`](super::AS_PERSON).
pub fn become_person() -> ExitCode {
    // The parent sees that the socket ends without an answer; nobody else is to be told.
    match drop_rights().and_then(|()| serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Gives up root's rights for the person's; nothing of the person's was looked at before.
fn drop_rights() -> io::Result<()> {
    let account = caller().and_then(|uid| Account::of(&uid).ok());
    let account = account.ok_or(io::ErrorKind::PermissionDenied)?;
    // Ctrl-C at the terminal is glass's to hear; the person's other processes have none of it.
    rustix::process::setsid()?;
    become_account(account)
}

/// The same where there is a caller of sudo; without one, the person has run glass, and stays.
pub(super) fn drop_rights_to_caller() -> io::Result<()> {
    match caller() {
        None => Ok(()),
        Some(uid) => become_account(Account::of(&uid).map_err(|_| io::ErrorKind::PermissionDenied)?),
    }
}

fn become_account(account: Account) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    let name = CString::new(account.name).map_err(io::Error::other)?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    initgroups(&name, gid)?;
    setgid(gid)?;
    setuid(uid)?;
    let are_dropped = [Uid::current(), Uid::effective()] == [uid; 2] && (uid.is_root() || !can_return());
    if are_dropped { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether root's rights could be taken back.
fn can_return() -> bool {
    setuid(Uid::from_raw(0)).is_ok()
}

// Its own process, started for this one thing: the variable is its only argument.
#[allow(clippy::disallowed_methods)]
fn caller() -> Option<String> {
    std::env::var(SUDO_UID).ok()
}

fn serve() -> io::Result<()> {
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let request = Request::receive(&mut control)?;
    if request.act != Act::WriteNew {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    let result = match request.act {
        Act::Read => acts::read(&request.path, usize::try_from(request.number).unwrap_or(0)),
        Act::KeyFiles => Ok(names(&request)),
        Act::AskAgent => {
            let time_out = Duration::from_millis(request.number);
            acts::ask_agent(&request.path, &request.bytes, time_out).map(Zeroizing::new)
        }
        // Should glass die meanwhile, the socket ends, and what is half written is removed.
        Act::WriteNew => return write_new(&request, &mut control),
    };
    answer(&mut control, &result)
}

/// Each path with a NUL byte after it, which no path holds.
fn names(request: &Request) -> Zeroizing<Vec<u8>> {
    let mut names = Vec::new();
    for path in acts::key_files(&request.path) {
        names.extend(path.as_os_str().as_bytes());
        names.push(0);
    }
    Zeroizing::new(names)
}

/// Answers twice, once the file is made and once it is on disk; a failure is the last answer.
fn write_new(request: &Request, control: &mut UnixStream) -> io::Result<()> {
    let result = acts::write_new(&request.path, |file| {
        answer(control, &Ok(Zeroizing::default()))?;
        take_pieces(control, file)
    });
    answer(control, &result.map(|()| Zeroizing::default()))
}
