//! Roots and proofs from stored nodes (RFC 6962, sections 2.1.1 and 2.1.2).
//!
//! Each takes a reader `(level, index) -> Result<Hash, E>` of perfect subtrees, and asks it
//! for a logarithmic number of them.

use super::frontier::fold;
use super::hash::Hash;
use std::ops::Range;

/// The root that the tree had when it held `size` leaves.
pub fn root_at<E>(size: u64, read: impl Fn(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    range_root(0..size, &read)
}

/// The siblings on the way from a leaf to the root, the leaf's own first.
///
/// A leaf outside of the tree has no proof: the answer is empty, and verifies nothing.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    read: impl Fn(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    if index >= size {
        return Ok(proof);
    }
    let mut within = 0..size;
    while within.end - within.start > 1 {
        let middle = split(&within);
        let (inside, sibling) = match index < middle {
            true => (within.start..middle, middle..within.end),
            false => (middle..within.end, within.start..middle),
        };
        proof.push(range_root(sibling, &read)?);
        within = inside;
    }
    proof.reverse();
    Ok(proof)
}

/// The nodes that show the tree of `old` leaves to be the beginning of that of `new`.
///
/// There is none from the empty tree or to a smaller one: the answer is empty, and verifies
/// nothing.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    read: impl Fn(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    if old == 0 || old > new {
        return Ok(proof);
    }
    let mut within = 0..new;
    while within.end != old {
        let middle = split(&within);
        let (inside, sibling) = match old <= middle {
            true => (within.start..middle, middle..within.end),
            false => (middle..within.end, within.start..middle),
        };
        proof.push(range_root(sibling, &read)?);
        within = inside;
    }
    // From the first leaf on it is the old root, which the verifier has.
    if within.start != 0 {
        proof.push(range_root(within, &read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Where RFC 6962 splits a range of two leaves or more: after the largest power of two
/// that is smaller than its length.
const fn split(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}

/// The root over a range as [`split`] yields them: each begins at a multiple of any perfect
/// subtree in it.
fn range_root<E>(range: Range<u64>, read: &impl Fn(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut subtrees = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let level = (range.end - start).ilog2();
        subtrees.push(read(level as u8, start >> level)?);
        start += 1 << level;
    }
    Ok(fold(&subtrees))
}
