//! The directory of recordings: files of sessions, written once, from their beginning to their
//! end, and bound by their hashes.
//!
//! The directory is opened once and held: whatever its path leads to later, these are its files.
//! No link in it is followed. Who else could have written it, the caller judges; here only what
//! the directory itself says counts.

mod keeping;
mod read;
mod writer;

#[cfg(test)]
mod tests;

pub use read::{Content, Held, Lines, Prefix};
pub use writer::Writer;

use crate::core::id::SessionId;
use crate::core::text::escape;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const PRIVATE_FILE: Mode = Mode::from_raw_mode(0o600);
const PRIVATE_DIRECTORY: Mode = Mode::from_raw_mode(0o700);

/// The end of the name of a session's picture.
pub const CAST: &str = "cast";
/// The end of the name of its command log.
pub const COMMANDS: &str = "commands";

/// The directory.
#[derive(Debug)]
pub struct Recordings {
    directory: OwnedFd,
    path: PathBuf,
}

/// Why it can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// Nothing was ever recorded there.
    #[error("there is no `{}`", shown(.0))]
    Missing(PathBuf),
    /// A link or a file in its place.
    #[error("`{path}` is a link or a file: move it away, and make a directory (`mkdir -m 0700 {path}`)", path = shown(.0))]
    NotADirectory(PathBuf),
    /// Others could add recordings, or take them away.
    #[error("`{path}` can be written by others (mode {mode:04o}): `chmod 0700 {path}`", path = shown(path))]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("cannot use `{}`: {source}", shown(path))]
    Refused {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

impl Recordings {
    /// The directory as it stands.
    ///
    /// # Errors
    /// It is missing, no directory, or others may write it.
    pub fn open(path: &Path) -> Result<Self, RecordingsError> {
        let refused = |errno: Errno| match errno {
            Errno::NOENT => RecordingsError::Missing(path.to_owned()),
            Errno::LOOP | Errno::NOTDIR => RecordingsError::NotADirectory(path.to_owned()),
            errno => RecordingsError::Refused { path: path.to_owned(), source: errno.into() },
        };
        let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, how, Mode::empty()).map_err(refused)?;
        let mode = rustix::fs::fstat(&directory).map_err(refused)?.st_mode & 0o7777;
        if mode & GROUP_OR_OTHERS_WRITE != 0 {
            return Err(RecordingsError::WritableByOthers { path: path.to_owned(), mode });
        }
        Ok(Self { directory, path: path.to_owned() })
    }

    /// The same, and makes it where it is missing, 0700.
    ///
    /// # Errors
    /// As [`open`](Self::open); or it can't be made.
    pub fn open_or_make(path: &Path) -> Result<Self, RecordingsError> {
        match rustix::fs::mkdir(path, PRIVATE_DIRECTORY) {
            Ok(()) | Err(Errno::EXIST) => Self::open(path),
            Err(errno) => Err(RecordingsError::Refused { path: path.to_owned(), source: errno.into() }),
        }
    }

    /// Where it is, to be named to people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a session's files, picture and command log, which must not exist yet: 0600, and in
    /// the directory for good once this returns.
    ///
    /// # Errors
    /// As the system refuses; then neither is there.
    pub fn create(&self, session: &SessionId) -> io::Result<(Writer, Writer)> {
        let cast = format!("{session}.{CAST}");
        let picture = self.begin(&cast)?;
        let rest = self.begin(&format!("{session}.{COMMANDS}")).and_then(|commands| {
            rustix::fs::fsync(&self.directory)?;
            Ok(commands)
        });
        match rest {
            Ok(commands) => Ok((picture, commands)),
            Err(error) => {
                // Only tidying: the failure that is told is the one above.
                let _ = self.delete(&cast);
                Err(error)
            }
        }
    }

    fn begin(&self, name: &str) -> io::Result<Writer> {
        let how = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, name, how | OFlags::NOFOLLOW, PRIVATE_FILE)?;
        Ok(Writer::new(File::from(file)))
    }

    /// The names of everything in it, in order; what is no text is shown as such.
    ///
    /// # Errors
    /// As the system refuses.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// It is missing, no regular file, or the system refuses.
    pub fn read(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlags::RDONLY)
    }

    /// Removes a file; its entry is gone from the disk once this returns.
    ///
    /// # Errors
    /// As the system refuses.
    pub fn delete(&self, name: &str) -> io::Result<()> {
        rustix::fs::unlinkat(&self.directory, plain(name)?, AtFlags::empty())?;
        Ok(rustix::fs::fsync(&self.directory)?)
    }

    fn file(&self, name: &str, how: OFlags) -> io::Result<File> {
        // A FIFO in its place must not keep anyone waiting.
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, plain(name)?, how | careful, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        match kind {
            FileType::RegularFile => Ok(File::from(file)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        }
    }
}

/// A name that leads nowhere else.
fn plain(name: &str) -> io::Result<&str> {
    match name.contains('/') {
        true => Err(io::Error::new(io::ErrorKind::InvalidInput, "a name of a recording has no slash")),
        false => Ok(name),
    }
}
