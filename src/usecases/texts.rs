//! Free text that a person gives, as it may be signed: inert, and not too long.

use crate::core::policy::REASON_MAX;
use crate::core::text::Line;
use crate::usecases::failure::{Failure, Kind};

/// An incident as it may be signed.
pub(super) fn incident_text(text: &str) -> Result<Line, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::new(Kind::Refused, "no incident was given")
            .hint("give its number, or `pending` if there is none yet")
            .cause("bad-incident"));
    }
    short(text, "incident", 200)
}

/// A reason as it may be signed.
pub(super) fn reason_text(text: &str) -> Result<Line, Failure> {
    short(text.trim(), "reason", REASON_MAX)
}

/// A note as it may be signed.
pub(super) fn note_text(text: &str) -> Result<Line, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::new(Kind::Usage, "no note was given")
            .hint("say in a sentence what the verdict rests on")
            .cause("no-note"));
    }
    short(text, "note", REASON_MAX)
}

fn short(text: &str, what: &str, most: usize) -> Result<Line, Failure> {
    let has = text.chars().count();
    if has > most {
        return Err(Failure::new(
            Kind::Usage,
            format!("the {what} has {has} characters; at most {most} fit"),
        )
        .hint("say it shorter, and point to where the rest is")
        .cause("text-too-long"));
    }
    Ok(Line::new(text)?)
}
