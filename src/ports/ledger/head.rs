//! The head of the log: one row, rewritten by each append.

use super::{Ledger, LedgerError};
use crate::core::merkle::{Frontier, Hash};
use crate::core::moment::{parse_rfc3339, rfc3339};
use crate::core::note::{Checkpoint, Note, VerifierKey};
use crate::core::statement::Seen;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

/// Size, root and signature of the log as it stands.
#[derive(Clone, Debug)]
pub struct Head {
    /// The tree's right edge; knows size and root.
    pub frontier: Frontier,
    /// The latest time of any entry since the last signed time (P11).
    pub clock_floor: DateTime<Utc>,
    /// The signed checkpoint of the latest signed head.
    pub note: Option<String>,
}

impl Head {
    /// What a signer may vouch to have seen.
    pub fn seen(&self) -> Seen {
        Seen { size: self.frontier.size(), root: self.frontier.root() }
    }
}

pub(super) fn create(connection: &Connection) -> Result<(), LedgerError> {
    let frontier = Frontier::default();
    connection.execute(
        "INSERT INTO head(one, size, root, frontier, clock_floor, note) VALUES (1, 0, ?1, ?2, ?3, NULL)",
        (frontier.root().0, frontier.to_bytes(), rfc3339(DateTime::UNIX_EPOCH)),
    )?;
    Ok(())
}

/// Reads the row and holds it against itself and the last entry.
pub(super) fn read(connection: &Connection) -> Result<Head, LedgerError> {
    let corrupt = |what: &str| LedgerError::Corrupt(what.to_owned());
    let row = connection
        // One statement: between two, another process may append.
        .prepare_cached(
            "SELECT size, root, frontier, clock_floor, note, (SELECT max(seq) + 1 FROM entry)
             FROM head WHERE one = 1",
        )?
        .query_row([], |row| {
            let (size, root, frontier): (u64, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (clock_floor, note): (String, Option<String>) = (row.get(3)?, row.get(4)?);
            let entries: Option<u64> = row.get(5)?;
            Ok((size, root, frontier, clock_floor, note, entries.unwrap_or(0)))
        })
        .optional()?;
    let (size, root, frontier, clock_floor, note, entries) =
        row.ok_or_else(|| corrupt("the head is missing"))?;
    let frontier =
        Frontier::from_bytes(size, &frontier).map_err(|_| corrupt("the head's frontier is damaged"))?;
    if frontier.root().0[..] != root[..] {
        return Err(corrupt("the head's root is not that of its frontier"));
    }
    if entries != size {
        return Err(LedgerError::Corrupt(format!("the head counts {size} entries, the table {entries}")));
    }
    let clock_floor = parse_rfc3339(&clock_floor).ok_or_else(|| corrupt("the clock floor is not a time"))?;
    Ok(Head { frontier, clock_floor, note })
}

pub(super) fn write(connection: &Connection, head: &Head) -> Result<(), LedgerError> {
    connection
        .prepare_cached("UPDATE head SET size = ?1, root = ?2, frontier = ?3, clock_floor = ?4, note = ?5")?
        .execute((
            head.frontier.size(),
            head.frontier.root().0,
            head.frontier.to_bytes(),
            rfc3339(head.clock_floor),
            &head.note,
        ))?;
    Ok(())
}

impl Ledger {
    /// The head as it stands.
    pub fn head(&self) -> Result<Head, LedgerError> {
        read(&self.connection)
    }

    /// What can be checked at once before anything opens: the head agrees with itself, with
    /// the table and with the signature of its latest signed checkpoint. `ledger verify` does the rest.
    pub fn check_head(&self) -> Result<Head, LedgerError> {
        let head = self.head()?;
        if let Some(text) = &head.note {
            let corrupt = |what: &str| LedgerError::Corrupt(what.to_owned());
            let vkey: VerifierKey =
                self.genesis.vkey.parse().map_err(|_| corrupt("the genesis names no ledger key"))?;
            let note = Note::parse(text).map_err(|_| corrupt("the head's checkpoint is damaged"))?;
            let checkpoint =
                Checkpoint::parse(note.text()).map_err(|_| corrupt("the head's checkpoint is damaged"))?;
            if !note.verified_by(&vkey) || checkpoint.origin != self.genesis.origin {
                return Err(corrupt("the head's checkpoint is not signed by the ledger's key"));
            }
            if self.root_at(checkpoint.size)? != checkpoint.root {
                return Err(corrupt("the tree is not the one that the head's checkpoint signed"));
            }
        }
        Ok(head)
    }

    /// The root of the first `size` entries, from the stored nodes.
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        root_at(&self.connection, size)
    }
}

pub(super) fn root_at(connection: &Connection, size: u64) -> Result<Hash, LedgerError> {
    crate::core::merkle::root_at(size, |level, index| node(connection, level, index))
}

/// A stored node of the tree.
pub(super) fn node(connection: &Connection, level: u8, index: u64) -> Result<Hash, LedgerError> {
    let bytes: Option<[u8; 32]> = connection
        .prepare_cached("SELECT hash FROM node WHERE level = ?1 AND idx = ?2")?
        .query_row((level, index), |row| row.get(0))
        .optional()?;
    bytes
        .map(Hash)
        .ok_or_else(|| LedgerError::Corrupt(format!("node {level}/{index} of the tree is missing")))
}
