//! The words that a session printed, without what moved and coloured them; for searching.

use super::ansi::{Cutter, Token};

/// Most bytes of a line that are kept; a longer one loses its beginning.
const LONGEST_LINE: usize = 64 * 1024;

/// Looks for a text in what is printed, line by line, in constant memory.
///
/// A full-screen program draws where it likes: what it put side by side in two moves is found
/// only as two texts.
#[derive(Debug)]
pub struct Search {
    wanted: String,
    cutter: Cutter,
    line: Line,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    /// Where nothing was looked for yet, but for what may begin before it.
    new: usize,
    /// Where the last hit ended.
    after: usize,
}

impl Search {
    /// For exactly this text, on one line; an empty one is never found.
    pub fn new(wanted: &str) -> Self {
        Self { wanted: wanted.to_owned(), cutter: Cutter::default(), line: Line::default() }
    }

    /// Takes what was printed next; how many times the text is whole now that was not before.
    pub fn push(&mut self, printed: &str) -> u64 {
        let (mut hits, line, wanted) = (0, &mut self.line, &self.wanted);
        self.cutter.push(printed, |token| match token {
            Token::Text(character) => line.text.push(character),
            // A person who typed it corrected it.
            Token::Control('\u{8}') if line.text.len() > line.after => {
                line.text.pop();
                line.new = line.new.min(line.text.len());
            }
            Token::Control('\t') | Token::Sequence { last: 'C', .. } => line.text.push(' '),
            Token::Control('\r' | '\n' | '\u{b}' | '\u{c}')
            | Token::Sequence { last: 'A' | 'B' | 'E' | 'F' | 'H' | 'd' | 'f', .. } => {
                hits += line.look(wanted);
                *line = Line::default();
            }
            Token::Control(_) | Token::Escape { .. } | Token::Sequence { .. } => {}
        });
        hits += line.look(wanted);
        line.shorten(wanted.len());
        hits
    }
}

impl Line {
    fn look(&mut self, wanted: &str) -> u64 {
        if wanted.is_empty() {
            return 0;
        }
        let mut from = self.after.max(self.new.saturating_sub(wanted.len()));
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        let mut hits = 0;
        while let Some(at) = self.text[from..].find(wanted) {
            from += at + wanted.len();
            self.after = from;
            hits += 1;
        }
        self.new = self.text.len();
        hits
    }

    fn shorten(&mut self, wanted: usize) {
        if self.text.len() <= LONGEST_LINE + wanted {
            return;
        }
        let mut cut = self.text.len() - wanted;
        while !self.text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.drain(..cut);
        (self.new, self.after) = (self.text.len(), self.after.saturating_sub(cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(wanted: &str, printed: &[&str]) -> Vec<u64> {
        let mut search = Search::new(wanted);
        printed.iter().map(|piece| search.push(piece)).collect()
    }

    #[test]
    fn words_are_found_under_colours_and_over_pieces() {
        for (wanted, printed, expected) in [
            ("vault", &["the vault is open; vault\r\n"][..], &[2][..]),
            ("vault", &["the \x1b[1;31mva\x1b[0", "mult", "\r\n"], &[0, 1, 0]),
            (
                "vault",
                &["v", "a", "x\x08", "u", "\x1b]0;vault\x07", "l", "t", "t"],
                &[0, 0, 0, 0, 0, 0, 1, 0],
            ),
            ("two words", &["two\x1b[1Cwords", "two\twords"], &[1, 1]),
            ("two words", &["two\r\nwords", "two\x1b[5;1Hwords"], &[0, 0]),
            ("aa", &["aaa", "a"], &[1, 1]),
            ("é", &["aé", "é"], &[1, 1]),
            ("", &["x"], &[0]),
        ] {
            assert_eq!(hits(wanted, printed), expected, "{wanted:?} in {printed:?}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut search = Search::new("needle");
        let straw = "é".repeat(30_000);
        let hits: u64 = (0..10).map(|_| search.push(&straw) + search.push("nee") + search.push("dle")).sum();
        assert_eq!(hits, 10);
        assert!(search.line.text.len() < 3 * LONGEST_LINE, "{}", search.line.text.len());
    }
}
