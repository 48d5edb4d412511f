//! What is taken from the standard output of a `grant`. Error texts never hold any of it (P9).

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

/// A named piece of what `grant` prints; secret unless recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Which piece.
    pub source: OutputSource,
    /// Whether it may stand in the ledger, in the close plan and in arguments.
    pub record: bool,
    /// The variable under which sessions get it.
    pub env: Option<String>,
}

/// Which piece of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputSource {
    /// The text, number or boolean at this JSON pointer (RFC 6901).
    Json(String),
    /// This line, from 1, without its line ending.
    Line(usize),
    /// All of it, without the last line feed.
    Stdout,
}

/// Why an output holds no such piece.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Not text.
    #[error("the output is not UTF-8 text")]
    NotText,
    /// Not JSON.
    #[error("the output is not JSON")]
    NotJson,
    /// JSON without a plain value at the pointer.
    #[error("the output has no text, number or boolean at JSON pointer `{0}`")]
    NoValue(String),
    /// Too few lines.
    #[error("the output has no line {0}")]
    NoLine(usize),
    /// Nothing, or a NUL character: neither can stand in an argument.
    #[error("the value is empty or holds a NUL character")]
    Unusable,
}

impl Output {
    /// Takes the piece out of all that `grant` printed.
    ///
    /// # Errors
    /// When it is not there, or is nothing that an argument or a variable could hold.
    pub fn extract(&self, stdout: &[u8]) -> Result<Zeroizing<String>, ExtractError> {
        let text = std::str::from_utf8(stdout).map_err(|_| ExtractError::NotText)?;
        let value = match &self.source {
            OutputSource::Json(pointer) => json(text, pointer)?,
            OutputSource::Line(number) => {
                let line = number.checked_sub(1).and_then(|index| text.lines().nth(index));
                Zeroizing::new(line.ok_or(ExtractError::NoLine(*number))?.to_owned())
            }
            OutputSource::Stdout => Zeroizing::new(text.strip_suffix('\n').unwrap_or(text).to_owned()),
        };
        match value.is_empty() || value.contains('\0') {
            true => Err(ExtractError::Unusable),
            false => Ok(value),
        }
    }
}

fn json(text: &str, pointer: &str) -> Result<Zeroizing<String>, ExtractError> {
    // The parser's own message would quote the output.
    let mut document: Value = serde_json::from_str(text).map_err(|_| ExtractError::NotJson)?;
    let found = match document.pointer(pointer) {
        Some(Value::String(text)) => Some(Zeroizing::new(text.clone())),
        Some(plain @ (Value::Number(_) | Value::Bool(_))) => Some(Zeroizing::new(plain.to_string())),
        _ => None,
    };
    wipe(&mut document);
    found.ok_or_else(|| ExtractError::NoValue(pointer.to_owned()))
}

/// Overwrites every text of a document that held secrets.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extract(source: OutputSource, stdout: &[u8]) -> Result<String, ExtractError> {
        Output { source, record: false, env: None }.extract(stdout).map(|value| value.to_string())
    }

    #[test]
    fn each_source_takes_its_piece() {
        let auth = br#"{"auth":{"client_token":"s.1","ttl":900,"renewable":false,"list":[1]}}"#;
        let json = |pointer: &str| extract(OutputSource::Json(pointer.into()), auth);
        assert_eq!(json("/auth/client_token"), Ok("s.1".into()));
        assert_eq!(json("/auth/ttl"), Ok("900".into()));
        assert_eq!(json("/auth/renewable"), Ok("false".into()));
        for nothing in ["/auth", "/auth/list", "/other", ""] {
            assert_eq!(json(nothing), Err(ExtractError::NoValue(nothing.into())));
        }
        assert_eq!(extract(OutputSource::Line(2), b"a\r\nb\r\nc"), Ok("b".into()));
        assert_eq!(extract(OutputSource::Line(4), b"a\nb\nc\n"), Err(ExtractError::NoLine(4)));
        assert_eq!(extract(OutputSource::Line(0), b"a\n"), Err(ExtractError::NoLine(0)));
        assert_eq!(extract(OutputSource::Stdout, b"a\nb\n"), Ok("a\nb".into()));
    }

    #[test]
    fn what_no_argument_can_hold_is_refused() {
        assert_eq!(extract(OutputSource::Stdout, b"\n"), Err(ExtractError::Unusable));
        assert_eq!(extract(OutputSource::Stdout, b"a\0b"), Err(ExtractError::Unusable));
        assert_eq!(extract(OutputSource::Stdout, b"\xff"), Err(ExtractError::NotText));
    }

    proptest! {
        #[test]
        fn p09_no_error_holds_any_of_the_output(secret in "[!-~]{6,40}") {
            for source in [OutputSource::Json("/a".into()), OutputSource::Line(9)] {
                if let Err(error) = extract(source, secret.as_bytes()) {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains(&secret));
                }
            }
        }
    }
}
