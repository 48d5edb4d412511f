//! What people signed about a grant, judged again by the rules of then: its scope as it was
//! registered when it ran, and the people of that time.
//!
//! The fold knows what can follow what; it knows no groups and no playbooks. A ledger that a glass
//! wrote holds none of what is found here, because recording judges the same.

use super::super::{Registered, projection, registered};
use super::finding::Findings;
use super::people::People;
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Genesis, Kind};
use crate::core::grant::{ATTESTATIONS, ATTESTED, Grant};
use crate::core::playbook::Scope;
use crate::core::policy::{self, DeletionRefusal, Denied, Refusal};
use crate::core::roster::Roster;
use crate::core::text::escape;
use chrono::{DateTime, Utc};
use rusqlite::Connection;

pub(super) struct Granted<'a> {
    connection: &'a Connection,
    genesis: &'a Genesis,
    /// The registration that was needed last, by its seq: acts under one follow each other. `None`
    /// inside for one that can't be read, which has findings of its own.
    registered: Option<(u64, Option<Registered>)>,
}

impl<'a> Granted<'a> {
    pub(super) const fn new(connection: &'a Connection, genesis: &'a Genesis) -> Self {
        Self { connection, genesis, registered: None }
    }

    /// Whether an entry is judged here.
    pub(super) fn concerns(facts: &Facts) -> bool {
        match facts.kind {
            Kind::Extended
            | Kind::Attested
            | Kind::Revoked
            | Kind::SessionStarted
            | Kind::RecordingDeleted => true,
            Kind::StepClosed => facts.proof.as_deref() == Some(ATTESTED),
            _ => false,
        }
    }

    /// Judges an entry by its grant as it stood before it.
    /// `floor` is the clock floor then.
    pub(super) fn judge(
        &mut self,
        grant: &Grant,
        facts: &Facts,
        people: &People<'_>,
        floor: DateTime<Utc>,
        findings: &mut Findings,
    ) {
        let judged = match facts.kind {
            Kind::StepClosed => self.judge_vouched(grant, facts),
            Kind::SessionStarted => judge_start(grant, facts, floor),
            Kind::RecordingDeleted => judge_deletion(grant, facts, people.keep_recordings()),
            kind => match self.scope(grant) {
                Some(scope) => judge_signer(kind, grant, scope, people.roster(), facts),
                None => Ok(()),
            },
        };
        if let Err(why) = judged {
            findings.entry(facts.seq, escape(&why));
        }
    }

    /// The scope that a grant ran by; nothing is judged where that can't be known.
    fn scope(&mut self, grant: &Grant) -> Option<&Scope> {
        let seq = grant.registered?;
        if self.registered.as_ref().is_none_or(|(read, _)| *read != seq) {
            self.registered = Some((seq, registered::at(self.connection, self.genesis, seq).ok()));
        }
        let (_, registered) = self.registered.as_ref()?;
        registered.as_ref()?.scope(&grant.scope).ok().map(|(_, scope)| scope)
    }

    /// A step that people vouched for: enough of them must have named it.
    fn judge_vouched(&self, grant: &Grant, facts: &Facts) -> Result<(), String> {
        let step = facts.step.as_deref().unwrap_or_default();
        let names_it = |seq| {
            let attested = projection::facts(self.connection, seq);
            attested.is_ok_and(|facts| facts.signed_list("steps").iter().any(|id| id == step))
        };
        let vouching = grant.attested.iter().filter(|consent| names_it(consent.seq)).count();
        match vouching >= ATTESTATIONS {
            true => Ok(()),
            false => Err(format!("{vouching} people vouched for the step `{step}`, and {ATTESTATIONS} must")),
        }
    }
}

/// A grant is used while it is open, by the person whose it is.
fn judge_start(grant: &Grant, facts: &Facts, floor: DateTime<Utc>) -> Result<(), String> {
    if facts.person.as_ref() != Some(&grant.person) {
        return Err(format!("a session of {} is started by nobody but {}", grant.id, grant.person));
    }
    policy::judge_usable(grant, &facts.moment(), floor).map_err(|refusal| refusal.to_string())
}

/// A recording is deleted as was registered; what else stands against it, the fold says.
fn judge_deletion(grant: &Grant, facts: &Facts, keep: Option<Seconds>) -> Result<(), String> {
    let Some(session) = facts.session.as_deref().and_then(|id| grant.session(id)) else { return Ok(()) };
    match policy::judge_deletion(grant, session, keep, facts.at()) {
        Err(refusal @ (DeletionRefusal::NoLimit | DeletionRefusal::Kept { .. })) => {
            Err(format!("the recording of {} was deleted: {refusal}", session.id))
        }
        _ => Ok(()),
    }
}

/// Who signed must have been able to, by the scope, and what they signed within it.
fn judge_signer(
    kind: Kind,
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    facts: &Facts,
) -> Result<(), String> {
    let person = facts.person.as_deref().unwrap_or_default();
    let judged: Result<(), Denied> = match kind {
        Kind::Extended => {
            let by = Seconds::new(facts.signed_u64("extend_s").unwrap_or(0));
            policy::judge_extension(grant, scope, roster, person, by)
                .and_then(|_| Ok(policy::judge_in_time(grant, &facts.moment(), facts.at())?))
                .and_then(|()| Ok(policy::judge_touch(scope.touch, facts.touch).map_err(Refusal::from)?))
        }
        Kind::Attested => policy::judge_attester(grant, scope, roster, person, facts.at())
            .and_then(|()| policy::steps_to_attest(grant))
            .map(|_| ())
            .map_err(Denied::from),
        Kind::Revoked => policy::judge_revoker(grant, scope, roster, person).map_err(Denied::from),
        _ => Ok(()),
    };
    judged.map_err(|denied| denied.to_string())
}
