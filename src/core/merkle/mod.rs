//! The Merkle tree of RFC 6962: hashes, the growing frontier, proofs.
//!
//! Only the nodes of *perfect* subtrees are ever stored: node `(level, index)` covers the
//! leaves `index << level` up to `(index + 1) << level` and never changes once it is full.
//! Everything else (roots, proofs) is folded from these.

mod frontier;
mod hash;
mod prove;
mod verify;

pub use frontier::{Frontier, FrontierError};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, leaf_hash_parts, node_hash};
pub use prove::{consistency_proof, inclusion_proof, root_at};
pub use verify::{verify_consistency, verify_inclusion};

#[cfg(test)]
mod tests;
