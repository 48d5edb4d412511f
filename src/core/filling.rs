//! From a scope's steps to the commands of one grant: placeholders get their values.

use crate::core::command::FilledCommand;
use crate::core::entry::StepState;
use crate::core::grant::Grant;
use crate::core::moment::parse_rfc3339;
use crate::core::plan::{Planned, PlannedAction, PlannedStep};
use crate::core::playbook::placeholder::Placeholder;
use crate::core::playbook::step::{Command, CommandStep, Step, StepKind, Surroundings};
use crate::core::playbook::{Probe, Scope};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Values of a step's recorded outputs, by step and output name.
pub type Outputs = BTreeMap<(String, String), String>;

/// What placeholders of one grant stand for, but for secret outputs.
pub struct Values<'a> {
    grant: &'a Grant,
    os_user: &'a str,
    seconds_left: u64,
    outputs: &'a Outputs,
}

impl<'a> Values<'a> {
    /// `seconds_left` is what `{grant.seconds}` stands for at this step.
    pub const fn new(grant: &'a Grant, os_user: &'a str, seconds_left: u64, outputs: &'a Outputs) -> Self {
        Self { grant, os_user, seconds_left, outputs }
    }

    /// A placeholder's value; `None` while it has none.
    pub fn get(&self, placeholder: &Placeholder) -> Option<Zeroizing<String>> {
        let expires_at = || Some(&self.grant.opening.as_ref()?.terms.expires_at);
        let value = match placeholder {
            Placeholder::GrantId => self.grant.id.to_string(),
            Placeholder::GrantSeconds => self.seconds_left.to_string(),
            Placeholder::GrantExpires => expires_at()?.clone(),
            Placeholder::GrantExpiresEpoch => parse_rfc3339(expires_at()?)?.timestamp().to_string(),
            // Serial 0 can't be revoked by a KRL: count from 1.
            Placeholder::GrantSerial => (self.grant.requested + 1).to_string(),
            Placeholder::GrantScope => self.grant.scope.clone(),
            Placeholder::OperatorName => self.grant.person.clone(),
            Placeholder::OperatorOsUser => self.os_user.to_owned(),
            Placeholder::Output { step, output } => {
                self.outputs.get(&(step.clone(), output.clone()))?.clone()
            }
        };
        Some(Zeroizing::new(value))
    }
}

/// The closing half of every step, as far as it can be filled in by now.
///
/// `{grant.seconds}` stands there for the whole length: closing has no time left to speak of.
pub fn planned_steps(scope: &Scope, grant: &Grant, os_user: &str, outputs: &Outputs) -> Vec<PlannedStep> {
    let values = Values::new(grant, os_user, grant.duration_s, outputs);
    scope.steps.iter().filter_map(|step| planned_step(step, &values)).collect()
}

/// Other kinds of steps are refused before anything is asked.
fn planned_step(step: &Step, values: &Values<'_>) -> Option<PlannedStep> {
    let StepKind::Command(command) = &step.kind else { return None };
    let CommandStep { revoke, end, check, .. } = &**command;
    let around = &step.surroundings;
    let check = around.fill_check(check, |placeholder| values.get(placeholder));
    Some(PlannedStep {
        id: step.id.clone(),
        state: StepState::Pending,
        began: None,
        grant_ended: false,
        grant_timeout_s: around.timeout.get(),
        native_expiry: step.native_expiry,
        revoke: action(around, revoke, values),
        end: end.as_ref().map(|end| action(around, end, values)),
        check: check.map_or_else(|missing| Planned::Missing(missing.to_string()), Planned::Ready),
    })
}

/// A criterion's probe, filled in: there is no grant yet, only who asks for what.
///
/// # Errors
/// A placeholder that has no value without a grant.
pub fn probe_command(
    probe: &Probe,
    address: &str,
    person: &str,
    os_user: &str,
) -> Result<FilledCommand, Placeholder> {
    let value = |placeholder: &Placeholder| match placeholder {
        Placeholder::GrantScope => Some(Zeroizing::new(address.to_owned())),
        Placeholder::OperatorName => Some(Zeroizing::new(person.to_owned())),
        Placeholder::OperatorOsUser => Some(Zeroizing::new(os_user.to_owned())),
        _ => None,
    };
    probe.surroundings.fill(&probe.run, value)
}

fn action(around: &Surroundings, command: &Command, values: &Values<'_>) -> Planned<PlannedAction> {
    match around.fill(&command.run, |placeholder| values.get(placeholder)) {
        Ok(filled) => Planned::Ready(PlannedAction { command: filled, already: command.already.clone() }),
        Err(missing) => Planned::Missing(missing.to_string()),
    }
}
