//! What time it is, by both clocks; the only place that reads either (P11).
//!
//! Everything else takes a [`Moment`] as an argument. No variable, flag or feature shifts it.

use crate::core::moment::Moment;
use chrono::{DateTime, Utc};
use rustix::time::{ClockId, clock_gettime};

/// The kernel's id of this boot: a UUID and a line feed.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why a clock could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The kernel's boot id is out of reach.
    #[error(
        "cannot read {BOOT_ID}, by which glass tells a reboot: {0}; mount /proc and run the command again"
    )]
    BootId(#[source] std::io::Error),
    /// Something else stands where the boot id should.
    #[error("{BOOT_ID} does not hold a UUID: is /proc the kernel's own?")]
    NotABootId,
    /// A clock before 1970 or past what can be written down.
    #[error("the system clock is out of range: set it (`date -u --set=…`) and run the command again")]
    OutOfRange,
}

/// The wall clock cut to whole milliseconds (as stored), and the boot clock.
///
/// # Errors
/// Without `/proc`, or with a clock out of range.
pub fn now() -> Result<Moment, ClockError> {
    let text = std::fs::read_to_string(BOOT_ID).map_err(ClockError::BootId)?;
    let boot = clock_gettime(ClockId::Boottime);
    let boot_ms = u64::try_from(boot.tv_sec)
        .ok()
        .zip(u64::try_from(boot.tv_nsec).ok())
        .and_then(|(seconds, nanoseconds)| seconds.checked_mul(1000)?.checked_add(nanoseconds / 1_000_000))
        .ok_or(ClockError::OutOfRange)?;
    Ok(Moment { wall: wall()?, boot_id: boot_id(&text)?, boot_ms })
}

// The one reading of the wall clock.
#[allow(clippy::disallowed_methods)]
fn wall() -> Result<DateTime<Utc>, ClockError> {
    match Utc::now().timestamp_millis() {
        since_1970 @ 0.. => DateTime::from_timestamp_millis(since_1970).ok_or(ClockError::OutOfRange),
        _ => Err(ClockError::OutOfRange),
    }
}

fn boot_id(text: &str) -> Result<String, ClockError> {
    let id = text.trim();
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    is_uuid.then(|| id.to_owned()).ok_or(ClockError::NotABootId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::moment::{parse_rfc3339, rfc3339};
    use chrono::TimeDelta;

    #[test]
    fn p11_both_clocks_go_on_under_one_boot() {
        let earlier = now().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let later = now().unwrap();
        assert_eq!(earlier.boot_id, later.boot_id);
        assert!(later.boot_ms >= earlier.boot_ms + 5);
        assert!(later.waited_since(&earlier) < TimeDelta::minutes(5));
    }

    #[test]
    fn a_moment_is_stored_and_read_back_without_loss() {
        let wall = now().unwrap().wall;
        assert_eq!(parse_rfc3339(&rfc3339(wall)), Some(wall));
    }

    #[test]
    fn only_a_uuid_is_a_boot_id() {
        let id = "39d7770f-c5ed-490f-be6d-edb4497a7be5";
        assert_eq!(boot_id(&format!("{id}\n")).unwrap(), id);
        for other in ["", "39d7770f", "39D7770f-c5ed-490f-be6d-edb4497a7be5", &id.replace('-', "0")] {
            assert!(matches!(boot_id(other), Err(ClockError::NotABootId)), "{other}");
        }
    }
}
