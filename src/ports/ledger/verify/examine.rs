//! What can be told of an entry by itself: its form, its hash, its place in the tree.

use super::finding::Finding;
use super::rows::{Chunk, EntryRow, Levels};
use crate::core::entry::{Facts, Kind, entry_leaf};
use crate::core::merkle::{Hash, node_hash};

/// An entry whose bytes are facts.
pub(super) struct Parsed {
    pub(super) facts: Facts,
    pub(super) armor: Option<Vec<u8>>,
}

/// A chunk after its check.
pub(super) struct Examined {
    pub(super) number: u64,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) entries: Vec<Parsed>,
    /// The stored nodes, with a computed one where one was missing.
    pub(super) nodes: Levels,
    pub(super) findings: Vec<Finding>,
}

pub(super) fn examine(chunk: Chunk) -> Examined {
    let Chunk { number, first, end, rows, mut nodes, mut findings } = chunk;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let place = usize::try_from(row.seq - first).ok().and_then(|place| nodes[0].get_mut(place));
        check_leaf(&row, place, &mut findings);
        entries.extend(parse(row, &mut findings));
    }
    check_nodes(first, &mut nodes, &mut findings);
    Examined { number, first, end, entries, nodes, findings }
}

fn check_leaf(row: &EntryRow, node: Option<&mut Option<Hash>>, findings: &mut Vec<Finding>) {
    let Some(bytes) = &row.bytes else {
        findings.push(Finding::entry(row.seq, "its facts are stored in a form that glass never writes"));
        return;
    };
    let leaf = entry_leaf(bytes, row.signature.as_deref().unwrap_or_default());
    let stored = node.as_ref().and_then(|node| **node);
    let what = match (row.leaf == Some(leaf), stored == Some(leaf)) {
        (true, true) => None,
        (false, false) => Some("its facts or its signature were changed: they have another hash"),
        (false, true) => Some("its stored hash was changed"),
        (true, false) if stored.is_none() => {
            Some("the tree does not hold it: it was added, or its node removed")
        }
        (true, false) => {
            Some("the tree holds another entry in its place: it was replaced, or its node changed")
        }
    };
    findings.extend(what.map(|what| Finding::entry(row.seq, what)));
    if let Some(node) = node {
        node.get_or_insert(leaf);
    }
}

fn parse(row: EntryRow, findings: &mut Vec<Finding>) -> Option<Parsed> {
    let seq = row.seq;
    let mut find = |what: String| findings.push(Finding::entry(seq, what));
    let facts = match Facts::from_bytes(&row.bytes?) {
        Ok(facts) => facts,
        Err(error) => {
            find(crate::core::text::escape(&error.to_string()));
            return None;
        }
    };
    if facts.seq != seq {
        find(format!("it says that it is entry {}: it was moved", facts.seq));
        return None;
    }
    match (facts.kind.is_signed(), row.signature.is_some()) {
        (true, false) => find("it is of a kind that a person signs, but has no signature".to_owned()),
        (false, true) => find("it is of a kind that nobody signs, but has a signature".to_owned()),
        _ => {}
    }
    let is_genesis = facts.kind == Kind::Genesis;
    if is_genesis != (seq == 0) || is_genesis != facts.genesis.is_some() {
        find("the genesis is entry 0 and no other".to_owned());
    }
    Some(Parsed { facts, armor: row.signature })
}

/// Each stored node must follow from the stored nodes below it: with the leaves checked, all
/// of them are then those of the entries, and a changed one is named and not all above it.
fn check_nodes(first: u64, levels: &mut Levels, findings: &mut Vec<Finding>) {
    for level in 1..levels.len() {
        let (below, here) = levels.split_at_mut(level);
        let (below, here) = (&below[level - 1], &mut here[0]);
        for (place, node) in here.iter_mut().enumerate() {
            let children =
                (below.get(2 * place).copied().flatten(), below.get(2 * place + 1).copied().flatten());
            let (Some(left), Some(right)) = children else { continue };
            let computed = node_hash(&left, &right);
            if *node != Some(computed) {
                findings.push(bad_node(level as u8, (first >> level) + place as u64, node.is_some()));
            }
            node.get_or_insert(computed);
        }
    }
}

/// A node that does not follow from those below it.
pub(super) fn bad_node(level: u8, index: u64, is_there: bool) -> Finding {
    let (from, to) = (index << level, ((index + 1) << level) - 1);
    let how = if is_there { "does not follow from those below it" } else { "is missing" };
    Finding::entry(from, format!("node {level}/{index} of the tree (entries {from} to {to}) {how}"))
}
