//! What is known of the screen that a session writes on, so that a notice does not wreck it
//! (ECMA-48; xterm's private modes 47, 1047 and 1049).

use memchr::memmem::find_iter;
use memchr::memrchr;

const ESC: u8 = 0x1b;
/// The longest sequence that is waited for; a longer one is the picture of a file.
const LONGEST: usize = 4_096;
/// The longest change of modes that is looked for across two reads.
const CARRY: usize = 32;

/// Follows what is written.
#[derive(Debug, Default)]
pub struct Screen {
    /// From the last escape on, while its sequence may go on.
    tail: Vec<u8>,
    /// The end of what was written, in which a change of modes may have begun.
    carry: Vec<u8>,
    alternate: bool,
}

impl Screen {
    /// Takes in what the session wrote.
    pub fn wrote(&mut self, bytes: &[u8]) {
        match memrchr(ESC, bytes) {
            Some(at) => self.tail = bytes[at..].iter().copied().take(LONGEST).collect(),
            // An empty one stays so.
            None if self.tail.is_empty() => {}
            None => self.tail.extend(bytes.iter().take(LONGEST - self.tail.len())),
        }
        if is_complete(&self.tail) {
            self.tail.clear();
        }
        // The last characters alone may be cut: without an escape they are all there is to hold.
        if self.tail.is_empty() {
            let cut = bytes.len() - whole_characters(bytes);
            self.tail.extend(&bytes[bytes.len() - cut..]);
        }
        self.modes(bytes);
    }

    /// Whether nothing that was begun is unfinished: neither a sequence nor a character.
    pub fn is_between(&self) -> bool {
        self.tail.is_empty() || self.tail.len() >= LONGEST
    }

    /// Whether a full-screen program has the screen.
    pub const fn is_alternate(&self) -> bool {
        self.alternate
    }

    fn modes(&mut self, bytes: &[u8]) {
        let begun = self.carry.len();
        self.carry.extend(&bytes[..bytes.len().min(CARRY)]);
        let across = std::mem::take(&mut self.carry);
        self.find_modes(&across, 0, begun);
        self.find_modes(bytes, 0, bytes.len());
        let end = &bytes[bytes.len().saturating_sub(CARRY)..];
        self.carry.extend(end);
    }

    /// Sequences that begin within `from..to`.
    fn find_modes(&mut self, bytes: &[u8], from: usize, to: usize) {
        for at in find_iter(bytes, b"\x1b[?").filter(|at| (from..to).contains(at)) {
            let rest = &bytes[at + 3..];
            let length = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            let alternate = rest[..length]
                .split(|byte| *byte == b';')
                .any(|mode| matches!(mode, b"47" | b"1047" | b"1049"));
            match rest.get(length) {
                Some(b'h') if alternate => self.alternate = true,
                Some(b'l') if alternate => self.alternate = false,
                _ => {}
            }
        }
    }
}

/// Whether a sequence that begins with an escape has come to its end.
fn is_complete(tail: &[u8]) -> bool {
    match tail {
        [] => true,
        [first, ..] if *first != ESC => std::str::from_utf8(tail).is_ok(),
        [_] => false,
        [_, b'[', rest @ ..] => rest.iter().any(|byte| (0x40..=0x7e).contains(byte)),
        // A string: its end is BEL here; ST begins with the next escape.
        [_, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => rest.contains(&0x07),
        [_, rest @ ..] => rest.iter().any(|byte| !(0x20..=0x2f).contains(byte)),
    }
}

/// How many bytes are whole characters, as far as the last few tell.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if length > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pieces: &[&str]) -> Screen {
        let mut screen = Screen::default();
        pieces.iter().for_each(|piece| screen.wrote(piece.as_bytes()));
        screen
    }

    #[test]
    fn p13_a_notice_waits_for_the_end_of_what_was_begun() {
        for between in
            ["", "text", "\u{1b}[2J", "\u{1b}[1;31mred", "\u{1b}]0;title\u{7}", "\u{1b}(B", "\u{1b}7", "ü"]
        {
            assert!(after(&[between]).is_between(), "{between:?}");
        }
        for within in ["\u{1b}", "a\u{1b}[", "\u{1b}[1;3", "\u{1b}]0;title", "\u{1b}(", "\u{1b}P1;2|"] {
            assert!(!after(&[within]).is_between(), "{within:?}");
        }
        assert!(after(&["\u{1b}[1;", "31m"]).is_between());
        assert!(after(&["\u{1b}]0;ti", "tle", "\u{1b}\\"]).is_between());
        let mut cut = Screen::default();
        cut.wrote(&"ü".as_bytes()[..1]);
        assert!(!cut.is_between());
        cut.wrote(&"ü".as_bytes()[1..]);
        assert!(cut.is_between());
    }

    #[test]
    fn p13_a_full_screen_program_is_known_wherever_the_reads_cut() {
        let whole = "$ vim\r\n\u{1b}[?1049h\u{1b}[22;0;0t\u{1b}[?1h\u{1b}=~\r\n";
        for cut in 0..=whole.len() {
            let (first, second) = whole.split_at(cut);
            let screen = after(&[first, second]);
            assert!(screen.is_alternate(), "cut at {cut}");
        }
        assert!(!after(&[whole, "\u{1b}[?1049l"]).is_alternate());
        assert!(after(&[whole, "\u{1b}[?25l"]).is_alternate());
        assert!(after(&["\u{1b}[?1;1049h"]).is_alternate());
    }
}
