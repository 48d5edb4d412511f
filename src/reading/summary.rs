//! What opens, for whom, until when: the same screen for who asks and for who consents.

use crate::core::duration::Seconds;
use crate::core::playbook::Scope;
use crate::core::policy::{Demand, whom};
use chrono::{DateTime, Local, Utc};

const FORM: &str = "%Y-%m-%d %H:%M:%S";

/// A request, asked for or about to be.
#[derive(Debug)]
pub struct Summary<'a> {
    /// `playbook/scope`.
    pub address: &'a str,
    /// What it says.
    pub scope: &'a Scope,
    /// Who asks.
    pub person: &'a str,
    /// Fingerprint of the key that asks.
    pub key: &'a str,
    /// For how long.
    pub length: Seconds,
    /// Whether it is a rehearsal.
    pub drill: bool,
    /// Signs that no person is at the terminal.
    pub hints: &'a [String],
    /// The grants whose overdue reviews it is opened in spite of.
    pub overrides: &'a [String],
    /// The hotfix by which it opens, in words.
    pub hotfix: Option<String>,
    /// Who could sign it, besides the requester.
    pub able: &'a [String],
    /// When it would end, were it opened now.
    pub until: DateTime<Utc>,
}

impl Summary<'_> {
    /// The lines of the screen, inert.
    pub fn to_lines(&self) -> Vec<String> {
        let scope = self.scope;
        let what = if self.drill { "DRILL: A REHEARSAL, BUT IT OPENS" } else { "BREAK GLASS" };
        let mut lines = vec![
            format!("{what}  {}  (risk: {})", self.address, scope.risk.as_str()),
            format!("  {}", scope.title),
        ];
        if let Some(words) = &self.hotfix {
            lines.push(format!("  HOTFIX {words}: differs from what admins registered"));
        }
        let mut row = |name: &str, value: &str| lines.push(format!("  {name:<9} {value}"));
        for (index, opens) in scope.opens.iter().enumerate() {
            row(if index == 0 { "opens" } else { "" }, opens.as_str());
        }
        for (index, not_for) in scope.not_for.iter().enumerate() {
            row(if index == 0 { "not for" } else { "" }, not_for.as_str());
        }
        row("for", &format!("{} (key {})", self.person, self.key));
        if !self.overrides.is_empty() {
            row("OVERRIDES", &format!("the overdue review of {}", self.overrides.join(", ")));
        }
        if let Some(demand) = Demand::of(scope, !self.overrides.is_empty()) {
            row("signed by", &self.signatures(&demand));
            if let Some(wait) = demand.alone_after {
                row("", &format!("or alone after {wait}: marked, and its review owed in half the time"));
            }
        }
        if let Some(demand) = scope.touch.demand() {
            row("touch", demand);
        }
        let until = match Demand::of(scope, !self.overrides.is_empty()) {
            None => format!("{}, {} from now", self.until.with_timezone(&Local).format(FORM), self.length),
            // When that will be, those who sign decide.
            Some(_) => format!("{} after it opens", self.length),
        };
        row("until", &format!("{until}; it closes by itself"));
        let review: Vec<String> = scope.review.by.iter().map(ToString::to_string).collect();
        row("review", &format!("owed within {} of closing, by {}", scope.review.within, review.join(", ")));
        row("recorded", "the signed request, every step, its closing and the proof of it");
        row("", "NOT recorded: what is done while it is open");
        if !self.hints.is_empty() {
            let hints = self.hints.join(", ");
            row("noted", &format!("hints of an agent or CI runner ({hints}): reviewers will see it"));
        }
        if let Some(runbook) = &scope.runbook {
            row("runbook", runbook.as_str());
        }
        lines
    }

    fn signatures(&self, demand: &Demand) -> String {
        let able = match self.able {
            [] => "nobody who could is left".to_owned(),
            able => able.join(", "),
        };
        let whom = whom(self.scope, !self.overrides.is_empty()).join(", ");
        let people = if demand.needed == 1 {
            "1 more person".to_owned()
        } else {
            format!("{} more people", demand.needed)
        };
        format!("{people} of {whom} ({able}), within {}", demand.within)
    }
}
