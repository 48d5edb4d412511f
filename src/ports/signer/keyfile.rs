//! OpenSSH private key files; the only place that knows the crate `ssh-key`.

use crate::core::public_key::{PublicKey, PublicKeyError};
use crate::core::text::escape;
use ed25519_dalek::SigningKey;
use secrecy::{ExposeSecret, SecretString};
use ssh_key::private::KeypairData;
use ssh_key::{Error, LineEnding, PrivateKey};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A private key file of a kind that glass takes, as it was read: still locked if it has a passphrase.
pub struct KeyFile {
    private: PrivateKey,
    public: PublicKey,
    path: PathBuf,
}

/// Why a key file gives no key. Each `path` is escaped for the screen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyFileError {
    /// Not an OpenSSH private key, or a damaged one.
    #[error("{path} is not an OpenSSH private key, or is damaged (`ssh-keygen -y -f {path}` tells more)")]
    Form {
        /// The file.
        path: String,
    },
    /// RSA, ECDSA or DSA.
    #[error(
        "the key in {path} is of a kind that glass does not accept: use ed25519 (`ssh-keygen -t ed25519`)"
    )]
    Kind {
        /// The file.
        path: String,
    },
    /// The file of a security key holds no secret, only a handle.
    #[error("the key in {path} lives on a security key")]
    SecurityKey {
        /// The file.
        path: String,
        /// Its public key, by which the agent may hold it.
        key: PublicKey,
    },
    /// The file has a passphrase, and none was given.
    #[error("{path} is protected by a passphrase")]
    PassphraseNeeded {
        /// The file.
        path: String,
    },
    /// The passphrase opens nothing.
    #[error("wrong passphrase for {path}")]
    WrongPassphrase {
        /// The file.
        path: String,
    },
}

impl KeyFile {
    /// Reads the bytes of the file at `path`; asks for no passphrase.
    pub fn read(bytes: &Zeroizing<Vec<u8>>, path: &Path) -> Result<Self, KeyFileError> {
        let shown = || escape(&path.display().to_string());
        let private = PrivateKey::from_openssh(bytes.trim_ascii()).map_err(|error| match error {
            Error::AlgorithmUnknown | Error::AlgorithmUnsupported { .. } => {
                KeyFileError::Kind { path: shown() }
            }
            _ => KeyFileError::Form { path: shown() },
        })?;
        let blob = private.public_key().to_bytes().map_err(|_| KeyFileError::Form { path: shown() })?;
        let public = PublicKey::from_blob(&blob).map_err(|error| match error {
            PublicKeyError::Kind(_) => KeyFileError::Kind { path: shown() },
            PublicKeyError::Form => KeyFileError::Form { path: shown() },
        })?;
        if public.application().is_some() {
            return Err(KeyFileError::SecurityKey { path: shown(), key: public });
        }
        Ok(Self { private, public, path: path.to_owned() })
    }

    /// The public half, which needs no passphrase.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a passphrase is needed.
    pub fn is_encrypted(&self) -> bool {
        self.private.is_encrypted()
    }

    /// The key itself; a passphrase that the file does not need is ignored.
    pub fn unlock(&self, passphrase: Option<&SecretString>) -> Result<SigningKey, KeyFileError> {
        if !self.is_encrypted() {
            return self.signing_key(&self.private);
        }
        let Some(passphrase) = passphrase else {
            return Err(KeyFileError::PassphraseNeeded { path: self.shown() });
        };
        // With the wrong key the plain text is noise: whatever is wrong with it, say the likely thing.
        let opened = self
            .private
            .decrypt(passphrase.expose_secret())
            .map_err(|_| KeyFileError::WrongPassphrase { path: self.shown() })?;
        self.signing_key(&opened)
    }

    fn signing_key(&self, private: &PrivateKey) -> Result<SigningKey, KeyFileError> {
        let form = || KeyFileError::Form { path: self.shown() };
        let KeypairData::Ed25519(pair) = private.key_data() else { return Err(form()) };
        let key = SigningKey::from_bytes(&Zeroizing::new(pair.private.to_bytes()));
        // The two halves are stored beside each other; signing under a wrong one would give the key away.
        if key.verifying_key().as_bytes() == self.public.point() { Ok(key) } else { Err(form()) }
    }

    fn shown(&self) -> String {
        escape(&self.path.display().to_string())
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({})", self.shown())
    }
}

/// A new key without a passphrase, for the demo's people: the private file's text, and the
/// line of its `.pub`.
///
/// # Errors
/// No random bytes, or the key can't be written as OpenSSH does.
pub fn new_key_file(comment: &str) -> Result<(Zeroizing<String>, String), NewKeyError> {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&*super::seed()?);
    let key = PrivateKey::new(KeypairData::Ed25519(pair), comment)?;
    Ok((key.to_openssh(LineEnding::LF)?, key.public_key().to_openssh()? + "\n"))
}

/// Why a key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The system gives no random bytes.
    #[error(transparent)]
    Random(#[from] super::RandomError),
    /// It can't be written.
    #[error("a new key can't be written: {0}")]
    Write(#[from] ssh_key::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sshsig::stock;

    fn read(path: &Path) -> Result<KeyFile, KeyFileError> {
        KeyFile::read(&Zeroizing::new(std::fs::read(path).unwrap()), path)
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn a_file_without_passphrase_opens() {
        if !stock::is_installed() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        stock::new_key(&path, "ed25519", "");
        let file = read(&path).unwrap();
        assert_eq!(file.public(), &stock::public_beside(&path));
        assert!(!file.is_encrypted());
        let key = file.unlock(None).unwrap();
        assert_eq!(key.verifying_key().as_bytes(), file.public().point());
        assert_eq!(file.unlock(Some(&secret("unneeded"))).unwrap(), key);
        // An editor's blank lines do no harm.
        let spaced = [b"\n", std::fs::read(&path).unwrap().as_slice(), b"\n\n"].concat();
        assert!(KeyFile::read(&Zeroizing::new(spaced), &path).is_ok());
    }

    #[test]
    fn a_file_with_passphrase_opens_with_it_alone() {
        if !stock::is_installed() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        for cipher in ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"] {
            let path = directory.path().join(cipher);
            stock::new_key(&path, "ed25519", "");
            let text = path.to_str().unwrap();
            let locked =
                stock::keygen(&["-p", "-q", "-N", "open sesame", "-a", "1", "-Z", cipher, "-f", text], None);
            assert!(locked.status.success(), "{locked:?}");
            let file = read(&path).unwrap();
            assert_eq!(file.public(), &stock::public_beside(&path));
            assert!(file.is_encrypted());
            let shown = text.to_owned();
            assert_eq!(
                file.unlock(Some(&secret("open"))).unwrap_err(),
                KeyFileError::WrongPassphrase { path: shown.clone() }
            );
            assert_eq!(file.unlock(None).unwrap_err(), KeyFileError::PassphraseNeeded { path: shown });
            let key = file.unlock(Some(&secret("open sesame"))).unwrap();
            assert_eq!(key.verifying_key().as_bytes(), file.public().point());
        }
    }

    #[test]
    fn p10_other_files_are_refused_in_words_that_are_safe_to_show() {
        if !stock::is_installed() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        for kind in ["rsa", "ecdsa"] {
            let path = directory.path().join(kind);
            stock::new_key(&path, kind, "");
            assert!(matches!(read(&path), Err(KeyFileError::Kind { .. })), "{kind}");
            stock::new_key(&path.with_extension("locked"), kind, "open sesame");
            assert!(matches!(read(&path.with_extension("locked")), Err(KeyFileError::Kind { .. })));
        }
        let hostile = Path::new("a\u{1b}[2J");
        let error = KeyFile::read(&Zeroizing::new(b"no key".to_vec()), hostile).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'));
        assert!(error.to_string().contains("is not an OpenSSH private key"));
    }
}
