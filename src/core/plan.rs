//! The close plan (P2): all that closing needs, with no database, configuration or playbook.

use crate::core::command::FilledCommand;
use crate::core::deadline::Deadline;
use crate::core::entry::StepState;
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use crate::core::proof::{FilledCheck, Match};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A moment as a plan writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanMoment {
    /// Wall clock, RFC 3339.
    pub at: String,
    /// Boot id.
    pub boot_id: String,
    /// Milliseconds since boot.
    pub boot_ms: u64,
}

impl PlanMoment {
    /// Writes a moment down.
    pub fn new(moment: &Moment) -> Self {
        Self { at: rfc3339(moment.wall), boot_id: moment.boot_id.clone(), boot_ms: moment.boot_ms }
    }

    /// Reads it back; `None` if `at` is no time.
    pub fn moment(&self) -> Option<Moment> {
        let wall = parse_rfc3339(&self.at)?;
        Some(Moment { wall, boot_id: self.boot_id.clone(), boot_ms: self.boot_ms })
    }
}

/// A process group that glass started: its leader's pid, and when that process began,
/// so that a reused pid is never taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessGroup {
    /// Pid of the leader, id of the group and of its session.
    pub id: i32,
    /// Field 22 of `/proc/PID/stat`: clock ticks since boot.
    pub start: u64,
}

/// A session, as closing ends it with no ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSession {
    /// Its id.
    pub id: String,
    /// The glass that leads it.
    pub keeper: ProcessGroup,
    /// The boot under which these are processes.
    pub boot_id: String,
    /// The cgroup that the session is in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<PathBuf>,
}

/// A step's `grant` that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Began {
    /// When.
    pub moment: PlanMoment,
    /// The processes that may still act.
    pub group: ProcessGroup,
}

/// A closing command, as far as it can be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned<T> {
    /// Ready to run.
    Ready(T),
    /// Waits for this output of its step's `grant`; until then its outcome is *unknown*.
    Missing(String),
}

/// `revoke` or `end`: a command, and what counts as already done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAction {
    /// What to run.
    pub command: FilledCommand,
    /// What counts as success beside exit 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already: Option<Match>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its id in the scope.
    pub id: String,
    /// How it stands.
    pub state: StepState,
    /// Set just before its `grant` may act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Began>,
    /// Whether its `grant` has ended: until then the step is half-open.
    #[serde(default)]
    pub grant_ended: bool,
    /// Time-out of its `grant`, in seconds.
    pub grant_timeout_s: u64,
    /// The target ends it by itself.
    pub native_expiry: bool,
    /// Bars new access.
    pub revoke: Planned<PlannedAction>,
    /// Ends live access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Planned<PlannedAction>>,
    /// Proves which it is.
    pub check: Planned<FilledCheck>,
}

/// `open/GRANT.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosePlan {
    /// Format version: 1.
    pub v: u8,
    /// The grant.
    pub grant: String,
    /// `playbook/scope`.
    pub scope: String,
    /// Who asked.
    pub person: String,
    /// The OS user who asked, where the request says: they end it without a signature, ledger or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_uid: Option<u64>,
    /// The random id of the ledger that it belongs to.
    pub ledger: String,
    /// When opening began.
    pub opened: PlanMoment,
    /// The end on the wall clock, RFC 3339.
    pub expires_at: String,
    /// The end on the boot clock of `opened.boot_id`.
    pub deadline_boot_ms: u64,
    /// By when the activation must be through, on that same clock.
    pub activation_boot_ms: u64,
    /// Where the grant's secret outputs lie, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_dir: Option<PathBuf>,
    /// The steps, in the scope's order.
    pub steps: Vec<PlannedStep>,
    /// The sessions that may still run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<PlannedSession>,
    /// Set once every step was proved closed without a ledger to record it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<PlanMoment>,
}

impl ClosePlan {
    /// Its end on both clocks; `None` where the times were damaged, which counts as due.
    pub fn deadline(&self) -> Option<Deadline> {
        Some(Deadline {
            wall: parse_rfc3339(&self.expires_at)?,
            boot_id: self.opened.boot_id.clone(),
            boot_ms: self.deadline_boot_ms,
        })
    }

    /// Whether a step of it may be open, by what it says itself.
    pub fn may_be_open(&self) -> bool {
        self.closed.is_none() && self.steps.iter().any(|step| !step.state.is_shut())
    }

    /// Whether it is due by what it says itself: the ledger may be gone.
    pub fn is_due(&self, now: &Moment) -> bool {
        match (self.deadline(), parse_rfc3339(&self.opened.at)) {
            (Some(deadline), Some(opened_at)) => deadline.has_passed(now, opened_at),
            _ => true,
        }
    }
}

impl PlannedStep {
    /// Whether its `grant` may still be acting, or may have acted unseen.
    pub const fn is_half_open(&self) -> bool {
        self.began.is_some() && !self.grant_ended
    }
}
