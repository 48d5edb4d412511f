//! Reads the entries in order, in chunks of 256 that are aligned like the tiles of a log:
//! all of a chunk's inner nodes up to its own are complete, and another thread checks them.
//!
//! Nothing is believed here, not even the type of a column.

use super::finding::Finding;
use crate::core::entry::LEAF_LIMIT;
use crate::core::merkle::Hash;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Rows};

/// The level of the node that covers a whole chunk.
pub(super) const LEVEL: u8 = 8;
/// Entries in a chunk.
pub(super) const CHUNK: u64 = 1 << LEVEL;

/// One row of `entry`.
pub(super) struct EntryRow {
    pub(super) seq: u64,
    /// `None` where it is no blob of a possible length.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) signature: Option<Vec<u8>>,
    pub(super) leaf: Option<Hash>,
}

/// The stored nodes over a chunk, level by level from its leaves; `None` where one is missing.
pub(super) type Levels = Vec<Vec<Option<Hash>>>;

/// Entries of one aligned stretch and the nodes over them.
pub(super) struct Chunk {
    /// Position among the chunks that were read.
    pub(super) number: u64,
    /// The first seq of the stretch.
    pub(super) first: u64,
    /// One more than its last seq.
    pub(super) end: u64,
    pub(super) rows: Vec<EntryRow>,
    pub(super) nodes: Levels,
    pub(super) findings: Vec<Finding>,
}

/// A cursor over `entry`.
pub(super) struct Reader<'a> {
    connection: &'a Connection,
    rows: Rows<'a>,
    size: u64,
    ahead: Option<EntryRow>,
    expected: u64,
    number: u64,
}

impl<'a> Reader<'a> {
    /// `rows` must come from [`SELECT`](Self::SELECT).
    pub(super) fn new(connection: &'a Connection, rows: Rows<'a>, size: u64) -> Self {
        Self { connection, rows, size, ahead: None, expected: 0, number: 0 }
    }

    pub(super) const SELECT: &'static str =
        "SELECT seq, bytes, signature, leaf_hash FROM entry WHERE seq >= 0 ORDER BY seq";

    /// The next chunk; `None` after the last entry. A stretch without any entry has none.
    pub(super) fn next(&mut self) -> rusqlite::Result<Option<Chunk>> {
        let mut findings = Vec::new();
        let Some(row) = self.entry(&mut findings)? else { return Ok(None) };
        let first = row.seq / CHUNK * CHUNK;
        let end = self.size.min(first + CHUNK);
        let mut rows = Vec::with_capacity(CHUNK as usize);
        let mut next = Some(row);
        while let Some(row) = next {
            if row.seq >= end {
                self.ahead = Some(row);
                break;
            }
            if row.seq > self.expected {
                findings.push(Finding::entry(self.expected, missing(self.expected, row.seq)));
            }
            self.expected = row.seq + 1;
            rows.push(row);
            next = self.entry(&mut findings)?;
        }
        let nodes = (0..=LEVEL).map(|level| self.nodes(level, first, end)).collect::<Result<_, _>>()?;
        self.number += 1;
        Ok(Some(Chunk { number: self.number - 1, first, end, rows, nodes, findings }))
    }

    fn entry(&mut self, findings: &mut Vec<Finding>) -> rusqlite::Result<Option<EntryRow>> {
        if let Some(row) = self.ahead.take() {
            return Ok(Some(row));
        }
        let Some(row) = self.rows.next()? else { return Ok(None) };
        let seq = row.get(0)?;
        let bytes = blob(row.get_ref(1)?).filter(|bytes| bytes.len() <= LEAF_LIMIT).map(<[u8]>::to_vec);
        let signature = match row.get_ref(2)? {
            ValueRef::Blob(bytes) if bytes.len() <= LEAF_LIMIT => Some(bytes.to_vec()),
            ValueRef::Null => None,
            _ => {
                findings
                    .push(Finding::entry(seq, "its signature is stored in a form that glass never writes"));
                None
            }
        };
        Ok(Some(EntryRow { seq, bytes, signature, leaf: hash(row.get_ref(3)?) }))
    }

    fn nodes(&self, level: u8, first: u64, end: u64) -> rusqlite::Result<Vec<Option<Hash>>> {
        let (from, to) = (first >> level, end >> level);
        let mut nodes = vec![None; usize::try_from(to - from).unwrap_or(0)];
        let mut statement = self
            .connection
            .prepare_cached("SELECT idx, hash FROM node WHERE level = ?1 AND idx >= ?2 AND idx < ?3")?;
        let mut rows = statement.query((level, from, to))?;
        while let Some(row) = rows.next()? {
            let index = integer(row.get_ref(0)?).and_then(|index| usize::try_from(index - from).ok());
            if let Some(node) = index.and_then(|index| nodes.get_mut(index)) {
                *node = hash(row.get_ref(1)?);
            }
        }
        Ok(nodes)
    }
}

/// Words for entries that are not there.
pub(super) fn missing(from: u64, to: u64) -> String {
    match to - from {
        1 => "the entry is missing".to_owned(),
        _ => format!("the entries {from} to {} are missing", to - 1),
    }
}

pub(super) const fn blob(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

pub(super) fn integer(value: ValueRef<'_>) -> Option<u64> {
    match value {
        ValueRef::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

pub(super) fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

pub(super) fn hash(value: ValueRef<'_>) -> Option<Hash> {
    blob(value)?.try_into().ok().map(Hash)
}
