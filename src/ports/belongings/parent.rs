//! Glass's half: starts the child, asks it one thing, and sees to its end.

use super::message::{Act, Request, hear, send_piece};
use super::{AS_PERSON, Account, SUDO_UID};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a file system of the person's may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a large file may take to reach the disk.
const ON_DISK_WITHIN: Duration = Duration::from_secs(600);
/// How long the child may take to end once it has nothing more to do.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Longest list of key files and longest answer of an agent, bytes.
const LONGEST: u32 = 1 << 20;
/// A file is handed over in pieces of this many bytes.
const PIECE: usize = 64 * 1024;

pub(super) fn read(account: &Account, path: &Path, cap: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let request = Request { number: cap as u64, ..Request::new(Act::Read, path) };
    Person::start(account)?.ask(&request, u32::try_from(cap).unwrap_or(u32::MAX), PATIENCE)
}

pub(super) fn key_files(account: &Account, directory: &Path) -> io::Result<Vec<PathBuf>> {
    let names = Person::start(account)?.ask(&Request::new(Act::KeyFiles, directory), LONGEST, PATIENCE)?;
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}

pub(super) fn ask_agent(
    account: &Account,
    socket: &Path,
    message: &[u8],
    time_out: Duration,
) -> io::Result<Vec<u8>> {
    let number = u64::try_from(time_out.as_millis()).unwrap_or(u64::MAX);
    let request = Request { number, bytes: message.to_vec(), ..Request::new(Act::AskAgent, socket) };
    // The child's own waiting ends first, so that its answer says what it waited for.
    let mut answer = Person::start(account)?.ask(&request, LONGEST, time_out + PATIENCE)?;
    Ok(std::mem::take(&mut *answer))
}

pub(super) fn write_new(account: &Account, path: &Path, source: &mut dyn Read) -> io::Result<()> {
    let mut person = Person::start(account)?;
    person.ask(&Request::new(Act::WriteNew, path), 0, PATIENCE)?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = source.read(&mut piece)?;
        if let Err(error) = send_piece(&mut person.control, &piece[..count]) {
            // Where it stopped listening, it has said why.
            person.control.set_read_timeout(Some(END_WITHIN))?;
            return Err(hear(&mut person.control, 0).err().unwrap_or(error));
        }
        if count == 0 {
            break;
        }
    }
    person.control.set_read_timeout(Some(ON_DISK_WITHIN))?;
    hear(&mut person.control, 0).map(|_| ())
}

/// The child. Dropping it sees to its end.
struct Person {
    child: Child,
    control: UnixStream,
}

impl Person {
    /// Starts it. The working directory is the person's own, as relative paths are meant.
    fn start(account: &Account) -> io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        control.set_write_timeout(Some(PATIENCE))?;
        let child = spawn(theirs.into(), account.uid)?;
        Ok(Self { child, control })
    }

    fn ask(&mut self, request: &Request, longest: u32, patience: Duration) -> io::Result<Zeroizing<Vec<u8>>> {
        self.control.set_read_timeout(Some(patience))?;
        request.send(&mut self.control)?;
        hear(&mut self.control, longest)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // Each of these may find that it has ended already, which is as good.
        let _ = self.control.shutdown(Shutdown::Both);
        let deadline = Instant::now() + END_WITHIN;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// This same binary, with nothing but the name of the person to become.
#[allow(clippy::disallowed_methods)] // Glass itself, and with fewer rights: no permit is needed.
fn spawn(control: OwnedFd, uid: u32) -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("glass")
        .arg(AS_PERSON)
        .env_clear()
        .env(SUDO_UID, uid.to_string())
        .stdin(control)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
