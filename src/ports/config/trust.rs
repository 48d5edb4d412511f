//! Who else could have written what glass is about to lean on (DESIGN 4).
//!
//! Every component from `/` down, and every link that is followed on the way, must belong to
//! root or the home's owner and be writable by no one else; a directory that others may write
//! passes only with the sticky bit, where they can't replace what isn't theirs. What was judged
//! is what is read: the file that was opened is compared with the file that was judged.

use super::judged::{Concern, Distrust, Judged};
use crate::core::text::escape;
use rustix::fs::OFlags;
use secrecy::{SecretBox, SecretSlice};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// As many links as the kernel follows.
const LINKS: usize = 40;
/// Longest secret, in bytes.
const SECRET_CAP: usize = 64 * 1024;

const ROOT: u32 = 0;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const GROUP_OR_OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;

/// Judges files for one home.
#[derive(Clone, Copy, Debug)]
pub struct Trust {
    owner: u32,
}

/// Why a file could not be read, whoever owns it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is there.
    #[error("`{}` does not exist", shown(.0))]
    Missing(PathBuf),
    /// A device, FIFO or socket, or a directory where a file is wanted.
    #[error("`{}` is not a {wanted}", shown(path))]
    WrongKind {
        /// What was found.
        path: PathBuf,
        /// What was wanted.
        wanted: &'static str,
    },
    /// Links that lead nowhere.
    #[error("`{}` leads through more than {LINKS} links: is it a loop?", shown(.0))]
    Loop(PathBuf),
    /// More than anyone should have written there.
    #[error("`{}` is larger than {cap} bytes", shown(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        cap: usize,
    },
    /// It was replaced between judging and opening.
    #[error("`{}` changed while it was being opened: run the command again", shown(.0))]
    Changed(PathBuf),
    /// The system refused.
    #[error("cannot read `{}`: {source}", shown(path))]
    Refused {
        /// The component.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// The end of a walk: the path without links, and what stands there.
pub(super) struct Reached {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

impl Trust {
    /// Trusts root and this user id, the home's owner.
    pub const fn new(owner_uid: u32) -> Self {
        Self { owner: owner_uid }
    }

    /// Judges a file or directory and the way to it.
    ///
    /// # Errors
    /// Where nothing (or a device, FIFO or socket) is there.
    pub fn check(&self, path: &Path) -> Result<Judged<()>, ReadError> {
        let reached = self.walk(path, GROUP_OR_OTHERS_WRITE)?;
        let (Reached { metadata, .. }, concern) = reached.lenient();
        if metadata.is_file() || metadata.is_dir() {
            Ok(Judged::new((), concern))
        } else {
            Err(ReadError::WrongKind { path: path.to_owned(), wanted: "regular file or directory" })
        }
    }

    /// Reads a whole file of at most `cap` bytes.
    ///
    /// # Errors
    /// Where there is no such regular file, or it is too large.
    pub fn read(&self, path: &Path, cap: usize) -> Result<Judged<Vec<u8>>, ReadError> {
        // Not a secret: the buffer that `read_file` would wipe is handed out whole.
        Ok(self.read_file(path, cap, GROUP_OR_OTHERS_WRITE)?.map(|mut bytes| std::mem::take(&mut *bytes)))
    }

    /// Reads a secret of at most 64 KiB without its last line feed. Group and others may not
    /// even read it (P9).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn secret(&self, path: &Path) -> Result<Judged<SecretSlice<u8>>, ReadError> {
        let file = self.read_file(path, SECRET_CAP, GROUP_OR_OTHERS)?;
        Ok(file.map(|bytes| {
            let content = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            SecretBox::new(Box::from(content))
        }))
    }

    fn read_file(
        &self,
        path: &Path,
        cap: usize,
        forbidden: u32,
    ) -> Result<Judged<Zeroizing<Vec<u8>>>, ReadError> {
        let (reached, concern) = self.walk(path, forbidden)?.lenient();
        let refused = |source| ReadError::Refused { path: path.to_owned(), source };
        let not_a_file = || ReadError::WrongKind { path: path.to_owned(), wanted: "regular file" };
        if !reached.metadata.is_file() {
            return Err(not_a_file());
        }
        // Should a FIFO have taken its place by now, opening must not wait for a writer.
        let careful = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file =
            OpenOptions::new().read(true).custom_flags(careful).open(&reached.path).map_err(refused)?;
        let opened = file.metadata().map_err(refused)?;
        if !same(&opened, &reached.metadata) {
            return Err(ReadError::Changed(path.to_owned()));
        }
        let length = usize::try_from(opened.len()).ok().filter(|length| *length <= cap);
        let length = length.ok_or_else(|| ReadError::TooLarge { path: path.to_owned(), cap })?;
        let bytes = read_whole(&file, length).map_err(refused)?;
        if bytes.len() != length {
            return Err(ReadError::Changed(path.to_owned()));
        }
        Ok(Judged::new(bytes, concern))
    }

    /// Goes from `/` to `path` by its own following of links, judging all that it meets, the
    /// last by the bits that are `forbidden`. The first concern is the one that is told.
    pub(super) fn walk(&self, path: &Path, forbidden: u32) -> Result<Judged<Reached>, ReadError> {
        let refused = |at: &Path, source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
            _ => ReadError::Refused { path: at.to_owned(), source },
        };
        let from_root = std::path::absolute(path).map_err(|source| refused(path, source))?;
        let mut ahead = names(&from_root);
        let mut at = PathBuf::from("/");
        let mut metadata = at.symlink_metadata().map_err(|source| refused(&at, source))?;
        let mut concern = self.concern(&at, &metadata, GROUP_OR_OTHERS_WRITE);
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                // What is above was judged on the way down.
                at.pop();
                metadata = at.symlink_metadata().map_err(|source| refused(&at, source))?;
                continue;
            }
            let next = at.join(name);
            metadata = next.symlink_metadata().map_err(|source| refused(&next, source))?;
            let bits = if ahead.is_empty() { forbidden } else { GROUP_OR_OTHERS_WRITE };
            concern = concern.or_else(|| self.concern(&next, &metadata, bits));
            if !metadata.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > LINKS {
                return Err(ReadError::Loop(path.to_owned()));
            }
            let target = std::fs::read_link(&next).map_err(|source| refused(&next, source))?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            let mut through = names(&target);
            through.append(&mut ahead);
            ahead = through;
        }
        Ok(Judged::new(Reached { path: at, metadata }, concern))
    }

    fn concern(&self, path: &Path, metadata: &Metadata, forbidden: u32) -> Option<Distrust> {
        let mode = metadata.mode() & 0o7777;
        let concern = if ![ROOT, self.owner].contains(&metadata.uid()) {
            Concern::ForeignOwner { rightful: self.owner, link: metadata.is_symlink() }
        } else if metadata.is_symlink() {
            // A link's own mode says nothing; who may replace it, its directory says.
            return None;
        } else if metadata.is_dir() {
            // In a sticky directory others replace only what is theirs, which is judged next.
            if mode & GROUP_OR_OTHERS_WRITE == 0 || mode & STICKY != 0 {
                return None;
            }
            Concern::WritableByOthers
        } else if mode & GROUP_OR_OTHERS_WRITE & forbidden != 0 {
            Concern::WritableByOthers
        } else if mode & forbidden != 0 {
            Concern::OpenToOthers
        } else {
            return None;
        };
        Some(Distrust { path: path.to_owned(), owner: metadata.uid(), mode, concern })
    }
}

/// The components that lead somewhere.
fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// One and the same file, with the same rights as when it was judged.
fn same(one: &Metadata, other: &Metadata) -> bool {
    let identity = |file: &Metadata| (file.dev(), file.ino(), file.uid(), file.gid(), file.mode());
    identity(one) == identity(other)
}

/// One byte more than `length` at most, which tells that the file grew meanwhile. The buffer
/// never grows: no copy of a secret stays behind unwiped.
fn read_whole(file: &File, length: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = length.saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
