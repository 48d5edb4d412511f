//! Lengths of time as playbooks write them: `90s`, `30m`, `1h30m`, `7d`.

use std::fmt;
use std::str::FromStr;

/// A length of time in whole seconds, one second or more when parsed.
///
/// Written as descending parts of `d`, `h`, `m`, `s` (CONTRACT, "Durations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// No playbook needs more, and every sum of lengths stays far from overflow.
const LONGEST: u64 = 100 * 365 * 86_400;

impl Seconds {
    /// A length from a count of seconds.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The count of seconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same length for `chrono` arithmetic.
    pub fn delta(self) -> chrono::TimeDelta {
        chrono::TimeDelta::seconds(i64::try_from(self.0).unwrap_or(i64::MAX / 1_000))
    }

    /// The same length for waiting.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }
}

/// Why a text is not a length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DurationError {
    /// Not of the form that CONTRACT gives.
    #[error("not a duration: write it like `90s`, `30m`, `1h30m` or `7d`")]
    Form,
    /// Zero is not a length.
    #[error("a duration is at least `1s`")]
    Zero,
    /// Beyond any sensible playbook.
    #[error("a duration is at most 100 years")]
    TooLong,
}

impl FromStr for Seconds {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let mut total: u64 = 0;
        let mut units = UNITS.iter();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let count: u64 = rest[..digits].parse().map_err(|_| DurationError::Form)?;
            let unit = rest[digits..].chars().next().ok_or(DurationError::Form)?;
            // Each unit once, largest first: the iterator only moves forward.
            let (_, size) = units.find(|(name, _)| *name == unit).ok_or(DurationError::Form)?;
            total = count
                .checked_mul(*size)
                .and_then(|part| total.checked_add(part))
                .ok_or(DurationError::TooLong)?;
            rest = &rest[digits + unit.len_utf8()..];
        }
        match total {
            _ if text.is_empty() => Err(DurationError::Form),
            0 => Err(DurationError::Zero),
            too_long if too_long > LONGEST => Err(DurationError::TooLong),
            total => Ok(Self(total)),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        for (name, size) in UNITS {
            if left >= size {
                write!(f, "{}{name}", left / size)?;
                left %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_of_the_contract_are_read() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("1h30m", 5_400), ("7d", 604_800)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "m", "1m1h", "1h1h", "-5m", "1.5h", " 5m", "5 m", "5m ", "5M", "１m"] {
            assert_eq!(text.parse::<Seconds>(), Err(DurationError::Form), "{text:?}");
        }
        assert_eq!("0s".parse::<Seconds>(), Err(DurationError::Zero));
        assert_eq!("99999999999999999d".parse::<Seconds>(), Err(DurationError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(seconds in 1..LONGEST) {
            prop_assert_eq!(Seconds(seconds).to_string().parse(), Ok(Seconds(seconds)));
        }
    }
}
