//! The recording of a session, found and opened.

use crate::core::id::SessionId;
use crate::core::session::cast::{CastError, Header, Reader};
use crate::ports::recordings::{CAST, Content, Lines, Recordings, RecordingsError};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::io::{BufReader, ErrorKind};

/// A session's picture, opened. Whoever can read the home may; whether it is what the ledger
/// bound is another question, to be asked before it is shown.
#[derive(Debug)]
pub struct Recording {
    /// Whose.
    pub session: SessionId,
    content: Content,
}

/// Its events, one after the other.
pub type Events<'r> = Reader<BufReader<Lines<'r>>>;

/// The sessions that have a recording, by name.
///
/// # Errors
/// The directory can't be read, or could be written by others.
pub fn all(context: &Context) -> Result<Vec<SessionId>, Failure> {
    let recordings = Recordings::open(&context.home.recordings())?;
    let names = recordings
        .names()
        .map_err(|source| RecordingsError::Refused { path: recordings.path().to_owned(), source })?;
    let session = |name: String| name.strip_suffix(&format!(".{CAST}"))?.parse().ok();
    Ok(names.into_iter().filter_map(session).collect())
}

/// Finds it in the home.
///
/// # Errors
/// There is none; or the directory could be written by others.
pub fn find(context: &Context, session: &SessionId) -> Result<Recording, Failure> {
    let directory = context.home.recordings();
    context.believe(&directory)?;
    let unknown = || {
        Failure::new(Kind::Refused, format!("there is no recording of {session}"))
            .hint("`glass sessions list` lists the sessions")
    };
    let recordings = match Recordings::open(&directory) {
        Err(RecordingsError::Missing(_)) => return Err(unknown()),
        opened => opened?,
    };
    match recordings.content(&format!("{session}.{CAST}")) {
        Ok(content) => Ok(Recording { session: session.clone(), content }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unknown()),
        Err(error) => {
            Err(Failure::new(Kind::Failed, format!("the recording of {session} can't be read: {error}")))
        }
    }
}

impl Recording {
    /// Reads it from its beginning, independent of other readings.
    ///
    /// # Errors
    /// It is no recording.
    pub fn events(&self) -> Result<(Header, Events<'_>), Failure> {
        Reader::begin(BufReader::new(self.content.lines())).map_err(|error| self.damaged(&error))
    }

    /// Its whole lines, as they stand.
    pub const fn lines(&self) -> Lines<'_> {
        self.content.lines()
    }

    /// Bytes of a last line that is cut: glass, or the system, died over it.
    pub const fn cut(&self) -> u64 {
        self.content.cut()
    }

    /// What could not be read of it.
    pub fn damaged(&self, error: &CastError) -> Failure {
        Failure::new(Kind::Failed, format!("the recording of {} is damaged: {error}", self.session))
            .hint("`glass ledger verify --recordings` says whether it is what was recorded")
    }
}
