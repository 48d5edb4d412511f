//! How fresh a scope's rehearsal is.

use super::time::away;
use crate::core::duration::Seconds;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A scope that must be rehearsed, and when it last was.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// `playbook/scope`.
    pub scope: String,
    /// How often.
    pub every: Seconds,
    /// When the last drill was proved closed; `None` where there never was one.
    pub last_at: Option<DateTime<Utc>>,
}

impl Freshness {
    /// Until when the last drill is fresh.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.last_at?.checked_add_signed(self.every.delta())
    }

    /// Whether a drill is owed: one never rehearsed always owes it.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.due_at().is_none_or(|due_at| due_at <= now)
    }

    /// In a cell of a table.
    pub fn words(&self, now: DateTime<Utc>) -> String {
        match (self.last_at, self.due_at()) {
            (Some(last_at), Some(due_at)) if due_at <= now => {
                format!("OVERDUE: every {}, last {}", self.every, away(last_at - now))
            }
            (Some(_), Some(due_at)) => format!("due {}", away(due_at - now)),
            _ => format!("OVERDUE: every {}, never done", self.every),
        }
    }

    /// For `playbook list`.
    pub fn to_json(&self, now: DateTime<Utc>) -> Value {
        let time = |time: Option<DateTime<Utc>>| time.map(crate::core::moment::rfc3339);
        json!({
            "every_s": self.every.get(),
            "last_at": time(self.last_at),
            "due_at": time(self.due_at()),
            "overdue": self.is_overdue(now),
        })
    }
}

/// Lines below the table of `status`: what should be rehearsed, and how.
pub fn overdue_lines(scopes: &[Freshness], now: DateTime<Utc>) -> String {
    let owed = scopes.iter().filter(|scope| scope.is_overdue(now));
    owed.map(|freshness| {
        let scope = crate::core::text::escape(&freshness.scope);
        format!(
            "DRILL {} (glass activate {scope} --drill)\n",
            format_args!("{scope}: {}", freshness.words(now))
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::moment::parse_rfc3339;

    #[test]
    fn a_drill_is_fresh_for_as_long_as_the_scope_says() {
        let now = parse_rfc3339("2026-03-01T00:00:00.000Z").unwrap();
        let scope = |last_at: Option<&str>| Freshness {
            scope: "vault/key".into(),
            every: Seconds::new(30 * 86_400),
            last_at: last_at.map(|at| parse_rfc3339(at).unwrap()),
        };
        let scopes =
            [scope(None), scope(Some("2026-01-30T00:00:00.000Z")), scope(Some("2026-01-30T00:00:00.001Z"))];
        let overdue: Vec<bool> = scopes.iter().map(|scope| scope.is_overdue(now)).collect();
        assert_eq!(overdue, [true, true, false]);
        assert_eq!(
            overdue_lines(&scopes, now),
            "DRILL vault/key: OVERDUE: every 30d, never done (glass activate vault/key --drill)\n\
             DRILL vault/key: OVERDUE: every 30d, last 30d ago (glass activate vault/key --drill)\n"
        );
        assert_eq!(scopes[2].words(now), "due now");
    }
}
