//! A recording read event by event, in constant memory.

use super::{CastError, Header, LONGEST_LINE};
use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::time::Duration;

/// What happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the session began.
    pub at: Duration,
    /// What.
    pub happening: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The session printed this.
    Output(String),
    /// The person typed this.
    Input(String),
    /// The terminal had another size from then on.
    Resize {
        /// How wide, in characters.
        columns: u16,
        /// How high.
        rows: u16,
    },
    /// A place to jump to, such as a command that was typed.
    Marker(String),
}

/// The events of a recording, in order; what another recorder wrote and glass does not know is
/// passed over. A last line without its line feed is what a crash left, and is no event.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    /// Lines that were read.
    line: u64,
    buffer: Vec<u8>,
    /// When the last event was.
    last: Duration,
    cut: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header; the events come next.
    ///
    /// # Errors
    /// No header, or the system refuses.
    pub fn begin(source: R) -> Result<(Header, Self), CastError> {
        let mut reader = Self { source, line: 0, buffer: Vec::new(), last: Duration::ZERO, cut: 0 };
        if !reader.next_line()? {
            return Err(CastError::NoHeader);
        }
        Ok((Header::parse(&reader.buffer)?, reader))
    }

    /// Once all was read: the bytes of a last line that is cut.
    pub const fn cut(&self) -> u64 {
        self.cut
    }

    /// Reads a whole line into the buffer; false at the end.
    fn next_line(&mut self) -> Result<bool, CastError> {
        self.buffer.clear();
        self.line += 1;
        let line = self.line;
        let most = LONGEST_LINE as u64 + 1;
        let read = self.source.by_ref().take(most).read_until(b'\n', &mut self.buffer);
        read.map_err(|source| CastError::Refused { line, source })?;
        if self.buffer.len() > LONGEST_LINE {
            return Err(CastError::TooLong(line));
        }
        if self.buffer.ends_with(b"\n") {
            return Ok(true);
        }
        self.cut = self.buffer.len() as u64;
        Ok(false)
    }

    fn event(&mut self) -> Result<Option<Event>, CastError> {
        while self.next_line()? {
            let no_event = || CastError::NoEvent(self.line);
            let (seconds, code, data): (f64, Cow<'_, str>, String) =
                serde_json::from_slice(&self.buffer).map_err(|_| no_event())?;
            let at = Duration::try_from_secs_f64(seconds).map_err(|_| no_event())?;
            let happening = match &*code {
                "o" => Happening::Output(data),
                "i" => Happening::Input(data),
                "m" => Happening::Marker(data),
                "r" => {
                    let (columns, rows) = data.split_once('x').ok_or_else(no_event)?;
                    let number = |text: &str| text.parse().map_err(|_| no_event());
                    Happening::Resize { columns: number(columns)?, rows: number(rows)? }
                }
                _ => continue,
            };
            // An edited file may say anything; time only goes forward.
            self.last = self.last.max(at);
            return Ok(Some(Event { at: self.last, happening }));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, CastError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.event().transpose()
    }
}
