//! `init`: a home, its ledger, its first person; or a new admin, where every admin key was lost.
//! Signs nothing.

use crate::core::playbook::SAMPLE;
use crate::core::public_key::PublicKey;
use crate::core::settings::Settings;
use crate::core::text::Line;
use crate::ports::config::{Environment, Home, WriteError, host_name, write_new};
use crate::ports::ledger::{Founding, Ledger, LedgerKey};
use crate::ports::{clock, signer};
use crate::usecases::context::{Context, place};
use crate::usecases::failure::{Failure, Kind};
use std::path::{Path, PathBuf};

/// What `init` made.
#[derive(Debug)]
pub struct Founded {
    /// The draft of the settings.
    pub settings: PathBuf,
    /// The draft of the sample playbook.
    pub playbook: PathBuf,
    /// Name of the log.
    pub origin: String,
    /// The ledger's public key: what an auditor must have from elsewhere.
    pub vkey: String,
    /// Fingerprint of the first person's key.
    pub fingerprint: String,
}

/// Makes a home.
pub fn init(
    flag: Option<&Path>,
    environment: &Environment,
    person: &str,
    key_file: &Path,
) -> Result<Founded, Failure> {
    let (person, line, key) = judge(environment, person, key_file)?;
    let home = Home::locate(flag, environment)?;
    home.create()?;
    let origin = format!("{}/glass", host_name());
    keep_or_write(&home.settings(), Settings::template(&origin, person.as_str(), &line).as_bytes())?;
    let playbook = home.playbooks().join("sample.toml");
    keep_or_write(&playbook, SAMPLE.as_bytes())?;
    home.lay_in_ballast()?;
    let ledger_key = LedgerKey::new(&origin, &signer::seed()?).map_err(|error| {
        Failure::new(Kind::Failed, format!("the host's name can't name a ledger: {error}"))
    })?;
    let vkey = ledger_key.vkey();
    let founding = Founding {
        origin: &origin,
        ledger: signer::nonce()?,
        key: ledger_key,
        person: person.as_str(),
        public_key: &key,
    };
    Ledger::found(&place(&home), founding, &clock::now()?)?;
    Ok(Founded {
        settings: home.settings(),
        playbook,
        origin,
        vkey,
        fingerprint: key.fingerprint().to_string(),
    })
}

/// What `init --recover` did.
#[derive(Debug)]
pub struct Rescued {
    /// Position of its entry.
    pub seq: u64,
    /// Fingerprint of the new admin's key.
    pub fingerprint: String,
    /// The draft of the settings.
    pub settings: PathBuf,
}

/// Names a new admin, because every admin key was lost. Only whoever owns the files can, nobody
/// signs it, and `ledger verify` names it for ever.
pub fn recover(context: &Context, person: &str, key_file: &Path) -> Result<Rescued, Failure> {
    let (person, _, key) = judge(&context.environment, person, key_file)?;
    let mut ledger = context.ledger_to_open()?;
    ledger.check_head()?;
    let seq = ledger.recover(person.as_str(), &key, &clock::now()?)?;
    let fingerprint = key.fingerprint().to_string();
    Ok(Rescued { seq, fingerprint, settings: context.home.settings() })
}

/// The first or new admin's name, key line and key.
fn judge(
    environment: &Environment,
    person: &str,
    key_file: &Path,
) -> Result<(Line, String, PublicKey), Failure> {
    if environment.sudo.is_some() {
        return Err(Failure::new(
            Kind::Refused,
            "`init` is refused under sudo: it would make you the host's first admin",
        )
        .hint(
            "run it as root itself (`su -`; after `sudo -i`: `unset SUDO_UID`), or without sudo for a personal home",
        ));
    }
    let person = Line::new(person)?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if person.as_str().is_empty() || !person.as_str().chars().all(is_name) {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{person}` is not a name: use a-z, 0-9, `.`, `_` and `-`"),
        ));
    }
    let line = std::fs::read_to_string(key_file)
        .map_err(|error| Failure::new(Kind::Usage, format!("can't read {}: {error}", shown(key_file))))?;
    let line = line.lines().next().unwrap_or_default().to_owned();
    let key = PublicKey::parse_line(&line).map_err(|error| {
        Failure::new(Kind::Usage, format!("{}: {error}", shown(key_file)))
            .hint("`--key` takes the public half: the file that ends in `.pub`")
    })?;
    Ok((person, line, key))
}

/// A draft that an earlier, interrupted `init` or a person put there is theirs.
fn keep_or_write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    if path.exists() { Ok(()) } else { write_new(path, bytes, 0o600) }
}

fn shown(path: &Path) -> String {
    crate::core::text::escape(&path.to_string_lossy())
}
