//! What this version reads but cannot do yet: such a scope is refused, never opened in part.

use crate::core::playbook::step::StepKind;
use crate::core::playbook::{Recording, Risk, Scope, Touch};

impl Scope {
    /// What stands in the way of opening this scope, in the playbook's own words; empty for none.
    pub fn unsupported(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut note = |present: bool, words: &str| {
            if present {
                found.push(words.to_owned());
            }
        };
        note(self.approvals.is_some(), "approvals");
        match self.touch {
            Touch::Off => {}
            Touch::Required if self.risk == Risk::Critical => {
                note(true, "touch = \"required\" (the default of risk = \"critical\")");
            }
            Touch::Required => note(true, "touch = \"required\""),
            Touch::Verified => note(true, "touch = \"verified\""),
            Touch::Hardware => note(true, "touch = \"hardware\""),
        }
        note(self.duration.extension.is_some(), "duration.extend");
        note(self.recording == Recording::Required, "recording = \"required\"");
        note(self.recording_input, "recording-input = true");
        let kinds = |wanted: fn(&StepKind) -> bool| self.steps.iter().any(|step| wanted(&step.kind));
        note(kinds(|kind| matches!(kind, StepKind::SshCert(_))), "kind = \"ssh-cert\"");
        note(kinds(|kind| matches!(kind, StepKind::SealedSecret(_))), "kind = \"sealed-secret\"");
        note(!self.suspensions.is_empty(), "[[scope.suspension]]");
        note(!self.rotations.is_empty(), "[[scope.rotation]]");
        note(!self.evidence.is_empty(), "[[scope.evidence]]");
        found
    }
}
