//! The beginning of a ledger.

use super::{Batch, Ledger, LedgerError, LedgerKey, Place, head, schema};
use crate::core::entry::{Facts, Genesis, Kind};
use crate::core::id::Nonce;
use crate::core::moment::Moment;
use crate::core::public_key::PublicKey;
use rusqlite::{Connection, OptionalExtension};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What `init` decides.
pub struct Founding<'a> {
    /// Name of the log.
    pub origin: &'a str,
    /// Random id of the ledger.
    pub ledger: Nonce,
    /// The ledger's new key.
    pub key: LedgerKey,
    /// The first person.
    pub person: &'a str,
    /// That person's key.
    pub public_key: &'a PublicKey,
}

impl Ledger {
    /// Makes a ledger whose only entry is its genesis.
    ///
    /// It is built under another name and then renamed: a crash leaves none, or a whole one.
    pub fn found(place: &Place, founding: Founding<'_>, now: &Moment) -> Result<Self, LedgerError> {
        if place.database.exists() {
            return Err(LedgerError::Exists(place.database.clone()));
        }
        write_secret(&place.key, founding.key.to_text().as_bytes())?;
        let building = place.database.with_extension("db.new");
        // A leftover of an `init` that was interrupted holds nothing of worth.
        match std::fs::remove_file(&building) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LedgerError::file(&building)(error));
            }
            _ => {}
        }
        let genesis = Genesis {
            ledger: founding.ledger.to_string(),
            origin: founding.origin.to_owned(),
            person: founding.person.to_owned(),
            public_key: founding.public_key.to_string(),
            vkey: founding.key.vkey(),
        };
        write_secret(&building, b"")?;
        let mut connection = Connection::open(&building)?;
        schema::configure(&connection)?;
        schema::migrate(&mut connection)?;
        head::create(&connection)?;
        let mut ledger =
            Self { connection, place: place.clone(), genesis: genesis.clone(), key: Some(founding.key) };
        let mut batch = Batch::begin(&mut ledger, now)?;
        batch.append(Facts { genesis: Some(genesis), ..Facts::new(Kind::Genesis, now) }, "")?;
        batch.commit()?;
        ledger.connection.pragma_update(None, "journal_mode", "WAL")?;
        drop(ledger);
        std::fs::rename(&building, &place.database).map_err(LedgerError::file(&place.database))?;
        if let Some(directory) = place.database.parent() {
            sync_directory(directory)?;
        }
        Self::open_write(place)
    }
}

/// The genesis that every connection leans on.
pub(super) fn read(connection: &Connection) -> Result<Genesis, LedgerError> {
    let bytes: Option<Vec<u8>> =
        connection.query_row("SELECT bytes FROM entry WHERE seq = 0", [], |row| row.get(0)).optional()?;
    let facts = Facts::from_bytes(&bytes.ok_or_else(|| LedgerError::Corrupt("entry 0 is missing".into()))?)?;
    facts.genesis.ok_or_else(|| LedgerError::Corrupt("entry 0 is no genesis".into()))
}

fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o600).open(path).map_err(LedgerError::file(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(LedgerError::file(path))
}

pub(super) fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    std::fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(LedgerError::file(path))
}
