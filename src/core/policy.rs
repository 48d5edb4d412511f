//! Who may do what, and under which conditions. The default is no.

mod review;
mod standing;

pub use review::{
    Judgement, ReviewRefusal, Reviewer, able, authorize_review, judge_filled_in, judge_incident_given,
    judge_verdict, owes_incident,
};
pub use standing::{Debt, Other, Standing, Use};

use crate::core::authorization::Authorization;
use crate::core::canonical::CanonicalError;
use crate::core::duration::Seconds;
use crate::core::moment::Moment;
use crate::core::playbook::step::StepKind;
use crate::core::playbook::{Incident, Routine, Scope};
use crate::core::roster::Roster;
use crate::core::statement::{Common, Register, Request, Statement};
use crate::core::text::Line;
use chrono::{DateTime, Utc};
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
}

/// Why something is refused, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The scope uses what this version can't do.
    #[error("{scope} uses what this version of glass does not support yet: {}", what.join(", "))]
    Unsupported {
        /// The scope.
        scope: String,
        /// Each in the playbook's own words.
        what: Vec<String>,
    },
    /// Not among those who may activate.
    #[error("{person} may not activate {scope}: it is for {}", who.join(", "))]
    NotAllowed {
        /// Who asked.
        person: String,
        /// What for.
        scope: String,
        /// Who may.
        who: Vec<String>,
    },
    /// A member of a group that never activates.
    #[error("{0} belongs to an automation group, which may never activate")]
    Automation(String),
    /// Longer than the scope allows.
    #[error("{asked} is longer than {scope} allows: at most {max}")]
    TooLong {
        /// The scope.
        scope: String,
        /// What was asked for.
        asked: Seconds,
        /// What is registered.
        max: Seconds,
    },
    /// As many grants as the scope allows are open.
    #[error("{scope} is in use by {}: it allows {concurrent} at a time", grants.join(", "))]
    InUse {
        /// The scope.
        scope: String,
        /// Its limit.
        concurrent: u32,
        /// The grants.
        grants: Vec<String>,
    },
    /// The wait after the last closing is not over.
    #[error("{scope} cools off for {left} more after {grant}")]
    CoolOff {
        /// The scope.
        scope: String,
        /// The last grant.
        grant: String,
        /// What is left of the wait.
        left: Seconds,
    },
    /// An earlier use was never reviewed.
    #[error("{scope} stays closed: the review of {grant} is overdue since {} UTC", due_at.format("%Y-%m-%d %H:%M"))]
    Overdue {
        /// The scope.
        scope: String,
        /// The grant that owes it.
        grant: String,
        /// Since when.
        due_at: DateTime<Utc>,
        /// Who can clear it.
        able: Vec<String>,
    },
    /// Used too often to be an emergency.
    #[error("{scope} was opened {uses} times within {}: that is routine, which it is not for", limit.within)]
    Routine {
        /// The scope.
        scope: String,
        /// How often.
        uses: usize,
        /// What is registered.
        limit: Routine,
    },
    /// The incident is not of the form that the scope asks for.
    #[error("the incident does not match {0}")]
    Incident(String),
    /// The reason is too short.
    #[error("the reason has {has} characters; this scope asks for at least {min}")]
    ReasonTooShort {
        /// How long it is.
        has: usize,
        /// How long it must be.
        min: usize,
    },
    /// A criterion was answered with no.
    #[error("criterion `{id}` does not hold: {ask}")]
    Criterion {
        /// Its id.
        id: String,
        /// Its question.
        ask: String,
    },
    /// Another registration came between the request and its opening.
    #[error("the registration changed in the meantime")]
    RegistrationChanged,
    /// Only admins register.
    #[error("{0} is not in the group `admin`")]
    NotAnAdmin(String),
}

impl Refusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "not-supported-yet",
            Self::NotAllowed { .. } => "not-in-activate",
            Self::Automation(_) => "automation",
            Self::TooLong { .. } => "duration-over-maximum",
            Self::InUse { .. } => "concurrent-limit",
            Self::CoolOff { .. } => "cool-off",
            Self::Overdue { .. } => "review-overdue",
            Self::Routine { .. } => "routine",
            Self::Incident(_) => "bad-incident",
            Self::ReasonTooShort { .. } => "short-reason",
            Self::Criterion { .. } => "criterion-not-met",
            Self::RegistrationChanged => "registration-changed",
            Self::NotAnAdmin(_) => "not-an-admin",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unsupported { .. } => {
                "remove it from the playbook and `glass register` again, or use another scope".into()
            }
            Self::NotAllowed { .. } | Self::Automation(_) => {
                "ask one of them; `glass playbook list` shows the scopes".into()
            }
            Self::TooLong { max, .. } => {
                format!("use `--for {max}` or less; a longer maximum must be registered first")
            }
            Self::InUse { grants, .. } => {
                let grant = grants.first().map_or("GRANT", String::as_str);
                format!("`glass status` shows what is open; `glass revoke {grant}` ends it")
            }
            Self::CoolOff { left, .. } => format!("try again in {left}"),
            Self::Overdue { grant, able, .. } => review::send_to(able, grant),
            Self::Routine { .. } => {
                "give this work a normal path; a higher `limits.routine` must be registered first".into()
            }
            Self::Incident(_) => {
                format!("give the incident's number, or `{}` if there is none yet", Incident::PENDING)
            }
            Self::ReasonTooShort { .. } => "say what is broken, and what you will do about it".into(),
            Self::Criterion { .. } => {
                "this scope is not for this; use the normal path, or another scope (`glass playbook list`)"
                    .into()
            }
            Self::RegistrationChanged => "run the same command again".into(),
            Self::NotAnAdmin(_) => "an admin registers: `glass register --key FILE`".into(),
        }
    }
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
    standing.allows(scope, wanted.drill, now)
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
    /// The incident.
    pub incident: &'a Line,
    /// The reason.
    pub reason: &'a Line,
    /// The criteria, all of which hold.
    pub answers: &'a [Answer],
    /// The time that the person gave, where the clock is behind the ledger.
    pub time_given: Option<String>,
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
    let wanted = Wanted { person: &common.person, duration: ask.duration, drill: ask.drill };
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
        "review_within_s": scope.review.within.get(),
        "drill": ask.drill,
        "os_user": ask.os_user,
        "os_uid": ask.os_uid,
        "criteria": criteria,
    }));
    if let Some(time) = &ask.time_given {
        facts.insert("time_given".into(), json!(time));
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

/// Judges a registration and puts it into the words that will be signed. `files` are paths
/// and SHA-512 digests.
pub fn authorize_registration(
    roster: &Roster,
    files: &[(String, String)],
    common: &Common,
) -> Result<Authorization<Register>, Denied> {
    if !roster.person(&common.person).is_some_and(|person| roster.is_admin(person)) {
        return Err(Refusal::NotAnAdmin(common.person.clone()).into());
    }
    let files: Vec<Value> =
        files.iter().map(|(path, sha512)| json!({"path": path, "sha512": sha512})).collect();
    let facts = map(json!({"files": files}));
    Ok(Authorization::new(Statement::new(common, facts, Map::new())?, "register".to_owned()))
}

/// Why there is no authorization.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Policy says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of review say no.
    #[error(transparent)]
    Review(#[from] ReviewRefusal),
    /// It can't be put into words.
    #[error("the statement can't be written: {0}")]
    Statement(#[from] CanonicalError),
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
