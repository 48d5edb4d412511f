//! Verification of proofs, by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use super::hash::{Hash, node_hash};

/// Whether `proof` shows that the leaf stands at `index` in the tree of `size` and `root`.
#[must_use]
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            climb_while_left(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old_size` is the beginning of that of `new_size`.
///
/// The empty tree is the beginning of any and shows nothing: an `old_size` of 0 is refused.
#[must_use]
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size == 0 || old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    // Of a perfect old tree the proof leaves out the first hash: it is the old root itself.
    let (first, rest) = match (old_size.is_power_of_two(), proof) {
        (_, []) => return false,
        (true, all) => (*old_root, all),
        (false, [first, rest @ ..]) => (*first, rest),
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let whole = node.trailing_ones();
    node >>= whole;
    last >>= whole;
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            climb_while_left(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// On the right edge a node without sibling stands for its parent: go up to where it has one.
fn climb_while_left(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}
