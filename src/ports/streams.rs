//! The three streams that glass was started with, and the pipes of a session: nothing here ever
//! waits but [`wait`].

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What is read at once.
pub const MOST: usize = 64 * 1024;

/// So many bytes go into a pipe that poll(2) calls writable (pipe(7), `PIPE_BUF`).
const SURE: usize = 4_096;

/// Which of the three are terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

impl Terminals {
    /// As glass was started.
    pub fn here() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }

    /// Whether any is.
    pub const fn any(self) -> bool {
        self.stdin || self.stdout || self.stderr
    }
}

/// Standard input itself, to be handed on.
///
/// # Errors
/// It is closed.
pub fn stdin() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// Where bytes leave glass. What can't be written at once is kept, in order.
#[derive(Debug)]
pub struct Outlet {
    file: File,
    /// Whether a write returns at once by itself.
    never_waits: bool,
    kept: Vec<u8>,
    written: usize,
    closed: bool,
}

impl Outlet {
    /// Standard output.
    ///
    /// # Errors
    /// It is closed.
    pub fn stdout() -> io::Result<Self> {
        Self::to(io::stdout().as_fd(), "/proc/self/fd/1")
    }

    /// Standard error.
    ///
    /// # Errors
    /// It is closed.
    pub fn stderr() -> io::Result<Self> {
        Self::to(io::stderr().as_fd(), "/proc/self/fd/2")
    }

    /// The controlling terminal.
    ///
    /// # Errors
    /// There is none.
    pub fn terminal() -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open("/dev/tty", flags, Mode::empty())?;
        Ok(Self::over(File::from(file), true))
    }

    /// Others share the descriptor that was handed to glass, and what is set on it: only one of
    /// its own may be made not to wait.
    fn to(handed: BorrowedFd<'_>, name: &str) -> io::Result<Self> {
        let kind = FileType::from_raw_mode(rustix::fs::fstat(handed)?.st_mode);
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let own = match kind {
            FileType::CharacterDevice | FileType::Fifo => rustix::fs::open(name, flags, Mode::empty()).ok(),
            _ => None,
        };
        Ok(match own {
            Some(own) => Self::over(File::from(own), true),
            None => Self::over(File::from(handed.try_clone_to_owned()?), false),
        })
    }

    const fn over(file: File, never_waits: bool) -> Self {
        Self { file, never_waits, kept: Vec::new(), written: 0, closed: false }
    }

    /// Over a descriptor that never waits, such as a pseudo-terminal's.
    pub const fn into(file: File) -> Self {
        Self::over(file, true)
    }

    /// Takes bytes, and writes what goes at once.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        // What is gone is let go, so that what is kept stays small however long it goes on.
        self.kept.drain(..std::mem::take(&mut self.written));
        if self.kept.is_empty() && self.never_waits {
            let gone = self.write(bytes);
            self.kept.extend_from_slice(&bytes[gone..]);
        } else {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// To be called when it is writable: writes on.
    pub fn flush(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let rest = &kept[self.written..];
        let most = if self.never_waits { rest.len() } else { rest.len().min(SURE) };
        let gone = self.write(&rest[..most]);
        self.written += gone;
        if self.written == kept.len() || self.closed {
            self.written = 0;
        } else {
            self.kept = kept;
        }
    }

    /// How much went; whoever does not read any more closes it.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut gone = 0;
        while gone < bytes.len() {
            match self.file.write(&bytes[gone..]) {
                Ok(0) => break,
                Ok(length) => gone += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.closed = true;
                    self.kept.clear();
                    return bytes.len();
                }
            }
            if !self.never_waits {
                break;
            }
        }
        gone
    }

    /// Whether all that was pushed is written.
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether more may be pushed: a reader that is a little slower keeps nobody waiting.
    pub const fn has_room(&self) -> bool {
        self.kept.len() - self.written < MOST
    }

    /// Whether nobody reads it any more.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The reading end of a session's pipe; nothing once it has ended.
#[derive(Debug)]
pub struct Inlet(Option<PipeReader>);

impl Inlet {
    /// A pipe: what is written to the other end is read here.
    ///
    /// # Errors
    /// The system refuses.
    pub fn pipe() -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok((Self(Some(reader)), writer))
    }

    /// Its descriptor, until it has ended.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there into the buffer, up to its length.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(reader) = &mut self.0 else { return 0 };
        match read_all(reader, buffer) {
            Reading::Some(length) => length,
            Reading::Ended(length) => {
                self.0 = None;
                length
            }
        }
    }

    /// Whoever writes is told that nobody reads.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Whether nothing more will come.
    pub const fn has_ended(&self) -> bool {
        self.0.is_none()
    }
}

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So much, and there may be more later.
    Some(usize),
    /// So much, and nothing more will come.
    Ended(usize),
}

/// Reads what is there, as often as it takes to fill the buffer.
pub fn read_all(reader: &mut impl Read, buffer: &mut [u8]) -> Reading {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => return Reading::Ended(length),
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // The last program let go of the terminal (EIO).
            Err(_) => return Reading::Ended(length),
        }
    }
    Reading::Some(length)
}

/// What to wait for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Something to read, or its end.
    Reading,
    /// Room to write, or its end.
    Writing,
}

/// Waits until something can be done; gives the places in the list where it can.
///
/// # Errors
/// The system refuses.
pub fn wait(list: &[(BorrowedFd<'_>, For)], patience: Duration) -> io::Result<Vec<usize>> {
    let mut polled: Vec<PollFd<'_>> = list
        .iter()
        .map(|(fd, what)| {
            let flags = if *what == For::Reading { PollFlags::IN } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(*fd, flags)
        })
        .collect();
    let patience =
        Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
    match poll(&mut polled, Some(&patience)) {
        Ok(_) => Ok((0..polled.len()).filter(|at| !polled[*at].revents().is_empty()).collect()),
        Err(Errno::INTR) => Ok(Vec::new()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlet_keeps_what_nobody_takes_and_loses_nothing() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer = OwnedFd::from(writer);
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let mut outlet = Outlet::into(File::from(writer));
        let text: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
        text.chunks(70_000).for_each(|piece| outlet.push(piece));
        assert!(!outlet.is_empty() && !outlet.has_room());
        let mut read = vec![0; text.len()];
        let mut length = 0;
        while length < text.len() {
            length += reader.read(&mut read[length..]).unwrap();
            outlet.flush();
        }
        assert!(outlet.is_empty() && outlet.has_room() && read == text);
        drop(reader);
        outlet.push(b"x");
        assert!(outlet.is_closed() && outlet.is_empty());
    }

    #[test]
    fn what_an_outlet_has_written_is_let_go_also_while_more_is_kept() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer = OwnedFd::from(writer);
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let mut outlet = Outlet::into(File::from(writer));
        let (mut pushed, mut read, mut part) = (0_u32, Vec::new(), vec![0; MOST]);
        for _ in 0..100 {
            while outlet.has_room() {
                outlet.push(&(0..10_000).map(|at| (pushed + at) as u8).collect::<Vec<_>>());
                pushed += 10_000;
            }
            assert!(outlet.kept.len() < 3 * MOST, "{} bytes are kept", outlet.kept.len());
            let length = reader.read(&mut part).unwrap();
            read.extend_from_slice(&part[..length]);
            outlet.flush();
        }
        assert!(pushed > 3_000_000 && !outlet.is_empty());
        assert!(read.iter().enumerate().all(|(at, byte)| *byte == at as u8));
    }

    #[test]
    fn an_inlet_says_when_it_has_ended() {
        let (mut inlet, mut writer) = Inlet::pipe().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(inlet.read(&mut buffer), 0);
        assert!(!inlet.has_ended());
        writer.write_all(b"text").unwrap();
        let ready = wait(&[(inlet.fd().unwrap(), For::Reading)], Duration::from_secs(5)).unwrap();
        assert_eq!(ready, [0]);
        drop(writer);
        assert_eq!((inlet.read(&mut buffer), inlet.has_ended()), (4, true));
        assert!(inlet.fd().is_none());
    }
}
