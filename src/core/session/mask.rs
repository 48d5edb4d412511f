//! Known secrets in what a session prints, replaced before anyone keeps it (P9).
//!
//! A secret is found as it is, also where it comes in pieces; the same secret in another
//! encoding, cut by a program's own line breaks or by moves of the cursor, is not. Secrets
//! shorter than [`SHORTEST`] bytes are not masked: they would tear holes into any text.

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
pub const MASKED: &[u8] = b"[masked]";
/// The shortest secret that is masked, bytes.
pub const SHORTEST: usize = 4;
/// The shortest line of a secret of several lines that is masked by itself, characters.
const SHORTEST_LINE: usize = 8;
/// Most bytes that are looked at together with a beginning that was held back: what is copied
/// for that is wiped.
const STEP: usize = 4096;

/// The secrets of a grant; shared by its streams, wiped with the last of them.
#[derive(Clone)]
pub struct Mask(Arc<[Pattern]>);

/// One form of a secret.
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    /// For each length of a beginning: the longest shorter beginning that it ends with.
    borders: Zeroizing<Vec<usize>>,
}

impl Mask {
    /// Of these secrets. One of several lines counts as a whole, with LF and with CR LF (as a
    /// terminal has it), and each of its lines of 8 characters or more by itself; the line feed
    /// at its end does not count.
    pub fn new(secrets: &[SecretString]) -> Self {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut add = |form: &str| {
            let known = patterns.iter().any(|pattern| *pattern.bytes == form.as_bytes());
            if form.len() >= SHORTEST && !known {
                patterns.push(Pattern::new(form.as_bytes()));
            }
        };
        for secret in secrets {
            let whole = Zeroizing::new(secret.expose_secret().replace("\r\n", "\n"));
            let whole = whole.trim_end_matches('\n');
            add(whole);
            if whole.contains('\n') {
                add(&Zeroizing::new(whole.replace('\n', "\r\n")));
                whole.lines().filter(|line| line.chars().count() >= SHORTEST_LINE).for_each(&mut add);
            }
        }
        Self(patterns.into())
    }

    /// A whole text with nothing secret in it.
    pub fn text(&self, text: &str) -> String {
        let (mut stream, mut masked) = (self.stream(), Vec::new());
        stream.push(text.as_bytes(), &mut masked);
        stream.finish(&mut masked);
        // Secrets are texts: what is left between them is whole characters.
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// For one more stream.
    pub fn stream(&self) -> Masking {
        Masking { mask: self.clone(), held: Zeroizing::default(), covered: 0 }
    }
}

impl Pattern {
    fn new(bytes: &[u8]) -> Self {
        let mut borders = Zeroizing::new(vec![0; bytes.len()]);
        for at in 1..bytes.len() {
            let mut length = borders[at - 1];
            while length > 0 && bytes[at] != bytes[length] {
                length = borders[length - 1];
            }
            borders[at] = if bytes[at] == bytes[length] { length + 1 } else { 0 };
        }
        Self { bytes: Zeroizing::new(bytes.to_vec()), borders }
    }

    /// How far apart two places of it in a text can be at the least, where they overlap.
    fn period(&self) -> usize {
        self.bytes.len() - self.borders.last().copied().unwrap_or(0)
    }

    /// All its places in a text, also those that overlap.
    fn places(&self, text: &[u8], found: &mut Vec<(usize, usize)>) {
        let finder = memmem::Finder::new(&*self.bytes);
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| finder.find(rest)) {
            found.push((from + at, from + at + self.bytes.len()));
            from += at + self.period();
        }
    }

    /// The length of the longest beginning of it, short of the whole, that a text ends with.
    fn begun(&self, text: &[u8]) -> usize {
        let tail = &text[text.len().saturating_sub(self.bytes.len() - 1)..];
        // Most texts end with nothing of the kind.
        if memchr::memchr(self.bytes[0], tail).is_none() {
            return 0;
        }
        let mut length = 0;
        for byte in tail {
            while length > 0 && *byte != self.bytes[length] {
                length = self.borders[length - 1];
            }
            if *byte == self.bytes[length] {
                length += 1;
            }
        }
        length
    }
}

/// One stream. What it gives does not depend on the pieces in which the stream comes.
///
/// Secrets that overlap are one stretch, and replaced once.
pub struct Masking {
    mask: Mask,
    /// The end of the stream so far, while it may be the beginning of a secret.
    held: Zeroizing<Vec<u8>>,
    /// So many bytes at the beginning of that belong to a secret that was replaced already.
    covered: usize,
}

impl Masking {
    /// Takes what comes next, and appends what is decided: at most as much as the longest secret
    /// is held back.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !self.held.is_empty() && !bytes.is_empty() {
            let (step, rest) = bytes.split_at(bytes.len().min(STEP));
            let mut text = Zeroizing::new(Vec::with_capacity(self.held.len() + step.len()));
            text.extend_from_slice(&self.held);
            text.extend_from_slice(step);
            self.look(&text, out);
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.look(bytes, out);
        }
    }

    /// Nothing more comes: what was held back is decided too.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.decide(&held, held.len(), out);
    }

    /// All of what was held back and what came after it.
    fn look(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let begun = self.mask.0.iter().map(|pattern| pattern.begun(text)).max().unwrap_or(0);
        // A secret that is not whole yet begins here or later.
        self.decide(text, text.len() - begun, out);
    }

    /// Appends all before `decided`, and holds back the rest. A secret that begins there, be it
    /// whole, may lie within a longer one that is not: it is found again.
    fn decide(&mut self, text: &[u8], decided: usize, out: &mut Vec<u8>) {
        let mut found = Vec::new();
        for pattern in &*self.mask.0 {
            pattern.places(text, &mut found);
        }
        found.sort_unstable();
        let mut done = self.covered;
        for (start, end) in found.into_iter().take_while(|(start, _)| *start < decided) {
            if start >= done {
                out.extend_from_slice(&text[done..start]);
                out.extend_from_slice(MASKED);
            }
            done = done.max(end);
        }
        if done < decided {
            out.extend_from_slice(&text[done..decided]);
        }
        self.covered = done.saturating_sub(decided);
        self.hold(&text[decided..]);
    }

    /// A new buffer of its exact size: growing would leave a copy behind unwiped.
    fn hold(&mut self, bytes: &[u8]) {
        self.held = Zeroizing::new(bytes.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(&secrets.iter().map(|secret| SecretString::from(*secret)).collect::<Vec<_>>())
    }

    fn masked(mask: &Mask, pieces: &[&[u8]]) -> String {
        let (mut stream, mut out) = (mask.stream(), Vec::new());
        for piece in pieces {
            stream.push(piece, &mut out);
        }
        stream.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn p09_a_secret_is_masked_wherever_it_is_cut() {
        let mask = mask(&["hvs.CAESIJ"]);
        let text = b"token hvs.CAESIJ, hvs.CAESI, hvs.hvs.CAESIJ.";
        for one in 0..text.len() {
            for two in one..text.len() {
                let pieces = [&text[..one], &text[one..two], &text[two..]];
                assert_eq!(masked(&mask, &pieces), "token [masked], hvs.CAESI, hvs.[masked].");
            }
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(masked(&mask, &bytes), "token [masked], hvs.CAESI, hvs.[masked].");
    }

    #[test]
    fn p09_only_what_may_be_the_beginning_of_a_secret_is_held_back() {
        let mut stream = mask(&["hvs.CAESIJ"]).stream();
        let mut out = Vec::new();
        stream.push(b"prompt$ h", &mut out);
        assert_eq!(out, b"prompt$ ");
        stream.push(b"ello", &mut out);
        assert_eq!(out, b"prompt$ hello");
        stream.push(b"hvs.CAESI", &mut out);
        stream.finish(&mut out);
        assert_eq!(out, b"prompt$ hellohvs.CAESI");
    }

    #[test]
    fn p09_a_secret_of_several_lines_is_masked_as_a_whole_and_line_by_line() {
        let mask = mask(&["-----BEGIN KEY-----\nMIIEvQIBADAN\nAB==\n-----END KEY-----\n"]);
        for (text, expected) in [
            ("-----BEGIN KEY-----\r\nMIIEvQIBADAN\r\nAB==\r\n-----END KEY-----\r\n$", "[masked]\r\n$"),
            ("-----BEGIN KEY-----\nMIIEvQIBADAN\nAB==\n-----END KEY-----\n$", "[masked]\n$"),
            ("grep: MIIEvQIBADAN AB==", "grep: [masked] AB=="),
        ] {
            assert_eq!(masked(&mask, &[text.as_bytes()]), expected);
        }
    }

    #[test]
    fn p09_secrets_that_overlap_are_one_stretch() {
        for (secrets, text, expected) in [
            (&["abcdef", "defghi"][..], "xabcdefghix", "x[masked]x"),
            (&["abcdef", "abcdefghi"], "abcdefgh abcdefghi", "[masked]gh [masked]"),
            (&["aaaa"], "aaaaaaa b aaa", "[masked] b aaa"),
            (&["abcd", "efgh"], "abcdefgh", "[masked][masked]"),
            (&["xaaaab", "aaaa"], "xaaaab xaaaac", "[masked] x[masked]c"),
            (&["xaaaab", "aaaa"], "xaaaa", "x[masked]"),
            (&["abc", ""], "abc", "abc"),
        ] {
            let mask = mask(secrets);
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(masked(&mask, &bytes), expected, "{secrets:?}");
            assert_eq!(masked(&mask, &[text.as_bytes()]), expected, "{secrets:?}");
        }
    }

    proptest! {
        // Few letters, so that beginnings, overlaps and repetitions are everywhere.
        #[test]
        fn p09_any_split_of_any_text_gives_the_same_and_no_secret(
            secrets in prop::collection::vec("[ab\n]{4,9}", 1..4),
            text in "[abc]{0,40}",
            with in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut text = text;
            for (which, at) in with {
                text.insert_str(at.index(text.len() + 1), secrets[which.index(secrets.len())].trim_end());
            }
            let mask = mask(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
            let whole = masked(&mask, &[text.as_bytes()]);
            for secret in &*mask.0 {
                let secret = std::str::from_utf8(&secret.bytes).unwrap();
                prop_assert!(!whole.contains(secret), "{secret:?} is in {whole:?}");
                prop_assert_eq!(text.contains(secret) && !whole.contains("[masked]"), false);
            }
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            places.sort_unstable();
            let (mut pieces, mut from) = (Vec::new(), 0);
            for place in places.into_iter().chain([text.len()]) {
                pieces.push(&text.as_bytes()[from..place]);
                from = place;
            }
            prop_assert_eq!(masked(&mask, &pieces), whole);
        }
    }
}
