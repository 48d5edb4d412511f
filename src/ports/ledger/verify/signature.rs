//! What a person signed: the signature, and the texts held against the facts.

use super::finding::Finding;
use crate::core::canonical;
use crate::core::entry::{Facts, Kind};
use crate::core::sshsig::{Sshsig, Verifier};
use crate::core::statement::{message_digest, name_of, namespace_of};
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha512};
use std::sync::Arc;

/// A signed entry with all that its check needs.
pub(super) struct Signed {
    pub(super) facts: Facts,
    pub(super) armor: Option<Vec<u8>>,
    /// The roster's key of that person and fingerprint; without one the finding is made already.
    pub(super) key: Option<Arc<Verifier>>,
    /// The statement's line; without one the finding is made already.
    pub(super) line: Option<Vec<u8>>,
    /// Whether the signature itself is to be verified.
    pub(super) verify: bool,
}

/// A text that an entry names by its SHA-512.
pub(super) struct Named {
    pub(super) seq: u64,
    /// What it is to the entry.
    pub(super) what: String,
    pub(super) key: String,
    pub(super) bytes: Vec<u8>,
}

/// What the signatures and texts of a chunk came to.
#[derive(Default)]
pub(super) struct Judged {
    /// Good signatures.
    pub(super) good: u64,
    /// The largest earlier head that one of them covers, and the entry that says so.
    pub(super) vouched: Option<(u64, u64)>,
    pub(super) findings: Vec<Finding>,
}

/// The verb and its namespace that an entry is signed for: its kind's, or for the earlier
/// signatures of an act, the one that they name.
pub(super) fn verb(facts: &Facts) -> Option<(&str, &'static str)> {
    let name = match facts.kind {
        Kind::Proposed | Kind::Seconded => facts.signed_str("verb")?,
        kind => name_of(kind)?,
    };
    Some((name, namespace_of(name)?))
}

/// The size of the head that the signer saw.
pub(super) fn seen_size(facts: &Facts) -> Option<u64> {
    facts.signed.as_ref()?.get("seen")?.get("size")?.as_u64()
}

pub(super) fn judge(signed: &[Signed], named: &[Named]) -> Judged {
    let mut judged = Judged::default();
    for signed in signed {
        check_line(signed, &mut judged.findings);
        let Some(key) = signed.key.as_ref().filter(|_| signed.verify) else { continue };
        match check_signature(signed, key) {
            Ok(()) => {
                judged.good += 1;
                let vouched = seen_size(&signed.facts).map(|size| (size, signed.facts.seq));
                judged.vouched = judged.vouched.max(vouched);
            }
            Err(what) => judged.findings.push(Finding::entry(signed.facts.seq, what)),
        }
    }
    for text in named {
        if HEXLOWER.encode(&Sha512::digest(&text.bytes)) != text.key {
            judged.findings.push(Finding::entry(text.seq, format!("{} was changed", text.what)));
        }
    }
    judged
}

/// The digest that the facts name, in bytes.
pub(super) fn digest(facts: &Facts) -> Option<[u8; 64]> {
    HEXLOWER.decode(facts.statement.as_ref()?.as_bytes()).ok()?.try_into().ok()
}

fn check_signature(signed: &Signed, key: &Verifier) -> Result<(), String> {
    let armor = signed.armor.as_deref().and_then(|armor| std::str::from_utf8(armor).ok());
    let armor = armor.ok_or("its signature is not text")?;
    let words = |error: crate::core::sshsig::SshsigError| format!("its signature: {error}");
    let sshsig = Sshsig::from_armor(armor).map_err(words)?;
    if sshsig.to_armor() != armor {
        return Err("its signature is not in the one form in which glass stores it".to_owned());
    }
    let (_, namespace) =
        verb(&signed.facts).ok_or("it is signed for a verb that this glass does not know")?;
    let digest = digest(&signed.facts).ok_or("it names no statement")?;
    let asserted = sshsig.verify_by(namespace, &digest, key).map_err(words)?;
    if asserted.touched() != signed.facts.touch {
        return Err("its `touch` is not what its signature asserts".to_owned());
    }
    Ok(())
}

fn check_line(signed: &Signed, findings: &mut Vec<Finding>) {
    let seq = signed.facts.seq;
    let Some(line) = &signed.line else { return };
    if Some(message_digest(line)) != digest(&signed.facts) {
        findings.push(Finding::entry(seq, "the text of its statement was changed"));
        return;
    }
    // The facts are canonical: the statement must hold their `signed` byte for byte.
    let signed = serde_json::to_vec(&signed.facts.signed).unwrap_or_default();
    let texts = line.strip_prefix(b"{\"signed\":").and_then(|rest| {
        rest.strip_prefix(signed.as_slice())?.strip_prefix(b",\"texts\":")?.strip_suffix(b"}")
    });
    let what = match texts.map(canonical::decode) {
        Some(Ok(Value::Object(_))) => return,
        Some(Ok(_)) => "the texts of its statement are not in their form".to_owned(),
        Some(Err(error)) => format!("its statement is not canonical: {}", escape(&error.to_string())),
        None => "its facts are not those of the signed statement".to_owned(),
    };
    findings.push(Finding::entry(seq, what));
}
