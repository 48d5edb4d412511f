//! Writing the home's plain files so that they are there, whole, or not at all.

use crate::core::text::escape;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}{}", escape(&path.to_string_lossy()), advice(source))]
pub struct WriteError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AlreadyExists => "; move it away first: glass never overwrites it",
        io::ErrorKind::StorageFull => "; make room, then run the command again",
        _ => "",
    }
}

/// Writes a file that must not exist yet (nor a link in its place), with this mode,
/// and returns once file and directory entry are on disk. What is half written is removed.
///
/// # Errors
/// Where the file exists, or the system refuses.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), WriteError> {
    let failed = |source| WriteError { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // Only tidying: the failure that is told is the one above.
        let _ = std::fs::remove_file(path);
        return Err(failed(source));
    }
    sync_directory_of(path)
}

/// Makes sure that the entry of `path` in its directory is on disk.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), WriteError> {
    let directory = path.parent().unwrap_or(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| WriteError { path: directory.to_owned(), source })
}

/// Sets a file's time to now; makes it (0600, empty) where it is missing. Needs no disk space
/// once the file is there.
///
/// # Errors
/// Where the system refuses, or a link stands in its place.
pub fn touch(path: &Path) -> Result<(), WriteError> {
    const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let careful = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(careful);
    options
        .open(path)
        .and_then(|file| Ok(futimens(&file, &Timestamps { last_access: NOW, last_modification: NOW })?))
        .map_err(|source| WriteError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_has_its_mode_and_is_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.key");
        write_new(&path, b"first", 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let error = write_new(&path, b"second", 0o600).unwrap_err();
        assert!(error.to_string().contains("move it away first"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn neither_way_of_writing_follows_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("elsewhere");
        let link = directory.path().join("heartbeat");
        symlink(&target, &link).unwrap();
        assert!(write_new(&link, b"x", 0o600).is_err());
        assert!(touch(&link).is_err());
        assert!(!target.exists());
    }

    #[test]
    fn touching_keeps_the_content_and_moves_the_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("heartbeat");
        touch(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        fs::write(&path, b"kept").unwrap();
        let long_ago =
            fs::metadata("/proc/self").unwrap().modified().unwrap() - std::time::Duration::from_secs(3600);
        File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        touch(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().modified().unwrap() > long_ago);
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }
}
