//! The ledger's own key: it signs checkpoints and nothing else.

use super::LedgerError;
use crate::core::note::{NoteError, VerifierKey, VerifierKeyError, sign_note};
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::SigningKey;
use std::path::Path;
use zeroize::Zeroizing;

/// The type byte of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;

/// An Ed25519 key with the name under which it signs.
pub struct LedgerKey {
    verifier: VerifierKey,
    signing: SigningKey,
}

impl LedgerKey {
    /// A key from 32 random bytes; `origin` is the name of the log and of its signatures.
    pub fn new(origin: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Self, VerifierKeyError> {
        let signing = SigningKey::from_bytes(seed);
        Ok(Self { verifier: VerifierKey::new(origin, signing.verifying_key().to_bytes())?, signing })
    }

    /// The public half as a vkey.
    pub fn vkey(&self) -> String {
        self.verifier.to_string()
    }

    /// Signs a checkpoint's text.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        sign_note(text, self.verifier.name(), &self.signing)
    }

    /// The file's content: `PRIVATE+KEY+name+hash+data`, as Go's `note.GenerateKey` writes it.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut data = Zeroizing::new(vec![ED25519]);
        data.extend_from_slice(self.signing.as_bytes());
        let (name, hash) = (self.verifier.name(), HEXLOWER.encode(&self.verifier.key_id()));
        Zeroizing::new(format!("PRIVATE+KEY+{name}+{hash}+{}\n", *Zeroizing::new(BASE64.encode(&data))))
    }

    /// Reads the file; `None` where it is missing or no key: closing and the emergency go on.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LedgerError> {
        match std::fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => Ok(Self::parse(text.trim_end())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::file(path)(error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
        let (name, _hash, data) = (parts.next()?, parts.next()?, parts.next()?);
        let data = Zeroizing::new(BASE64.decode(data.as_bytes()).ok()?);
        let (kind, seed) = data.split_first()?;
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
        (*kind == ED25519).then(|| Self::new(name, &seed).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_back() {
        let key = LedgerKey::new("bastion.example.com/glass", &Zeroizing::new([7; 32])).unwrap();
        let text = key.to_text();
        assert_eq!(LedgerKey::parse(text.trim_end()).unwrap().vkey(), key.vkey());
        assert!(LedgerKey::parse("PRIVATE+KEY+x").is_none());
        assert!(LedgerKey::parse("").is_none());
    }
}
