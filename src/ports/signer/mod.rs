//! A person's key: OpenSSH key files, security keys and a running ssh-agent.
//!
//! [`find_key`] says whose key would sign, before anything is asked; [`Key::unlock`] takes the
//! passphrase, as often as the caller lets it be tried; [`UnlockedKey::sign`] consumes what was
//! typed for. What it returns was verified as any reader of the ledger will verify it.

mod agent;
mod confirmed;
mod find;
mod handle;
mod keyfile;
mod random;
#[cfg(test)]
mod tests;
mod waiting;

pub use agent::{Agent, AgentError};
pub use confirmed::Confirmed;
pub use find::{FindError, Keyring, find_key};
pub use handle::KeygenError;
pub use keyfile::{KeyFile, KeyFileError, NewKeyError, new_key_file};
pub use random::{RandomError, nonce, random_byte, seed};
pub use waiting::{TOUCH_WITHIN, Turn};

use crate::core::entry::Touched;
use crate::core::public_key::PublicKey;
use crate::core::sshsig::{Sshsig, SshsigError, signed_data};
use crate::core::statement::{Verb, message_digest};
use crate::ports::terminal::Typed;
use ed25519_dalek::{Signer as _, SigningKey};
use handle::Handle;
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
    Handle(Handle),
}

/// A key that is ready to sign.
pub struct UnlockedKey {
    public: PublicKey,
    means: Means,
}

enum Means {
    Agent(Agent),
    Secret(SigningKey),
    Handle(Handle),
}

/// What a person must do while a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// Nothing.
    None,
    /// Touch the security key: only the agent's own terminal says so, so say it too.
    Touch,
    /// Do what `ssh-keygen` asks for on the person's terminal.
    AsAsked,
}

/// Why a key did not sign.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The agent did not do it.
    #[error("not signed: {0}")]
    Agent(#[from] AgentError),
    /// `ssh-keygen` did not do it.
    #[error("not signed: {0}")]
    Keygen(#[from] KeygenError),
    /// The signature does not hold: it is thrown away.
    #[error("not signed: the signature that was made does not verify: {0}")]
    Unsound(#[from] SshsigError),
    /// The caller ended the wait, or the person did with Ctrl-C.
    #[error("not signed: interrupted")]
    Interrupted,
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
            Holder::Handle(handle) => Means::Handle(handle.clone()),
        };
        Ok(UnlockedKey { public: self.public.clone(), means })
    }
}

impl UnlockedKey {
    /// What the person must do while it signs.
    pub fn gesture(&self) -> Gesture {
        match &self.means {
            Means::Agent(_) if self.public.is_security_key() => Gesture::Touch,
            Means::Agent(_) | Means::Secret(_) => Gesture::None,
            Means::Handle(_) => Gesture::AsAsked,
        }
    }

    /// Signs what the person typed for, and verifies the signature. While a person is waited for,
    /// at most [`TOUCH_WITHIN`], `turn` is asked several times a second whether to go on.
    pub fn sign<V: Verb>(&self, typed: Typed<V>, turn: &mut Turn<'_>) -> Result<Confirmed<V>, SignError> {
        let statement = typed.into_statement();
        let (signature, touched) = self.sign_line(V::NAMESPACE, statement.line(), turn)?;
        Ok(Confirmed::new(statement, self.public.clone(), signature.to_armor(), touched))
    }

    fn sign_line(
        &self,
        namespace: &str,
        line: &str,
        turn: &mut Turn<'_>,
    ) -> Result<(Sshsig, Option<Touched>), SignError> {
        let digest = message_digest(line.as_bytes());
        let data = signed_data(namespace, &digest);
        let public = self.public.clone();
        let signature = match &self.means {
            Means::Secret(key) => Sshsig::from_ed25519(public, namespace, key.sign(&data).to_bytes())?,
            Means::Agent(agent) => {
                let (agent, key) = (agent.clone(), public.clone());
                let blob = waiting::patiently(turn, move || agent.sign(&key, &data))??;
                Sshsig::from_blob(public, namespace, &blob)?
            }
            Means::Handle(handle) => {
                Sshsig::from_armor(&handle.sign(namespace, format!("{line}\n").as_bytes(), turn)?)?
            }
        };
        let asserted = signature.verify(namespace, &digest, &self.public)?;
        Ok((signature, asserted.touched()))
    }
}

impl fmt::Debug for UnlockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlockedKey({})", self.public.fingerprint())
    }
}
