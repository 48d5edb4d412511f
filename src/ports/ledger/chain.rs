//! The chain of registrations, from the founder on: each counts only if as many people of the
//! roster before it signed it as were demanded. Whatever leans on a registration walks it.

use super::{Batch, Ledger, LedgerError, projection, registered};
use crate::core::entry::{Facts, Genesis, Kind, Recovered};
use crate::core::grant::Consent;
use crate::core::moment::Moment;
use crate::core::policy::Circle;
use crate::core::public_key::PublicKey;
use crate::core::roster::Roster;
use crate::core::sshsig::Sshsig;
use crate::core::statement::{Register, Verb};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use rusqlite::Connection;

/// Who signs the next registration.
#[derive(Clone, Debug)]
pub struct Registrars {
    /// Everyone, among them the admins.
    pub roster: Roster,
    /// How many of them must sign.
    pub needed: usize,
    /// The entry that says so: a registration, a recovery, or the genesis.
    pub previous: u64,
}

impl Registrars {
    /// The founder alone.
    pub(super) fn founder(genesis: &Genesis) -> Result<Self, LedgerError> {
        let founder = PublicKey::parse_line(&genesis.public_key)
            .map_err(|error| LedgerError::Corrupt(format!("the genesis: {error}")))?;
        Ok(Self { roster: Roster::founder(&genesis.person, founder), needed: 1, previous: 0 })
    }

    /// Whether a registration was signed for what stood before it. One that names nothing is of
    /// before acts of several people: with one admin none could wait, and grow stale.
    pub(super) fn are_named_by(&self, facts: &Facts) -> bool {
        facts.signed_u64("previous").map_or(self.needed == 1, |previous| previous == self.previous)
    }

    /// As a recovery leaves them: one more admin, and one signature is enough.
    pub(super) fn recover(&mut self, facts: &Facts) -> Result<(), String> {
        let recovered = facts.recovered.as_ref().ok_or("it names nobody")?;
        let key = PublicKey::parse_line(&recovered.public_key).map_err(|error| error.to_string())?;
        self.roster.recover(&recovered.person, key).map_err(|error| error.to_string())?;
        (self.needed, self.previous) = (1, facts.seq);
        Ok(())
    }

    /// Those of them who count at a time.
    pub fn circle(&self, at: DateTime<Utc>) -> Circle {
        Circle::of_admins(&self.roster, self.needed, at)
    }
}

/// What the registrations come to.
pub(super) struct Chain {
    /// The latest.
    pub(super) last: Option<Facts>,
    /// The roster that it registered; the founder alone before the first.
    pub(super) roster: Roster,
    /// Who signs the next.
    pub(super) registrars: Registrars,
}

/// Walks the registrations up to `until`, each judged by the roster before it.
pub(super) fn chain(connection: &Connection, genesis: &Genesis, until: u64) -> Result<Chain, LedgerError> {
    let registrars = Registrars::founder(genesis)?;
    let mut chain = Chain { last: None, roster: registrars.roster.clone(), registrars };
    let mut rows = connection.prepare_cached("SELECT seq FROM registration WHERE seq <= ?1 ORDER BY seq")?;
    let seqs = rows
        .query_map([until.min(i64::MAX as u64)], |row| row.get::<_, u64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for seq in seqs {
        let facts = projection::facts(connection, seq)?;
        match facts.kind {
            Kind::Recovered => chain.registrars.recover(&facts).map_err(|what| corrupt(seq, &what))?,
            Kind::Registered => {
                judge(connection, &facts, &chain.registrars)?;
                let settings = registered::settings(connection, &facts)?.1;
                chain.roster = settings.roster.clone();
                chain.registrars =
                    Registrars { roster: settings.roster, needed: settings.admins, previous: seq };
                chain.last = Some(facts);
            }
            _ => return Err(corrupt(seq, "is none")),
        }
    }
    Ok(chain)
}

impl Ledger {
    /// Names one more admin for the next registration, which then needs one signature: every
    /// admin key was lost, so nobody signs this. Gives the entry.
    pub fn recover(&mut self, person: &str, key: &PublicKey, now: &Moment) -> Result<u64, LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        let recovered = Recovered { person: person.to_owned(), public_key: key.to_string() };
        let facts = Facts { recovered: Some(recovered), ..Facts::new(Kind::Recovered, now) };
        let mut registrars = chain(batch.connection(), batch.genesis(), u64::MAX)?.registrars;
        registrars.recover(&facts).map_err(LedgerError::Refused)?;
        let known = registrars.roster.person(person);
        if known.is_some_and(|person| registrars.roster.is_automation(person)) {
            let what = format!("{person} belongs to an automation group, which may never register");
            return Err(LedgerError::Refused(what));
        }
        let seq = batch.append(facts, "")?;
        batch.commit()?;
        Ok(seq)
    }

    /// The facts of the last recovery, until the next registration is made.
    pub fn recovery(&self) -> Result<Option<Facts>, LedgerError> {
        let last: Option<u64> =
            self.connection.query_row("SELECT max(seq) FROM registration", [], |row| row.get(0))?;
        let facts = last.map(|seq| projection::facts(&self.connection, seq)).transpose()?;
        Ok(facts.filter(|facts| facts.kind == Kind::Recovered))
    }

    /// Who signs the next registration.
    pub fn registrars(&self) -> Result<Registrars, LedgerError> {
        Ok(chain(&self.connection, &self.genesis, u64::MAX)?.registrars)
    }
}

/// Each of as many admins as were demanded must have signed the very statement.
fn judge(connection: &Connection, facts: &Facts, registrars: &Registrars) -> Result<(), LedgerError> {
    let seq = facts.seq;
    if !registrars.are_named_by(facts) {
        return Err(corrupt(seq, "was not signed for what was registered before it"));
    }
    let circle = registrars.circle(facts.at());
    let mut signed: Vec<Consent> = Vec::new();
    for entry in facts.cosigned.iter().copied().chain([seq]) {
        let consent = consent::<Register>(connection, entry, facts, &registrars.roster)?;
        circle
            .judge(facts.act.as_deref().unwrap_or_default(), &signed, &consent.person)
            .map_err(|refusal| corrupt(seq, &format!("the signature of entry {entry}: {refusal}")))?;
        signed.push(consent);
    }
    match signed.len() >= registrars.needed {
        true => Ok(()),
        false => Err(corrupt(
            seq,
            &format!("{} admins signed it, and {} must have", signed.len(), registrars.needed),
        )),
    }
}

/// Who signed the statement of `of` in an entry, once that signature is verified.
pub(super) fn consent<V: Verb>(
    connection: &Connection,
    seq: u64,
    of: &Facts,
    roster: &Roster,
) -> Result<Consent, LedgerError> {
    let corrupt = |what: &str| LedgerError::Corrupt(format!("entry {seq}: {what}"));
    let facts = projection::facts(connection, seq)?;
    let is_earlier = seq < of.seq && matches!(facts.kind, Kind::Proposed | Kind::Seconded);
    if !(seq == of.seq || is_earlier) || facts.statement != of.statement || facts.act != of.act {
        return Err(corrupt("its signature is not under the statement that leans on it"));
    }
    let armor: Option<Vec<u8>> = connection
        .prepare_cached("SELECT signature FROM entry WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    let armor = armor.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let sshsig = Sshsig::from_armor(&armor).map_err(|error| corrupt(&error.to_string()))?;
    let person = roster.person_by_key(sshsig.key()).filter(|_| roster.valid_at(sshsig.key(), of.at()));
    let person = person.filter(|person| Some(&person.name) == facts.person.as_ref());
    let person = person.ok_or_else(|| corrupt("it was not signed by the one whom it names"))?;
    let digest = of.statement.as_deref().and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
    let digest: [u8; 64] =
        digest.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt("it names no statement"))?;
    let asserted =
        sshsig.verify(V::NAMESPACE, &digest, sshsig.key()).map_err(|error| corrupt(&error.to_string()))?;
    Ok(Consent {
        person: person.name.clone(),
        key: Some(sshsig.key().fingerprint().to_string()),
        touch: asserted.touched(),
        at: facts.at(),
        seq,
    })
}

fn corrupt(seq: u64, what: &str) -> LedgerError {
    LedgerError::Corrupt(format!("registration {seq}: {what}"))
}
