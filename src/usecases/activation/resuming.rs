//! `activate --resume`: going on with one's own request in another process, with a fresh
//! confirmation.

use super::preflight;
use super::waiting::{Consent, gone, wait};
use super::{Activated, Known, Wish, hold, open, questions, take_lock};
use crate::core::grant::Grant;
use crate::core::policy;
use crate::ports::clock;
use crate::ports::ledger::Ledger;
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign};

pub(super) fn resume(
    context: &Context,
    mut terminal: Terminal,
    mut ledger: Ledger,
    wish: &Wish,
    id: &str,
    known: &mut Known,
) -> Result<Activated, Failure> {
    let grant = ledger.lapse(id, &clock::now()?).map_err(|_| {
        Failure::new(Kind::Refused, format!("there is no grant {id}"))
            .hint("`glass status` shows what waits")
            .cause("no-such-grant")
    })?;
    let ready = preflight::refuse(context, &ledger, wish, Some(&grant), known)?;
    policy::judge_requester(&grant, &ready.person)?;
    judge_scope(&grant, &ready.address)?;
    if grant.registered != Some(ready.registered.seq()) {
        return Err(policy::Refusal::RegistrationChanged.into());
    }
    let mut lock = take_lock(context, id)?;
    questions::summary(context, &mut terminal, &ready)?;
    for given in &grant.approvals {
        terminal.say(&format!("  {} has signed.", given.person))?;
    }
    let pending = ledger.pending(id)?.ok_or_else(|| gone(&grant))?;
    let (now, head) = (clock::now()?, ledger.check_head()?);
    let alone = grant.missing() > 0 && policy::judge_alone(&grant, &now).is_ok();
    match (grant.missing(), alone) {
        (0, _) => terminal.say("Everyone signed: confirmed by you once more, it opens.")?,
        (missing, true) => terminal.say(&format!(
            "{missing} signatures are missing. The wait is over: confirmed by you, it opens ALONE, marked as such."
        ))?,
        (missing, false) => terminal.say(&format!(
            "{missing} signatures are missing: confirmed by you, it is waited for here."
        ))?,
    }
    let common = common(&ledger, &head, &ready.person, &now)?;
    let authorization = policy::authorize_resumption(&grant, &pending.asked(), alone, &common, &now)?;
    let demanded = policy::touch_to_resume(ready.scope(), &grant, alone);
    let confirmed = confirm_and_sign(&mut terminal, &ready.key, demanded, authorization)?;

    let held = hold()?;
    let now = clock::now()?;
    lock.extend(&now, now.boot_ms + super::RECORDING_MS)?;
    let resumed = ledger.record_resumption(&confirmed, &now)?;
    let consent = wait(&mut terminal, &mut ledger, &ready, id, &mut lock)?;
    drop(terminal);
    match consent {
        Consent::Given => open(context, ledger, &ready, &resumed, lock, &held),
        Consent::Alone(alone) => open(context, ledger, &ready, &alone, lock, &held),
    }
}

fn judge_scope(grant: &Grant, address: &str) -> Result<(), Failure> {
    if grant.scope == address {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, format!("{} was asked for {}, not for {address}", grant.id, grant.scope))
        .hint(format!("`glass activate {} --resume {}`", grant.scope, grant.id))
        .cause("other-scope"))
}
