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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Any value that the ledger may hold.
    fn value() -> impl Strategy<Value = Value> {
        let whole = -((1i64 << 53) - 1)..(1 << 53);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            whole.prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[\\x00-\\x7f]{0,8}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_rfc_8785_and_is_read_back(value in value()) {
            let text = encode(&value).unwrap();
            prop_assert_eq!(&text, &serde_json_canonicalizer::to_string(&value).unwrap());
            prop_assert_eq!(decode(text.as_bytes()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_without_panic(text in "([\\[\\]{}:,\"0-9.eE+-]|\\PC)*") {
            if let Ok(value) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&value), Ok(text));
            }
        }
    }

    #[test]
    fn p07_a_text_other_than_the_canonical_one_is_refused() {
        for (text, position) in [
            (r#"{"a":1,"a":1}"#, 6),
            (r#"{"b":1,"a":2}"#, 2),
            (r#"{"a": 1}"#, 5),
            (" 1", 0),
            ("1\n", 1),
            (r#""\u0041""#, 1),
            (r#""\/""#, 1),
            (r#""\u000A""#, 2),
        ] {
            assert_eq!(decode(text.as_bytes()), Err(CanonicalError::NotCanonical(position)), "{text}");
        }
    }

    #[test]
    fn p07_numbers_that_other_readers_would_round_are_refused() {
        for number in ["1.5", "1e3", "1.0", "-0", "9007199254740992", "-9007199254740992", "1e400"] {
            let refused = decode(number.as_bytes());
            assert!(
                matches!(refused, Err(CanonicalError::Number(_) | CanonicalError::Syntax(_))),
                "{number}"
            );
        }
        assert_eq!(decode(b"9007199254740991"), Ok(json!(9_007_199_254_740_991_u64)));
        assert_eq!(encode(&json!(u64::MAX)), Err(CanonicalError::Number(u64::MAX.to_string())));
    }

    #[test]
    fn keys_outside_ascii_and_broken_json_are_refused() {
        assert_eq!(encode(&json!({"é": 1})), Err(CanonicalError::Key("é".into())));
        assert_eq!(decode("{\"é\":1}".as_bytes()), Err(CanonicalError::Key("é".into())));
        for broken in [b"".as_slice(), b"{", b"{\"a\":1}x", b"\"\xff\"", b"\"\n\"", &[b'['; 9999]] {
            assert!(matches!(decode(broken), Err(CanonicalError::Syntax(_))));
        }
    }
}
