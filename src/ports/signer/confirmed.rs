//! The proof that a person confirmed and signed.

use crate::core::authorization::Authorization;
use crate::core::entry::Touched;
use crate::core::public_key::PublicKey;
use crate::core::sshsig::{Sshsig, SshsigError};
use crate::core::statement::{Cosigned, Statement, Verb};

/// A statement that was typed for and signed by the holder of a key.
///
/// Made by the signer alone; consumed by the ledger, which judges it by the roster once more.
#[derive(Debug)]
pub struct Confirmed<V> {
    statement: Statement<V>,
    key: PublicKey,
    armor: String,
    touched: Option<Touched>,
}

impl<V: Cosigned> Confirmed<V> {
    /// A signature that was made elsewhere, such as by `ssh-keygen -Y sign`, over this very
    /// statement: it is the consent, and nothing is typed.
    ///
    /// # Errors
    /// A signature over anything else, or for another verb.
    pub fn elsewhere(authorization: Authorization<V>, sshsig: &Sshsig) -> Result<Self, SshsigError> {
        let statement = authorization.into_statement();
        let asserted = sshsig.verify(V::NAMESPACE, &statement.digest(), sshsig.key())?;
        Ok(Self::new(statement, sshsig.key().clone(), sshsig.to_armor(), asserted.touched()))
    }
}

impl<V: Verb> Confirmed<V> {
    pub(super) const fn new(
        statement: Statement<V>,
        key: PublicKey,
        armor: String,
        touched: Option<Touched>,
    ) -> Self {
        Self { statement, key, armor, touched }
    }

    /// Stands for a person's consent in tests of what comes after it.
    #[cfg(test)]
    pub(crate) const fn for_tests(statement: Statement<V>, key: PublicKey, armor: String) -> Self {
        Self::new(statement, key, armor, None)
    }

    /// What was signed.
    pub const fn statement(&self) -> &Statement<V> {
        &self.statement
    }

    /// Whose key signed.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What the signature asserts of the person at the key; the ledger reads it from the armor
    /// anew.
    pub const fn touched(&self) -> Option<Touched> {
        self.touched
    }

    /// The SSHSIG in armor, with its final line feed.
    pub fn armor(&self) -> &str {
        &self.armor
    }
}
