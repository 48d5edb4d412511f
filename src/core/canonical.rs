//! Canonical JSON: the RFC 8785 subset that the ledger stores and people sign.
//!
//! Sorted ASCII keys, integers below 2^53, no floats: one value has one text.

use serde_json::Value;
use std::fmt::Write as _;

/// Why a value has no canonical text, or a text is not canonical.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CanonicalError {
    /// A fraction, or an integer that a double can't hold exactly.
    #[error("number {0} is not an integer below 2^53")]
    Number(String),
    /// A key outside ASCII.
    #[error("key {0:?} is not ASCII")]
    Key(String),
    /// Not JSON at all.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// Duplicate or unsorted keys, spaces, other escapes.
    #[error("not canonical JSON: byte {0} differs from the canonical text")]
    NotCanonical(usize),
}

const LIMIT: u64 = 1 << 53;

/// The one text of a value.
pub fn encode(value: &Value) -> Result<String, CanonicalError> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Reads a text that must be the canonical one.
pub fn decode(bytes: &[u8]) -> Result<Value, CanonicalError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| CanonicalError::Syntax(e.to_string()))?;
    let text = encode(&value)?;
    if text.as_bytes() == bytes {
        return Ok(value);
    }
    let same = text.bytes().zip(bytes).take_while(|(a, b)| a == *b).count();
    Err(CanonicalError::NotCanonical(same))
}

fn write(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match size {
                Some(size) if size < LIMIT => write!(out, "{number}").expect("a String takes all"),
                _ => return Err(CanonicalError::Number(number.to_string())),
            }
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            // Another crate may turn on serde_json's `preserve_order`: sort here, always.
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if !key.is_ascii() {
                    return Err(CanonicalError::Key(key.clone()));
                }
                if index > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(&fields[key], out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// serde_json escapes exactly as RFC 8785 asks: the short forms, then lower-case `\u00xx`.
fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string always has JSON"));
}
