//! The small values that playbooks and settings share.

use crate::core::duration::Seconds;
use crate::core::source::nearest;
use crate::core::source::reader::{Read, Value};
use crate::core::text::{Line, is_hostile};
use std::path::PathBuf;

/// Text that a person reads and signs: one line, not empty.
pub(in crate::core) fn line(value: Value<'_>) -> Read<Line> {
    let text = value.text()?;
    if text.trim().is_empty() {
        return Err(value.fault("an empty text is not allowed here"));
    }
    Line::new(text).map_err(|hostile| value.fault(&hostile.to_string()))
}

/// A name that commands and paths are built from: `[a-z0-9-]+`.
pub(in crate::core) fn name(value: Value<'_>) -> Read<String> {
    let text = value.text()?;
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err(value.fault(&format!("`{text}` is not a name: use lower-case letters, digits and `-`")))
}

/// Whether a text is `[a-z0-9-]+`.
pub(in crate::core) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A length of time.
pub(in crate::core) fn seconds(value: Value<'_>) -> Read<Seconds> {
    value
        .text()?
        .parse()
        .map_err(|error: crate::core::duration::DurationError| value.fault(&error.to_string()))
}

/// A path from the root of the file system.
pub(in crate::core) fn absolute_path(value: Value<'_>) -> Read<PathBuf> {
    let text = value.text()?;
    if let Some(hostile) = text.chars().find(|c| is_hostile(*c)) {
        return Err(value.fault(&format!("a path must not hold character U+{:04X}", u32::from(hostile))));
    }
    if !text.starts_with('/') {
        return Err(value.fault(&format!("`{text}` must be an absolute path: it starts with `/`")));
    }
    Ok(PathBuf::from(text))
}

/// `{ file = "…" }`.
pub(in crate::core) fn file(value: Value<'_>) -> Read<PathBuf> {
    value.table(|table| table.required("file", absolute_path))
}

/// One of a few words.
pub(in crate::core) fn one_of<T: Copy>(value: Value<'_>, words: &[(&'static str, T)]) -> Read<T> {
    let text = value.text()?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let known = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let message = format!("`{text}` is none of {known}");
    Err(match nearest(text, words.iter().map(|(word, _)| *word)) {
        Some(near) => value.fault_hint(&message, &format!("did you mean `{near}`?")),
        None => value.fault(&message),
    })
}

/// `schema = 1`, the only one there is.
pub(in crate::core) fn schema(value: Value<'_>) -> Read<()> {
    match value.integer(i64::MIN..=i64::MAX)? {
        1 => Ok(()),
        other => {
            Err(value.fault(&format!("schema {other} is not known to this version: it reads `schema = 1`")))
        }
    }
}

/// A name of a person or a group, as `allowed_signers` can hold it too.
pub(in crate::core) fn handle(value: Value<'_>) -> Read<String> {
    let text = value.text()?;
    if is_handle(text) {
        return Ok(text.to_owned());
    }
    Err(value.fault(&format!("`{text}` is not a name: use letters, digits and `.`, `_`, `-`, `@`")))
}

/// Whether a text can name a person or a group.
///
/// ASCII, so that no two names look alike; none of the separators and wildcards of
/// `allowed_signers`.
pub(in crate::core) fn is_handle(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@".contains(&b))
}

/// An OS user name (`useradd(8)`, a little wider).
pub(in crate::core) fn os_user(value: Value<'_>) -> Read<String> {
    let text = value.text()?;
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-$".contains(&b));
    match first && rest {
        true => Ok(text.to_owned()),
        false => Err(value.fault(&format!("`{text}` is not the name of an OS user"))),
    }
}
