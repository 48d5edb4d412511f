//! `ledger verify` (P7): everything that stands in the database, held against everything else.
//!
//! One pass over the log in one snapshot, in memory that follows what is open and not the
//! length of the log. Nothing that is stored is believed: what is wrong becomes a [`Finding`]
//! that names the entry, and the pass goes on. What can't be known from the database alone is
//! said as plainly as what is known.

mod acts;
mod anchors;
mod consent;
mod examine;
mod finding;
mod granted;
mod grants;
mod hotfixes;
mod pass;
mod people;
mod recordings;
mod rows;
mod sessions;
mod signature;
mod stored_head;
mod summary;
#[cfg(test)]
mod tests;
mod texts;
mod tree;
mod workers;

pub use anchors::{Anchored, Given};
pub use finding::Finding;
pub use recordings::{EachName, RecordedFiles};
pub use sessions::Deleted;

use super::{Ledger, LedgerError};
use crate::core::merkle::Hash;
use pass::Pass;
use rows::{Queries, Reader};
use rusqlite::Connection;
use serde::Serialize;
use workers::Workers;

/// What to hold the ledger against, beside itself.
#[derive(Clone, Default)]
pub struct VerifyOptions<'a> {
    /// Checkpoints and receipts that were kept elsewhere.
    pub anchors: Vec<Given>,
    /// A checkpoint up to which the signatures were verified before; hashes always all are.
    pub since: Option<Given>,
    /// The files of recordings; where there are none, these are not looked at.
    pub recordings: Option<RecordedFiles<'a>>,
}

/// What the verification came to.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Name of the log.
    pub origin: String,
    /// The ledger's random id.
    pub ledger: String,
    /// The ledger's key, to be compared with what `init` printed.
    pub vkey: String,
    /// Number of entries.
    pub size: u64,
    /// Their root; `None` where the tree is too damaged to have one.
    pub root: Option<Hash>,
    /// Signatures of people that are good.
    pub signatures: u64,
    /// Signatures before this entry were not verified again (`since`).
    pub since: u64,
    /// The first entry that no signed head of the database covers; `None` where all are covered.
    pub unsigned_from: Option<u64>,
    /// Entries before this one can't have changed without breaking a person's signature.
    pub vouched: u64,
    /// Admins whom the owner of the files named, because every admin key was lost.
    pub recoveries: Vec<Recovery>,
    /// Kept heads that are true of this ledger.
    pub anchors: Vec<Anchored>,
    /// Sessions of which a recording is bound, and not deleted.
    pub bound_recordings: u64,
    /// What reading the recordings came to; `None` where they were not looked at.
    pub recordings: Option<Played>,
    /// Whole texts that no entry names: harmless, but not written by glass.
    pub orphan_texts: u64,
    /// What is wrong, in the order of the log; empty for a whole ledger.
    pub findings: Vec<Finding>,
    /// How many more findings there were than are listed.
    pub more_findings: u64,
    /// What was shown not to have happened.
    pub excluded: Vec<String>,
    /// What could not be excluded.
    pub not_excluded: Vec<String>,
}

/// What reading the recordings came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Played {
    /// Files that were there.
    pub files: u64,
    /// Bytes that were read, and held against the ledger.
    pub bytes: u64,
    /// Sessions that still run: what they record from their last piece on is bound later.
    pub running: u64,
    /// RecordedFiles that were deleted, as was registered.
    pub deleted: Vec<Deleted>,
}

/// An admin whom nobody signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Its entry.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// The new admin.
    pub person: String,
    /// That person's key, as `TYPE BASE64`.
    pub key: String,
}

impl Verification {
    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What SQLite may keep of the file in memory.
const CACHE_KIB: i32 = 16 * 1_024;

impl Ledger {
    /// Verifies everything, with that many threads beside this one.
    ///
    /// # Errors
    /// The database can't be read at all, or its pages are damaged. Whatever can be read and
    /// is wrong is a finding.
    pub fn verify(&self, options: &VerifyOptions<'_>, workers: usize) -> Result<Verification, LedgerError> {
        // Texts and projections are looked up in no order; KiB, so that memory stays bounded.
        self.connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // One snapshot: others may append meanwhile.
        let snapshot = self.connection.unchecked_transaction()?;
        let (connection, genesis) = (&self.connection, &self.genesis);
        let size = size(connection)?;
        // Whether it is true of this tree is found out below, as for any anchor.
        let since = options.since.as_ref().map_or(0, |since| anchors::newest(since, genesis));
        let mut pass = Pass::new(connection, genesis, since, options.recordings);
        let mut queries = Queries::prepare(connection)?;
        let reader = Reader::new(&mut queries, size)?;
        Workers::with(workers, |workers| pass.run(reader, &workers))?;
        let Pass { tree, mut people, grants, sessions, acts, texts, mut findings, clock_floor, .. } = pass;
        let (good, vouched) = (pass.good, pass.vouched);
        let negative: u64 =
            connection.query_row("SELECT count(*) FROM entry WHERE seq < 0", [], |row| row.get(0))?;
        if negative > 0 {
            findings.ledger(format!("{negative} entries stand before the first"));
        }
        tree.check_count(size, &mut findings)?;
        people.check_counts(&mut findings)?;
        grants.finish(&mut findings)?;
        let mut seen = sessions.finish(&mut findings)?;
        acts.finish(&mut findings)?;
        let orphan_texts = texts.check_others(&mut findings)?;
        let signed = stored_head::check(connection, genesis, &tree, size, clock_floor, &mut findings)?;
        let mut anchored = Vec::new();
        for file in options.anchors.iter().chain(&options.since) {
            anchored.extend(anchors::check(file, genesis, &tree, size, &mut findings)?);
        }
        let root = tree.root_at(size)?;
        drop(queries);
        drop(snapshot);
        let recordings = match &options.recordings {
            Some(recordings) => {
                recordings::check_directory(connection, recordings, &mut seen, &mut findings)?;
                let (files, bytes, running) = (seen.files, seen.bytes, seen.running);
                Some(Played { files, bytes, running, deleted: seen.deleted })
            }
            None => None,
        };
        let (findings, more_findings) = findings.into_parts();
        let mut verification = Verification {
            origin: genesis.origin.clone(),
            ledger: genesis.ledger.clone(),
            vkey: genesis.vkey.clone(),
            size,
            root,
            signatures: good,
            since,
            unsigned_from: Some(signed.unwrap_or(0)).filter(|signed| *signed < size),
            vouched: vouched.map_or(0, |(size, _)| size),
            recoveries: people.take_recoveries(),
            anchors: anchored,
            bound_recordings: seen.bound,
            recordings,
            orphan_texts,
            findings,
            more_findings,
            excluded: Vec::new(),
            not_excluded: Vec::new(),
        };
        summary::tell(&mut verification);
        Ok(verification)
    }
}

/// Number of entries, were none missing.
fn size(connection: &Connection) -> Result<u64, LedgerError> {
    let last: Option<i64> = connection.query_row("SELECT max(seq) FROM entry", [], |row| row.get(0))?;
    let last = last.and_then(|last| u64::try_from(last).ok());
    last.map(|last| last + 1).ok_or_else(|| LedgerError::Corrupt("there is no entry at all".to_owned()))
}
