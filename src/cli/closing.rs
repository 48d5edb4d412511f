//! `expire`, `revoke`, `attest`.

use super::{exit, screen, show};
use crate::core::id::GrantId;
use crate::usecases::closing::Ending;
use crate::usecases::closing::attest::{self, Attested};
use crate::usecases::closing::expire::{self, Expired};
use crate::usecases::closing::revoke::{self, Target};
use crate::usecases::context::Context;
use crate::usecases::failure::Kind;
use std::path::Path;

pub(super) fn expire(context: &Context, dry_run: bool) -> anyhow::Result<u8> {
    let expired = expire::expire(context, dry_run)?;
    let each = |grants: &[String], words: &str| {
        for grant in grants {
            screen::data(&format!("{grant} {words}\n"));
        }
    };
    each(&expired.due, "is due");
    each(&expired.closed, "closed");
    each(&expired.unrecorded, "closed; the ledger could not record it yet");
    each(&expired.waiting, "waits until an interrupted step can no longer act");
    each(&expired.interrupted, "interrupted: its glass had died; its recording is bound as it was found");
    for waited in &expired.lapsed {
        screen::data(&format!("{waited} lapsed: not everyone signed in time\n"));
    }
    each(&expired.unrevoked, "UNREVOKED: not proved closed");
    let words = if dry_run {
        "is kept no longer: its recording is due to be deleted"
    } else {
        "recording deleted: it was kept for as long as is registered"
    };
    each(&expired.deleted, words);
    expired.failures.iter().for_each(show);
    if !expired.unrevoked.is_empty() {
        screen::error(
            "  next: see `glass status GRANT`; glass goes on trying, `glass revoke GRANT` tries now",
        );
    }
    Ok(code(&expired))
}

/// Loud as long as anything is not proved closed; a broken ledger is louder still.
fn code(expired: &Expired) -> u8 {
    let worst = expired.failures.iter().map(|failure| failure.kind);
    if let Some(kind) = worst.clone().find(|kind| *kind == Kind::Integrity) {
        return exit::code(kind);
    }
    match expired.unrevoked.is_empty() {
        false => exit::code(Kind::Attention),
        true => worst.map(exit::code).max().unwrap_or(exit::DONE),
    }
}

pub(super) fn revoke(context: &Context, grant: Option<GrantId>, key: Option<&Path>) -> anyhow::Result<u8> {
    let target = grant.map_or(Target::All, Target::Grant);
    let endings = revoke::revoke(context, &target, key)?;
    if endings.is_empty() {
        screen::data("Nothing is open.\n");
    }
    let mut worst = exit::DONE;
    for (grant, ending) in endings {
        let ending = match ending {
            Ok(ending) => ending,
            Err(failure) => {
                show(&failure);
                worst = worst.max(match failure.kind {
                    kind @ (Kind::Refused | Kind::NotConfirmed) => exit::code(kind),
                    _ => exit::code(Kind::Attention),
                });
                continue;
            }
        };
        let (words, code) = match ending {
            Ending::Ended => ("closed, and proved", exit::DONE),
            Ending::EndedUnrecorded => {
                ("closed, and proved; the ledger could not record it yet", exit::code(Kind::Failed))
            }
            Ending::Waiting => {
                ("closing: an interrupted step may still act; proved again shortly", exit::DONE)
            }
            Ending::Unrevoked => {
                ("UNREVOKED: not proved closed; glass goes on trying", exit::code(Kind::Attention))
            }
            Ending::Busy => ("is being worked on by another glass", exit::code(Kind::Attention)),
        };
        screen::data(&format!("{grant} {words}\n"));
        worst = worst.max(code);
    }
    Ok(worst)
}

pub(super) fn attest(context: &Context, grant: &GrantId, key: Option<&Path>) -> anyhow::Result<u8> {
    match attest::attest(context, grant, key)? {
        Attested::Proved => {
            screen::data(&format!("{grant} closed, and proved: there is nothing to attest\n"));
        }
        Attested::Once { person, able } => {
            screen::data(&format!("ATTESTED  {grant} by {person}; a second person must sign it too\n"));
            screen::talk(&match &able[..] {
                [] => {
                    "  next: nobody else may: an admin gives another person a group that may, and registers"
                        .to_owned()
                }
                able => format!("  next: send this to {}: glass attest {grant}", able.join(" or ")),
            });
        }
        Attested::Closed(people) => {
            screen::data(&format!("CLOSED  {grant}, attested by {}\n", people.join(" and ")));
        }
    }
    Ok(exit::DONE)
}
