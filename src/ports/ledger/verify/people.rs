//! Who could sign what at each point of the log: the founder, then each registration as
//! judged by the roster before it.

use super::super::{Registrars, is_playbook};
use super::Recovery;
use super::consent;
use super::finding::Findings;
use super::signature::{Judged, Signed, digest, judge, seen_size, verb};
use super::texts::Texts;
use super::tree::Tree;
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Genesis, Kind};
use crate::core::grant::Consent;
use crate::core::playbook::{Playbook, Scope, Touch};
use crate::core::policy;
use crate::core::roster::{Roster, RosterKey};
use crate::core::settings::Settings;
use crate::core::sshsig::Verifier;
use crate::core::statement::{Register, Verb};
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use rusqlite::Connection;
use sha2::{Digest, Sha512};
use std::collections::{HashMap, HashSet};
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
    keep_recordings: Option<Seconds>,
    /// The roster's keys by fingerprint, with their owners.
    keys: HashMap<String, Owned>,
    /// Who signs the next registration, and their keys: after a recovery, one more.
    registrars: Registrars,
    registrar_keys: HashMap<String, Owned>,
    /// Entries with a good signature under a registration that waits.
    proposals: HashSet<u64>,
    recoveries: Vec<Recovery>,
    /// What was registered, by registration and address.
    scopes: HashMap<(u64, String), Scope>,
    registrations: u64,
    statements: u64,
}

impl<'a> People<'a> {
    pub(super) fn new(connection: &'a Connection, genesis: &'a Genesis, findings: &mut Findings) -> Self {
        let registrars = Registrars::founder(genesis).unwrap_or_else(|error| {
            findings.entry(0, format!("the first person's key: {error}"));
            Registrars { roster: Roster::default(), needed: 1, previous: 0 }
        });
        let roster = registrars.roster.clone();
        Self {
            connection,
            genesis,
            keys: by_fingerprint(&roster),
            registrar_keys: by_fingerprint(&roster),
            roster,
            keep_recordings: None,
            registrars,
            proposals: HashSet::new(),
            recoveries: Vec::new(),
            scopes: HashMap::new(),
            registrations: 0,
            statements: 0,
        }
    }

    /// For how long recordings are kept, by the registrations so far.
    pub(super) const fn keep_recordings(&self) -> Option<Seconds> {
        self.keep_recordings
    }

    /// Who exists, by the registrations so far.
    pub(super) const fn roster(&self) -> &Roster {
        &self.roster
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
        self.check_touch(&facts, findings);
        self.check_seen(&facts, tree, findings)?;
        self.statements += 1;
        if !self.is_used_by(&facts)? {
            findings.entry(seq, "its statement is not listed as used by this entry alone");
        }
        let keys = if registers(&facts) { &self.registrar_keys } else { &self.keys };
        let entry = keys.get(facts.key.as_deref().unwrap_or_default());
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
        if facts.kind == Kind::Approved {
            let scope = self.scope_of(&facts);
            let line = line.as_deref();
            consent::check(self.connection, &facts, line, scope, &self.roster, tree, findings)?;
        }
        Ok(Signed { facts, armor, key, line, verify })
    }

    /// The scope that what was signed is about, as the registration has it that it names.
    fn scope_of(&self, facts: &Facts) -> Option<&Scope> {
        let asked = facts.signed_u64("registered").zip(facts.signed_str("scope").map(str::to_owned));
        self.scopes.get(&asked?)
    }

    /// What of the facts alone contradicts itself or the genesis.
    fn faults(&self, facts: &Facts) -> Vec<&'static str> {
        let signed = |key| facts.signed_str(key);
        // What another person began need not name who signs it too; nor does a consent.
        let is_later = facts.act.is_some() && facts.kind != Kind::Proposed;
        let names_signer = !is_later && facts.kind != Kind::Approved;
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
                facts.person.is_none() || (names_signer && signed("person") != facts.person.as_deref()),
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

    /// A request must assert the touch that its scope demanded. That its facts say what its signature
    /// does is checked with that.
    fn check_touch(&self, facts: &Facts, findings: &mut Findings) {
        let scope = self.scope_of(facts).filter(|_| facts.kind == Kind::Requested);
        let demanded = scope.map_or(Touch::Off, |scope| scope.touch);
        if let Err(refusal) = policy::judge_touch(demanded, facts.touch) {
            findings.entry(facts.seq, format!("its scope was not to be opened by it: {refusal}"));
        }
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

    /// How many admins must sign a registration now.
    pub(super) const fn needed(&self) -> usize {
        self.registrars.needed
    }

    /// Verifies a signature under a registration that waits at once, because that leans on it.
    pub(super) fn propose(&mut self, signed: &Signed) -> Judged {
        let judged = judge(std::slice::from_ref(signed), &[]);
        if judged.good == 1 && judged.findings.is_empty() {
            self.proposals.insert(signed.facts.seq);
        }
        judged
    }

    /// Verifies a registration at once, because what follows leans on it: its roster judges from
    /// here on. After a bad one the old roster goes on.
    pub(super) fn register(
        &mut self,
        signed: &Signed,
        signers: &[Consent],
        texts: &mut Texts<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<Judged> {
        let facts = &signed.facts;
        let seq = facts.seq;
        let files = self.files(facts, texts, findings)?;
        self.list(seq, findings)?;
        let mut is_good = true;
        let mut fault = |what: String| {
            findings.entry(seq, what);
            is_good = false;
        };
        if !self.registrars.are_named_by(facts) {
            fault("it was not signed for what was registered before it".to_owned());
        }
        let circle = self.registrars.circle(facts.at());
        for (index, consent) in signers.iter().enumerate() {
            let act = facts.act.as_deref().unwrap_or_default();
            if let Err(refusal) = circle.judge(act, &signers[..index], &consent.person) {
                let refusal = escape(&refusal.to_string());
                let what = format!("it was not signed by an admin of the roster before it: {refusal}");
                fault(what);
            }
        }
        let judged = judge(std::slice::from_ref(signed), &[]);
        // Where one is missing or bad, that is a finding already.
        is_good &= signers.len() >= self.registrars.needed
            && facts.cosigned.iter().all(|earlier| self.proposals.remove(earlier))
            && judged.good == 1
            && judged.findings.is_empty();
        self.registrars.previous = seq;
        if let Some(files) = files.filter(|_| is_good) {
            match settings(&files) {
                Ok(settings) => {
                    self.keep_recordings = settings.keep_recordings;
                    let roster = settings.roster;
                    self.keys = by_fingerprint(&roster);
                    self.registrar_keys = by_fingerprint(&roster);
                    self.roster = roster.clone();
                    self.registrars = Registrars { roster, needed: settings.admins, previous: seq };
                    self.scopes.extend(scopes(seq, &files));
                }
                Err(what) => findings.entry(seq, what),
            }
        }
        Ok(judged)
    }

    /// One more admin, whom the owner of the files named: signed by nobody, and never left out.
    pub(super) fn recover(&mut self, facts: &Facts, findings: &mut Findings) -> rusqlite::Result<()> {
        self.list(facts.seq, findings)?;
        if let Err(what) = self.registrars.recover(facts) {
            findings.entry(facts.seq, escape(&what));
            return Ok(());
        }
        self.registrar_keys = by_fingerprint(&self.registrars.roster);
        if let Some(recovered) = &facts.recovered {
            self.recoveries.push(Recovery {
                seq: facts.seq,
                at: facts.at.clone(),
                person: recovered.person.clone(),
                key: recovered.public_key.clone(),
            });
        }
        Ok(())
    }

    /// The recoveries, for the reader.
    pub(super) fn take_recoveries(&mut self) -> Vec<Recovery> {
        std::mem::take(&mut self.recoveries)
    }

    fn list(&mut self, seq: u64, findings: &mut Findings) -> rusqlite::Result<()> {
        self.registrations += 1;
        if !self.connection.prepare_cached("SELECT 1 FROM registration WHERE seq = ?1")?.exists([seq])? {
            findings.entry(seq, "it is not listed among the registrations");
        }
        Ok(())
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

/// The scopes of a registration, by its seq and their addresses.
fn scopes(seq: u64, files: &[(String, Vec<u8>)]) -> Vec<((u64, String), Scope)> {
    let texts = files.iter().filter(|(path, _)| is_playbook(path));
    let playbooks =
        texts.filter_map(|(path, bytes)| Playbook::parse(path, std::str::from_utf8(bytes).ok()?).ok());
    let scopes = playbooks.flat_map(|playbook| {
        let addressed = |scope: &Scope| ((seq, playbook.address(scope)), scope.clone());
        playbook.scopes.iter().map(addressed).collect::<Vec<_>>()
    });
    scopes.collect()
}

/// Whether a person signed a registration, whole or one of several signatures.
pub(super) fn registers(facts: &Facts) -> bool {
    let verb = verb(facts).map(|(name, _)| name);
    facts.kind.is_signed() && verb == Some(Register::NAME)
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
