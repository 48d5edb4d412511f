//! OpenSSH public keys as the roster lists them, and their fingerprints.
//!
//! Wire form: `ssh-ed25519` is string type, string 32-byte key (RFC 8709);
//! `sk-ssh-ed25519@openssh.com` adds string application (OpenSSH `PROTOCOL.u2f`).

use crate::core::wire::{Reader, put_string};
use data_encoding::{BASE64, BASE64_NOPAD};
use sha2::{Digest, Sha256};
use std::fmt;

/// The plain key type.
pub const ED25519: &str = "ssh-ed25519";
/// The security-key type.
pub const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com";

/// A person's public key of one of the two kinds that glass accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    point: [u8; 32],
    application: Option<String>,
}

/// `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

/// Why a text is not a key that glass accepts.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PublicKeyError {
    /// Not `TYPE BASE64 [COMMENT]`.
    #[error("not an OpenSSH public key: expected `ssh-ed25519 AAAA… comment`")]
    Form,
    /// An RSA, ECDSA or DSA key, or a certificate.
    #[error(
        "key type `{0}` is not accepted: use ssh-ed25519 or sk-ssh-ed25519@openssh.com (`ssh-keygen -t ed25519`)"
    )]
    Kind(String),
}

impl PublicKey {
    /// A plain ed25519 key from its 32 bytes.
    pub const fn ed25519(point: [u8; 32]) -> Self {
        Self { point, application: None }
    }

    /// Reads one line of a `.pub` file; options before the key are not accepted.
    pub fn parse_line(line: &str) -> Result<Self, PublicKeyError> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(PublicKeyError::Form);
        };
        if kind != ED25519 && kind != SK_ED25519 {
            let known_shape = kind.contains('-') && kind.is_ascii();
            return Err(if known_shape {
                PublicKeyError::Kind(crate::core::text::escape(kind))
            } else {
                PublicKeyError::Form
            });
        }
        let blob = BASE64.decode(base64.as_bytes()).map_err(|_| PublicKeyError::Form)?;
        let key = Self::from_blob(&blob)?;
        if key.kind() == kind { Ok(key) } else { Err(PublicKeyError::Form) }
    }

    /// Reads the wire form, to its last byte.
    pub fn from_blob(blob: &[u8]) -> Result<Self, PublicKeyError> {
        let mut reader = Reader::new(blob);
        let kind = reader.utf8().ok_or(PublicKeyError::Form)?.to_owned();
        if kind != ED25519 && kind != SK_ED25519 {
            return Err(PublicKeyError::Kind(crate::core::text::escape(&kind)));
        }
        let point = reader.string().and_then(|p| p.try_into().ok()).ok_or(PublicKeyError::Form)?;
        let application = match kind == SK_ED25519 {
            true => Some(reader.utf8().ok_or(PublicKeyError::Form)?.to_owned()),
            false => None,
        };
        if reader.is_empty() { Ok(Self { point, application }) } else { Err(PublicKeyError::Form) }
    }

    /// The wire form.
    pub fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put_string(&mut blob, self.kind().as_bytes());
        put_string(&mut blob, &self.point);
        if let Some(application) = &self.application {
            put_string(&mut blob, application.as_bytes());
        }
        blob
    }

    /// The type name of OpenSSH.
    pub fn kind(&self) -> &'static str {
        if self.application.is_some() { SK_ED25519 } else { ED25519 }
    }

    /// The ed25519 point itself.
    pub const fn point(&self) -> &[u8; 32] {
        &self.point
    }

    /// The application of a security key (`ssh:` and what follows).
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// Whether it lives on a security key, so that its signatures can assert a touch.
    pub const fn is_security_key(&self) -> bool {
        self.application.is_some()
    }

    /// The fingerprint that `ssh-keygen -l` prints.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(self.blob()))))
    }
}

impl fmt::Display for PublicKey {
    /// `TYPE BASE64`, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), BASE64.encode(&self.blob()))
    }
}

impl Fingerprint {
    /// The text as `ssh-keygen` prints it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `ssh-keygen -t ed25519`, fingerprint by `ssh-keygen -lf`.
    const LINE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ana@laptop";

    #[test]
    fn a_public_key_line_is_read_and_written_back() {
        let key = PublicKey::parse_line(LINE).unwrap();
        assert_eq!(format!("{key} ana@laptop"), LINE);
        assert_eq!(key.kind(), ED25519);
        assert!(key.fingerprint().as_str().starts_with("SHA256:"));
    }

    #[test]
    fn other_kinds_and_broken_lines_are_refused() {
        assert!(matches!(PublicKey::parse_line("ssh-rsa AAAA x"), Err(PublicKeyError::Kind(_))));
        for bad in ["", "ssh-ed25519", "ssh-ed25519 !!!", "hello world"] {
            assert_eq!(PublicKey::parse_line(bad), Err(PublicKeyError::Form), "{bad}");
        }
        let longer = format!("{}AAAA", &LINE[..LINE.len() - 11]);
        assert!(PublicKey::parse_line(&longer).is_err());
    }
}
