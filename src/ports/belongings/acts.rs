//! The acts themselves, with the rights of the process that does them.

use crate::core::wire::put_string;
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest message that OpenSSH's own agent takes, bytes.
const LONGEST: usize = 256 * 1024;

/// Error code of an agent's answer that is not one of its protocol (`EBADMSG`).
pub const MALFORMED: i32 = Errno::BADMSG.raw_os_error();

/// Reads a whole file. There is room for all of it from the start, so that growing leaves no
/// copy behind.
pub(super) fn read(path: &Path, cap: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let expected = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(cap);
    // What has no length of its own, such as a pipe, may still be a key.
    let room = if expected == 0 { cap.min(LONGEST) } else { expected };
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    file.take(room as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > room { Err(Errno::FBIG.into()) } else { Ok(bytes) }
}

/// Makes a file that must not exist yet, has `fill` write it, and brings it to disk.
pub(super) fn write_new(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = fill(&mut file).and_then(|()| file.sync_all());
    if written.is_err() {
        // Only tidying: the failure that is told is the one above.
        let _ = fs::remove_file(path);
        return written;
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// `id_ed25519`, then all that have a `.pub` beside them, by name.
pub(super) fn key_files(directory: &Path) -> Vec<PathBuf> {
    let usual = directory.join("id_ed25519");
    // A directory that is missing or closed to us has no key for us.
    let mut others: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pub"))
        .map(|path| path.with_extension(""))
        .filter(|path| *path != usual)
        .collect();
    others.sort();
    others.insert(0, usual);
    others.retain(|path| path.exists());
    others
}

/// One message to an agent, and its answer, over a connection of their own.
pub(super) fn ask_agent(socket: &Path, message: &[u8], time_out: Duration) -> io::Result<Vec<u8>> {
    exchange(&mut UnixStream::connect(socket)?, message, time_out)
}

fn exchange(stream: &mut UnixStream, message: &[u8], time_out: Duration) -> io::Result<Vec<u8>> {
    stream.set_write_timeout(Some(time_out))?;
    stream.set_read_timeout(Some(time_out))?;
    let mut framed = Vec::new();
    put_string(&mut framed, message);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(io::Error::from_raw_os_error(MALFORMED));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        for (length, cap, fits) in [(0, 0, true), (10, 10, true), (11, 10, false), (5000, 1 << 20, true)] {
            fs::write(&path, vec![7; length]).unwrap();
            let read = read(&path, cap);
            match fits {
                true => assert_eq!(*read.unwrap(), vec![7; length]),
                false => assert_eq!(read.unwrap_err().kind(), io::ErrorKind::FileTooLarge),
            }
        }
        assert_eq!(read(&directory.path().join("none"), 1).unwrap_err().kind(), io::ErrorKind::NotFound);
        // Without a length of its own, and without an end.
        assert_eq!(read(Path::new("/dev/zero"), 64).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(!read(Path::new("/proc/self/status"), 1 << 16).unwrap().is_empty());
    }

    #[test]
    fn a_new_file_is_private_whole_and_never_in_the_place_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("receipt");
        let broken = write_new(&path, |file| {
            file.write_all(b"half")?;
            Err(Errno::IO.into())
        });
        assert!(broken.is_err() && !path.exists());
        write_new(&path, |file| file.write_all(b"whole")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let again = write_new(&path, |file| file.write_all(b"other")).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn p12_a_silent_agent_is_given_up() {
        let (mut here, _silent) = UnixStream::pair().unwrap();
        let error = exchange(&mut here, &[11], Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
    }
}
