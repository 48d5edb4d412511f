//! One file of a session while it grows.

use crate::core::entry::Piece;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};

/// Appends whole lines, and knows what was written.
#[derive(Debug)]
pub struct Writer {
    file: File,
    length: u64,
    whole: Sha256,
    /// Where the piece that has not been cut yet begins, and its hash so far.
    from: u64,
    piece: Sha256,
    broken: bool,
}

impl Writer {
    pub(super) fn new(file: File) -> Self {
        Self { file, length: 0, whole: Sha256::new(), from: 0, piece: Sha256::new(), broken: false }
    }

    /// Appends whole lines, in one write where the system takes them at once.
    ///
    /// # Errors
    /// The system refuses (a full disk). What was written of them is cut after its last whole
    /// line, as far as the system lets it; from then on this writer refuses everything.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        debug_assert!(lines.is_empty() || lines.ends_with(b"\n"), "only whole lines");
        if self.broken {
            return Err(io::Error::other("this recording broke off before"));
        }
        let mut written = 0;
        while written < lines.len() {
            let failure = match self.file.write(&lines[written..]) {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(count) => {
                    written += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.broken = true;
            let whole = memchr::memrchr(b'\n', &lines[..written]).map_or(0, |at| at + 1);
            self.count(&lines[..whole]);
            // Where this fails too, a cut line stays, which is known: it is beyond all hashes.
            let _ = self.file.set_len(self.length);
            return Err(failure);
        }
        self.count(lines);
        Ok(())
    }

    fn count(&mut self, lines: &[u8]) {
        self.length += lines.len() as u64;
        self.whole.update(lines);
        self.piece.update(lines);
    }

    /// Bytes so far.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Ends the current piece and begins the next one; `None` where nothing was added to it.
    pub fn cut(&mut self) -> Option<Piece> {
        let length = self.length - self.from;
        if length == 0 {
            return None;
        }
        let sha256 = HEXLOWER.encode(&self.piece.finalize_reset());
        let piece = Piece { from: self.from, length, sha256 };
        self.from = self.length;
        Some(piece)
    }

    /// The file for another thread, which makes sure that it is on disk (`sync_data`) while this
    /// one goes on.
    ///
    /// # Errors
    /// As the system refuses.
    pub fn to_sync(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// The whole of it. Syncs nothing.
    pub fn finish(self) -> Piece {
        Piece { from: 0, length: self.length, sha256: HEXLOWER.encode(&self.whole.finalize()) }
    }
}
