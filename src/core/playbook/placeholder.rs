//! Texts with placeholders: each fills part of one argument, never a shell line.

use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A value that is only known when a grant is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{grant.id}`.
    GrantId,
    /// `{grant.seconds}`: whole seconds left when the command starts.
    GrantSeconds,
    /// `{grant.expires}`: RFC 3339, UTC.
    GrantExpires,
    /// `{grant.expires.epoch}`: seconds since 1970.
    GrantExpiresEpoch,
    /// `{grant.serial}`: a number that no other grant of this ledger has.
    GrantSerial,
    /// `{grant.scope}`: `playbook/scope`.
    GrantScope,
    /// `{operator.name}`: the person, by the roster.
    OperatorName,
    /// `{operator.os-user}`: the OS user who activated.
    OperatorOsUser,
    /// `{STEP.OUTPUT}`: what a step's `grant` printed.
    Output {
        /// The id of the step.
        step: String,
        /// The name of the output.
        output: String,
    },
}

/// Every placeholder but the outputs, as they are written without braces.
pub const FIXED: [(&str, Placeholder); 8] = [
    ("grant.id", Placeholder::GrantId),
    ("grant.seconds", Placeholder::GrantSeconds),
    ("grant.expires", Placeholder::GrantExpires),
    ("grant.expires.epoch", Placeholder::GrantExpiresEpoch),
    ("grant.serial", Placeholder::GrantSerial),
    ("grant.scope", Placeholder::GrantScope),
    ("operator.name", Placeholder::OperatorName),
    ("operator.os-user", Placeholder::OperatorOsUser),
];

/// The first words of the fixed placeholders; no step may be called so.
pub const RESERVED: [&str; 2] = ["grant", "operator"];

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Output { step, output } = self {
            return write!(f, "{{{step}.{output}}}");
        }
        FIXED.iter().find(|(_, fixed)| fixed == self).map_or(Ok(()), |(name, _)| write!(f, "{{{name}}}"))
    }
}

/// A text in which placeholders stand; `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// A value to be filled in.
    Placeholder(Placeholder),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{` that nothing ends.
    #[error("a `{{` without its `}}`: for a brace itself write `{{{{`")]
    Open,
    /// A `}` that ends nothing.
    #[error("a `}}` without its `{{`: for a brace itself write `}}}}`")]
    Close,
    /// Not a placeholder that could exist.
    #[error("unknown placeholder `{{{0}}}`")]
    Unknown(String),
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let brace = &rest[at..=at];
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err(TemplateError::Close);
            } else {
                let (name, after) = rest.split_once('}').ok_or(TemplateError::Open)?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(placeholder(name)?));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }
}

fn placeholder(name: &str) -> Result<Placeholder, TemplateError> {
    use crate::core::source::values::is_name;
    if let Some((_, fixed)) = FIXED.iter().find(|(known, _)| *known == name) {
        return Ok(fixed.clone());
    }
    match name.split_once('.') {
        Some((step, output)) if is_name(step) && is_name(output) && !RESERVED.contains(&step) => {
            Ok(Placeholder::Output { step: step.to_owned(), output: output.to_owned() })
        }
        _ => Err(TemplateError::Unknown(name.to_owned())),
    }
}

impl Template {
    /// The pieces, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }

    /// The text with every value in its place.
    ///
    /// # Errors
    /// The first placeholder that has no value yet.
    pub fn fill(
        &self,
        lookup: impl Fn(&Placeholder) -> Option<Zeroizing<String>>,
    ) -> Result<Zeroizing<String>, Placeholder> {
        let mut values = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            values.push(match part {
                Part::Text(text) => Zeroizing::new(text.clone()),
                Part::Placeholder(placeholder) => lookup(placeholder).ok_or_else(|| placeholder.clone())?,
            });
        }
        // One allocation of the right size: a string that grows would leave copies behind.
        let mut filled = Zeroizing::new(String::with_capacity(values.iter().map(|value| value.len()).sum()));
        values.iter().for_each(|value| filled.push_str(value));
        Ok(filled)
    }
}

impl fmt::Display for Template {
    /// With placeholders visible and braces single, for people; not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Placeholder(placeholder) => placeholder.fmt(f),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(text: &str) -> String {
        let template: Template = text.parse().unwrap();
        let lookup = |placeholder: &Placeholder| match placeholder {
            Placeholder::GrantId => Some(Zeroizing::new("g-abc".to_owned())),
            Placeholder::Output { step, output } => Some(Zeroizing::new(format!("<{step}/{output}>"))),
            _ => None,
        };
        match template.fill(lookup) {
            Ok(text) => text.to_string(),
            Err(missing) => format!("missing {missing}"),
        }
    }

    #[test]
    fn placeholders_are_filled_and_double_braces_are_braces() {
        assert_eq!(fill("-metadata=grant={grant.id}"), "-metadata=grant=g-abc");
        assert_eq!(fill("{token.accessor}{grant.id}"), "<token/accessor>g-abc");
        assert_eq!(fill("{{\"id\":\"{grant.id}\"}}"), "{\"id\":\"g-abc\"}");
        assert_eq!(fill("{{{grant.id}}}"), "{g-abc}");
        assert_eq!(fill("{grant.expires.epoch}"), "missing {grant.expires.epoch}");
        assert_eq!(fill(""), "");
    }

    #[test]
    fn other_braces_are_errors() {
        let error = |text: &str| text.parse::<Template>().unwrap_err();
        assert_eq!(error("a {grant.id"), TemplateError::Open);
        assert_eq!(error("a } b"), TemplateError::Close);
        for unknown in ["grant.ids", "grant", "", "a.b.c", "operator.uid", "A.b", " grant.id"] {
            assert_eq!(error(&format!("x{{{unknown}}}")), TemplateError::Unknown(unknown.into()));
        }
    }

    #[test]
    fn every_fixed_placeholder_is_shown_as_it_is_written() {
        for (name, placeholder) in FIXED {
            assert_eq!(placeholder.to_string(), format!("{{{name}}}"));
            assert_eq!(placeholder.to_string().parse(), Ok(Template(vec![Part::Placeholder(placeholder)])));
        }
    }

    proptest! {
        #[test]
        fn doubled_braces_give_any_text_back(text in any::<String>()) {
            let written = text.replace('{', "{{").replace('}', "}}");
            let template: Template = written.parse().unwrap();
            let filled = template.fill(|_| None);
            prop_assert_eq!(filled.as_deref().map(String::as_str), Ok(text.as_str()));
        }

        #[test]
        fn no_text_panics(text in "[{}a-z. ]{0,40}") {
            let braces = text.contains(['{', '}']);
            prop_assert!(text.parse::<Template>().is_ok() || braces);
        }
    }
}
