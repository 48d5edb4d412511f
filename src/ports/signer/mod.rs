//! A person's key: OpenSSH key files and a running ssh-agent.
//!
//! [`find_key`] says whose key would sign, before anything is asked; [`Key::unlock`] takes the
//! passphrase, as often as the caller lets it be tried; [`UnlockedKey::sign`] consumes what was
//! typed for. What it returns was verified as any reader of the ledger will verify it.

mod agent;
mod confirmed;
mod find;
mod keyfile;
mod random;
#[cfg(test)]
mod tests;

pub use agent::{Agent, AgentError};
pub use confirmed::Confirmed;
pub use find::{FindError, find_key};
pub use keyfile::{KeyFile, KeyFileError, NewKeyError, new_key_file};
pub use random::{RandomError, nonce, random_byte, seed};

use crate::core::public_key::PublicKey;
use crate::core::sshsig::{Sshsig, SshsigError, signed_data};
use crate::core::statement::Verb;
use crate::ports::terminal::Typed;
use ed25519_dalek::{Signer as _, SigningKey};
use secrecy::SecretString;
use std::fmt;
use std::path::Path;

/// A key of the roster that was found, and may still be locked.
#[derive(Debug)]
pub struct Key {
    public: PublicKey,
    holder: Holder,
}

#[derive(Debug)]
enum Holder {
    Agent(Agent),
    File(Box<KeyFile>),
}

/// A key that is ready to sign.
pub struct UnlockedKey {
    public: PublicKey,
    means: Means,
}

enum Means {
    Agent(Agent),
    Secret(SigningKey),
}

/// Why a key did not sign.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The agent did not do it.
    #[error("not signed: {0}")]
    Agent(#[from] AgentError),
    /// The signature does not hold: it is thrown away.
    #[error("not signed: the signature that was made does not verify: {0}")]
    Unsound(#[from] SshsigError),
}

impl Key {
    /// Whose key it is, by the roster.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The file whose passphrase must be asked for; `None` if none is needed.
    pub fn needs_passphrase(&self) -> Option<&Path> {
        match &self.holder {
            Holder::File(file) if file.is_encrypted() => Some(file.path()),
            _ => None,
        }
    }

    /// Makes the key ready; after a [`KeyFileError::WrongPassphrase`] it can be tried again.
    pub fn unlock(&self, passphrase: Option<&SecretString>) -> Result<UnlockedKey, KeyFileError> {
        let means = match &self.holder {
            Holder::Agent(agent) => Means::Agent(agent.clone()),
            Holder::File(file) => Means::Secret(file.unlock(passphrase)?),
        };
        Ok(UnlockedKey { public: self.public.clone(), means })
    }
}

impl UnlockedKey {
    /// Whether signing waits for a touch: only the agent's own terminal says so, so say it too.
    pub fn waits_for_touch(&self) -> bool {
        self.public.application().is_some()
    }

    /// Signs what the person typed for, and verifies the signature.
    pub fn sign<V: Verb>(&self, typed: Typed<V>) -> Result<Confirmed<V>, SignError> {
        let statement = typed.into_statement();
        let signature = self.sign_digest(V::NAMESPACE, &statement.digest())?;
        Ok(Confirmed::new(statement, self.public.clone(), signature.to_armor()))
    }

    fn sign_digest(&self, namespace: &str, digest: &[u8; 64]) -> Result<Sshsig, SignError> {
        let data = signed_data(namespace, digest);
        let public = self.public.clone();
        let signature = match &self.means {
            Means::Secret(key) => Sshsig::from_ed25519(public, namespace, key.sign(&data).to_bytes())?,
            Means::Agent(agent) => Sshsig::from_blob(public, namespace, &agent.sign(&self.public, &data)?)?,
        };
        signature.verify(namespace, digest, &self.public)?;
        Ok(signature)
    }
}

impl fmt::Debug for UnlockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlockedKey({})", self.public.fingerprint())
    }
}
