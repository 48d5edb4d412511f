//! The end of a grant's secrets (P9): overwritten, removed, and nothing else touched.

use super::runtime::{DIRECTORY, RuntimeError, failed, prove};
use crate::core::id::GrantId;
use crate::core::text::escape;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

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
