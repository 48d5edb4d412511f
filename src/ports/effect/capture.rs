//! One output stream, of which a bounded part is kept: its beginning, and its end. It may hold a fresh secret, so
//! every buffer that it ever lay in is wiped.

use crate::core::proof::Captured;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many bytes of a stream are kept; the rest is counted and hashed.
pub(super) const CAP: usize = 1024 * 1024;

/// How many of the last bytes are kept at least, once a stream is longer than that.
pub(super) const END: usize = 128 * 1024;

/// A stream that is still being read.
pub(super) struct Capture {
    kept: Zeroizing<Vec<u8>>,
    end: Zeroizing<Vec<u8>>,
    length: u64,
    hash: Sha256,
}

impl Capture {
    pub(super) fn new() -> Self {
        let empty = || Zeroizing::new(Vec::new());
        Self { kept: empty(), end: empty(), length: 0, hash: Sha256::new() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hash.update(bytes);
        let (kept, rest) = bytes.split_at(bytes.len().min(CAP - self.kept.len()));
        self.reserve(kept.len());
        self.kept.extend_from_slice(kept);
        if !rest.is_empty() {
            self.keep_end(rest);
        }
    }

    /// The end lies in a buffer that never grows; when it is full, its younger half moves down.
    fn keep_end(&mut self, bytes: &[u8]) {
        if self.end.capacity() == 0 {
            self.end = Zeroizing::new(Vec::with_capacity(2 * END));
            let from = self.kept.len().saturating_sub(END);
            self.end.extend_from_slice(&self.kept[from..]);
        }
        let bytes = &bytes[bytes.len().saturating_sub(END)..];
        if self.end.len() + bytes.len() > 2 * END || bytes.len() == END {
            let older = self.end.len() - (END - bytes.len());
            self.end.drain(..older);
        }
        self.end.extend_from_slice(bytes);
    }

    /// Grows by copying into a new buffer: a `Vec` that grows by itself leaves the old one unwiped.
    fn reserve(&mut self, more: usize) {
        let needed = self.kept.len() + more;
        if needed > self.kept.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.kept.capacity())));
            larger.extend_from_slice(&self.kept);
            self.kept = larger;
        }
    }

    pub(super) fn finish(self) -> Captured {
        Captured { kept: self.kept, end: self.end, length: self.length, sha256: self.hash.finalize().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_is_counted_and_hashed_and_the_first_part_kept(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300_000), 0..8),
        ) {
            let whole = pieces.concat();
            let mut capture = Capture::new();
            pieces.iter().for_each(|piece| capture.take(piece));
            let captured = capture.finish();
            prop_assert_eq!(captured.length, whole.len() as u64);
            prop_assert_eq!(captured.sha256, <[u8; 32]>::from(Sha256::digest(&whole)));
            prop_assert_eq!(&captured.kept[..], &whole[..whole.len().min(CAP)]);
            let said = captured.last();
            prop_assert!(whole.ends_with(said) && said.len() >= whole.len().min(END), "{}", said.len());
        }
    }
}
