//! Playbooks: what may be opened, by whom, when, for how long, and how (CONTRACT 1).
//!
//! [`Playbook::parse`] is the only maker, so a value of these types keeps every rule of the
//! schema. What this version reads but cannot do yet is named by [`Scope::unsupported`].

pub mod card;
pub mod lint;
pub mod on_call;
pub mod output;
pub mod placeholder;
mod read;
pub mod shell;
pub mod step;
mod unsupported;

use crate::core::duration::Seconds;
use crate::core::roster::Who;
use crate::core::text::Line;
use on_call::OnCall;
use regex_lite::Regex;
use step::{Evidence, Rotation, Run, Step, StepKind, Surroundings, Suspension};

/// The playbook that `init` writes: one harmless scope, ready to be tried and adapted.
pub const SAMPLE: &str = include_str!("sample.toml");

/// A file of scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playbook {
    /// `[a-z0-9-]+`; the first part of every address.
    pub name: String,
    /// What it is for.
    pub title: Line,
    /// Who answers for it.
    pub owner: Option<Line>,
    /// At least one; their names are unique.
    pub scopes: Vec<Scope>,
}

/// What may be opened, by whom, when, for how long, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `[a-z0-9-]+`; the second part of the address.
    pub name: String,
    /// What it is for, as the signer sees it.
    pub title: Line,
    /// What opens, as the signer sees it.
    pub opens: Vec<Line>,
    /// What it must not be used for.
    pub not_for: Vec<Line>,
    /// Where the procedure is written down.
    pub runbook: Option<Line>,
    /// How much harm it can do; high unless written.
    pub risk: Risk,
    /// Who may activate; never empty.
    pub activate: Vec<Who>,
    /// Whose consent is needed first.
    pub approvals: Option<Approvals>,
    /// The review that each use owes.
    pub review: Review,
    /// What the signing key must prove; required for critical scopes unless written.
    pub touch: Touch,
    /// How long it may be open.
    pub duration: Durations,
    /// How often it may be open.
    pub limits: Limits,
    /// What an incident's name looks like; absent means any.
    pub incident: Option<Incident>,
    /// The least number of characters of a reason; 10 unless written, 1000 at most.
    pub reason_min: usize,
    /// Whether sessions are recorded; best effort unless written.
    pub recording: Recording,
    /// Whether keystrokes are recorded too.
    pub recording_input: bool,
    /// The OS user that sessions run as; whoever activated unless written.
    pub run_as: Option<String>,
    /// How often it must be rehearsed.
    pub drill_every: Option<Seconds>,
    /// When use is expected.
    pub on_call: Option<OnCall>,
    /// What ties an activation to an incident.
    pub criteria: Vec<Criterion>,
    /// The effects, in the order of opening.
    pub steps: Vec<Step>,
    /// What is switched off at activation.
    pub suspensions: Vec<Suspension>,
    /// What must be renewed before the review can close.
    pub rotations: Vec<Rotation>,
    /// What is fetched at closing.
    pub evidence: Vec<Evidence>,
}

/// How much harm a scope can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Harmless.
    Low,
    /// The default.
    High,
    /// Asks for touch unless the scope says otherwise; no self-review.
    Critical,
}

/// What the key that signs must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Nothing.
    Off,
    /// The user-presence bit.
    Required,
    /// The user-verified bit (PIN).
    Verified,
    /// User presence by a key whose attestation was checked.
    Hardware,
}

/// Whether sessions are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// No.
    Off,
    /// Yes, and a failure to record stops nothing.
    BestEffort,
    /// Outputs can only be used inside a recorded session.
    Required,
}

/// The consent that a scope asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// How many people; at least one.
    pub needed: usize,
    /// Who may; never empty.
    pub from: Vec<Who>,
    /// When a request lapses; 15 minutes unless written.
    pub within: Seconds,
    /// When the requester may go on alone.
    pub alone_after: Option<Seconds>,
}

/// The review that each use owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who may review; never empty.
    pub by: Vec<Who>,
    /// When it is overdue, counted from closing.
    pub within: Seconds,
}

/// How long a scope may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// Where the person names none; at most `max`.
    pub default: Seconds,
    /// Never longer.
    pub max: Seconds,
    /// What may be added while open.
    pub extension: Option<Extension>,
}

/// What may be added while open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// How much at a time.
    pub length: Seconds,
    /// How many times; at least one.
    pub times: u32,
}

/// How often a scope may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Grants at once; one unless written.
    pub concurrent: u32,
    /// The wait between a closing and the next activation.
    pub cool_off: Option<Seconds>,
    /// What counts as routine use.
    pub routine: Option<Routine>,
}

/// Use that is too frequent to be an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routine {
    /// This many uses …
    pub uses: u32,
    /// … within this time.
    pub within: Seconds,
    /// Whether a further one is refused, or pointed out only.
    pub block: bool,
}

/// A yes/no question, with a command that may answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// Unique among the criteria of the scope.
    pub id: String,
    /// The question; asked where there is no probe, or where it gave no answer.
    pub ask: Line,
    /// Exit 0 holds, 1 does not, anything else is no answer.
    pub probe: Option<Probe>,
}

/// A command that answers a criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Program and arguments.
    pub run: Run,
    /// Variables, user, input and time-out.
    pub surroundings: Surroundings,
}

/// What an incident's name looks like.
#[derive(Clone, Debug)]
pub struct Incident(Regex);

impl PartialEq for Incident {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Incident {}

impl Incident {
    /// The incident of a use before one was declared; accepted everywhere, owed at review.
    pub const PENDING: &'static str = "pending";

    /// Whether a text names an incident, or is [`PENDING`](Self::PENDING).
    pub fn accepts(&self, text: &str) -> bool {
        text == Self::PENDING || self.0.is_match(text)
    }

    /// The pattern as it is written.
    pub fn pattern(&self) -> &str {
        self.0.as_str()
    }
}

impl Playbook {
    /// The scope of this name.
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// `playbook/scope`, as people write it.
    pub fn address(&self, scope: &Scope) -> String {
        format!("{}/{}", self.name, scope.name)
    }
}

impl Recording {
    /// The word in a playbook.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::BestEffort => "best-effort",
            Self::Required => "required",
        }
    }
}

impl Risk {
    /// The word in a playbook.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Touch {
    /// The word in a playbook.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Required => "required",
            Self::Verified => "verified",
            Self::Hardware => "hardware",
        }
    }

    /// What it asks of the person who signs; `None` for nothing.
    pub const fn demand(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Required => Some("a signature by a security key that was touched"),
            Self::Verified => Some("a signature by a security key that was touched and given its PIN"),
            Self::Hardware => Some("a signature by a security key of attested hardware (not supported yet)"),
        }
    }
}

impl Scope {
    /// Whether closing one grant of this scope can't touch another: every `revoke` names its grant.
    pub fn names_grant(&self) -> bool {
        self.steps.iter().all(|step| match &step.kind {
            StepKind::Command(command) => step.surroundings.names_grant(&command.revoke.run),
            StepKind::SshCert(_) | StepKind::SealedSecret(_) => true,
        })
    }
}
