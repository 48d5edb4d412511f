//! Acts that several people sign, followed from entry to entry, and the projection held against them.
//!
//! An act is kept until it took effect or lapsed, then compared and dropped.

use super::super::projection::act_state;
use super::finding::Findings;
use crate::core::entry::{Facts, Kind};
use crate::core::grant::Consent;
use crate::core::id::{ActId, Nonce};
use crate::core::policy::TWO_PEOPLE;
use crate::core::text::escape;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

pub(super) struct Acts<'a> {
    connection: &'a Connection,
    waiting: HashMap<String, Waiting>,
    begun: u64,
}

/// An act that is under way.
struct Waiting {
    row: Row,
    statement: Option<String>,
    signed: Vec<Consent>,
}

/// One row of `act` as it must be.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    verb: String,
    state: String,
    person: String,
    proposed_at: String,
    last: u64,
}

impl<'a> Acts<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, waiting: HashMap::new(), begun: 0 }
    }

    /// Follows an act by one entry, and gives all whose signatures the entry stands on. `needed`
    /// admins sign a registration now.
    pub(super) fn follow(
        &mut self,
        facts: &Facts,
        needed: usize,
        findings: &mut Findings,
    ) -> rusqlite::Result<Vec<Consent>> {
        let demanded = match facts.kind {
            Kind::Registered => Some(needed),
            Kind::Recorded | Kind::Hotfixed => Some(TWO_PEOPLE),
            _ => None,
        };
        let signed = match &facts.act {
            Some(id) => self.step(id, facts, findings)?,
            None if facts.kind.is_signed() => {
                if !facts.cosigned.is_empty() {
                    findings.entry(facts.seq, "it leans on other signatures, and belongs to no act");
                }
                vec![Consent::said(facts)]
            }
            None => Vec::new(),
        };
        if let Some(demanded) = demanded.filter(|demanded| signed.len() < *demanded) {
            let what = format!("{} signed it, and {demanded} people must have", signed.len());
            findings.entry(facts.seq, what);
        }
        Ok(signed)
    }

    fn step(&mut self, id: &str, facts: &Facts, findings: &mut Findings) -> rusqlite::Result<Vec<Consent>> {
        let mut fault = |what: &str| findings.entry(facts.seq, format!("of {}: {what}", escape(id)));
        let nonce: Option<Nonce> = facts.signed_str("nonce").and_then(|nonce| nonce.parse().ok());
        if facts.kind.is_signed() && nonce.map(|nonce| ActId::of(&nonce).to_string()).as_deref() != Some(id) {
            fault("its id is not that of what was signed");
        }
        let mut act = match (self.waiting.remove(id), facts.kind) {
            (None, Kind::Proposed) => {
                self.begun += 1;
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                let row = Row {
                    verb: text(facts.signed_str("verb")),
                    state: String::new(),
                    person: text(facts.person.as_deref()),
                    proposed_at: facts.at.clone(),
                    last: facts.seq,
                };
                Waiting { row, statement: facts.statement.clone(), signed: Vec::new() }
            }
            (Some(act), kind) if kind != Kind::Proposed => act,
            (act, _) => {
                fault("it does not follow from what was signed before");
                self.waiting.extend(act.map(|act| (id.to_owned(), act)));
                return Ok(Vec::new());
            }
        };
        act.row.state = act_state(facts).to_owned();
        act.row.last = facts.seq;
        if facts.kind == Kind::Lapsed {
            self.compare(id, &act, findings)?;
            return Ok(Vec::new());
        }
        if facts.statement != act.statement {
            fault("another statement was signed than the first of its people signed");
        }
        if !facts.cosigned.iter().eq(act.signed.iter().map(|consent| &consent.seq)) {
            fault("it does not name the signatures before it");
        }
        let own = Consent::said(facts);
        let same = |other: &Consent| other.person == own.person || other.key == own.key;
        if act.signed.iter().any(same) {
            fault("the same person signed it twice");
        } else {
            act.signed.push(own);
        }
        let signed = act.signed.clone();
        match act.row.state.as_str() {
            "pending" => drop(self.waiting.insert(id.to_owned(), act)),
            _ => self.compare(id, &act, findings)?,
        }
        Ok(signed)
    }

    fn compare(&self, id: &str, act: &Waiting, findings: &mut Findings) -> rusqlite::Result<()> {
        let stored = self
            .connection
            .prepare_cached("SELECT verb, state, person, proposed_at, last FROM act WHERE id = ?1")?
            .query_row([id], |row| {
                let read = || {
                    Ok::<_, rusqlite::Error>(Row {
                        verb: row.get(0)?,
                        state: row.get(1)?,
                        person: row.get(2)?,
                        proposed_at: row.get(3)?,
                        last: row.get(4)?,
                    })
                };
                Ok(read())
            })
            .optional()?;
        if !matches!(stored, Some(Ok(row)) if row == act.row) {
            let what = format!("what is listed of {} is not what its entries say", escape(id));
            findings.entry(act.row.last, what);
        }
        Ok(())
    }

    /// At the end: what still waits, and that nothing is listed beside what the entries gave.
    pub(super) fn finish(self, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut waiting: Vec<_> = self.waiting.iter().collect();
        waiting.sort_unstable_by_key(|(_, act)| act.row.last);
        for (id, act) in waiting {
            self.compare(id, act, findings)?;
        }
        let rows: u64 = self.connection.query_row("SELECT count(*) FROM act", [], |row| row.get(0))?;
        if rows != self.begun {
            findings.ledger(format!("{rows} acts are listed, the entries hold {}", self.begun));
        }
        Ok(())
    }
}
