//! The words in which people consent to a request, refuse it, take it back or go on with it.

use super::{Approver, judge_alone, judge_requester};
use crate::core::authorization::Authorization;
use crate::core::entry::Facts;
use crate::core::grant::Grant;
use crate::core::merkle::Hash;
use crate::core::moment::Moment;
use crate::core::policy::{Denied, map};
use crate::core::statement::{Approve, Common, Deny, Resume, Statement, Verb, Withdraw};
use serde_json::{Map, Value, json};

/// A request as its entry and its texts tell it: what others consent to, word for word.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The facts of the request entry.
    pub request: &'a Facts,
    /// The texts that the requester signed.
    pub texts: &'a Map<String, Value>,
    /// The root of the log just after the request.
    pub root: Hash,
}

impl Asked<'_> {
    /// The statement of every approval of it: a function of the request alone, so that it can be
    /// exported and signed anywhere, by each of those who must.
    pub fn to_statement(&self) -> Result<Statement<Approve>, Denied> {
        let mut signed = self.request.signed.clone().unwrap_or_default();
        let (origin, ledger) = (text(&signed, "origin"), text(&signed, "ledger"));
        for (from, to) in [("person", "requester"), ("at", "requested_at")] {
            if let Some(value) = signed.remove(from) {
                signed.insert(to.into(), value);
            }
        }
        let seen = json!({"size": self.request.seq + 1, "root": self.root.to_string()});
        signed.insert("seen".into(), seen);
        signed.insert("request".into(), json!(self.request.statement));
        Ok(Statement::of(&origin, &ledger, signed, self.texts.clone())?)
    }
}

fn text(signed: &Map<String, Value>, key: &str) -> String {
    signed.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Puts a consent into the words that will be signed.
pub fn authorize_approval(
    _: &Approver,
    grant: &Grant,
    asked: &Asked<'_>,
) -> Result<Authorization<Approve>, Denied> {
    Ok(Authorization::new(asked.to_statement()?, grant.id.to_string()))
}

/// Puts a refusal of consent into the words that will be signed.
pub fn authorize_denial(
    _: &Approver,
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
) -> Result<Authorization<Deny>, Denied> {
    Ok(Authorization::new(about(grant, asked, common, Map::new())?, grant.id.to_string()))
}

/// Puts the taking back of one's own request into the words that will be signed.
pub fn authorize_withdrawal(
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
) -> Result<Authorization<Withdraw>, Denied> {
    judge_requester(grant, &common.person)?;
    Ok(Authorization::new(about(grant, asked, common, Map::new())?, grant.id.to_string()))
}

/// Puts going on with one's own request into the words that will be signed: with everyone's
/// consent, or alone after the wait.
pub fn authorize_resumption(
    grant: &Grant,
    asked: &Asked<'_>,
    alone: bool,
    common: &Common,
    now: &Moment,
) -> Result<Authorization<Resume>, Denied> {
    judge_requester(grant, &common.person)?;
    let mut facts = Map::new();
    if alone {
        judge_alone(grant, now)?;
        facts.insert("alone".into(), json!(true));
    }
    Ok(Authorization::new(about(grant, asked, common, facts)?, grant.scope.clone()))
}

fn about<V: Verb>(
    grant: &Grant,
    asked: &Asked<'_>,
    common: &Common,
    mut facts: Map<String, Value>,
) -> Result<Statement<V>, Denied> {
    facts.extend(map(json!({
        "grant": grant.id.as_str(),
        "scope": grant.scope,
        "request": asked.request.statement,
    })));
    let mut texts = asked.texts.clone();
    texts.retain(|key, _| matches!(key.as_str(), "title" | "opens" | "incident" | "reason"));
    Ok(Statement::new(common, facts, texts)?)
}
