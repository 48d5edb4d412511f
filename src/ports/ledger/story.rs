//! All that the ledger knows about one grant: what a reviewer reads, and a verdict stands on.

use super::standing::{scope_of, uses};
use super::{Ledger, LedgerError, SessionRow, projection, registered};
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Kind};
use crate::core::grant::Grant;
use crate::core::moment::rfc3339;
use crate::core::playbook::Scope;
use crate::core::policy::Use;
use crate::core::unusual::{ATTEMPTS_BACK, Attempt, USES_BACK};
use rusqlite::OptionalExtension;
use serde_json::Value;
use std::collections::BTreeMap;

/// One grant's whole story.
#[derive(Debug)]
pub struct Story {
    /// The grant, folded.
    pub grant: Grant,
    /// Its entries, oldest first.
    pub entries: Vec<Facts>,
    /// The texts that the requester signed; `None` where they are not there.
    pub request: Option<Value>,
    /// The texts that the reviewer signed, likewise.
    pub review: Option<Value>,
    /// Its scope as registered when it ran; that of now, where its request was lost.
    pub scope: Option<Scope>,
    /// SHA-512 of the playbook that it ran by, as its request names it.
    pub playbook: Option<String>,
    /// The path of its key's enrolment attestation, where one is stored with the registration that
    /// it ran by.
    pub attestation: Option<String>,
    /// Uses of the scope before it, oldest first; drills are none.
    pub uses: Vec<Use>,
    /// What the same person tried with the same scope shortly before.
    pub attempts: Vec<Attempt>,
    /// How it was used through glass, in order.
    pub sessions: Vec<SessionRow>,
    /// The last words of commands that failed, by their digest.
    pub tails: BTreeMap<String, String>,
}

/// So many entries before a request are looked through for earlier attempts.
const MOST_BACK: u64 = 500;

impl Story {
    /// A text that the requester signed.
    pub fn requested(&self, key: &str) -> Option<&str> {
        self.request.as_ref()?.get(key)?.as_str()
    }

    /// A text that the reviewer signed.
    pub fn reviewed(&self, key: &str) -> Option<&str> {
        self.review.as_ref()?.get(key)?.as_str()
    }

    /// The facts of the request; `None` where it was lost.
    pub fn request_facts(&self) -> Option<&Facts> {
        self.entries.first().filter(|facts| facts.kind == Kind::Requested)
    }
}

impl Ledger {
    /// The story of a grant; `None` where the ledger does not know it.
    pub fn story(&self, id: &str) -> Result<Option<Story>, LedgerError> {
        // One moment for all of it.
        let _snapshot = self.connection.unchecked_transaction()?;
        let Some(grant) = self.grant(id)? else { return Ok(None) };
        let mut entries = Vec::new();
        let mut next = Some(grant.last);
        while let Some(seq) = next {
            let facts = projection::facts(&self.connection, seq)?;
            next = facts.prev;
            entries.push(facts);
        }
        entries.reverse();
        let texts = |digest: Option<&String>| digest.map(|digest| self.statement_texts(digest)).transpose();
        let registered = self.registered()?;
        let scope = scope_of(&self.connection, &self.genesis, &grant, registered.as_ref())?;
        let routine = scope.as_ref().and_then(|scope| scope.limits.routine.as_ref());
        let back = routine.map_or(Seconds::new(USES_BACK.num_seconds().unsigned_abs()), |limit| limit.within);
        let at = grant.activated_at.unwrap_or(grant.requested_at);
        let mut uses = uses(&self.connection, &grant.scope, back, at)?;
        uses.retain(|used| used.grant != id);
        Ok(Some(Story {
            request: texts(grant.statement.as_ref())?.flatten(),
            review: texts(grant.review.as_ref().and_then(|review| review.statement.as_ref()))?.flatten(),
            playbook: entries.first().and_then(|facts| facts.signed_str("playbook")).map(str::to_owned),
            attestation: self.attestation(&grant)?,
            attempts: self.attempts(&grant)?,
            sessions: self.sessions_of(&grant)?,
            tails: self.tails(&entries)?,
            scope,
            uses,
            entries,
            grant,
        }))
    }

    fn attestation(&self, grant: &Grant) -> Result<Option<String>, LedgerError> {
        let Some((seq, key)) = grant.registered.zip(grant.key.as_ref()) else { return Ok(None) };
        let registered = registered::at(&self.connection, &self.genesis, seq)?;
        Ok(registered.attestation_of(key).map(|file| file.path.clone()))
    }

    /// What the same person tried with the same scope within an hour before the request.
    fn attempts(&self, grant: &Grant) -> Result<Vec<Attempt>, LedgerError> {
        let since = grant.requested_at - ATTEMPTS_BACK;
        let mut attempts = Vec::new();
        for seq in (grant.requested.saturating_sub(MOST_BACK)..grant.requested).rev() {
            let facts = projection::facts(&self.connection, seq)?;
            if facts.at() < since {
                break;
            }
            let scope = facts.scope.as_deref().or_else(|| facts.signed_str("scope"));
            if facts.person.as_deref() != Some(&grant.person) || scope != Some(&grant.scope) {
                continue;
            }
            attempts.extend(match (facts.kind, facts.cause.as_deref(), facts.verb.as_deref()) {
                (Kind::Refused, Some("criterion-not-met"), Some("activate")) => Some(Attempt::NotMet),
                (Kind::Refused, Some("abandoned"), Some("activate")) => Some(Attempt::Abandoned),
                (Kind::Requested, ..) if self.failed(facts.grant.as_deref(), grant)? => Some(Attempt::Failed),
                _ => None,
            });
        }
        Ok(attempts)
    }

    /// Whether a grant failed before another was asked for.
    fn failed(&self, id: Option<&str>, before: &Grant) -> Result<bool, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            r#"SELECT 1 FROM "grant" WHERE id = ?1 AND state = 'activation-failed' AND closed_at <= ?2"#,
        )?;
        Ok(statement.exists((id.unwrap_or_default(), rfc3339(before.requested_at)))?)
    }

    fn tails(&self, entries: &[Facts]) -> Result<BTreeMap<String, String>, LedgerError> {
        let mut tails = BTreeMap::new();
        for tail in entries.iter().flat_map(|facts| facts.runs.values()).filter_map(|run| run.tail.as_ref()) {
            let bytes: Option<Vec<u8>> = self
                .connection
                .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
                .query_row([tail], |row| row.get(0))
                .optional()?;
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            tails.extend(text.map(|text| (tail.clone(), text)));
        }
        Ok(tails)
    }
}
