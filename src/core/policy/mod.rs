//! Who may do what, and under which conditions. The default is no.

mod act;
mod approval;
mod attest;
mod extend;
mod hotfix;
mod refusal;
mod review;
mod revoke;
mod session;
mod standing;
mod touch;

pub use act::{
    ACT_WITHIN, ActRefusal, Circle, Succession, TWO_PEOPLE, Told, authorize_another, authorize_record,
    authorize_registration, judge_succession, judge_told,
};
pub use approval::{
    ApprovalRefusal, Approver, Asked, Demand, able_besides, able_to_approve, authorize_approval,
    authorize_denial, authorize_resumption, authorize_withdrawal, judge_alone, judge_consent,
    judge_requester, touch_to_resume, whom,
};
pub use attest::{AttestRefusal, able_to_attest, authorize_attestation, judge_attester, steps_to_attest};
pub use extend::{ExtendRefusal, authorize_extension, judge_extension, judge_in_time};
pub use hotfix::{HotfixRefusal, Mending, authorize_hotfix, confirmation, judge_mend, judge_previous};
pub use refusal::{Denied, Refusal};
pub use review::{
    Judgement, ReviewRefusal, Reviewer, able, authorize_review, judge_filled_in, judge_incident_given,
    judge_verdict, owes_incident,
};
pub use revoke::{RevokeRefusal, authorize_revocation, judge_revoker};
pub use session::{DeletionRefusal, SessionRefusal, judge_deletion, judge_session, judge_usable};
pub use standing::{Debt, Other, Standing, Use};
pub use touch::{TouchRefusal, judge_key, judge_touch};

use crate::core::authorization::Authorization;
use crate::core::duration::Seconds;
use crate::core::grant::Mended;
use crate::core::hints::Hint;
use crate::core::moment::Moment;
use crate::core::playbook::step::StepKind;
use crate::core::playbook::{Scope, Touch};
use crate::core::roster::Roster;
use crate::core::statement::{Common, Request, Statement};
use crate::core::text::Line;
use serde_json::{Map, Value, json};

/// A reason is at most this long (CONTRACT 4).
pub const REASON_MAX: usize = 1_000;

/// What a person wants to open.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who asks.
    pub person: &'a str,
    /// For how long.
    pub duration: Seconds,
    /// Whether it is a rehearsal.
    pub drill: bool,
    /// The grants whose overdue reviews it is opened in spite of.
    pub overrides: &'a [String],
}

/// Whether a person may open a scope for so long, next to the grants that there are.
pub fn may_open(
    scope: &Scope,
    roster: &Roster,
    wanted: &Wanted<'_>,
    standing: &Standing,
    now: &Moment,
) -> Result<(), Refusal> {
    let person = wanted.person;
    let unsupported = scope.unsupported();
    if !unsupported.is_empty() {
        return Err(Refusal::Unsupported { scope: scope.name.clone(), what: unsupported });
    }
    if scope.touch == Touch::Hardware {
        return Err(TouchRefusal::Hardware.into());
    }
    let known = roster.person(person);
    if known.is_some_and(|person| roster.is_automation(person)) {
        return Err(Refusal::Automation(person.to_owned()));
    }
    if !known.is_some_and(|person| roster.may_activate(person, &scope.activate)) {
        return Err(Refusal::NotAllowed {
            person: person.to_owned(),
            scope: scope.name.clone(),
            who: scope.activate.iter().map(ToString::to_string).collect(),
        });
    }
    let (asked, max) = (wanted.duration, scope.duration.max);
    if asked > max {
        return Err(Refusal::TooLong { scope: scope.name.clone(), asked, max });
    }
    approval::judge_approvers(scope, roster, person, !wanted.overrides.is_empty(), now)?;
    standing.allows(scope, wanted, now)
}

/// By when an activation must be through: the sum of its time-outs, and some for glass itself.
pub fn activation_seconds(scope: &Scope) -> u64 {
    const OWN: u64 = 10;
    OWN + scope.steps.iter().map(|step| step.surroundings.timeout.get()).sum::<u64>()
}

/// Whether closing or an output of any step needs a secret directory.
pub fn has_secrets(scope: &Scope) -> bool {
    scope.steps.iter().any(|step| match &step.kind {
        StepKind::Command(command) => command.outputs.values().any(|output| !output.record),
        StepKind::SshCert(_) | StepKind::SealedSecret(_) => true,
    })
}

/// An answer to a criterion.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The criterion.
    pub id: String,
    /// Its question.
    pub ask: Line,
    /// Exit code of its probe, where one ran and exited.
    pub probe_exit: Option<i32>,
    /// Whether a person said yes, because there is no probe or it gave no answer.
    pub asked: bool,
}

/// All that a request says, besides what every statement says.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The new grant's id.
    pub grant: &'a str,
    /// `playbook/scope`.
    pub address: &'a str,
    /// SHA-512 of the registered playbook.
    pub playbook: &'a str,
    /// Seq of the registration.
    pub registered: u64,
    /// How long.
    pub duration: Seconds,
    /// Whether it is a rehearsal.
    pub drill: bool,
    /// The OS user at the terminal.
    pub os_user: &'a str,
    /// That user's id.
    pub os_uid: u32,
    /// Whether that user called glass by sudo.
    pub by_sudo: bool,
    /// Signs that no person is at the terminal.
    pub hints: &'a [Hint],
    /// The incident.
    pub incident: &'a Line,
    /// The reason.
    pub reason: &'a Line,
    /// The criteria, all of which hold.
    pub answers: &'a [Answer],
    /// The time that the person gave, where the clock is behind the ledger.
    pub time_given: Option<String>,
    /// The grants whose overdue reviews it is opened in spite of.
    pub overrides: &'a [String],
    /// The hotfix by which it opens.
    pub mended: Option<&'a Mended>,
}

/// Judges a request and puts it into the words that will be signed.
pub fn authorize_request(
    scope: &Scope,
    roster: &Roster,
    ask: &Ask<'_>,
    common: &Common,
    standing: &Standing,
    now: &Moment,
) -> Result<Authorization<Request>, Denied> {
    let wanted =
        Wanted { person: &common.person, duration: ask.duration, drill: ask.drill, overrides: ask.overrides };
    may_open(scope, roster, &wanted, standing, now)?;
    judge_incident(scope, ask.incident)?;
    judge_reason(scope, ask.reason)?;
    let criteria: Vec<Value> = ask
        .answers
        .iter()
        .map(|answer| match answer.probe_exit {
            Some(exit) => json!({"id": answer.id, "asked": answer.asked, "probe_exit": exit}),
            None => json!({"id": answer.id, "asked": answer.asked}),
        })
        .collect();
    let mut facts = map(json!({
        "grant": ask.grant,
        "scope": ask.address,
        "playbook": ask.playbook,
        "registered": ask.registered,
        "duration_s": ask.duration.get(),
        "max_s": scope.duration.max.get(),
        "review_within_s": scope.review.within.get(),
        "drill": ask.drill,
        "os_user": ask.os_user,
        "os_uid": ask.os_uid,
        "criteria": criteria,
    }));
    // Absent means no, and none.
    if let Some(extension) = &scope.duration.extension {
        facts.insert("extensions".into(), json!(extension.times));
    }
    if ask.by_sudo {
        facts.insert("by_sudo".into(), json!(true));
    }
    if !ask.hints.is_empty() {
        let hints: Vec<String> = ask.hints.iter().map(Hint::to_string).collect();
        facts.insert("hints".into(), json!(hints));
    }
    if let Some(time) = &ask.time_given {
        facts.insert("time_given".into(), json!(time));
    }
    if !ask.overrides.is_empty() {
        facts.insert("overrides".into(), json!(ask.overrides));
    }
    if let Some(mended) = ask.mended {
        facts.insert("hotfix".into(), json!(mended.act));
        facts.insert("hotfix_by".into(), mended.signers());
    }
    if let Some(demand) = Demand::of(scope, !ask.overrides.is_empty()) {
        facts.insert("approvals_needed".into(), json!(demand.needed));
        facts.insert("within_s".into(), json!(demand.within.get()));
        if let Some(wait) = demand.alone_after {
            facts.insert("alone_after_s".into(), json!(wait.get()));
        }
    }
    let lines = |lines: &[Line]| lines.iter().map(|line| json!(line.as_str())).collect::<Vec<_>>();
    let texts = map(json!({
        "title": scope.title.as_str(),
        "opens": lines(&scope.opens),
        "incident": ask.incident.as_str(),
        "reason": ask.reason.as_str(),
        "answers": ask.answers.iter().map(|a| json!({"ask": a.ask.as_str(), "answer": "yes"})).collect::<Vec<_>>(),
    }));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, ask.address.to_owned()))
}

/// The incident must be of the scope's form, or `pending`.
pub fn judge_incident(scope: &Scope, incident: &Line) -> Result<(), Refusal> {
    match &scope.incident {
        Some(form) if !form.accepts(incident.as_str()) => Err(Refusal::Incident(form.pattern().to_owned())),
        _ => Ok(()),
    }
}

/// The reason must be long enough.
pub fn judge_reason(scope: &Scope, reason: &Line) -> Result<(), Refusal> {
    let has = reason.as_str().trim().chars().count();
    if has < scope.reason_min {
        return Err(Refusal::ReasonTooShort { has, min: scope.reason_min });
    }
    Ok(())
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
