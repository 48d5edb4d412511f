//! Ending other people's grants: one after the other, each under a signature.

use super::{Ending, close_patiently, held};
use crate::core::playbook::Touch;
use crate::core::policy;
use crate::ports::clock;
use crate::ports::ledger::{Cause, Ledger, Plans};
use crate::ports::signer::UnlockedKey;
use crate::ports::terminal::Terminal;
use crate::reading::time::near;
use crate::usecases::context::Context;
use crate::usecases::desk::{Desk, Known, find, recording};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::confirm_and_sign_again;
use std::path::Path;
use std::sync::Mutex;

/// Whether who runs this ends the grant without a signature: real root, and cron, end all of
/// them; so does whoever can run a personal home; under sudo, who asked for it.
pub(super) fn is_free(context: &Context, ledger: Option<&Ledger>, grant: &str) -> bool {
    if context.environment.sudo.is_none() {
        return true;
    }
    let Some((_, uid)) = context.belongings.caller() else { return false };
    // A ledger that can't be read, or does not know it, is no reason to make that harder: the plan
    // was written by root.
    let asked = ledger.and_then(|ledger| ledger.asked_by(grant).ok().flatten()).or_else(|| {
        let plan = Plans::without_ledger(&context.place.open).read(grant);
        plan.ok().flatten().and_then(|plan| plan.os_uid)
    });
    uid == 0 || asked == Some(u64::from(uid))
}

/// Who signs for each of them; found once.
#[derive(Default)]
struct Signer {
    desk: Option<Desk>,
    /// Once a passphrase was given, it is good for the grants that follow.
    unlocked: Option<UnlockedKey>,
}

/// Ends them, as far as they are signed for; gives each with what became of it.
pub(super) fn end(
    context: &Context,
    ledger: Option<&Mutex<Ledger>>,
    grants: Vec<String>,
    key: Option<&Path>,
) -> Vec<super::revoke::Revoked> {
    let (mut signer, mut gave_up) = (Signer::default(), false);
    let mut end = |grant: &str| {
        if gave_up {
            return Err(Failure::new(
                Kind::NotConfirmed,
                format!("{grant} was not asked for: it stays open"),
            )
            .hint(format!("glass revoke {grant}")));
        }
        let ledger = ledger.ok_or_else(|| unsignable(grant, "the ledger can't be used"))?;
        recording(context, "revoke", |known| signer.sign(context, ledger, grant, key, known)).inspect_err(
            |failure| {
                let wrong = ["wrong-confirmation", "empty-confirmation"].contains(&failure.cause);
                gave_up = failure.kind == Kind::NotConfirmed && !wrong;
            },
        )?;
        close_patiently(context, Some(ledger), grant, Cause::Revoked, Some(&context.by()))
    };
    grants
        .into_iter()
        .map(|grant| {
            let ending: Result<Ending, Failure> = end(&grant);
            (grant, ending)
        })
        .collect()
}

fn unsignable(grant: &str, why: &str) -> Failure {
    Failure::new(Kind::Refused, format!("{grant} is not yours, and {why}: nobody can sign for its end"))
        .hint("root and cron close it without: `glass expire` when it is due, `glass revoke` now")
        .cause("not-signable")
}

impl Signer {
    /// Has one grant's end signed, and records that.
    fn sign(
        &mut self,
        context: &Context,
        ledger: &Mutex<Ledger>,
        grant: &str,
        key: Option<&Path>,
        known: &mut Known,
    ) -> Result<(), Failure> {
        if held(ledger).grant(grant)?.is_none() {
            return Err(unsignable(grant, "the ledger does not know it"));
        }
        let case = find(&held(ledger), grant, known)?;
        let desk = match &mut self.desk {
            Some(desk) => desk,
            None => {
                let terminal = Terminal::open().map_err(|error| {
                    let Failure { kind, what, cause, .. } = error.into();
                    Failure::new(
                        kind,
                        format!("{grant} is {}'s, and its end must be signed: {what}", case.grant().person),
                    )
                    .hint(format!("at a terminal: glass revoke {grant}"))
                    .cause(cause)
                })?;
                self.desk.insert(Desk::open(context, terminal, &held(ledger), key, Touch::Off, known)?)
            }
        };
        known.person = Some(desk.person.clone());
        let head = held(ledger).check_head()?;
        let common = desk.common(&held(ledger), &head)?;
        let authorization = policy::authorize_revocation(case.grant(), &case.scope, &desk.roster, &common)?;
        let now = clock::now()?.wall;
        desk.terminal.say(&format!("REVOKE  {grant}  {}", case.grant().scope))?;
        desk.terminal.say(&format!("  {}", case.scope.title))?;
        desk.row("whose", &format!("{}, not yours: your signature ends it", case.grant().person))?;
        if let Some(deadline) = case.grant().deadline() {
            desk.row("until", &format!("now, not {}", near(deadline.wall, now)))?;
        }
        desk.terminal.say("")?;
        let confirmed = confirm_and_sign_again(
            &mut desk.terminal,
            &desk.key,
            &mut self.unlocked,
            Touch::Off,
            authorization,
        )?;
        held(ledger).record_revocation(&confirmed, &clock::now()?)?;
        Ok(())
    }
}
