//! `approve`, `deny`, `withdraw`: what people answer to a request that waits (P6).
//!
//! Refuse what can be refused; show what the requester saw, and who asks; have it typed and
//! signed; record. Nothing opens here: the requester's own process does that.

pub mod request;

use crate::core::grant::Grant;
use crate::core::id::GrantId;
use crate::core::playbook::Touch;
use crate::core::policy::{self, Approver};
use crate::core::roster::Roster;
use crate::core::statement::Common;
use crate::ports::clock;
use crate::ports::ledger::{Ledger, Pending};
use crate::ports::signer::{Confirmed, Key};
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::cosigning::{read_signature, unsound, whose};
use crate::usecases::desk::{Known, recording};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign, find_person};
use std::path::Path;

/// An answer that is in the ledger.
#[derive(Debug)]
pub struct Answered {
    /// Who gave it.
    pub person: String,
    /// The grant after it.
    pub grant: Grant,
}

/// Consents to another person's request; with a signature that was made elsewhere, nothing is
/// asked: the signature is the consent.
pub fn approve(
    context: &Context,
    id: &GrantId,
    key: Option<&Path>,
    signature: Option<&Path>,
) -> Result<Answered, Failure> {
    recording(context, "approve", |known| match signature {
        None => approve_here(context, id, key, known),
        Some(path) => approve_by(context, id, path, known),
    })
}

fn approve_here(
    context: &Context,
    id: &GrantId,
    key: Option<&Path>,
    known: &mut Known,
) -> Result<Answered, Failure> {
    let mut desk = Desk::open(context, id, key, true, known)?;
    let approver = desk.approver()?;
    desk.show()?;
    let authorization = policy::authorize_approval(&approver, &desk.pending.grant, &desk.pending.asked())?;
    let touch = desk.pending.scope.touch;
    let confirmed = confirm_and_sign(&mut desk.terminal, &desk.key, touch, authorization)?;
    desk.ledger.record_approval(&confirmed, &clock::now()?)?;
    desk.answered()
}

fn approve_by(
    context: &Context,
    id: &GrantId,
    signature: &Path,
    known: &mut Known,
) -> Result<Answered, Failure> {
    let sshsig = read_signature(context, signature)?;
    let mut ledger = context.ledger_to_open()?;
    ledger.check_head()?;
    let (roster, now) = (ledger.roster()?, clock::now()?);
    let pending = pending(&mut ledger, id, known)?;
    let person = whose(&sshsig, &roster, &now, &mut known.person)?;
    let approver = Approver::of(&pending.grant, &pending.scope, &roster, &person, &now)?;
    let authorization = policy::authorize_approval(&approver, &pending.grant, &pending.asked())?;
    let confirmed = Confirmed::elsewhere(authorization, &sshsig).map_err(unsound)?;
    policy::judge_touch(pending.scope.touch, confirmed.touched())?;
    ledger.record_approval(&confirmed, &clock::now()?)?;
    answered(&ledger, person, &pending.grant)
}

/// Says no to another person's request.
pub fn deny(context: &Context, id: &GrantId, key: Option<&Path>) -> Result<Answered, Failure> {
    recording(context, "deny", |known| {
        let mut desk = Desk::open(context, id, key, false, known)?;
        let approver = desk.approver()?;
        desk.show()?;
        let common = desk.common()?;
        let authorization =
            policy::authorize_denial(&approver, &desk.pending.grant, &desk.pending.asked(), &common)?;
        desk.terminal.say("You say NO to it: nothing opens, and its requester is told.")?;
        let confirmed = confirm_and_sign(&mut desk.terminal, &desk.key, Touch::Off, authorization)?;
        desk.ledger.record_denial(&confirmed, &clock::now()?)?;
        desk.answered()
    })
}

/// Takes one's own request back.
pub fn withdraw(context: &Context, id: &GrantId, key: Option<&Path>) -> Result<Answered, Failure> {
    recording(context, "withdraw", |known| {
        let mut desk = Desk::open(context, id, key, false, known)?;
        policy::judge_requester(&desk.pending.grant, &desk.person)?;
        let common = desk.common()?;
        let (grant, asked) = (&desk.pending.grant, desk.pending.asked());
        let authorization = policy::authorize_withdrawal(grant, &asked, &common)?;
        desk.terminal.say(&format!("You take back your request for {}.", grant.scope))?;
        let confirmed = confirm_and_sign(&mut desk.terminal, &desk.key, Touch::Off, authorization)?;
        desk.ledger.record_withdrawal(&confirmed, &clock::now()?)?;
        desk.answered()
    })
}

/// A person at a terminal, with a key, the ledger and the request.
struct Desk {
    terminal: Terminal,
    ledger: Ledger,
    roster: Roster,
    pending: Pending,
    person: String,
    key: Key,
}

impl Desk {
    /// `consents` tells whether the key must be able to assert the touch of the scope.
    fn open(
        context: &Context,
        id: &GrantId,
        key: Option<&Path>,
        consents: bool,
        known: &mut Known,
    ) -> Result<Self, Failure> {
        let terminal = Terminal::open()?;
        let mut ledger = context.ledger_to_open()?;
        ledger.check_head()?;
        let roster = ledger.roster()?;
        let pending = pending(&mut ledger, id, known)?;
        let demanded = if consents { pending.scope.touch } else { Touch::Off };
        let now = clock::now()?;
        let (person, key) = find_person(context, key, &roster, demanded, &now, &mut known.person)?;
        Ok(Self { terminal, ledger, roster, pending, person, key })
    }

    fn approver(&self) -> Result<Approver, Failure> {
        let Pending { grant, scope, .. } = &self.pending;
        Ok(Approver::of(grant, scope, &self.roster, &self.person, &clock::now()?)?)
    }

    fn show(&mut self) -> Result<(), Failure> {
        self.terminal.say("")?;
        for line in request::to_lines(&self.pending, &self.roster, &clock::now()?) {
            self.terminal.say(&line)?;
        }
        self.terminal.say("").map_err(Failure::from)
    }

    fn common(&self) -> Result<Common, Failure> {
        common(&self.ledger, &self.ledger.check_head()?, &self.person, &clock::now()?)
    }

    fn answered(self) -> Result<Answered, Failure> {
        answered(&self.ledger, self.person, &self.pending.grant)
    }
}

fn answered(ledger: &Ledger, person: String, before: &Grant) -> Result<Answered, Failure> {
    let grant = ledger.grant(before.id.as_str())?;
    Ok(Answered { person, grant: grant.unwrap_or_else(|| before.clone()) })
}

/// The request of a grant; one whose time is over lapses.
fn pending(ledger: &mut Ledger, id: &GrantId, known: &mut Known) -> Result<Pending, Failure> {
    let none = || {
        Failure::new(Kind::Refused, format!("there is no request {id}"))
            .hint("`glass status` shows what waits")
            .cause("no-such-grant")
    };
    if ledger.grant(id.as_str())?.is_none() {
        return Err(none());
    }
    ledger.lapse(id.as_str(), &clock::now()?)?;
    let pending = ledger.pending(id.as_str())?.ok_or_else(none)?;
    known.scope = Some(pending.grant.scope.clone());
    Ok(pending)
}
