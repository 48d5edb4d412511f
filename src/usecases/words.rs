//! How the outcome of a command is put into an entry: never its output, at most its last words.

use crate::core::entry::{Run, Stream};
use crate::core::proof::{Captured, Ended, Outcome};
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The outcome of a command that was never started.
pub(super) fn not_started(why: String) -> Outcome {
    Outcome {
        ended: Ended::NotStarted(why),
        stdout: Captured::default(),
        stderr: Captured::default(),
        elapsed: Duration::ZERO,
    }
}

/// An outcome as entries keep it: without its output.
pub(super) fn record(outcome: &Outcome) -> Run {
    let stream =
        |captured: &Captured| Stream { length: captured.length, sha256: HEXLOWER.encode(&captured.sha256) };
    let (ended, exit, signal) = match outcome.ended {
        Ended::Exit(code) => ("exit", Some(code), None),
        Ended::Signal(signal) => ("signal", None, Some(signal)),
        Ended::TimedOut => ("timed-out", None, None),
        Ended::NotStarted(_) => ("not-started", None, None),
    };
    Run {
        elapsed_ms: u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
        ended: ended.to_owned(),
        exit,
        signal,
        stderr: stream(&outcome.stderr),
        stdout: stream(&outcome.stdout),
        tail: None,
    }
}

/// The last 240 characters of what a command that failed had to say, masked and made inert.
///
/// Standard output may hold a secret that the target just issued: only errors are kept.
pub(super) fn tail(outcome: &Outcome, secrets: &[SecretString]) -> String {
    const KEPT: usize = 240;
    let last = outcome.stderr.last();
    // What begins before the kept end could hide the beginning of a secret from the masking.
    let masks_all = secrets.iter().all(|secret| secret.expose_secret().len() + 8 * KEPT < last.len());
    let mut said = match &outcome.ended {
        Ended::NotStarted(why) => why.clone(),
        _ if outcome.stderr.end.is_empty() || masks_all => {
            String::from_utf8_lossy(last).trim_end().to_owned()
        }
        _ => "(its errors are too long to be masked)".to_owned(),
    };
    for secret in secrets.iter().filter(|secret| !secret.expose_secret().is_empty()) {
        said = said.replace(secret.expose_secret(), "***");
    }
    let said = escape(&said);
    let skip = said.chars().count().saturating_sub(KEPT);
    said.chars().skip(skip).collect()
}
