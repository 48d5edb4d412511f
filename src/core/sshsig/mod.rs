//! SSHSIG (OpenSSH `PROTOCOL.sshsig`): the signatures of people.
//!
//! Always over SHA-512 of the message. Stricter than stock `ssh-keygen`: no malleated
//! signature, no `reserved` bytes, nothing after the end. Two texts can carry the same consent
//! (a security key signs anew each time), so signature bytes are never an identity.

mod armor;
#[cfg(test)]
pub(crate) mod stock;
#[cfg(test)]
mod tests;

use crate::core::entry::Touched;
use crate::core::public_key::{ED25519, Fingerprint, PublicKey, PublicKeyError};
use crate::core::text::escape;
use crate::core::wire::{Reader, put_string};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &str = "sha512";
/// Bits of a security key's flags (OpenSSH `PROTOCOL.u2f`).
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

/// A signature in exact form; whether it is good only [`verify`](Self::verify) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sshsig {
    key: PublicKey,
    namespace: String,
    signature: [u8; 64],
    /// Present exactly if the key is a security key.
    touch: Option<Touch>,
}

/// What a security key adds to its signature, and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Touch {
    flags: u8,
    counter: u32,
}

/// What a good signature says of the person at the security key; a plain key says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The key was touched.
    pub user_present: bool,
    /// The key asked for its PIN or a fingerprint.
    pub user_verified: bool,
}

impl Assertion {
    /// What an entry records of it.
    pub const fn touched(self) -> Option<Touched> {
        match self {
            Self { user_present: true, user_verified: true } => Some(Touched::Verified),
            Self { user_present: true, user_verified: false } => Some(Touched::Present),
            // A PIN without a touch is no person at the key.
            Self { user_present: false, .. } => None,
        }
    }
}

/// Why a text is no signature that glass takes, or why it is not the one that is asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SshsigError {
    /// No armor around it, or no base64 inside.
    #[error(
        "not an SSH signature: expected the text from `{}` to `{}`, as ssh-keygen writes it",
        armor::BEGIN,
        armor::END
    )]
    Armor,
    /// Too short, too long or out of order.
    #[error("not an SSH signature: its bytes are not in the form of SSHSIG")]
    Form,
    /// A later version of the format.
    #[error("SSH signature of version {0}; glass knows version 1")]
    Version(u32),
    /// Made by a key of another kind.
    #[error("signed by a key that glass does not accept: {0}")]
    Key(#[from] PublicKeyError),
    /// Bytes in the reserved field.
    #[error("the SSH signature has bytes in a field that must be empty")]
    Reserved,
    /// Another hash of the message.
    #[error("the SSH signature is over `{0}`; sign again with `ssh-keygen -Y sign -O hashalg=sha512`")]
    Hash(String),
    /// The signature is of another kind than its key.
    #[error("the SSH signature and its key are of different kinds")]
    Kind,
    /// Another person's or another of their keys.
    #[error("signed by the key {found}, not by {expected}")]
    OtherKey {
        /// The key in the signature.
        found: Fingerprint,
        /// The key that was to sign.
        expected: Fingerprint,
    },
    /// A signature that was made for something else.
    #[error("signed for `{found}`, not for `{expected}`: sign with `ssh-keygen -Y sign -n {expected}`")]
    Namespace {
        /// The namespace in the signature.
        found: String,
        /// The namespace of the verb.
        expected: String,
    },
    /// Another message, or a forgery.
    #[error(
        "the signature does not match: the text was changed, or these are not the bytes that were signed"
    )]
    Bad,
}

/// The bytes that a key signs for a message of this SHA-512.
pub fn signed_data(namespace: &str, digest: &[u8; 64]) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    put_string(&mut data, namespace.as_bytes());
    put_string(&mut data, b"");
    put_string(&mut data, HASH.as_bytes());
    put_string(&mut data, digest);
    data
}

/// A key made ready to verify many signatures: its point is decompressed once.
#[derive(Clone, Debug)]
pub struct Verifier {
    key: PublicKey,
    /// `None` where its bytes are no point: then no signature is good.
    point: Option<VerifyingKey>,
}

impl Verifier {
    /// Makes a key ready.
    pub fn new(key: PublicKey) -> Self {
        let point = VerifyingKey::from_bytes(key.point()).ok();
        Self { key, point }
    }
}

impl Sshsig {
    /// A plain key's signature over [`signed_data`].
    pub fn from_ed25519(key: PublicKey, namespace: &str, raw: [u8; 64]) -> Result<Self, SshsigError> {
        if key.kind() != ED25519 {
            return Err(SshsigError::Kind);
        }
        Ok(Self { key, namespace: namespace.to_owned(), signature: raw, touch: None })
    }

    /// A signature over [`signed_data`] in wire form, as an ssh-agent gives it.
    pub fn from_blob(key: PublicKey, namespace: &str, blob: &[u8]) -> Result<Self, SshsigError> {
        let mut reader = Reader::new(blob);
        if reader.utf8().ok_or(SshsigError::Form)? != key.kind() {
            return Err(SshsigError::Kind);
        }
        let signature = reader.string().and_then(|bytes| bytes.try_into().ok()).ok_or(SshsigError::Form)?;
        let touch = match key.application() {
            Some(_) => {
                let flags = reader.u8().ok_or(SshsigError::Form)?;
                Some(Touch { flags, counter: reader.u32().ok_or(SshsigError::Form)? })
            }
            None => None,
        };
        if !reader.is_empty() {
            return Err(SshsigError::Form);
        }
        Ok(Self { key, namespace: namespace.to_owned(), signature, touch })
    }

    /// Reads armor that may have been pasted: any line width, blank space around it.
    pub fn from_armor(text: &str) -> Result<Self, SshsigError> {
        Self::from_bytes(&armor::decode(text).ok_or(SshsigError::Armor)?)
    }

    /// The armor exactly as `ssh-keygen` writes it, with its final line feed.
    pub fn to_armor(&self) -> String {
        armor::encode(&self.to_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, SshsigError> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(SshsigError::Form);
        }
        let version = reader.u32().ok_or(SshsigError::Form)?;
        if version != VERSION {
            return Err(SshsigError::Version(version));
        }
        let key = reader.string().ok_or(SshsigError::Form)?;
        let namespace = reader.utf8().filter(|text| !text.is_empty()).ok_or(SshsigError::Form)?;
        let reserved = reader.string().ok_or(SshsigError::Form)?;
        let hash = reader.utf8().ok_or(SshsigError::Form)?;
        let signature = reader.string().ok_or(SshsigError::Form)?;
        if !reader.is_empty() {
            return Err(SshsigError::Form);
        }
        if !reserved.is_empty() {
            return Err(SshsigError::Reserved);
        }
        if hash != HASH {
            return Err(SshsigError::Hash(escape(hash)));
        }
        Self::from_blob(PublicKey::from_blob(key)?, namespace, signature)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut signature = Vec::new();
        put_string(&mut signature, self.key.kind().as_bytes());
        put_string(&mut signature, &self.signature);
        if let Some(Touch { flags, counter }) = self.touch {
            signature.push(flags);
            signature.extend(counter.to_be_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        put_string(&mut bytes, &self.key.blob());
        put_string(&mut bytes, self.namespace.as_bytes());
        put_string(&mut bytes, b"");
        put_string(&mut bytes, HASH.as_bytes());
        put_string(&mut bytes, &signature);
        bytes
    }

    /// The key that the signature names: a claim until it is verified.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What the signature was made for: a claim until it is verified.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Verifies that `expected` signed the message of this SHA-512 for this namespace.
    pub fn verify(
        &self,
        namespace: &str,
        digest: &[u8; 64],
        expected: &PublicKey,
    ) -> Result<Assertion, SshsigError> {
        self.verify_by(namespace, digest, &Verifier::new(expected.clone()))
    }

    /// The same, by a key that verifies more than one.
    pub fn verify_by(
        &self,
        namespace: &str,
        digest: &[u8; 64],
        expected: &Verifier,
    ) -> Result<Assertion, SshsigError> {
        if self.key != expected.key {
            let (found, expected) = (self.key.fingerprint(), expected.key.fingerprint());
            return Err(SshsigError::OtherKey { found, expected });
        }
        if self.namespace != namespace {
            let (found, expected) = (escape(&self.namespace), namespace.to_owned());
            return Err(SshsigError::Namespace { found, expected });
        }
        let point = expected.point.as_ref().ok_or(SshsigError::Bad)?;
        point
            .verify_strict(&self.message(digest), &Signature::from_bytes(&self.signature))
            .map_err(|_| SshsigError::Bad)?;
        let flags = self.touch.map_or(0, |touch| touch.flags);
        Ok(Assertion { user_present: flags & USER_PRESENT != 0, user_verified: flags & USER_VERIFIED != 0 })
    }

    /// What the ed25519 signature covers; a security key wraps the data as U2F does.
    fn message(&self, digest: &[u8; 64]) -> Vec<u8> {
        let data = signed_data(&self.namespace, digest);
        let (Some(application), Some(touch)) = (self.key.application(), self.touch) else { return data };
        let mut message = Sha256::digest(application).to_vec();
        message.push(touch.flags);
        message.extend(touch.counter.to_be_bytes());
        message.extend(Sha256::digest(data));
        message
    }
}
