//! What a person signs: one readable line of canonical JSON (CONTRACT 4).
//!
//! A statement is built before anything is asked, shown, and never changed afterwards:
//! the bytes that the person saw described are the bytes that the key signs.

use crate::core::canonical;
use crate::core::id::Nonce;
use crate::core::merkle::Hash;
use crate::core::moment::rfc3339;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};
use std::marker::PhantomData;

/// What a statement does; its namespace keeps one verb's signature from serving another.
pub trait Verb {
    /// The word in the statement.
    const NAME: &'static str;
    /// The SSHSIG namespace.
    const NAMESPACE: &'static str;
    /// The kind of the entry that records it.
    const KIND: &'static str;
}

/// Registers playbooks and settings.
#[derive(Debug)]
pub struct Register;
/// Asks for a grant.
#[derive(Debug)]
pub struct Request;
/// Judges a use.
#[derive(Debug)]
pub struct Review;

impl Verb for Register {
    const NAME: &'static str = "register";
    const NAMESPACE: &'static str = "register@glass";
    const KIND: &'static str = "registered";
}

impl Verb for Request {
    const NAME: &'static str = "request";
    const NAMESPACE: &'static str = "request@glass";
    const KIND: &'static str = "requested";
}

impl Verb for Review {
    const NAME: &'static str = "review";
    const NAMESPACE: &'static str = "review@glass";
    const KIND: &'static str = "reviewed";
}

/// An earlier head of the ledger that the signer vouches to have seen (P7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Number of entries.
    pub size: u64,
    /// Their Merkle root.
    pub root: Hash,
}

/// The parts that every statement names.
#[derive(Clone, Debug)]
pub struct Common {
    /// The ledger's origin and random id: a statement is good in one ledger only.
    pub origin: String,
    /// The ledger's random id.
    pub ledger: String,
    /// Makes the statement unique.
    pub nonce: Nonce,
    /// The head that the signer saw.
    pub seen: Seen,
    /// The signer's time.
    pub at: DateTime<Utc>,
    /// The signer's name in the roster.
    pub person: String,
}

/// A statement of one verb, ready to be shown and signed.
#[derive(Debug)]
pub struct Statement<V> {
    line: String,
    signed: Map<String, Value>,
    verb: PhantomData<V>,
}

impl<V: Verb> Statement<V> {
    /// Builds the line: the common parts and `facts` under `signed`, free text under `texts`.
    pub fn new(
        common: &Common,
        facts: Map<String, Value>,
        texts: Map<String, Value>,
    ) -> Result<Self, canonical::CanonicalError> {
        let mut signed = facts;
        signed.extend([
            ("origin".into(), json!(common.origin)),
            ("ledger".into(), json!(common.ledger)),
            ("verb".into(), json!(V::NAME)),
            ("nonce".into(), json!(common.nonce.to_string())),
            ("seen".into(), json!({"size": common.seen.size, "root": common.seen.root.to_string()})),
            ("at".into(), json!(rfc3339(common.at))),
            ("person".into(), json!(common.person)),
        ]);
        let line = canonical::encode(&json!({"signed": signed, "texts": texts}))?;
        Ok(Self { line, signed, verb: PhantomData })
    }

    /// The line without its line feed: what the `text` table keeps.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The facts that go verbatim into the entry.
    pub const fn signed(&self) -> &Map<String, Value> {
        &self.signed
    }

    /// SHA-512 of the line and its line feed: what SSHSIG signs over.
    pub fn digest(&self) -> [u8; 64] {
        message_digest(self.line.as_bytes())
    }
}

/// SHA-512 of a statement's message: the line and its line feed.
pub fn message_digest(line: &[u8]) -> [u8; 64] {
    Sha512::new().chain_update(line).chain_update(b"\n").finalize().into()
}
