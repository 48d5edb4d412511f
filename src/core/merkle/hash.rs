//! The two hashes of the tree; their first byte keeps a leaf from passing for a node.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256 hash of a leaf, a node or a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// The root of a tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// SHA-256 of `0x00` and the leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    leaf_hash_parts(&[leaf])
}

/// [`leaf_hash`] of the parts put together, without putting them together in memory.
pub fn leaf_hash_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([0]);
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// SHA-256 of `0x01`, the left and the right child.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

impl Hash {
    /// Reads what [`Display`](fmt::Display) writes; `None` for any other text.
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    /// Base64, as in a checkpoint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
