//! The right edge of a growing tree: all that the next append needs to know.

use super::hash::{EMPTY_ROOT, Hash, node_hash};

/// The hashes of the perfect subtrees that make up a tree, largest first, and its size.
///
/// There is one for each bit that is set in the size, so a tree of a million leaves needs
/// at most 20 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

/// Stored bytes that can't be the frontier of a tree of that size.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the frontier of {size} entries takes {expected} bytes, but {found} are stored")]
pub struct FrontierError {
    /// The number of leaves.
    pub size: u64,
    /// Bytes that it takes.
    pub expected: usize,
    /// Bytes that were found.
    pub found: usize,
}

impl Frontier {
    /// Appends a leaf; gives each node that it completed as `(level, index, hash)`,
    /// the leaf itself (level 0) first.
    pub fn push(&mut self, leaf: Hash) -> Vec<(u8, u64, Hash)> {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        let mut completed = vec![(level, index, hash)];
        while index & 1 == 1
            && let Some(left) = self.subtrees.pop()
        {
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            completed.push((level, index, hash));
        }
        self.subtrees.push(hash);
        self.size += 1;
        completed
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree as it stands.
    pub fn root(&self) -> Hash {
        fold(&self.subtrees)
    }

    /// The hashes one after the other, 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.subtrees.iter().flat_map(|hash| hash.0).collect()
    }

    /// Reads back what [`to_bytes`](Self::to_bytes) gave for a tree of `size` leaves.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let expected = size.count_ones() as usize * 32;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if bytes.len() != expected || !rest.is_empty() {
            return Err(FrontierError { size, expected, found: bytes.len() });
        }
        Ok(Self { size, subtrees: hashes.iter().copied().map(Hash).collect() })
    }
}

/// The root over perfect subtrees, largest first.
pub(super) fn fold(subtrees: &[Hash]) -> Hash {
    let mut smallest_first = subtrees.iter().rev();
    let Some(first) = smallest_first.next() else { return EMPTY_ROOT };
    smallest_first.fold(*first, |right, left| node_hash(left, &right))
}
