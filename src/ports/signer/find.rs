//! Which key signs: the named one, else a wanted one in the agent, else one in `~/.ssh`.

use super::agent::Agent;
use super::handle::Handle;
use super::keyfile::{KeyFile, KeyFileError};
use super::{Holder, Key};
use crate::core::public_key::{Fingerprint, PublicKey, PublicKeyError};
use crate::core::text::escape;
use crate::ports::belongings::{Belongings, Keygen};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No key file is longer, bytes.
const LONGEST: usize = 64 * 1024;

/// Why no key was found that may sign.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The named key is nobody's.
    #[error("the key {fingerprint} is not in the roster: an admin adds it to glass.toml and registers")]
    NotInRoster {
        /// The key that was named.
        fingerprint: Fingerprint,
    },
    /// The file can't be read.
    #[error("can't read the key {path}: {cause}")]
    Unreadable {
        /// The file, escaped for the screen.
        path: String,
        /// What the system says.
        cause: Error,
    },
    /// The named file is no private key that glass can use.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The named file is neither a private key nor a public one.
    #[error("{path}: {cause}")]
    Public {
        /// The file, escaped for the screen.
        path: String,
        /// What is wrong with it.
        cause: PublicKeyError,
    },
    /// Nobody holds the private half of the named public key.
    #[error("no private half of {path}: {looked}; type `ssh-add FILE`, or `--key FILE` with the private key")]
    NotHeld {
        /// The public key file, escaped for the screen.
        path: String,
        /// What was looked at.
        looked: String,
    },
    /// A security key that no agent holds, and no `ssh-keygen` to sign with it.
    #[error(
        "the key in {path} lives on a security key that no agent holds, and {why}; hand it to your agent (`ssh-add {path}`)"
    )]
    NoKeygen {
        /// The file with its handle, escaped for the screen.
        path: String,
        /// Why there is no `ssh-keygen`.
        why: String,
    },
    /// No key of the roster anywhere.
    #[error("found no key of the roster: {looked}; type `ssh-add FILE`, or name one with `--key FILE`")]
    None {
        /// What was looked at.
        looked: String,
    },
}

/// Where a person's keys are looked for; every file and the agent are reached as the person.
pub struct Keyring<'a> {
    /// Whose rights count.
    pub belongings: &'a Belongings,
    /// The agent's socket.
    pub agent_socket: Option<&'a Path>,
    /// The person's `~/.ssh`.
    pub ssh_dir: Option<&'a Path>,
    /// Finds the `ssh-keygen` that signs by a security key which no agent holds, or says in words
    /// why there is none.
    pub keygen: &'a dyn Fn() -> Result<Keygen, String>,
}

/// Finds the key that is to sign; asks and unlocks nothing.
///
/// `named` is a private key file, the file with the handle of a security key, or a `.pub` whose
/// private half the agent or the file beside it holds. `wanted` tells whether a key will do: one
/// of the roster, and where a touch is demanded, a security key.
pub fn find_key(
    keyring: &Keyring<'_>,
    named: Option<&Path>,
    wanted: &dyn Fn(&PublicKey) -> bool,
) -> Result<Key, FindError> {
    let agent = keyring.agent_socket.map(|socket| Agent::at(socket, keyring.belongings));
    if let Some(path) = named {
        return named_key(keyring, path, agent.as_ref(), wanted);
    }
    let (found, mut looked) = in_agent(agent.as_ref(), wanted);
    if let Some(key) = found {
        return Ok(key);
    }
    if let Some(directory) = keyring.ssh_dir {
        let mut seen = 0;
        for path in keyring.belongings.key_files(directory) {
            seen += 1;
            match known_file(keyring, &path, wanted) {
                Some(Ok(key)) => return Ok(key),
                Some(Err(trouble)) => looked = format!("{looked}, {trouble}"),
                None => {}
            }
        }
        looked = format!("{looked}, key files in {}: {seen}", shown(directory));
    }
    Err(FindError::None { looked })
}

fn named_key(
    keyring: &Keyring<'_>,
    path: &Path,
    agent: Option<&Agent>,
    known: &dyn Fn(&PublicKey) -> bool,
) -> Result<Key, FindError> {
    let in_roster = |key: &PublicKey| match known(key) {
        true => Ok(()),
        false => Err(FindError::NotInRoster { fingerprint: key.fingerprint() }),
    };
    let bytes = read(keyring.belongings, path)?;
    if is_private(&bytes) {
        return match KeyFile::read(&bytes, path) {
            Ok(file) => in_roster(file.public()).map(|()| Key::in_file(file)),
            Err(KeyFileError::SecurityKey { key, .. }) => {
                in_roster(&key)?;
                match in_agent(agent, &|other| *other == key) {
                    (Some(held), _) => Ok(held),
                    (None, _) => by_handle(keyring, path, key),
                }
            }
            Err(error) => Err(error.into()),
        };
    }
    let public = PublicKey::parse_line(&String::from_utf8_lossy(&bytes))
        .map_err(|cause| FindError::Public { path: shown(path), cause })?;
    in_roster(&public)?;
    let (held, looked) = in_agent(agent, &|other| *other == public);
    if let Some(key) = held {
        return Ok(key);
    }
    let beside = path.with_extension("");
    let bytes = match read(keyring.belongings, &beside) {
        Err(FindError::Unreadable { cause, .. }) if cause.kind() == ErrorKind::NotFound => None,
        _ if beside == path => None,
        read => Some(read?),
    };
    let Some(bytes) = bytes else {
        let looked = format!("{looked}, and there is no {}", shown(&beside));
        return Err(FindError::NotHeld { path: shown(path), looked });
    };
    let found = in_file(keyring, &bytes, &beside)?;
    if *found.public() != public {
        let looked = format!("{looked}, and {} is another key", shown(&beside));
        return Err(FindError::NotHeld { path: shown(path), looked });
    }
    Ok(found)
}

/// The key of a private file: the secret itself, or the handle of a security key.
fn in_file(keyring: &Keyring<'_>, bytes: &Zeroizing<Vec<u8>>, path: &Path) -> Result<Key, FindError> {
    match KeyFile::read(bytes, path) {
        Ok(file) => Ok(Key::in_file(file)),
        Err(KeyFileError::SecurityKey { key, .. }) => by_handle(keyring, path, key),
        Err(error) => Err(error.into()),
    }
}

fn by_handle(keyring: &Keyring<'_>, path: &Path, public: PublicKey) -> Result<Key, FindError> {
    let keygen = (keyring.keygen)().map_err(|why| FindError::NoKeygen { path: shown(path), why })?;
    Ok(Key { public, holder: Holder::Handle(Handle::new(path, keygen)) })
}

/// The first wanted key in the agent, and in words what was looked at.
fn in_agent(agent: Option<&Agent>, wanted: &dyn Fn(&PublicKey) -> bool) -> (Option<Key>, String) {
    let Some(agent) = agent else { return (None, "no ssh-agent is named (SSH_AUTH_SOCK)".into()) };
    match agent.keys() {
        Ok(keys) => {
            let looked = format!("ed25519 keys in the ssh-agent: {}", keys.len());
            let found = keys.into_iter().find(|key| wanted(key));
            (found.map(|public| Key { public, holder: Holder::Agent(agent.clone()) }), looked)
        }
        Err(error) => (None, error.to_string()),
    }
}

/// The key file if it is of the roster; what is wrong with it if it can't be used.
fn known_file(
    keyring: &Keyring<'_>,
    path: &Path,
    known: &dyn Fn(&PublicKey) -> bool,
) -> Option<Result<Key, FindError>> {
    // The public half is enough to pass a stranger's key by, without opening the private one.
    let public = read(keyring.belongings, &pub_beside(path)).ok();
    if let Some(public) =
        public.and_then(|bytes| PublicKey::parse_line(&String::from_utf8_lossy(&bytes)).ok())
        && !known(&public)
    {
        return None;
    }
    match read(keyring.belongings, path).and_then(|bytes| in_file(keyring, &bytes, path)) {
        Ok(key) => known(key.public()).then_some(Ok(key)),
        Err(error) => Some(Err(error)),
    }
}

/// `NAME.pub`; a dot in the name is a part of it.
fn pub_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn is_private(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----BEGIN ")
}

fn read(belongings: &Belongings, path: &Path) -> Result<Zeroizing<Vec<u8>>, FindError> {
    belongings.read(path, LONGEST).map_err(|cause| FindError::Unreadable { path: shown(path), cause })
}

fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}

impl Key {
    fn in_file(file: KeyFile) -> Self {
        Self { public: file.public().clone(), holder: Holder::File(Box::new(file)) }
    }
}
