//! Waiting for what comes about by itself.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything takes, also on a busy machine.
pub const LONG: Duration = Duration::from_secs(20);

/// Looks again and again until it is so; tells whether it came about in time.
#[must_use]
pub fn wait_until(mut so: impl FnMut() -> bool, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(25));
    }
}
