//! The signed texts of C2SP: signed-note, tlog-checkpoint and tlog-proof@v1.
//!
//! Nothing in them is to be believed before a signature by a key that the reader knows.

mod checkpoint;
mod key;
mod signed;
mod tlog_proof;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use key::{VerifierKey, VerifierKeyError, is_key_name};
pub use signed::{Note, NoteError, sign_note};
pub use tlog_proof::{TlogProof, TlogProofError};
