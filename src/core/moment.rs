//! A moment by both clocks, and how long ago another moment was (P11).

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// What the two clocks of this machine said at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: DateTime<Utc>,
    /// The kernel's id of this boot (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// Milliseconds since that boot, suspend included (`CLOCK_BOOTTIME`).
    pub boot_ms: u64,
}

impl Moment {
    /// How long ago `earlier` was, by the slower of the clocks that can tell.
    ///
    /// Under another boot only the time since this boot is certain to have passed.
    pub fn waited_since(&self, earlier: &Moment) -> TimeDelta {
        let uptime = milliseconds(self.boot_ms);
        if self.boot_id != earlier.boot_id {
            return uptime;
        }
        let boot = uptime - milliseconds(earlier.boot_ms);
        boot.min(self.wall - earlier.wall)
    }
}

fn milliseconds(count: u64) -> TimeDelta {
    TimeDelta::milliseconds(i64::try_from(count).unwrap_or(i64::MAX / 2))
}

/// RFC 3339 in UTC with exactly three fractional digits, as every stored time.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads back what [`rfc3339`] wrote; `None` for any other form.
pub fn parse_rfc3339(text: &str) -> Option<DateTime<Utc>> {
    const SHAPE: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    if !bytes.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, digit| 10 * sum + u32::from(digit - b'0'));
    let date = NaiveDate::from_ymd_opt(
        number(&bytes[..4]).cast_signed(),
        number(&bytes[5..7]),
        number(&bytes[8..10]),
    )?;
    let (hour, minute, second) = (number(&bytes[11..13]), number(&bytes[14..16]), number(&bytes[17..19]));
    Some(date.and_hms_milli_opt(hour, minute, second, number(&bytes[20..23]))?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: &str, boot_id: &str, boot_ms: u64) -> Moment {
        Moment { wall: parse_rfc3339(wall).unwrap(), boot_id: boot_id.into(), boot_ms }
    }

    #[test]
    fn p11_waiting_counts_by_the_slower_clock() {
        let began = moment("2026-01-01T00:00:00.000Z", "a", 1_000);
        let wall_jumped = moment("2026-01-01T05:00:00.000Z", "a", 4_000);
        assert_eq!(wall_jumped.waited_since(&began), TimeDelta::seconds(3));
        let wall_set_back = moment("2025-12-31T23:00:00.000Z", "a", 9_000);
        assert!(wall_set_back.waited_since(&began) < TimeDelta::zero());
        let rebooted = moment("2026-01-01T09:00:00.000Z", "b", 7_000);
        assert_eq!(rebooted.waited_since(&began), TimeDelta::seconds(7));
    }

    #[test]
    fn only_the_stored_form_of_a_time_is_read_back() {
        assert!(parse_rfc3339("2026-01-01T00:00:00.000Z").is_some());
        for other in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000+00:00",
            "2026-01-01T01:00:00.000+01:00",
            "2026-02-30T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:00:00.0x0Z",
            "x",
        ] {
            assert_eq!(parse_rfc3339(other), None, "{other}");
        }
    }
}
