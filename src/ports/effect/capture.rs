//! One output stream, of which a bounded part is kept. It may hold a fresh secret, so
//! every buffer that it ever lay in is wiped.

use crate::core::proof::Captured;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many bytes of a stream are kept; the rest is counted and hashed.
pub(super) const CAP: usize = 1024 * 1024;

/// A stream that is still being read.
pub(super) struct Capture {
    kept: Zeroizing<Vec<u8>>,
    length: u64,
    hash: Sha256,
}

impl Capture {
    pub(super) fn new() -> Self {
        Self { kept: Zeroizing::new(Vec::new()), length: 0, hash: Sha256::new() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hash.update(bytes);
        let kept = &bytes[..bytes.len().min(CAP - self.kept.len())];
        self.reserve(kept.len());
        self.kept.extend_from_slice(kept);
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
        Captured { kept: self.kept, length: self.length, sha256: self.hash.finalize().into() }
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
        }
    }
}
