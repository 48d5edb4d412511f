//! A session's picture: asciicast v2 (<https://docs.asciinema.org/manual/asciicast/v2/>), as glass
//! writes and reads it.
//!
//! A file is lines of JSON, each ended by a line feed: the header, then one event a line. What a
//! crash leaves is whole lines and at most one that is cut, so that it still plays. Control and
//! bidi characters stand in it as JSON escapes: a recording that is shown by accident is inert
//! text (P10).

mod encode;
mod escape;
mod header;
mod read;

#[cfg(test)]
mod tests;

pub use encode::Encoder;
pub use header::Header;
pub use read::{Event, Happening, Reader};

/// The longest line that is read, bytes; the encoder's own are below a fifth of it.
const LONGEST_LINE: usize = 1 << 20;

/// Why a recording can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The first line is not the header of an asciicast v2.
    #[error("line 1 is not the header of an asciicast v2")]
    NoHeader,
    /// A line that is no event.
    #[error("line {0} is not an event of an asciicast v2")]
    NoEvent(u64),
    /// A line that no recording of glass has.
    #[error("line {0} is longer than {LONGEST_LINE} bytes")]
    TooLong(u64),
    /// The system refused.
    #[error("line {line} can't be read: {source}")]
    Refused {
        /// The line, counted from 1.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
}
