//! The only transition of a grant.

use super::session;
use super::{Consent, Grant, GrantStep, Mended, OpenedOn, State, Waiting};
use crate::core::entry::{Facts, Kind, StepState};
use crate::core::moment::{parse_rfc3339, rfc3339};
use crate::core::review::{Reviewed, Verdict};
use chrono::TimeDelta;

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

/// The word for "two people saw to it" in the `proof` of a step.
pub const ATTESTED: &str = "attested";
/// So many people attest a closing that no check can prove.
pub const ATTESTATIONS: usize = 2;

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
    let waiting = waiting(facts);
    let state = match facts.kind {
        Kind::Requested if waiting.is_some() => State::AwaitingApproval,
        Kind::Requested => State::Activating,
        Kind::Recorded | Kind::ClosedFromPlan => State::Closed,
        _ => return Err("a grant begins with a request"),
    };
    let outside = facts.kind == Kind::Recorded;
    let time = |key| facts.signed_str(key).and_then(parse_rfc3339);
    if outside && (time("from").is_none() || time("to").is_none()) {
        return Err("`from` or `to` is not a time");
    }
    // Who tells of it first is the one who acted; the entry is the last signature's.
    let person = match outside {
        true => facts.signed_str("person").map(str::to_owned),
        false => facts.person.clone(),
    };
    Ok(Grant {
        id,
        scope: signed_or("scope", &facts.scope)?,
        person: person.ok_or("`person` is missing")?,
        state,
        key: facts.key.clone().filter(|_| !outside),
        touch: facts.touch.filter(|_| !outside),
        drill: facts.signed_yes("drill"),
        statement: facts.statement.clone(),
        registered: facts.signed_u64("registered"),
        requested: facts.seq,
        requested_at: facts.at(),
        duration_s: facts.signed_u64("duration_s").unwrap_or(0),
        max_s: facts.signed_u64("max_s").unwrap_or(0),
        extensions: facts.signed_u64("extensions").unwrap_or(0),
        extended: 0,
        review_within_s: facts.signed_u64("review_within_s").unwrap_or(REVIEW_WITHIN_UNKNOWN_S),
        waiting,
        approvals: if outside { vec![consent(facts)?] } else { Vec::new() },
        alone: false,
        overrides: facts.signed_list("overrides"),
        mended: Mended::said(facts)?,
        outside,
        told_at: outside.then(|| facts.at()),
        attested: Vec::new(),
        opening: None,
        activated_at: time("from").filter(|_| outside),
        closed_at: match facts.kind {
            Kind::Recorded => time("to"),
            Kind::ClosedFromPlan => Some(facts.at()),
            _ => None,
        },
        steps: Vec::new(),
        sessions: Vec::new(),
        review: None,
        last: facts.seq,
    })
}

/// What the signed request says that it waits for.
fn waiting(facts: &Facts) -> Option<Waiting> {
    let needed = facts.signed_u64("approvals_needed").filter(|needed| *needed > 0)?;
    Some(Waiting {
        needed: usize::try_from(needed).unwrap_or(usize::MAX),
        // A request that names no end has lapsed at once.
        within_s: facts.signed_u64("within_s").unwrap_or(0),
        alone_after_s: facts.signed_u64("alone_after_s"),
        asked: facts.moment(),
        since: facts.moment(),
    })
}

fn consent(facts: &Facts) -> Result<Consent, &'static str> {
    Ok(Consent {
        person: facts.person.clone().ok_or("`person` is missing")?,
        key: facts.key.clone(),
        touch: facts.touch,
        at: facts.at(),
        seq: facts.seq,
    })
}

fn follow(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    use State::{
        Activating, ActivationFailed, Active, AwaitingApproval, Closed, Closing, Denied, Lapsed, Unrevoked,
        Withdrawn,
    };
    let was_active = grant.activated_at.is_some();
    match (facts.kind, grant.state) {
        (Kind::Approved, AwaitingApproval) => approve(grant, facts)?,
        (Kind::Denied, AwaitingApproval) => {
            another(grant, facts)?;
            grant.state = Denied;
        }
        (Kind::Withdrawn, AwaitingApproval) => {
            requester(grant, facts)?;
            grant.state = Withdrawn;
        }
        (Kind::Lapsed, AwaitingApproval) => grant.state = Lapsed,
        (Kind::Resumed, AwaitingApproval) => resume(grant, facts)?,
        (Kind::Opening, AwaitingApproval) if !grant.has_consent() => {
            return Err("not everyone signed whom it waits for");
        }
        (Kind::Opening, AwaitingApproval) => {
            grant.state = Activating;
            open(grant, facts)?;
        }
        (Kind::Opening, Activating) if grant.opening.is_none() => open(grant, facts)?,
        (Kind::Extended, Active) => extend(grant, facts)?,
        (Kind::Revoked, Activating | Active | Closing | Unrevoked) if grant.opening.is_some() => {
            // Anyone may end it; whoever asked signs only where another OS user runs it.
            facts.person.as_ref().ok_or("`person` is missing")?;
            grant.state = if grant.state == Unrevoked { Unrevoked } else { Closing };
        }
        (Kind::Attested, Unrevoked) => {
            another(grant, facts)?;
            add(&mut grant.attested, facts)?;
        }
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
        (Kind::ActivationFailed, AwaitingApproval | Activating) if grant.opening.is_none() => {
            end(grant, facts, ActivationFailed)?;
        }
        // A ledger put back from before the opening learns of the end alone.
        (Kind::ClosedFromPlan, AwaitingApproval | Activating | Active | Closing | Unrevoked) => {
            for step in &mut grant.steps {
                step.state = if step.state.is_shut() { step.state } else { StepState::Closed };
            }
            end(grant, facts, if was_active { Closed } else { ActivationFailed })?;
        }
        (Kind::SessionStarted, Active) => session::start(grant, facts)?,
        // Whatever became of the grant meanwhile: a session's own end is told when it is known.
        (Kind::RecordingGap, _) => session::leave_gap(grant, facts)?,
        (Kind::SessionEnded | Kind::SessionInterrupted, _) => session::end(grant, facts)?,
        (Kind::RecordingDeleted, _) => session::delete(grant, facts)?,
        (Kind::Reviewed, Closed) => review(grant, facts)?,
        (Kind::Reviewed, _) => return Err("only a closed grant is reviewed"),
        _ => return Err("no such transition"),
    }
    Ok(())
}

/// Somebody else than the requester must have signed it, by name and by key.
fn another(grant: &Grant, facts: &Facts) -> Result<(), &'static str> {
    let same_key = grant.key.is_some() && facts.key == grant.key;
    match facts.person.as_deref() {
        None => Err("`person` is missing"),
        Some(person) if person == grant.person || same_key => Err("the requester signed it"),
        Some(_) => Ok(()),
    }
}

fn requester(grant: &Grant, facts: &Facts) -> Result<(), &'static str> {
    match facts.person.as_deref() == Some(&grant.person) {
        true => Ok(()),
        false => Err("somebody else than the requester signed it"),
    }
}

/// One more person; each counts once, whatever keys they have.
fn add(consents: &mut Vec<Consent>, facts: &Facts) -> Result<(), &'static str> {
    let consent = consent(facts)?;
    let again =
        |other: &Consent| other.person == consent.person || (other.key.is_some() && other.key == consent.key);
    if consents.iter().any(again) {
        return Err("the same person signed it already");
    }
    consents.push(consent);
    Ok(())
}

fn approve(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    another(grant, facts)?;
    if grant.missing() == 0 {
        return Err("everyone signed whom it waits for");
    }
    add(&mut grant.approvals, facts)?;
    let complete = grant.missing() == 0;
    if let Some(waiting) = grant.waiting.as_mut().filter(|_| complete) {
        waiting.since = facts.moment();
    }
    Ok(())
}

/// The requester again: with everyone's consent, or alone once the wait is over.
fn resume(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    requester(grant, facts)?;
    if !facts.signed_yes("alone") {
        return Ok(());
    }
    match grant.alone_in(&facts.moment()) {
        None => return Err("nobody goes on alone with it"),
        Some(left) if left > TimeDelta::zero() => return Err("the wait before going on alone was not over"),
        Some(_) => {}
    }
    if !grant.alone {
        // What one person did alone is looked at sooner.
        grant.review_within_s = grant.review_within_s.div_ceil(2);
    }
    grant.alone = true;
    Ok(())
}

/// Later by what was signed, on both clocks; never past the maximum.
fn extend(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    requester(grant, facts)?;
    let by_s = facts.signed_u64("extend_s").filter(|by_s| *by_s > 0).ok_or("`extend_s` is missing")?;
    if grant.extended >= grant.extensions {
        return Err("it was extended as often as it may be");
    }
    let by = i64::try_from(by_s).ok().and_then(TimeDelta::try_seconds).ok_or("`extend_s` is too long")?;
    let max = i64::try_from(grant.max_s).ok().and_then(TimeDelta::try_seconds).unwrap_or_default();
    let opened = grant.opening.as_mut().ok_or("it was never opened")?;
    let end = parse_rfc3339(&opened.terms.expires_at).and_then(|end| end.checked_add_signed(by));
    let end = end.ok_or("`expires_at` is not a time")?;
    let boot_ms = opened.terms.deadline_boot_ms.saturating_add(by_s.saturating_mul(1_000));
    if end > opened.moment.wall + max
        || boot_ms > opened.moment.boot_ms.saturating_add(grant.max_s.saturating_mul(1_000))
    {
        return Err("it would be open for longer than its maximum");
    }
    let end = rfc3339(end);
    if facts.signed_str("expires_at") != Some(&end) {
        return Err("the signed end is not the one that follows");
    }
    (opened.terms.expires_at, opened.terms.deadline_boot_ms) = (end, boot_ms);
    grant.extended += 1;
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
    let outcome = facts.outcome.ok_or("`outcome` is missing")?;
    if facts.proof.as_deref() == Some(ATTESTED) && grant.attested.len() < ATTESTATIONS {
        return Err("not enough people attested it");
    }
    let step = grant.steps.iter_mut().find(|step| step.id == id).ok_or("no such step")?;
    step.state = outcome;
    // What a check proves open, nobody saw closed.
    if outcome == StepState::Open {
        grant.attested.clear();
    }
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
    if grant.approvals.iter().any(|approval| approval.person == person) {
        return Err("who consented to it reviewed it");
    }
    if grant.mended.iter().flat_map(|mended| &mended.by).any(|signer| signer.person == person) {
        return Err("who signed the hotfix that it ran by reviewed it");
    }
    let (at, statement) = (facts.at(), facts.statement.clone());
    grant.review = Some(Reviewed { verdict, person, at, self_review, statement });
    Ok(())
}
