//! What is wrong, entry by entry; the list is bounded, the count is not.

use serde::Serialize;

/// A ledger that was torn up could give one for every entry; nobody reads on after so many.
const MOST: usize = 100;

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The entry that it concerns; `None` where it concerns the ledger as a whole.
    pub seq: Option<u64>,
    /// What is wrong, in words that are safe to print.
    pub what: String,
}

impl Finding {
    /// About one entry.
    pub(super) fn entry(seq: u64, what: impl Into<String>) -> Self {
        Self { seq: Some(seq), what: what.into() }
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    more: u64,
}

impl Findings {
    pub(super) fn entry(&mut self, seq: u64, what: impl Into<String>) {
        self.extend([Finding::entry(seq, what)]);
    }

    pub(super) fn ledger(&mut self, what: impl Into<String>) {
        self.extend([Finding { seq: None, what: what.into() }]);
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            match self.kept.len() < MOST {
                true => self.kept.push(finding),
                false => self.more += 1,
            }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those kept, in the order of the log, and how many more there were.
    pub(super) fn into_parts(mut self) -> (Vec<Finding>, u64) {
        self.kept.sort_by_key(|finding| (finding.seq.is_none(), finding.seq));
        (self.kept, self.more)
    }
}
