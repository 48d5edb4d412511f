//! The ledger: one SQLite file with the log, its Merkle tree, its texts and projections,
//! and beside it the close plans (`open/`) and the grants' locks (`locks/`).
//!
//! Only this room makes the tokens [`Recorded`], [`Opening`] and [`Closing`]: what is
//! not on disk can't be acted upon (P1).

mod act;
mod append;
mod approval;
mod attempt;
mod chain;
mod genesis;
mod granted;
mod head;
mod hotfix;
mod key;
mod lock;
mod permit;
mod plans;
mod projection;
mod read;
mod receipt;
mod record;
mod refusal;
mod registered;
mod retention;
mod round;
mod schema;
mod session;
mod standing;
mod story;
mod verify;

pub use act::{Act, PendingAct, Signed};
pub use append::Batch;
pub use approval::Pending;
pub use chain::Registrars;
pub use genesis::Founding;
pub use granted::Attested;
pub use head::Head;
pub use hotfix::Hotfix;
pub use key::LedgerKey;
pub use lock::GrantLock;
pub use permit::{Cause, Closing, ClosingPermit, Opening};
pub use plans::Plans;
pub use read::{Due, GrantRow, Which};
pub use receipt::{RECEIPT, Receipt, ReceiptError, verify_receipt};
pub use record::{Intent, Recorded};
pub use refusal::Refusal;
pub use registered::{NoSuchScope, Registered, RegisteredFile, RegisteredPlaybook, SETTINGS, is_playbook};
pub use retention::Deletable;
pub use round::{Round, StepReport};
pub use session::{Attendance, Attending, OfSession, SessionRow};
pub use story::Story;
pub use verify::{
    Anchored, Deleted, EachName, Finding, Given, Played, RecordedFiles, Recovery, Verification, VerifyOptions,
};

use crate::core::canonical::CanonicalError;
use crate::core::entry::{FactsError, Genesis};
use crate::core::grant::Corrupt;
use crate::core::policy::Denied;
use crate::core::text::escape;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Where the ledger's files lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// `ledger.db`.
    pub database: PathBuf,
    /// `ledger.key`.
    pub key: PathBuf,
    /// `open/`.
    pub open: PathBuf,
    /// `locks/`.
    pub locks: PathBuf,
}

/// What went wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no database.
    #[error("there is no ledger at {}", shown(.0))]
    Missing(PathBuf),
    /// There is one already.
    #[error("there is a ledger at {} already", shown(.0))]
    Exists(PathBuf),
    /// The file is some other database.
    #[error("the file is not a glass ledger")]
    NotALedger,
    /// Written by a newer glass.
    #[error("the ledger has schema version {found}; this glass knows up to {known}: install the newer glass")]
    Newer {
        /// Version of the file.
        found: usize,
        /// Latest version that this program knows.
        known: usize,
    },
    /// What is stored contradicts itself.
    #[error("the ledger is corrupt: {}", escape(.0))]
    Corrupt(String),
    /// What was to be recorded may not be.
    #[error("{}", escape(.0))]
    Refused(String),
    /// Policy says no, on what stands now.
    #[error(transparent)]
    Denied(Box<Denied>),
    /// SQLite failed: disk full, no permission, damaged file.
    #[error("the ledger can't be used: {}", escape(&.0.to_string()))]
    Sqlite(#[from] rusqlite::Error),
    /// A file beside the database failed.
    #[error("{}: {cause}", shown(path))]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// A path, inert.
fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

impl LedgerError {
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::File { path: path.to_owned(), cause }
    }

    fn refused(cause: impl std::fmt::Display) -> Self {
        Self::Refused(cause.to_string())
    }

    /// Whether the stored record itself is broken (exit code 5), rather than out of reach.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::NotALedger | Self::Newer { .. } => true,
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
                use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
                // Unknown: our own SQL does not fit, because a table or column is gone.
                matches!(failure.code, DatabaseCorrupt | NotADatabase | Unknown)
            }
            // A column of another type than glass writes, or one that is not there.
            Self::Sqlite(
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::SqlInputError { .. },
            ) => true,
            _ => false,
        }
    }
}

impl From<Denied> for LedgerError {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}

impl From<Corrupt> for LedgerError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt.to_string())
    }
}

impl From<FactsError> for LedgerError {
    fn from(error: FactsError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<CanonicalError> for LedgerError {
    fn from(error: CanonicalError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// An open ledger.
pub struct Ledger {
    connection: Connection,
    place: Place,
    genesis: Genesis,
    key: Option<LedgerKey>,
}

impl Ledger {
    /// Opens the ledger to read it. Writes nothing and waits for nobody, but once after an upgrade.
    pub fn open_read(place: &Place) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Self::connect(place, flags)?;
        if schema::is_older(&connection)? {
            // Only a writer can bring it to this version, and nothing can be read before.
            drop(Self::open_write(place)?);
            connection = Self::connect(place, flags)?;
        }
        let genesis = genesis::read(&connection)?;
        Ok(Self { connection, place: place.clone(), genesis, key: None })
    }

    /// Opens the ledger to append to it. A missing or wrong key leaves the head unsigned.
    pub fn open_write(place: &Place) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Self::connect(place, flags)?;
        schema::migrate(&mut connection)?;
        let genesis = genesis::read(&connection)?;
        let key = LedgerKey::read(&place.key)?.filter(|key| key.vkey() == genesis.vkey);
        Ok(Self { connection, place: place.clone(), genesis, key })
    }

    fn connect(place: &Place, flags: OpenFlags) -> Result<Connection, LedgerError> {
        if !place.database.exists() {
            return Err(LedgerError::Missing(place.database.clone()));
        }
        let connection = Connection::open_with_flags(&place.database, flags)?;
        schema::configure(&connection)?;
        schema::check(&connection)?;
        Ok(connection)
    }

    /// What the first entry fixed.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Whether appends get a signed head: false while `ledger.key` is missing or another's.
    pub const fn signs_heads(&self) -> bool {
        self.key.is_some()
    }

    /// From here on waits for no other writer: one that keeps the file for a minute is stopped
    /// or hangs, and what is due must not wait for it once for each grant.
    pub fn lose_patience(&self) {
        // It can't fail on an open connection; if it did, the wait would only stay long.
        let _ = self.connection.busy_timeout(std::time::Duration::ZERO);
    }

    /// The close plans beside the database.
    pub fn plans(&self) -> Plans {
        Plans::new(&self.place.open)
    }
}
