//! The facts of a ledger entry: one line of canonical JSON (CONTRACT 4).
//!
//! The structs list their fields in alphabetical order, so that serialising them gives
//! the canonical text directly; a test holds that against [`canonical`](crate::core::canonical).
//! Free text never stands here: it is in the `text` table under its SHA-512.

mod kind;
mod session;

pub use kind::Kind;
pub use session::{Containment, Ending, Piece, RECORDED, Started};

use crate::core::merkle::{Hash, leaf_hash_parts};
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A leaf of the log is at most this long, as C2SP tlog-tiles asks.
pub const LEAF_LIMIT: usize = 65_535;

/// How a step stands; also the `outcome` of step entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Its `grant` has not run.
    Pending,
    /// Its `grant` succeeded, or a check proves it open.
    Open,
    /// The access was there before: `already` matched.
    PreExisting,
    /// Its closing is under way.
    Closing,
    /// It may be open: nothing proved either way.
    Unknown,
    /// Proved closed.
    Closed,
    /// It never opened, and that is proved.
    Failed,
}

impl StepState {
    /// The word in facts, projections and JSON of the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::PreExisting => "pre-existing",
            Self::Closing => "closing",
            Self::Unknown => "unknown",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing of this step can be open.
    pub const fn is_shut(self) -> bool {
        matches!(self, Self::Pending | Self::Closed | Self::Failed)
    }
}

/// What `genesis` fixes for the life of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Random id of this ledger, lower-case hex.
    pub ledger: String,
    /// Name of the log in checkpoints.
    pub origin: String,
    /// The first person.
    pub person: String,
    /// That person's key, as `TYPE BASE64`.
    pub public_key: String,
    /// The ledger's key as a C2SP vkey.
    pub vkey: String,
}

/// What `opening` fixes for one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// By when the activation itself must be through, on the boot clock.
    pub activation_boot_ms: u64,
    /// The deadline on the boot clock of the entry's `boot_id`, in milliseconds.
    pub deadline_boot_ms: u64,
    /// The deadline on the wall clock.
    pub expires_at: String,
    /// The ids of the scope's steps, in order.
    pub steps: Vec<String>,
}

/// Who a home's owner named as admin because every admin key was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    /// The new admin.
    pub person: String,
    /// That person's key, as `TYPE BASE64`.
    pub public_key: String,
}

/// What a security key asserted with its signature; a plain key asserts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touched {
    /// It was touched: the user-presence bit.
    Present,
    /// It was touched, and asked for its PIN or a fingerprint: the user-verified bit too.
    Verified,
}

impl Touched {
    /// The word in facts and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Verified => "verified",
        }
    }
}

/// One output stream of a step, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Bytes in all.
    pub length: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// How one command of a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Milliseconds it took.
    pub elapsed_ms: u64,
    /// `exit`, `signal`, `timed-out` or `not-started`.
    pub ended: String,
    /// Exit code, where it exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// Signal number, where one ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Standard error.
    pub stderr: Stream,
    /// Standard output.
    pub stdout: Stream,
    /// SHA-512 of the escaped last characters of its errors, in the `text` table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
}

/// One entry's facts. Absent means absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The act of two people that it belongs to: `p-` and 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The wall clock, RFC 3339 with milliseconds.
    pub at: String,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Milliseconds since boot.
    pub boot_ms: u64,
    /// The OS user who acted without a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why: of a closing, a refusal, a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The earlier entries whose signatures are over the very statement of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigned: Vec<u64>,
    /// How a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// The files of a recording, by the end of their names: what was added, or the whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Piece>,
    /// Of `genesis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<Genesis>,
    /// The grant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Fingerprint of the key that signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it records.
    pub kind: Kind,
    /// The step's state after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<StepState>,
    /// Recorded outputs of a step: name to SHA-512 of the value in the `text` table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Who signed, or whom a refusal concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The grant's previous entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<u64>,
    /// What proved a step closed: `check`, `never-opened`, `native-expiry-not-checked` or `attested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Of `recovered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// The commands that ran: `grant`, `revoke`, `end`, `check`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<String, Run>,
    /// The scope that a refusal concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Position in the log, from 0.
    pub seq: u64,
    /// The session that it concerns: `s-` and 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The signed facts, verbatim from the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Map<String, Value>>,
    /// Of `session-started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Started>,
    /// SHA-512 of the statement's message, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The step it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Of `opening`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// What the key that signed asserted of its touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<Touched>,
    /// Format version: 1.
    pub v: u8,
    /// The verb that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
}

/// Why stored bytes are not the facts of an entry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FactsError {
    /// Not JSON, an unknown key, a missing one, a wrong type.
    #[error("not the facts of an entry: {0}")]
    Form(String),
    /// Another text of the same facts.
    #[error("not in canonical form")]
    NotCanonical,
    /// Written by a newer glass.
    #[error("format version {0} is newer than this glass understands")]
    Version(u8),
    /// `at` is not a time in the stored form.
    #[error("`at` is not a time")]
    Time,
}

impl Facts {
    /// Facts of a kind at a moment, nothing else filled in; the ledger sets `seq` and `prev`.
    pub fn new(kind: Kind, moment: &Moment) -> Self {
        Self {
            act: None,
            at: rfc3339(moment.wall),
            boot_id: moment.boot_id.clone(),
            boot_ms: moment.boot_ms,
            by: None,
            cause: None,
            cosigned: Vec::new(),
            ended: None,
            files: BTreeMap::new(),
            genesis: None,
            grant: None,
            key: None,
            kind,
            outcome: None,
            outputs: BTreeMap::new(),
            person: None,
            prev: None,
            proof: None,
            recovered: None,
            runs: BTreeMap::new(),
            scope: None,
            seq: 0,
            session: None,
            signed: None,
            started: None,
            statement: None,
            step: None,
            terms: None,
            touch: None,
            v: 1,
            verb: None,
        }
    }

    /// The canonical line, without a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("facts hold nothing that JSON can't")
    }

    /// Reads stored bytes, which must be the canonical line.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FactsError> {
        // From text, because checking UTF-8 once is quicker than for each string.
        let text = std::str::from_utf8(bytes).map_err(|e| FactsError::Form(e.to_string()))?;
        let facts: Self = serde_json::from_str(text).map_err(|e| FactsError::Form(e.to_string()))?;
        if facts.v != 1 {
            return Err(FactsError::Version(facts.v));
        }
        if parse_rfc3339(&facts.at).is_none() {
            return Err(FactsError::Time);
        }
        let mut canonical = Vec::with_capacity(bytes.len());
        let written = serde_json::to_writer(&mut canonical, &facts);
        if written.is_err() || canonical != bytes {
            return Err(FactsError::NotCanonical);
        }
        Ok(facts)
    }

    /// `at` as a time.
    pub fn at(&self) -> DateTime<Utc> {
        parse_rfc3339(&self.at).unwrap_or_default()
    }

    /// Both clocks as the entry recorded them.
    pub fn moment(&self) -> Moment {
        Moment { wall: self.at(), boot_id: self.boot_id.clone(), boot_ms: self.boot_ms }
    }

    /// Whether it is one of a grant's life, by which that grant moves on. The pieces of a recording
    /// are not: there is one every few seconds, and a grant is folded often.
    pub const fn is_of_a_grant(&self) -> bool {
        match self.kind {
            Kind::Genesis
            | Kind::Recovered
            | Kind::Proposed
            | Kind::Seconded
            | Kind::Registered
            | Kind::Hotfixed
            | Kind::SessionPiece
            | Kind::Refused => false,
            Kind::Lapsed => self.act.is_none(),
            _ => true,
        }
    }

    /// A text among the signed facts.
    pub fn signed_str(&self, key: &str) -> Option<&str> {
        self.signed.as_ref()?.get(key)?.as_str()
    }

    /// A yes among the signed facts; absent is no.
    pub fn signed_yes(&self, key: &str) -> bool {
        self.signed.as_ref().and_then(|signed| signed.get(key)?.as_bool()).unwrap_or(false)
    }

    /// A list of texts among the signed facts; absent is empty.
    pub fn signed_list(&self, key: &str) -> Vec<String> {
        let list = self.signed.as_ref().and_then(|signed| signed.get(key)?.as_array());
        list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// A number among the signed facts.
    pub fn signed_u64(&self, key: &str) -> Option<u64> {
        self.signed.as_ref()?.get(key)?.as_u64()
    }
}

/// The leaf hash of an entry: facts ‖ LF ‖ armor, the armor empty for system entries.
pub fn entry_leaf(facts: &[u8], armor: &[u8]) -> Hash {
    leaf_hash_parts(&[facts, b"\n", armor])
}

#[cfg(test)]
mod tests;
