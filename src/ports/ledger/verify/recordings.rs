//! The files of recordings, read along with the entries that bind them, and the directory that
//! holds nothing else.

use super::super::projection::{self, SessionLine};
use super::finding::{Finding, Findings};
use super::sessions::{OFF, Seen};
use crate::core::entry::{Piece, RECORDED};
use crate::core::id::SessionId;
use crate::core::text::escape;
use data_encoding::HEXLOWER;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Gives each name of a directory, and whether it is a plain file's.
pub type EachName<'a> = &'a dyn Fn(&mut dyn FnMut(&OsStr, bool)) -> io::Result<()>;

/// How recordings are reached: another port has their directory.
#[derive(Clone, Copy)]
pub struct RecordedFiles<'a> {
    /// Opens the file of this name; `NotFound` where there is none.
    pub open: &'a dyn Fn(&str) -> io::Result<File>,
    /// Goes through all that the directory holds.
    pub each_name: EachName<'a>,
}

/// A file's name, as findings say it.
pub(super) fn shown(session: &str, end: &str) -> String {
    escape(&format!("recordings/{session}.{end}"))
}

/// What is wrong with a file.
pub(super) enum Fault {
    /// It is not there, which is right where it was deleted.
    Missing(Finding),
    Other(Finding),
}

/// A file that is read once, from its first byte on; after its first fault no more.
pub(super) struct Reading {
    name: String,
    hasher: Sha256,
    bytes: u64,
    was_there: bool,
    fault: Option<Fault>,
}

impl Reading {
    pub(super) fn of(session: &str, end: &str) -> Self {
        let name = format!("{session}.{end}");
        Self { name, hasher: Sha256::new(), bytes: 0, was_there: false, fault: None }
    }

    pub(super) const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Bytes that were read.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn was_there(&self) -> bool {
        self.was_there
    }

    /// The next piece: its bytes must be there, and have its hash. More may follow.
    pub(super) fn follow(&mut self, recordings: &RecordedFiles<'_>, piece: &Piece, seq: u64) {
        let Some((_, hash)) = self.stretch(recordings, piece, seq) else { return };
        if hash != piece.sha256 {
            let to = piece.from.saturating_add(piece.length);
            self.find(seq, &format!("was changed between its bytes {} and {to}", piece.from));
        }
    }

    /// The rest of the whole, whose hash is that of the whole: it must be the end of the file.
    pub(super) fn finish(&mut self, recordings: &RecordedFiles<'_>, rest: &Piece, seq: u64) {
        let Some((mut file, _)) = self.stretch(recordings, rest, seq) else { return };
        let whole = rest.from.saturating_add(rest.length);
        match file.read(&mut [0; 1]) {
            Ok(0) => {}
            Ok(_) => return self.find(seq, &format!("is longer than the {whole} bytes that were bound")),
            Err(error) => return self.find(seq, &format!("can't be read: {error}")),
        }
        if HEXLOWER.encode(&self.hasher.finalize_reset()) != rest.sha256 {
            self.find(seq, "is not the recording that was bound: it was changed, or is another's");
        }
    }

    /// Reads on, and gives the file behind the stretch and the hash of it.
    fn stretch(&mut self, recordings: &RecordedFiles<'_>, piece: &Piece, seq: u64) -> Option<(File, String)> {
        if self.fault.is_some() {
            return None;
        }
        // It names a file: what does not look like a session is no reason to open one.
        let is_session = self.name.split('.').next().is_some_and(|id| id.parse::<SessionId>().is_ok());
        if !is_session {
            self.find(seq, "is no recording's name");
            return None;
        }
        let mut file = match (recordings.open)(&self.name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = if self.was_there { "disappeared while it was read" } else { "is missing" };
                self.fault = Some(Fault::Missing(self.finding(seq, what)));
                return None;
            }
            Err(error) => {
                self.find(seq, &format!("can't be read: {error}"));
                return None;
            }
        };
        self.was_there = true;
        let mut hasher = Sha256::new();
        match self.read(&mut file, piece, &mut hasher) {
            Ok(0) => Some((file, HEXLOWER.encode(&hasher.finalize()))),
            Ok(lacking) => {
                let bound = piece.from.saturating_add(piece.length);
                self.find(seq, &format!("was cut: it has {} bytes, and {bound} were bound", bound - lacking));
                None
            }
            Err(error) => {
                self.find(seq, &format!("can't be read: {error}"));
                None
            }
        }
    }

    /// Gives how many bytes are lacking.
    fn read(&mut self, file: &mut File, piece: &Piece, hasher: &mut Sha256) -> io::Result<u64> {
        file.seek(SeekFrom::Start(piece.from))?;
        let mut buffer = [0; 64 * 1_024];
        let mut left = piece.length;
        while left > 0 {
            let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let read = match file.read(&mut buffer[..room]) {
                Ok(0) => return Ok(left),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..read]);
            self.hasher.update(&buffer[..read]);
            (left, self.bytes) = (left - read as u64, self.bytes + read as u64);
        }
        Ok(0)
    }

    fn find(&mut self, seq: u64, what: &str) {
        self.fault = Some(Fault::Other(self.finding(seq, what)));
    }

    fn finding(&self, seq: u64, what: &str) -> Finding {
        Finding::entry(seq, escape(&format!("recordings/{} {what}", self.name)))
    }
}

/// Once the snapshot of the pass is gone, so that what began or was deleted meanwhile is known:
/// what is missing, and what no session owns.
pub(super) fn check_directory(
    connection: &Connection,
    recordings: &RecordedFiles<'_>,
    seen: &mut Seen,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    for (found, session) in std::mem::take(&mut seen.missing) {
        let stored = SessionLine::stored(connection, &session)?;
        if stored.is_none_or(|line| line.state != "deleted") {
            findings.extend([found]);
        }
    }
    let mut failed = None;
    let listed = (recordings.each_name)(&mut |name, is_file| {
        let is_owned = match is_owned(connection, name) {
            Ok(is_owned) => is_owned,
            Err(error) => {
                failed.get_or_insert(error);
                return;
            }
        };
        let name = escape(&name.to_string_lossy());
        match (is_owned, is_file) {
            (true, true) => {}
            (true, false) => findings.ledger(format!("recordings/{name} is not a plain file")),
            (false, _) => findings.ledger(format!("recordings/{name} belongs to no session")),
        }
    });
    if let Err(error) = listed {
        findings.ledger(format!("recordings/ can't be listed: {error}"));
    }
    failed.map_or(Ok(()), Err)
}

/// Whether a session may have a file of this name.
fn is_owned(connection: &Connection, name: &OsStr) -> rusqlite::Result<bool> {
    let Some((id, end)) = name.to_str().and_then(|name| name.split_once('.')) else { return Ok(false) };
    if !RECORDED.contains(&end) {
        return Ok(false);
    }
    let Some(line) = SessionLine::stored(connection, id)? else { return Ok(false) };
    if line.state != "running" {
        return Ok(line.files.split(' ').any(|fixed| fixed == end));
    }
    // Its pieces are none of its rows.
    let started = projection::facts(connection, line.started).ok().and_then(|facts| facts.started);
    Ok(started.is_some_and(|started| started.recording != OFF))
}
