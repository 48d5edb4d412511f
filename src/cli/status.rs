//! `status`.

use super::args::Format;
use super::{exit, screen};
use crate::core::id::GrantId;
use crate::ports::clock;
use crate::ports::ledger::Which;
use crate::reading::{acts, drills, hotfixes, sessions, status};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::playbooks;
use std::time::Duration;

/// Which grants the command line asks for.
pub(super) fn which(grant: Option<GrantId>, all: bool) -> Which {
    match (grant, all) {
        (Some(grant), _) => Which::One(grant.to_string()),
        (None, true) => Which::All,
        (None, false) => Which::Current,
    }
}

pub(super) fn run(context: &Context, which: &Which, check: bool, format: Format) -> anyhow::Result<u8> {
    let moment = clock::now()?;
    let now = moment.wall;
    let ledger = context.ledger_to_read()?;
    let rows = ledger.grants(which).map_err(Failure::from)?;
    // What waits for signatures is no reason not to show what is open (P12).
    let acts = ledger.acts(&moment).unwrap_or_else(|error| {
        screen::talk(&format!("WARNING: what waits for signatures can't be told: {error}"));
        Vec::new()
    });
    let hotfixes = ledger.hotfixes(&moment).unwrap_or_else(|error| {
        screen::talk(&format!("WARNING: hotfixes can't be told: {error}"));
        Vec::new()
    });
    let running = ledger.running().unwrap_or_else(|error| {
        screen::talk(&format!("WARNING: sessions can't be told: {error}"));
        Vec::new()
    });
    match (format, which, rows.first()) {
        (Format::Json, _, _) => screen::json(&status::to_json(&rows, &running, &acts, &hotfixes, now)),
        (_, Which::One(_), Some(row)) => screen::data(&status::to_story(row, &running, now)),
        (_, Which::One(id), None) => {
            let failure = Failure::new(Kind::Refused, format!("there is no grant {id}"));
            return Err(failure.hint("`glass status --all` lists them").into());
        }
        _ => {
            screen::data(&status::to_table(&rows, now, screen::width()));
            screen::data(&sessions::after_table(&running, now, screen::width()));
            screen::data(&acts::to_table(&acts, now, screen::width()));
            screen::data(&hotfixes::to_table(&hotfixes, now, screen::width()));
            if let Some(recovery) = ledger.recovery().map_err(Failure::from)? {
                screen::data(&acts::recovery_line(&recovery, now));
            }
            // Rehearsals are no reason not to show what is open (P12).
            match playbooks::drills(context) {
                Ok(scopes) => screen::data(&drills::overdue_lines(&scopes, now)),
                Err(failure) => screen::talk(&format!("WARNING: drills can't be told: {failure}")),
            }
        }
    }
    let attention = check && status::needs_attention(&rows, now);
    Ok(if attention { exit::code(Kind::Attention) } else { exit::DONE })
}

/// Shows it again and again; Ctrl-C ends it.
pub(super) fn watch(context: &Context, which: &Which, format: Format) -> anyhow::Result<u8> {
    if !screen::is_terminal() || format != Format::Table {
        let failure = Failure::new(Kind::Usage, "`--watch` is for a person at a screen");
        return Err(failure.hint("a program polls `glass status --format json`").into());
    }
    loop {
        screen::clear();
        run(context, which, false, format)?;
        std::thread::sleep(Duration::from_secs(1));
    }
}
