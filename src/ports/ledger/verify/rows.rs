//! Reads the entries in order, in chunks of 256 that are aligned like the tiles of a log:
//! all of a chunk's inner nodes up to its own are complete, and another thread checks them.
//!
//! Nothing is believed here, not even the type of a column.

use super::finding::Finding;
use crate::core::entry::LEAF_LIMIT;
use crate::core::merkle::Hash;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Rows, Statement};

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

/// The queries of a reader, which it steps through side by side.
pub(super) struct Queries<'a> {
    entries: Statement<'a>,
    nodes: Vec<Statement<'a>>,
}

impl<'a> Queries<'a> {
    pub(super) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        let entries = "SELECT seq, bytes, signature, leaf_hash FROM entry WHERE seq >= 0 ORDER BY seq";
        let nodes = "SELECT idx, hash FROM node WHERE level = ?1 AND idx >= 0 ORDER BY idx";
        let prepare = |_| connection.prepare(nodes);
        Ok(Self {
            entries: connection.prepare(entries)?,
            nodes: (0..=LEVEL).map(prepare).collect::<Result<_, _>>()?,
        })
    }
}

/// Cursors over `entry` and the lower levels of `node`.
pub(super) struct Reader<'a> {
    rows: Rows<'a>,
    levels: Vec<Level<'a>>,
    size: u64,
    ahead: Option<EntryRow>,
    expected: u64,
    number: u64,
}

/// A cursor over one level of the tree.
struct Level<'a> {
    rows: Rows<'a>,
    ahead: Option<(u64, Option<Hash>)>,
}

impl<'a> Reader<'a> {
    /// Of a log with `size` entries.
    pub(super) fn new(queries: &'a mut Queries<'_>, size: u64) -> rusqlite::Result<Self> {
        let levels = queries
            .nodes
            .iter_mut()
            .enumerate()
            .map(|(level, query)| Ok(Level { rows: query.query([level])?, ahead: None }));
        let levels = levels.collect::<rusqlite::Result<_>>()?;
        Ok(Self { rows: queries.entries.query([])?, levels, size, ahead: None, expected: 0, number: 0 })
    }

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
        let levels = self.levels.iter_mut().zip(0u8..);
        let nodes = levels
            .map(|(level, height)| level.nodes(first >> height, end >> height))
            .collect::<Result<_, _>>()?;
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
}

impl Level<'_> {
    /// The nodes of these indices; `None` for each that is missing or no hash.
    fn nodes(&mut self, from: u64, to: u64) -> rusqlite::Result<Vec<Option<Hash>>> {
        let mut nodes = vec![None; usize::try_from(to - from).unwrap_or(0)];
        loop {
            let (index, node) = match self.ahead.take() {
                Some(ahead) => ahead,
                None => match self.rows.next()? {
                    Some(row) => match integer(row.get_ref(0)?) {
                        Some(index) => (index, hash(row.get_ref(1)?)),
                        // No place in any tree: found when the rows are counted.
                        None => continue,
                    },
                    None => return Ok(nodes),
                },
            };
            if index >= to {
                self.ahead = Some((index, node));
                return Ok(nodes);
            }
            let place = index.checked_sub(from).and_then(|place| usize::try_from(place).ok());
            if let Some(place) = place.and_then(|place| nodes.get_mut(place)) {
                *place = node;
            }
        }
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
