//! Recordings are kept for as long as is registered, then deleted visibly: first the entry, then
//! the files (P13). Hash and length stay in the ledger.

use super::expire::Expired;
use crate::core::moment::Moment;
use crate::ports::ledger::{Deletable, Ledger, OfSession};
use crate::ports::recordings::Recordings;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};

/// The recordings whose time is over.
#[derive(Debug, Default)]
pub(super) struct Over {
    /// Still to be recorded as deleted.
    stale: Vec<OfSession>,
    /// Recorded as deleted; a crash came before their files were.
    left: Vec<Deletable>,
}

impl Over {
    /// What the ledger knows of; looks at no file.
    pub(super) fn find(ledger: &Ledger, now: &Moment) -> Result<Self, Failure> {
        Ok(Self { stale: ledger.stale_recordings(now)?, left: ledger.deletable()? })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.left.is_empty()
    }

    /// The sessions whose recordings they are.
    pub(super) fn sessions(&self) -> Vec<String> {
        let left = self.left.iter().map(|deletable| deletable.session().to_string());
        left.chain(self.stale.iter().map(|of| of.session.clone())).collect()
    }

    /// Deletes them. What fails is told, and tried again by the next `expire`.
    pub(super) fn delete(&self, context: &Context, now: &Moment, expired: &mut Expired) {
        if let Err(failure) = self.try_delete(context, now, expired) {
            expired.failures.push(failure);
        }
    }

    fn try_delete(&self, context: &Context, now: &Moment, expired: &mut Expired) -> Result<(), Failure> {
        let path = context.home.recordings();
        context.believe(&path)?;
        let recordings = Recordings::open_or_make(&path)?;
        let mut ledger = context.ledger_to_close()?;
        if !self.stale.is_empty() {
            ledger.record_deletions(&self.stale, &context.by(), now)?;
        }
        let mut deleted = Vec::new();
        for deletable in ledger.deletable()? {
            match recordings.discard(&deletable) {
                Ok(()) => {
                    expired.deleted.push(deletable.session().to_string());
                    deleted.push(deletable);
                }
                Err(error) => {
                    let what = format!(
                        "the recording of {} is recorded as deleted, but its files are not gone: {error}",
                        deletable.session()
                    );
                    expired.failures.push(Failure::new(Kind::Failed, what));
                }
            }
        }
        Ok(ledger.forget_deleted(&deleted)?)
    }
}
