//! Requests that wait for other people: what is asked of them, and what they answer.

use super::head::root_at;
use super::registered::Registered;
use super::standing::scope_of;
use super::{Batch, Ledger, LedgerError, Recorded, projection, registered};
use crate::core::entry::{Facts, Kind};
use crate::core::grant::{Grant, State};
use crate::core::merkle::Hash;
use crate::core::moment::Moment;
use crate::core::playbook::Scope;
use crate::core::policy::{self, ApprovalRefusal, Approver, Asked, Denied};
use crate::core::sshsig::Sshsig;
use crate::core::statement::{Approve, Deny, Resume, Verb, Withdraw, message_digest};
use crate::ports::signer::Confirmed;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value};

/// A request with all that others look at before they sign.
#[derive(Debug)]
pub struct Pending {
    /// The grant as it stands.
    pub grant: Grant,
    /// Its scope, as registered when it was asked for.
    pub scope: Scope,
    request: Facts,
    texts: Map<String, Value>,
    root: Hash,
}

impl Pending {
    /// What others consent to.
    pub const fn asked(&self) -> Asked<'_> {
        Asked { request: &self.request, texts: &self.texts, root: self.root }
    }

    /// The facts of the request.
    pub const fn request(&self) -> &Facts {
        &self.request
    }

    /// The texts that the requester signed.
    pub const fn texts(&self) -> &Map<String, Value> {
        &self.texts
    }
}

impl Ledger {
    /// A request; `None` where the ledger knows no such grant, or not its request.
    pub fn pending(&self, id: &str) -> Result<Option<Pending>, LedgerError> {
        let _snapshot = self.connection.unchecked_transaction()?;
        let registered = self.registered()?;
        let Some(grant) = self.grant(id)? else { return Ok(None) };
        pending(&self.connection, self.genesis(), grant, registered.as_ref())
    }

    /// Records a consent, once the signer and the grant are judged on what stands now.
    pub fn record_approval(
        &mut self,
        confirmed: &Confirmed<Approve>,
        now: &Moment,
    ) -> Result<Recorded<Approve>, LedgerError> {
        self.answer(confirmed, now, |batch, pending| {
            let statement = pending.asked().to_statement()?;
            if statement.line() != confirmed.statement().line() {
                return Err(LedgerError::Refused("another request was signed than this one".into()));
            }
            let roster = registered::roster(batch.connection())?;
            let facts = batch.judge_signer(confirmed, &roster)?;
            let person = facts.person.as_deref().unwrap_or_default();
            Approver::of(&pending.grant, &pending.scope, &roster, person, batch.now())
                .map_err(Denied::from)?;
            let touch = policy::judge_touch(pending.scope.touch, facts.touch);
            touch.map_err(policy::Refusal::from).map_err(Denied::from)?;
            Ok(facts)
        })
    }

    /// Records that another person says no.
    pub fn record_denial(
        &mut self,
        confirmed: &Confirmed<Deny>,
        now: &Moment,
    ) -> Result<Recorded<Deny>, LedgerError> {
        self.answer(confirmed, now, |batch, pending| {
            let roster = registered::roster(batch.connection())?;
            let facts = batch.judge(confirmed, &roster)?;
            let person = facts.person.as_deref().unwrap_or_default();
            Approver::of(&pending.grant, &pending.scope, &roster, person, batch.now())
                .map_err(Denied::from)?;
            Ok(facts)
        })
    }

    /// Records that the requester takes it back.
    pub fn record_withdrawal(
        &mut self,
        confirmed: &Confirmed<Withdraw>,
        now: &Moment,
    ) -> Result<Recorded<Withdraw>, LedgerError> {
        self.answer(confirmed, now, |batch, pending| {
            let facts = batch.judge(confirmed, &registered::roster(batch.connection())?)?;
            let person = facts.person.as_deref().unwrap_or_default();
            policy::judge_requester(&pending.grant, person).map_err(Denied::from)?;
            Ok(facts)
        })
    }

    /// Records that the requester goes on with it, in another process or alone.
    pub fn record_resumption(
        &mut self,
        confirmed: &Confirmed<Resume>,
        now: &Moment,
    ) -> Result<Recorded<Resume>, LedgerError> {
        self.answer(confirmed, now, |batch, pending| {
            let facts = batch.judge(confirmed, &registered::roster(batch.connection())?)?;
            let person = facts.person.as_deref().unwrap_or_default();
            policy::judge_requester(&pending.grant, person).map_err(Denied::from)?;
            let alone = facts.signed_yes("alone");
            if alone {
                policy::judge_alone(&pending.grant, batch.now()).map_err(Denied::from)?;
            }
            let demanded = policy::touch_to_resume(&pending.scope, &pending.grant, alone);
            let touch = policy::judge_touch(demanded, facts.touch);
            touch.map_err(policy::Refusal::from).map_err(Denied::from)?;
            Ok(facts)
        })
    }

    /// Lets a request lapse whose time is over; gives the grant as it stands then. Takes the
    /// writer's place only for that: who waits for consent asks several times a second.
    pub fn lapse(&mut self, id: &str, now: &Moment) -> Result<Grant, LedgerError> {
        let unknown = || LedgerError::Refused(format!("the ledger knows no {id}"));
        let grant = self.grant(id)?.ok_or_else(unknown)?;
        if !has_lapsed(&self.connection, &grant, now)? {
            return Ok(grant);
        }
        let mut batch = Batch::begin(self, now)?;
        let grant = batch.grant(id)?.ok_or_else(unknown)?;
        if !batch.has_lapsed(&grant)? {
            return Ok(grant);
        }
        batch.append(Facts { grant: Some(id.to_owned()), ..Facts::new(Kind::Lapsed, now) }, "")?;
        let grant = batch.grant(id)?.ok_or_else(unknown)?;
        batch.commit()?;
        Ok(grant)
    }

    /// Records one answer to a request that still waits.
    fn answer<V: Verb>(
        &mut self,
        confirmed: &Confirmed<V>,
        now: &Moment,
        judge: impl FnOnce(&Batch<'_>, &Pending) -> Result<Facts, LedgerError>,
    ) -> Result<Recorded<V>, LedgerError> {
        let registered = self.registered()?;
        let batch = Batch::begin(self, now)?;
        let id = confirmed.statement().signed().get("grant").and_then(Value::as_str).unwrap_or_default();
        let unknown = || LedgerError::Refused(format!("the ledger knows no {id}"));
        let grant = batch.grant(id)?.ok_or_else(unknown)?;
        if batch.has_lapsed(&grant)? {
            return Err(Denied::from(ApprovalRefusal::Lapsed(id.to_owned())).into());
        }
        let pending = pending(batch.connection(), batch.genesis(), grant, registered.as_ref())?;
        let facts = judge(&batch, &pending.ok_or_else(unknown)?)?;
        let facts = Facts { grant: Some(id.to_owned()), ..facts };
        batch.record(confirmed, facts)
    }
}

impl Batch<'_> {
    /// Whether a request waits whose time is over.
    pub(super) fn has_lapsed(&self, grant: &Grant) -> Result<bool, LedgerError> {
        has_lapsed(self.connection(), grant, self.now())
    }

    /// Whether each recorded consent still counts, by the people of now; its signature is verified
    /// once more, because here something opens.
    pub(super) fn judge_consents(
        &self,
        grant: &Grant,
        registered: &Registered,
    ) -> Result<Result<(), ApprovalRefusal>, LedgerError> {
        let corrupt = |seq: u64, what: &str| LedgerError::Corrupt(format!("entry {seq}: {what}"));
        let Some(pending) = pending(self.connection(), self.genesis(), grant.clone(), Some(registered))?
        else {
            return Err(corrupt(grant.requested, "its request is gone"));
        };
        let digest = pending.asked().to_statement()?.digest();
        for (index, given) in grant.approvals.iter().enumerate() {
            let sshsig = Sshsig::from_armor(&armor(self.connection(), given.seq)?)
                .map_err(|error| corrupt(given.seq, &error.to_string()))?;
            let person = registered.roster().person_by_key(sshsig.key());
            if person.is_none_or(|person| person.name != given.person) {
                return Err(corrupt(given.seq, "it was not signed by the one who is said to consent"));
            }
            let asserted = sshsig
                .verify(Approve::NAMESPACE, &digest, sshsig.key())
                .map_err(|error| corrupt(given.seq, &error.to_string()))?;
            let touched = policy::judge_touch(pending.scope.touch, asserted.touched()).is_ok();
            if !touched || !Approver::still(grant, &pending.scope, registered.roster(), index, self.now()) {
                return Ok(Err(ApprovalRefusal::NotAnApprover {
                    person: given.person.clone(),
                    scope: grant.scope.clone(),
                    who: policy::whom(&pending.scope, !grant.overrides.is_empty()),
                    grant: grant.id.to_string(),
                    able: policy::able_to_approve(grant, &pending.scope, registered.roster(), self.now()),
                }));
            }
        }
        Ok(Ok(()))
    }
}

/// Whether a request waits whose time is over, by either clock.
fn has_lapsed(connection: &Connection, grant: &Grant, now: &Moment) -> Result<bool, LedgerError> {
    let last_entry = super::head::read(connection)?.clock_floor;
    Ok(grant.state == State::AwaitingApproval
        && grant.lapses().is_none_or(|lapses| lapses.has_passed(now, last_entry)))
}

fn armor(connection: &Connection, seq: u64) -> Result<String, LedgerError> {
    let armor: Option<Vec<u8>> = connection
        .prepare_cached("SELECT signature FROM entry WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    Ok(armor.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
}

fn pending(
    connection: &Connection,
    genesis: &crate::core::entry::Genesis,
    grant: Grant,
    registered: Option<&Registered>,
) -> Result<Option<Pending>, LedgerError> {
    let corrupt = |what: &str| LedgerError::Corrupt(format!("the request of {}: {what}", grant.id));
    let request = projection::facts(connection, grant.requested)?;
    if request.kind != Kind::Requested {
        return Ok(None);
    }
    let digest = request.statement.as_deref().unwrap_or_default();
    let line: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
        .query_row([digest], |row| row.get(0))
        .optional()?;
    let line = line.ok_or_else(|| corrupt("its text is missing"))?;
    if HEXLOWER.encode(&message_digest(&line)) != digest {
        return Err(corrupt("its text was changed"));
    }
    let line: Value = serde_json::from_slice(&line).map_err(|error| corrupt(&error.to_string()))?;
    let texts = line.get("texts").and_then(Value::as_object).cloned();
    let texts = texts.ok_or_else(|| corrupt("its text is in no form that glass writes"))?;
    let root = root_at(connection, request.seq + 1)?;
    let scope = scope_of(connection, genesis, &grant, registered)?;
    let scope = scope.ok_or_else(|| LedgerError::Refused(format!("{} is not registered", grant.scope)))?;
    Ok(Some(Pending { grant, scope, request, texts, root }))
}
