//! What front, keeper and command's half say to each other, over sockets alone: never in
//! arguments, environment or a file.
//!
//! A message is a letter, a 32-bit little-endian length and that many bytes. Descriptors travel
//! beside the first byte of a request (`SCM_RIGHTS`, unix(7)).

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use zeroize::Zeroizing;

/// To the keeper: what to run. To the half: the same.
pub(super) const REQUEST: u8 = b'Q';
/// To the keeper: let it begin, in front of its terminal (1) or behind (0). To the half: begin.
pub(super) const GATE: u8 = b'G';
/// To the keeper: this signal (4 bytes) to what is in front.
pub(super) const SIGNAL: u8 = b'S';
/// To the keeper: let what was stopped go on, in front (1) or behind (0).
pub(super) const RESUME: u8 = b'C';
/// To the keeper: end it all, after so many milliseconds (4 bytes).
pub(super) const END: u8 = b'E';

/// From both: all is set up, and waits.
pub(super) const READY: u8 = b'R';
/// From both: why it does not start; first a byte, the exit code that says so, then words.
pub(super) const FAILED: u8 = b'F';
/// From the keeper: the command was stopped by this signal (4 bytes).
pub(super) const STOPPED: u8 = b'T';
/// From the keeper: it was let go on.
pub(super) const RESUMED: u8 = b'D';
/// From the keeper: its exit code (4 bytes).
pub(super) const EXITED: u8 = b'X';
/// From the keeper: the signal that ended it (4 bytes).
pub(super) const KILLED: u8 = b'K';
/// From the keeper: somebody else asked it to end it all; it begins now.
pub(super) const ASKED: u8 = b'A';
/// From the keeper: nothing is left (1), or that can't be said (0).
pub(super) const GONE: u8 = b'N';

/// Nothing that is said is longer.
const LONGEST: u32 = 16 << 20;

/// Sends one message.
pub(super) fn send(socket: &mut UnixStream, letter: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = Zeroizing::new(Vec::with_capacity(5 + payload.len()));
    frame.push(letter);
    frame.extend_from_slice(&length(payload)?);
    frame.extend_from_slice(payload);
    socket.write_all(&frame)
}

/// Sends one message with descriptors beside it.
pub(super) fn send_with(
    socket: &mut UnixStream,
    letter: u8,
    payload: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let first = [letter];
    if sendmsg(socket.as_fd(), &[IoSlice::new(&first)], &mut beside, SendFlags::NOSIGNAL)? != 1 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    socket.write_all(&length(payload)?)?;
    socket.write_all(payload)
}

fn length(payload: &[u8]) -> io::Result<[u8; 4]> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length <= LONGEST);
    Ok(length.ok_or(Errno::MSGSIZE)?.to_le_bytes())
}

/// One message, with what came beside it.
pub(super) struct Received {
    pub(super) letter: u8,
    pub(super) payload: Zeroizing<Vec<u8>>,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Receives one message whole; an end before its first byte is `UnexpectedEof` too.
pub(super) fn receive(socket: &mut UnixStream) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut letter = [0];
    let got = loop {
        let flags = RecvFlags::CMSG_CLOEXEC;
        match recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut letter)], &mut beside, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if got.bytes != 1 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(Errno::MSGSIZE.into());
    }
    let mut payload = Zeroizing::new(vec![0; length as usize]);
    socket.read_exact(&mut payload)?;
    Ok(Received { letter: letter[0], payload, descriptors })
}

/// The number that a message carries.
pub(super) fn number(payload: &[u8]) -> Option<i32> {
    payload.try_into().ok().map(i32::from_le_bytes)
}

/// What the command is, as a list of byte strings; what is absent is an empty list.
pub(super) struct Parts(Zeroizing<Vec<u8>>);

impl Parts {
    pub(super) fn of(lists: &[Vec<&[u8]>]) -> Self {
        // Sized beforehand: a buffer that grows would leave secrets behind.
        let size = |list: &Vec<&[u8]>| 4 + list.iter().map(|part| 4 + part.len()).sum::<usize>();
        let mut bytes = Zeroizing::new(Vec::with_capacity(lists.iter().map(size).sum()));
        for list in lists {
            bytes.extend_from_slice(&(list.len() as u32).to_le_bytes());
            for part in list {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the lists back; nothing for anything else.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Vec<&[u8]>>> {
        let number = |bytes: &mut &[u8]| {
            let (number, rest) = bytes.split_first_chunk::<4>()?;
            *bytes = rest;
            usize::try_from(u32::from_le_bytes(*number)).ok()
        };
        let mut lists = Vec::new();
        while !bytes.is_empty() {
            let count = number(&mut bytes)?;
            let mut list = Vec::new();
            for _ in 0..count {
                let length = number(&mut bytes)?;
                let (part, rest) = bytes.split_at_checked(length)?;
                list.push(part);
                bytes = rest;
            }
            lists.push(list);
        }
        Some(lists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_read_back_and_nothing_panics(
            lists in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5), 0..5),
            other in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let borrowed: Vec<Vec<&[u8]>> =
                lists.iter().map(|list| list.iter().map(Vec::as_slice).collect()).collect();
            let parts = Parts::of(&borrowed);
            prop_assert_eq!(parts.bytes().len(), parts.0.capacity());
            prop_assert_eq!(Parts::read(parts.bytes()), Some(borrowed));
            let _ = Parts::read(&other);
        }
    }

    #[test]
    fn descriptors_come_with_their_message() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        send_with(&mut here, REQUEST, b"text", &[writer.as_fd()]).unwrap();
        drop(writer);
        let received = receive(&mut there).unwrap();
        assert_eq!((received.letter, &received.payload[..]), (REQUEST, &b"text"[..]));
        let mut writer = std::fs::File::from(received.descriptors.into_iter().next().unwrap());
        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(here);
        assert!(receive(&mut there).is_err());
    }
}
