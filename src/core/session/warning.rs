//! When somebody in a session is told that its grant ends soon.

use chrono::TimeDelta;

/// How long before the end, the earliest first.
const BEFORE: [TimeDelta; 2] = [TimeDelta::minutes(5), TimeDelta::minutes(1)];

/// Which warnings are still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warnings {
    /// How many were given, or came too late to be.
    past: usize,
}

impl Warnings {
    /// For a session that begins with so much time left: it is told the end as it begins.
    pub fn beginning_with(left: TimeDelta) -> Self {
        Self { past: passed(left) }
    }

    /// Whether to warn now, with so much time left. One that was missed by a sleeping machine
    /// makes no second one; one that an extension puts off comes again.
    pub fn is_due(&mut self, left: TimeDelta) -> bool {
        let passed = passed(left);
        let due = passed > self.past;
        self.past = passed;
        due
    }
}

fn passed(left: TimeDelta) -> usize {
    BEFORE.iter().filter(|before| left <= **before).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p13_five_minutes_and_one_minute_before_the_end_and_again_after_an_extension() {
        let mut warnings = Warnings::beginning_with(TimeDelta::minutes(10));
        let mut told = Vec::new();
        // Minutes left, second by second, with an extension of ten minutes in between.
        let spans = [(600, 200), (800, 0)];
        for (from, to) in spans {
            for left in (to..=from).rev() {
                if warnings.is_due(TimeDelta::seconds(left)) {
                    told.push(left);
                }
            }
        }
        assert_eq!(told, [300, 300, 60]);
    }

    #[test]
    fn what_has_passed_as_it_begins_or_while_the_machine_slept_is_not_told_twice() {
        let mut late = Warnings::beginning_with(TimeDelta::seconds(90));
        assert!(!late.is_due(TimeDelta::seconds(80)));
        assert!(late.is_due(TimeDelta::seconds(60)) && !late.is_due(TimeDelta::seconds(59)));
        let mut slept = Warnings::beginning_with(TimeDelta::minutes(10));
        assert!(slept.is_due(TimeDelta::seconds(30)) && !slept.is_due(TimeDelta::seconds(20)));
    }
}
