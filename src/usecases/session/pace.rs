//! How fast recorded time goes by for the person who watches.

use std::time::{Duration, Instant};

/// A pause is looked at again after so long; a key ends it at once.
const LONG: Duration = Duration::from_secs(3600);
/// More than this is not made good: a terminal that stood still must not make the rest rush by.
const LATE: Duration = Duration::from_millis(500);
/// Bounds of the speed, for keys.
const SLOWEST: f64 = 1.0 / 64.0;
const FASTEST: f64 = 64.0;

/// Recorded time against the clock, which is an argument.
#[derive(Debug)]
pub(super) struct Pace {
    speed: f64,
    idle_limit: Duration,
    paused: bool,
    /// Recorded time that has gone by since the last event was due: what one comes late by is
    /// made good at the next.
    gone: Duration,
    looked: Instant,
}

impl Pace {
    pub(super) const fn new(speed: f64, idle_limit: Duration, now: Instant) -> Self {
        Self { speed, idle_limit, paused: false, gone: Duration::ZERO, looked: now }
    }

    /// How long to wait for an event that came so long after the one before it; `None` where it
    /// is due.
    pub(super) fn wait(&mut self, gap: Duration, now: Instant) -> Option<Duration> {
        if !self.paused {
            self.gone += now.duration_since(self.looked).mul_f64(self.speed);
        }
        self.looked = now;
        let gap = gap.min(self.idle_limit);
        if self.paused {
            return Some(LONG);
        }
        match gap.checked_sub(self.gone).filter(|left| !left.is_zero()) {
            Some(left) => Some(left.div_f64(self.speed)),
            None => {
                self.gone = (self.gone - gap).min(LATE.mul_f64(self.speed));
                None
            }
        }
    }

    /// After a jump, or a step: the next event is waited for anew.
    pub(super) const fn restart(&mut self, now: Instant) {
        (self.gone, self.looked) = (Duration::ZERO, now);
    }

    pub(super) const fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) const fn pause_or_go_on(&mut self) {
        self.paused = !self.paused;
    }

    /// So many times as fast as now; where a speed beyond the bounds was asked for, that is one.
    pub(super) fn change(&mut self, factor: f64) {
        self.speed = (self.speed * factor).clamp(SLOWEST.min(self.speed), FASTEST.max(self.speed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn gaps_are_limited_then_sped_up_and_lateness_is_made_good() {
        let began = Instant::now();
        let mut pace = Pace::new(2.0, ms(2000), began);
        assert_eq!(pace.wait(ms(500), began), Some(ms(250)));
        // An hour of silence is two seconds, one at this speed.
        assert_eq!(pace.wait(ms(3_600_000), began), Some(ms(1000)));
        assert_eq!(pace.wait(ms(3_600_000), began + ms(600)), Some(ms(400)));
        // 100 ms late: 200 ms of recorded time, which the next one need not wait.
        assert_eq!(pace.wait(ms(3_600_000), began + ms(1100)), None);
        assert_eq!(pace.wait(ms(300), began + ms(1100)), Some(ms(50)));
        assert_eq!(pace.wait(ms(100), began + ms(1100)), None);
        // A minute late: not all that was missed rushes by.
        assert_eq!(pace.wait(ms(100), began + ms(61_100)), None);
        assert_eq!(pace.wait(ms(1100), began + ms(61_100)), Some(ms(50)));
    }

    #[test]
    fn no_time_goes_by_in_a_pause_and_the_speed_counts_from_when_it_changes() {
        let began = Instant::now();
        let mut pace = Pace::new(1.0, ms(2000), began);
        assert_eq!(pace.wait(ms(1000), began + ms(400)), Some(ms(600)));
        pace.pause_or_go_on();
        assert_eq!(pace.wait(ms(1000), began + ms(90_000)), Some(LONG));
        assert_eq!(pace.wait(ms(0), began + ms(90_000)), Some(LONG));
        pace.pause_or_go_on();
        pace.change(2.0);
        assert_eq!(pace.wait(ms(1000), began + ms(90_000)), Some(ms(300)));
        pace.restart(began + ms(95_000));
        assert_eq!(pace.wait(ms(1000), began + ms(95_000)), Some(ms(500)));
    }

    #[test]
    fn keys_stay_within_bounds() {
        let mut pace = Pace::new(100.0, ms(2000), Instant::now());
        pace.change(2.0);
        assert_eq!(pace.speed, 100.0);
        (0..20).for_each(|_| pace.change(0.5));
        assert_eq!(pace.speed, SLOWEST);
    }
}
