//! What a program wrote to a terminal, cut into characters, controls and sequences (ECMA-48, as
//! terminals read it), however it arrives in pieces.
//!
//! A control string (OSC, DCS, APC, PM, SOS) is passed over whole. One that does not end is text
//! again after 65,536 characters: nothing hides the rest of a session.

/// Most characters of a control string; a real terminal would go on for ever.
const LONGEST_STRING: u32 = 64 * 1024;
/// Most characters between `CSI` and its last one; what is longer is no sequence that draws.
const LONGEST_SEQUENCE: usize = 128;

const ESC: char = '\u{1b}';
const BEL: char = '\u{7}';
const CAN: char = '\u{18}';
const SUB: char = '\u{1a}';
const DEL: char = '\u{7f}';

/// A piece of what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A character that is shown.
    Text(char),
    /// A C0 control, DEL or C1 control by itself.
    Control(char),
    /// `ESC`, what stands between, and the last character.
    Escape {
        /// From U+0020 to U+002F.
        between: &'a str,
        /// From U+0030 to U+007E.
        last: char,
    },
    /// `ESC [`, what stands between, and the last character.
    Sequence {
        /// Parameters and what follows them: from U+0020 to U+003F.
        between: &'a str,
        /// From U+0040 to U+007E.
        last: char,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After `ESC`, with what stands between.
    Escape,
    /// After `ESC [`.
    Sequence,
    /// In a sequence that is none: until its last character.
    Malformed,
    /// In a control string that `BEL` ends too, or does not.
    Text { bell: bool, length: u32 },
}

/// Cuts; keeps what has begun.
#[derive(Debug, Default)]
pub struct Cutter {
    state: State,
    between: String,
}

impl Cutter {
    /// Takes more text, and gives each piece to `each`, as soon as it is whole.
    pub fn push(&mut self, text: &str, mut each: impl FnMut(Token<'_>)) {
        for character in text.chars() {
            self.take(character, &mut each);
        }
    }

    fn take(&mut self, character: char, each: &mut impl FnMut(Token<'_>)) {
        if let State::Text { bell, length } = self.state
            && self.passes_over(character, bell, length)
        {
            return;
        }
        match (self.state, character) {
            (_, ESC) => self.begin(State::Escape),
            // These two give up what has begun, and show nothing themselves.
            (_, CAN | SUB) => {
                self.state = State::Ground;
                each(Token::Control(character));
            }
            // Terminals obey a control also in the middle of a sequence.
            (_, '\0'..='\u{1f}' | DEL) => each(Token::Control(character)),
            (State::Ground, _) => ground(character, each),
            (State::Escape, _) => self.escape(character, each),
            (State::Sequence | State::Malformed, _) => self.sequence(character, each),
            (State::Text { .. }, _) => {}
        }
    }

    /// Whether a control string goes on, or ends, with this character.
    fn passes_over(&mut self, character: char, bell: bool, length: u32) -> bool {
        match character {
            // `ESC \` ends it; any other sequence breaks it off and counts itself.
            ESC => false,
            CAN | SUB | '\u{9c}' => {
                self.state = State::Ground;
                true
            }
            BEL if bell => {
                self.state = State::Ground;
                true
            }
            _ if length < LONGEST_STRING => {
                self.state = State::Text { bell, length: length + 1 };
                true
            }
            _ => {
                self.state = State::Ground;
                false
            }
        }
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.between.clear();
    }

    fn escape(&mut self, character: char, each: &mut impl FnMut(Token<'_>)) {
        match character {
            ' '..='/' if self.between.len() < LONGEST_SEQUENCE => return self.between.push(character),
            '[' if self.between.is_empty() => return self.begin(State::Sequence),
            ']' if self.between.is_empty() => return self.begin(State::Text { bell: true, length: 0 }),
            'P' | 'X' | '^' | '_' if self.between.is_empty() => {
                return self.begin(State::Text { bell: false, length: 0 });
            }
            '0'..='~' => each(Token::Escape { between: &self.between, last: character }),
            // What can't stand in a sequence ends it, and is looked at on its own.
            _ => ground(character, each),
        }
        self.state = State::Ground;
    }

    fn sequence(&mut self, character: char, each: &mut impl FnMut(Token<'_>)) {
        match character {
            ' '..='?' => {
                if self.between.len() >= LONGEST_SEQUENCE {
                    self.state = State::Malformed;
                } else {
                    self.between.push(character);
                }
                return;
            }
            '@'..='~' if self.state == State::Sequence => {
                each(Token::Sequence { between: &self.between, last: character });
            }
            '@'..='~' => {}
            _ => ground(character, each),
        }
        self.state = State::Ground;
    }
}

fn ground(character: char, each: &mut impl FnMut(Token<'_>)) {
    each(if character.is_control() { Token::Control(character) } else { Token::Text(character) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&str]) -> Vec<String> {
        let (mut cutter, mut tokens) = (Cutter::default(), Vec::new());
        for piece in pieces {
            cutter.push(piece, |token| {
                tokens.push(match token {
                    Token::Text(character) => character.to_string(),
                    Token::Control(character) => character.escape_default().to_string(),
                    Token::Escape { between, last } => format!("ESC {between}{last}"),
                    Token::Sequence { between, last } => format!("CSI {between}{last}"),
                });
            });
        }
        tokens
    }

    #[test]
    fn text_controls_and_sequences_are_told_apart() {
        for (written, expected) in [
            ("aé\n", &["a", "é", "\\n"][..]),
            ("\x1b[1;31mx", &["CSI 1;31m", "x"]),
            ("\x1b[?25l\x1b(0\x1b7", &["CSI ?25l", "ESC (0", "ESC 7"]),
            ("\x1b[1\n;2H", &["\\n", "CSI 1;2H"]),
            ("\x1b[1\x1b[2J", &["CSI 2J"]),
            ("\x1b[1\x18x", &["\\u{18}", "x"]),
            ("\x1b[1éx", &["é", "x"]),
            ("\x1b\u{9b}x", &["\\u{9b}", "x"]),
            // Control strings, and what ends them.
            ("\x1b]0;title\x07x", &["x"]),
            ("\x1b]0;title\x1b\\x", &["ESC \\", "x"]),
            ("\x1bPq#0\x07\n\u{9c}x", &["x"]),
            ("\x1b_G\x1b[mx", &["CSI m", "x"]),
            ("\x1b^x\x1ay", &["y"]),
        ] {
            assert_eq!(cut(&[written]), expected, "{written:?}");
        }
    }

    #[test]
    fn what_does_not_end_hides_nothing_for_long() {
        let long = "x".repeat(LONGEST_STRING as usize);
        assert_eq!(cut(&["\x1b]", &long, "seen"]).concat(), "seen");
        let numbers = "1".repeat(LONGEST_SEQUENCE + 1);
        assert_eq!(cut(&["\x1b[", &numbers, "mseen"]).concat(), "seen");
        assert_eq!(cut(&["\x1b", &"(".repeat(LONGEST_SEQUENCE + 1), "seen"]).concat(), "(seen");
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(text in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}]|\x1b[\\[\\]P_(]?){0,40}", at in any::<prop::sample::Index>()) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, two) = text.split_at(places[at.index(places.len())]);
            prop_assert_eq!(cut(&[one, two]), cut(&[&text]));
        }
    }
}
