//! Acts of several people: the next of them looks at what the first saw, and signs the same bytes.

use crate::core::id::ActId;
use crate::core::moment::Moment;
use crate::core::playbook::Touch;
use crate::core::policy::ActRefusal;
use crate::core::statement::{Hotfix, Record, Register, Verb, namespace_of};
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::ledger::{Act, Ledger, PendingAct, Refusal, Signed};
use crate::ports::terminal::Terminal;
use crate::reading::acts;
use crate::usecases::context::Context;
use crate::usecases::cosigning::{Desk, Means, read_signature, whose};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::outside;
use crate::usecases::registration::{self, hotfix};
use crate::usecases::signing::find_person;
use std::path::Path;

/// One more signature that is in the ledger.
#[derive(Debug)]
pub struct Seconded {
    /// The act.
    pub id: ActId,
    /// The verb that was signed.
    pub verb: String,
    /// Who signed.
    pub person: String,
    /// What it made of the act.
    pub signed: Signed,
}

/// Signs an act that waits; with `signature`, made elsewhere over what [`export`] gives, nothing is
/// asked and no terminal is needed. What is refused or abandoned is recorded.
pub fn second(
    context: &Context,
    id: &ActId,
    key: Option<&Path>,
    signature: Option<&Path>,
) -> Result<Seconded, Failure> {
    let mut person = None;
    attempt(context, id, key, signature, &mut person).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb: "approve",
                cause: failure.cause,
                person: person.clone(),
                by: context.by(),
                scope: None,
            });
        }
    })
}

fn attempt(
    context: &Context,
    id: &ActId,
    key: Option<&Path>,
    signature: Option<&Path>,
    who: &mut Option<String>,
) -> Result<Seconded, Failure> {
    let terminal = if signature.is_some() { None } else { Some(Terminal::open()?) };
    let mut ledger = context.ledger_to_open()?;
    ledger.check_head()?;
    let now = clock::now()?;
    lapse(&mut ledger, id, &now)?;
    let act = find(&ledger, id, &now)?;
    let roster = match act.verb() {
        Register::NAME => ledger.registrars()?.roster,
        _ => ledger.roster()?,
    };
    let (person, means) = match signature {
        None => {
            let (person, key) = find_person(context, key, &roster, Touch::Off, &now, who)?;
            (person, Means::Key(Box::new(key)))
        }
        Some(file) => {
            let sshsig = read_signature(context, file)?;
            let person = whose(&sshsig, &roster, &now, who)?;
            (person, Means::Signature(Box::new(sshsig)))
        }
    };
    match act.verb() {
        Register::NAME => registration::judge_fresh(&ledger, &act)?,
        Hotfix::NAME => hotfix::judge_fresh(&ledger, &act)?,
        _ => {}
    }
    act.circle.judge(id.as_str(), &act.signed, &person)?;
    let mut desk = Desk { terminal, ledger, act, person, means };
    desk.say_whose(&now)?;
    let signed = match desk.act.verb() {
        Register::NAME => registration::second(&mut desk)?,
        Hotfix::NAME => hotfix::second(&mut desk)?,
        Record::NAME => outside::second(&mut desk)?,
        verb => {
            return Err(Failure::new(
                Kind::Integrity,
                format!("`{}` is no act of several people", escape(verb)),
            ));
        }
    };
    Ok(Seconded { id: id.clone(), verb: desk.act.verb().to_owned(), person: desk.person, signed })
}

/// An act whose time is over lapses as soon as anybody finds out.
fn lapse(ledger: &mut Ledger, id: &ActId, now: &Moment) -> Result<(), Failure> {
    if ledger.acts_to_lapse(now)?.contains(id) {
        ledger.lapse_act(id, now)?;
    }
    Ok(())
}

fn find(ledger: &Ledger, id: &ActId, now: &Moment) -> Result<PendingAct, Failure> {
    let ended = |state| ActRefusal::NotPending { act: id.to_string(), state }.into();
    match ledger.act(id, now)? {
        Some(Act::Pending(act)) => Ok(*act),
        Some(Act::Done) => Err(ended("done")),
        Some(Act::Lapsed) => Err(ended("lapsed")),
        None => Err(Failure::new(Kind::Refused, format!("there is no act {id}"))
            .hint("`glass status` lists what waits")
            .cause("no-such-act")),
    }
}

/// The acts that wait.
pub fn pending(context: &Context) -> Result<Vec<PendingAct>, Failure> {
    Ok(context.ledger_to_read()?.acts(&clock::now()?)?)
}

/// Exactly the bytes that are signed: to be given to `ssh-keygen -Y sign`, and back by `--signature`.
pub fn export(context: &Context, id: &ActId) -> Result<String, Failure> {
    let act = find(&context.ledger_to_read()?, id, &clock::now()?)?;
    Ok(act.line + "\n")
}

/// What waits, for whom, until when; and how it is signed elsewhere.
pub fn show(context: &Context, id: &ActId) -> Result<String, Failure> {
    let now = clock::now()?;
    let act = find(&context.ledger_to_read()?, id, &now)?;
    let namespace = namespace_of(act.verb()).unwrap_or_default();
    let mut lines = acts::to_lines(&act, now.wall);
    lines.push(format!("  to sign    glass approve {id}"));
    lines.push(format!(
        "  elsewhere  glass request export {id} > FILE; ssh-keygen -Y sign -n {namespace} -f KEY FILE; \
         glass approve {id} --signature FILE.sig"
    ));
    Ok(lines.join("\n") + "\n")
}
