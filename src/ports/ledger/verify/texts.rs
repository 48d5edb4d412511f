//! The texts: every one that an entry names is there, and every one there is whole.

use super::finding::Findings;
use super::rows::{blob, integer, text};
use crate::core::statement::message_digest;
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha512};
use std::collections::HashMap;

pub(super) struct Texts<'a> {
    connection: &'a Connection,
    /// One bit for each row that an entry names, in words of 64.
    named: HashMap<u64, u64>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, named: HashMap::new() }
    }

    /// The bytes of a text that an entry names; one that is missing is a finding.
    pub(super) fn named(
        &mut self,
        seq: u64,
        key: &str,
        what: &str,
        findings: &mut Findings,
    ) -> rusqlite::Result<Option<Vec<u8>>> {
        let mut statement =
            self.connection.prepare_cached("SELECT rowid, bytes FROM text WHERE sha512 = ?1")?;
        let found = statement
            .query_row([key], |row| Ok((integer(row.get_ref(0)?), blob(row.get_ref(1)?).map(<[u8]>::to_vec))))
            .optional()?;
        let Some((row, bytes)) = found else {
            findings.entry(seq, format!("{what} is missing"));
            return Ok(None);
        };
        if let Some(row) = row {
            *self.named.entry(row / 64).or_default() |= 1 << (row % 64);
        }
        if bytes.is_none() {
            findings.entry(seq, format!("{what} is stored in a form that glass never writes"));
        }
        Ok(bytes)
    }

    /// Looks at each text that no entry names; gives their number.
    pub(super) fn check_others(&self, findings: &mut Findings) -> rusqlite::Result<u64> {
        let mut others = 0;
        let mut statement = self.connection.prepare("SELECT rowid, sha512, bytes FROM text")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = integer(row.get_ref(0)?);
            let is_named = |row| self.named.get(&(row / 64)).is_some_and(|word| word >> (row % 64) & 1 == 1);
            if number.is_some_and(is_named) {
                continue;
            }
            others += 1;
            let whole = text(row.get_ref(1)?).zip(blob(row.get_ref(2)?)).is_some_and(|(key, bytes)| {
                HEXLOWER.encode(&Sha512::digest(bytes)) == key
                    || HEXLOWER.encode(&message_digest(bytes)) == key
            });
            if !whole {
                let key = text(row.get_ref(1)?).map_or_else(|| "without a name".to_owned(), escape);
                findings.ledger(format!("text {key} was changed; no entry names it"));
            }
        }
        Ok(others)
    }
}
