//! What a session printed, made fit for the terminal of a person who plays it back (P10).
//!
//! A reviewer looks at what a suspect did. Only what draws, colours and moves goes through;
//! nothing that makes a terminal answer (and so type), changes what its keys send, sets titles,
//! copies, prints, resizes, or wipes what stood there before; and nothing that can't be put back. What is unknown is left out.

use super::ansi::{Cutter, Token};
use crate::core::text::is_hostile;

/// No screen is larger; a larger number only keeps a terminal busy.
const LARGEST_NUMBER: u16 = 9999;

/// Modes (DEC, private) that draw: origin, wrapping, cursor, and the alternate screen.
const ORIGIN: u16 = 6;
const WRAP: u16 = 7;
const CURSOR: u16 = 25;
const ALTERNATE: [u16; 3] = [47, 1047, 1049];
/// The one other mode that draws: insertion.
const INSERT: u16 = 4;

/// Lets through what is safe; keeps what has begun.
#[derive(Debug, Default)]
pub struct Safe {
    cutter: Cutter,
    screen: Screen,
}

/// What has to be put back on the terminal.
#[derive(Debug, Default)]
struct Screen {
    alternate: Option<u16>,
    cursor_hidden: bool,
    coloured: bool,
    region: bool,
    origin: bool,
    no_wrap: bool,
    insert: bool,
    shifted: bool,
}

impl Safe {
    /// Takes what was printed next, and appends what may be shown of it.
    pub fn push(&mut self, printed: &str, shown: &mut String) {
        let screen = &mut self.screen;
        self.cutter.push(printed, |token| match token {
            // Bidi controls reorder what is read: where they stood is seen.
            Token::Text(character) if is_hostile(character) => shown.push('\u{fffd}'),
            Token::Text(character) => shown.push(character),
            Token::Control('\u{8}'..='\r') => shown.push(control(token)),
            Token::Control('\u{e}' | '\u{f}') => {
                screen.shifted = true;
                shown.push(control(token));
            }
            Token::Control(_) => {}
            Token::Escape { between, last } => screen.escape(between, last, shown),
            Token::Sequence { between, last } => screen.sequence(between, last, shown),
        });
    }

    /// What puts the terminal back, of all that was shown: to be written last.
    pub fn reset(&mut self) -> String {
        self.cutter = Cutter::default();
        let mut reset = String::new();
        std::mem::take(&mut self.screen).reset(&mut reset);
        reset
    }
}

const fn control(token: Token<'_>) -> char {
    match token {
        Token::Control(character) => character,
        _ => ' ',
    }
}

impl Screen {
    fn escape(&mut self, between: &str, last: char, shown: &mut String) {
        match (between, last) {
            // Save and restore the cursor; a line down, a new line, a line up. Not tab stops, which
            // nothing would put back.
            ("", '7' | '8' | 'D' | 'E' | 'M') => {}
            // Line drawing, and letters again.
            ("(" | ")", '0' | 'B') => self.shifted = true,
            // A terminal's own reset may forget more than was played: only what is put back here.
            ("", 'c') => {
                std::mem::take(self).reset(shown);
                return shown.push_str("\x1b[H\x1b[2J");
            }
            _ => return,
        }
        shown.push('\x1b');
        shown.push_str(between);
        shown.push(last);
    }

    fn sequence(&mut self, between: &str, last: char, shown: &mut String) {
        if let Some(modes) = between.strip_prefix('?') {
            if let ('h' | 'l', Some(modes)) = (last, numbers(modes)) {
                modes.into_iter().for_each(|mode| self.private_mode(mode, last, shown));
            }
            return;
        }
        let colours = last == 'm';
        let Some(given) = numbers(&if colours { between.replace(':', ";") } else { between.to_owned() })
        else {
            return;
        };
        match last {
            // Insert, move, erase in line, lines and characters in and out, scroll up, erase,
            // tabs, repeat.
            '@'..='I' | 'K'..='M' | 'P' | 'S' | 'X' | 'Z' | '`' | 'a' | 'b' | 'd' | 'e' | 'f' => {}
            // Not 3, which wipes what stood there before.
            'J' if given.iter().all(|what| *what <= 2) => {}
            // More numbers would follow the mouse.
            'T' if given.len() <= 1 => {}
            'm' => self.coloured = true,
            'r' => self.region = true,
            's' | 'u' if between.is_empty() => {}
            'h' | 'l' if given == [INSERT] => self.insert = last == 'h',
            _ => return,
        }
        shown.push_str("\x1b[");
        shown.push_str(between);
        shown.push(last);
    }

    fn private_mode(&mut self, mode: u16, last: char, shown: &mut String) {
        let set = last == 'h';
        match mode {
            ORIGIN => self.origin = set,
            WRAP => self.no_wrap = !set,
            CURSOR => self.cursor_hidden = !set,
            _ if ALTERNATE.contains(&mode) => self.alternate = set.then_some(mode),
            _ => return,
        }
        shown.push_str(&format!("\x1b[?{mode}{last}"));
    }

    fn reset(self, into: &mut String) {
        let Self { alternate, cursor_hidden, coloured, region, origin, no_wrap, insert, shifted } = self;
        if let Some(mode) = alternate {
            into.push_str(&format!("\x1b[?{mode}l"));
        }
        // Both send the cursor home; what stands on the screen is below that.
        let moved = if region || origin { "\x1b[9999;1H" } else { "" };
        for (changed, back) in [
            (coloured, "\x1b[m"),
            (shifted, "\x1b(B\x1b)B\x0f"),
            (insert, "\x1b[4l"),
            (no_wrap, "\x1b[?7h"),
            (origin, "\x1b[?6l"),
            (region, "\x1b[r"),
            (true, moved),
            (cursor_hidden, "\x1b[?25h"),
        ] {
            if changed {
                into.push_str(back);
            }
        }
    }
}

/// Numbers between semicolons, an absent one as 0; `None` where anything else is among them, or
/// one is too large.
fn numbers(between: &str) -> Option<Vec<u16>> {
    let number = |text: &str| match text {
        "" => Some(0),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    between.split(';').map(|text| number(text).filter(|number| *number <= LARGEST_NUMBER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex_lite::Regex;
    use std::sync::LazyLock;

    fn play(pieces: &[&str]) -> (String, String) {
        let (mut safe, mut shown) = (Safe::default(), String::new());
        for piece in pieces {
            safe.push(piece, &mut shown);
        }
        (shown, safe.reset())
    }

    /// All that may reach a person's terminal, written down once more and in another way.
    static ALLOWED: LazyLock<Regex> = LazyLock::new(|| {
        let character = r"[^\x00-\x07\x0e-\x1f\x7f-\x9f\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}-\u{202e}\u{2066}-\u{2069}]";
        let escape = r"\x1b(?:[78DEM]|[()][0B])";
        let moving = r"\x1b\[[0-9;]{0,128}[@A-IK-MPSXZ`abdefr]";
        let erasing = r"\x1b\[(?:0*[0-2]?;?)*J";
        let scrolling = r"\x1b\[[0-9]{0,128}T";
        let colour = r"\x1b\[[0-9;:]{0,128}m";
        let mode = r"\x1b\[(?:0*4[hl]|\?(?:6|7|25|47|1047|1049)[hl]|[su])";
        let all = [character, "[\x0e\x0f]", escape, moving, erasing, scrolling, colour, mode].join("|");
        Regex::new(&format!("^(?s:{all})*$")).unwrap()
    });

    fn is_safe(shown: &str) -> bool {
        ALLOWED.is_match(shown)
    }

    #[test]
    fn p10_what_draws_goes_through_as_it_is() {
        for fine in [
            "text é 漢字 🔑\r\n\t\x08",
            "\x1b[1;38:2::255:0:0m\x1b[m\x1b[0;1;4m",
            "\x1b[H\x1b[2J\x1b[5;10H\x1b[K\x1b[1K\x1b[J\x1b[3@\x1b[2P\x1b[4X\x1b[12b",
            "\x1b[2;20r\x1bM\x1bD\x1bE\x1b7\x1b8\x1b[s\x1b[u\x1b[3L\x1b[2M\x1b[S\x1b[2T",
            "\x1b[?25l\x1b[?1049h\x1b[?7l\x1b[?6h\x1b[4h",
            "\x1b(0lqqk\x1b(B\x1b)0\x0elqk\x0f",
        ] {
            assert_eq!(play(&[fine]).0, fine);
            assert!(is_safe(fine), "{fine:?}");
        }
    }

    #[test]
    fn p10_what_answers_types_or_wipes_never_arrives() {
        for (hostile, left) in [
            // Answers come as if the person typed them.
            ("\x1b[6n\x1b[5n\x1b[?6n", ""),
            ("\x1b[c\x1b[>c\x1b[=c\x1b[0c\x1bZ\x05", ""),
            ("\x1b[?25$p\x1b[4$p\x1b[x\x1b[1x\x1b[>q\x1b[?u\x1b[?996n", ""),
            ("\x1b[14t\x1b[21t\x1b[8;5;5t\x1b[2;1t", ""),
            ("\x1bP$qm\x1b\\\x1bP+q544e\x1b\\", ""),
            ("\x1b]4;1;?\x07\x1b]10;?\x1b\\", ""),
            ("\x1b[1;1;1;1;1;1*y", ""),
            // Titles, the clipboard, links, notifications, pictures.
            ("\x1b]0;rm -rf ~\x07\x1b]52;c;cm0=\x07\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\", "here"),
            ("\x1b_Ga=T;AAAA\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\done", "done"),
            // What keys, mouse and pasting send; the printer; the keyboard's lock and lights.
            ("\x1b[?1h\x1b=\x1b>\x1b[?1000h\x1b[?1002;1006h\x1b[?1004h\x1b[?2004h\x1b[?66h", ""),
            ("\x1b[>1u\x1b[=1u\x1b[>4;2m\x1b[?1036h\x1b[2h\x1b[20h\x1b[5i\x1b[?4i\x1b[1q", ""),
            // Bells, resets, resizes, scrollback, freezing, cursor shapes, charsets.
            (
                "\x07\x1b[!p\x1b[?3h\x1b[3J\x1b[?2026h\x1b[ q\x1b[2 q\x1bH\x1b[3g\x1b%G\x1b(A\x1bn\x1b~\x1b#8",
                "",
            ),
            ("\x1b[1;2;3;4;5T\x1b[2;3s\x1b[99999b\x1b[1;70000H", ""),
            // 8-bit controls, and bidi.
            ("\u{9b}6n\u{90}$qm\u{9c}\u{85}x", "6n$qmx"),
            ("a\u{202e}b\u{2066}c", "a\u{fffd}b\u{fffd}c"),
            // Among modes that draw, only those.
            ("\x1b[?1049;2004h\x1b[?25;1l", "\x1b[?1049h\x1b[?25l"),
            ("\x1b[4;20h", ""),
        ] {
            assert_eq!(play(&[hostile]).0, left, "{hostile:?}");
            assert!(is_safe(left));
        }
        for hostile in
            ["\x07", "\x1b[6n", "\x1b]0;x\x07", "\x1b[3J", "\x1b[?1000h", "\u{9b}", "\x1b", "\u{202e}"]
        {
            assert!(!is_safe(hostile), "the checker sees nothing in {hostile:?}");
        }
    }

    #[test]
    fn p10_the_terminal_is_put_back() {
        for (played, reset) in [
            ("plain", ""),
            ("\x1b[?1049h\x1b[?25l\x1b[31m", "\x1b[?1049l\x1b[m\x1b[?25h"),
            ("\x1b[?1049h\x1b[?1049l\x1b[?25l\x1b[?25h", ""),
            ("\x1b[2;5r", "\x1b[r\x1b[9999;1H"),
            ("\x1b[?6h\x1b[?7l\x1b[4h\x1b(0", "\x1b(B\x1b)B\x0f\x1b[4l\x1b[?7h\x1b[?6l\x1b[9999;1H"),
        ] {
            assert_eq!(play(&[played]).1, reset, "{played:?}");
            assert!(is_safe(reset));
        }
        // The session's own reset is ours.
        assert_eq!(play(&["\x1b[?25l\x1bc"]), ("\x1b[?25l\x1b[?25h\x1b[H\x1b[2J".into(), String::new()));
    }

    /// Anything, and among it much that begins like a sequence.
    fn written() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[\\x00-\\x1f\\x7f-\\u{9f}]",
            "\x1b[\\[\\]P_^X()#%>=78cZ]",
            "\x1b\\[[?>=!0-9;: $'*]{0,8}[@-~]",
            "[0-9;:?]{1,3}",
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn p10_nothing_forbidden_is_ever_shown(text in written(), at in any::<prop::sample::Index>()) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, two) = text.split_at(places[at.index(places.len())]);
            let (shown, reset) = play(&[one, two]);
            prop_assert!(is_safe(&shown), "{shown:?}");
            prop_assert!(is_safe(&reset), "{reset:?}");
            prop_assert_eq!((shown, reset), play(&[&text]));
        }
    }
}
