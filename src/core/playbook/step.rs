//! What a scope runs: commands, steps, suspensions, rotations, evidence.
//!
//! Invariant: a secret output stands in no argument vector and no variable; only in the
//! `stdin` of a later step's `grant` (P9).

use crate::core::command::{EnvValue, FilledCommand};
use crate::core::duration::Seconds;
use crate::core::playbook::output::Output;
use crate::core::playbook::placeholder::{Placeholder, Template};
use crate::core::proof::{FilledCheck, Match};
use std::collections::BTreeMap;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// An argument vector; its program is an absolute path or a bare name, never a placeholder.
pub type Run = Vec<Template>;

/// A command, and what shows that its effect was there before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments.
    pub run: Run,
    /// On closing: proof that there was nothing left to do. On `grant`: pre-existing access.
    pub already: Option<Match>,
}

/// A command with both of its proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Program and arguments.
    pub run: Run,
    /// What proves that access is open.
    pub open: Match,
    /// What proves that access is closed.
    pub closed: Match,
}

/// A text of the playbook, or the content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Filled in when the command starts.
    Text(Template),
    /// The file's content when the command starts, without its last line feed.
    File(PathBuf),
}

/// What a command finds around it.
///
/// `stdin` is given to `grant` (or to the command of a probe, a rotation, an evidence, or to
/// `suspend`) alone: never to what closes or checks, so that a close plan needs no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Variables beside the fixed `PATH`, `HOME` and `LANG`.
    pub env: BTreeMap<String, Given>,
    /// The OS user; absent means the user who runs glass.
    pub run_as: Option<String>,
    /// What the opening command reads.
    pub stdin: Option<Given>,
    /// How long each command may take.
    pub timeout: Seconds,
}

/// One effect of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Unique among the steps of the scope.
    pub id: String,
    /// What it does.
    pub kind: StepKind,
    /// Variables, user, input and time-out of its commands.
    pub surroundings: Surroundings,
    /// Whether the target ends the access by itself. A certificate always does.
    pub native_expiry: bool,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Programs of the target.
    Command(Box<CommandStep>),
    /// A short-lived OpenSSH certificate.
    SshCert(Box<SshCert>),
    /// A sealed file, opened for the grant.
    SealedSecret(SealedSecret),
}

/// A step that runs the target's own programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandStep {
    /// Opens.
    pub grant: Command,
    /// What proves that `grant` opened nothing.
    pub refused: Option<Match>,
    /// Bars new access.
    pub revoke: Command,
    /// Ends live access.
    pub end: Option<Command>,
    /// Tells open from closed.
    pub check: Check,
    /// The check of days without a grant, as written; see [`Step::idle_check`].
    pub idle: Option<Check>,
    /// What `grant` prints, by name.
    pub outputs: BTreeMap<String, Output>,
}

/// A step that signs an OpenSSH certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshCert {
    /// Where the CA's key is.
    pub ca: Ca,
    /// Whose key is certified.
    pub subject: Subject,
    /// Who the certificate logs in as; never empty.
    pub principals: Vec<Template>,
    /// Critical options.
    pub critical: BTreeMap<String, Template>,
    /// Extensions.
    pub extensions: Vec<String>,
    /// How far before now validity begins, for clocks that are behind.
    pub backdate: Seconds,
    /// The revocation list, replaced by rename.
    pub krl: PathBuf,
    /// A file that holds the principals while open.
    pub principals_file: Option<PathBuf>,
    /// Carries both to other hosts.
    pub publish: Option<Command>,
    /// Ends live sessions.
    pub end: Option<Command>,
    /// A check beside the built-in one.
    pub check: Option<Check>,
}

/// Where a CA's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ca {
    /// A private key file.
    File(PathBuf),
    /// A key that the agent holds, by fingerprint.
    Agent(String),
}

/// Whose key a certificate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The key that signed the request.
    Signer,
    /// A new key in the runtime directory.
    Fresh,
}

/// A step that opens an age file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// The sealed file.
    pub file: PathBuf,
    /// What opens it.
    pub identity: Identity,
    /// How sessions get it.
    pub delivery: Delivery,
    /// The rotation that is owed afterwards, by id.
    pub rotation: String,
}

/// What opens a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An identity file.
    File(PathBuf),
    /// An age plug-in, by program name.
    Plugin(String),
}

/// How a session gets a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In this variable.
    Env(String),
    /// In a file of this name in the runtime directory.
    Path(String),
}

/// Access of another identity, switched off at activation and restored after review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Unique among the suspensions of the scope.
    pub id: String,
    /// Switches off.
    pub suspend: Command,
    /// Switches on again.
    pub restore: Command,
    /// Program and arguments of the check.
    pub check: Run,
    /// What proves that it is off.
    pub suspended: Match,
    /// What proves that it is on.
    pub running: Match,
    /// Variables, user, input of `suspend`, and time-out.
    pub surroundings: Surroundings,
}

/// A renewal that must have run before the review can close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Unique among the rotations of the scope.
    pub id: String,
    /// Renews.
    pub run: Run,
    /// The file whose age is shown.
    pub secret: Option<PathBuf>,
    /// The age beyond which it is pointed out.
    pub every: Option<Seconds>,
    /// Variables, user, input and time-out.
    pub surroundings: Surroundings,
}

/// The target's own audit trail, fetched at closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Unique among the evidence of the scope.
    pub id: String,
    /// Fetches.
    pub run: Run,
    /// Variables, user, input and time-out.
    pub surroundings: Surroundings,
}

impl Step {
    /// Every placeholder of its commands, variables and input.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let mut texts: Vec<&Template> = Vec::new();
        let given = self.surroundings.env.values().chain(&self.surroundings.stdin);
        texts.extend(given.filter_map(|given| match given {
            Given::Text(text) => Some(text),
            Given::File(_) => None,
        }));
        match &self.kind {
            StepKind::Command(step) => {
                texts.extend(step.grant.run.iter().chain(&step.revoke.run).chain(&step.check.run));
                texts.extend(step.end.iter().flat_map(|end| &end.run));
            }
            StepKind::SshCert(cert) => {
                texts.extend(cert.principals.iter().chain(cert.critical.values()));
                texts.extend(cert.publish.iter().chain(&cert.end).flat_map(|command| &command.run));
                texts.extend(cert.check.iter().flat_map(|check| &check.run));
            }
            StepKind::SealedSecret(_) => {}
        }
        texts.into_iter().flat_map(Template::placeholders)
    }

    /// The check for days without a grant: `idle`, else `check` where nothing in it and its
    /// variables depends on a grant.
    pub fn idle_check(&self) -> Option<&Check> {
        let StepKind::Command(command) = &self.kind else { return None };
        let constant = |run: &Run| run.iter().all(|argument| argument.placeholders().next().is_none());
        let env_constant = self.surroundings.env.values().all(|given| match given {
            Given::Text(text) => text.placeholders().next().is_none(),
            Given::File(_) => true,
        });
        command.idle.as_ref().or(Some(&command.check)).filter(|check| env_constant && constant(&check.run))
    }
}

impl Surroundings {
    /// Whether this command, or a variable of it, names the grant that it acts for: then it
    /// can't touch another grant of the same scope.
    pub fn names_grant(&self, run: &Run) -> bool {
        let in_env = self.env.values().filter_map(|given| match given {
            Given::Text(text) => Some(text),
            Given::File(_) => None,
        });
        run.iter().chain(in_env).flat_map(Template::placeholders).any(|placeholder| {
            matches!(
                placeholder,
                Placeholder::GrantId | Placeholder::GrantSerial | Placeholder::Output { .. }
            )
        })
    }

    /// The command with every placeholder filled in.
    ///
    /// # Errors
    /// The first placeholder that has no value yet.
    pub fn fill(
        &self,
        run: &Run,
        lookup: impl Fn(&Placeholder) -> Option<Zeroizing<String>>,
    ) -> Result<FilledCommand, Placeholder> {
        // Secret outputs were refused in argv and env by the parser, so plain strings hold these.
        let plain = |text: &Template| text.fill(&lookup).map(|filled| filled.as_str().to_owned());
        let mut env = BTreeMap::new();
        for (name, given) in &self.env {
            env.insert(
                name.clone(),
                match given {
                    Given::Text(text) => EnvValue::Text(plain(text)?),
                    Given::File(path) => EnvValue::File(path.clone()),
                },
            );
        }
        let run = run.iter().map(plain).collect::<Result<_, _>>()?;
        Ok(FilledCommand { run, env, run_as: self.run_as.clone(), timeout_s: self.timeout.get() })
    }

    /// The check with every placeholder filled in.
    ///
    /// # Errors
    /// The first placeholder that has no value yet.
    pub fn fill_check(
        &self,
        check: &Check,
        lookup: impl Fn(&Placeholder) -> Option<Zeroizing<String>>,
    ) -> Result<FilledCheck, Placeholder> {
        let command = self.fill(&check.run, lookup)?;
        Ok(FilledCheck { command, open: check.open.clone(), closed: check.closed.clone() })
    }
}
