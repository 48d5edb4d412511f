//! A person's own proof that the ledger holds an entry: `tlog-proof@v1` (C2SP).
//!
//! The proof's `extra` is the whole leaf: facts, LF, armor. The format leaves its meaning to
//! the application and no signature covers it, but here it hashes to the leaf that is proved.
//! So a receipt can be read and verified with nothing but the ledger's key.

use super::{Ledger, LedgerError, head, projection};
use crate::core::entry::{Facts, FactsError};
use crate::core::merkle::{Hash, inclusion_proof, leaf_hash};
use crate::core::note::{Checkpoint, Note, TlogProof, TlogProofError, VerifierKey};
use rusqlite::OptionalExtension;

/// The first line of a receipt.
pub const RECEIPT: &str = "c2sp.org/tlog-proof@v1\n";

/// A receipt that was verified.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The entry's seq.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Its facts.
    pub facts: Facts,
    /// The signature under it, empty for an entry that nobody signs.
    pub armor: String,
    /// The signed head that holds it.
    pub checkpoint: Checkpoint,
}

/// Why a text is no receipt of a ledger with this key.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Not a proof, or one that proves nothing.
    #[error(transparent)]
    Proof(#[from] TlogProofError),
    /// The `extra` line is missing.
    #[error("the receipt does not hold the entry")]
    NoEntry,
    /// The proved leaf is not an entry of a ledger.
    #[error("the receipt's entry: {0}")]
    Entry(#[from] FactsError),
}

/// Verifies a receipt by the ledger's key alone.
pub fn verify_receipt(text: &str, vkey: &VerifierKey) -> Result<Receipt, ReceiptError> {
    let proof = TlogProof::parse(text)?;
    let extra = proof.extra.as_deref().ok_or(ReceiptError::NoEntry)?;
    let leaf = leaf_hash(extra);
    let checkpoint = proof.verify(vkey, &leaf)?;
    // Facts hold no line feed: the first one ends them.
    let end = extra.iter().position(|byte| *byte == b'\n').ok_or(ReceiptError::NoEntry)?;
    let facts = Facts::from_bytes(&extra[..end])?;
    let armor = String::from_utf8_lossy(&extra[end + 1..]).into_owned();
    Ok(Receipt { index: proof.index, leaf, facts, armor, checkpoint })
}

impl Ledger {
    /// The signed note of the latest signed head.
    ///
    /// # Errors
    /// In words where the newest entries are not covered by a signature.
    pub fn checkpoint(&self) -> Result<String, LedgerError> {
        let head = self.head()?;
        let (note, checkpoint) = signed_head(head.note)?;
        if checkpoint.size != head.frontier.size() {
            return Err(LedgerError::Refused(format!(
                "the ledger's key is missing: entries from {} on are not covered by a signed head; put `ledger.key` back",
                checkpoint.size
            )));
        }
        Ok(note)
    }

    /// The receipt of an entry, under the latest signed head.
    pub fn receipt(&self, seq: u64) -> Result<String, LedgerError> {
        // One snapshot: an append between two reads would mix two trees.
        let snapshot = self.connection.unchecked_transaction()?;
        let (note, checkpoint) = signed_head(head::read(&snapshot)?.note)?;
        if seq >= checkpoint.size {
            return Err(LedgerError::Refused(format!(
                "entry {seq} is not covered by a signed head yet: the latest one has {} entries",
                checkpoint.size
            )));
        }
        let bytes = projection::facts(&snapshot, seq)?.to_bytes();
        let armor: Option<Vec<u8>> = snapshot
            .prepare_cached("SELECT signature FROM entry WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()?
            .flatten();
        let extra = [bytes.as_slice(), b"\n", armor.as_deref().unwrap_or_default()].concat();
        let path = inclusion_proof(seq, checkpoint.size, |level, index| head::node(&snapshot, level, index))?;
        let text = TlogProof { extra: Some(extra), index: seq, path, checkpoint: note }.to_string();
        // A receipt that would not verify is worth less than none.
        let vkey: VerifierKey = self
            .genesis
            .vkey
            .parse()
            .map_err(|_| LedgerError::Corrupt("the genesis names no ledger key".into()))?;
        verify_receipt(&text, &vkey)
            .map_err(|error| LedgerError::Corrupt(format!("entry {seq} has no receipt: {error}")))?;
        Ok(text)
    }
}

fn signed_head(note: Option<String>) -> Result<(String, Checkpoint), LedgerError> {
    let note = note.ok_or_else(|| LedgerError::Corrupt("the head has no signed checkpoint".into()))?;
    let checkpoint = Note::parse(&note)
        .map_err(|error| error.to_string())
        .and_then(|note| Checkpoint::parse(note.text()).map_err(|error| error.to_string()))
        .map_err(|error| LedgerError::Corrupt(format!("the head's checkpoint: {error}")))?;
    Ok((note, checkpoint))
}
