//! One question: modes set, type-ahead thrown away, one line read, everything put back.

use super::signals::HeldSignals;
use super::{Abandoned, TerminalError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, SpecialCodeIndex, Termios, tcflush,
    tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The kernel's line editor holds 4,095 bytes and the line feed, and drops what comes after
/// them: a line of that length may have been cut, and is refused.
const LINE_CAP: usize = 4094;
const BUFFER: usize = LINE_CAP + 2;

/// Type-ahead counts as thrown away after so long without input (long enough for a paste to go
/// on arriving on a busy machine, too short for a person to notice), ...
const QUIET: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// ... and a terminal that is not quiet for so long is being fed by something.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a person is waited for before it is looked again whether they need still answer.
const TURN: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

const CTRL_C: u8 = 0x03;
const CTRL_BACKSLASH: u8 = 0x1c;
const DISABLED: u8 = 0;

/// Whether the person sees what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    On,
    Off,
}

/// A terminal made ready for one question; put back when dropped.
#[derive(Debug)]
pub(super) struct Question<'t> {
    device: &'t File,
    before: Termios,
    echo: Echo,
    /// The bytes that end the line and abandon the question.
    interrupts: [u8; 2],
    // Dropped last: no signal strikes before the modes are put back.
    signals: HeldSignals,
}

impl<'t> Question<'t> {
    pub(super) fn begin(device: &'t File, echo: Echo) -> Result<Self, TerminalError> {
        let signals = HeldSignals::hold().map_err(|errno| failed(errno.into()))?;
        let before = tcgetattr(device).map_err(|errno| failed(errno.into()))?;
        let key = |index, usual| match before.special_codes[index] {
            DISABLED => usual,
            set => set,
        };
        let interrupts = [key(SpecialCodeIndex::VINTR, CTRL_C), key(SpecialCodeIndex::VQUIT, CTRL_BACKSLASH)];
        let modes = modes(&before, echo, interrupts);
        let question = Self { device, before, echo, interrupts, signals };
        question.set(&modes)?;
        Ok(question)
    }

    /// Shows the prompt and reads the line that answers it, without its line feed.
    ///
    /// # Errors
    /// [`Abandoned::Overtaken`] as soon as `over` says so.
    pub(super) fn ask(
        self,
        prompt: &str,
        over: &mut dyn FnMut() -> bool,
    ) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        let answer =
            self.throw_type_ahead_away().and_then(|()| self.show(prompt)).and_then(|()| self.line(over));
        let abandoned = matches!(answer, Err(TerminalError::Abandoned(_)));
        if matches!(answer, Err(TerminalError::Abandoned(Abandoned::HangUp))) {
            self.signals.keep_out_hang_up();
        } else if abandoned || self.echo == Echo::Off {
            // The line feed that the person did not see; what follows starts on its own line.
            self.show("\n")?;
        }
        answer
    }

    fn set(&self, modes: &Termios) -> Result<(), TerminalError> {
        tcsetattr(self.device, OptionalActions::Now, modes).map_err(|errno| failed(errno.into()))
    }

    fn show(&self, text: &str) -> Result<(), TerminalError> {
        let mut device = self.device;
        device.write_all(text.as_bytes()).map_err(failed)
    }

    /// A long paste arrives in pieces: flushes until nothing more comes.
    fn throw_type_ahead_away(&self) -> Result<(), TerminalError> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            tcflush(self.device, QueueSelector::IFlush).map_err(|errno| failed(errno.into()))?;
            let mut watched = [PollFd::new(self.device, PollFlags::IN)];
            match poll(&mut watched, Some(&QUIET)) {
                Ok(0) => return Ok(()),
                Ok(_) if watched[0].revents().contains(PollFlags::HUP) => {
                    return Err(Abandoned::HangUp.into());
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
        }
        Err(TerminalError::NeverQuiet)
    }

    fn line(&self, over: &mut dyn FnMut() -> bool) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        // Of its full size from the start: growing would leave copies of a passphrase behind.
        let mut buffer = Zeroizing::new(vec![0; BUFFER]);
        let mut filled = 0;
        while filled < BUFFER {
            let hung_up = self.wait(over)?;
            match rustix::io::read(self.device, &mut buffer[filled..]) {
                Ok(0) if hung_up => return Err(Abandoned::HangUp.into()),
                // With text before it, Ctrl-D only hands that over; on its own it ends the input.
                Ok(0) => return Err(Abandoned::EndOfInput.into()),
                Ok(count) => filled += count,
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(errno) => return Err(failed(errno.into())),
            }
            let so_far = &buffer[..filled];
            if so_far.iter().any(|byte| self.interrupts.contains(byte)) {
                return Err(Abandoned::Interrupted.into());
            }
            if let Some(line) = so_far.strip_suffix(b"\n") {
                let length = line.len();
                if length > LINE_CAP {
                    break;
                }
                buffer.truncate(length);
                return Ok(buffer);
            }
        }
        Err(TerminalError::TooLong(LINE_CAP))
    }

    /// Waits for input; tells whether the terminal has hung up.
    fn wait(&self, over: &mut dyn FnMut() -> bool) -> Result<bool, TerminalError> {
        loop {
            if over() {
                return Err(Abandoned::Overtaken.into());
            }
            let signals = self.signals.as_fd();
            let mut watched =
                [PollFd::new(self.device, PollFlags::IN), PollFd::from_borrowed_fd(signals, PollFlags::IN)];
            match poll(&mut watched, Some(&TURN)) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed(errno.into())),
            }
            if let Some(abandoned) = self.signals.take().map_err(|errno| failed(errno.into()))? {
                return Err(abandoned.into());
            }
            let input = watched[0].revents();
            if !input.is_empty() {
                return Ok(input.contains(PollFlags::HUP));
            }
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        // Should the terminal be gone, there is nothing to put back and no one to tell.
        let _ = tcflush(self.device, QueueSelector::IFlush);
        let _ = tcsetattr(self.device, OptionalActions::Now, &self.before);
    }
}

/// Line by line, edited by the kernel. Keys that would raise a signal end the line instead.
fn modes(before: &Termios, echo: Echo, [interrupt, quit]: [u8; 2]) -> Termios {
    let mut modes = before.clone();
    modes.input_modes.insert(InputModes::ICRNL);
    modes.input_modes.remove(InputModes::IGNCR | InputModes::INLCR | InputModes::ISTRIP);
    modes.output_modes.insert(OutputModes::OPOST | OutputModes::ONLCR);
    modes.local_modes.insert(LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ECHOE | LocalModes::ECHOK);
    modes.local_modes.remove(LocalModes::ISIG | LocalModes::ECHONL);
    modes.local_modes.set(LocalModes::ECHO, echo == Echo::On);
    modes.special_codes[SpecialCodeIndex::VEOL] = interrupt;
    modes.special_codes[SpecialCodeIndex::VEOL2] = quit;
    modes
}

/// A terminal that is gone is a person who is gone.
pub(super) fn failed(error: io::Error) -> TerminalError {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::IO | Errno::NXIO) => Abandoned::HangUp.into(),
        _ => TerminalError::Failed(error),
    }
}
