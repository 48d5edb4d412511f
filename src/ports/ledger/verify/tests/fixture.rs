//! A real ledger in a directory of its own, made through the ledger's own interface.

use crate::core::entry::{Facts, Kind, Run, StepState, Stream, Terms, entry_leaf};
use crate::core::id::{ActId, GrantId, Nonce};
use crate::core::merkle::Frontier;
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use crate::core::playbook::SAMPLE;
use crate::core::public_key::PublicKey;
use crate::core::settings::Settings;
use crate::core::sshsig::{Sshsig, signed_data};
use crate::core::statement::{Common, Register, Request, Review, Seen, Statement, Verb};
use crate::ports::ledger::{
    Batch, Finding, Founding, Given, Ledger, LedgerError, LedgerKey, Place, Recorded, Verification,
    VerifyOptions,
};
use crate::ports::signer::Confirmed;
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer, SigningKey};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};
use std::collections::BTreeMap;
use tempfile::TempDir;
use zeroize::Zeroizing;

pub(super) const ORIGIN: &str = "bastion.example/glass";

pub(super) struct Fixture {
    /// Removed when dropped.
    _directory: TempDir,
    pub(super) place: Place,
    /// Seconds since the ledger began; each act takes one.
    clock: i64,
}

impl Fixture {
    /// A ledger with its genesis only; its own key is made from one byte.
    pub(super) fn found(key: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let place = Place {
            database: path("ledger.db"),
            key: path("ledger.key"),
            open: path("open"),
            locks: path("locks"),
        };
        std::fs::create_dir(&place.open).unwrap();
        let mut fixture = Self { _directory: directory, place, clock: 0 };
        let founding = Founding {
            origin: ORIGIN,
            ledger: Nonce::new([9; 16]),
            key: LedgerKey::new(ORIGIN, &Zeroizing::new([key; 32])).unwrap(),
            person: "ana",
            public_key: &public_key(1),
        };
        let now = fixture.now();
        Ledger::found(&fixture.place, founding, &now).unwrap();
        fixture
    }

    /// Entries: 0 genesis, 1 registered, 2..=8 a grant from request to closed, 9 refused,
    /// 10..=13 a grant that is still active.
    pub(super) fn whole() -> Self {
        let mut fixture = Self::found(7);
        fixture.live_a_life();
        fixture
    }

    pub(super) fn live_a_life(&mut self) {
        self.register();
        let id = self.request(1);
        self.open(&id);
        self.end(&id);
        self.refuse(1);
        let id = self.request(2);
        self.open(&id);
    }

    pub(super) fn now(&mut self) -> Moment {
        self.clock += 1;
        let wall = parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap() + TimeDelta::seconds(self.clock);
        Moment { wall, boot_id: "boot".to_owned(), boot_ms: 1_000 * self.clock as u64 }
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger::open_write(&self.place).unwrap()
    }

    pub(super) fn settings() -> Vec<u8> {
        Settings::template(ORIGIN, "ana", &public_key(1).to_string()).into_bytes()
    }

    pub(super) fn common(&mut self, nonce: u8) -> Common {
        let head = self.ledger().head().unwrap();
        Common {
            origin: ORIGIN.to_owned(),
            ledger: Nonce::new([9; 16]).to_string(),
            nonce: Nonce::new([nonce; 16]),
            seen: Seen { ..head.seen() },
            at: self.now().wall,
            person: "ana".to_owned(),
        }
    }

    pub(super) fn register(&mut self) {
        self.register_playbook(SAMPLE);
    }

    /// The same with another text of the sample's file.
    pub(super) fn register_playbook(&mut self, text: &str) {
        self.register_files(Self::settings(), text);
    }

    /// The same with other settings too.
    pub(super) fn register_files(&mut self, settings: Vec<u8>, text: &str) {
        let files = [("glass.toml", settings), ("playbooks/sample.toml", text.as_bytes().to_vec())];
        let list: Vec<Value> = files
            .iter()
            .map(|(path, bytes)| json!({"path": path, "sha512": HEXLOWER.encode(&Sha512::digest(bytes))}))
            .collect();
        let facts = object(json!({"files": list, "previous": self.ledger().registrars().unwrap().previous}));
        let nonce = (self.clock as u8).wrapping_add(100);
        let statement =
            Statement::<Register>::new(&self.common(nonce), facts, object(json!({"title": "files"})))
                .unwrap();
        let bytes: Vec<Vec<u8>> = files.into_iter().map(|(_, bytes)| bytes).collect();
        let now = self.now();
        self.ledger().sign_registration(&confirm(statement, 1), &bytes, &now).unwrap();
    }

    /// Settings by which two admins sign: ana and ben.
    pub(super) fn settings_of_two() -> Vec<u8> {
        let text = String::from_utf8(Self::settings()).unwrap().replace("admins = 1", "admins = 2");
        let ben =
            format!("\n[[person]]\nname = \"ben\"\ngroups = [\"admin\"]\nkeys = [\"{}\"]\n", public_key(2));
        (text + &ben).into_bytes()
    }

    /// A registration of nothing but the settings of two, signed by the holders of these keys, in
    /// so many entries; nothing stops at a refusal.
    pub(super) fn register_by(&mut self, keys: &[u8]) -> Result<(), LedgerError> {
        let settings = Self::settings_of_two();
        let sha512 = HEXLOWER.encode(&Sha512::digest(&settings));
        let previous = self.ledger().registrars().unwrap().previous;
        let facts =
            object(json!({"files": [{"path": "glass.toml", "sha512": sha512}], "previous": previous}));
        let common = self.common((self.clock as u8).wrapping_add(100));
        for key in keys {
            let statement = Statement::<Register>::new(&common, facts.clone(), Map::new()).unwrap();
            let now = self.now();
            self.ledger().sign_registration(
                &confirm(statement, *key),
                std::slice::from_ref(&settings),
                &now,
            )?;
        }
        Ok(())
    }

    /// Another statement by both, signed by ana alone: it waits.
    pub(super) fn propose(&mut self) -> ActId {
        self.register_by(&[1]).unwrap();
        let now = self.now();
        let mut acts = self.ledger().acts(&now).unwrap();
        acts.pop().unwrap().id
    }

    /// So much later on both clocks.
    pub(super) fn wait(&mut self, time: TimeDelta) {
        self.clock += time.num_seconds();
    }

    pub(super) fn request(&mut self, nonce: u8) -> String {
        self.try_request(nonce).unwrap();
        grant(nonce)
    }

    pub(super) fn try_request(&mut self, nonce: u8) -> Result<Recorded<Request>, LedgerError> {
        self.request_of(nonce, json!({}))
    }

    /// A request whose facts say this too.
    pub(super) fn request_with(&mut self, nonce: u8, more: Value) {
        self.request_of(nonce, more).unwrap();
    }

    fn request_of(&mut self, nonce: u8, more: Value) -> Result<Recorded<Request>, LedgerError> {
        let id = grant(nonce);
        let mut facts = object(json!({
            "grant": id, "scope": "break-glass/demo-file", "duration_s": 600, "review_within_s": 86_400,
            "registered": 1, "drill": false, "os_user": "ana",
        }));
        facts.extend(object(more));
        let texts = object(json!({"reason": "the normal path is down", "incident": "INC-1"}));
        let statement = Statement::<Request>::new(&self.common(nonce), facts, texts).unwrap();
        let now = self.now();
        self.ledger().record_request(&confirm(statement, 1), &now)
    }

    /// A verdict by ana, who is alone, on her own use.
    pub(super) fn review(&mut self, id: &str, verdict: &str, self_review: bool) -> Result<(), LedgerError> {
        let mut facts = object(json!({"grant": id, "scope": "break-glass/demo-file", "verdict": verdict}));
        if self_review {
            facts.insert("self_review".into(), json!(true));
        }
        let nonce = (self.clock as u8).wrapping_add(200);
        let texts = object(json!({"note": "as it should be", "title": "a file"}));
        let statement = Statement::<Review>::new(&self.common(nonce), facts, texts).unwrap();
        let now = self.now();
        self.ledger().record_review(&confirm(statement, 1), &now).map(|_| ())
    }

    /// Appends what a person signed about a grant, without the ledger's judgement; gives its seq.
    pub(super) fn sign_past_judgement<V: Verb>(
        &mut self,
        person: &str,
        byte: u8,
        facts: Map<String, Value>,
    ) -> u64 {
        let nonce = (self.clock as u8).wrapping_add(150);
        let common = Common { person: person.to_owned(), ..self.common(nonce) };
        let confirmed = confirm(Statement::<V>::new(&common, facts, object(json!({}))).unwrap(), byte);
        let (statement, now) = (confirmed.statement(), self.now());
        let digest = HEXLOWER.encode(&statement.digest());
        let mut ledger = self.ledger();
        let mut batch = Batch::begin(&mut ledger, &now).unwrap();
        batch.statement(&digest, person, statement.line(), batch.next_seq()).unwrap();
        let facts = Facts {
            grant: statement.signed()["grant"].as_str().map(str::to_owned),
            key: Some(confirmed.key().fingerprint().to_string()),
            person: Some(person.to_owned()),
            signed: Some(statement.signed().clone()),
            statement: Some(digest),
            ..Facts::new(V::KIND, &now)
        };
        let seq = batch.append(facts, confirmed.armor()).unwrap();
        batch.commit().unwrap();
        seq
    }

    /// Appends system entries, all in one commit.
    pub(super) fn append(&mut self, entries: Vec<Facts>) {
        let now = self.now();
        let mut ledger = self.ledger();
        let mut batch = Batch::begin(&mut ledger, &now).unwrap();
        for facts in entries {
            batch.append(facts, "").unwrap();
        }
        batch.commit().unwrap();
    }

    pub(super) fn open(&mut self, id: &str) {
        let now = self.now();
        let terms = Terms {
            activation_boot_ms: 20_000,
            deadline_boot_ms: 700_000,
            expires_at: rfc3339(now.wall + TimeDelta::seconds(600)),
            steps: vec!["file".to_owned()],
        };
        let fact = |kind| Facts { grant: Some(id.to_owned()), ..Facts::new(kind, &now) };
        self.append(vec![Facts { terms: Some(terms), ..fact(Kind::Opening) }]);
        let mut ledger = self.ledger();
        let mut batch = Batch::begin(&mut ledger, &now).unwrap();
        let stream = || Stream { length: 0, sha256: HEXLOWER.encode(&[0; 32]) };
        let run = Run {
            elapsed_ms: 3,
            ended: "exit".to_owned(),
            exit: Some(0),
            signal: None,
            stderr: stream(),
            stdout: stream(),
            tail: Some(batch.text(format!("tail of {id}").as_bytes()).unwrap()),
        };
        let output = batch.text(format!("accessor of {id}").as_bytes()).unwrap();
        let opened = Facts {
            step: Some("file".to_owned()),
            outcome: Some(StepState::Open),
            outputs: BTreeMap::from([("accessor".to_owned(), output)]),
            runs: BTreeMap::from([("grant".to_owned(), run)]),
            ..fact(Kind::StepOpened)
        };
        batch.append(opened, "").unwrap();
        batch.append(fact(Kind::Activated), "").unwrap();
        batch.commit().unwrap();
    }

    pub(super) fn end(&mut self, id: &str) {
        let now = self.now();
        let fact = |kind| Facts { grant: Some(id.to_owned()), ..Facts::new(kind, &now) };
        let step = Facts {
            step: Some("file".to_owned()),
            outcome: Some(StepState::Closed),
            proof: Some("check".to_owned()),
            ..fact(Kind::StepClosed)
        };
        self.append(vec![fact(Kind::Closing), step, fact(Kind::Closed)]);
    }

    /// Appends so many refusals.
    pub(super) fn refuse(&mut self, count: u64) {
        let now = self.now();
        let refused = Facts {
            verb: Some("activate".to_owned()),
            cause: Some("not-confirmed".to_owned()),
            by: Some("ana".to_owned()),
            ..Facts::new(Kind::Refused, &now)
        };
        self.append((0..count).map(|_| refused.clone()).collect());
    }

    /// What an owner can do: the guards go, then the data changes.
    pub(super) fn damage(&self, sql: &str) {
        let connection = Connection::open(&self.place.database).unwrap();
        let guards =
            ["entry_in_order", "entry_no_update", "entry_no_delete", "text_no_update", "text_no_delete"];
        for guard in guards {
            connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {guard}")).unwrap();
        }
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Replaces words in an entry and makes all that follows from it anew, but for signatures:
    /// hash, nodes, head.
    pub(super) fn forge(&self, seq: u64, before: &str, after: &str) {
        self.damage("DELETE FROM node");
        let connection = Connection::open(&self.place.database).unwrap();
        let mut statement =
            connection.prepare("SELECT seq, bytes, signature FROM entry ORDER BY seq").unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut frontier = Frontier::default();
        let mut forged = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let mut bytes: Vec<u8> = row.get(1).unwrap();
            if row.get::<_, u64>(0).unwrap() == seq {
                bytes = String::from_utf8(bytes).unwrap().replace(before, after).into_bytes();
            }
            let armor: Option<Vec<u8>> = row.get(2).unwrap();
            let leaf = entry_leaf(&bytes, &armor.unwrap_or_default());
            for (level, index, hash) in frontier.push(leaf) {
                connection.execute("INSERT INTO node VALUES (?1, ?2, ?3)", (level, index, hash.0)).unwrap();
            }
            forged.push((bytes, leaf.0));
        }
        drop(rows);
        for (seq, (bytes, leaf)) in forged.into_iter().enumerate() {
            let sql = "UPDATE entry SET bytes = ?1, leaf_hash = ?2 WHERE seq = ?3";
            connection.execute(sql, (bytes, leaf, seq)).unwrap();
        }
        let sql = "UPDATE head SET size = ?1, root = ?2, frontier = ?3";
        connection.execute(sql, (frontier.size(), frontier.root().0, frontier.to_bytes())).unwrap();
    }

    pub(super) fn try_verify(&self, options: &VerifyOptions<'_>) -> Result<Verification, LedgerError> {
        Ledger::open_read(&self.place)?.verify(options, 2)
    }

    pub(super) fn verify(&self) -> Verification {
        self.try_verify(&VerifyOptions::default()).unwrap()
    }

    pub(super) fn verify_against(&self, name: &str, text: &str) -> Verification {
        let given = Given { name: name.to_owned(), text: text.to_owned() };
        self.try_verify(&VerifyOptions { anchors: vec![given], ..VerifyOptions::default() }).unwrap()
    }
}

pub(super) fn public_key(byte: u8) -> PublicKey {
    PublicKey::ed25519(SigningKey::from_bytes(&[byte; 32]).verifying_key().to_bytes())
}

pub(super) fn confirm<V: Verb>(statement: Statement<V>, byte: u8) -> Confirmed<V> {
    let data = signed_data(V::NAMESPACE, &statement.digest());
    let raw = SigningKey::from_bytes(&[byte; 32]).sign(&data).to_bytes();
    let armor = Sshsig::from_ed25519(public_key(byte), V::NAMESPACE, raw).unwrap().to_armor();
    Confirmed::for_tests(statement, public_key(byte), armor)
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// The id of the grant whose request carries this nonce.
pub(super) fn grant(nonce: u8) -> String {
    GrantId::of(&Nonce::new([nonce; 16])).to_string()
}

/// Whether a finding about this entry says this.
pub(super) fn names(findings: &[Finding], seq: impl Into<Option<u64>>, what: &str) -> bool {
    let seq = seq.into();
    findings.iter().any(|finding| finding.seq == seq && finding.what.contains(what))
}
