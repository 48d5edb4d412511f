//! `register --hotfix`: at 03:00 a registered command is wrong. Two people of the scope mend it for
//! one grant; no admin is needed, and nothing else may change.

use super::changes::{changes, push_diff};
use super::{Draft, parse, read_drafts};
use crate::core::playbook::Touch;
use crate::core::policy::{self, Circle, HotfixRefusal, Mending};
use crate::core::statement::{Hotfix, Verb};
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::ledger::{Ledger, PendingAct, Refusal, Registered, RegisteredFile, Signed, is_playbook};
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::cosigning::{Desk, say_what_waits};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign, find_person};
use std::path::Path;

/// What was found out before a refusal.
#[derive(Default)]
struct Known {
    person: Option<String>,
    scope: Option<String>,
}

/// Signs the mended draft of one playbook; another person of the scope must sign it too. What is
/// refused or abandoned is recorded.
pub fn propose(context: &Context, key: Option<&Path>) -> Result<Signed, Failure> {
    let mut known = Known::default();
    attempt(context, key, &mut known).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb: Hotfix::NAME,
                cause: failure.cause,
                person: known.person.clone(),
                by: context.by(),
                scope: known.scope.clone(),
            });
        }
    })
}

fn attempt(context: &Context, key: Option<&Path>, known: &mut Known) -> Result<Signed, Failure> {
    let mut terminal = Terminal::open()?;
    let mut ledger = context.ledger_to_open()?;
    let head = ledger.check_head()?;
    let registered = ledger.registered()?.ok_or_else(|| {
        Failure::new(Kind::Refused, "nothing is registered yet: there is no playbook to mend")
            .hint("an admin runs `glass register`")
            .cause("nothing-registered")
    })?;
    let drafts = read_drafts(context)?;
    let draft = only_change(&registered, &drafts)?;
    let (_, playbooks) = parse(&drafts)?;
    // Settings come first among the drafts, and are no playbook.
    let at = drafts.iter().skip(1).position(|other| other.path == draft.path);
    let (before, after) = before(&registered, &draft.path)
        .zip(at.and_then(|at| playbooks.get(at)))
        .ok_or(HotfixRefusal::Nothing)?;
    let mended = policy::judge_mend(before, after)?;
    let address = after.address(mended);
    known.scope = Some(address.clone());

    let now = clock::now()?;
    let (person, key) = find_person(context, key, registered.roster(), Touch::Off, &now, &mut known.person)?;
    // The scope as it is registered says who: that is no part of what may be mended.
    let circle = Circle::of_scope(mended, registered.roster(), now.wall);
    let common = common(&ledger, &head, &person, &now)?;
    let sha512 = draft.sha512();
    let mending =
        Mending { address: &address, path: &draft.path, sha512: &sha512, previous: registered.seq() };
    let authorization = policy::authorize_hotfix(&circle, mended, &mending, &common)?;
    for line in changes(Some(&registered), &drafts) {
        terminal.say(&line)?;
    }
    say_what_it_is(&mut terminal, &address)?;
    say_what_waits(&mut terminal, Hotfix::NAME, circle.needed() - 1, &circle.others(&[], Some(&person)))?;
    let confirmed = confirm_and_sign(&mut terminal, &key, Touch::Off, authorization)?;
    Ok(ledger.sign_hotfix(&confirmed, Some(draft.text.as_bytes()), &clock::now()?)?)
}

/// The one draft that differs from what is registered.
fn only_change<'a>(registered: &Registered, drafts: &'a [Draft]) -> Result<&'a Draft, HotfixRefusal> {
    let is_same = |draft: &Draft| {
        let sha512 = draft.sha512();
        registered.files().any(|file| file.path == draft.path && file.sha512 == sha512)
    };
    let changed: Vec<&Draft> = drafts.iter().filter(|draft| !is_same(draft)).collect();
    let is_gone = |file: &&RegisteredFile| {
        is_playbook(&file.path) && !drafts.iter().any(|draft| draft.path == file.path)
    };
    let mut others: Vec<String> = registered.files().filter(is_gone).map(|file| escape(&file.path)).collect();
    others.extend(changed.iter().map(|draft| escape(&draft.path)));
    match (&changed[..], others.len()) {
        ([], 0) => Err(HotfixRefusal::Nothing),
        ([draft], 1) if before(registered, &draft.path).is_some() => Ok(draft),
        _ => Err(HotfixRefusal::OtherFiles { files: others }),
    }
}

fn before<'a>(registered: &'a Registered, path: &str) -> Option<&'a crate::core::playbook::Playbook> {
    let found = registered.playbooks().iter().find(|before| before.file.path == path);
    found.map(|before| &before.playbook)
}

fn say_what_it_is(terminal: &mut Terminal, address: &str) -> Result<(), Failure> {
    terminal.say(&format!(
        "HOTFIX of {}: for one activation within 24 hours. No admin signs it; whoever signs it can't review \
         that use.",
        escape(address)
    ))?;
    Ok(())
}

/// A hotfix that waits counts only beside what was registered when it was proposed.
pub(in crate::usecases) fn judge_fresh(ledger: &Ledger, act: &PendingAct) -> Result<(), Failure> {
    let latest = ledger.registered()?.map_or(0, |registered| registered.seq());
    Ok(policy::judge_previous(act.proposed.signed_u64("previous"), latest)?)
}

/// Another person of the scope signs it, after the same look at it.
pub(in crate::usecases) fn second(desk: &mut Desk) -> Result<Signed, Failure> {
    let mended = desk.ledger.to_mend(&desk.act)?;
    let registered = desk.ledger.registered()?;
    let authorization = desk.authorize::<Hotfix>()?;
    if let Some(terminal) = &mut desk.terminal {
        let before = registered.iter().flat_map(Registered::files).find(|file| file.path == mended.path);
        let text = |file: &RegisteredFile| String::from_utf8_lossy(&file.bytes).into_owned();
        let mut lines = Vec::new();
        push_diff(&mut lines, &mended.path, before.map(text).as_deref(), Some(&text(&mended)));
        for line in lines {
            terminal.say(&line)?;
        }
        say_what_it_is(terminal, desk.act.proposed.signed_str("scope").unwrap_or_default())?;
    }
    let confirmed = desk.confirm(authorization)?;
    Ok(desk.ledger.sign_hotfix(&confirmed, None, &clock::now()?)?)
}
