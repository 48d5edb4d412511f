//! A grant's sessions: how it was used through glass (P13).

use super::Grant;
use crate::core::entry::{Ending, Facts, Kind, Piece, Started};
use crate::core::id::SessionId;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A session, folded from its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantSession {
    /// Its id.
    pub id: String,
    /// What its start fixed.
    pub started: Started,
    /// The OS user who started it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Where its recording broke off, and why; once at most, since it never goes on.
    pub gap: Option<Gap>,
    /// Its end, once it is known.
    pub end: Option<SessionEnd>,
    /// When its recording was deleted, as was registered.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// From here on a session was not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it was noticed.
    pub at: DateTime<Utc>,
    /// Why.
    pub cause: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When that was recorded.
    pub at: DateTime<Utc>,
    /// Why.
    pub cause: String,
    /// Its glass died: what there is of its recording was fixed later, by another.
    pub interrupted: bool,
    /// How its command ended, and whether all that it started is gone.
    pub ending: Ending,
    /// Its recording: the end of each file's name, and the whole of that file.
    pub files: BTreeMap<String, Piece>,
}

pub(super) fn start(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    let id = facts.session.clone().ok_or("`session` is missing")?;
    // It names files.
    if id.parse::<SessionId>().is_err() {
        return Err("`session` is not a session id");
    }
    if grant.session(&id).is_some() {
        return Err("the session was started already");
    }
    grant.sessions.push(GrantSession {
        id,
        started: facts.started.clone().ok_or("`started` is missing")?,
        by: facts.by.clone().ok_or("`by` is missing")?,
        at: facts.at(),
        gap: None,
        end: None,
        deleted_at: None,
    });
    Ok(())
}

pub(super) fn leave_gap(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    let session = running(grant, facts)?;
    if session.gap.is_some() {
        return Err("its recording broke off already");
    }
    session.gap = Some(Gap { at: facts.at(), cause: cause(facts)? });
    Ok(())
}

pub(super) fn end(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    let session = running(grant, facts)?;
    let ending = facts.ended.ok_or("`ended` is missing")?;
    if facts.files.values().any(|whole| whole.from != 0) {
        return Err("a whole file begins at its first byte");
    }
    session.end = Some(SessionEnd {
        at: facts.at(),
        cause: cause(facts)?,
        interrupted: facts.kind == Kind::SessionInterrupted,
        ending,
        files: facts.files.clone(),
    });
    Ok(())
}

pub(super) fn delete(grant: &mut Grant, facts: &Facts) -> Result<(), &'static str> {
    if grant.review.is_none() {
        return Err("its review is still owed");
    }
    let session = named(grant, facts)?;
    match (&session.end, session.deleted_at) {
        (Some(end), None) if !end.files.is_empty() => session.deleted_at = Some(facts.at()),
        (Some(_), None) => return Err("the session has no recording"),
        (Some(_), Some(_)) => return Err("its recording was deleted already"),
        (None, _) => return Err("the session has not ended"),
    }
    Ok(())
}

fn named<'a>(grant: &'a mut Grant, facts: &Facts) -> Result<&'a mut GrantSession, &'static str> {
    let id = facts.session.as_deref().ok_or("`session` is missing")?;
    grant.sessions.iter_mut().find(|session| session.id == id).ok_or("no such session")
}

fn running<'a>(grant: &'a mut Grant, facts: &Facts) -> Result<&'a mut GrantSession, &'static str> {
    let session = named(grant, facts)?;
    if session.end.is_some() {
        return Err("the session has ended");
    }
    Ok(session)
}

fn cause(facts: &Facts) -> Result<String, &'static str> {
    facts.cause.clone().ok_or("`cause` is missing")
}
