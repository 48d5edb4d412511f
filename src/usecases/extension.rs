//! `extend`: the requester's own grant ends later, within what was registered for it (P2).
//!
//! Refuse what can be refused; show; have it typed and signed; record; then the plan, which the
//! watchdog reads each second, gets the new end.

use crate::core::duration::Seconds;
use crate::core::id::GrantId;
use crate::core::moment::parse_rfc3339;
use crate::core::policy::{self, Denied};
use crate::ports::clock;
use crate::ports::ledger::GrantLock;
use crate::ports::terminal::Terminal;
use crate::reading::time::near;
use crate::usecases::context::Context;
use crate::usecases::desk::{Desk, Known, find, recording, wait_for_lock};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::confirm_and_sign;
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
#[derive(Debug)]
pub struct Wish {
    /// The grant.
    pub grant: GrantId,
    /// By how long.
    pub length: Seconds,
    /// The key that signs.
    pub key: Option<PathBuf>,
}

/// A grant that ends later.
#[derive(Debug)]
pub struct Extended {
    /// The grant.
    pub grant: String,
    /// `playbook/scope`.
    pub scope: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// By how long.
    pub length: Seconds,
}

/// Between two looks the watchdog holds the lock for a moment; a closing holds it for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Extends a grant; what is refused or abandoned is recorded.
pub fn extend(context: &Context, wish: &Wish) -> Result<Extended, Failure> {
    recording(context, "extend", |known| attempt(context, wish, known))
}

fn attempt(context: &Context, wish: &Wish, known: &mut Known) -> Result<Extended, Failure> {
    let terminal = Terminal::open()?;
    let mut ledger = context.ledger_to_open()?;
    let head = ledger.check_head()?;
    let case = find(&ledger, wish.grant.as_str(), known)?;
    let key = wish.key.as_deref();
    let mut desk = Desk::open(context, terminal, &ledger, key, case.scope.touch, known)?;
    let common = desk.common(&ledger, &head)?;
    let authorization = policy::authorize_extension(
        case.grant(),
        &case.scope,
        case.story.playbook.as_deref(),
        &desk.roster,
        wish.length,
        &common,
    )?;
    let now = clock::now()?;
    policy::judge_in_time(case.grant(), &now, head.clock_floor).map_err(Denied::from)?;

    let end =
        authorization.statement().signed().get("expires_at").and_then(|end| parse_rfc3339(end.as_str()?));
    desk.terminal.say(&format!("EXTEND  {}  {}", case.grant().id, case.grant().scope))?;
    desk.terminal.say(&format!("  {}", case.scope.title))?;
    if let (Some(old), Some(new)) = (case.grant().deadline(), end) {
        desk.row("until", &format!("{}, not {}", near(new, now.wall), near(old.wall, now.wall)))?;
    }
    let native: Vec<&str> =
        case.scope.steps.iter().filter(|step| step.native_expiry).map(|step| step.id.as_str()).collect();
    if !native.is_empty() {
        desk.row("but not", &format!("{}: the target itself ends it at its first end", native.join(", ")))?;
    }
    desk.terminal.say("")?;
    let confirmed = confirm_and_sign(&mut desk.terminal, &desk.key, case.scope.touch, authorization)?;

    // Held until the plan is written: no closing may read the old one and write it back.
    let lock = lock(context, &wish.grant)?;
    let grant = match ledger.record_extension(&confirmed, &clock::now()?) {
        Ok(grant) => grant,
        Err(error) => {
            // It may have ended meanwhile, and its lock's file with it.
            lock.discard()?;
            return Err(error.into());
        }
    };
    if let Err(error) = ledger.extend_plan(&grant, &lock) {
        (context.talk)(&format!(
            "WARNING: recorded, but the close plan keeps the earlier end ({error}): if the ledger can't be \
             read then, {} is closed at that",
            grant.id
        ));
    }
    Ok(Extended {
        expires_at: grant.deadline().map_or(now.wall, |deadline| deadline.wall),
        grant: grant.id.to_string(),
        scope: grant.scope,
        length: wish.length,
    })
}

fn lock(context: &Context, grant: &GrantId) -> Result<GrantLock, Failure> {
    wait_for_lock(context, grant.as_str(), PATIENCE)?.ok_or_else(|| {
        Failure::new(Kind::Failed, format!("{grant} is being worked on by another glass: not extended"))
            .hint(format!("`glass status {grant}` shows whether it is being closed"))
    })
}
