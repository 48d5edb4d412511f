//! Signals that would kill glass in the middle of a question, turned into values.

use super::Abandoned;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};

/// While it lives, SIGHUP, SIGINT, SIGQUIT and SIGTERM wait to be taken. Afterwards the mask is
/// as it was, but for SIGHUP once the terminal has hung up.
#[derive(Debug)]
pub struct HeldSignals {
    before: SigSet,
    arriving: SignalFd,
    hung_up: Cell<bool>,
}

impl HeldSignals {
    /// Holds them back in this thread.
    ///
    /// # Errors
    /// The system refuses; then nothing has changed.
    pub fn hold() -> nix::Result<Self> {
        let held: SigSet =
            [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter().collect();
        // Before the mask: where this fails, nothing has changed.
        let arriving = SignalFd::with_flags(&held, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { before, arriving, hung_up: Cell::new(false) })
    }

    /// What the next waiting signal means; `None` where none waits.
    ///
    /// # Errors
    /// The system refuses.
    pub fn take(&self) -> nix::Result<Option<Abandoned>> {
        let hang_up = Signal::SIGHUP as u32;
        Ok(self.arriving.read_signal()?.map(|signal| match signal.ssi_signo {
            number if number == hang_up => Abandoned::HangUp,
            _ => Abandoned::Interrupted,
        }))
    }

    /// From now on SIGHUP is old news: the shell and the kernel each send more of them.
    pub(super) fn keep_out_hang_up(&self) {
        self.hung_up.set(true);
    }
}

impl AsFd for HeldSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arriving.as_fd()
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        if self.hung_up.get() {
            self.before.add(Signal::SIGHUP);
        }
        // Fails only for a mask that the kernel did not give out.
        let _ = self.before.thread_set_mask();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    fn blocked(signal: Signal) -> bool {
        SigSet::thread_get_mask().unwrap().contains(signal)
    }

    // `raise` and the mask concern the calling thread alone: other tests see nothing of it.

    #[test]
    fn a_signal_to_end_comes_back_as_a_value() {
        for (signal, meaning) in [
            (Signal::SIGINT, Abandoned::Interrupted),
            (Signal::SIGQUIT, Abandoned::Interrupted),
            (Signal::SIGTERM, Abandoned::Interrupted),
            (Signal::SIGHUP, Abandoned::HangUp),
        ] {
            let held = HeldSignals::hold().unwrap();
            assert_eq!(held.take().unwrap(), None);
            raise(signal).unwrap();
            assert_eq!(held.take().unwrap(), Some(meaning));
            assert_eq!(held.take().unwrap(), None);
            assert!(blocked(signal));
            drop(held);
            assert!(!blocked(signal));
        }
    }

    #[test]
    fn after_a_hang_up_the_refusal_can_still_be_recorded() {
        let held = HeldSignals::hold().unwrap();
        held.keep_out_hang_up();
        drop(held);
        raise(Signal::SIGHUP).unwrap();
        assert!(blocked(Signal::SIGHUP));
        assert!(!blocked(Signal::SIGTERM));
    }
}
