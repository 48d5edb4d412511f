//! What this version reads but cannot do yet: such a scope is refused, never opened in part.

use crate::core::playbook::Scope;
use crate::core::playbook::step::StepKind;

impl Scope {
    /// What stands in the way of opening this scope, in the playbook's own words; empty for none.
    pub fn unsupported(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut note = |present: bool, words: &str| {
            if present {
                found.push(words.to_owned());
            }
        };
        let kinds = |wanted: fn(&StepKind) -> bool| self.steps.iter().any(|step| wanted(&step.kind));
        note(kinds(|kind| matches!(kind, StepKind::SshCert(_))), "kind = \"ssh-cert\"");
        note(kinds(|kind| matches!(kind, StepKind::SealedSecret(_))), "kind = \"sealed-secret\"");
        note(!self.suspensions.is_empty(), "[[scope.suspension]]");
        note(!self.rotations.is_empty(), "[[scope.rotation]]");
        note(!self.evidence.is_empty(), "[[scope.evidence]]");
        found
    }
}
