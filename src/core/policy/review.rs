//! Who may judge a use, and what the verdict needs (P6: by person, not by key).

use super::{Denied, map};
use crate::core::authorization::Authorization;
use crate::core::grant::{Grant, State};
use crate::core::playbook::{Incident, Risk, Scope};
use crate::core::review::Verdict;
use crate::core::roster::{Person, Roster, Who};
use crate::core::statement::{Common, Review, Statement};
use crate::core::text::Line;
use serde_json::json;

/// A person who may judge one grant's use; four eyes are checked here and nowhere else.
#[derive(Debug)]
pub struct Reviewer {
    is_requester: bool,
}

/// Why a review is refused, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefusal {
    /// It may still be open.
    #[error("{grant} is {}: only what is closed can be reviewed", state.as_str())]
    NotClosed {
        /// The grant.
        grant: String,
        /// Where it stands.
        state: State,
    },
    /// It has its verdict.
    #[error("{grant} was reviewed by {person}: {verdict}; a verdict is given once")]
    Reviewed {
        /// The grant.
        grant: String,
        /// Who judged it.
        person: String,
        /// What was found.
        verdict: Verdict,
    },
    /// The requester's own use.
    #[error("{person} asked for {grant}, so somebody else must review it")]
    Own {
        /// Who asked, and wants to review.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// Who consented to it, vouched for it, or signed the hotfix that it ran by.
    #[error("{person} signed {grant} too, so somebody else must review it")]
    Signed {
        /// Who signed, and wants to review.
        person: String,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// Not among those who may review.
    #[error("{person} may not review {scope}: that is for {}", who.join(", "))]
    NotAReviewer {
        /// Who wants to review.
        person: String,
        /// What was opened.
        scope: String,
        /// Whom the scope names.
        who: Vec<String>,
        /// The grant.
        grant: String,
        /// Who may.
        able: Vec<String>,
    },
    /// A verdict for drills on what was none, or the other way round.
    #[error("{grant} was {}announced as a drill: it can't be `{verdict}`", if *drill { "" } else { "not " })]
    Verdict {
        /// The grant.
        grant: String,
        /// The verdict.
        verdict: Verdict,
        /// Whether it was a drill.
        drill: bool,
    },
    /// The request said `pending`, and nobody says which incident it was.
    #[error("{0} was opened with the incident `pending`: its number is owed before the review can close")]
    IncidentOwed(String),
    /// There is nothing to fill in.
    #[error("{0} owes no incident: what its request said stands")]
    IncidentKnown(String),
    /// The incident is not of the form that the scope asks for.
    #[error("the incident does not match {0}")]
    Incident(String),
}

impl ReviewRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotClosed { .. } => "not-closed",
            Self::Reviewed { .. } => "reviewed-already",
            Self::Own { .. } => "own-review",
            Self::Signed { .. } => "signed-it",
            Self::NotAReviewer { .. } => "not-in-review",
            Self::Verdict { .. } => "verdict-does-not-fit",
            Self::IncidentOwed(_) => "incident-owed",
            Self::IncidentKnown(_) => "incident-known",
            Self::Incident(_) => "bad-incident",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotClosed { grant, .. } => {
                format!("`glass status {grant}` shows how it stands; `glass revoke {grant}` ends it")
            }
            Self::Reviewed { grant, .. } => {
                format!("`glass review {grant} --format json` shows it; `glass review --list` what is owed")
            }
            Self::Own { grant, able, .. }
            | Self::Signed { grant, able, .. }
            | Self::NotAReviewer { grant, able, .. } => send_to(able, grant),
            Self::Verdict { drill: true, .. } => {
                "a drill is `drill`; or `unjustified` or `misuse`, where it was none".into()
            }
            Self::Verdict { drill: false, .. } => "say `justified`, `unjustified` or `misuse`".into(),
            Self::IncidentOwed(_) => "give it with `--incident ID`, or where it is asked for".into(),
            Self::IncidentKnown(_) => "leave `--incident` out; say what is wrong with it in the note".into(),
            Self::Incident(_) => "give the number of the incident that this use belonged to".into(),
        }
    }
}

/// Whom to ask for a review, and what they type.
pub(super) fn send_to(able: &[String], grant: &str) -> String {
    match able {
        [] => "nobody else may review it: an admin gives another person a group that may, and registers"
            .to_owned(),
        able => format!("send this to {}: glass review {grant}", able.join(" or ")),
    }
}

impl Reviewer {
    /// Judges by the scope as it was registered when the grant ran, and by who exists now.
    ///
    /// # Errors
    /// Anyone but another person of `review.by`; or the only person there is, for a scope that
    /// is not critical.
    pub fn of(grant: &Grant, scope: &Scope, roster: &Roster, person: &str) -> Result<Self, ReviewRefusal> {
        let id = || grant.id.to_string();
        if grant.state != State::Closed {
            return Err(ReviewRefusal::NotClosed { grant: id(), state: grant.state });
        }
        if let Some(review) = &grant.review {
            let (person, verdict) = (review.person.clone(), review.verdict);
            return Err(ReviewRefusal::Reviewed { grant: id(), person, verdict });
        }
        let known = roster.person(person);
        let is_requester = known.is_some_and(|known| is_requester(grant, known));
        let able = able(grant, scope, roster);
        if known.is_some_and(|known| able.contains(&known.name)) {
            return Ok(Self { is_requester });
        }
        if known.is_some_and(|known| has_consented(grant, known)) {
            return Err(ReviewRefusal::Signed { person: person.to_owned(), grant: id(), able });
        }
        if is_requester && !is_alone(scope, roster) {
            return Err(ReviewRefusal::Own { person: person.to_owned(), grant: id(), able });
        }
        Err(ReviewRefusal::NotAReviewer {
            person: person.to_owned(),
            scope: grant.scope.clone(),
            who: scope.review.by.iter().map(Who::to_string).collect(),
            grant: id(),
            able,
        })
    }

    /// Whether the requester judges, alone in a home of one person.
    pub const fn is_self_review(&self) -> bool {
        self.is_requester
    }
}

/// The names of all who may review a grant. Absence fails closed: of an empty or unknown group,
/// nobody.
pub fn able(grant: &Grant, scope: &Scope, roster: &Roster) -> Vec<String> {
    let alone = is_alone(scope, roster);
    roster
        .people()
        .iter()
        .filter(|person| roster.is_any(person, &scope.review.by) && !roster.is_automation(person))
        .filter(|person| alone || !is_requester(grant, person))
        .filter(|person| !has_consented(grant, person))
        .map(|person| person.name.clone())
        .collect()
}

/// A home of one person, who may review their own use of what is not critical.
fn is_alone(scope: &Scope, roster: &Roster) -> bool {
    roster.people().len() == 1 && scope.risk != Risk::Critical
}

/// Who consented to it, or to the hotfix that it ran by, can't judge it (P6).
fn has_consented(grant: &Grant, person: &Person) -> bool {
    let signed =
        |key: Option<&str>| person.keys.iter().any(|own| Some(own.key.fingerprint().as_str()) == key);
    let mut approvals = grant.approvals.iter();
    let mut mended = grant.mended.iter().flat_map(|mended| &mended.by);
    approvals.any(|consent| consent.person == person.name || signed(consent.key.as_deref()))
        || mended.any(|signer| signer.person == person.name || signed(Some(&signer.key)))
}

/// By person; and by key, lest a new name make somebody else of them.
pub(super) fn is_requester(grant: &Grant, person: &Person) -> bool {
    let asked = |key: &crate::core::roster::RosterKey| {
        Some(key.key.fingerprint().to_string()).as_deref() == grant.key.as_deref()
    };
    person.name == grant.person || person.keys.iter().any(asked)
}

/// The verdict must fit what the grant was announced as.
pub fn judge_verdict(grant: &Grant, verdict: Verdict) -> Result<(), ReviewRefusal> {
    match verdict.fits(grant.drill) {
        true => Ok(()),
        false => Err(ReviewRefusal::Verdict { grant: grant.id.to_string(), verdict, drill: grant.drill }),
    }
}

/// Whether the incident must be filled in. A drill has none, so it owes none.
pub fn owes_incident(grant: &Grant, requested: Option<&str>) -> bool {
    requested == Some(Incident::PENDING) && !grant.drill
}

/// Only an incident that is owed can be filled in.
pub fn judge_incident_given(grant: &Grant, requested: Option<&str>) -> Result<(), ReviewRefusal> {
    match owes_incident(grant, requested) {
        true => Ok(()),
        false => Err(ReviewRefusal::IncidentKnown(grant.id.to_string())),
    }
}

/// The incident that is filled in must be one, of the scope's form.
pub fn judge_filled_in(scope: &Scope, incident: &Line) -> Result<(), ReviewRefusal> {
    let form = scope.incident.as_ref();
    let fits =
        incident.as_str() != Incident::PENDING && form.is_none_or(|form| form.accepts(incident.as_str()));
    let pattern = || form.map_or_else(|| "an incident's number".to_owned(), |form| form.pattern().to_owned());
    if fits { Ok(()) } else { Err(ReviewRefusal::Incident(pattern())) }
}

/// All that a review says, besides what every statement says.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// The grant as it stands.
    pub grant: &'a Grant,
    /// Its scope, as registered when it ran.
    pub scope: &'a Scope,
    /// SHA-512 of the playbook that it ran by, where its request is there.
    pub playbook: Option<&'a str>,
    /// The incident of its request, while its text is there.
    pub requested_incident: Option<&'a str>,
    /// What was found.
    pub verdict: Verdict,
    /// Why.
    pub note: &'a Line,
    /// The incident, where it is filled in now.
    pub incident: Option<&'a Line>,
}

/// Judges a review and puts it into the words that will be signed.
pub fn authorize_review(
    reviewer: &Reviewer,
    judgement: &Judgement<'_>,
    common: &Common,
) -> Result<Authorization<Review>, Denied> {
    let Judgement { grant, scope, verdict, incident, .. } = judgement;
    judge_verdict(grant, *verdict)?;
    match incident {
        Some(incident) => {
            judge_incident_given(grant, judgement.requested_incident)?;
            judge_filled_in(scope, incident)?;
        }
        None if owes_incident(grant, judgement.requested_incident) => {
            return Err(ReviewRefusal::IncidentOwed(grant.id.to_string()).into());
        }
        None => {}
    }
    let mut facts = map(json!({
        "grant": grant.id.as_str(),
        "scope": grant.scope,
        "verdict": verdict.as_str(),
    }));
    if let Some(playbook) = judgement.playbook {
        facts.insert("playbook".into(), json!(playbook));
    }
    // Absent means no, as everywhere in the facts.
    for (fact, holds) in [("self_review", reviewer.is_requester), ("incident_filled_in", incident.is_some())]
    {
        if holds {
            facts.insert(fact.into(), json!(true));
        }
    }
    let mut texts = map(json!({"title": scope.title.as_str(), "note": judgement.note.as_str()}));
    if let Some(incident) = incident {
        texts.insert("incident".into(), json!(incident.as_str()));
    }
    Ok(Authorization::new(Statement::new(common, facts, texts)?, grant.id.to_string()))
}

#[cfg(test)]
mod tests;
