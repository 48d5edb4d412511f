//! What was registered: the only playbooks, settings and roster that count (P5).

use super::{Ledger, LedgerError, projection};
use crate::core::entry::Facts;
use crate::core::playbook::{Playbook, Scope};
use crate::core::public_key::PublicKey;
use crate::core::roster::Roster;
use crate::core::settings::Settings;
use crate::core::sshsig::Sshsig;
use crate::core::statement::{Register, Verb};
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha512};

/// Path of the settings among the registered files.
pub const SETTINGS: &str = "glass.toml";

/// A registered file.
#[derive(Clone, Debug)]
pub struct RegisteredFile {
    /// Its path in the home: `glass.toml` or `playbooks/NAME.toml`.
    pub path: String,
    /// SHA-512 of its bytes, lower-case hex.
    pub sha512: String,
    /// The bytes that an admin signed.
    pub bytes: Vec<u8>,
}

/// A registered playbook.
#[derive(Debug)]
pub struct RegisteredPlaybook {
    /// The file it came from.
    pub file: RegisteredFile,
    /// What it says.
    pub playbook: Playbook,
}

/// The latest registration, its chain of admins' signatures checked back to genesis.
#[derive(Debug)]
pub struct Registered {
    seq: u64,
    settings: Settings,
    settings_file: RegisteredFile,
    playbooks: Vec<RegisteredPlaybook>,
}

impl Registered {
    /// Position of the registration.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who exists.
    pub const fn roster(&self) -> &Roster {
        &self.settings.roster
    }

    /// The playbooks, by path.
    pub fn playbooks(&self) -> &[RegisteredPlaybook] {
        &self.playbooks
    }

    /// Every file, settings first.
    pub fn files(&self) -> impl Iterator<Item = &RegisteredFile> {
        std::iter::once(&self.settings_file).chain(self.playbooks.iter().map(|registered| &registered.file))
    }

    /// The scope of this address: `playbook/scope`, or the bare scope name where it is unique.
    pub fn scope(&self, address: &str) -> Result<(&RegisteredPlaybook, &Scope), NoSuchScope> {
        let (playbook, scope) = self.position(address)?;
        let file = &self.playbooks[playbook];
        Ok((file, &file.playbook.scopes[scope]))
    }

    /// The same, as positions among the playbooks and the scopes of that one.
    pub fn position(&self, address: &str) -> Result<(usize, usize), NoSuchScope> {
        let mut all = Vec::new();
        for (index, file) in self.playbooks.iter().enumerate() {
            let scopes = file.playbook.scopes.iter().enumerate();
            all.extend(scopes.map(|(at, scope)| (file.playbook.address(scope), &scope.name, (index, at))));
        }
        let found: Vec<_> =
            all.iter().filter(|(full, bare, _)| full == address || *bare == address).collect();
        match found[..] {
            [(_, _, position)] => Ok(*position),
            [] => Err(NoSuchScope::Unknown(all.into_iter().map(|(full, _, _)| full).collect())),
            _ => Err(NoSuchScope::Ambiguous(found.into_iter().map(|(full, _, _)| full.clone()).collect())),
        }
    }
}

/// An address that names no registered scope, or more than one.
#[derive(Debug)]
pub enum NoSuchScope {
    /// None; these are there.
    Unknown(Vec<String>),
    /// More than one: these.
    Ambiguous(Vec<String>),
}

impl Ledger {
    /// The latest registration; `None` before the first.
    pub fn registered(&self) -> Result<Option<Registered>, LedgerError> {
        let (last, _) = chain(&self.connection, self.genesis(), u64::MAX)?;
        last.map(|facts| load(&self.connection, &facts)).transpose()
    }

    /// The roster that judges the next registration: the latest one, or the founder alone.
    pub fn roster(&self) -> Result<Roster, LedgerError> {
        roster(&self.connection)
    }
}

/// The registration of this seq: what an earlier grant runs by.
pub(super) fn at(
    connection: &Connection,
    genesis: &crate::core::entry::Genesis,
    seq: u64,
) -> Result<Registered, LedgerError> {
    let (last, _) = chain(connection, genesis, seq)?;
    let facts = last.filter(|facts| facts.seq == seq);
    load(connection, &facts.ok_or_else(|| corrupt(seq, "is not a registration"))?)
}

pub(super) fn roster(connection: &Connection) -> Result<Roster, LedgerError> {
    Ok(chain(connection, &super::genesis::read(connection)?, u64::MAX)?.1)
}

/// Walks the registrations up to `until`, each judged by the roster before it.
fn chain(
    connection: &Connection,
    genesis: &crate::core::entry::Genesis,
    until: u64,
) -> Result<(Option<Facts>, Roster), LedgerError> {
    let founder = PublicKey::parse_line(&genesis.public_key)
        .map_err(|error| LedgerError::Corrupt(format!("the genesis: {error}")))?;
    let mut roster = Roster::founder(&genesis.person, founder);
    let mut last = None;
    let mut rows = connection.prepare_cached("SELECT seq FROM registration WHERE seq <= ?1 ORDER BY seq")?;
    let seqs = rows
        .query_map([until.min(i64::MAX as u64)], |row| row.get::<_, u64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for seq in seqs {
        let facts = projection::facts(connection, seq)?;
        judge(connection, &facts, &roster)?;
        roster = settings(connection, &facts)?.1.roster;
        last = Some(facts);
    }
    Ok((last, roster))
}

/// An admin of the roster before it must have signed the registration.
fn judge(connection: &Connection, facts: &Facts, roster: &Roster) -> Result<(), LedgerError> {
    let seq = facts.seq;
    let armor: Option<Vec<u8>> = connection
        .prepare_cached("SELECT signature FROM entry WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    let armor = armor.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let sshsig = Sshsig::from_armor(&armor).map_err(|error| corrupt(seq, &error.to_string()))?;
    let person = roster.person_by_key(sshsig.key()).filter(|person| roster.is_admin(person));
    if person.map(|person| person.name.as_str()) != facts.person.as_deref() {
        return Err(corrupt(seq, "was not signed by an admin of the roster before it"));
    }
    let digest = facts.statement.as_deref().and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
    let digest: [u8; 64] =
        digest.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt(seq, "names no statement"))?;
    sshsig
        .verify(Register::NAMESPACE, &digest, sshsig.key())
        .map_err(|error| corrupt(seq, &error.to_string()))?;
    Ok(())
}

/// The files of a registration as its facts list them: path and digest.
fn listed(facts: &Facts) -> Result<Vec<(String, String)>, LedgerError> {
    let files = facts.signed.as_ref().and_then(|signed| signed.get("files")?.as_array());
    files
        .and_then(|files| {
            let text = |file: &serde_json::Value, key| Some(file.get(key)?.as_str()?.to_owned());
            files.iter().map(|file| Some((text(file, "path")?, text(file, "sha512")?))).collect()
        })
        .ok_or_else(|| corrupt(facts.seq, "lists no files"))
}

/// The digests of a registration's files, in order.
pub(super) fn digests(facts: &Facts) -> Result<Vec<String>, LedgerError> {
    Ok(listed(facts)?.into_iter().map(|(_, sha512)| sha512).collect())
}

fn settings(connection: &Connection, facts: &Facts) -> Result<(RegisteredFile, Settings), LedgerError> {
    let (path, sha512) = listed(facts)?
        .into_iter()
        .find(|(path, _)| path == SETTINGS)
        .ok_or_else(|| corrupt(facts.seq, "registers no glass.toml"))?;
    let file = file(connection, facts.seq, path, sha512)?;
    let settings = parse(facts.seq, &file, Settings::parse)?;
    Ok((file, settings))
}

fn load(connection: &Connection, facts: &Facts) -> Result<Registered, LedgerError> {
    let (settings_file, settings) = settings(connection, facts)?;
    let playbooks = listed(facts)?
        .into_iter()
        .filter(|(path, _)| path != SETTINGS)
        .map(|(path, sha512)| {
            let file = file(connection, facts.seq, path, sha512)?;
            let playbook = parse(facts.seq, &file, Playbook::parse)?;
            Ok(RegisteredPlaybook { file, playbook })
        })
        .collect::<Result<_, LedgerError>>()?;
    Ok(Registered { seq: facts.seq, settings, settings_file, playbooks })
}

fn file(
    connection: &Connection,
    seq: u64,
    path: String,
    sha512: String,
) -> Result<RegisteredFile, LedgerError> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
        .query_row([&sha512], |row| row.get(0))
        .optional()?;
    let bytes = bytes.ok_or_else(|| corrupt(seq, &format!("the text of {path} is missing")))?;
    if HEXLOWER.encode(&Sha512::digest(&bytes)) != sha512 {
        return Err(corrupt(seq, &format!("the text of {path} was changed")));
    }
    Ok(RegisteredFile { path, sha512, bytes })
}

fn parse<T, E: std::fmt::Display>(
    seq: u64,
    file: &RegisteredFile,
    parser: impl FnOnce(&str, &str) -> Result<T, E>,
) -> Result<T, LedgerError> {
    let text = std::str::from_utf8(&file.bytes).map_err(|error| corrupt(seq, &error.to_string()))?;
    parser(&file.path, text).map_err(|error| corrupt(seq, &error.to_string()))
}

fn corrupt(seq: u64, what: &str) -> LedgerError {
    LedgerError::Corrupt(format!("registration {seq}: {what}"))
}
