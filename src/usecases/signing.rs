//! From an authorization to a signed statement: typed confirmation, passphrase, signature.

use crate::core::authorization::Authorization;
use crate::core::moment::Moment;
use crate::core::playbook::Touch;
use crate::core::policy;
use crate::core::public_key::PublicKey;
use crate::core::roster::Roster;
use crate::core::statement::{Common, Verb};
use crate::ports::belongings::Keygen;
use crate::ports::ledger::{Head, Ledger};
use crate::ports::signer::{
    self, Confirmed, FindError, Gesture, Key, KeyFileError, Keyring, TOUCH_WITHIN, UnlockedKey,
};
use crate::ports::terminal::{Abandoned, NotConfirmed, Terminal, TerminalError, Typed};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::ops::ControlFlow;
use std::path::Path;

/// A passphrase gets three tries (CONTRACT 3).
const TRIES: usize = 3;

/// Finds the key that is to sign, among those that `wanted` accepts.
fn find_key(
    context: &Context,
    named: Option<&Path>,
    wanted: &dyn Fn(&PublicKey) -> bool,
) -> Result<Key, FindError> {
    let environment = &context.environment;
    // Under sudo `HOME` may be root's, or anything: the caller's is what the user database says.
    let ssh_directory = match environment.sudo {
        Some(_) => context.belongings.caller_ssh_directory(),
        None => environment.ssh_directory(),
    };
    let keyring = Keyring {
        belongings: &context.belongings,
        agent_socket: environment.ssh_auth_sock.as_deref(),
        ssh_dir: ssh_directory.as_deref(),
        keygen: &|| keygen(context),
    };
    signer::find_key(&keyring, named, wanted)
}

/// The host's `ssh-keygen`, if nobody else could have put it there.
fn keygen(context: &Context) -> Result<Keygen, String> {
    let program = context.trust.program("ssh-keygen").map_err(|error| error.to_string())?;
    let program = program.strict().map_err(|distrust| distrust.to_string())?;
    let environment = &context.environment;
    let provider = environment.ssh_sk_provider.as_deref();
    Ok(context.belongings.keygen(program.path(), environment.home.as_deref(), provider))
}

/// The person who acts, by the key that is to sign: it must be valid and able to assert the touch
/// that is demanded, and where the roster binds that person to an OS user, this must be that one.
/// `who` is told as soon as it is known.
pub(super) fn find_person(
    context: &Context,
    named: Option<&Path>,
    roster: &Roster,
    demanded: Touch,
    now: &Moment,
    who: &mut Option<String>,
) -> Result<(String, Key), Failure> {
    let known = |key: &PublicKey| roster.person_by_key(key).is_some();
    let fits = |key: &PublicKey| known(key) && policy::judge_key(demanded, key).is_ok();
    let key = match find_key(context, named, if named.is_some() { &known } else { &fits }) {
        // Nothing that fits: a key of the roster that does not tells better what is missing.
        Err(none @ FindError::None { .. }) => find_key(context, None, &known).map_err(|_| none),
        found => found,
    }?;
    let person = roster.person_by_key(key.public());
    let (person, bound) =
        person.map(|person| (person.name.clone(), person.os_user.clone())).unwrap_or_default();
    *who = Some(person.clone());
    if !roster.valid_at(key.public(), now.wall) {
        return Err(Failure::new(Kind::NotConfirmed, format!("{person}'s key is no longer valid"))
            .hint("use another key (`--key FILE`), or an admin registers a later `valid-before`")
            .cause("key-expired"));
    }
    policy::judge_key(demanded, key.public())?;
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

/// Has the person type the word, and sign; the signature must assert the touch that is demanded.
pub(super) fn confirm_and_sign<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    demanded: Touch,
    authorization: Authorization<V>,
) -> Result<Confirmed<V>, Failure> {
    confirm_and_sign_again(terminal, key, &mut None, demanded, authorization)
}

/// The same, one of several in a row: a passphrase is asked for once, the word each time.
pub(super) fn confirm_and_sign_again<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    unlocked: &mut Option<UnlockedKey>,
    demanded: Touch,
    authorization: Authorization<V>,
) -> Result<Confirmed<V>, Failure> {
    let typed = terminal.confirm(authorization)?;
    sign_typed(terminal, key, unlocked, demanded, typed)
}

/// The same, while something else may decide: `None` as soon as `over` says so.
pub(super) fn confirm_and_sign_unless<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    demanded: Touch,
    authorization: Authorization<V>,
    over: &mut dyn FnMut() -> bool,
) -> Result<Option<Confirmed<V>>, Failure> {
    match terminal.confirm_unless(authorization, over) {
        Ok(typed) => sign_typed(terminal, key, &mut None, demanded, typed).map(Some),
        Err(NotConfirmed::Terminal(TerminalError::Abandoned(Abandoned::Overtaken))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn sign_typed<V: Verb>(
    terminal: &mut Terminal,
    key: &Key,
    unlocked: &mut Option<UnlockedKey>,
    demanded: Touch,
    typed: Typed<V>,
) -> Result<Confirmed<V>, Failure> {
    let unlocked = match unlocked {
        Some(unlocked) => unlocked,
        None => unlocked.insert(unlock(terminal, key)?),
    };
    let confirmed = sign(terminal, unlocked, typed)?;
    policy::judge_touch(demanded, confirmed.touched())?;
    Ok(confirmed)
}

/// Signs, and shows what the person has to do meanwhile; Ctrl-C abandons it.
fn sign<V: Verb>(
    terminal: &mut Terminal,
    unlocked: &UnlockedKey,
    typed: Typed<V>,
) -> Result<Confirmed<V>, Failure> {
    let gesture = unlocked.gesture();
    let lends = gesture == Gesture::AsAsked;
    if lends {
        // It has the terminal to itself: a countdown would write over its prompts.
        terminal.say(&format!(
            "ssh-keygen asks for your security key now: its PIN, then a touch; within {} s.",
            TOUCH_WITHIN.as_secs()
        ))?;
    }
    let mut wait = if lends { terminal.lend()? } else { terminal.wait()? };
    let mut gave_up = None;
    let signed = unlocked.sign(typed, &mut |left| {
        let line = match gesture {
            Gesture::Touch => format!("Touch your security key now ({} s left)", left.as_secs_f32().ceil()),
            Gesture::None | Gesture::AsAsked => String::new(),
        };
        match wait.turn(&line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                gave_up = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    drop(wait);
    match gave_up {
        Some(error) => Err(error.into()),
        None => Ok(signed?),
    }
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
