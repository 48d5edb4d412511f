//! What belongs to the person at the keyboard: the files they name, their `~/.ssh`, their agent.
//!
//! No path of a person is opened anywhere else, and none with more rights than that person has:
//! under sudo every act is done by a child of glass that has become the caller of sudo before it
//! looks at the path (DESIGN 4: glass is nobody's deputy). The child hands over bytes, never a
//! descriptor: what root reads or writes through a descriptor that somebody else opened may be
//! granted because it is root. For the same reason the agent is spoken to by the child.
//!
//! The bytes of a key file do come into glass: there they are out of reach of everything else
//! that runs as that person, and the passphrase is typed to glass alone.

mod acts;
mod child;
mod keygen;
mod message;
mod parent;

pub use acts::MALFORMED;
pub use child::become_person;
pub use keygen::{Ended, KEYGEN, Keygen, Signing, become_keygen};

use nix::unistd::{Uid, User};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The hidden first argument that makes this binary the child that acts as the person.
pub const AS_PERSON: &str = "__as-person";

/// The variable by which sudo names its caller, and glass tells its child.
const SUDO_UID: &str = "SUDO_UID";

/// The way to what a person owns: whose rights count when their paths are opened.
#[derive(Clone, Debug)]
pub struct Belongings(Reach);

#[derive(Clone, Debug)]
enum Reach {
    /// The person is who runs glass.
    Own,
    /// The person called sudo.
    Caller(Account),
    /// Somebody called sudo whom this host does not know: nothing is theirs.
    Nobody(String),
}

/// A user as the system's user database has it.
#[derive(Clone, Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

impl Account {
    /// The user of this id in decimal digits; the reason, inert, where there is none.
    fn of(uid: &str) -> Result<Self, String> {
        let is_number = !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_digit());
        let number = uid.parse::<u32>().ok().filter(|number| is_number && *number != u32::MAX);
        let shown = crate::core::text::escape(uid);
        let number = number.ok_or_else(|| format!("{SUDO_UID} is `{shown}`, which is no user id"))?;
        match User::from_uid(Uid::from_raw(number)) {
            Ok(Some(user)) => {
                Ok(Self { name: user.name, uid: number, gid: user.gid.as_raw(), home: user.dir })
            }
            Ok(None) => Err(format!("the user id {number} that called sudo is not known here")),
            Err(error) => Err(format!("the user id {number} that called sudo can't be looked up: {error}")),
        }
    }
}

impl Belongings {
    /// Of whoever runs glass; or, with what `SUDO_UID` says, of the caller of sudo.
    pub fn of(sudo_uid: Option<&str>) -> Self {
        Self(match sudo_uid.map(Account::of) {
            None => Reach::Own,
            Some(Ok(account)) => Reach::Caller(account),
            Some(Err(reason)) => Reach::Nobody(reason),
        })
    }

    /// Name and user id of the caller of sudo, by the system's user database.
    pub fn caller(&self) -> Option<(&str, u32)> {
        match &self.0 {
            Reach::Caller(account) => Some((&account.name, account.uid)),
            Reach::Own | Reach::Nobody(_) => None,
        }
    }

    /// Where the keys of the caller of sudo are looked for.
    pub fn caller_ssh_directory(&self) -> Option<PathBuf> {
        match &self.0 {
            Reach::Caller(account) => Some(account.home.join(".ssh")),
            Reach::Own | Reach::Nobody(_) => None,
        }
    }

    /// Reads a whole file of at most `cap` bytes. The buffer never grows, and is wiped.
    ///
    /// # Errors
    /// As the system refuses the person; [`io::ErrorKind::FileTooLarge`] beyond `cap`.
    pub fn read(&self, path: &Path, cap: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        match &self.0 {
            Reach::Own => acts::read(path, cap),
            Reach::Caller(account) => parent::read(account, path, cap),
            Reach::Nobody(reason) => Err(nobody(reason)),
        }
    }

    /// Writes a file that must not exist yet, 0600, and returns once it is on disk.
    ///
    /// # Errors
    /// As the system refuses the person; what was half written is removed.
    pub fn write_new(&self, path: &Path, source: &mut dyn Read) -> io::Result<()> {
        match &self.0 {
            Reach::Own => acts::write_new(path, |file| io::copy(source, file).map(|_| ())),
            Reach::Caller(account) => parent::write_new(account, path, source),
            Reach::Nobody(reason) => Err(nobody(reason)),
        }
    }

    /// The private key files of a directory: `id_ed25519`, then all that have a `.pub` beside
    /// them, by name. A directory that is missing or closed to the person has none.
    pub fn key_files(&self, directory: &Path) -> Vec<PathBuf> {
        match &self.0 {
            Reach::Own => acts::key_files(directory),
            Reach::Caller(account) => parent::key_files(account, directory).unwrap_or_default(),
            Reach::Nobody(_) => Vec::new(),
        }
    }

    /// The person's `ssh-keygen`: `program` was judged, `home` is that of whoever runs glass,
    /// `provider` what `SSH_SK_PROVIDER` says.
    pub fn keygen(&self, program: &Path, home: Option<&Path>, provider: Option<&OsStr>) -> Keygen {
        Keygen::new(&self.0, program, home, provider)
    }

    /// Sends one message to the agent behind a socket; gives its answer. [`MALFORMED`] is the
    /// system's error code of an answer that is none.
    ///
    /// # Errors
    /// Nobody listens, or does not answer in time.
    pub fn ask_agent(&self, socket: &Path, message: &[u8], time_out: Duration) -> io::Result<Vec<u8>> {
        match &self.0 {
            Reach::Own => acts::ask_agent(socket, message, time_out),
            Reach::Caller(account) => parent::ask_agent(account, socket, message, time_out),
            Reach::Nobody(reason) => Err(nobody(reason)),
        }
    }
}

fn nobody(reason: &str) -> io::Error {
    io::Error::other(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_called_sudo_is_a_known_user_or_nobody() {
        let root = Belongings::of(Some("0"));
        assert_eq!(root.caller(), Some(("root", 0)));
        for garbled in ["", "-1", "+0", " 0", "0 ", "4294967295", "4294967296", "root", "0\u{1b}[2J"] {
            let belongings = Belongings::of(Some(garbled));
            assert_eq!(belongings.caller(), None, "{garbled:?}");
            assert_eq!(belongings.caller_ssh_directory(), None);
            let error = belongings.read(Path::new("/etc/passwd"), 1 << 20).unwrap_err().to_string();
            assert!(error.contains("SUDO_UID is `") && !error.contains('\u{1b}'), "{error}");
            assert!(belongings.write_new(Path::new("/nonexistent/x"), &mut &b""[..]).is_err());
            assert!(belongings.key_files(Path::new("/")).is_empty());
            assert!(belongings.ask_agent(Path::new("/x"), &[], Duration::from_secs(1)).is_err());
        }
        assert!(Belongings::of(None).read(Path::new("/etc/passwd"), 1 << 20).is_ok());
    }
}
