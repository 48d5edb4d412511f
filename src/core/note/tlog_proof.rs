//! A proof that can be checked offline: entry, path and checkpoint (C2SP tlog-proof@v1).

use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::key::VerifierKey;
use super::signed::{Note, NoteError};
use crate::core::merkle::{Hash, verify_inclusion};
use data_encoding::BASE64;
use std::fmt;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A path in a tree of 64-bit size is never longer.
const LONGEST_PATH: usize = 64;

/// An entry's place in a log, the way from it to the root, and the signed root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque, and covered by no signature.
    pub extra: Option<Vec<u8>>,
    /// The entry's number, from 0.
    pub index: u64,
    /// The inclusion proof, the leaf's sibling first.
    pub path: Vec<Hash>,
    /// The log's signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// Why a text is no proof, or proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TlogProofError {
    /// Not `c2sp.org/tlog-proof@v1`, or a line of it in another form.
    #[error("not a proof of the form {HEADER}: line {0} is not in its form")]
    Line(usize),
    /// The checkpoint is no note.
    #[error("the proof's checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The note holds no checkpoint.
    #[error("the proof's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint names another log.
    #[error("the proof is of the log `{}`, not of `{}`", crate::core::text::escape(.found), crate::core::text::escape(.expected))]
    Origin {
        /// The log in the checkpoint.
        found: String,
        /// The log whose key was given.
        expected: String,
    },
    /// No good signature by the log's key.
    #[error("the proof's checkpoint is not signed by the key of `{}`", crate::core::text::escape(.0))]
    Signature(String),
    /// The path does not lead from the entry to the root.
    #[error("the proof does not lead from this entry to the checkpoint's root")]
    Path,
}

impl TlogProof {
    /// Reads a proof; nothing of it is verified yet.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        // The checkpoint has a blank line of its own: the first one ends the path.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::Line(1))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        lines.next_if(|(line, _)| *line == HEADER).ok_or(TlogProofError::Line(1))?;
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            Some((line, number)) => Some(
                BASE64
                    .decode(&line.as_bytes()["extra ".len()..])
                    .map_err(|_| TlogProofError::Line(number))?,
            ),
            None => None,
        };
        let (line, number) = lines.next().ok_or(TlogProofError::Line(2))?;
        let index = line.strip_prefix("index ").and_then(decimal).ok_or(TlogProofError::Line(number))?;
        let mut path = Vec::new();
        for (line, number) in lines {
            let hash = Hash::from_base64(line).filter(|_| path.len() < LONGEST_PATH);
            path.push(hash.ok_or(TlogProofError::Line(number))?);
        }
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the log with this key holds the leaf; gives the checkpoint that says so.
    pub fn verify(&self, log: &VerifierKey, leaf: &Hash) -> Result<Checkpoint, TlogProofError> {
        let note = Note::parse(&self.checkpoint)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(TlogProofError::Origin { found: checkpoint.origin, expected: log.name().to_owned() });
        }
        if !note.verified_by(log) {
            return Err(TlogProofError::Signature(checkpoint.origin));
        }
        if !verify_inclusion(self.index, checkpoint.size, leaf, &self.path, &checkpoint.root) {
            return Err(TlogProofError::Path);
        }
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sign_note;
    use super::*;
    use crate::core::merkle::{Frontier, inclusion_proof, leaf_hash};
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const ORIGIN: &str = "log.example/glass";

    /// A log of five entries, its key and the proof of entry 3.
    fn proof_of_three(extra: Option<Vec<u8>>) -> (TlogProof, VerifierKey) {
        let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
        for entry in 0..5u8 {
            for (level, index, hash) in frontier.push(leaf_hash(&[entry])) {
                nodes.insert((level, index), hash);
            }
        }
        let key = SigningKey::from_bytes(&[3; 32]);
        let head = Checkpoint { origin: ORIGIN.into(), size: frontier.size(), root: frontier.root() };
        let path = inclusion_proof(3, 5, |l, i| nodes.get(&(l, i)).copied().ok_or(())).unwrap();
        let checkpoint = sign_note(&head.text(), ORIGIN, &key).unwrap();
        let vkey = VerifierKey::new(ORIGIN, key.verifying_key().to_bytes()).unwrap();
        (TlogProof { extra, index: 3, path, checkpoint }, vkey)
    }

    #[test]
    fn p07_a_proof_is_read_back_and_verifies_its_own_leaf_only() {
        for extra in [None, Some(vec![]), Some(b"entry".to_vec())] {
            let (proof, log) = proof_of_three(extra);
            assert_eq!(TlogProof::parse(&proof.to_string()), Ok(proof.clone()));
            assert_eq!(proof.verify(&log, &leaf_hash(&[3])).unwrap().size, 5);
            assert_eq!(proof.verify(&log, &leaf_hash(&[2])), Err(TlogProofError::Path));
            let moved = TlogProof { index: 2, ..proof };
            assert_eq!(moved.verify(&log, &leaf_hash(&[3])), Err(TlogProofError::Path));
        }
    }

    #[test]
    fn p07_a_proof_of_another_log_or_key_is_refused() {
        let (proof, log) = proof_of_three(None);
        let leaf = leaf_hash(&[3]);
        let other_name = VerifierKey::new("other.example", *log.point()).unwrap();
        assert!(matches!(proof.verify(&other_name, &leaf), Err(TlogProofError::Origin { .. })));
        let other_key = SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes();
        let other_key = VerifierKey::new(ORIGIN, other_key).unwrap();
        assert_eq!(proof.verify(&other_key, &leaf), Err(TlogProofError::Signature(ORIGIN.into())));
    }

    /// The example of the specification, shortened, and its `extra` cut to whole base64.
    const EXAMPLE: &str = "c2sp.org/tlog-proof@v1\n\
        extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\n\
        index 73894\n\
        gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n\
        B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\n\
        example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n\
        — example.com/fancylog hI2DJw==\n";

    #[test]
    fn each_line_of_a_proof_has_its_form() {
        let proof = TlogProof::parse(EXAMPLE).unwrap();
        assert_eq!((proof.index, proof.path.len()), (73_894, 2));
        assert_eq!(proof.extra.as_deref(), Some(b"age-v1.2.1-darwin-arm64.tar.gz".as_slice()));
        for (bad, line) in [
            (EXAMPLE.replace("@v1", "@v2"), 1),
            (EXAMPLE.replace("index 7", "index 07"), 3),
            (EXAMPLE.replace("index ", "indeks "), 3),
            (EXAMPLE.replace("gSKy", "gSK"), 4),
            (EXAMPLE.replace("B95l", "B95l "), 5),
            (EXAMPLE.replace("B95l", &"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n".repeat(64)), 68),
        ] {
            assert_eq!(TlogProof::parse(&bad), Err(TlogProofError::Line(line)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "(extra |index |[A-Za-z0-9+/=]{4}|\n|\\PC)*") {
            let _ = TlogProof::parse(&format!("{HEADER}\n{text}"));
        }
    }
}
