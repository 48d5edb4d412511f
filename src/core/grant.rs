//! A grant's life as one pure function: [`apply`] is the only transition (DESIGN 3).

use crate::core::deadline::Deadline;
use crate::core::entry::{Facts, Kind, StepState, Terms};
use crate::core::id::GrantId;
use crate::core::moment::{Moment, parse_rfc3339};
use crate::core::review::{Reviewed, Verdict};
use chrono::{DateTime, TimeDelta, Utc};

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for and confirmed; its steps are being opened.
    Activating,
    /// Rolled back and proved closed; never active.
    ActivationFailed,
    /// Open.
    Active,
    /// Being closed.
    Closing,
    /// Closing ended without proof; retried until there is one.
    Unrevoked,
    /// Every step is proved closed.
    Closed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Activating,
        Self::ActivationFailed,
        Self::Active,
        Self::Closing,
        Self::Unrevoked,
        Self::Closed,
    ];

    /// The word in JSON, tables and projections.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activating => "activating",
            Self::ActivationFailed => "activation-failed",
            Self::Active => "active",
            Self::Closing => "closing",
            Self::Unrevoked => "unrevoked",
            Self::Closed => "closed",
        }
    }

    /// Whether nothing can be open any more.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::ActivationFailed | Self::Closed)
    }
}

/// One step of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantStep {
    /// Its id in the scope.
    pub id: String,
    /// How it stands.
    pub state: StepState,
}

/// The permit's record: when opening began, and its terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedOn {
    /// Both clocks when it was recorded.
    pub moment: Moment,
    /// What it fixed.
    pub terms: Terms,
}

/// A grant, folded from its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// `playbook/scope`.
    pub scope: String,
    /// Who asked.
    pub person: String,
    /// Fingerprint of the key that asked.
    pub key: Option<String>,
    /// Where it stands.
    pub state: State,
    /// A rehearsal.
    pub drill: bool,
    /// Digest of the request's statement, where there is one.
    pub statement: Option<String>,
    /// Seq of the registration that it runs by.
    pub registered: Option<u64>,
    /// Seq of the request entry; of its first entry, where the request was lost.
    pub requested: u64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// How long it is to be open, in seconds.
    pub duration_s: u64,
    /// How long the review may take after closing, in seconds.
    pub review_within_s: u64,
    /// Set once the permit to open was recorded.
    pub opening: Option<OpenedOn>,
    /// When every step was open.
    pub activated_at: Option<DateTime<Utc>>,
    /// When it was proved closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Its steps, in the scope's order.
    pub steps: Vec<GrantStep>,
    /// The verdict, once given.
    pub review: Option<Reviewed>,
    /// Seq of its latest entry.
    pub last: u64,
}

impl Grant {
    /// Its end on both clocks, once opening began.
    pub fn deadline(&self) -> Option<Deadline> {
        let opening = self.opening.as_ref()?;
        Some(Deadline {
            wall: parse_rfc3339(&opening.terms.expires_at)?,
            boot_id: opening.moment.boot_id.clone(),
            boot_ms: opening.terms.deadline_boot_ms,
        })
    }

    /// By when its review is owed; `None` before closing, and where nothing was ever active.
    pub fn review_due_at(&self) -> Option<DateTime<Utc>> {
        let closed_at = self.closed_at.filter(|_| self.state == State::Closed)?;
        let within = TimeDelta::seconds(i64::try_from(self.review_within_s).ok()?);
        closed_at.checked_add_signed(within)
    }

    /// The step of this id.
    pub fn step(&self, id: &str) -> Option<&GrantStep> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// An entry that can't follow what stands before it: the ledger is corrupt.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("entry {seq}: `{kind}` can't follow {before}: {why}")]
pub struct Corrupt {
    /// The entry.
    pub seq: u64,
    /// Its kind.
    pub kind: &'static str,
    /// The state before it.
    pub before: &'static str,
    /// What is wrong.
    pub why: &'static str,
}

/// The only transition: what a grant is after an entry of its own.
pub fn apply(before: Option<Grant>, facts: &Facts) -> Result<Grant, Corrupt> {
    let state = before.as_ref().map(|grant| grant.state);
    let corrupt = |why| Corrupt {
        seq: facts.seq,
        kind: facts.kind.as_str(),
        before: state.map_or("nothing", State::as_str),
        why,
    };
    let Some(mut grant) = before else { return first(facts).map_err(corrupt) };
    if facts.prev != Some(grant.last) {
        return Err(corrupt("`prev` does not name the grant's previous entry"));
    }
    follow(&mut grant, facts).map_err(corrupt)?;
    grant.last = facts.seq;
    Ok(grant)
}

/// Where the request was lost, so was its term: nobody owes a review at once for that.
const REVIEW_WITHIN_UNKNOWN_S: u64 = 24 * 3_600;

/// A grant begins with its request; or, in a ledger restored from before it, with its closing.
fn first(facts: &Facts) -> Result<Grant, &'static str> {
    let id = facts.grant.as_deref().and_then(|id| id.parse().ok()).ok_or("`grant` is not a grant id")?;
    if facts.prev.is_some() {
        return Err("a first entry has no `prev`");
    }
    let signed_or = |key: &'static str, plain: &Option<String>| {
        facts.signed_str(key).map(str::to_owned).or_else(|| plain.clone()).ok_or(key)
    };
    let (state, closed_at) = match facts.kind {
        Kind::Requested => (State::Activating, None),
        Kind::ClosedFromPlan => (State::Closed, Some(facts.at())),
        _ => return Err("a grant begins with a request"),
    };
    Ok(Grant {
        id,
        scope: signed_or("scope", &facts.scope)?,
        person: facts.person.clone().ok_or("`person` is missing")?,
        state,
        key: facts.key.clone(),
        drill: facts.signed_yes("drill"),
        statement: facts.statement.clone(),
        registered: facts.signed_u64("registered"),
        requested: facts.seq,
        requested_at: facts.at(),
        duration_s: facts.signed_u64("duration_s").unwrap_or(0),
        review_within_s: facts.signed_u64("review_within_s").unwrap_or(REVIEW_WITHIN_UNKNOWN_S),
        opening: None,
        activated_at: None,
        closed_at,
        steps: Vec::new(),
        review: None,
        last: facts.seq,
    })
}

fn follow(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    use State::{Activating, ActivationFailed, Active, Closed, Closing, Unrevoked};
    let was_active = grant.activated_at.is_some();
    match (facts.kind, grant.state) {
        (Kind::Opening, Activating) if grant.opening.is_none() => open(grant, facts)?,
        (Kind::StepOpened, Activating | Closing | Unrevoked) => set_step(grant, facts)?,
        // A command of an activation that was given up came through late: it is closed again.
        (Kind::StepOpened, Closed | ActivationFailed) => {
            set_step(grant, facts)?;
            (grant.state, grant.closed_at) = (Closing, None);
            // Nobody judged what came through late.
            grant.review = None;
        }
        (Kind::Activated, Activating) => {
            let open = |step: &GrantStep| matches!(step.state, StepState::Open | StepState::PreExisting);
            if grant.opening.is_none() || !grant.steps.iter().all(open) {
                return Err("not every step is open");
            }
            (grant.state, grant.activated_at) = (Active, Some(facts.at()));
        }
        (Kind::Closing, Activating | Active) if grant.opening.is_some() => grant.state = Closing,
        (Kind::StepClosed, Closing | Unrevoked) => set_step(grant, facts)?,
        (Kind::Unrevoked, Closing) => grant.state = Unrevoked,
        (Kind::Closed, Closing | Unrevoked) if was_active => end(grant, facts, Closed)?,
        (Kind::ActivationFailed, Closing | Unrevoked) if !was_active => end(grant, facts, ActivationFailed)?,
        // Nothing was opened yet: there is nothing to close or prove.
        (Kind::ActivationFailed, Activating) if grant.opening.is_none() => {
            end(grant, facts, ActivationFailed)?;
        }
        (Kind::ClosedFromPlan, Activating | Active | Closing | Unrevoked) => {
            for step in &mut grant.steps {
                step.state = if step.state.is_shut() { step.state } else { StepState::Closed };
            }
            end(grant, facts, if was_active { Closed } else { ActivationFailed })?;
        }
        (Kind::Reviewed, Closed) => review(grant, facts)?,
        (Kind::Reviewed, _) => return Err("only a closed grant is reviewed"),
        _ => return Err("no such transition"),
    }
    Ok(())
}

fn open(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    let terms = facts.terms.clone().ok_or("`terms` are missing")?;
    if parse_rfc3339(&terms.expires_at).is_none() {
        return Err("`expires_at` is not a time");
    }
    grant.steps =
        terms.steps.iter().map(|id| GrantStep { id: id.clone(), state: StepState::Pending }).collect();
    grant.opening = Some(OpenedOn { moment: facts.moment(), terms });
    Ok(())
}

fn set_step(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    let id = facts.step.as_deref().ok_or("`step` is missing")?;
    let step = grant.steps.iter_mut().find(|step| step.id == id).ok_or("no such step")?;
    step.state = facts.outcome.ok_or("`outcome` is missing")?;
    Ok(())
}

fn end(grant: &mut Grant, facts: &Facts, state: State) -> Result<(), &'static str> {
    if !grant.steps.iter().all(|step| step.state.is_shut()) {
        return Err("a step is not proved closed");
    }
    (grant.state, grant.closed_at) = (state, Some(facts.at()));
    Ok(())
}

fn review(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    if grant.review.is_some() {
        return Err("it has its verdict already");
    }
    let verdict: Option<Verdict> = facts.signed_str("verdict").and_then(|word| word.parse().ok());
    let verdict = verdict.ok_or("`verdict` is no verdict")?;
    if !verdict.fits(grant.drill) {
        return Err("the verdict `drill` is for drills, `justified` for what was none");
    }
    let person = facts.person.clone().ok_or("`person` is missing")?;
    let self_review = facts.signed_yes("self_review");
    if person == grant.person && !self_review {
        return Err("the requester reviewed it, and it does not say so");
    }
    let (at, statement) = (facts.at(), facts.statement.clone());
    grant.review = Some(Reviewed { verdict, person, at, self_review, statement });
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
