//! Names made from random bytes: nonces, ledger ids, ids of grants, acts and sessions.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use std::fmt;
use std::str::FromStr;

/// 16 random bytes that make a statement unique; also the id of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// From bytes of the operating system's generator.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// A text that is no nonce.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a nonce: expected 32 lower-case hex digits")]
pub struct NotANonce;

impl FromStr for Nonce {
    type Err = NotANonce;

    fn from_str(text: &str) -> Result<Self, NotANonce> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotANonce)?;
        bytes.try_into().map(Self).map_err(|_| NotANonce)
    }
}

/// The characters after the prefix.
const LENGTH: usize = 10;

/// The first 50 bits of a nonce.
fn letters(nonce: &Nonce) -> String {
    BASE32_NOPAD.encode(&nonce.0).to_ascii_lowercase()[..LENGTH].to_owned()
}

fn is_id(text: &str, prefix: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(is_letter))
}

/// `g-` and 10 lower-case base32 characters: fit for Kubernetes, LDAP, file and role names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(String);

impl GrantId {
    /// The id of the grant whose request carries this nonce.
    pub fn of(nonce: &Nonce) -> Self {
        Self(format!("g-{}", letters(nonce)))
    }

    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no grant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a grant id: it looks like `g-k3q7x2m5ab`; `glass status --all` lists them")]
pub struct NotAGrantId;

impl FromStr for GrantId {
    type Err = NotAGrantId;

    fn from_str(text: &str) -> Result<Self, NotAGrantId> {
        is_id(text, "g-").then(|| Self(text.to_owned())).ok_or(NotAGrantId)
    }
}

/// `p-` and 10 lower-case base32 characters: an act that waits for more people to sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(String);

impl ActId {
    /// The id of the act whose statement carries this nonce.
    pub fn of(nonce: &Nonce) -> Self {
        Self(format!("p-{}", letters(nonce)))
    }

    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no act.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not the id of an act: it looks like `p-k3q7x2m5ab`; `glass status` lists what waits")]
pub struct NotAnActId;

impl FromStr for ActId {
    type Err = NotAnActId;

    fn from_str(text: &str) -> Result<Self, NotAnActId> {
        is_id(text, "p-").then(|| Self(text.to_owned())).ok_or(NotAnActId)
    }
}

/// `s-` and 10 lower-case base32 characters: a session, and the name of its recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// The id that follows from a nonce.
    pub fn of(nonce: &Nonce) -> Self {
        Self(format!("s-{}", letters(nonce)))
    }

    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no session.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a session id: it looks like `s-k3q7x2m5ab`; `glass sessions list` lists them")]
pub struct NotASessionId;

impl FromStr for SessionId {
    type Err = NotASessionId;

    fn from_str(text: &str) -> Result<Self, NotASessionId> {
        is_id(text, "s-").then(|| Self(text.to_owned())).ok_or(NotASessionId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_read_back() {
        let nonce = Nonce::new([0xa7; 16]);
        assert_eq!(nonce.to_string().parse(), Ok(nonce));
        for other in ["", "a7", &"A7".repeat(16), &"a7".repeat(17)] {
            assert_eq!(other.parse::<Nonce>(), Err(NotANonce), "{other}");
        }
    }

    #[test]
    fn a_grant_id_is_read_back_and_nothing_else_is() {
        let id = GrantId::of(&Nonce::new([0xfe; 16]));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for other in [
            "",
            "g-",
            "k3q7x2m5ab",
            "g-K3Q7X2M5AB",
            "g-k3q7x2m5a",
            "g-k3q7x2m5a1",
            "g-../../../x",
            "p-k3q7x2m5ab",
        ] {
            assert_eq!(other.parse::<GrantId>(), Err(NotAGrantId), "{other}");
        }
    }
}
