//! What is allowed but likely to hurt at 03:00. Warnings never block a registration.

mod tonight;

pub use tonight::tonight;

use crate::core::playbook::placeholder::{Part, Placeholder};
use crate::core::playbook::step::{Check, Run, StepKind};
use crate::core::playbook::{Playbook, Recording, Risk, Scope, Touch};
use crate::core::proof::Match;
use crate::core::settings::Settings;
use chrono::{DateTime, Utc};
use std::path::Path;
use std::time::Duration;

/// One thing to think about again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `playbook/scope`.
    pub scope: String,
    /// What may hurt.
    pub text: String,
    /// What would be better.
    pub hint: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.scope, self.text, self.hint)
    }
}

/// Programs whose exit code is the same for "gone" and for "could not ask".
///
/// `ldapcompare` is not among them: its 5 is the server's own "no".
const NETWORK_CLIENTS: [&str; 25] = [
    "aws",
    "az",
    "bao",
    "consul",
    "curl",
    "etcdctl",
    "gcloud",
    "gh",
    "glab",
    "helm",
    "http",
    "kubectl",
    "ldapsearch",
    "ldapwhoami",
    "mongosh",
    "mysql",
    "nc",
    "nomad",
    "oc",
    "psql",
    "redis-cli",
    "rsync",
    "ssh",
    "vault",
    "wget",
];

/// Longer than an emergency usually takes.
const LONG_DEFAULT_S: u64 = 3_600;

/// Every warning about a playbook, by scope.
///
/// Without `settings` nothing is said about people; `secret_age` gives the age of a file, if
/// it can be told.
pub fn warnings(
    playbook: &Playbook,
    settings: Option<&Settings>,
    now: DateTime<Utc>,
    secret_age: impl Fn(&Path) -> Option<Duration>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for scope in &playbook.scopes {
        let address = playbook.address(scope);
        let mut warn = |text: String, hint: &str| {
            warnings.push(Warning { scope: address.clone(), text, hint: hint.to_owned() });
        };
        steps(scope, &mut warn);
        terms(scope, &mut warn);
        secrets(scope, &secret_age, &mut warn);
        if let Some(settings) = settings {
            warnings.extend(tonight(playbook, scope, &settings.roster, now));
        }
    }
    warnings
}

fn steps(scope: &Scope, warn: &mut impl FnMut(String, &str)) {
    for step in &scope.steps {
        let id = &step.id;
        let checks: Vec<&Check> = match &step.kind {
            StepKind::Command(command) => std::iter::once(&command.check).chain(&command.idle).collect(),
            StepKind::SshCert(cert) => cert.check.iter().collect(),
            StepKind::SealedSecret(_) => continue,
        };
        if !step.native_expiry {
            warn(
                format!("step `{id}` has no native expiry: if this machine dies, its access stays open"),
                "let the target end it (a TTL, `VALID UNTIL`, …) and say `native-expiry = true`",
            );
        }
        if let StepKind::Command(command) = &step.kind {
            let mut placeholders = command.revoke.run.iter().flat_map(|argument| argument.placeholders());
            if let Some(output) = placeholders.find(|p| matches!(p, Placeholder::Output { .. })) {
                warn(
                    format!("`revoke` of step `{id}` needs {output}: a crash right after `grant` loses it"),
                    "name what is opened after `{grant.id}` where the target lets you",
                );
            }
        }
        for check in checks {
            if let Some(client) = client(&check.run).filter(|_| exit_alone(&check.closed)) {
                warn(
                    format!(
                        "`closed` of step `{id}` is an exit code of `{client}` alone, \
                             which may only say that the target can't be reached"
                    ),
                    "add the `stdout` or `stderr` that only a target without the access gives",
                );
            }
        }
    }
}

fn client(run: &Run) -> Option<&str> {
    let [Part::Text(program)] = run.first()?.parts() else { return None };
    let name = program.rsplit('/').next()?;
    NETWORK_CLIENTS.contains(&name).then_some(name)
}

fn exit_alone(proof: &Match) -> bool {
    proof.stdout.is_none() && proof.stderr.is_none()
}

fn terms(scope: &Scope, warn: &mut impl FnMut(String, &str)) {
    let default = scope.duration.default;
    if default.get() > LONG_DEFAULT_S {
        warn(
            format!("it is open for {default} where the person names no time"),
            "make the default an hour or less; `max` may be longer",
        );
    }
    if scope.risk == Risk::Critical && scope.approvals.as_ref().is_some_and(|a| a.alone_after.is_some()) {
        warn(
            "it is critical, and `alone-after` lets one person open it alone".to_owned(),
            "drop `alone-after`, or widen `approvals.from` so that somebody can be reached",
        );
    }
    if scope.touch == Touch::Hardware {
        warn(
            "it can't be activated: `touch = \"hardware\"` is not supported yet, since the roots of the \
             keys' vendors can't be checked"
                .to_owned(),
            "say `touch = \"verified\"` (PIN and touch), the most that can be checked",
        );
    }
    if scope.recording == Recording::Off && scope.evidence.is_empty() {
        warn(
            "nothing shows afterwards what was done: no recording and no evidence".to_owned(),
            "drop `recording = \"off\"`, or fetch the target's audit trail by `[[scope.evidence]]`",
        );
    }
}

fn secrets(
    scope: &Scope,
    secret_age: &impl Fn(&Path) -> Option<Duration>,
    warn: &mut impl FnMut(String, &str),
) {
    for rotation in &scope.rotations {
        let (Some(secret), Some(every)) = (&rotation.secret, rotation.every) else { continue };
        let Some(age) = secret_age(secret).filter(|age| *age > every.std()) else { continue };
        warn(
            format!(
                "{} is {} days old; rotation `{}` is due every {every}",
                crate::core::text::escape(&secret.to_string_lossy()),
                age.as_secs() / 86_400,
                rotation.id
            ),
            "rotate it",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::playbook::SAMPLE;

    const KEYS: [&str; 3] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4g",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4h",
    ];

    /// A scope without any warning; `{{`-free so that tests can replace lines of it.
    const CLEAN: &str = r#"
schema = 1
[playbook]
name = "p"
title = "P"
[[scope]]
name = "s"
title = "S"
risk = "low"
activate = ["group:oncall"]
review = { by = ["group:admin"], within = "24h" }
duration = { default = "1h", max = "2h" }
recording = "best-effort"
[[scope.step]]
id = "token"
native-expiry = true
grant = ["bao", "create", "{grant.id}"]
revoke = ["bao", "revoke", "{grant.id}"]
check = { run = ["bao", "lookup"], open = { exit = 0 }, closed = { exit = 2, stderr = "gone" } }
output = { accessor = { line = 1, record = true } }
[[scope.rotation]]
id = "r"
run = ["rotate"]
secret = "/etc/secret"
every = "90d"
"#;

    fn settings(people: &[(&str, &str, &str)]) -> Settings {
        let people: String = people
            .iter()
            .zip(KEYS)
            .map(|((name, groups, until), key)| {
                format!(
                    "[[person]]\nname = \"{name}\"\ngroups = [{groups}]\n\
                     keys = [{{ key = \"{key}\", valid-before = \"{until}\" }}]\n"
                )
            })
            .collect();
        let text = format!("schema = 1\n[ledger]\norigin = \"o\"\n{people}");
        Settings::parse("glass.toml", &text).map_err(|faults| faults.to_string()).unwrap()
    }

    fn lint(text: &str, settings: Option<&Settings>, age_days: u64) -> Vec<String> {
        let playbook = Playbook::parse("p.toml", text).map_err(|faults| faults.to_string()).unwrap();
        let now = "2026-06-01T03:00:00Z".parse().unwrap();
        let age = |_: &Path| Some(Duration::from_secs(age_days * 86_400));
        warnings(&playbook, settings, now, age).into_iter().map(|warning| warning.text).collect()
    }

    #[track_caller]
    fn warns(text: &str, fragment: &str) {
        assert_ne!(text, CLEAN, "the test changes nothing");
        let warnings = lint(text, None, 90);
        assert!(warnings.len() == 1 && warnings[0].contains(fragment), "{warnings:?}");
    }

    #[test]
    fn a_careful_scope_has_no_warnings() {
        let two =
            settings(&[("ana", "\"admin\", \"oncall\"", "2027-01-01"), ("bo", "\"admin\"", "2027-01-01")]);
        assert_eq!(lint(CLEAN, Some(&two), 90), [""; 0]);
    }

    #[test]
    fn each_term_of_a_scope_has_its_warning() {
        warns(&CLEAN.replace("native-expiry = true\n", ""), "no native expiry");
        warns(
            &CLEAN.replace("revoke\", \"{grant.id}", "revoke\", \"{token.accessor}"),
            "needs {token.accessor}",
        );
        warns(&CLEAN.replace("exit = 2, stderr = \"gone\"", "exit = 2"), "exit code of `bao` alone");
        warns(&CLEAN.replace("default = \"1h\"", "default = \"61m\""), "open for 1h1m");
        warns(&CLEAN.replace("best-effort", "off"), "no recording and no evidence");
        warns(&CLEAN.replace("risk = \"low\"", "touch = \"hardware\""), "can't be activated");
        let approvals =
            "risk = \"critical\"\napprovals = { needed = 1, from = [\"group:x\"], alone-after = \"5m\" }";
        warns(&CLEAN.replace("risk = \"low\"", approvals), "alone-after");
    }

    #[test]
    fn what_is_careful_in_another_way_is_not_warned_about() {
        let local = CLEAN.replace("run = [\"bao\"", "run = [\"/usr/local/bin/look\"");
        assert_eq!(lint(&local.replace("exit = 2, stderr = \"gone\"", "exit = 2"), None, 0), [""; 0]);
        let evidence = format!(
            "{}[[scope.evidence]]\nid = \"e\"\nrun = [\"log\"]\n",
            CLEAN.replace("best-effort", "off")
        );
        assert_eq!(lint(&evidence, None, 0), [""; 0]);
        let high = "risk = \"high\"\napprovals = { needed = 1, from = [\"group:x\"], alone-after = \"5m\" }";
        assert_eq!(lint(&CLEAN.replace("risk = \"low\"", high), None, 0), [""; 0]);
        assert_eq!(
            lint(
                &CLEAN.replace(
                    "risk = \"low\"",
                    &high.replace("high", "critical").replace(", alone-after = \"5m\"", "")
                ),
                None,
                0
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_secret_older_than_its_rotation_is_pointed_out() {
        assert_eq!(lint(CLEAN, None, 91), ["/etc/secret is 91 days old; rotation `r` is due every 90d"]);
    }

    #[test]
    fn p06_the_people_of_tonight_must_suffice() {
        let both = "\"admin\", \"oncall\"";
        let one = settings(&[("ana", both, "2027-01-01")]);
        assert_eq!(lint(CLEAN, Some(&one), 0), [""; 0], "a home of one person reviews itself");
        let expired = settings(&[("ana", both, "2026-01-01"), ("bo", "\"admin\"", "2027-01-01")]);
        let said = ["nobody could activate it tonight: ana has no valid key"];
        assert_eq!(lint(CLEAN, Some(&expired), 0), said);
        assert_eq!(lint(CLEAN, None, 0), [""; 0], "nothing is said of people who are not known");
    }

    #[test]
    fn the_sample_has_one_honest_warning() {
        let text = Settings::template("host/glass", "ana", KEYS[0]);
        let settings = Settings::parse("glass.toml", &text).unwrap();
        let warnings = lint(SAMPLE, Some(&settings), 0);
        assert!(warnings.len() == 1 && warnings[0].contains("native expiry"), "{warnings:?}");
    }
}
