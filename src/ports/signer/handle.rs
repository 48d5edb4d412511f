//! A security key that no agent holds: `ssh-keygen` signs by the handle in its key file.

use super::SignError;
use super::waiting::{EACH, TOUCH_WITHIN, Turn, left};
use crate::ports::belongings::{Ended, Keygen};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

/// A key file that holds no secret, only a handle.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    path: PathBuf,
    keygen: Keygen,
}

/// Why `ssh-keygen` made no signature.
#[derive(Debug, thiserror::Error)]
pub enum KeygenError {
    /// It could not be started.
    #[error("ssh-keygen could not be started: {0}")]
    Start(#[from] std::io::Error),
    /// It could not be brought in front on the person's terminal.
    #[error("ssh-keygen could not be started on your terminal")]
    Useless,
    /// It ended without a signature; what it said is on the terminal.
    #[error(
        "ssh-keygen made no signature; its own words are above: is the security key plugged in, was it \
         touched, was the PIN right?"
    )]
    Refused,
    /// Nobody touched the key.
    #[error("the security key was not touched within {0} seconds")]
    Late(u64),
}

impl Handle {
    pub(super) fn new(path: &Path, keygen: Keygen) -> Self {
        Self { path: path.to_owned(), keygen }
    }

    /// The armor that `ssh-keygen` makes for a message. Whatever ends the wait ends it too.
    pub(super) fn sign(
        &self,
        namespace: &str,
        message: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<String, SignError> {
        let mut signing = self.keygen.sign(&self.path, namespace, message).map_err(KeygenError::Start)?;
        let began = Instant::now();
        loop {
            match signing.poll().map_err(KeygenError::Start)? {
                Some(Ended::Signed(armor)) => return Ok(armor),
                Some(Ended::Refused) => return Err(KeygenError::Refused.into()),
                Some(Ended::Useless) => return Err(KeygenError::Useless.into()),
                Some(Ended::Interrupted) => return Err(SignError::Interrupted),
                None if left(began).is_zero() => return Err(KeygenError::Late(TOUCH_WITHIN.as_secs()).into()),
                None => thread::sleep(EACH),
            }
            if turn(left(began)).is_break() {
                return Err(SignError::Interrupted);
            }
        }
    }
}
