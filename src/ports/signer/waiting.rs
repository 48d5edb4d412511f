//! Waiting for a person's touch, without holding up whoever shows them how long.

use super::{AgentError, SignError};
use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a person may take to find and touch their security key.
pub const TOUCH_WITHIN: Duration = Duration::from_secs(60);

/// Hears how much time is left, several times a second; breaks off to end the wait.
pub type Turn<'a> = dyn FnMut(Duration) -> ControlFlow<()> + 'a;

/// How often the caller is heard.
pub(super) const EACH: Duration = Duration::from_millis(50);

/// The time that is left of a wait.
pub(super) fn left(began: Instant) -> Duration {
    TOUCH_WITHIN.saturating_sub(began.elapsed())
}

/// Does the work in a thread of its own, which keeps the time limit itself. One that is given up
/// goes on until then, or until glass ends: nobody takes what it brings.
pub(super) fn patiently<T: Send + 'static>(
    turn: &mut Turn<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SignError> {
    let (done, result) = sync_channel(1);
    let worker = move || {
        // Given up: then nobody listens any more.
        let _ = done.send(work());
    };
    thread::Builder::new().spawn(worker).map_err(AgentError::Broken)?;
    let began = Instant::now();
    loop {
        if turn(left(began)).is_break() {
            return Err(SignError::Interrupted);
        }
        match result.recv_timeout(EACH) {
            Ok(brought) => return Ok(brought),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(AgentError::Broken(io::ErrorKind::BrokenPipe.into()).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p04_a_wait_that_is_broken_off_brings_nothing() {
        let mut turns = 0;
        let given_up = patiently(
            &mut |left| {
                assert!(left <= TOUCH_WITHIN);
                turns += 1;
                if turns == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
            || thread::sleep(Duration::from_secs(2)),
        );
        assert!(matches!(given_up, Err(SignError::Interrupted)));
        assert_eq!(patiently(&mut |_| ControlFlow::Continue(()), || 7).unwrap(), 7);
    }
}
