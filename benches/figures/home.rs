//! A home of its own in a temporary directory, with one person and one registration.

use crate::measure::{GLASS, command, output};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer, SigningKey};
use glass::core::entry::{Facts, Kind};
use glass::core::id::Nonce;
use glass::core::moment::Moment;
use glass::core::public_key::PublicKey;
use glass::core::sshsig::{Sshsig, signed_data};
use glass::core::statement::{Common, Register, Seen, Statement, Verb};
use glass::ports::clock;
use glass::ports::config::Home;
use glass::ports::ledger::{Batch, Ledger, Place};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where ledgers are built: memory, so that building them waits for no disk.
pub(crate) const MEMORY: &str = "/dev/shm";
/// A real disk, for what must be durable.
pub(crate) const DISK: &str = env!("CARGO_TARGET_TMPDIR");

const PERSON: &str = "ana";
const PLAYBOOK: &str = include_str!("playbook.toml");

/// The home, removed when dropped.
pub(crate) struct Scratch {
    directory: TempDir,
    signing: SigningKey,
    origin: String,
    ledger: String,
    nonces: u64,
}

impl Scratch {
    /// A home whose ledger holds its genesis and one registration: no grant yet.
    pub(crate) fn new(on: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("glass-bench-").tempdir_in(on)?;
        let signing = SigningKey::from_bytes(&[1; 32]);
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let keypair = ssh_key::private::Ed25519Keypair::from(&signing);
        let private = ssh_key::PrivateKey::from(keypair);
        private.write_openssh_file(Path::new(&path("key")), ssh_key::LineEnding::LF)?;
        let public = private.public_key().to_openssh()?;
        std::fs::write(path("key.pub"), format!("{public}\n"))?;
        let init = ["--home", &path("home"), "init", "--person", PERSON, "--key", &path("key.pub")];
        output(&mut command(GLASS, &init))?;
        let mut scratch =
            Self { directory, signing, origin: String::new(), ledger: String::new(), nonces: 0 };
        std::fs::remove_file(scratch.home().playbooks().join("sample.toml"))?;
        std::fs::write(scratch.home().playbooks().join("bench.toml"), PLAYBOOK)?;
        let ledger = scratch.open()?;
        (scratch.origin, scratch.ledger) = (ledger.genesis().origin.clone(), ledger.genesis().ledger.clone());
        scratch.register(ledger)?;
        Ok(scratch)
    }

    /// The directory, as an argument.
    pub(crate) fn path(&self) -> String {
        self.directory.path().join("home").to_string_lossy().into_owned()
    }

    /// The person's key file, as an argument.
    pub(crate) fn key(&self) -> String {
        self.directory.path().join("key").to_string_lossy().into_owned()
    }

    /// A file beside the home.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn home(&self) -> Home {
        let path = PathBuf::from(self.path());
        Home::at(path.clone(), path)
    }

    pub(crate) fn place(&self) -> Place {
        glass::usecases::context::place(&self.home())
    }

    /// The ledger, to append to.
    pub(crate) fn open(&self) -> Result<Ledger> {
        Ok(Ledger::open_write(&self.place())?)
    }

    /// A nonce that was not used in this home.
    pub(crate) fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        // Ids come from the first bytes: they are to lie as far apart as random ones.
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha512::digest(self.nonces.to_be_bytes())[..16]);
        Nonce::new(bytes)
    }

    /// What every statement of this ledger names.
    pub(crate) fn common(&self, nonce: Nonce, seen: Seen, at: DateTime<Utc>) -> Common {
        let (origin, ledger) = (self.origin.clone(), self.ledger.clone());
        Common { origin, ledger, nonce, seen, at, person: PERSON.to_owned() }
    }

    /// Signs a statement as its person would, and appends it.
    pub(crate) fn append_signed<V: Verb>(
        &self,
        batch: &mut Batch<'_>,
        statement: &Statement<V>,
        facts: Facts,
    ) -> Result<u64> {
        let key = PublicKey::ed25519(self.signing.verifying_key().to_bytes());
        let digest = statement.digest();
        let signature = self.signing.sign(&signed_data(V::NAMESPACE, &digest)).to_bytes();
        let armor = Sshsig::from_ed25519(key.clone(), V::NAMESPACE, signature)?.to_armor();
        let name = HEXLOWER.encode(&digest);
        batch.statement(&name, PERSON, statement.line(), batch.next_seq())?;
        let facts = Facts {
            person: Some(PERSON.to_owned()),
            key: Some(key.fingerprint().to_string()),
            statement: Some(name),
            signed: Some(statement.signed().clone()),
            ..facts
        };
        Ok(batch.append(facts, &armor)?)
    }

    fn register(&mut self, mut ledger: Ledger) -> Result<()> {
        let settings = std::fs::read(self.home().settings())?;
        let files = [("glass.toml", settings), ("playbooks/bench.toml", PLAYBOOK.as_bytes().to_vec())];
        let now = clock::now()?;
        // A year ago: what happened since comes after it.
        let now = Moment { wall: now.wall - chrono::TimeDelta::days(366), boot_ms: 1, ..now };
        let common = self.common(Nonce::new([0xff; 16]), ledger.head()?.seen(), now.wall);
        let mut batch = Batch::begin(&mut ledger, &now)?;
        let mut listed = Vec::new();
        for (path, bytes) in &files {
            listed.push(json!({"path": path, "sha512": batch.text(bytes)?}));
        }
        let statement = Statement::<Register>::new(
            &common,
            object(json!({"files": listed, "previous": 0}))?,
            Map::new(),
        )?;
        self.append_signed(&mut batch, &statement, Facts::new(Kind::Registered, &now))?;
        batch.commit()?;
        Ok(())
    }
}

pub(crate) fn object(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        _ => None.context("not an object"),
    }
}
