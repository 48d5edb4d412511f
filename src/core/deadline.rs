//! When a grant is due (P2, P11): by whichever clock says so first.

use crate::core::moment::Moment;
use chrono::{DateTime, TimeDelta, Utc};

/// The end of a grant on both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The end on the wall clock.
    pub wall: DateTime<Utc>,
    /// The boot under which `boot_ms` counts.
    pub boot_id: String,
    /// The end on that boot's clock, in milliseconds.
    pub boot_ms: u64,
}

impl Deadline {
    /// Whether the end has come. `last_entry` is the time of the ledger's last entry: after a
    /// reboot with a wall clock behind it, no clock can be believed, and everything is due.
    pub fn has_passed(&self, now: &Moment, last_entry: DateTime<Utc>) -> bool {
        let same_boot = now.boot_id == self.boot_id;
        now.wall >= self.wall
            || (same_boot && now.boot_ms >= self.boot_ms)
            || (!same_boot && now.wall < last_entry)
    }
}

impl Deadline {
    /// How long it still is, by the clock that says the least.
    pub fn left(&self, now: &Moment) -> TimeDelta {
        let wall = self.wall - now.wall;
        if now.boot_id != self.boot_id {
            return wall;
        }
        let boot_ms = i128::from(self.boot_ms) - i128::from(now.boot_ms);
        wall.min(TimeDelta::milliseconds(i64::try_from(boot_ms).unwrap_or(i64::MAX / 2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::moment::parse_rfc3339;

    fn at(text: &str) -> DateTime<Utc> {
        parse_rfc3339(text).unwrap()
    }

    #[test]
    fn p11_a_grant_is_due_when_either_clock_says_so() {
        let last_entry = at("2026-01-01T03:00:00.000Z");
        let end = Deadline { wall: at("2026-01-01T03:30:00.000Z"), boot_id: "a".into(), boot_ms: 5_000 };
        let due = |wall: &str, boot_id: &str, boot_ms| {
            end.has_passed(&Moment { wall: at(wall), boot_id: boot_id.into(), boot_ms }, last_entry)
        };
        assert!(!due("2026-01-01T03:29:59.999Z", "a", 4_999));
        assert!(due("2026-01-01T03:30:00.000Z", "a", 4_000), "wall clock");
        assert!(due("2026-01-01T02:00:00.000Z", "a", 5_000), "boot clock, wall set back");
        assert!(!due("2026-01-01T02:00:00.000Z", "a", 4_999), "set back, not yet due");
        assert!(!due("2026-01-01T03:10:00.000Z", "b", 9_999), "rebooted, wall clock sane");
        assert!(due("2026-01-01T02:59:59.999Z", "b", 1), "rebooted, wall clock behind the ledger");

        let left = |wall: &str, boot_id: &str, boot_ms| {
            end.left(&Moment { wall: at(wall), boot_id: boot_id.into(), boot_ms }).num_milliseconds()
        };
        assert_eq!(left("2026-01-01T03:29:59.000Z", "a", 1), 1_000);
        assert_eq!(left("2026-01-01T02:00:00.000Z", "a", 4_999), 1);
        assert_eq!(left("2026-01-01T03:29:59.000Z", "b", 9_999), 1_000);
        assert_eq!(left("2026-01-01T03:31:00.000Z", "a", 0), -60_000);
    }
}
