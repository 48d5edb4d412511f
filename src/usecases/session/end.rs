//! The end of a session: recorded by whoever saw it, and told to the person.

use super::notary::Pieces;
use super::outcome::{Played, Why};
use super::recorder::Recorder;
use super::run::{Case, NOT_THE_COMMANDS, PATIENCE};
use crate::core::entry::Ending;
use crate::ports::clock;
use crate::ports::ledger::Attending;
use crate::usecases::desk::wait_for_lock;
use std::time::Duration;

impl Case<'_> {
    /// Records how it ended, and says what the person must know; gives the exit code.
    pub(super) fn end(&self, attending: &Attending, played: Played, recorder: Recorder) -> u8 {
        let (files, gap, durable) = recorder.finish();
        if let Err(error) = durable {
            (self.context.talk)(&format!(
                "WARNING: the recording of {} is not durable: {error}",
                self.of.session
            ));
        }
        if let Some(gap) = &gap {
            (self.context.talk)(&format!("WARNING: the recording of {} broke off: {gap}", self.of.session));
        }
        if !played.gone {
            (self.context.talk)(&format!(
                "WARNING: it is not proved that all which {} started has ended",
                self.of.session
            ));
        }
        let ending = Ending { exit: played.exit, signal: played.signal, gone: played.gone };
        if attending.is_recorded() {
            self.record_end(ending, played.why.as_str(), files, gap.as_deref());
        }
        // Who closes the grant holds its lock for as long as that takes, and does it.
        self.unplan(if played.why == Why::Grant { Duration::ZERO } else { PATIENCE });
        let ended = |why: String| {
            (self.context.talk)(&format!("glass: this session was ended: {why}"));
            NOT_THE_COMMANDS
        };
        match (played.why, played.not_started) {
            (_, Some((code, why))) => {
                (self.context.talk)(&format!("glass: {why}"));
                code
            }
            (Why::Command, None) => match (played.exit, played.signal) {
                (Some(code), _) => u8::try_from(code & 0xff).unwrap_or(NOT_THE_COMMANDS),
                (None, signal) => u8::try_from(128 + signal.unwrap_or(0)).unwrap_or(NOT_THE_COMMANDS),
            },
            (Why::Grant, None) => ended(format!("{} is over", self.grant.id)),
            (Why::Recording, None) => ended(format!(
                "{} is used in recorded sessions only, and recording failed ({})",
                self.grant.scope,
                gap.unwrap_or_default()
            )),
            (Why::HungUp, None) => ended("its terminal is gone".to_owned()),
            (Why::Keeper, None) => ended("the process that keeps it was killed".to_owned()),
            (Why::Glass, None) => ended("the system failed glass".to_owned()),
        }
    }

    /// By a ledger of its own: the disk may have filled up meanwhile, and glass has a reserve.
    fn record_end(&self, ending: Ending, cause: &str, files: Pieces, gap: Option<&str>) {
        let recorded = self.context.ledger_to_close().and_then(|mut ledger| {
            if let Some(gap) = gap {
                ledger.record_gap(&self.of, gap, &clock::now()?)?;
            }
            ledger.end_session(&self.of, ending, cause, files, &clock::now()?)?;
            Ok(())
        });
        if let Err(failure) = recorded {
            (self.context.talk)(&format!(
                "WARNING: the end of {} is not recorded ({failure}); `glass expire` does it later",
                self.of.session
            ));
        }
    }

    /// Records that nothing of it ever ran.
    pub(super) fn never_began(&self, attending: &Attending) {
        if attending.is_recorded() {
            let files = super::files_of(self.context, attending.session());
            self.record_end(Ending { gone: true, ..Ending::default() }, "never-began", files, None);
        }
        self.unplan(Duration::ZERO);
    }

    /// A plan that keeps a session which is over only makes closing look once more.
    fn unplan(&self, patience: Duration) {
        let unplanned = wait_for_lock(self.context, &self.of.grant, patience).and_then(|lock| {
            let Some(lock) = lock else { return Ok(()) };
            Ok(self.context.ledger_to_read()?.unplan_session(&self.of, lock)?)
        });
        self.try_to(unplanned);
    }
}
