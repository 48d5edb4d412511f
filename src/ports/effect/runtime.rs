//! Secrets at rest (P9): a private directory on a proven tmpfs, one sub-directory a grant,
//! wiped at closing.
//!
//! Every directory is held open and judged through its descriptor, never by its name again.

use crate::core::id::GrantId;
use crate::core::text::escape;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatFs};
use rustix::io::Errno;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS: u32 = 0x0102_1994;

/// A directory that is opened and not followed.
pub(super) const DIRECTORY: OFlags =
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
        let mut reasons = Vec::new();
        for path in candidates(root, uid) {
            match Self::make(&path, uid) {
                Ok(chosen) => return Ok(chosen),
                Err(cause) => reasons.push(format!("{}: {cause}", escape(&path.to_string_lossy()))),
            }
        }
        Err(NoTmpfs(reasons.join("; ")))
    }

    fn make(path: &Path, uid: u32) -> io::Result<Self> {
        let is_new = match rustix::fs::mkdirat(CWD, path, PRIVATE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let proved = prove(CWD, path, uid);
        if is_new && proved.is_err() {
            rustix::fs::unlinkat(CWD, path, AtFlags::REMOVEDIR)?;
        }
        Ok(Self { path: path.to_owned(), directory: proved? })
    }

    /// The one that a close plan names.
    ///
    /// # Errors
    /// It is not there any more, or can't be proved.
    pub fn at(path: &Path, uid: u32) -> io::Result<Self> {
        Ok(Self { directory: prove(CWD, path, uid)?, path: path.to_owned() })
    }

    /// Where it is: recorded in the close plan.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a grant's secrets lie: what [`wipe`](super::wipe()) takes.
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

/// Where something of a grant lies when nothing says where: what [`wipe`](super::wipe()) takes.
///
/// A place with nothing of the grant is left out: it may well be no place for secrets at all.
pub fn places_of_grant(uid: u32, grant: &str) -> Vec<PathBuf> {
    let places = candidates(Path::new("/"), uid).into_iter().map(|candidate| candidate.join(grant));
    places.filter(|place| place.symlink_metadata().is_ok()).collect()
}

fn candidates(root: &Path, uid: u32) -> Vec<PathBuf> {
    let mut candidates = vec![root.join(format!("run/user/{uid}/glass"))];
    candidates.extend((uid == 0).then(|| root.join("run/glass")));
    candidates.push(root.join(format!("dev/shm/glass-{uid}")));
    candidates
}

/// Opens a directory and proves all that is claimed of it.
pub(super) fn prove(below: impl AsFd, path: &Path, uid: u32) -> io::Result<OwnedFd> {
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

pub(super) fn failed(path: &Path, cause: io::Error) -> RuntimeError {
    RuntimeError::File { path: escape(&path.to_string_lossy()), cause }
}

#[cfg(test)]
mod tests {
    use super::super::wipe;
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A stand-in for `/` on a tmpfs, with what a host has of the candidates' parents.
    fn host(parents: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir_in("/dev/shm").unwrap();
        parents.iter().for_each(|parent| fs::create_dir_all(root.path().join(parent)).unwrap());
        root
    }

    fn uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn grant() -> GrantId {
        "g-k3q7x2m5ab".parse().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn p09_the_first_provable_tmpfs_is_chosen() {
        let own = format!("run/user/{}", uid());
        let root = host(&["dev/shm", "run", &own]);
        let chosen = RuntimeDir::choose_below(root.path(), uid()).unwrap();
        assert_eq!(chosen.path(), root.path().join(&own).join("glass"));
        assert_eq!(mode(chosen.path()), 0o700);
        // Again: it is there already.
        assert!(RuntimeDir::choose_below(root.path(), uid()).is_ok());

        let root = host(&["dev/shm"]);
        let chosen = RuntimeDir::choose_below(root.path(), uid()).unwrap();
        assert_eq!(chosen.path(), root.path().join(format!("dev/shm/glass-{}", uid())));
    }

    #[test]
    fn p09_what_is_not_private_or_not_ours_is_no_place_for_secrets() {
        let root = host(&["dev/shm"]);
        let place = root.path().join(format!("dev/shm/glass-{}", uid()));
        fs::create_dir(&place).unwrap();
        for loose in [0o755, 0o770, 0o1700] {
            fs::set_permissions(&place, fs::Permissions::from_mode(loose)).unwrap();
            let error = RuntimeDir::choose_below(root.path(), uid()).unwrap_err().to_string();
            assert!(error.contains("0700") && error.contains("dev/shm"), "{error}");
        }
        fs::remove_dir(&place).unwrap();
        let elsewhere = root.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&elsewhere, &place).unwrap();
        assert!(RuntimeDir::choose_below(root.path(), uid()).is_err(), "a symlink");
        // Made by this user, so not by another.
        let other = host(&["dev/shm"]);
        let error = RuntimeDir::choose_below(other.path(), uid() + 1).unwrap_err().to_string();
        assert!(error.contains("another user"), "{error}");
    }

    #[test]
    fn p09_a_disk_is_no_tmpfs() {
        let disk = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let on = fs::File::open(disk.path()).unwrap();
        assert!(!is_tmpfs(&rustix::fs::fstatfs(&on).unwrap()), "this test needs a checkout on a disk");
        fs::create_dir_all(disk.path().join("dev/shm")).unwrap();
        let error = RuntimeDir::choose_below(disk.path(), uid()).unwrap_err().to_string();
        assert!(error.contains("not on a tmpfs"), "{error}");
    }

    #[test]
    fn p09_a_secret_is_kept_privately_never_replaced_and_wiped() {
        let root = host(&["dev/shm"]);
        let runtime = RuntimeDir::choose_below(root.path(), uid()).unwrap();
        let secret = SecretString::from("s3cret");
        let path = runtime.store(&grant(), "token", "value", &secret).unwrap();
        assert_eq!(path, runtime.of_grant(&grant()).join("token.value"));
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(runtime.store(&grant(), "token", "value", &SecretString::from("other")).is_err());
        let read = runtime.read(&grant(), "token", "value").unwrap().unwrap();
        assert_eq!(read.expose_secret(), "s3cret");
        assert!(runtime.read(&grant(), "token", "none").unwrap().is_none());

        // A second name, to see that the content went before the file did.
        let witness = root.path().join("witness");
        fs::hard_link(&path, &witness).unwrap();
        symlink("/etc/passwd", runtime.of_grant(&grant()).join("link")).unwrap();
        fs::create_dir(runtime.of_grant(&grant()).join("deep")).unwrap();
        fs::write(runtime.of_grant(&grant()).join("deep/er"), "x").unwrap();
        wipe(&runtime.of_grant(&grant())).unwrap();
        assert_eq!(fs::read(&witness).unwrap(), [0; 6]);
        assert!(!runtime.of_grant(&grant()).exists() && runtime.path().exists());
        assert!(fs::metadata("/etc/passwd").unwrap().len() > 0);
        assert!(runtime.read(&grant(), "token", "value").unwrap().is_none());
        wipe(&runtime.of_grant(&grant())).unwrap();
    }

    #[test]
    fn p09_wipe_touches_nothing_but_a_grants_directory() {
        let root = host(&["glass/g-k3q7x2m5ab", "glass-0x/g-k3q7x2m5ab", "other/g-k3q7x2m5ab"]);
        let at = |path: &str| root.path().join(path);
        for other in ["", "glass", "glass/x", "glass-0x/g-k3q7x2m5ab", "other/g-k3q7x2m5ab", "glass/.."] {
            assert!(matches!(wipe(&at(other)), Err(RuntimeError::NotOurs(_))), "{other}");
        }
        assert!(matches!(wipe(Path::new("glass/g-k3q7x2m5ab")), Err(RuntimeError::NotOurs(_))));
        // The right names, but open to others.
        assert!(wipe(&at("glass/g-k3q7x2m5ab")).is_err());
        fs::set_permissions(at("glass"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(wipe(&at("glass/g-k3q7x2m5ab")).is_err());
        assert!(at("glass/g-k3q7x2m5ab").exists());
        fs::set_permissions(at("glass/g-k3q7x2m5ab"), fs::Permissions::from_mode(0o700)).unwrap();
        wipe(&at("glass/g-k3q7x2m5ab")).unwrap();
        wipe(&at("gone/glass/g-k3q7x2m5ab")).unwrap();
    }

    #[test]
    fn p10_a_name_can_not_leave_the_directory() {
        for (step, output) in
            [("..", "x"), ("a/b", "x"), ("", "x"), ("a", ""), ("a", "x\0"), ("a", "x\u{202e}")]
        {
            assert!(file_name(step, output).is_err(), "{step}.{output}");
        }
        assert_eq!(file_name("token", "client_token").unwrap(), "token.client_token");
    }
}
