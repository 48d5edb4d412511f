//! Appending: entries, tree, texts, projections and the signed head in one transaction.

use super::head::{self, Head};
use super::{Ledger, LedgerError, LedgerKey, projection};
use crate::core::entry::{Facts, Genesis, Kind, LEAF_LIMIT, entry_leaf};
use crate::core::grant::{Grant, apply};
use crate::core::moment::Moment;
use crate::core::note::Checkpoint;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};
use sha2::{Digest, Sha512};
use std::path::Path;

/// An open `BEGIN IMMEDIATE`: nobody else appends until it is committed or dropped.
pub struct Batch<'a> {
    transaction: Transaction<'a>,
    head: Head,
    genesis: &'a Genesis,
    key: Option<&'a LedgerKey>,
    now: &'a Moment,
    directory: &'a Path,
}

impl<'a> Batch<'a> {
    /// Takes the writer's place; waits for another writer.
    pub fn begin(ledger: &'a mut Ledger, now: &'a Moment) -> Result<Self, LedgerError> {
        let transaction = ledger.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let head = head::read(&transaction)?;
        Ok(Self {
            transaction,
            head,
            genesis: &ledger.genesis,
            key: ledger.key.as_ref(),
            now,
            directory: &ledger.place.open,
        })
    }

    pub(super) const fn connection(&self) -> &Transaction<'a> {
        &self.transaction
    }

    pub(super) const fn now(&self) -> &Moment {
        self.now
    }

    pub(super) const fn genesis(&self) -> &Genesis {
        self.genesis
    }

    pub(super) const fn open_directory(&self) -> &Path {
        self.directory
    }

    /// The position that the next entry gets.
    pub const fn next_seq(&self) -> u64 {
        self.head.frontier.size()
    }

    /// The grant, folded from its entries.
    pub fn grant(&self, id: &str) -> Result<Option<Grant>, LedgerError> {
        projection::fold(&self.transaction, id)
    }

    /// Appends one entry and gives its seq. Sets `seq` and `prev`; `armor` is empty for
    /// system entries.
    pub fn append(&mut self, mut facts: Facts, armor: &str) -> Result<u64, LedgerError> {
        let seq = self.next_seq();
        facts.seq = seq;
        let before = match facts.grant.as_deref().filter(|_| facts.is_of_a_grant()) {
            Some(id) => self.grant(id)?,
            None => None,
        };
        facts.prev = before.as_ref().map(|grant| grant.last);
        let bytes = facts.to_bytes();
        if bytes.len() + 1 + armor.len() > LEAF_LIMIT {
            return Err(LedgerError::Refused(format!("the entry is longer than {LEAF_LIMIT} bytes")));
        }
        let leaf = entry_leaf(&bytes, armor.as_bytes());
        self.transaction
            .prepare_cached("INSERT INTO entry(seq, bytes, signature, leaf_hash) VALUES (?1, ?2, ?3, ?4)")?
            .execute((seq, &bytes, (!armor.is_empty()).then_some(armor.as_bytes()), leaf.0))?;
        for (level, index, hash) in self.head.frontier.push(leaf) {
            self.transaction
                .prepare_cached("INSERT INTO node(level, idx, hash) VALUES (?1, ?2, ?3)")?
                .execute((level, index, hash.0))?;
        }
        self.head.clock_floor = clock_floor_after(self.head.clock_floor, &facts);
        if matches!(facts.kind, Kind::Registered | Kind::Recovered) {
            projection::registered(&self.transaction, seq)?;
        }
        if facts.act.is_some() {
            projection::act(&self.transaction, &facts)?;
        }
        if facts.session.is_some() && facts.is_of_a_grant() {
            projection::session(&self.transaction, &facts)?;
        }
        if facts.is_of_a_grant() {
            projection::write(&self.transaction, &apply(before, &facts)?)?;
        }
        Ok(seq)
    }

    /// Keeps a text and gives its key: lower-case hex of its SHA-512.
    pub fn text(&self, bytes: &[u8]) -> Result<String, LedgerError> {
        let key = HEXLOWER.encode(&Sha512::digest(bytes));
        self.keep(&key, bytes)?;
        Ok(key)
    }

    /// Keeps a signed statement's line under `digest`, the lower-case hex SHA-512 of its message,
    /// for the entry `seq` in which `person` signed it.
    ///
    /// # Errors
    /// A statement that this person used already: it is good once.
    pub fn statement(&self, digest: &str, person: &str, line: &str, seq: u64) -> Result<(), LedgerError> {
        let used: Option<u64> = self
            .transaction
            .prepare_cached("SELECT seq FROM used_statement WHERE statement = ?1 AND person = ?2")?
            .query_row([digest, person], |row| row.get(0))
            .optional()?;
        if let Some(seq) = used {
            return Err(LedgerError::Refused(format!("this statement was used already, by entry {seq}")));
        }
        self.transaction
            .prepare_cached("INSERT INTO used_statement(statement, person, seq) VALUES (?1, ?2, ?3)")?
            .execute((digest, person, seq))?;
        self.keep(digest, line.as_bytes())
    }

    fn keep(&self, key: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.transaction
            .prepare_cached("INSERT OR IGNORE INTO text(sha512, bytes) VALUES (?1, ?2)")?
            .execute((key, bytes))?;
        Ok(())
    }

    /// Signs the new head and makes it all durable.
    pub fn commit(mut self) -> Result<Head, LedgerError> {
        if let Some(key) = self.key {
            let checkpoint = Checkpoint {
                origin: self.genesis.origin.clone(),
                size: self.head.frontier.size(),
                root: self.head.frontier.root(),
            };
            self.head.note = Some(key.sign(&checkpoint.text()).map_err(LedgerError::refused)?);
        }
        head::write(&self.transaction, &self.head)?;
        self.transaction.commit()?;
        Ok(self.head)
    }
}

/// Whether the signer gave the time by hand, which sets the clock floor anew (P11).
pub(super) fn time_was_signed(facts: &Facts) -> bool {
    facts.signed_str("time_given").is_some()
}

/// The clock floor after an entry.
pub(super) fn clock_floor_after(before: DateTime<Utc>, facts: &Facts) -> DateTime<Utc> {
    if time_was_signed(facts) { facts.at() } else { before.max(facts.at()) }
}
