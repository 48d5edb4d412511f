//! What opens, for whom, until when: the same screen for who asks and for who consents.

use crate::core::duration::Seconds;
use crate::core::entry::Containment;
use crate::core::playbook::{Recording, Scope};
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
    /// What holds sessions together on this host.
    pub contained: Containment,
    /// The OS user who asks, whose sessions they will be where the scope names no other.
    pub os_uid: Option<u64>,
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
        for line in sessions(scope) {
            row("", line);
        }
        let (first, more) = end_of_sessions(self.contained, self.run_as_root());
        row("sessions", first);
        if let Some(more) = more {
            row("", more);
        }
        if let Some(user) = &scope.run_as {
            row("", &format!("they run as OS user {user}"));
        }
        if !self.hints.is_empty() {
            let hints = self.hints.join(", ");
            row("noted", &format!("hints of an agent or CI runner ({hints}): reviewers will see it"));
        }
        if let Some(runbook) = &scope.runbook {
            row("runbook", runbook.as_str());
        }
        lines
    }

    fn run_as_root(&self) -> bool {
        self.scope.run_as.as_ref().map_or(self.os_uid == Some(0), |name| name == "root")
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

/// What of the use is recorded, and what is not (P13).
fn sessions(scope: &Scope) -> Vec<&'static str> {
    if scope.recording == Recording::Off {
        return vec!["NOT recorded: what is done while it is open"];
    }
    let mut lines = vec!["sessions through glass (exec, shell), with what they print"];
    if scope.recording_input {
        lines.push("keystrokes in them too, but never while echo is off");
    }
    if scope.recording == Recording::Required {
        lines.push("its outputs can be used in such sessions only");
    }
    lines.push("NOT recorded: what is done outside such sessions");
    lines
}

/// How far it is sure that a session ends with its grant.
const fn end_of_sessions(contained: Containment, as_root: bool) -> (&'static str, Option<&'static str>) {
    match (contained, as_root) {
        (Containment::Cgroup, false) => ("end with it, every process that they start, by their cgroup", None),
        (Containment::Cgroup, true) => (
            "end with it, every process that they start, by their cgroup,",
            Some("which only root's rights could leave: these have them"),
        ),
        (Containment::Subreaper, _) => (
            "end with it, by glass's own watch; there is no cgroup here, so a",
            Some("program that kills all of glass first may outlive it"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::playbook::{Playbook, SAMPLE};
    use crate::core::text::Line;

    fn lines(contained: Containment, change: impl FnOnce(&mut Scope)) -> String {
        let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
        change(&mut scope);
        let summary = Summary {
            address: "break-glass/demo-file",
            scope: &scope,
            person: "ana",
            key: "SHA256:SRZEjH2evxTzNdE8eo55MwEbD+ySQOegFwB5ckmWUA0",
            length: Seconds::new(600),
            drill: false,
            hints: &[],
            overrides: &[],
            hotfix: None,
            able: &[],
            contained,
            os_uid: Some(1000),
            until: DateTime::UNIX_EPOCH,
        };
        let lines = summary.to_lines();
        assert!(lines.iter().all(|line| line.chars().count() <= 80 && Line::new(line).is_ok()), "{lines:#?}");
        lines.join("\n")
    }

    #[test]
    fn p13_the_summary_says_what_is_recorded_and_what_is_not() {
        let (through, outside) =
            ("sessions through glass", "NOT recorded: what is done outside such sessions");
        let (bound, keys) = ("its outputs can be used in such sessions only", "keystrokes in them too");
        let nothing = "NOT recorded: what is done while it is open";
        for (recording, input, said) in [
            (Recording::Off, true, &[nothing][..]),
            (Recording::BestEffort, false, &[through, outside]),
            (Recording::BestEffort, true, &[through, keys, outside]),
            (Recording::Required, false, &[through, bound, outside]),
        ] {
            let text = lines(Containment::Cgroup, |scope| {
                (scope.recording, scope.recording_input) = (recording, input);
            });
            for words in [through, outside, bound, keys, nothing] {
                assert_eq!(text.contains(words), said.contains(&words), "{recording:?} {words:?}\n{text}");
            }
        }
        assert!(!lines(Containment::Cgroup, |_| ()).contains("run as"));
        let text = lines(Containment::Cgroup, |scope| scope.run_as = Some("ops".into()));
        assert!(text.contains("            they run as OS user ops"), "{text}");
    }

    #[test]
    fn how_far_the_end_of_sessions_is_guaranteed_is_said_before_anything_is_signed() {
        let text = lines(Containment::Cgroup, |_| ());
        assert!(
            text.contains("  sessions  end with it, every process that they start, by their cgroup"),
            "{text}"
        );
        assert!(!text.contains("may outlive it"), "{text}");
        let text = lines(Containment::Subreaper, |_| ());
        assert!(text.contains("  sessions  end with it, by glass's own watch"), "{text}");
        assert!(text.contains("kills all of glass first may outlive it"), "{text}");
    }
}
