//! Acts that several people sign: each signature is an entry of its own, over the same bytes;
//! with the last of them the act takes effect, in the same transaction.

use super::chain::{chain, consent};
use super::{Batch, Ledger, LedgerError, Recorded, Registered, projection, registered};
use crate::core::deadline::Deadline;
use crate::core::entry::{Facts, Kind};
use crate::core::grant::Consent;
use crate::core::id::{ActId, GrantId, Nonce};
use crate::core::moment::Moment;
use crate::core::playbook::Scope;
use crate::core::policy::{self, ACT_WITHIN, ActRefusal, Circle, Denied, Succession};
use crate::core::roster::Roster;
use crate::core::statement::{Hotfix, Record, Register, Verb, message_digest};
use crate::core::text::escape;
use crate::ports::signer::Confirmed;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value};

/// An act that waits for more people, with all that they look at before they sign.
#[derive(Clone, Debug)]
pub struct PendingAct {
    /// Its id.
    pub id: ActId,
    /// The facts of its first signature.
    pub proposed: Facts,
    /// Who signed, in order.
    pub signed: Vec<Consent>,
    /// Who counts now, and how many must sign.
    pub circle: Circle,
    /// The line that all of them sign.
    pub line: String,
}

impl PendingAct {
    /// The verb that is signed.
    pub fn verb(&self) -> &str {
        self.proposed.signed_str("verb").unwrap_or_default()
    }

    /// Who signed first.
    pub fn person(&self) -> &str {
        self.proposed.person.as_deref().unwrap_or_default()
    }

    /// Who may sign next.
    pub fn able(&self) -> Vec<String> {
        self.circle.others(&self.signed, None)
    }

    /// How many more must sign.
    pub fn missing(&self) -> usize {
        self.circle.needed().saturating_sub(self.signed.len())
    }

    /// The free texts among what is signed.
    pub fn texts(&self) -> Map<String, Value> {
        let line: Option<Value> = serde_json::from_str(&self.line).ok();
        line.and_then(|line| line.get("texts")?.as_object().cloned()).unwrap_or_default()
    }

    /// When it lapses, on both clocks.
    pub fn lapses(&self) -> Deadline {
        lapses(&self.proposed)
    }
}

fn lapses(proposed: &Facts) -> Deadline {
    let moment = proposed.moment();
    let within = u64::try_from(ACT_WITHIN.num_milliseconds()).unwrap_or(0);
    Deadline {
        wall: moment.wall + ACT_WITHIN,
        boot_ms: moment.boot_ms.saturating_add(within),
        boot_id: moment.boot_id,
    }
}

/// How an act stands.
#[derive(Debug)]
pub enum Act {
    /// More people must sign.
    Pending(Box<PendingAct>),
    /// It took effect.
    Done,
    /// Nobody signed in time.
    Lapsed,
}

/// What one more signature made of an act.
#[derive(Debug)]
pub enum Signed {
    /// It waits for more.
    Waits(Box<PendingAct>),
    /// It took effect.
    Done {
        /// Position of the entry.
        seq: u64,
        /// The grant that it tells of.
        grant: Option<GrantId>,
    },
}

impl Ledger {
    /// The acts that wait, oldest first, judged by the roster and at the time of now.
    pub fn acts(&self, now: &Moment) -> Result<Vec<PendingAct>, LedgerError> {
        let ids = waiting(&self.connection)?;
        let mut acts = ids.iter().map(|id| read(&self.connection, id, now)).collect::<Result<Vec<_>, _>>()?;
        acts.sort_by_key(|act| act.proposed.seq);
        Ok(acts)
    }

    /// How an act stands; `None` where the ledger knows none of this id.
    pub fn act(&self, id: &ActId, now: &Moment) -> Result<Option<Act>, LedgerError> {
        Ok(match state(&self.connection, id.as_str())?.as_deref() {
            None => None,
            Some("pending") => Some(Act::Pending(Box::new(read(&self.connection, id.as_str(), now)?))),
            Some("lapsed") => Some(Act::Lapsed),
            Some(_) => Some(Act::Done),
        })
    }

    /// The acts that wait and whose time is over; quick where none waits.
    pub fn acts_to_lapse(&self, now: &Moment) -> Result<Vec<ActId>, LedgerError> {
        let mut over = Vec::new();
        for id in waiting(&self.connection)? {
            // Who may sign is of no concern here: nothing of it may keep anything from closing.
            let (proposed, _) = ends(&self.connection, &id)?;
            if is_over(&self.connection, &proposed, now)? {
                over.extend(id.parse());
            }
        }
        Ok(over)
    }

    /// Records that nobody signed an act in time. Does nothing where it waits no longer, or may.
    pub fn lapse_act(&mut self, id: &ActId, now: &Moment) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        if state(batch.connection(), id.as_str())?.as_deref() != Some("pending") {
            return Ok(());
        }
        let (proposed, _) = ends(batch.connection(), id.as_str())?;
        if is_over(batch.connection(), &proposed, now)? {
            batch.append(Facts { act: Some(id.to_string()), ..Facts::new(Kind::Lapsed, now) }, "")?;
            batch.commit()?;
        }
        Ok(())
    }

    /// What a registration that waits would register.
    pub fn to_register(&self, act: &PendingAct) -> Result<Registered, LedgerError> {
        registered::load(&self.connection, &act.proposed)
    }

    /// Records a signature under a registration; the first comes with the bytes of its files.
    pub fn sign_registration(
        &mut self,
        confirmed: &Confirmed<Register>,
        files: &[Vec<u8>],
        now: &Moment,
    ) -> Result<Signed, LedgerError> {
        let before = self.registered()?;
        let batch = Batch::begin(self, now)?;
        let registrars = chain(batch.connection(), batch.genesis(), u64::MAX)?.registrars;
        for bytes in files {
            batch.text(bytes)?;
        }
        let signed = Some(confirmed.statement().signed().clone());
        let facts = Facts { signed, ..Facts::new(Kind::Registered, now) };
        if facts.signed_u64("previous") != Some(registrars.previous) {
            return Err(Denied::from(ActRefusal::Stale).into());
        }
        // All of it must be there and sound: from the last signature on everything leans on it.
        let after = registered::load(batch.connection(), &facts).map_err(|error| {
            LedgerError::Refused(format!("the files are not those that were signed: {error}"))
        })?;
        let books = before.as_ref().map(Registered::books);
        let succession = Succession {
            before: before.as_ref().map(Registered::roster).zip(books.as_deref()),
            settings: after.settings(),
            playbooks: &after.books(),
        };
        policy::judge_succession(&succession, now.wall).map_err(Denied::from)?;
        let recorded = batch.sign(confirmed, &registrars.roster, &registrars.circle(now.wall))?;
        self.signed(&recorded, now)
    }

    /// Records a signature under what was done outside glass; the last makes a grant of it, that
    /// owes its review.
    pub fn sign_record(
        &mut self,
        confirmed: &Confirmed<Record>,
        now: &Moment,
    ) -> Result<Signed, LedgerError> {
        let batch = Batch::begin(self, now)?;
        let signed = Some(confirmed.statement().signed().clone());
        let facts = Facts { signed, ..Facts::new(Kind::Recorded, now) };
        let scope = recorded_scope(batch.connection(), &facts)?;
        policy::judge_told(&scope, &facts, now.wall).map_err(Denied::from)?;
        let roster = registered::roster(batch.connection())?;
        let circle = Circle::of_scope(&scope, &roster, now.wall);
        let recorded = batch.sign(confirmed, &roster, &circle)?;
        self.signed(&recorded, now)
    }

    pub(super) fn signed<V: Verb>(
        &self,
        recorded: &Recorded<V>,
        now: &Moment,
    ) -> Result<Signed, LedgerError> {
        match (recorded.facts().kind, &recorded.facts().act) {
            (Kind::Proposed | Kind::Seconded, Some(id)) => {
                Ok(Signed::Waits(Box::new(read(&self.connection, id, now)?)))
            }
            _ => Ok(Signed::Done { seq: recorded.seq(), grant: recorded.grant() }),
        }
    }
}

impl Batch<'_> {
    /// Records one more signature; with the last of them the entry is of the verb's own kind.
    pub(super) fn sign<V: Verb>(
        self,
        confirmed: &Confirmed<V>,
        roster: &Roster,
        circle: &Circle,
    ) -> Result<Recorded<V>, LedgerError> {
        let nonce = confirmed.statement().signed().get("nonce").and_then(|nonce| nonce.as_str());
        let nonce: Option<Nonce> = nonce.and_then(|nonce| nonce.parse().ok());
        let id =
            ActId::of(&nonce.ok_or_else(|| LedgerError::Refused("what was signed has no nonce".into()))?);
        let ended = |state| Err(Denied::from(ActRefusal::NotPending { act: id.to_string(), state }).into());
        let earlier = match state(self.connection(), id.as_str())?.as_deref() {
            None => None,
            Some("pending") => Some(read(self.connection(), id.as_str(), self.now())?),
            Some("lapsed") => return ended("lapsed"),
            Some(_) => return ended("done"),
        };
        let mut facts = match &earlier {
            None => self.judge(confirmed, roster)?,
            Some(act) if act.line != confirmed.statement().line() => {
                return Err(LedgerError::Refused(format!(
                    "{id} is another act than the one that was signed"
                )));
            }
            Some(act) if is_over(self.connection(), &act.proposed, self.now())? => return ended("lapsed"),
            Some(_) => self.judge_signer(confirmed, roster)?,
        };
        let signed = earlier.map(|act| act.signed).unwrap_or_default();
        circle
            .judge(id.as_str(), &signed, facts.person.as_deref().unwrap_or_default())
            .map_err(Denied::from)?;
        let of = Facts { act: Some(id.to_string()), seq: self.next_seq(), ..facts.clone() };
        for earlier in &signed {
            consent::<V>(self.connection(), earlier.seq, &of, roster)?;
        }
        let is_last = signed.len() + 1 >= circle.needed();
        facts.kind = match (is_last, signed.is_empty()) {
            (true, _) => V::KIND,
            (false, true) => Kind::Proposed,
            (false, false) => Kind::Seconded,
        };
        // With one signature it never waits, and is no act of several people.
        facts.act = (!is_last || !signed.is_empty()).then(|| id.to_string());
        facts.cosigned = signed.iter().map(|consent| consent.seq).collect();
        facts.grant = facts.signed_str("grant").filter(|_| is_last).map(str::to_owned);
        self.record(confirmed, facts)
    }
}

/// The state in the projection; `None` for an act that there never was.
fn state(connection: &Connection, id: &str) -> Result<Option<String>, LedgerError> {
    let state = connection
        .prepare_cached("SELECT state FROM act WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(state)
}

fn waiting(connection: &Connection) -> Result<Vec<String>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM act INDEXED BY act_pending WHERE state = 'pending'")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// The first entry of an act that waits, and the latest.
fn ends(connection: &Connection, id: &str) -> Result<(Facts, Facts), LedgerError> {
    let last: u64 =
        connection.prepare_cached("SELECT last FROM act WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
    let last = projection::facts(connection, last)?;
    let first = last.cosigned.first().copied().unwrap_or(last.seq);
    Ok((projection::facts(connection, first)?, last))
}

/// An act that waits: its latest entry names those before it.
fn read(connection: &Connection, id: &str, now: &Moment) -> Result<PendingAct, LedgerError> {
    let corrupt = |what: &str| LedgerError::Corrupt(format!("{}: {what}", escape(id)));
    let (proposed, last) = ends(connection, id)?;
    let digest = last.statement.clone().ok_or_else(|| corrupt("it names no statement"))?;
    let line: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
        .query_row([&digest], |row| row.get(0))
        .optional()?;
    let line = line.filter(|line| HEXLOWER.encode(&message_digest(line)) == digest);
    let line = line.and_then(|line| String::from_utf8(line).ok());
    let line = line.ok_or_else(|| corrupt("the text of its statement is missing, or was changed"))?;
    let seqs: Vec<u64> = last.cosigned.iter().copied().chain([last.seq]).collect();
    let signed = seqs.iter().map(|seq| Ok(Consent::said(&projection::facts(connection, *seq)?)));
    let signed = signed.collect::<Result<Vec<_>, LedgerError>>()?;
    let id = id.parse().map_err(|_| corrupt("it is no id of an act"))?;
    let circle = circle(connection, &last, now)?;
    Ok(PendingAct { id, proposed, signed, circle, line })
}

/// Who may sign an act now.
fn circle(connection: &Connection, facts: &Facts, now: &Moment) -> Result<Circle, LedgerError> {
    let genesis = super::genesis::read(connection)?;
    let chain = chain(connection, &genesis, u64::MAX)?;
    match facts.signed_str("verb").unwrap_or_default() {
        Register::NAME => Ok(chain.registrars.circle(now.wall)),
        Record::NAME => Ok(Circle::of_scope(&recorded_scope(connection, facts)?, &chain.roster, now.wall)),
        Hotfix::NAME => {
            let seq = facts.signed_u64("previous").unwrap_or_default();
            let registered = registered::at(connection, &genesis, seq)?;
            Ok(Circle::of_scope(super::hotfix::scope(facts, &registered)?, &chain.roster, now.wall))
        }
        _ => Err(LedgerError::Corrupt("an act waits that several people never sign".to_owned())),
    }
}

/// The scope whose use is told of, as it was registered when the first of its people signed.
fn recorded_scope(connection: &Connection, facts: &Facts) -> Result<Scope, LedgerError> {
    let address = facts.signed_str("scope").unwrap_or_default();
    let nowhere = || LedgerError::Refused(format!("{} is not registered", escape(address)));
    let genesis = super::genesis::read(connection)?;
    let seq = facts.signed_u64("registered").ok_or_else(nowhere)?;
    let registered = registered::at(connection, &genesis, seq)?;
    let (file, scope) = registered.scope(address).map_err(|_| nowhere())?;
    match facts.signed_str("playbook") == Some(&file.file.sha512) {
        true => Ok(scope.clone()),
        false => Err(nowhere()),
    }
}

/// Whether the time of an act is over, by either clock.
fn is_over(connection: &Connection, proposed: &Facts, now: &Moment) -> Result<bool, LedgerError> {
    Ok(lapses(proposed).has_passed(now, super::head::read(connection)?.clock_floor))
}
