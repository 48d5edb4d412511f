//! What a person signs: one readable line of canonical JSON (CONTRACT 4).
//!
//! A statement is built before anything is asked, shown, and never changed afterwards:
//! the bytes that the person saw described are the bytes that the key signs.

use crate::core::canonical;
use crate::core::entry::Kind;
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
    /// The kind of the entry that records it, once all have signed.
    const KIND: Kind;
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident = $name:literal, $namespace:literal, $kind:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $verb;

            impl Verb for $verb {
                const NAME: &'static str = $name;
                const NAMESPACE: &'static str = $namespace;
                const KIND: Kind = Kind::$kind;
            }
        )*

        /// The namespace of the verb of this name; `None` for a word that is none.
        pub fn namespace_of(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some($namespace),)*
                _ => None,
            }
        }

        /// The name of the verb that entries of this kind are signed for; `None` for kinds that
        /// nobody signs, and for those that any act of two people may have.
        pub const fn name_of(kind: Kind) -> Option<&'static str> {
            match kind {
                $(Kind::$kind => Some($name),)*
                _ => None,
            }
        }
    };
}

verbs! {
    /// Registers playbooks and settings.
    Register = "register", "register@glass", Registered;
    /// Mends one playbook for one grant.
    Hotfix = "hotfix", "register@glass", Hotfixed;
    /// Tells of an emergency that was done outside glass.
    Record = "record", "record@glass", Recorded;
    /// Asks for a grant.
    Request = "request", "request@glass", Requested;
    /// Consents to another person's request.
    Approve = "approve", "approve@glass", Approved;
    /// Says no to another person's request.
    Deny = "deny", "deny@glass", Denied;
    /// Takes one's own request back.
    Withdraw = "withdraw", "withdraw@glass", Withdrawn;
    /// Goes on with one's own request, in another process or alone.
    Resume = "resume", "resume@glass", Resumed;
    /// Ends one's own grant later.
    Extend = "extend", "extend@glass", Extended;
    /// Ends another person's grant.
    Revoke = "revoke", "revoke@glass", Revoked;
    /// Vouches that a grant was closed by hand.
    Attest = "attest", "attest@glass", Attested;
    /// Judges a use.
    Review = "review", "review@glass", Reviewed;
}

/// The verbs of which each that signs signs the same bytes, so that a signature made elsewhere
/// can be the consent. All others are typed for at a terminal (P4): asking for a grant above all.
pub trait Cosigned: Verb {}

impl Cosigned for Approve {}
impl Cosigned for Register {}
impl Cosigned for Hotfix {}
impl Cosigned for Record {}

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
            ("nonce".into(), json!(common.nonce.to_string())),
            ("seen".into(), json!({"size": common.seen.size, "root": common.seen.root.to_string()})),
            ("at".into(), json!(rfc3339(common.at))),
            ("person".into(), json!(common.person)),
        ]);
        Self::of(&common.origin, &common.ledger, signed, texts)
    }

    /// Builds a line that names neither its signer nor their time, as an approval's does: each
    /// of those who sign it signs the same bytes.
    pub fn of(
        origin: &str,
        ledger: &str,
        facts: Map<String, Value>,
        texts: Map<String, Value>,
    ) -> Result<Self, canonical::CanonicalError> {
        let mut signed = facts;
        signed.extend([
            ("origin".into(), json!(origin)),
            ("ledger".into(), json!(ledger)),
            ("verb".into(), json!(V::NAME)),
        ]);
        let line = canonical::encode(&json!({"signed": signed, "texts": texts}))?;
        Ok(Self { line, signed, verb: PhantomData })
    }

    /// Reads a line back that somebody signed before: the same bytes are to be signed again.
    ///
    /// # Errors
    /// A line that is not canonical; one of another verb has no `signed` and is not read.
    pub fn read(line: &str) -> Result<Option<Self>, canonical::CanonicalError> {
        let value = canonical::decode(line.as_bytes())?;
        let signed = value.get("signed").and_then(Value::as_object);
        let signed = signed.filter(|signed| signed.get("verb").and_then(Value::as_str) == Some(V::NAME));
        Ok(signed.cloned().map(|signed| Self { line: line.to_owned(), signed, verb: PhantomData }))
    }

    /// The line without its line feed: what the `text` table keeps.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// What SSHSIG signs over: the line and its line feed.
    pub fn message(&self) -> Vec<u8> {
        [self.line.as_bytes(), b"\n"].concat()
    }

    /// The facts that go verbatim into the entry.
    pub const fn signed(&self) -> &Map<String, Value> {
        &self.signed
    }

    /// SHA-512 of the [`message`](Self::message).
    pub fn digest(&self) -> [u8; 64] {
        message_digest(self.line.as_bytes())
    }
}

/// SHA-512 of a statement's message: the line and its line feed.
pub fn message_digest(line: &[u8]) -> [u8; 64] {
    Sha512::new().chain_update(line).chain_update(b"\n").finalize().into()
}
