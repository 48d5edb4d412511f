//! A scope on one sheet: its summary, and the manual card to be printed beforehand, for the
//! night when glass itself is broken.

use crate::core::playbook::output::{Output, OutputSource};
use crate::core::playbook::placeholder::Placeholder;
use crate::core::playbook::shell::{exports, line, line_with_stdin};
use crate::core::playbook::step::{
    Ca, Check, Command, CommandStep, Delivery, SealedSecret, SshCert, Step, StepKind,
};
use crate::core::playbook::{Playbook, Risk, Scope};
use crate::core::proof::Match;
use crate::core::roster::Who;
use crate::core::text::escape;
use std::collections::BTreeSet;

/// What a scope opens, who may, and how long: lines of text, each ended by a line feed.
pub fn summary(playbook: &Playbook, scope: &Scope) -> String {
    let mut sheet = Sheet::default();
    sheet.line(&format!("{}: {}", playbook.address(scope), scope.title));
    sheet.fact("playbook", &playbook.title.to_string());
    if let Some(owner) = &playbook.owner {
        sheet.fact("owner", &owner.to_string());
    }
    scope.opens.iter().for_each(|opens| sheet.fact("opens", &opens.to_string()));
    scope.not_for.iter().for_each(|not_for| sheet.fact("not for", &not_for.to_string()));
    let risk = match scope.risk {
        Risk::Low => "low",
        Risk::High => "high",
        Risk::Critical => "critical",
    };
    sheet.fact("risk", risk);
    sheet.fact("who may", &names(&scope.activate));
    if let Some(demand) = scope.touch.demand() {
        sheet.fact("touch", demand);
    }
    if let Some(approvals) = &scope.approvals {
        sheet.fact("consent", &format!("{} of {}, first", approvals.needed, names(&approvals.from)));
    }
    sheet.fact("review", &format!("{}, within {}", names(&scope.review.by), scope.review.within));
    sheet.fact("open for", &format!("{}, at most {}", scope.duration.default, scope.duration.max));
    let input = if scope.recording_input { ", keystrokes too" } else { "" };
    sheet.fact("recording", &format!("{}{input}", scope.recording.as_str()));
    if let Some(user) = &scope.run_as {
        sheet.fact("run as", &format!("OS user {user}, in sessions"));
    }
    if let Some(incident) = &scope.incident {
        sheet.fact("incident", incident.pattern());
    }
    if let Some(runbook) = &scope.runbook {
        sheet.fact("runbook", &runbook.to_string());
    }
    sheet.0
}

/// The manual card: the summary, and every command as a line to type, placeholders visible.
pub fn card(playbook: &Playbook, scope: &Scope) -> String {
    let mut sheet = Sheet(summary(playbook, scope));
    sheet.heading("Manual card: only while glass itself is broken");
    sheet.line("Use a new shell. Note who, why, and the time of each line.");
    sheet
        .line(&format!("Afterwards give that to {}: this use owes its review too.", names(&scope.review.by)));
    fill_in(&mut sheet, scope);
    if !scope.criteria.is_empty() {
        sheet.heading("Ask first; a no ends it");
        for criterion in &scope.criteria {
            sheet.line(&format!("- {}", criterion.ask));
            if let Some(probe) = &criterion.probe {
                exports(&probe.surroundings).iter().for_each(|export| sheet.command(export));
                sheet.command(&line_with_stdin(&probe.run, &probe.surroundings));
                sheet.note("holds if", "exit code 0; exit code 1 is a no");
            }
        }
    }
    if !scope.suspensions.is_empty() {
        sheet.heading("Suspend");
        for suspension in &scope.suspensions {
            sheet.line(&suspension.id);
            exports(&suspension.surroundings).iter().for_each(|export| sheet.command(export));
            sheet.command(&line_with_stdin(&suspension.suspend.run, &suspension.surroundings));
            sheet.command(&line(&suspension.check, &suspension.surroundings));
            sheet.note("suspended if", &proof(&suspension.suspended));
            sheet.note("running if", &proof(&suspension.running));
        }
    }
    sheet.heading("Open, in this order");
    scope.steps.iter().enumerate().for_each(|(index, step)| open(&mut sheet, index, step));
    sheet.heading(&format!(
        "Close, in this order, at most {} later; go on if a line fails",
        scope.duration.max
    ));
    scope.steps.iter().enumerate().rev().for_each(|(index, step)| close(&mut sheet, index, step));
    afterwards(&mut sheet, scope);
    sheet.0
}

/// Lines of text, each made inert.
#[derive(Default)]
struct Sheet(String);

impl Sheet {
    fn line(&mut self, text: &str) {
        self.0.push_str(&escape(text));
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.0.push('\n');
        self.line(text);
    }

    fn fact(&mut self, name: &str, text: &str) {
        self.line(&format!("  {name:<9} {text}"));
    }

    fn command(&mut self, text: &str) {
        self.line(&format!("   $ {text}"));
    }

    fn note(&mut self, name: &str, text: &str) {
        self.line(&format!("     {name}: {text}"));
    }
}

fn names(whom: &[Who]) -> String {
    whom.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What the person must put in the place of each placeholder that the card shows.
fn fill_in(sheet: &mut Sheet, scope: &Scope) {
    let used: BTreeSet<&Placeholder> = scope.steps.iter().flat_map(Step::placeholders).collect();
    if used.is_empty() {
        return;
    }
    sheet.heading("Put in for");
    for placeholder in used {
        let meaning = match placeholder {
            Placeholder::GrantId => "a new name: `g-` and 10 of the characters a-z and 2-7",
            Placeholder::GrantSeconds => "seconds until it must be closed",
            Placeholder::GrantExpires => "when it must be closed, like 2026-01-31T03:30:00Z",
            Placeholder::GrantExpiresEpoch => "the same as `date -u -d TIME +%s` prints it",
            Placeholder::GrantSerial => "a number that was never used before",
            Placeholder::GrantScope => "the address above",
            Placeholder::OperatorName => "your name, as the roster writes it",
            Placeholder::OperatorOsUser => "your user name on this machine",
            Placeholder::Output { .. } => "kept from the output of that step",
        };
        sheet.line(&format!("  {placeholder:<22} {meaning}", placeholder = placeholder.to_string()));
    }
}

fn open(sheet: &mut Sheet, index: usize, step: &Step) {
    sheet.line(&format!("{}. {}", index + 1, step.id));
    exports(&step.surroundings).iter().for_each(|export| sheet.command(export));
    match &step.kind {
        StepKind::Command(command) => open_command(sheet, step, command),
        StepKind::SshCert(cert) => open_cert(sheet, cert),
        StepKind::SealedSecret(secret) => open_secret(sheet, secret),
    }
}

fn open_command(sheet: &mut Sheet, step: &Step, command: &CommandStep) {
    sheet.command(&line_with_stdin(&command.grant.run, &step.surroundings));
    if let Some(already) = &command.grant.already {
        sheet.note("was open before if", &proof(already));
    }
    if let Some(refused) = &command.refused {
        sheet.note("opened nothing if", &proof(refused));
    }
    for (name, output) in &command.outputs {
        let secrecy = if output.record { "" } else { "; secret: never write it down" };
        sheet.note(&format!("keep {{{}.{name}}}", step.id), &format!("{}{secrecy}", source(output)));
    }
}

fn open_cert(sheet: &mut Sheet, cert: &SshCert) {
    let ca = match &cert.ca {
        Ca::File(path) => path.to_string_lossy().into_owned(),
        Ca::Agent(fingerprint) => format!("the agent's key {fingerprint}"),
    };
    let principals = cert.principals.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    sheet.note("sign a certificate", &format!("with {ca}, for the principals {principals}"));
}

fn open_secret(sheet: &mut Sheet, secret: &SealedSecret) {
    let target = match &secret.delivery {
        Delivery::Env(name) => format!("into the variable {name}"),
        Delivery::Path(name) => format!("into a file {name} on a tmpfs"),
    };
    sheet.note("unseal", &format!("{} {target}", secret.file.to_string_lossy()));
}

fn close(sheet: &mut Sheet, index: usize, step: &Step) {
    sheet.line(&format!("{}. {}", index + 1, step.id));
    let around = &step.surroundings;
    let phase = |sheet: &mut Sheet, command: &Command| {
        sheet.command(&line(&command.run, around));
        if let Some(already) = &command.already {
            sheet.note("nothing left to do if", &proof(already));
        }
    };
    let judge = |sheet: &mut Sheet, check: &Check| {
        sheet.command(&line(&check.run, around));
        sheet.note("closed only if", &proof(&check.closed));
        sheet.note("still open if", &proof(&check.open));
        sheet.note("anything else", "proves nothing: close again, check again");
    };
    match &step.kind {
        StepKind::Command(command) => {
            phase(sheet, &command.revoke);
            command.end.iter().for_each(|end| phase(sheet, end));
            judge(sheet, &command.check);
        }
        StepKind::SshCert(cert) => {
            sheet.note("revoke", &format!("its serial in {}", cert.krl.to_string_lossy()));
            cert.publish.iter().chain(&cert.end).for_each(|command| phase(sheet, command));
            cert.check.iter().for_each(|check| judge(sheet, check));
        }
        StepKind::SealedSecret(secret) => sheet.note("owed", &format!("rotation {}", secret.rotation)),
    }
    if step.native_expiry {
        sheet.note("by itself", "the target ends it when its time is up");
    }
}

fn afterwards(sheet: &mut Sheet, scope: &Scope) {
    if !scope.evidence.is_empty() {
        sheet.heading("Keep what these print");
        for evidence in &scope.evidence {
            exports(&evidence.surroundings).iter().for_each(|export| sheet.command(export));
            sheet.command(&line_with_stdin(&evidence.run, &evidence.surroundings));
        }
    }
    if !scope.rotations.is_empty() {
        sheet.heading("Before the review closes");
        for rotation in &scope.rotations {
            exports(&rotation.surroundings).iter().for_each(|export| sheet.command(export));
            sheet.command(&line_with_stdin(&rotation.run, &rotation.surroundings));
        }
    }
    if !scope.suspensions.is_empty() {
        sheet.heading("Only after the review: restore");
        for suspension in &scope.suspensions {
            exports(&suspension.surroundings).iter().for_each(|export| sheet.command(export));
            sheet.command(&line(&suspension.restore.run, &suspension.surroundings));
        }
    }
}

fn source(output: &Output) -> String {
    match &output.source {
        OutputSource::Json(pointer) => format!("from its JSON, at {pointer}"),
        OutputSource::Line(number) => format!("its line {number}"),
        OutputSource::Stdout => "all that it prints".to_owned(),
    }
}

fn proof(wanted: &Match) -> String {
    let exit = wanted.exit.map(|code| format!("exit code {code}"));
    let stdout = wanted.stdout.as_ref().map(|text| format!("its output has \"{text}\""));
    let stderr = wanted.stderr.as_ref().map(|text| format!("its errors have \"{text}\""));
    [exit, stdout, stderr].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::playbook::SAMPLE;

    #[test]
    fn the_card_of_the_sample_can_be_typed() {
        let playbook = Playbook::parse("sample.toml", SAMPLE).unwrap();
        let card = card(&playbook, &playbook.scopes[0]);
        for line in [
            "break-glass/demo-file: Make a file that stands for access",
            "  who may   group:oncall",
            "  {grant.id}             a new name: `g-` and 10 of the characters a-z and 2-7",
            "   $ touch /var/tmp/glass-demo-{grant.id}",
            "   $ rm -f /var/tmp/glass-demo-{grant.id}",
            "   $ ls /var/tmp/glass-demo-{grant.id}",
            "     closed only if: exit code 2 and its errors have \"No such file or directory\"",
        ] {
            assert!(card.lines().any(|shown| shown == line), "{line}\nnot in\n{card}");
        }
    }

    #[test]
    fn every_part_of_the_contracts_example_is_on_its_card() {
        let text = include_str!("read/contract.toml");
        let playbook = Playbook::parse("contract.toml", text).unwrap();
        let card = card(&playbook, &playbook.scopes[0]);
        for part in [
            "sudo --preserve-env=BAO_ADDR,BAO_TOKEN -u vault-admin -- bao token create -role=breakglass",
            "export BAO_TOKEN=\"$(cat /etc/glass/secrets/bao-broker)\"",
            "opened nothing if: exit code 2 and its errors have \"connection refused\"",
            "keep {token.token}: from its JSON, at /auth/client_token; secret: never write it down",
            "with /etc/glass/secrets/user-ca, for the principals breakglass",
            "/etc/glass/sealed/unseal.age into the variable UNSEAL_KEY",
            "suspended if: exit code 0",
            "owed: rotation unseal-key",
            "consent   1 of group:security, first",
        ] {
            assert!(card.contains(part), "{part}\nnot in\n{card}");
        }
        assert!(card.lines().all(|line| crate::core::text::Line::new(line).is_ok()));
    }
}
