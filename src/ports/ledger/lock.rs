//! One actor a grant at a time: a file lock, which the kernel drops with its process.
//!
//! A held lock, never a pid, tells a live activation from a half-open one. Its file names
//! the boot-clock time by which its holder must be through: after that another may take
//! over, so that a stopped process can't keep anything open (DESIGN 5).

use super::LedgerError;
use crate::core::id::{GrantId, SessionId};
use crate::core::moment::Moment;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A grant's lock, held until dropped.
#[derive(Debug)]
pub struct GrantLock {
    file: File,
    path: PathBuf,
    directory: PathBuf,
}

impl GrantLock {
    /// Takes the lock of a grant until `until_boot_ms` at the latest; `None` while another
    /// live actor holds it within its time.
    pub fn acquire(
        directory: &Path,
        grant: &str,
        now: &Moment,
        until_boot_ms: u64,
    ) -> Result<Option<Self>, LedgerError> {
        let _guard = guard(directory)?;
        let path = directory.join(grant);
        let file = open(&path)?;
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::WouldBlock) if holder_is_late(&path, now) => {
                // The late holder keeps a lock on a file that is no longer the grant's.
                std::fs::remove_file(&path).map_err(LedgerError::file(&path))?;
                let fresh = open(&path)?;
                fresh.try_lock().map_err(|error| LedgerError::file(&path)(error.into()))?;
                fresh
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(LedgerError::file(&path)(error)),
        };
        let mut lock = Self { file, path, directory: directory.to_owned() };
        // A disk that takes no more must not stop a closing: held is held, only its time is not
        // told. What opens extends the lock once more, and insists.
        let _ = lock.extend(now, until_boot_ms);
        Ok(Some(lock))
    }

    /// Sets anew by when this holder must be through.
    pub fn extend(&mut self, now: &Moment, until_boot_ms: u64) -> Result<(), LedgerError> {
        // Always of one length, written over what is there: that takes no space on the disk.
        let text = format!("{} {until_boot_ms:020}\n", now.boot_id);
        self.file.write_all_at(text.as_bytes(), 0).map_err(LedgerError::file(&self.path))
    }

    /// The grants that have a lock's file, held or not.
    pub fn named(directory: &Path) -> Result<Vec<String>, LedgerError> {
        Self::files(directory, |name| name.parse::<GrantId>().is_ok())
    }

    /// The sessions that have one.
    pub fn named_by_sessions(directory: &Path) -> Result<Vec<String>, LedgerError> {
        Self::files(directory, |name| name.parse::<SessionId>().is_ok())
    }

    fn files(directory: &Path, is_one: fn(&str) -> bool) -> Result<Vec<String>, LedgerError> {
        let mut names = Vec::new();
        for file in std::fs::read_dir(directory).map_err(LedgerError::file(directory))? {
            let name = file.map_err(LedgerError::file(directory))?.file_name();
            names.extend(name.to_str().filter(|name| is_one(name)).map(str::to_owned));
        }
        Ok(names)
    }

    /// Whether somebody took over: this holder was late.
    pub fn is_lost(&self) -> bool {
        let ours = self.file.metadata().map(|meta| meta.ino());
        let named = std::fs::metadata(&self.path).map(|meta| meta.ino());
        !matches!((ours, named), (Ok(ours), Ok(named)) if ours == named)
    }

    /// Removes the file of a grant that has ended, and lets go.
    pub fn discard(self) -> Result<(), LedgerError> {
        let _guard = guard(&self.directory)?;
        if self.is_lost() {
            return Ok(());
        }
        std::fs::remove_file(&self.path).map_err(LedgerError::file(&self.path))
    }
}

/// Serialises taking and removing, so that no file is removed under another's hands.
fn guard(directory: &Path) -> Result<File, LedgerError> {
    let path = directory.join(".guard");
    let file = open(&path)?;
    file.lock().map_err(LedgerError::file(&path))?;
    Ok(file)
}

fn open(path: &Path) -> Result<File, LedgerError> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    match opened {
        // A disk that went read-only: what is there can still be locked, so closing goes on.
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => File::open(path),
        opened => opened,
    }
    .map_err(LedgerError::file(path))
}

/// Whether the holder's time is over. What can't be read is taken for a holder in time.
fn holder_is_late(path: &Path, now: &Moment) -> bool {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let until = text
        .trim_end()
        .split_once(' ')
        .and_then(|(boot_id, until)| (boot_id == now.boot_id).then(|| until.parse::<u64>().ok()).flatten());
    read.is_ok() && until.is_some_and(|until| now.boot_ms > until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(boot_ms: u64) -> Moment {
        Moment { wall: DateTime::UNIX_EPOCH, boot_id: "b".into(), boot_ms }
    }

    #[test]
    fn p02_one_actor_at_a_time_and_none_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let take = |now, until| GrantLock::acquire(directory.path(), "g-x", &at(now), until).unwrap();
        let first = take(0, 100).expect("free");
        assert!(take(100, 200).is_none(), "held within its time");
        assert!(!first.is_lost());
        let second = take(101, 200).expect("the first is late");
        assert!(first.is_lost(), "the late holder finds out");
        first.discard().unwrap();
        assert!(take(150, 300).is_none(), "the late holder's end frees nothing");
        second.discard().unwrap();
        assert!(!directory.path().join("g-x").exists());
        drop(take(150, 300).expect("free again"));
        assert!(take(151, 300).is_some(), "dropping is enough");
    }
}
