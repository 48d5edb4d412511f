//! Who could sign what at each point of the log: the founder, then each registration as
//! judged by the roster before it.

use super::finding::Findings;
use super::signature::{Judged, Signed, digest, judge, seen_size, verb};
use super::texts::Texts;
use super::tree::Tree;
use crate::core::entry::{Facts, Genesis};
use crate::core::public_key::PublicKey;
use crate::core::roster::{Roster, RosterKey};
use crate::core::settings::Settings;
use crate::core::sshsig::Verifier;
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use rusqlite::Connection;
use sha2::{Digest, Sha512};
use std::collections::HashMap;
use std::sync::Arc;

/// The files of a registration: path and bytes.
type Files = Vec<(String, Vec<u8>)>;

/// A key of the roster.
struct Owned {
    person: String,
    key: RosterKey,
    verifier: Arc<Verifier>,
}

pub(super) struct People<'a> {
    connection: &'a Connection,
    genesis: &'a Genesis,
    roster: Roster,
    /// The roster's keys by fingerprint, with their owners.
    keys: HashMap<String, Owned>,
    registrations: u64,
    statements: u64,
}

impl<'a> People<'a> {
    pub(super) fn new(connection: &'a Connection, genesis: &'a Genesis, findings: &mut Findings) -> Self {
        let roster = match PublicKey::parse_line(&genesis.public_key) {
            Ok(key) => Roster::founder(&genesis.person, key),
            Err(error) => {
                findings.entry(0, format!("the first person's key: {error}"));
                Roster::default()
            }
        };
        let keys = by_fingerprint(&roster);
        Self { connection, genesis, roster, keys, registrations: 0, statements: 0 }
    }

    /// Holds a signed entry against ledger, roster and tree as they were before it, and gives
    /// what is left to verify.
    pub(super) fn judge(
        &mut self,
        facts: Facts,
        armor: Option<Vec<u8>>,
        verify: bool,
        tree: &Tree<'_>,
        texts: &mut Texts<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<Signed> {
        let seq = facts.seq;
        for what in self.faults(&facts) {
            findings.entry(seq, what);
        }
        self.check_seen(&facts, tree, findings)?;
        self.statements += 1;
        if !self.is_used_by(&facts)? {
            findings.entry(seq, "its statement is not listed as used by this entry alone");
        }
        let entry = self.keys.get(facts.key.as_deref().unwrap_or_default());
        let owned = entry.filter(|owned| Some(&owned.person) == facts.person.as_ref());
        match owned {
            None => findings
                .entry(seq, "the key that signed it was not one of that person's in the roster of that time"),
            Some(owned) if !owned.key.valid_at(facts.at()) => {
                findings.entry(seq, "the key that signed it was no longer valid");
            }
            Some(_) => {}
        }
        let key = owned.map(|owned| Arc::clone(&owned.verifier));
        let line = match &facts.statement {
            Some(digest) => texts.named(seq, digest, "the text of its statement", findings)?,
            None => None,
        };
        Ok(Signed { facts, armor, key, line, verify })
    }

    /// What of the facts alone contradicts itself or the genesis.
    fn faults(&self, facts: &Facts) -> Vec<&'static str> {
        let signed = |key| facts.signed_str(key);
        let verb = verb(facts).map(|(name, _)| name);
        let faults = [
            (digest(facts).is_none(), "it names no statement"),
            (
                signed("origin") != Some(&self.genesis.origin)
                    || signed("ledger") != Some(&self.genesis.ledger),
                "what was signed belongs to another ledger",
            ),
            (verb.is_none() || signed("verb") != verb, "what was signed is another verb"),
            (
                facts.person.is_none() || signed("person") != facts.person.as_deref(),
                "another person signed it than its facts say",
            ),
            (
                facts.is_of_a_grant() && signed("grant") != facts.grant.as_deref(),
                "what was signed names another grant",
            ),
            (
                facts.signed_yes("self_review") && self.roster.people().len() != 1,
                "it is a self-review, and there were others who could have reviewed",
            ),
        ];
        faults.into_iter().filter(|(bad, _)| *bad).map(|(_, what)| what).collect()
    }

    /// `seen` must be a true head from before the entry (P7).
    fn check_seen(&self, facts: &Facts, tree: &Tree<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
        let root = facts.signed.as_ref().and_then(|signed| signed.get("seen")?.get("root")?.as_str());
        let known = match seen_size(facts).filter(|size| *size > 0 && *size <= facts.seq) {
            Some(size) => tree.root_at(size)?,
            None => None,
        };
        if known.is_none() || known.map(|root| root.to_string()).as_deref() != root {
            let size = seen_size(facts).unwrap_or(0);
            findings.entry(
                facts.seq,
                format!("its signer saw a head of {size} entries that this ledger never had: earlier entries were rewritten"),
            );
        }
        Ok(())
    }

    fn is_used_by(&self, facts: &Facts) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM used_statement WHERE statement = ?1 AND person = ?2 AND seq = ?3",
        )?;
        statement.exists((&facts.statement, &facts.person, facts.seq))
    }

    /// The texts of a registration's files: path, bytes.
    fn files(
        &self,
        facts: &Facts,
        texts: &mut Texts<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<Option<Files>> {
        let listed = facts.signed.as_ref().and_then(|signed| signed.get("files")?.as_array());
        let mut files = Some(Vec::new());
        for file in listed.into_iter().flatten() {
            let text = |key: &str| file.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            let (path, sha512) = (text("path"), text("sha512"));
            let what = format!("the text of {}", escape(path));
            let bytes = texts.named(facts.seq, sha512, &what, findings)?;
            let bytes = bytes.filter(|bytes| {
                let unchanged = HEXLOWER.encode(&Sha512::digest(bytes)) == sha512;
                if !unchanged {
                    findings.entry(facts.seq, format!("{what} was changed"));
                }
                unchanged
            });
            files = files.zip(bytes).map(|(mut files, bytes)| {
                files.push((path.to_owned(), bytes));
                files
            });
        }
        Ok(files)
    }

    /// Verifies a registration at once, because what follows leans on it: its roster judges from
    /// here on. After a bad one the old roster goes on.
    pub(super) fn register(
        &mut self,
        signed: &Signed,
        texts: &mut Texts<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<Judged> {
        let seq = signed.facts.seq;
        let files = self.files(&signed.facts, texts, findings)?;
        self.registrations += 1;
        if !self.connection.prepare_cached("SELECT 1 FROM registration WHERE seq = ?1")?.exists([seq])? {
            findings.entry(seq, "it is not listed among the registrations");
        }
        let name = signed.facts.person.as_deref().unwrap_or_default();
        if !self.roster.person(name).is_some_and(|person| self.roster.is_admin(person)) {
            findings.entry(seq, "it was not signed by an admin of the roster before it");
            return Ok(Judged::default());
        }
        let judged = judge(std::slice::from_ref(signed), &[]);
        if let (1, true, Some(files)) = (judged.good, judged.findings.is_empty(), files) {
            match settings(&files) {
                Ok(settings) => {
                    self.roster = settings.roster;
                    self.keys = by_fingerprint(&self.roster);
                }
                Err(what) => findings.entry(seq, what),
            }
        }
        Ok(judged)
    }

    /// At the end: no registration and no used statement beyond those of the entries.
    pub(super) fn check_counts(&self, findings: &mut Findings) -> rusqlite::Result<()> {
        let count = |sql| self.connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        let rows = count("SELECT count(*) FROM registration")?;
        if rows != self.registrations {
            findings
                .ledger(format!("{rows} registrations are listed, the entries hold {}", self.registrations));
        }
        let rows = count("SELECT count(*) FROM used_statement")?;
        if rows != self.statements {
            findings.ledger(format!(
                "{rows} statements are listed as used, the entries hold {}",
                self.statements
            ));
        }
        Ok(())
    }
}

fn settings(files: &[(String, Vec<u8>)]) -> Result<Settings, String> {
    let (path, bytes) =
        files.iter().find(|(path, _)| path == super::super::SETTINGS).ok_or("it registers no glass.toml")?;
    let text = std::str::from_utf8(bytes).map_err(|error| format!("glass.toml: {error}"))?;
    Settings::parse(path, text).map_err(|faults| escape(&faults.to_string()))
}

fn by_fingerprint(roster: &Roster) -> HashMap<String, Owned> {
    let keys = roster.people().iter().flat_map(|person| person.keys.iter().map(move |key| (person, key)));
    keys.map(|(person, key)| {
        let verifier = Arc::new(Verifier::new(key.key.clone()));
        let owned = Owned { person: person.name.clone(), key: key.clone(), verifier };
        (key.key.fingerprint().to_string(), owned)
    })
    .collect()
}
