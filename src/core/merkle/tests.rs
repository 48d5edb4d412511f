//! Held against a literal, recursive RFC 6962 and the vectors of Certificate Transparency.

use super::*;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use std::collections::HashMap;
use std::convert::Infallible;

/// Section 2.1, word by word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(largest_power_below(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) = match index < k {
        true => (naive_path(index, left), naive_root(right)),
        false => (naive_path(index - k, right), naive_root(left)),
    };
    path.push(sibling);
    path
}

fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { vec![] } else { vec![naive_root(leaves)] };
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = match old <= k {
        true => (naive_subproof(old, left, whole), naive_root(right)),
        false => (naive_subproof(old - k, right, false), naive_root(left)),
    };
    proof.push(sibling);
    proof
}

fn largest_power_below(length: usize) -> usize {
    let mut k = 1;
    while k * 2 < length {
        k *= 2;
    }
    k
}

/// A tree as the ledger keeps it: the frontier, and the completed nodes.
struct Tree {
    leaves: Vec<Hash>,
    nodes: HashMap<(u8, u64), Hash>,
    frontier: Frontier,
}

impl Tree {
    fn of(size: usize) -> Self {
        let mut tree = Self { leaves: vec![], nodes: HashMap::new(), frontier: Frontier::default() };
        for number in 0..size {
            let leaf = leaf_hash(&number.to_le_bytes());
            tree.leaves.push(leaf);
            for (level, index, hash) in tree.frontier.push(leaf) {
                assert_eq!(tree.nodes.insert((level, index), hash), None, "a node is completed once");
            }
        }
        tree
    }

    fn read(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.nodes[&(level, index)])
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion_proof(index, size, |l, i| self.read(l, i)).unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        consistency_proof(old, new, |l, i| self.read(l, i)).unwrap()
    }
}

/// Each way to spoil a proof: a hash changed, dropped, or one too many.
fn spoiled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[EMPTY_ROOT]].concat(), [&[EMPTY_ROOT], proof].concat()];
    for position in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[position].0[7] ^= 1;
        let mut shorter = proof.to_vec();
        shorter.remove(position);
        all.extend([changed, shorter]);
    }
    all
}

#[test]
fn p07_the_classic_vectors_hold() {
    let leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    assert_eq!(HEXLOWER.encode(&frontier.root().0), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        frontier.push(leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()));
        assert_eq!(HEXLOWER.encode(&frontier.root().0), *root);
    }
}

#[test]
fn a_leaf_in_parts_is_the_leaf() {
    assert_eq!(leaf_hash_parts(&[b"facts", b"\n", b"", b"armor"]), leaf_hash(b"facts\narmor"));
    assert_ne!(leaf_hash(&[1; 64]), node_hash(&Hash([1; 32]), &Hash([1; 32])));
    assert_eq!(Hash::from_base64(&EMPTY_ROOT.to_string()), Some(EMPTY_ROOT));
    assert_eq!(Hash::from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="), None);
    assert_eq!(Hash::from_base64("AAAA"), None);
}

#[test]
fn p07_every_small_tree_agrees_with_the_rfc_and_no_spoiled_proof_passes() {
    const LARGEST: u64 = 70;
    let tree = Tree::of(LARGEST as usize);
    let roots: Vec<Hash> = (0..=tree.leaves.len()).map(|size| naive_root(&tree.leaves[..size])).collect();
    let root = |size: u64| roots[size as usize];
    for size in 0..=LARGEST {
        assert_eq!(root_at(size, |l, i| tree.read(l, i)), Ok(root(size)));
        assert_eq!(Tree::of(size as usize).frontier.root(), root(size));
        for index in 0..size {
            let proof = tree.inclusion(index, size);
            assert_eq!(proof, naive_path(index as usize, &tree.leaves[..size as usize]));
            let leaf = &tree.leaves[index as usize];
            assert!(verify_inclusion(index, size, leaf, &proof, &root(size)));
            assert!(!verify_inclusion(index ^ 1, size, leaf, &proof, &root(size)));
            for bad in spoiled(&proof) {
                assert!(!verify_inclusion(index, size, leaf, &bad, &root(size)));
            }
        }
        for old in 1..=size {
            let proof = tree.consistency(old, size);
            if old < size {
                assert_eq!(proof, naive_subproof(old as usize, &tree.leaves[..size as usize], true));
            }
            assert!(verify_consistency(old, &root(old), size, &root(size), &proof));
            assert!(!verify_consistency(old, &EMPTY_ROOT, size, &root(size), &proof));
            assert!(!verify_consistency(old, &root(old), size, &EMPTY_ROOT, &proof));
            for bad in spoiled(&proof) {
                assert!(!verify_consistency(old, &root(old), size, &root(size), &bad));
            }
        }
    }
}

#[test]
fn p07_what_can_not_be_proved_is_refused() {
    let tree = Tree::of(5);
    let root = tree.frontier.root();
    assert!(!verify_inclusion(5, 5, &tree.leaves[4], &tree.inclusion(5, 5), &root));
    assert!(!verify_inclusion(0, 0, &tree.leaves[0], &[], &EMPTY_ROOT));
    assert!(!verify_consistency(0, &EMPTY_ROOT, 5, &root, &tree.consistency(0, 5)));
    assert!(!verify_consistency(0, &EMPTY_ROOT, 0, &EMPTY_ROOT, &[]));
    assert!(!verify_consistency(5, &root, 4, &naive_root(&tree.leaves[..4]), &tree.consistency(5, 4)));
}

#[test]
fn a_frontier_is_read_back_and_only_in_its_own_size() {
    let mut tree = Tree::of(21);
    let bytes = tree.frontier.to_bytes();
    assert_eq!(bytes.len(), 3 * 32);
    let mut read = Frontier::from_bytes(21, &bytes).unwrap();
    assert_eq!(read, tree.frontier);
    assert_eq!(read.push(EMPTY_ROOT), tree.frontier.push(EMPTY_ROOT));
    assert_eq!(Frontier::from_bytes(0, &[]).unwrap(), Frontier::default());
    for (size, wrong) in [(20, &bytes[..]), (21, &bytes[..95]), (21, &bytes[1..]), (0, &[0])] {
        assert!(Frontier::from_bytes(size, wrong).is_err());
    }
}

#[test]
fn an_error_of_the_reader_is_passed_on() {
    let broken = |_, _| Err::<Hash, _>("no such node");
    assert_eq!(root_at(3, broken), Err("no such node"));
    assert_eq!(inclusion_proof(1, 3, broken), Err("no such node"));
    assert_eq!(consistency_proof(1, 3, broken), Err("no such node"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn p07_larger_trees_agree_with_the_rfc(size in 1usize..3000, a in any::<prop::sample::Index>(),
                                           b in any::<prop::sample::Index>()) {
        let tree = Tree::of(size);
        let root = naive_root(&tree.leaves);
        prop_assert_eq!(tree.frontier.root(), root);
        let index = a.index(size) as u64;
        let path = tree.inclusion(index, size as u64);
        prop_assert_eq!(&path, &naive_path(index as usize, &tree.leaves));
        prop_assert!(verify_inclusion(index, size as u64, &tree.leaves[index as usize], &path, &root));
        let old = b.index(size) + 1;
        let proof = tree.consistency(old as u64, size as u64);
        prop_assert_eq!(&proof, &naive_subproof(old, &tree.leaves, true));
        let old_root = naive_root(&tree.leaves[..old]);
        prop_assert!(verify_consistency(old as u64, &old_root, size as u64, &root, &proof));
    }

    #[test]
    fn verification_never_panics(index: u64, size: u64, old: u64, count in 0usize..70) {
        let proof = vec![EMPTY_ROOT; count];
        prop_assert!(!verify_inclusion(index, size, &EMPTY_ROOT, &proof, &EMPTY_ROOT));
        let same = old == size && count == 0 && old > 0;
        prop_assert_eq!(verify_consistency(old, &EMPTY_ROOT, size, &EMPTY_ROOT, &proof), same);
    }
}
