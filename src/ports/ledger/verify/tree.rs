//! The tree as it is stored, checked chunk by chunk; gives roots of any earlier size.
//!
//! In memory stand the last two chunks and the edge of perfect subtrees before each, so that
//! the head that a signer saw a moment before signing costs no look into the database.

use super::examine::{Examined, bad_node};
use super::finding::Findings;
use super::rows::{LEVEL, Levels, hash};
use crate::core::merkle::{Hash, node_hash};
use rusqlite::{Connection, OptionalExtension};

type Node = (u8, u64, Hash);

struct Stretch {
    first: u64,
    nodes: Levels,
    /// The perfect subtrees before it, largest first.
    edge: Vec<Node>,
}

pub(super) struct Tree<'a> {
    connection: &'a Connection,
    recent: Vec<Stretch>,
    edge: Vec<Node>,
    /// Entries that the edge covers.
    covered: u64,
}

impl<'a> Tree<'a> {
    pub(super) const fn new(connection: &'a Connection) -> Self {
        Self { connection, recent: Vec::new(), edge: Vec::new(), covered: 0 }
    }

    /// Takes in the next chunk's nodes and checks those above it that it completes.
    pub(super) fn take(&mut self, chunk: &mut Examined, findings: &mut Findings) -> rusqlite::Result<()> {
        if chunk.first != self.covered {
            // Whole chunks are missing: go on from what the tree says of them.
            self.edge = self.edge_at(chunk.first)?;
        }
        let nodes = std::mem::take(&mut chunk.nodes);
        let whole = nodes[usize::from(LEVEL)].first().copied().flatten();
        if self.recent.len() > 1 {
            self.recent.remove(0);
        }
        self.recent.push(Stretch { first: chunk.first, nodes, edge: self.edge.clone() });
        self.covered = chunk.end;
        let (mut level, mut index) = (LEVEL, chunk.first >> LEVEL);
        let Some(mut node) = whole else { return Ok(()) };
        while index & 1 == 1
            && let Some((_, _, left)) = self.edge.pop_if(|left| (left.0, left.1) == (level, index - 1))
        {
            let computed = node_hash(&left, &node);
            (level, index) = (level + 1, index >> 1);
            let stored = self.stored(level, index)?;
            if stored != Some(computed) {
                findings.extend([bad_node(level, index, stored.is_some())]);
            }
            node = stored.unwrap_or(computed);
        }
        self.edge.push((level, index, node));
        Ok(())
    }

    fn edge_at(&self, size: u64) -> rusqlite::Result<Vec<Node>> {
        let mut edge = Vec::new();
        for (level, index) in subtrees(size) {
            edge.extend(self.stored(level, index)?.map(|hash| (level, index, hash)));
        }
        Ok(edge)
    }

    /// The root of the first `size` entries; `None` where a node is missing.
    pub(super) fn root_at(&self, size: u64) -> rusqlite::Result<Option<Hash>> {
        let found = crate::core::merkle::root_at(size, |level, index| {
            self.node(level, index).map_err(Some)?.ok_or(None)
        });
        match found {
            Ok(root) => Ok(Some(root)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    /// The frontier of the first `size` entries as the head stores it.
    pub(super) fn frontier(&self, size: u64) -> rusqlite::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        for (level, index) in subtrees(size) {
            let Some(node) = self.node(level, index)? else { return Ok(None) };
            bytes.extend(node.0);
        }
        Ok(Some(bytes))
    }

    /// A node, from memory where it is recent.
    pub(super) fn node(&self, level: u8, index: u64) -> rusqlite::Result<Option<Hash>> {
        for stretch in self.recent.iter().rev() {
            let place =
                index.checked_sub(stretch.first >> level).and_then(|place| usize::try_from(place).ok());
            let inside = stretch.nodes.get(usize::from(level)).zip(place);
            if let Some(node) = inside.and_then(|(nodes, place)| nodes.get(place)?.as_ref()) {
                return Ok(Some(*node));
            }
            if let Some(node) = stretch.edge.iter().find(|node| (node.0, node.1) == (level, index)) {
                return Ok(Some(node.2));
            }
        }
        self.stored(level, index)
    }

    fn stored(&self, level: u8, index: u64) -> rusqlite::Result<Option<Hash>> {
        let mut statement =
            self.connection.prepare_cached("SELECT hash FROM node WHERE level = ?1 AND idx = ?2")?;
        let found = statement.query_row((level, index), |row| Ok(hash(row.get_ref(0)?))).optional()?;
        Ok(found.flatten())
    }

    /// Every row of `node` must be one of a tree of this size.
    pub(super) fn check_count(&self, size: u64, findings: &mut Findings) -> rusqlite::Result<()> {
        let expected: u64 = (0..64).map(|level| size >> level).sum();
        let count: u64 = self.connection.query_row("SELECT count(*) FROM node", [], |row| row.get(0))?;
        if count <= expected && findings.is_empty() || count < expected {
            // What is missing was found where it should have been.
            return Ok(());
        }
        let mut statement = self.connection.prepare("SELECT level, idx FROM node")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = super::rows::integer(row.get_ref(0)?).zip(super::rows::integer(row.get_ref(1)?));
            match place {
                Some((level, index)) if level < 64 && index < size >> level => {}
                Some((0, index)) => findings.entry(index, "the tree holds it, but the entry is missing"),
                Some((level, index)) => {
                    findings.ledger(format!("node {level}/{index} is none of a tree of {size} entries"));
                }
                None => findings.ledger("a node of the tree has no place in it"),
            }
        }
        Ok(())
    }
}

/// The perfect subtrees of a tree of `size` leaves, largest first.
fn subtrees(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..64u8).rev().filter(move |level| size >> level & 1 == 1).map(move |level| (level, (size >> level) - 1))
}
