//! The private directory of a prompt hook (P13): the shell's files, and the FIFO that it tells.
//!
//! It belongs to the session's user, who must be able to read it; what that user puts in its
//! place is never followed, because every step after the first goes by descriptor. Nothing in it
//! is a secret. A FIFO that nobody empties holds 64 KiB, then its shell waits: whoever has the
//! directory reads it.

use crate::core::id::SessionId;
use crate::core::session::hook::{FIFO, Hook, NAMES, Parser, Report};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::runtime::DIRECTORY;

/// A place for such directories: on some systems root made it a symlink.
const PARENT: OFlags = DIRECTORY.difference(OFlags::NOFOLLOW);
const PREFIX: &str = "glass-hook-";
/// Most bytes that are read at once: what a FIFO holds.
const MOST: usize = 64 * 1024;

/// One that exists, until it is dropped.
#[derive(Debug)]
pub struct HookDir {
    path: PathBuf,
    /// The directory that it is in.
    parent: OwnedFd,
    directory: OwnedFd,
    fifo: OwnedFd,
    args: Vec<String>,
    env: Vec<(String, String)>,
    parser: Parser,
}

impl HookDir {
    /// For a session of this shell, by its file name; nothing for one without a hook. `user` (uid and gid) is
    /// who will run it, where that is not who runs glass; only root can name another.
    ///
    /// # Errors
    /// None of `/run/user/UID`, `/dev/shm` and `/tmp` takes it: the last one's reason.
    pub fn make(session: &SessionId, shell: &str, user: Option<(u32, u32)>) -> io::Result<Option<Self>> {
        if Hook::of(shell, Path::new("/")).is_none() {
            return Ok(None);
        }
        let uid = user.map_or_else(|| geteuid().as_raw(), |(uid, _)| uid);
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        for parent in parents(uid) {
            match Self::make_in(&parent, session, shell, user) {
                Ok(made) => return Ok(made),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn make_in(
        parent: &Path,
        session: &SessionId,
        shell: &str,
        user: Option<(u32, u32)>,
    ) -> io::Result<Option<Self>> {
        let name = format!("{PREFIX}{session}");
        let path = parent.join(&name);
        let Some(hook) = Hook::of(shell, &path) else { return Ok(None) };
        let parent = rustix::fs::open(parent, PARENT, Mode::empty())?;
        rustix::fs::mkdirat(&parent, &name, Mode::RWXU)?;
        let filled = open_new(&parent, &name).and_then(|directory| {
            let fifo = fill(&directory, &hook, user).inspect_err(|_| empty(&directory))?;
            Ok((directory, fifo))
        });
        match filled {
            Ok((directory, fifo)) => {
                let Hook { args, env, .. } = hook;
                Ok(Some(Self { path, parent, directory, fifo, args, env, parser: Parser::new() }))
            }
            Err(error) => {
                // It is empty again; what is left of it is a name.
                let _ = rustix::fs::unlinkat(&parent, &name, AtFlags::REMOVEDIR);
                Err(error)
            }
        }
    }

    /// Where it is; whoever closes the session finds it by that session's id.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Arguments that the shell gets before all others.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Variables that the shell gets; it takes them out of its environment itself.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// What was told since the last call. Never waits.
    pub fn reports(&mut self) -> Vec<Report> {
        let mut bytes = vec![0; MOST];
        loop {
            return match rustix::io::read(&self.fifo, &mut bytes) {
                Ok(length) => self.parser.push(&bytes[..length]),
                Err(Errno::INTR) => continue,
                // Nothing there: we write to it ourselves, as far as it knows, so it never ends.
                Err(_) => Vec::new(),
            };
        }
    }

    /// The one of a session that no plan names, wherever it was made.
    pub fn find(session: &SessionId) -> Option<PathBuf> {
        let users = std::fs::read_dir("/run/user").into_iter().flatten().flatten();
        let uids = users.filter_map(|user| user.file_name().to_str()?.parse().ok());
        let places = uids.chain([0]).flat_map(parents);
        places
            .map(|parent| parent.join(format!("{PREFIX}{session}")))
            .find(|path| path.symlink_metadata().is_ok())
    }

    /// Removes one that a crash left behind; nothing where there is none. `path` may come from
    /// anywhere: only a directory that such a name is given to is touched, and in it only what
    /// glass puts there.
    ///
    /// # Errors
    /// It is not one, or something else lies in it.
    pub fn remove_left(path: &Path) -> io::Result<()> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().filter(|name| is_ours(name)))
        else {
            return Err(not_ours());
        };
        if !is_parent(parent) {
            return Err(not_ours());
        }
        let parent = match rustix::fs::open(parent, PARENT, Mode::empty()) {
            Ok(parent) => parent,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let directory = match rustix::fs::openat(&parent, name, DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        empty(&directory);
        Ok(rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
    }
}

impl AsFd for HookDir {
    /// The FIFO: readable when something was told.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fifo.as_fd()
    }
}

impl Drop for HookDir {
    fn drop(&mut self) {
        empty(&self.directory);
        // rmdir(2) removes no directory with anything in it, whoever it belongs to by now.
        if let Some(name) = self.path.file_name() {
            let _ = rustix::fs::unlinkat(&self.parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Where one may be, best first.
fn parents(uid: u32) -> [PathBuf; 3] {
    [format!("/run/user/{uid}").into(), "/dev/shm".into(), "/tmp".into()]
}

fn is_parent(path: &Path) -> bool {
    let uid = path.strip_prefix("/run/user").ok().and_then(Path::to_str).and_then(|uid| uid.parse().ok());
    // Exactly as written: `..` and the like are no names of ours.
    parents(uid.unwrap_or(0)).iter().any(|parent| parent.as_os_str() == path.as_os_str())
}

fn is_ours(name: &OsStr) -> bool {
    let session = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    session.is_some_and(|session| session.parse::<SessionId>().is_ok())
}

fn not_ours() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "this is not the directory of a prompt hook")
}

/// Opens what was made just now. The parent may be the user's own, who could put another in its place.
fn open_new(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let directory = rustix::fs::openat(parent, name, DIRECTORY, Mode::empty())?;
    let (status, above) = (rustix::fs::fstat(&directory)?, rustix::fs::fstat(parent)?);
    if status.st_uid != geteuid().as_raw()
        || Mode::from_raw_mode(status.st_mode) != Mode::RWXU
        || status.st_dev != above.st_dev
    {
        return Err(io::Error::other("somebody put another directory in its place"));
    }
    Ok(directory)
}

/// The files and the FIFO, which comes back open. Only once all is there does it become the user's.
fn fill(directory: &OwnedFd, hook: &Hook, user: Option<(u32, u32)>) -> io::Result<OwnedFd> {
    let mode = Mode::RUSR | Mode::WUSR;
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut files = Vec::new();
    for (name, content) in &hook.files {
        let mut file = File::from(rustix::fs::openat(directory, *name, new, mode)?);
        file.write_all(content.as_bytes())?;
        files.push(file);
    }
    rustix::fs::mknodat(directory, FIFO, FileType::Fifo, mode, 0)?;
    let both = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fifo = rustix::fs::openat(directory, FIFO, both, Mode::empty())?;
    if let Some((uid, gid)) = user {
        let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        for file in &files {
            rustix::fs::fchown(file, owner.0, owner.1)?;
        }
        rustix::fs::fchown(&fifo, owner.0, owner.1)?;
        rustix::fs::fchown(directory, owner.0, owner.1)?;
    }
    Ok(fifo)
}

/// Removes what glass puts there. What can't be removed keeps the directory, and rmdir(2) says so.
fn empty(directory: &OwnedFd) {
    for name in NAMES {
        let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::Nonce;
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};

    fn session() -> SessionId {
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        SessionId::of(&Nonce::new(random))
    }

    fn made(shell: &str) -> HookDir {
        HookDir::make(&session(), shell, None).unwrap().unwrap()
    }

    /// A name that nobody else has, in a place for hooks.
    fn name() -> PathBuf {
        let left = made("bash").path().to_owned();
        assert!(!left.exists());
        left
    }

    #[test]
    fn p13_a_hook_is_private_and_leaves_nothing_behind() {
        for shell in ["bash", "zsh", "fish"] {
            let hook = made(shell);
            let path = hook.path().to_owned();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
            for entry in fs::read_dir(&path).unwrap() {
                assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o7777 & !0o600, 0);
            }
            assert!(fs::metadata(path.join(FIFO)).unwrap().file_type().is_fifo());
            drop(hook);
            assert!(!path.exists());
        }
        assert!(HookDir::make(&session(), "dash", None).unwrap().is_none());
    }

    #[test]
    fn p13_what_is_told_is_read_and_nobody_waits() {
        let mut hook = made("bash");
        assert_eq!(hook.reports(), []);
        fs::write(hook.path().join(FIFO), b"\x01d\x027\x023\0").unwrap();
        assert_eq!(hook.reports(), [Report::Done { shell: 7, exit: 3 }]);
        assert_eq!(hook.reports(), []);
    }

    #[test]
    fn p13_it_becomes_the_users_as_a_whole() {
        if !geteuid().is_root() {
            return;
        }
        let hook = HookDir::make(&session(), "zsh", Some((65534, 65534))).unwrap().unwrap();
        let owner = |path: &Path| fs::metadata(path).map(|m| (m.uid(), m.gid())).unwrap();
        for name in ["", FIFO, ".zshenv"] {
            assert_eq!(owner(&hook.path().join(name)), (65534, 65534), "{name}");
        }
    }

    #[test]
    fn p13_one_left_by_a_crash_is_removed() {
        let session = session();
        let hook = HookDir::make(&session, "fish", None).unwrap().unwrap();
        let path = hook.path().to_owned();
        std::mem::forget(hook);
        assert_eq!(HookDir::find(&session).as_ref(), Some(&path));
        HookDir::remove_left(&path).unwrap();
        assert!(!path.exists());
        HookDir::remove_left(&path).unwrap();
    }

    #[test]
    fn p13_nothing_else_is_removed_whatever_the_name() {
        let victim = tempfile::tempdir().unwrap();
        fs::write(victim.path().join(FIFO), "").unwrap();
        // A link under the right name is not followed.
        let link = name();
        symlink(victim.path(), &link).unwrap();
        assert!(HookDir::remove_left(&link).is_err());
        fs::remove_file(&link).unwrap();
        // A stranger's file keeps the directory.
        let full = name();
        fs::create_dir(&full).unwrap();
        fs::write(full.join("precious"), "").unwrap();
        symlink(victim.path(), full.join("bashrc")).unwrap();
        assert!(HookDir::remove_left(&full).is_err());
        assert!(full.join("precious").exists());
        fs::remove_dir_all(&full).unwrap();
        // Names that are not ours.
        let ours = link.file_name().unwrap().to_str().unwrap();
        for other in [
            victim.path().to_owned(),
            victim.path().join(ours),
            format!("/tmp/../tmp/{ours}").into(),
            format!("/run/user/../../tmp/{ours}").into(),
            format!("/tmp/{}", &ours[1..]).into(),
            format!("/tmp/{ours}0").into(),
            format!("/tmp/{PREFIX}").into(),
            ours.into(),
            "/".into(),
        ] {
            let error = HookDir::remove_left(&other).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", other.display());
        }
        assert!(victim.path().join(FIFO).exists());
    }
}
