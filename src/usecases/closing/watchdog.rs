//! The grant's own watchdog: a detached process that re-reads both clocks each second and
//! closes the grant when it is due, with no cron and no person (P2).

use super::{Ending, close_one, sessions};
use crate::core::backoff;
use crate::core::grant::State;
use crate::core::id::GrantId;
use crate::core::moment::Moment;
use crate::ports::ledger::{Cause, GrantLock, Ledger, Plans};
use crate::ports::{clock, effect, signer};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::ffi::OsString;
use std::sync::Mutex;
use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);

/// Between two looks at an orphaned command that may still act.
const WAITING_MS: u64 = 3_000;

/// Starts the watchdog of a grant and waits until it is armed.
pub fn arm(context: &Context, grant: &str) -> Result<(), Failure> {
    let args: [OsString; 3] = [context.home.config().into(), context.home.state().into(), grant.into()];
    effect::watchdog::spawn_detached(&args)
        .map(|_armed| ())
        .map_err(|error| Failure::new(Kind::Failed, error.to_string()))
}

/// Watches one grant until nothing of it can be open.
pub fn watch(context: &Context, grant: &GrantId) -> Result<(), Failure> {
    let mut watch = Watch { context, grant: grant.as_str(), is_active: false, tries: 0, not_before: None };
    effect::watchdog::report_armed().map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
    loop {
        std::thread::sleep(TICK);
        // Whatever fails in one tick is tried again in the next: there is nobody to tell.
        if let Ok(true) = watch.tick() {
            return Ok(());
        }
    }
}

struct Watch<'a> {
    context: &'a Context,
    grant: &'a str,
    /// The ledger said once that every step is open.
    is_active: bool,
    tries: u32,
    /// Boot-clock time before which the next try is not due.
    not_before: Option<u64>,
}

impl Watch<'_> {
    /// One look; true once there is nothing left to watch.
    fn tick(&mut self) -> Result<bool, Failure> {
        let now = clock::now()?;
        let plan = match Plans::without_ledger(&self.context.place.open).read(self.grant) {
            Ok(None) => return self.is_over(),
            found => found.ok().flatten(),
        };
        if self.not_before.is_some_and(|not_before| now.boot_ms < not_before) {
            return Ok(false);
        }
        if plan.as_ref().is_none_or(|plan| plan.is_due(&now)) {
            return self.close(&now, Cause::Expired);
        }
        if !self.is_active && self.activation_died(&now)? {
            return self.close(&now, Cause::HalfOpen);
        }
        if let Some(plan) = plan.filter(|plan| !plan.sessions.is_empty()) {
            sessions::look_after(self.context, &plan)?;
        }
        Ok(false)
    }

    /// A plan that is gone ends the watch, but for one that somebody removed by hand.
    fn is_over(&self) -> Result<bool, Failure> {
        if !self.context.place.open.exists() {
            // The whole home is gone: nothing here says any more what to close, or where.
            return Ok(true);
        }
        let ended = self.context.ledger_to_read()?.has_ended(self.grant)?;
        Ok(ended != Some(false))
    }

    /// Whether the activation's process is gone while its grant is still `activating`.
    fn activation_died(&mut self, now: &Moment) -> Result<bool, Failure> {
        let Some(lock) = GrantLock::acquire(&self.context.place.locks, self.grant, now, now.boot_ms + 1_000)?
        else {
            return Ok(false);
        };
        let state = self.context.ledger_to_read()?.grant(self.grant)?.map(|grant| grant.state);
        drop(lock);
        self.is_active = state == Some(State::Active);
        Ok(!self.is_active)
    }

    fn close(&mut self, now: &Moment, cause: Cause) -> Result<bool, Failure> {
        let ledger: Option<Mutex<Ledger>> = self.context.ledger_to_close().ok().map(Mutex::new);
        let ending = close_one(self.context, ledger.as_ref(), self.grant, cause, None)?;
        match ending {
            Ending::Ended => return Ok(true),
            Ending::Busy => self.not_before = None,
            Ending::Waiting => self.not_before = Some(now.boot_ms + WAITING_MS),
            Ending::Unrevoked | Ending::EndedUnrecorded => {
                self.tries += 1;
                self.not_before = Some(now.boot_ms + backoff::wait_ms(self.tries, signer::random_byte()?));
            }
        }
        Ok(false)
    }
}
