//! What was registered: the only playbooks, settings and roster that count (P5).

use super::chain::chain;
use super::{Ledger, LedgerError};
use crate::core::entry::Facts;
use crate::core::playbook::{Playbook, Scope};
use crate::core::roster::Roster;
use crate::core::settings::Settings;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha512};

/// Path of the settings among the registered files.
pub const SETTINGS: &str = "glass.toml";

/// Whether a registered file of this path is a playbook; what is neither that nor the settings is
/// an attestation.
pub fn is_playbook(path: &str) -> bool {
    path.starts_with("playbooks/")
}

/// A registered file.
#[derive(Clone, Debug)]
pub struct RegisteredFile {
    /// Its path in the home: `glass.toml`, `playbooks/NAME.toml`, or an attestation's as the
    /// settings write it.
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
    attestations: Vec<RegisteredFile>,
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

    /// The enrolment attestations that the settings name: kept, not checked.
    pub fn attestations(&self) -> &[RegisteredFile] {
        &self.attestations
    }

    /// The enrolment attestation of the key of this fingerprint.
    pub fn attestation_of(&self, fingerprint: &str) -> Option<&RegisteredFile> {
        let mut keys = self.roster().people().iter().flat_map(|person| &person.keys);
        let key = keys.find(|key| key.key.fingerprint().as_str() == fingerprint)?;
        self.attestations.iter().find(|file| Some(&file.path) == key.attestation.as_ref())
    }

    /// Every file, settings first.
    pub fn files(&self) -> impl Iterator<Item = &RegisteredFile> {
        let playbooks = self.playbooks.iter().map(|registered| &registered.file);
        std::iter::once(&self.settings_file).chain(playbooks).chain(&self.attestations)
    }

    /// Puts a playbook in the place of the registered one of the same path.
    pub(super) fn replace(&mut self, file: RegisteredFile, playbook: Playbook) {
        for registered in &mut self.playbooks {
            if registered.file.path == file.path {
                *registered = RegisteredPlaybook { file, playbook };
                return;
            }
        }
    }

    /// The playbooks, without their files.
    pub fn books(&self) -> Vec<&Playbook> {
        self.playbooks.iter().map(|registered| &registered.playbook).collect()
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
        let last = chain(&self.connection, self.genesis(), u64::MAX)?.last;
        last.map(|facts| load(&self.connection, &facts)).transpose()
    }

    /// Everyone whom the latest registration names; the founder alone before the first.
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
    let facts = chain(connection, genesis, seq)?.last.filter(|facts| facts.seq == seq);
    load(connection, &facts.ok_or_else(|| corrupt(seq, "is not a registration"))?)
}

pub(super) fn roster(connection: &Connection) -> Result<Roster, LedgerError> {
    Ok(chain(connection, &super::genesis::read(connection)?, u64::MAX)?.roster)
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

pub(super) fn settings(
    connection: &Connection,
    facts: &Facts,
) -> Result<(RegisteredFile, Settings), LedgerError> {
    let (path, sha512) = listed(facts)?
        .into_iter()
        .find(|(path, _)| path == SETTINGS)
        .ok_or_else(|| corrupt(facts.seq, "registers no glass.toml"))?;
    let file = file(connection, facts.seq, path, sha512)?;
    let settings = parse(facts.seq, &file, Settings::parse)?;
    Ok((file, settings))
}

/// All that a registration holds, its texts held against their digests.
pub(super) fn load(connection: &Connection, facts: &Facts) -> Result<Registered, LedgerError> {
    let (settings_file, settings) = settings(connection, facts)?;
    let (playbooks, others): (Vec<_>, Vec<_>) = listed(facts)?
        .into_iter()
        .filter(|(path, _)| path != SETTINGS)
        .partition(|(path, _)| is_playbook(path));
    let attestations = others
        .into_iter()
        .map(|(path, sha512)| file(connection, facts.seq, path, sha512))
        .collect::<Result<_, LedgerError>>()?;
    let playbooks = playbooks
        .into_iter()
        .map(|(path, sha512)| {
            let (file, playbook) = playbook(connection, facts.seq, path, sha512)?;
            Ok(RegisteredPlaybook { file, playbook })
        })
        .collect::<Result<_, LedgerError>>()?;
    Ok(Registered { seq: facts.seq, settings, settings_file, playbooks, attestations })
}

/// A kept playbook, its text held against its digest.
pub(super) fn playbook(
    connection: &Connection,
    seq: u64,
    path: String,
    sha512: String,
) -> Result<(RegisteredFile, Playbook), LedgerError> {
    let file = file(connection, seq, path, sha512)?;
    let playbook = parse(seq, &file, Playbook::parse)?;
    Ok((file, playbook))
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
