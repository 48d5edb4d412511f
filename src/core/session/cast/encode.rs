//! What happens in a session, as lines of its recording.

use super::escape;
use std::io::Write;
use std::time::Duration;

/// Most bytes of what was read that go into one event: lines stay short enough to be read one by
/// one, and a crash cuts little.
const LONGEST_PIECE: usize = 32 * 1024;
/// Most characters of a marker's label.
const LONGEST_LABEL: usize = 1000;

/// Turns what happens into whole lines. Times never go backwards, and a character that arrives in
/// pieces waits for its last one.
///
/// `elapsed` is the time since the session began, on a clock that only goes forward.
#[derive(Debug, Default)]
pub struct Encoder {
    /// Microseconds of the last event.
    last: u64,
    output: Unfinished,
    input: Unfinished,
}

impl Encoder {
    /// For a session that begins now.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the session printed. Bytes that are no UTF-8 become U+FFFD.
    pub fn output(&mut self, elapsed: Duration, bytes: &[u8], into: &mut Vec<u8>) {
        let at = self.at(elapsed);
        self.output.events(at, b'o', bytes, into);
    }

    /// What the person typed.
    pub fn input(&mut self, elapsed: Duration, bytes: &[u8], into: &mut Vec<u8>) {
        let at = self.at(elapsed);
        self.input.events(at, b'i', bytes, into);
    }

    /// The terminal has another size now.
    pub fn resize(&mut self, elapsed: Duration, columns: u16, rows: u16, into: &mut Vec<u8>) {
        let at = self.at(elapsed);
        event(at, b'r', &format!("{columns}x{rows}"), into);
    }

    /// A place to jump to: a command that was typed. Only its first 1,000 characters.
    pub fn marker(&mut self, elapsed: Duration, label: &str, into: &mut Vec<u8>) {
        let at = self.at(elapsed);
        let end = label.char_indices().nth(LONGEST_LABEL).map_or(label.len(), |(end, _)| end);
        event(at, b'm', &label[..end], into);
    }

    /// Nothing more comes: what waited for the rest of a character becomes U+FFFD.
    pub fn finish(&mut self, elapsed: Duration, into: &mut Vec<u8>) {
        let at = self.at(elapsed);
        for (code, unfinished) in [(b'o', &mut self.output), (b'i', &mut self.input)] {
            if !std::mem::take(unfinished).bytes().is_empty() {
                event(at, code, REPLACEMENT, into);
            }
        }
    }

    fn at(&mut self, elapsed: Duration) -> u64 {
        // The end of time is far off: no session lasts 500,000 years.
        self.last = self.last.max(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        self.last
    }
}

const REPLACEMENT: &str = "\u{fffd}";

/// The bytes of a character that has not come whole yet: a right beginning, never all of it.
#[derive(Debug, Default)]
struct Unfinished {
    bytes: [u8; 4],
    length: usize,
}

impl Unfinished {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn events(&mut self, at: u64, code: u8, bytes: &[u8], into: &mut Vec<u8>) {
        for piece in bytes.chunks(LONGEST_PIECE) {
            let mark = into.len();
            begin(at, code, into);
            let text = into.len();
            self.append(piece, into);
            if into.len() == text {
                into.truncate(mark);
            } else {
                into.extend_from_slice(END);
            }
        }
    }

    /// Appends what is whole, and keeps the rest.
    fn append(&mut self, mut bytes: &[u8], into: &mut Vec<u8>) {
        while let (Some((next, rest)), true) = (bytes.split_first(), self.length > 0) {
            self.bytes[self.length] = *next;
            let longer = &self.bytes[..=self.length];
            match std::str::from_utf8(longer) {
                Ok(character) => escape::append(character, into),
                Err(error) if error.error_len().is_none() => {
                    self.length += 1;
                    bytes = rest;
                    continue;
                }
                // The next byte does not belong to it: it is looked at on its own.
                Err(_) => {
                    into.extend_from_slice(REPLACEMENT.as_bytes());
                    self.length = 0;
                    break;
                }
            }
            self.length = 0;
            bytes = rest;
        }
        // Most of it is whole, and checked several bytes at once, as pieces are not.
        let whole = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let (whole, bytes) = bytes.split_at(whole);
        escape::append(std::str::from_utf8(whole).unwrap_or_default(), into);
        let mut pieces = bytes.utf8_chunks().peekable();
        while let Some(piece) = pieces.next() {
            escape::append(piece.valid(), into);
            let invalid = piece.invalid();
            // Only at the very end the rest of it may still come.
            let is_cut = pieces.peek().is_none()
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if is_cut {
                self.bytes[..invalid.len()].copy_from_slice(invalid);
                self.length = invalid.len();
            } else if !invalid.is_empty() {
                into.extend_from_slice(REPLACEMENT.as_bytes());
            }
        }
    }
}

const END: &[u8] = b"\"]\n";

fn event(at: u64, code: u8, text: &str, into: &mut Vec<u8>) {
    begin(at, code, into);
    escape::append(text, into);
    into.extend_from_slice(END);
}

fn begin(at: u64, code: u8, into: &mut Vec<u8>) {
    let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
    // Memory refuses nothing.
    let _ = write!(into, "[{seconds}.{micros:06}, \"{}\", \"", char::from(code));
}
