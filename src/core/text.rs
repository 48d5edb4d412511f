//! Text that people read and sign (P10): what is let in, and how anything else is shown.

use std::fmt;

/// One line that a person reads or signs: no control character of any kind.
///
/// Holds no C0 or C1 control, DEL, bidi control, U+2028 or U+2029 (CONTRACT 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(String);

/// A character that no signed text may hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("character U+{:04X} at position {position} is not allowed in text that a person reads and signs", u32::from(*.character))]
pub struct HostileText {
    /// The first offending character.
    pub character: char,
    /// Its position, counted in characters from 1.
    pub position: usize,
}

impl Line {
    /// Takes a text in, or names the first character that may not be in it.
    pub fn new(text: impl Into<String>) -> Result<Self, HostileText> {
        let text = text.into();
        match text.chars().enumerate().find(|(_, c)| is_hostile(*c)) {
            Some((index, character)) => Err(HostileText { character, position: index + 1 }),
            None => Ok(Self(text)),
        }
    }

    /// The text, safe to print as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a character could move the cursor, recolour, reorder or hide text.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{061C}' | '\u{200E}' | '\u{200F}')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Any text made inert for a screen: each hostile character becomes `\u{…}`.
///
/// For text that glass did not let in itself: output of programs, file names,
/// errors of others, rows of a ledger that someone may have edited.
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON made inert for a screen, and still the same to a program: each hostile character that
/// JSON lets stand in a string becomes its escape, as `\u200f`. Line feeds between values stay.
pub fn escape_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        match is_hostile(c) && c != '\n' {
            // All of them lie in the basic plane: one escape each.
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn p10_hostile_characters_are_refused_and_named() {
        for bad in ["\n", "\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{202e}", "\u{2066}", "\u{2028}"] {
            assert!(Line::new(format!("ok{bad}")).is_err(), "{bad:?}");
        }
        let error = Line::new("ab\u{202e}").unwrap_err();
        assert_eq!(error.position, 3);
        assert!(error.to_string().contains("U+202E"));
        assert!(Line::new("Größe → 漢字 🔑").is_ok());
    }

    proptest! {
        #[test]
        fn p10_escaped_text_is_always_inert(text in any::<String>()) {
            prop_assert!(Line::new(escape(&text)).is_ok());
        }

        #[test]
        fn p10_escaped_json_is_inert_and_says_the_same(text in any::<String>(), hostile in "[\\u{7f}-\\u{9f}\\u{2028}\\u{202e}\\u{2066}\\u{200f}\n]*") {
            let value = serde_json::json!({"text": text, "hostile": hostile});
            let shown = escape_json(&format!("{value:#}"));
            prop_assert!(shown.lines().all(|line| Line::new(line).is_ok()), "{shown:?}");
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
