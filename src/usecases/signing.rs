//! From an authorization to a signed statement: typed confirmation, passphrase, signature.

use crate::core::authorization::Authorization;
use crate::core::moment::Moment;
use crate::core::public_key::PublicKey;
use crate::core::statement::{Common, Verb};
use crate::ports::ledger::{Head, Ledger};
use crate::ports::signer::{self, Confirmed, Key, KeyFileError, UnlockedKey};
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::path::Path;

/// A passphrase gets three tries (CONTRACT 3).
const TRIES: usize = 3;

/// Finds the key that is to sign, among those that `known` accepts.
pub(super) fn find_key(
    context: &Context,
    named: Option<&Path>,
    known: &dyn Fn(&PublicKey) -> bool,
) -> Result<Key, Failure> {
    let environment = &context.environment;
    let ssh_directory = environment.ssh_directory();
    Ok(signer::find_key(named, environment.ssh_auth_sock.as_deref(), ssh_directory.as_deref(), known)?)
}

/// The parts that every statement of this ledger names.
pub(super) fn common(ledger: &Ledger, head: &Head, person: &str, now: &Moment) -> Result<Common, Failure> {
    Ok(Common {
        origin: ledger.genesis().origin.clone(),
        ledger: ledger.genesis().ledger.clone(),
        nonce: signer::nonce()?,
        seen: head.seen(),
        at: now.wall,
        person: person.to_owned(),
    })
}

/// Has the person type the word, and sign.
pub(super) fn confirm_and_sign<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    authorization: Authorization<V>,
) -> Result<Confirmed<V>, Failure> {
    let typed = terminal.confirm(authorization)?;
    let unlocked = unlock(terminal, key)?;
    if unlocked.waits_for_touch() {
        terminal.say("Touch your security key now.")?;
    }
    Ok(unlocked.sign(typed)?)
}

fn unlock(terminal: &mut Terminal, key: &Key) -> Result<UnlockedKey, Failure> {
    let locked =
        |error: KeyFileError| Failure::new(Kind::NotConfirmed, error.to_string()).cause("key-not-unlocked");
    let Some(path) = key.needs_passphrase() else { return key.unlock(None).map_err(locked) };
    for left in (0..TRIES).rev() {
        let passphrase = terminal.passphrase(path)?;
        match key.unlock(Some(&passphrase)) {
            Err(KeyFileError::WrongPassphrase { .. }) if left > 0 => {
                terminal.say("That is not its passphrase.")?
            }
            Err(error @ KeyFileError::WrongPassphrase { .. }) => {
                return Err(locked(error).cause("wrong-passphrase"));
            }
            other => return other.map_err(locked),
        }
    }
    Err(Failure::new(Kind::NotConfirmed, "no passphrase was given").cause("wrong-passphrase"))
}
