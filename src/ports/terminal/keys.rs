//! A person's keys while something is shown to them: one after the other, none of them a signal.
//!
//! What would end glass comes back as a value, also while a terminal takes nothing more, so that
//! whoever shows something can put the terminal back first.

use super::question::failed;
use super::raw::timespec;
use super::{HeldSignals, Raw, Terminal, TerminalError};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::Duration;

/// A terminal that is raw, and signals that wait to be taken.
#[derive(Debug)]
pub struct Keys<'t> {
    terminal: &'t mut Terminal,
    raw: Raw,
    typed: VecDeque<u8>,
    // Dropped last: no signal strikes before the modes are put back.
    signals: HeldSignals,
}

impl Terminal {
    /// Takes the terminal raw, to show something and be told keys.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn keys(&mut self) -> Result<Keys<'_>, TerminalError> {
        let signals = HeldSignals::hold().map_err(|errno| failed(errno.into()))?;
        let raw = self.raw()?;
        let mut keys = Keys { terminal: self, raw, typed: VecDeque::new(), signals };
        keys.wait_for_nothing(true)?;
        Ok(keys)
    }
}

impl Keys<'_> {
    /// The next key, if one is pressed within `patience`. Keys that send more than one byte
    /// (arrows) are none.
    ///
    /// # Errors
    /// [`TerminalError::Abandoned`] after a signal to end, or a hang-up.
    pub fn next(&mut self, patience: Duration) -> Result<Option<u8>, TerminalError> {
        if self.typed.is_empty() {
            self.read(patience)?;
        }
        Ok(self.typed.pop_front())
    }

    /// Whether one of these keys was pressed already; all wait to be taken in their turn.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn is_waiting(&mut self, keys: &[u8]) -> Result<bool, TerminalError> {
        self.read(Duration::ZERO)?;
        Ok(self.typed.iter().any(|key| keys.contains(key)))
    }

    fn read(&mut self, patience: Duration) -> Result<(), TerminalError> {
        self.wait(PollFlags::IN, Some(patience))?;
        let mut typed = [0; 256];
        let count = self.raw.read(&mut typed, Some(Duration::ZERO))?;
        self.typed.extend(single(&typed[..count]));
        Ok(())
    }

    /// Writes as it is: whoever calls this has made it safe.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn show(&mut self, text: &str) -> Result<(), TerminalError> {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            match rustix::io::write(self.raw.device(), left) {
                Ok(count) => left = &left[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, None)?,
                Err(errno) => return Err(failed(errno.into())),
            }
        }
        Ok(())
    }

    /// Writes as much as the terminal takes at once: on the way out.
    pub fn show_at_last(&mut self, text: &str) {
        // Should the terminal be gone or stuck, there is no one to tell.
        let _ = rustix::io::write(self.raw.device(), text.as_bytes());
    }

    /// Asks for a line, as [`Terminal::ask_line`] does; the terminal is raw again afterwards.
    ///
    /// # Errors
    /// As there.
    pub fn ask(&mut self, prompt: &str) -> Result<String, TerminalError> {
        self.lend()?;
        let answer = self.terminal.ask_line(prompt);
        self.take()?;
        answer
    }

    /// Stops glass (Ctrl-Z) until it is brought to the front again.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn stop(&mut self) -> Result<(), TerminalError> {
        self.lend()?;
        nix::sys::signal::kill(Pid::from_raw(0), Signal::SIGTSTP).map_err(|errno| failed(errno.into()))?;
        self.take()
    }

    /// Its size now, in characters.
    pub fn size(&self) -> super::Size {
        self.raw.size()
    }

    fn lend(&mut self) -> Result<(), TerminalError> {
        self.wait_for_nothing(false)?;
        self.raw.suspend()
    }

    fn take(&mut self) -> Result<(), TerminalError> {
        self.raw.resume()?;
        self.wait_for_nothing(true)
    }

    /// The terminal was opened by glass alone: no other program shares this flag.
    fn wait_for_nothing(&mut self, set: bool) -> Result<(), TerminalError> {
        let device = self.raw.device();
        let changed = fcntl_getfl(device).and_then(|mut flags| {
            flags.set(OFlags::NONBLOCK, set);
            fcntl_setfl(device, flags)
        });
        changed.map_err(|errno| failed(errno.into()))
    }

    fn wait(&self, what: PollFlags, patience: Option<Duration>) -> Result<(), TerminalError> {
        let signals = self.signals.as_fd();
        let mut watched = [PollFd::new(&self.raw, what), PollFd::from_borrowed_fd(signals, PollFlags::IN)];
        match poll(&mut watched, patience.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        match self.signals.take().map_err(|errno| failed(errno.into()))? {
            Some(abandoned) => Err(abandoned.into()),
            None => Ok(()),
        }
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        // Should the terminal be gone, nothing is left to wait for.
        let _ = self.wait_for_nothing(false);
    }
}

/// What was typed without the sequences that arrows and the like send: `ESC [` or `ESC O` up to
/// a letter or `~`; a lone `ESC`.
fn single(typed: &[u8]) -> Vec<u8> {
    let (mut keys, mut rest) = (Vec::new(), typed);
    while let [key, after @ ..] = rest {
        rest = match (key, after) {
            (0x1b, [b'[' | b'O', sequence @ ..]) => {
                let end = sequence.iter().position(|byte| (0x40..0x7f).contains(byte));
                &sequence[end.map_or(sequence.len(), |end| end + 1)..]
            }
            (0x1b, _) => after,
            _ => {
                keys.push(*key);
                after
            }
        };
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::super::Abandoned;
    use super::super::tests::terminal;
    use super::*;
    use nix::sys::signal::raise;
    use rustix::termios::{LocalModes, tcgetattr};

    #[test]
    fn keys_come_one_by_one_and_arrows_are_none() {
        let (mut terminal, mut person) = terminal();
        let mut keys = terminal.keys().unwrap();
        person.types(" \x1b[C\x1b[1;5A\x1bOB\x03\x1bq");
        let mut pressed = Vec::new();
        while let Some(key) = keys.next(Duration::from_millis(100)).unwrap() {
            pressed.push(key);
        }
        assert_eq!(pressed, b" \x03q");
        person.types("x/");
        while !keys.is_waiting(b"/").unwrap() {}
        assert!(!keys.is_waiting(b"q").unwrap());
        assert_eq!(keys.next(Duration::ZERO).unwrap(), Some(b'x'));
        keys.show("\x1b[31mred").unwrap();
        drop(keys);
        assert_eq!(person.saw(), "\x1b[31mred");
    }

    #[test]
    fn a_signal_comes_back_as_a_value_even_where_the_terminal_takes_nothing() {
        let (mut terminal, person) = terminal();
        let before = tcgetattr(&terminal.device).unwrap().local_modes;
        let mut keys = terminal.keys().unwrap();
        raise(Signal::SIGTERM).unwrap();
        // Nobody reads: far more than the kernel takes.
        let stuck = keys.show(&"x".repeat(1 << 20)).unwrap_err();
        assert!(matches!(stuck, TerminalError::Abandoned(Abandoned::Interrupted)), "{stuck}");
        raise(Signal::SIGHUP).unwrap();
        let gone = keys.next(Duration::from_secs(20)).unwrap_err();
        assert!(matches!(gone, TerminalError::Abandoned(Abandoned::HangUp)), "{gone}");
        drop(keys);
        let after = tcgetattr(&terminal.device).unwrap().local_modes;
        assert_eq!(after, before);
        assert!(after.contains(LocalModes::ICANON));
        assert!(!fcntl_getfl(&terminal.device).unwrap().contains(OFlags::NONBLOCK));
        drop(person);
    }
}
