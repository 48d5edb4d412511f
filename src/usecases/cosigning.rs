//! What the verbs share that several people sign: the next of them at work, and what waits.

use crate::core::authorization::Authorization;
use crate::core::moment::Moment;
use crate::core::playbook::Touch;
use crate::core::policy;
use crate::core::roster::Roster;
use crate::core::sshsig::{Sshsig, SshsigError};
use crate::core::statement::{Cosigned, Verb};
use crate::core::text::escape;
use crate::ports::ledger::{Ledger, PendingAct};
use crate::ports::signer::{Confirmed, Key};
use crate::ports::terminal::Terminal;
use crate::reading::acts;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::confirm_and_sign;
use std::path::Path;

/// Most bytes of a signature in armor.
const LONGEST: usize = 64 * 1024;

/// The next person at work on one act.
pub(super) struct Desk {
    /// None where the signature was made elsewhere.
    pub(super) terminal: Option<Terminal>,
    pub(super) ledger: Ledger,
    pub(super) act: PendingAct,
    pub(super) person: String,
    pub(super) means: Means,
}

/// How that person signs.
pub(super) enum Means {
    Key(Box<Key>),
    Signature(Box<Sshsig>),
}

impl Desk {
    /// Who proposed what, who signed, and what this signature will make of it.
    pub(super) fn say_whose(&mut self, now: &Moment) -> Result<(), Failure> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        for line in acts::to_lines(&self.act, now.wall) {
            terminal.say(&line)?;
        }
        let after = self.act.missing().saturating_sub(1);
        if after > 0 {
            let others = self.act.circle.others(&self.act.signed, Some(&self.person));
            return say_what_waits(terminal, self.act.verb(), after, &others);
        }
        Ok(terminal.say("With your signature it takes effect.")?)
    }

    /// The statement that was signed before, if this person may sign it too.
    pub(super) fn authorize<V: Verb>(&self) -> Result<Authorization<V>, Failure> {
        let PendingAct { id, signed, circle, line, .. } = &self.act;
        Ok(policy::authorize_another(circle, id.as_str(), line, signed, &self.person)?)
    }

    /// Has it typed and signed, or takes the signature that was made elsewhere.
    pub(super) fn confirm<V: Cosigned>(
        &mut self,
        authorization: Authorization<V>,
    ) -> Result<Confirmed<V>, Failure> {
        match (&self.means, &mut self.terminal) {
            (Means::Key(key), Some(terminal)) => confirm_and_sign(terminal, key, Touch::Off, authorization),
            (Means::Signature(sshsig), _) => Confirmed::elsewhere(authorization, sshsig).map_err(unsound),
            (Means::Key(_), None) => Err(Failure::new(Kind::NotConfirmed, "no terminal to ask a person at")),
        }
    }
}

/// Says to who signs now how many others must, and what they type.
pub(super) fn say_what_waits(
    terminal: &mut Terminal,
    verb: &str,
    more: usize,
    others: &[String],
) -> Result<(), Failure> {
    terminal.say(&format!(
        "It takes effect when {more} more of {} signed it too: within 24 hours, by `glass approve p-…`, \
         where they type `{}`.",
        others.join(", "),
        policy::confirmation(verb)
    ))?;
    Ok(())
}

/// A signature that was made elsewhere, and is not the one that is wanted.
pub(super) fn unsound(error: SshsigError) -> Failure {
    Failure::new(Kind::NotConfirmed, error.to_string())
        .hint("sign what `glass request export ID` prints, without changing a byte")
        .cause("bad-signature")
}

/// Reads a signature that was made elsewhere; whose it is, and of what, is not known yet.
pub(super) fn read_signature(context: &Context, file: &Path) -> Result<Sshsig, Failure> {
    let shown = escape(&file.to_string_lossy());
    let bytes = context.belongings.read(file, LONGEST).map_err(|error| {
        Failure::new(Kind::NotConfirmed, format!("{shown}: {error}")).cause("no-signature")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    Sshsig::from_armor(&text).map_err(unsound)
}

/// The person whose valid key signed.
pub(super) fn whose(
    sshsig: &Sshsig,
    roster: &Roster,
    now: &Moment,
    who: &mut Option<String>,
) -> Result<String, Failure> {
    let fingerprint = sshsig.key().fingerprint();
    let person = roster.person_by_key(sshsig.key()).ok_or_else(|| {
        Failure::new(Kind::NotConfirmed, format!("the key {fingerprint} that signed is not in the roster"))
            .hint("sign with a key of the roster")
            .cause("key-not-in-roster")
    })?;
    *who = Some(person.name.clone());
    match roster.valid_at(sshsig.key(), now.wall) {
        true => Ok(person.name.clone()),
        false => Err(Failure::new(Kind::NotConfirmed, format!("{}'s key is no longer valid", person.name))
            .hint("sign with another key, or an admin registers a later `valid-before`")
            .cause("key-expired")),
    }
}
