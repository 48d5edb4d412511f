//! The proof that a person confirmed and signed.

use crate::core::public_key::PublicKey;
use crate::core::statement::{Statement, Verb};

/// A statement that was typed for and signed by the holder of a key.
///
/// Made by the signer alone; consumed by the ledger, which judges it by the roster once more.
#[derive(Debug)]
pub struct Confirmed<V> {
    statement: Statement<V>,
    key: PublicKey,
    armor: String,
}

impl<V: Verb> Confirmed<V> {
    pub(super) const fn new(statement: Statement<V>, key: PublicKey, armor: String) -> Self {
        Self { statement, key, armor }
    }

    /// Stands for a person's consent in tests of what comes after it.
    #[cfg(test)]
    pub(crate) const fn for_tests(statement: Statement<V>, key: PublicKey, armor: String) -> Self {
        Self::new(statement, key, armor)
    }

    /// What was signed.
    pub const fn statement(&self) -> &Statement<V> {
        &self.statement
    }

    /// Whose key signed.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The SSHSIG in armor, with its final line feed.
    pub fn armor(&self) -> &str {
        &self.armor
    }
}
