//! A pseudo-terminal: the side that the programs of a session see, and the one that glass relays.

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Both sides.
#[derive(Debug)]
pub struct Pair {
    /// What programs print is read here, and what a person types is written. Never waits.
    pub master: File,
    name: CString,
}

impl Pair {
    /// Makes one of this size, that edits lines as `like` does: the person's own terminal.
    ///
    /// # Errors
    /// The system has no more of them, or refuses.
    pub fn open(columns: u16, rows: u16, like: Option<&Termios>) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let pair = Self { master: File::from(master), name };
        pair.resize(columns, rows)?;
        if let Some(modes) = like {
            tcsetattr(pair.slave()?, OptionalActions::Now, modes)?;
        }
        rustix::io::ioctl_fionbio(&pair.master, true)?;
        Ok(pair)
    }

    /// The programs' side. It does not become this process's own terminal.
    ///
    /// # Errors
    /// The system refuses.
    pub fn slave(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(self.name.as_c_str(), flags, Mode::empty())?)
    }

    /// Tells the programs that the window has another size.
    ///
    /// # Errors
    /// The system refuses.
    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.master, size)?)
    }

    /// Whether what is typed now shows on the screen; where that can't be told, it does not.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.master).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO))
    }
}

impl AsFd for Pair {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};
    use std::io::{Read, Write};

    #[test]
    fn what_is_typed_echoes_until_a_program_turns_that_off() {
        let mut pair = Pair::open(100, 30, None).unwrap();
        let slave = pair.slave().unwrap();
        let size = rustix::termios::tcgetwinsize(&slave).unwrap();
        assert_eq!((size.ws_col, size.ws_row), (100, 30));
        assert!(pair.echoes());
        pair.master.write_all(b"seen\r").unwrap();
        let mut read = [0; 16];
        // The kernel hands it over in its own time.
        poll(&mut [PollFd::new(&pair.master, PollFlags::IN)], None).unwrap();
        let length = pair.master.read(&mut read).unwrap();
        assert_eq!(&read[..length], b"seen\r\n");
        assert_eq!(pair.master.read(&mut read).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut modes = tcgetattr(&slave).unwrap();
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&slave, OptionalActions::Now, &modes).unwrap();
        assert!(!pair.echoes());
        let alike = Pair::open(1, 1, Some(&modes)).unwrap();
        assert!(!alike.echoes());
    }
}
