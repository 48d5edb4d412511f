//! What stands in the files of a session, held against what was bound.

use super::Recordings;
use crate::core::entry::Piece;
use data_encoding::HEXLOWER;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

const BUFFER: usize = 128 * 1024;

/// What a file holds of the pieces that were bound, one after the other from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// So many pieces, from the first, are there as they were bound.
    pub pieces: usize,
    /// How the next one differs, where there is one.
    pub held: Held,
    /// Bytes beyond the last piece, which nothing binds.
    pub beyond: u64,
}

/// Whether all of the pieces are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// All are, unchanged.
    Whole,
    /// The file ends before the next piece does.
    Cut,
    /// The next piece has other bytes, or does not begin where the one before it ended.
    Changed,
}

impl Recordings {
    /// The whole of a file, in constant memory.
    ///
    /// # Errors
    /// It is missing, no regular file, or the system refuses.
    pub fn hash(&self, name: &str) -> io::Result<Piece> {
        let (length, sha256) = digest(&mut self.read(name)?, u64::MAX)?;
        Ok(Piece { from: 0, length, sha256 })
    }

    /// Holds a file against the pieces that were bound while it grew: what counts for a session
    /// whose end nobody fixed.
    ///
    /// # Errors
    /// It is missing, no regular file, or the system refuses.
    pub fn hash_prefix(&self, name: &str, pieces: &[Piece]) -> io::Result<Prefix> {
        let mut file = self.read(name)?;
        let (mut at, mut held) = (0, Held::Whole);
        let mut whole = 0;
        for piece in pieces {
            if piece.from != at {
                held = Held::Changed;
                break;
            }
            let (length, sha256) = digest(&mut file, piece.length)?;
            if length < piece.length {
                held = Held::Cut;
                break;
            }
            if sha256 != piece.sha256 {
                held = Held::Changed;
                break;
            }
            at += piece.length;
            whole += 1;
        }
        let beyond = file.metadata()?.len().saturating_sub(at);
        Ok(Prefix { pieces: whole, held, beyond })
    }

    /// Cuts what a crash left of a last line; how many bytes that was.
    ///
    /// # Errors
    /// It is missing, no regular file, or the system refuses.
    pub fn trim(&self, name: &str) -> io::Result<u64> {
        let file = self.file(name, OFlags::RDWR)?;
        let length = file.metadata()?.len();
        let whole = whole_lines(&file, length)?;
        if whole < length {
            file.set_len(whole)?;
            file.sync_all()?;
        }
        Ok(length - whole)
    }

    /// Opens a file for as many readings as it takes.
    ///
    /// # Errors
    /// It is missing, no regular file, or the system refuses.
    pub fn content(&self, name: &str) -> io::Result<Content> {
        let file = self.read(name)?;
        let length = file.metadata()?.len();
        let whole = whole_lines(&file, length)?;
        Ok(Content { file, whole, cut: length - whole })
    }
}

/// The whole lines of a file as it was when it was opened.
#[derive(Debug)]
pub struct Content {
    file: File,
    whole: u64,
    cut: u64,
}

impl Content {
    /// Reads from the beginning, independent of other readings.
    pub const fn lines(&self) -> Lines<'_> {
        Lines { content: self, at: 0 }
    }

    /// Bytes of a last line that is cut, which nobody reads.
    pub const fn cut(&self) -> u64 {
        self.cut
    }
}

/// One reading.
#[derive(Debug)]
pub struct Lines<'c> {
    content: &'c Content,
    at: u64,
}

impl Read for Lines<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.content.whole - self.at;
        let most = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
        let count = self.content.file.read_at(&mut into[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Length and SHA-256 of the next bytes, `most` at most.
fn digest(file: &mut File, most: u64) -> io::Result<(u64, String)> {
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let room = usize::try_from(most - length).map_or(BUFFER, |left| left.min(BUFFER));
        match file.read(&mut buffer[..room]) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((length, HEXLOWER.encode(&hash.finalize())))
}

/// Where the last whole line ends, found from the back.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BUFFER as u64);
        let part = &mut buffer[..usize::try_from(end - start).unwrap_or(BUFFER)];
        file.read_exact_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
