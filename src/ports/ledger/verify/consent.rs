//! Consents held against the requests that they are for, and against who might give them.

use super::super::{LedgerError, projection};
use super::finding::Findings;
use super::tree::Tree;
use crate::core::entry::{Facts, Kind};
use crate::core::playbook::Scope;
use crate::core::policy::{self, Asked};
use crate::core::roster::Roster;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

/// An approval must be the statement that follows from its request, word for word, and by one of
/// those whom its scope named.
pub(super) fn check(
    connection: &Connection,
    facts: &Facts,
    line: Option<&[u8]>,
    scope: Option<&Scope>,
    roster: &Roster,
    tree: &Tree<'_>,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let Some(request) = request(connection, facts)? else {
        findings.entry(facts.seq, "it consents to a request that is not there");
        return Ok(());
    };
    let root = tree.root_at(request.seq + 1)?;
    if let (Some(line), Some(root), Some(texts)) = (line, root, texts(connection, &request)?) {
        let follows = Asked { request: &request, texts: &texts, root }.to_statement();
        if !follows.is_ok_and(|statement| statement.line().as_bytes() == line) {
            findings.entry(facts.seq, "what was signed is not what its request asked for");
        }
    }
    let person = facts.person.as_deref().and_then(|name| roster.person(name));
    let (Some(scope), Some(person)) = (scope, person) else { return Ok(()) };
    let own = scope.approvals.as_ref().is_some_and(|approvals| roster.is_any(person, &approvals.from));
    let overrides = !request.signed_list("overrides").is_empty();
    let named = own || (overrides && roster.is_any(person, &scope.review.by));
    if !named || roster.is_automation(person) {
        findings.entry(facts.seq, "who consented was not among those whom its scope names");
    }
    if let Err(refusal) = policy::judge_touch(scope.touch, facts.touch) {
        findings.entry(facts.seq, format!("its scope was not to be opened by it: {refusal}"));
    }
    Ok(())
}

/// The request that a consent names.
fn request(connection: &Connection, facts: &Facts) -> rusqlite::Result<Option<Facts>> {
    let seq: Option<u64> = connection
        .prepare_cached("SELECT seq FROM used_statement WHERE statement = ?1")?
        .query_row([facts.signed_str("request")], |row| row.get(0))
        .optional()?;
    let request = match seq.map(|seq| projection::facts(connection, seq)) {
        Some(Ok(request)) => request,
        Some(Err(LedgerError::Sqlite(error))) => return Err(error),
        // Its own entry is a finding already.
        Some(Err(_)) | None => return Ok(None),
    };
    let is_it = request.kind == Kind::Requested
        && request.grant == facts.grant
        && request.seq < facts.seq
        && request.statement.as_deref() == facts.signed_str("request");
    Ok(is_it.then_some(request))
}

/// The texts of a request, while they are there.
fn texts(
    connection: &Connection,
    request: &Facts,
) -> rusqlite::Result<Option<serde_json::Map<String, Value>>> {
    let line: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
        .query_row([&request.statement], |row| row.get(0))
        .optional()?;
    let line: Option<Value> = line.and_then(|line| serde_json::from_slice(&line).ok());
    Ok(line.and_then(|line| line.get("texts")?.as_object().cloned()))
}
