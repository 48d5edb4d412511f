//! The command log of a session (P13): what was typed at its prompt, and which processes ran.
//!
//! One JSON object a line, in order of writing. `kind` says which; `t` is seconds since the
//! session began:
//!
//! ```json
//! {"kind":"typed","t":3.25,"shell":71,"cwd":"/srv","text":"grep -r 'a b' ."}
//! {"kind":"process","t":3.3,"pid":72,"ppid":71,"argv":["grep","-r","a b","."],"cwd":"/srv"}
//! {"kind":"done","t":3.5,"shell":71,"exit":1}
//! {"kind":"ended","t":3.6,"pid":72}
//! ```
//!
//! `"cut":true` marks a text or an argument vector that was longer than what is kept.
//!
//! Both sources can miss things: `typed` and `done` come from the shell itself, which its user
//! controls; `process` and `ended` come from looking at the process tree now and then, which a
//! short process slips through. Neither uses the kernel's audit.

mod fold;
#[cfg(test)]
mod tests;

pub use fold::{Command, Source, fold};

use crate::core::text::is_hostile;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read};
use std::time::Duration;

/// Most bytes of a typed text, or of all arguments of a process, that are kept.
pub const LONGEST_TEXT: usize = 16 * 1024;
/// Most bytes of a working directory: `PATH_MAX`.
const LONGEST_CWD: usize = 4096;
/// A longer line was not written by glass: every kept byte takes six at the most.
const LONGEST_LINE: u64 = 256 * 1024;

/// One line of the log. Times are since the session began, in microseconds at the finest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// A command line began in a shell that has the prompt hook.
    Typed {
        /// When it was reported.
        #[serde(rename = "t", with = "seconds")]
        at: Duration,
        /// Process id of the shell.
        shell: u32,
        /// Its working directory then.
        cwd: String,
        /// What was typed, line feeds included.
        text: String,
        /// Whether there was more of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// The prompt came back.
    Done {
        /// When it was reported.
        #[serde(rename = "t", with = "seconds")]
        at: Duration,
        /// Process id of the shell.
        shell: u32,
        /// Exit code of the line, 0 to 255.
        exit: i32,
    },
    /// A process was seen for the first time, or running another program.
    Process {
        /// When it was seen.
        #[serde(rename = "t", with = "seconds")]
        at: Duration,
        /// Its process id.
        pid: u32,
        /// Process id of its parent then.
        ppid: u32,
        /// Its arguments, the first one being its name.
        argv: Vec<String>,
        /// Its working directory then; empty where the system did not say.
        cwd: String,
        /// Whether there were more arguments.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// A process was no longer there.
    Ended {
        /// When it was missed.
        #[serde(rename = "t", with = "seconds")]
        at: Duration,
        /// Its process id.
        pid: u32,
        /// Its exit code, where somebody learnt it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<i32>,
    },
}

impl Line {
    /// The line with its line feed. Every text passes through `mask` first, and is cut after
    /// that, so that no half of a secret stays. Control characters and bidi overrides are escaped.
    pub fn to_json_line(&self, mask: &mut dyn FnMut(&str) -> String) -> Vec<u8> {
        let mut kept = self.clone();
        match &mut kept {
            Self::Typed { cwd, text, cut, .. } => {
                *cwd = mask(cwd);
                shorten(cwd, LONGEST_CWD);
                *text = mask(text);
                *cut |= shorten(text, LONGEST_TEXT);
            }
            Self::Process { argv, cwd, cut, .. } => {
                *cwd = mask(cwd);
                shorten(cwd, LONGEST_CWD);
                *cut |= shorten_all(argv, mask);
            }
            Self::Done { .. } | Self::Ended { .. } => {}
        }
        // A type of ours always has a JSON form.
        let json = serde_json::to_string(&kept).unwrap_or_default();
        let mut line = Vec::with_capacity(json.len() + 1);
        for character in json.chars() {
            let mut units = [0; 2];
            if is_hostile(character) {
                for unit in character.encode_utf16(&mut units) {
                    line.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            } else {
                line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        line.push(b'\n');
        line
    }
}

/// Masks each argument, and keeps as many as there is room for. A separator counts as a byte.
fn shorten_all(argv: &mut Vec<String>, mask: &mut dyn FnMut(&str) -> String) -> bool {
    let mut room = LONGEST_TEXT;
    for at in 0..argv.len() {
        argv[at] = mask(&argv[at]);
        let was_cut = shorten(&mut argv[at], room);
        if was_cut || room <= argv[at].len() {
            let more = was_cut || at + 1 < argv.len();
            argv.truncate(at + 1);
            return more;
        }
        room -= argv[at].len() + 1;
    }
    false
}

/// Cuts a text between two characters, and says whether it was longer.
fn shorten(text: &mut String, most: usize) -> bool {
    let is_longer = text.len() > most;
    if is_longer {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    is_longer
}

/// A log as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// What could be read, in order of writing.
    pub lines: Vec<Line>,
    /// How many lines make no sense: a crash cuts the last one.
    pub unreadable: usize,
}

/// Reads a log, and passes over what makes no sense.
///
/// # Errors
/// Only those of `from`.
pub fn read(mut from: impl BufRead) -> io::Result<Log> {
    let mut log = Log::default();
    let mut line = Vec::new();
    let mut is_rest = false;
    loop {
        line.clear();
        let length = from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(log);
        }
        let is_whole = line.ends_with(b"\n");
        match serde_json::from_slice(&line) {
            Ok(known) if is_whole && !is_rest => log.lines.push(known),
            _ if is_rest => {}
            _ => log.unreadable += 1,
        }
        is_rest = !is_whole;
    }
}

/// A duration as JSON seconds: exact to the microsecond for 35 years.
mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(at: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(at.as_micros() as f64 / 1e6)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        let whole = Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)?;
        let micros = (seconds * 1e6).round();
        // Longer than that nothing lasts, and the product would no longer be exact.
        if micros > 1e15 { Ok(whole) } else { Ok(Duration::from_micros(micros as u64)) }
    }
}
