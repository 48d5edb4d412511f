//! Who signs notes: names, key ids and the one-line `vkey` (C2SP signed-note).

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The type byte of plain Ed25519 signatures; glass knows no other.
const ED25519: u8 = 0x01;

/// A name and the Ed25519 key that signs notes under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    point: [u8; 32],
}

/// Why a text is no verifier key, or a name can't be that of one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifierKeyError {
    /// Not three parts in their forms.
    #[error("not a verifier key: expected `name+1a2b3c4d+base64`, as in the file `vkey` of an export")]
    Form,
    /// Empty, or with a space, a plus or a control character.
    #[error("`{}` can't name a key: it must be one word without `+`, like `bastion-1.example.com/glass`", crate::core::text::escape(.0))]
    Name(String),
    /// Another signature algorithm.
    #[error("the verifier key is of type 0x{0:02x}; glass reads only Ed25519 (0x01)")]
    Algorithm(u8),
    /// The id in the text is not that of the name and the key.
    #[error("the verifier key's id is not that of its name and key: it was mistyped or altered")]
    Id,
}

/// Whether a text can name a key: not empty, no space of any kind, no `+`, no control character.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

impl VerifierKey {
    /// The key that signs under `name`.
    pub fn new(name: &str, point: [u8; 32]) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), point })
    }

    /// The name in its signature lines; a log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub const fn point(&self) -> &[u8; 32] {
        &self.point
    }

    /// The first four bytes of SHA-256 of name, LF, type and key: a hint, no identity.
    pub fn key_id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.point)
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl fmt::Display for VerifierKey {
    /// The `vkey`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[ED25519], self.point.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.key_id()), BASE64.encode(&material))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // Base64 may hold a plus, a name may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| VerifierKeyError::Form)?;
        let material = BASE64.decode(material.as_bytes()).map_err(|_| VerifierKeyError::Form)?;
        let (algorithm, point) = material.split_first().ok_or(VerifierKeyError::Form)?;
        if *algorithm != ED25519 {
            return Err(VerifierKeyError::Algorithm(*algorithm));
        }
        let key = Self::new(name, point.try_into().map_err(|_| VerifierKeyError::Form)?)?;
        if id == key.key_id() { Ok(key) } else { Err(VerifierKeyError::Id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_vkey_is_read_and_written_back() {
        let key: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(key.name(), "example.com/foo");
        assert_eq!(key.key_id(), [0x53, 0x0d, 0x90, 0x3a]);
        assert_eq!(key.to_string(), VKEY);
    }

    #[test]
    fn other_vkeys_are_refused() {
        let parse = |text: &str| text.parse::<VerifierKey>().unwrap_err();
        assert_eq!(parse(&VKEY.replace("530d", "530e")), VerifierKeyError::Id);
        assert_eq!(parse(&VKEY.replace("foo", "fop")), VerifierKeyError::Id);
        assert_eq!(parse(&VKEY.replace("+Ae", "+Be")), VerifierKeyError::Algorithm(5));
        assert_eq!(parse(&VKEY.replace("com", "c m")), VerifierKeyError::Name("example.c m/foo".into()));
        for form in ["", "a+b", "a+530D903A+AQ==", &VKEY[..VKEY.len() - 4], &format!("{VKEY}\n")] {
            assert_eq!(parse(form), VerifierKeyError::Form, "{form}");
        }
    }
}
