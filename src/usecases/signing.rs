//! From an authorization to a signed statement: typed confirmation, passphrase, signature.

use crate::core::authorization::Authorization;
use crate::core::moment::Moment;
use crate::core::public_key::PublicKey;
use crate::core::roster::Roster;
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
    // Under sudo `HOME` may be root's, or anything: the caller's is what the user database says.
    let ssh_directory = match environment.sudo {
        Some(_) => context.belongings.caller_ssh_directory(),
        None => environment.ssh_directory(),
    };
    let agent = environment.ssh_auth_sock.as_deref();
    Ok(signer::find_key(&context.belongings, named, agent, ssh_directory.as_deref(), known)?)
}

/// The person who acts, by the key that is to sign: it must be valid, and where the roster binds
/// that person to an OS user, this must be that one. `who` is told as soon as it is known.
pub(super) fn find_person(
    context: &Context,
    named: Option<&Path>,
    roster: &Roster,
    now: &Moment,
    who: &mut Option<String>,
) -> Result<(String, Key), Failure> {
    let key = find_key(context, named, &|key| roster.person_by_key(key).is_some())?;
    let person = roster.person_by_key(key.public());
    let (person, bound) =
        person.map(|person| (person.name.clone(), person.os_user.clone())).unwrap_or_default();
    *who = Some(person.clone());
    if !roster.valid_at(key.public(), now.wall) {
        return Err(Failure::new(Kind::NotConfirmed, format!("{person}'s key is no longer valid"))
            .hint("use another key (`--key FILE`), or an admin registers a later `valid-before`")
            .cause("key-expired"));
    }
    let here = context.os_user();
    match bound {
        Some(bound) if bound != here => Err(Failure::new(
            Kind::Refused,
            format!("{person} is bound to the OS user {bound}; this is {here}"),
        )
        .hint(format!("log in as {bound}"))
        .cause("other-os-user")),
        _ => Ok((person, key)),
    }
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
    confirm_and_sign_again(terminal, key, &mut None, authorization)
}

/// The same, one of several in a row: a passphrase is asked for once, the word each time.
pub(super) fn confirm_and_sign_again<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    unlocked: &mut Option<UnlockedKey>,
    authorization: Authorization<V>,
) -> Result<Confirmed<V>, Failure> {
    let typed = terminal.confirm(authorization)?;
    let unlocked = match unlocked {
        Some(unlocked) => unlocked,
        None => unlocked.insert(unlock(terminal, key)?),
    };
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
