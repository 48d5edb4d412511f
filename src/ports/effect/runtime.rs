//! Secrets at rest (P9): a private directory on a proven tmpfs, one sub-directory a grant,
//! wiped at closing.
//!
//! Every directory is held open and judged through its descriptor, never by its name again.

use crate::core::id::GrantId;
use crate::core::text::escape;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatFs};
use rustix::io::Errno;
use secrecy::{ExposeSecret, SecretString};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS: u32 = 0x0102_1994;

/// A directory that is opened and not followed.
const DIRECTORY: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// Only the owner.
const PRIVATE: Mode = Mode::RWXU;

/// No place for secrets: a scope that holds any is refused.
#[derive(Debug, thiserror::Error)]
#[error("no private tmpfs for secrets ({0}); mount a tmpfs on /run or /dev/shm")]
pub struct NoTmpfs(String);

/// What can go wrong with a stored secret. Never names its value.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The file or directory can't be used.
    #[error("{path}: {cause}")]
    File {
        /// Where, made inert.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// `wipe` was pointed at something else.
    #[error(
        "{0} is not the runtime directory of a grant, so it was not wiped; remove it by hand if it holds secrets"
    )]
    NotOurs(String),
    /// A step or output whose name is not a plain name.
    #[error("`{0}` can't be part of a file name")]
    Name(String),
}

/// The private directory, proved: tmpfs, owned by this user, mode 0700, no symlink.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
    directory: OwnedFd,
}

impl RuntimeDir {
    /// The first that can be proved of `/run/user/UID/glass`, `/run/glass` (root alone) and
    /// `/dev/shm/glass-UID`; made where missing. `uid` is the user who runs glass.
    ///
    /// # Errors
    /// None can: every reason is named.
    pub fn choose(uid: u32) -> Result<Self, NoTmpfs> {
        Self::choose_below(Path::new("/"), uid)
    }

    fn choose_below(root: &Path, uid: u32) -> Result<Self, NoTmpfs> {
        let mut candidates = vec![root.join(format!("run/user/{uid}/glass"))];
        candidates.extend((uid == 0).then(|| root.join("run/glass")));
        candidates.push(root.join(format!("dev/shm/glass-{uid}")));
        let mut reasons = Vec::new();
        for path in candidates {
            match Self::make(&path, uid) {
                Ok(chosen) => return Ok(chosen),
                Err(cause) => reasons.push(format!("{}: {cause}", escape(&path.to_string_lossy()))),
            }
        }
        Err(NoTmpfs(reasons.join("; ")))
    }

    fn make(path: &Path, uid: u32) -> io::Result<Self> {
        match rustix::fs::mkdirat(CWD, path, PRIVATE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let directory = prove(CWD, path, uid)?;
        Ok(Self { path: path.to_owned(), directory })
    }

    /// Where it is: recorded in the close plan.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a grant's secrets lie: what [`wipe`] takes.
    pub fn of_grant(&self, grant: &GrantId) -> PathBuf {
        self.path.join(grant.as_str())
    }

    /// Keeps one output of a step, and says in which file. Never replaces one.
    ///
    /// # Errors
    /// It is there already, or can't be written whole: then nothing of it stays.
    pub fn store(
        &self,
        grant: &GrantId,
        step: &str,
        output: &str,
        secret: &SecretString,
    ) -> Result<PathBuf, RuntimeError> {
        let name = file_name(step, output)?;
        let path = self.of_grant(grant).join(&name);
        self.write(grant, &name, secret).map_err(|cause| failed(&path, cause))?;
        Ok(path)
    }

    fn write(&self, grant: &GrantId, name: &str, secret: &SecretString) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.directory, grant.as_str(), PRIVATE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let directory = self.grant_directory(grant)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        let written = File::from(file).write_all(secret.expose_secret().as_bytes());
        if written.is_err() {
            rustix::fs::unlinkat(&directory, name, AtFlags::empty())?;
        }
        written
    }

    /// The stored output; nothing where there is none (any more).
    ///
    /// # Errors
    /// The file can't be read, or is no text.
    pub fn read(
        &self,
        grant: &GrantId,
        step: &str,
        output: &str,
    ) -> Result<Option<SecretString>, RuntimeError> {
        let name = file_name(step, output)?;
        match self.read_file(grant, &name) {
            Ok(secret) => Ok(Some(secret)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed(&self.of_grant(grant).join(&name), cause)),
        }
    }

    fn read_file(&self, grant: &GrantId, name: &str) -> io::Result<SecretString> {
        let directory = self.grant_directory(grant)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = File::from(rustix::fs::openat(&directory, name, flags, Mode::empty())?);
        let mut text = Zeroizing::new(String::with_capacity(file.metadata()?.len() as usize + 1));
        file.read_to_string(&mut text)?;
        Ok(SecretString::from(text.as_str()))
    }

    fn grant_directory(&self, grant: &GrantId) -> io::Result<OwnedFd> {
        prove(&self.directory, Path::new(grant.as_str()), rustix::process::geteuid().as_raw())
    }
}

/// Opens a directory and proves all that is claimed of it.
fn prove(below: impl AsFd, path: &Path, uid: u32) -> io::Result<OwnedFd> {
    let directory = rustix::fs::openat(below, path, DIRECTORY, Mode::empty())?;
    let status = rustix::fs::fstat(&directory)?;
    if status.st_uid != uid {
        return Err(io::Error::other("belongs to another user"));
    }
    if Mode::from_raw_mode(status.st_mode) != PRIVATE {
        return Err(io::Error::other("is not mode 0700"));
    }
    if !is_tmpfs(&rustix::fs::fstatfs(&directory)?) {
        return Err(io::Error::other("is not on a tmpfs"));
    }
    Ok(directory)
}

fn is_tmpfs(fs: &StatFs) -> bool {
    // The field's type differs between architectures; the magic number has 32 bits in all.
    fs.f_type as u32 == TMPFS
}

fn file_name(step: &str, output: &str) -> Result<String, RuntimeError> {
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match [step, output].into_iter().find(|name| !plain(name)) {
        Some(name) => Err(RuntimeError::Name(escape(name))),
        None => Ok(format!("{step}.{output}")),
    }
}

/// Overwrites and removes a grant's secrets: the directory that the close plan names.
///
/// Nothing there is success. Everything else than `…/glass/GRANT` or `…/glass-UID/GRANT`
/// below a root that passes the same proof as when it was made is refused. The proof holds
/// for the root's owner, so that root can close for a user.
///
/// # Errors
/// It is something else, or a file in it can't be removed: then it may still hold a secret.
pub fn wipe(path: &Path) -> Result<(), RuntimeError> {
    let not_ours = || RuntimeError::NotOurs(escape(&path.to_string_lossy()));
    let grant: GrantId =
        path.file_name().and_then(|name| name.to_str()?.parse().ok()).ok_or_else(not_ours)?;
    let root = path.parent().filter(|root| is_root_name(root)).ok_or_else(not_ours)?;
    match wipe_below(root, &grant) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(failed(path, cause)),
    }
}

fn is_root_name(root: &Path) -> bool {
    let name = root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let uid = name.strip_prefix("glass-").is_some_and(|uid| uid.parse::<u32>().is_ok());
    root.is_absolute() && (name == "glass" || uid)
}

fn wipe_below(root: &Path, grant: &GrantId) -> io::Result<()> {
    let status = rustix::fs::lstat(root)?;
    let own = rustix::process::geteuid();
    if !own.is_root() && status.st_uid != own.as_raw() {
        return Err(io::Error::other("its root belongs to another user"));
    }
    let root = prove(CWD, root, status.st_uid)?;
    let directory = prove(&root, Path::new(grant.as_str()), status.st_uid)?;
    empty(&directory)?;
    Ok(rustix::fs::unlinkat(&root, grant.as_str(), AtFlags::REMOVEDIR)?)
}

/// Goes on after a failure, so that one stubborn file does not keep the others.
fn empty(directory: &OwnedFd) -> io::Result<()> {
    let mut outcome = Ok(());
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..")
            && let Err(error) = erase(directory, entry.file_name())
        {
            outcome = Err(error);
        }
    }
    outcome
}

fn erase(directory: &OwnedFd, name: &CStr) -> io::Result<()> {
    let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => {
            empty(&rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())?)?;
            return Ok(rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)?);
        }
        FileType::RegularFile => overwrite(directory, name, status.st_size as u64)?,
        _ => {}
    }
    Ok(rustix::fs::unlinkat(directory, name, AtFlags::empty())?)
}

fn overwrite(directory: &OwnedFd, name: &CStr, length: u64) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    Ok(())
}

fn failed(path: &Path, cause: io::Error) -> RuntimeError {
    RuntimeError::File { path: escape(&path.to_string_lossy()), cause }
}
