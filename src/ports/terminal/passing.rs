//! Signals that are meant for the program in a session, turned into values to pass on.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::getpgrp;
use std::os::fd::{AsFd, BorrowedFd};

/// What would end or stop glass, and what only says that the window has another size.
const PASSED: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// While it lives, those signals wait to be taken; threads that are started meanwhile hold them
/// back too.
#[derive(Debug)]
pub struct PassedSignals {
    before: SigSet,
    arriving: SignalFd,
}

impl PassedSignals {
    /// Holds them back in this thread.
    ///
    /// # Errors
    /// The system refuses; then nothing has changed.
    pub fn hold() -> nix::Result<Self> {
        let held: SigSet = PASSED.into_iter().collect();
        let arriving = SignalFd::with_flags(&held, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { before, arriving })
    }

    /// The number of the next waiting signal.
    ///
    /// # Errors
    /// The system refuses.
    pub fn take(&self) -> nix::Result<Option<i32>> {
        Ok(self.arriving.read_signal()?.and_then(|signal| i32::try_from(signal.ssi_signo).ok()))
    }

    /// Stops glass and whatever shares its job, as Ctrl-Z does; comes back when somebody lets it
    /// go on. Where no shell could do that, the kernel stops nothing, and it comes back at once.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop_here(&self) -> nix::Result<()> {
        let stop: SigSet = [Signal::SIGTSTP].into_iter().collect();
        killpg(getpgrp(), Signal::SIGTSTP)?;
        // It was held back until here.
        stop.thread_unblock()?;
        stop.thread_block()
    }
}

impl AsFd for PassedSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arriving.as_fd()
    }
}

impl Drop for PassedSignals {
    fn drop(&mut self) {
        // Fails only for a mask that the kernel did not give out.
        let _ = self.before.thread_set_mask();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn what_is_meant_for_the_session_comes_back_as_a_value() {
        let passed = PassedSignals::hold().unwrap();
        assert_eq!(passed.take(), Ok(None));
        for signal in [Signal::SIGTERM, Signal::SIGWINCH, Signal::SIGUSR1] {
            raise(signal).unwrap();
            assert_eq!(passed.take(), Ok(Some(signal as i32)));
        }
        drop(passed);
        assert!(!SigSet::thread_get_mask().unwrap().contains(Signal::SIGTERM));
    }
}
