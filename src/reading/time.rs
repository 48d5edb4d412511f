//! Times for people: local, and how far away.

use crate::core::duration::Seconds;
use chrono::{DateTime, Local, TimeDelta, Utc};

/// `03:42:10 (in 12m)`, `yesterday's date and time (2h ago)`.
pub fn near(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ({})", local(time, now), away(time - now))
}

/// `03:42:10`; with its date where that is another than today's.
pub fn local(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let local = time.with_timezone(&Local);
    let form = match local.date_naive() == now.with_timezone(&Local).date_naive() {
        true => "%H:%M:%S",
        false => "%Y-%m-%d %H:%M",
    };
    local.format(form).to_string()
}

/// `03:42:10`, of whatever day.
pub fn clock(time: DateTime<Utc>) -> String {
    time.with_timezone(&Local).format("%H:%M:%S").to_string()
}

/// `12m4s`; nothing is shorter than no time.
pub fn span(length: TimeDelta) -> String {
    rough(u64::try_from(length.num_seconds()).unwrap_or(0))
}

/// `in 12m`, `2h ago`, `now`.
pub fn away(apart: TimeDelta) -> String {
    let seconds = apart.num_seconds();
    let words = rough(seconds.unsigned_abs());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {words}"),
        _ => format!("{words} ago"),
    }
}

/// The two largest units are enough for a person.
fn rough(seconds: u64) -> String {
    let unit = match seconds {
        172_800.. => 3_600,
        7_200.. => 60,
        _ => 1,
    };
    Seconds::new(seconds / unit * unit).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rounded_to_what_matters() {
        let words = |seconds| away(TimeDelta::seconds(seconds));
        assert_eq!(words(720), "in 12m");
        assert_eq!(words(-90), "1m30s ago");
        assert_eq!(words(0), "now");
        assert_eq!(words(86_400 * 3 + 59), "in 3d");
        assert_eq!(words(7_259), "in 2h");
    }
}
