//! Errors in files that people write: where, what, and what to write instead.
//!
//! Invariant: nothing of a file's own text reaches a message or an excerpt unescaped (P10).

pub(in crate::core) mod reader;
pub(in crate::core) mod values;

use crate::core::text::escape;
use std::fmt;
use std::ops::Range;

/// One fault of a file, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SourceError {
    /// The file as it was named to the parser, escaped.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// That line of the file (the part around the column, if it is long), escaped.
    pub excerpt: String,
    /// How many characters of the excerpt stand before the caret.
    pub caret: usize,
    /// What is wrong, escaped.
    pub message: String,
    /// What to write instead, escaped.
    pub hint: Option<String>,
}

/// How many characters of a long line are shown on each side of the caret.
const AROUND: usize = 60;

impl SourceError {
    /// Points at the bytes `span` of `text`; a span outside of it points at the end.
    pub fn new(file: &str, text: &str, span: Range<usize>, message: &str) -> Self {
        let start = floor_char_boundary(text, span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |index| start + index);
        let prefix: Vec<char> = text[line_start..start].chars().collect();
        let cut = prefix.len().saturating_sub(AROUND);
        let shown: String = prefix[cut..].iter().collect();
        let opening = format!("{}{}", if cut > 0 { "…" } else { "" }, escape(&shown));
        let mut rest = text[start..line_end].trim_end_matches('\r').chars();
        let following: String = rest.by_ref().take(AROUND).collect();
        let closing = if rest.next().is_some() { "…" } else { "" };
        Self {
            file: escape(file),
            line: before.matches('\n').count() + 1,
            column: prefix.len() + 1,
            caret: opening.chars().count(),
            excerpt: format!("{opening}{}{closing}", escape(&following)),
            message: escape(message),
            hint: None,
        }
    }

    /// The same fault with what to write instead.
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(escape(hint));
        self
    }

    /// A syntax error of the TOML parser.
    pub fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(text.len()..text.len());
        Self::new(file, text, span, &error.message().replace('\n', ", "))
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        let number = self.line.to_string();
        writeln!(f, "{number} | {}", self.excerpt)?;
        write!(f, "{:width$} | {:caret$}^", "", "", width = number.len(), caret = self.caret)?;
        match &self.hint {
            Some(hint) => write!(f, "\n{:width$} = {hint}", "", width = number.len()),
            None => Ok(()),
        }
    }
}

/// All faults of one file, in the order of the file; never none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<SourceError>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

/// The start of the character that the byte at `index` belongs to; the end of a shorter text.
fn floor_char_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The candidate that `word` was most likely meant to be.
pub(in crate::core) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // Half of the letters wrong is another word, not a slip.
    let near = |distance: usize, candidate: &str| distance <= candidate.len().max(2) / 2;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| near(*distance, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fault_shows_its_line_with_a_caret_and_a_hint() {
        let text = "a = 1\n  durtion = 2\n";
        let fault = SourceError::new("x.toml", text, 8..15, "unknown key `durtion`")
            .with_hint("did you mean `duration`?");
        assert_eq!(
            fault.to_string(),
            "x.toml:2:3: unknown key `durtion`\n2 |   durtion = 2\n  |   ^\n  = did you mean `duration`?"
        );
    }

    #[test]
    fn columns_count_characters_and_the_end_of_a_file_is_a_place() {
        let fault = SourceError::new("x", "ä = \"漢\" x", 11..12, "m");
        assert_eq!((fault.line, fault.column), (1, 9));
        let end = SourceError::new("x", "a\n", 99..99, "m");
        assert_eq!((end.line, end.column, end.excerpt.as_str()), (2, 1, ""));
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let fault = SourceError::new("x", &text, 500..501, "m");
        assert_eq!(fault.column, 501);
        assert!(fault.excerpt.chars().count() < 130);
        assert_eq!(fault.excerpt.chars().nth(fault.caret), Some('x'));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("duratoin", ["title", "duration"]), Some("duration"));
        assert_eq!(nearest("banana", ["title", "duration"]), None);
    }

    proptest! {
        #[test]
        fn p10_a_shown_fault_is_inert(file in any::<String>(), text in any::<String>(),
                                      at in 0..80_usize, message in any::<String>()) {
            let shown = SourceError::new(&file, &text, at..at + 1, &message).with_hint(&message).to_string();
            for line in shown.split('\n') {
                prop_assert!(crate::core::text::Line::new(line).is_ok(), "{line:?}");
            }
            prop_assert_eq!(shown.lines().count(), 4);
        }
    }
}
