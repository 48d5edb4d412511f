//! The row `head`, held against the entries.

use super::finding::Findings;
use super::rows::{blob, hash, integer, missing, text};
use super::tree::Tree;
use crate::core::entry::Genesis;
use crate::core::moment::rfc3339;
use crate::core::note::{Checkpoint, Note, VerifierKey};
use crate::core::text::escape;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

/// The row as it is, column by column.
struct Stored {
    size: Option<u64>,
    root: Option<crate::core::merkle::Hash>,
    frontier: Option<Vec<u8>>,
    clock_floor: Option<String>,
    note: Option<String>,
}

/// Checks the head of a log of `size` entries; gives the size of its signed checkpoint.
pub(super) fn check(
    connection: &Connection,
    genesis: &Genesis,
    tree: &Tree<'_>,
    size: u64,
    clock_floor: DateTime<Utc>,
    findings: &mut Findings,
) -> rusqlite::Result<Option<u64>> {
    let Some(head) = read(connection)? else {
        findings.ledger("the head is missing");
        return Ok(None);
    };
    match head.size {
        Some(stored) if stored > size => {
            findings.entry(size, format!("{}: the head counts {stored}", missing(size, stored)));
        }
        Some(stored) if stored < size => {
            findings.entry(stored, format!("it was added: the head counts {stored} entries"));
        }
        Some(_) => {}
        None => findings.ledger("the head has no size"),
    }
    if head.root.is_none() || head.root != tree.root_at(size)? {
        findings.ledger("the head's root is not that of the entries");
    }
    if head.frontier.is_none() || head.frontier != tree.frontier(size)? {
        findings.ledger("the head's frontier is not that of the entries");
    }
    if head.clock_floor.as_deref() != Some(&rfc3339(clock_floor)) {
        findings
            .ledger(format!("the head's clock floor is not that of the entries, {}", rfc3339(clock_floor)));
    }
    let Some(note) = head.note else {
        // The first entry is signed always, and a later head without a key keeps the last one.
        findings.ledger("the head has no signed checkpoint: it was removed");
        return Ok(None);
    };
    match signed(&note, genesis) {
        Err(what) => {
            findings.ledger(format!("the head's checkpoint {what}"));
            Ok(None)
        }
        Ok(checkpoint) => {
            if checkpoint.size == 0 || checkpoint.size > size {
                findings.entry(
                    size,
                    format!("{}: the ledger's key signed them", missing(size, checkpoint.size.max(size + 1))),
                );
                return Ok(None);
            }
            if tree.root_at(checkpoint.size)? != Some(checkpoint.root) {
                findings.ledger(format!(
                    "the first {} entries are not those that the ledger's key signed: they were rewritten",
                    checkpoint.size
                ));
                return Ok(None);
            }
            Ok(Some(checkpoint.size))
        }
    }
}

/// A checkpoint of this ledger, signed by its key; else why not, in words after its name.
pub(super) fn signed(note: &str, genesis: &Genesis) -> Result<Checkpoint, String> {
    let note = Note::parse(note).map_err(|error| format!("can't be read: {error}"))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| format!("can't be read: {error}"))?;
    if checkpoint.origin != genesis.origin {
        return Err(format!("is of another ledger, `{}`", escape(&checkpoint.origin)));
    }
    let vkey: VerifierKey = genesis.vkey.parse().map_err(|error| format!("can't be verified: {error}"))?;
    if !note.verified_by(&vkey) {
        return Err(
            "is not signed by this ledger's key: changed, or the ledger was replaced by another".to_owned()
        );
    }
    Ok(checkpoint)
}

fn read(connection: &Connection) -> rusqlite::Result<Option<Stored>> {
    let mut statement =
        connection.prepare("SELECT size, root, frontier, clock_floor, note FROM head WHERE one = 1")?;
    let stored = |row: &rusqlite::Row<'_>| {
        Ok(Stored {
            size: integer(row.get_ref(0)?),
            root: hash(row.get_ref(1)?),
            frontier: blob(row.get_ref(2)?).map(<[u8]>::to_vec),
            clock_floor: text(row.get_ref(3)?).map(str::to_owned),
            note: text(row.get_ref(4)?).map(str::to_owned),
        })
    };
    statement.query_row([], stored).optional()
}
