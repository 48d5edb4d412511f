//! The person's terminal handed over key by key: for a session, and for playing one back.
//!
//! Whatever way out is taken, a panic included, the modes are those from before. Signals are
//! none of its concern: whoever holds it also holds those that would end glass
//! ([`HeldSignals`](super::HeldSignals)), or dropping never comes.

use super::question::failed;
use super::{Abandoned, Terminal, TerminalError};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Where the terminal doesn't say.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// The size of a terminal in characters; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How wide.
    pub columns: u16,
    /// How high.
    pub rows: u16,
}

/// A terminal without line editing, echo, signals from keys, or any change to what is written
/// (`cfmakeraw(3)`); as it was before once this is dropped.
#[derive(Debug)]
pub struct Raw {
    device: File,
    before: Termios,
    also_output: bool,
    suspended: bool,
}

impl Terminal {
    /// Takes the terminal raw. What was typed ahead stays to be read.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn raw(&self) -> Result<Raw, TerminalError> {
        self.taken(true)
    }

    /// The same for keys alone: what others write there meanwhile is shown as before.
    ///
    /// # Errors
    /// Likewise.
    pub fn raw_keys(&self) -> Result<Raw, TerminalError> {
        self.taken(false)
    }

    fn taken(&self, also_output: bool) -> Result<Raw, TerminalError> {
        let device = self.device.try_clone().map_err(failed)?;
        let before = tcgetattr(&device).map_err(|errno| failed(errno.into()))?;
        let mut raw = Raw { device, before, also_output, suspended: true };
        raw.take()?;
        Ok(raw)
    }

    /// Its size now; 80 × 24 where it doesn't say.
    pub fn size(&self) -> Size {
        size(&self.device)
    }
}

impl Raw {
    /// The terminal itself, to read keys from and to write to. Reading waits.
    pub const fn device(&self) -> &File {
        &self.device
    }

    /// Its size now; 80 × 24 where it doesn't say.
    pub fn size(&self) -> Size {
        size(&self.device)
    }

    /// Reads what was typed, waiting `patience` at most (for ever where there is none); 0 where
    /// nothing came, also where a signal handler ran.
    ///
    /// # Errors
    /// [`Abandoned::HangUp`] where the terminal is gone; the system refuses.
    pub fn read(&self, into: &mut [u8], patience: Option<Duration>) -> Result<usize, TerminalError> {
        let mut watched = [PollFd::new(&self.device, PollFlags::IN)];
        match poll(&mut watched, patience.map(timespec).as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(0),
            Ok(_) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        match rustix::io::read(&self.device, &mut *into) {
            // Raw, no key ends the input: only a terminal that is gone does.
            Ok(0) if !into.is_empty() => Err(Abandoned::HangUp.into()),
            Ok(count) => Ok(count),
            Err(Errno::INTR | Errno::AGAIN) => Ok(0),
            Err(errno) => Err(failed(errno.into())),
        }
    }

    /// Gives the terminal back for as long as glass is stopped (Ctrl-Z).
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn suspend(&mut self) -> Result<(), TerminalError> {
        if !self.suspended {
            self.give_back().map_err(failed)?;
            self.suspended = true;
        }
        Ok(())
    }

    /// Takes it again, in front once more. The modes that it has by now are those to go back to.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn resume(&mut self) -> Result<(), TerminalError> {
        if self.suspended {
            self.before = tcgetattr(&self.device).map_err(|errno| failed(errno.into()))?;
            self.take()?;
        }
        Ok(())
    }

    /// Gives it back for good. Dropping does the same, but can't tell.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn restore(mut self) -> Result<(), TerminalError> {
        self.suspend()
    }

    fn take(&mut self) -> Result<(), TerminalError> {
        let mut modes = self.before.clone();
        modes.make_raw();
        if !self.also_output {
            modes.output_modes = self.before.output_modes;
        }
        tcsetattr(&self.device, OptionalActions::Now, &modes).map_err(|errno| failed(errno.into()))?;
        self.suspended = false;
        Ok(())
    }

    /// Also from the background, where a change of modes would stop glass before it is made.
    fn give_back(&self) -> io::Result<()> {
        let in_background: SigSet = [Signal::SIGTTOU].into_iter().collect();
        let mask = in_background.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let given = tcsetattr(&self.device, OptionalActions::Now, &self.before);
        mask.thread_set_mask()?;
        Ok(given?)
    }
}

impl AsFd for Raw {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Should the terminal be gone, there is nothing to put back and no one to tell.
        let _ = self.suspend();
    }
}

fn size(device: &File) -> Size {
    match tcgetwinsize(device) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size { columns: size.ws_col, rows: size.ws_row },
        _ => USUAL,
    }
}

pub(super) fn timespec(duration: Duration) -> Timespec {
    // A wait of centuries is one for ever.
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::terminal;
    use super::*;
    use rustix::termios::{LocalModes, OutputModes, Winsize, tcsetwinsize};

    fn modes(device: &File) -> (LocalModes, OutputModes) {
        let modes = tcgetattr(device).unwrap();
        (modes.local_modes, modes.output_modes)
    }

    #[test]
    fn keys_come_as_they_are_and_the_modes_go_back() {
        let (terminal, mut person) = terminal();
        let before = modes(&terminal.device);
        let raw = terminal.raw().unwrap();
        assert_ne!(modes(&terminal.device), before);
        let mut keys = [0; 8];
        assert_eq!(raw.read(&mut keys, Some(Duration::from_millis(1))).unwrap(), 0);
        person.types("\x03\x1a");
        assert_eq!(raw.read(&mut keys, None).unwrap(), 2);
        assert_eq!(keys[..2], *b"\x03\x1a");
        assert_eq!(person.saw(), "", "nothing is echoed");
        raw.restore().unwrap();
        assert_eq!(modes(&terminal.device), before);
    }

    #[test]
    fn the_modes_go_back_when_glass_panics() {
        let (terminal, _person) = terminal();
        let before = modes(&terminal.device);
        let panicked = std::panic::catch_unwind(|| {
            let _raw = terminal.raw().unwrap();
            assert_ne!(modes(&terminal.device), before);
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.is_err());
        assert_eq!(modes(&terminal.device), before);
    }

    #[test]
    fn while_stopped_the_terminal_is_the_shell_s() {
        let (terminal, _person) = terminal();
        let before = modes(&terminal.device);
        let mut raw = terminal.raw().unwrap();
        raw.suspend().unwrap();
        assert_eq!(modes(&terminal.device), before);
        // The shell that was in front meanwhile left other modes behind.
        let mut changed = tcgetattr(&terminal.device).unwrap();
        changed.local_modes.remove(LocalModes::ECHOCTL);
        tcsetattr(&terminal.device, OptionalActions::Now, &changed).unwrap();
        raw.resume().unwrap();
        assert!(!modes(&terminal.device).0.contains(LocalModes::ICANON));
        drop(raw);
        assert_eq!(modes(&terminal.device), (changed.local_modes, changed.output_modes));
    }

    #[test]
    fn the_size_is_what_the_terminal_says_or_the_usual_one() {
        let (terminal, person) = terminal();
        let raw = terminal.raw().unwrap();
        assert_eq!(raw.size(), USUAL);
        let size = Winsize { ws_row: 50, ws_col: 132, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person.master, size).unwrap();
        assert_eq!(raw.size(), Size { columns: 132, rows: 50 });
        assert_eq!(terminal.size(), raw.size());
    }

    #[test]
    fn a_terminal_that_is_gone_is_a_hang_up() {
        let (terminal, person) = terminal();
        let raw = terminal.raw().unwrap();
        drop(person);
        let gone = raw.read(&mut [0; 8], None).unwrap_err();
        assert!(matches!(gone, TerminalError::Abandoned(Abandoned::HangUp)), "{gone}");
    }
}
