//! What glass and its child say to each other.
//!
//! The child is asked one thing: an act, a path, a number and bytes. It answers with bytes, or
//! with the error code of the system. What is to be written follows in pieces, the last of
//! them empty, each with its length before it. Numbers are little-endian.

use rustix::io::Errno;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest path and longest message to an agent, bytes; nothing longer is sensible.
const LONGEST_PART: u32 = 1 << 20;

/// What the child is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Read a file; the number is the most bytes that are wanted.
    Read,
    /// Make a file of the pieces that follow.
    WriteNew,
    /// List the key files of a directory.
    KeyFiles,
    /// Ask an agent; the number is its time-out in milliseconds, the bytes are the message.
    AskAgent,
}

const ACTS: [(Act, u8); 4] =
    [(Act::Read, b'r'), (Act::WriteNew, b'w'), (Act::KeyFiles, b'k'), (Act::AskAgent, b'a')];

/// What the child is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) act: Act,
    pub(super) path: PathBuf,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

impl Request {
    pub(super) fn new(act: Act, path: &Path) -> Self {
        Self { act, path: path.to_owned(), number: 0, bytes: Vec::new() }
    }

    pub(super) fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let letter = ACTS.iter().find(|(act, _)| *act == self.act).map_or(0, |(_, letter)| *letter);
        let mut frame = vec![letter];
        frame.extend(self.number.to_le_bytes());
        for part in [self.path.as_os_str().as_bytes(), &self.bytes] {
            frame.extend(length(part, LONGEST_PART)?.to_le_bytes());
            frame.extend(part);
        }
        to.write_all(&frame)
    }

    pub(super) fn receive(from: &mut impl Read) -> io::Result<Self> {
        let (mut letter, mut number) = ([0], [0; 8]);
        from.read_exact(&mut letter)?;
        from.read_exact(&mut number)?;
        let act = ACTS.iter().find(|(_, known)| *known == letter[0]).map(|(act, _)| *act);
        let act = act.ok_or(Errno::BADMSG)?;
        let path = PathBuf::from(OsString::from_vec(part(from, LONGEST_PART)?.to_vec()));
        let bytes = part(from, LONGEST_PART)?.to_vec();
        Ok(Self { act, path, number: u64::from_le_bytes(number), bytes })
    }
}

fn length(part: &[u8], longest: u32) -> io::Result<u32> {
    let length = u32::try_from(part.len()).ok().filter(|length| *length <= longest);
    length.ok_or_else(|| Errno::NAMETOOLONG.into())
}

/// A length and that many bytes, in a buffer that never grows.
fn part(from: &mut impl Read, longest: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > longest {
        return Err(Errno::BADMSG.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length as usize]);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Answers with bytes, or with what the system said.
pub(super) fn answer(to: &mut impl Write, result: &io::Result<Zeroizing<Vec<u8>>>) -> io::Result<()> {
    match result {
        Ok(bytes) => {
            to.write_all(&0u32.to_le_bytes())?;
            send_piece(to, bytes)
        }
        Err(error) => to.write_all(&code(error).to_le_bytes()),
    }
}

/// The error code of the system; where the error is not the system's own, one that is near.
fn code(error: &io::Error) -> u32 {
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    code.filter(|code| *code != 0).unwrap_or(Errno::IO.raw_os_error().unsigned_abs())
}

/// Takes an answer of at most `longest` bytes.
pub(super) fn hear(from: &mut impl Read, longest: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut code = [0; 4];
    from.read_exact(&mut code)?;
    match i32::from_le_bytes(code) {
        0 => part(from, longest),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Sends a piece of a file; an empty one is the last.
pub(super) fn send_piece(to: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    to.write_all(&length(piece, u32::MAX)?.to_le_bytes())?;
    to.write_all(piece)
}

/// Takes pieces up to the last, and writes them.
pub(super) fn take_pieces(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    loop {
        let piece = part(from, LONGEST_PART)?;
        if piece.is_empty() {
            return Ok(());
        }
        to.write_all(&piece)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_asked_arrives_and_a_cut_question_does_not(
            act in 0..ACTS.len(),
            path in prop::collection::vec(any::<u8>(), 0..40),
            number in any::<u64>(),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let path = PathBuf::from(OsString::from_vec(path));
            let request = Request { act: ACTS[act].0, path, number, bytes };
            let mut sent = Vec::new();
            request.send(&mut sent).unwrap();
            prop_assert_eq!(Request::receive(&mut sent.as_slice()).unwrap(), request);
            prop_assert!(Request::receive(&mut &sent[..cut.index(sent.len())]).is_err());
        }

        #[test]
        fn other_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            // Whatever comes: an error or a request, never a panic or a huge buffer.
            let _ = Request::receive(&mut bytes.as_slice());
            prop_assert!(hear(&mut bytes.as_slice(), 8).map_or(true, |answer| answer.len() <= 8));
        }
    }

    #[test]
    fn an_answer_is_whole_or_an_error() {
        let mut sent = Vec::new();
        answer(&mut sent, &Ok(Zeroizing::new(b"key".to_vec()))).unwrap();
        assert_eq!(*hear(&mut sent.as_slice(), 3).unwrap(), b"key");
        assert!(hear(&mut sent.as_slice(), 2).is_err());
        assert!(hear(&mut &sent[..sent.len() - 1], 3).is_err());
        for (error, kind) in [
            (io::Error::from(Errno::NOENT), io::ErrorKind::NotFound),
            (io::Error::from(Errno::ACCESS), io::ErrorKind::PermissionDenied),
            (io::Error::from(Errno::FBIG), io::ErrorKind::FileTooLarge),
        ] {
            let mut sent = Vec::new();
            answer(&mut sent, &Err(error)).unwrap();
            assert_eq!(hear(&mut sent.as_slice(), 3).unwrap_err().kind(), kind);
        }
    }

    #[test]
    fn a_file_without_its_last_piece_is_not_whole() {
        let mut sent = Vec::new();
        send_piece(&mut sent, b"one").unwrap();
        send_piece(&mut sent, b"two").unwrap();
        let mut written = Vec::new();
        assert!(take_pieces(&mut sent.as_slice(), &mut written).is_err());
        send_piece(&mut sent, b"").unwrap();
        written.clear();
        take_pieces(&mut sent.as_slice(), &mut written).unwrap();
        assert_eq!(written, b"onetwo");
    }
}
