//! Enrolment attestations of security keys, as `ssh-keygen -O write-attestation` writes them:
//! kept with the registration as they are, so that they can be checked later.

use crate::core::roster::{Person, RosterKey};
use crate::core::settings::Settings;
use crate::core::text::escape;
use crate::ports::ledger::{Registered, SETTINGS, is_playbook};
use crate::usecases::context::{Context, distrusted};
use crate::usecases::failure::{Failure, Kind};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256, Sha512};

/// Most bytes of an attestation; a real one has less than 2 KiB.
const LONGEST: usize = 64 * 1024;

/// An attestation as it is on disk.
pub(super) struct Attestation {
    /// Its path as `glass.toml` writes it.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl Attestation {
    /// SHA-512 of its bytes, lower-case hex.
    pub(super) fn sha512(&self) -> String {
        HEXLOWER.encode(&Sha512::digest(&self.bytes))
    }
}

/// Every attestation that the settings name, once each; relative paths are the home's.
pub(super) fn read_attestations(context: &Context, settings: &Settings) -> Result<Vec<Attestation>, Failure> {
    let mut read: Vec<Attestation> = Vec::new();
    let keys =
        settings.roster.people().iter().flat_map(|person| person.keys.iter().map(move |key| (person, key)));
    for (person, key) in keys {
        let Some(path) = &key.attestation else { continue };
        if read.iter().all(|attestation| attestation.path != *path) {
            read.push(read_attestation(context, person, key, path)?);
        }
    }
    Ok(read)
}

fn read_attestation(
    context: &Context,
    person: &Person,
    key: &RosterKey,
    path: &str,
) -> Result<Attestation, Failure> {
    let refused = |why: String| {
        let (name, fingerprint) = (&person.name, key.key.fingerprint());
        Failure::new(Kind::Refused, format!("the attestation of {name}'s key {fingerprint}: {why}"))
            .hint(
                "`ssh-keygen -t ed25519-sk -O write-attestation=FILE` writes one; or take `attestation` out",
            )
            .cause("no-attestation")
    };
    // What is registered under such a name is read as a playbook or as the settings.
    if path == SETTINGS || is_playbook(path) {
        return Err(refused(format!("`{}` is no place for it", escape(path))));
    }
    let file = context.home.config().join(path);
    let judged = context.trust.read(&file, LONGEST).map_err(|error| refused(error.to_string()))?;
    Ok(Attestation { path: path.to_owned(), bytes: judged.strict().map_err(distrusted)? })
}

/// What an admin sees of them: never the bytes, which are binary.
pub(super) fn changes(registered: Option<&Registered>, attestations: &[Attestation]) -> Vec<String> {
    let mut lines = Vec::new();
    let before = || registered.into_iter().flat_map(Registered::attestations);
    for attestation in attestations {
        let earlier = before().find(|file| file.path == attestation.path);
        if earlier.is_none_or(|file| file.bytes != attestation.bytes) {
            lines.push(format!(
                "+++ {} (enrolment attestation to register: {} bytes, SHA-256 {}; glass does not check it yet)",
                escape(&attestation.path),
                attestation.bytes.len(),
                HEXLOWER.encode(&Sha256::digest(&attestation.bytes)),
            ));
        }
    }
    for file in before().filter(|file| attestations.iter().all(|now| now.path != file.path)) {
        lines.push(format!("--- {} (enrolment attestation, registered until now)", escape(&file.path)));
    }
    lines
}
