//! A wait for what happens elsewhere: one line that is rewritten, and Ctrl-C that comes back as
//! a value.

use super::question::failed;
use super::signals::HeldSignals;
use super::{Abandoned, TerminalError};
use crate::core::text::Line;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{getpgrp, tcsetpgrp};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Write;

/// While it lives, signals wait to be taken. Afterwards its line is gone; a terminal that was lent
/// is glass's again, in the modes that it had.
#[derive(Debug)]
pub struct Wait<'t> {
    device: &'t File,
    /// The modes of a terminal that is lent.
    lent: Option<Termios>,
    shown: String,
    // Dropped last: no signal strikes before the terminal is put back.
    signals: HeldSignals,
}

impl<'t> Wait<'t> {
    pub(super) fn begin(device: &'t File, lend: bool) -> Result<Self, TerminalError> {
        let signals = HeldSignals::hold().map_err(|errno| failed(errno.into()))?;
        let modes = lend.then(|| tcgetattr(device)).transpose();
        let lent = modes.map_err(|errno| failed(errno.into()))?;
        Ok(Self { device, lent, shown: String::new(), signals })
    }

    /// Looks whether the person gave up, and shows this line, which is inert, in the place of the
    /// one before; an empty one shows nothing.
    ///
    /// # Errors
    /// [`TerminalError::Abandoned`] after Ctrl-C, a signal to end, or a hang-up.
    pub fn turn(&mut self, line: &str) -> Result<(), TerminalError> {
        debug_assert!(Line::new(line).is_ok(), "text for a person must be inert");
        if let Some(abandoned) = self.signals.take().map_err(|errno| failed(errno.into()))? {
            if abandoned == Abandoned::HangUp {
                self.signals.keep_out_hang_up();
            }
            return Err(abandoned.into());
        }
        if line == self.shown {
            return Ok(());
        }
        self.rewrite(line)
    }

    /// With a carriage return and blanks alone, which the dumbest of terminals knows too.
    fn rewrite(&mut self, line: &str) -> Result<(), TerminalError> {
        let (width, blank) = (self.shown.chars().count(), "");
        let text = match line.is_empty() {
            true => format!("\r{blank:<width$}\r"),
            false => format!("\r{line:<width$}"),
        };
        line.clone_into(&mut self.shown);
        let mut device = self.device;
        device.write_all(text.as_bytes()).map_err(failed)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        // Should the terminal be gone, there is nothing to put back and no one to tell.
        if let Some(modes) = &self.lent {
            let in_background: SigSet = [Signal::SIGTTOU].into_iter().collect();
            let before = in_background.thread_swap_mask(SigmaskHow::SIG_BLOCK);
            let _ = tcsetpgrp(self.device, getpgrp());
            let _ = tcsetattr(self.device, OptionalActions::Now, modes);
            if let Ok(before) = before {
                let _ = before.thread_set_mask();
            }
        }
        if !self.shown.is_empty() {
            let _ = self.rewrite("");
        }
    }
}
