//! A person at a terminal who signs for what is done to one grant: `extend`, `attest`, `revoke`.

use crate::core::grant::Grant;
use crate::core::playbook::{Scope, Touch};
use crate::core::roster::Roster;
use crate::core::statement::Common;
use crate::ports::clock;
use crate::ports::ledger::{GrantLock, Head, Ledger, Refusal, Story};
use crate::ports::signer::Key;
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, find_person};
use std::path::Path;
use std::time::{Duration, Instant};

/// What was found out before a refusal.
#[derive(Default)]
pub(super) struct Known {
    pub(super) person: Option<String>,
    pub(super) scope: Option<String>,
}

/// Makes an attempt; what is refused or abandoned is recorded.
pub(super) fn recording<T>(
    context: &Context,
    verb: &'static str,
    attempt: impl FnOnce(&mut Known) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut known = Known::default();
    attempt(&mut known).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb,
                cause: failure.cause,
                person: known.person,
                by: context.by(),
                scope: known.scope,
            });
        }
    })
}

/// A grant's story, and the scope that it ran by.
pub(super) struct Case {
    pub(super) story: Story,
    pub(super) scope: Scope,
}

impl Case {
    pub(super) const fn grant(&self) -> &Grant {
        &self.story.grant
    }
}

/// The grant of this id, with the scope as it was registered when the grant ran.
pub(super) fn find(ledger: &Ledger, id: &str, known: &mut Known) -> Result<Case, Failure> {
    let story = ledger.story(id)?.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("there is no grant {id}"))
            .hint("`glass status` shows what is open, `glass status --all` all there were")
            .cause("no-such-grant")
    })?;
    let address = story.grant.scope.clone();
    known.scope = Some(address.clone());
    let scope = story.scope.clone().ok_or_else(|| {
        Failure::new(Kind::Refused, format!("{address} is not registered: nobody can sign for it"))
            .hint("real root and cron close it without: `glass expire`")
            .cause("not-registered")
    })?;
    Ok(Case { story, scope })
}

/// Who signs, at a terminal and with a key that can assert the touch that is demanded.
pub(super) struct Desk {
    pub(super) terminal: Terminal,
    pub(super) roster: Roster,
    pub(super) person: String,
    pub(super) key: Key,
}

impl Desk {
    pub(super) fn open(
        context: &Context,
        mut terminal: Terminal,
        ledger: &Ledger,
        key: Option<&Path>,
        demanded: Touch,
        known: &mut Known,
    ) -> Result<Self, Failure> {
        let roster = ledger.roster()?;
        let (person, key) = find_person(context, key, &roster, demanded, &clock::now()?, &mut known.person)?;
        terminal.say("")?;
        Ok(Self { terminal, roster, person, key })
    }

    /// A row of what is shown before the signature.
    pub(super) fn row(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        Ok(self.terminal.say(&format!("  {name:<9} {value}"))?)
    }

    /// What this person's statement names, at this moment.
    pub(super) fn common(&self, ledger: &Ledger, head: &Head) -> Result<Common, Failure> {
        common(ledger, head, &self.person, &clock::now()?)
    }
}

/// How long an act of a moment may hold a grant's lock.
const MOMENT_MS: u64 = 30_000;

/// The lock of a grant, for an act of a moment; `None` where another keeps it all that time.
pub(super) fn wait_for_lock(
    context: &Context,
    grant: &str,
    patience: Duration,
) -> Result<Option<GrantLock>, Failure> {
    let give_up = Instant::now() + patience;
    loop {
        let now = clock::now()?;
        let lock = GrantLock::acquire(&context.place.locks, grant, &now, now.boot_ms + MOMENT_MS)?;
        if lock.is_some() || Instant::now() >= give_up {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
