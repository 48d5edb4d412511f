//! A text and the signatures under it (C2SP signed-note).

use super::key::{VerifierKey, VerifierKeyError};
use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// The specification asks for 16 at least; a note with more than this is not worth reading.
const MOST_SIGNATURES: usize = 64;

/// A note in its exact form; its signatures are not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Line>,
}

/// One signature line, of whichever algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// Why a text is no signed note, or can't become one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    /// A control character other than LF.
    #[error("not a signed note: it holds a control character")]
    Control,
    /// No blank line with signatures below.
    #[error("not a signed note: expected a text, a blank line and signature lines")]
    Form,
    /// A line below the last blank one that is no signature.
    #[error("not a signed note: line {0} of the signatures is not `— name base64`")]
    Line(usize),
    /// Too many signatures.
    #[error("the note has more than {MOST_SIGNATURES} signatures")]
    Many,
    /// A text to be signed must end in LF.
    #[error("the text of a note must end in a line feed")]
    Unfinished,
    /// The name can't stand in a signature line.
    #[error(transparent)]
    Name(#[from] VerifierKeyError),
}

/// Signs a text, which ends in LF; gives the note with this one signature.
pub fn sign_note(text: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Unfinished);
    }
    if has_control(text) {
        return Err(NoteError::Control);
    }
    let id = VerifierKey::new(name, key.verifying_key().to_bytes())?.key_id();
    let signature = [&id, key.sign(text.as_bytes()).to_bytes().as_slice()].concat();
    Ok(format!("{text}\n— {name} {}\n", BASE64.encode(&signature)))
}

impl Note {
    /// Takes a note apart at its last blank line.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if has_control(note) {
            return Err(NoteError::Control);
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let mut signatures = Vec::new();
        for (index, line) in lines.split('\n').enumerate() {
            if index == MOST_SIGNATURES {
                return Err(NoteError::Many);
            }
            signatures.push(Line::parse(line).ok_or(NoteError::Line(index + 1))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// What is signed, with its final LF; believe it only after [`verified_by`](Self::verified_by).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the key signed the text: it has a signature, and each that claims to be its
    /// own is good. Signatures by others are ignored.
    #[must_use]
    pub fn verified_by(&self, key: &VerifierKey) -> bool {
        let Ok(point) = VerifyingKey::from_bytes(key.point()) else { return false };
        let id = key.key_id();
        let mut claimed =
            self.signatures.iter().filter(|line| line.name == key.name() && line.key_id == id).peekable();
        claimed.peek().is_some()
            && claimed.all(|line| {
                Signature::from_slice(&line.bytes)
                    .is_ok_and(|signature| point.verify_strict(self.text.as_bytes(), &signature).is_ok())
            })
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = BASE64.decode(base64.as_bytes()).ok()?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
        (super::is_key_name(name) && !bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From the specification.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\
        — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn verified(note: &str, vkey: &str) -> bool {
        Note::parse(note).unwrap().verified_by(&vkey.parse().unwrap())
    }

    #[test]
    fn p07_the_note_of_the_specification_verifies_and_a_changed_one_does_not() {
        assert!(verified(NOTE, VKEY));
        assert!(!verified(&NOTE.replace("message", "massage"), VKEY));
        assert!(!verified(&NOTE.replace("Uw2QOkn8", "Uw2QOkn9"), VKEY));
        // Another name or another id is another key.
        assert!(!verified(&NOTE.replace("example.com/foo", "example.com/fop"), VKEY));
        assert!(!verified(&NOTE.replace("Uw2QOk", "Vw2QOk"), VKEY));
    }

    #[test]
    fn what_was_signed_here_verifies_here() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let vkey = VerifierKey::new("log.example/a", key.verifying_key().to_bytes()).unwrap();
        let text = "one\n\ntwo\n";
        let note = Note::parse(&sign_note(text, "log.example/a", &key).unwrap()).unwrap();
        assert_eq!(note.text(), text);
        assert!(note.verified_by(&vkey));
        assert_eq!(sign_note("one", "a", &key), Err(NoteError::Unfinished));
        assert_eq!(sign_note("o\tne\n", "a", &key), Err(NoteError::Control));
        assert!(matches!(sign_note("one\n", "a+b", &key), Err(NoteError::Name(_))));
    }

    #[test]
    fn other_signers_are_ignored_but_a_bad_one_of_our_own_is_not() {
        let other = "— witness.example AAAAAAAA\n";
        let others = other.repeat(20);
        assert!(verified(&format!("{NOTE}{others}"), VKEY));
        assert!(!verified(&format!("This is an example message.\n\n{others}"), VKEY));
        let bad = NOTE.rsplit_once("\n\n").unwrap().1.replace("neyaQM=", "neyaQA=");
        assert!(!verified(&format!("{NOTE}{bad}"), VKEY));
        assert_eq!(Note::parse(&format!("{NOTE}{}", other.repeat(64))), Err(NoteError::Many));
    }

    #[test]
    fn other_forms_are_no_notes() {
        for form in ["", "\n", "text\n", "text\n\n", &NOTE[..NOTE.len() - 1], "text\n\n— a AAAAAAA="] {
            assert_eq!(Note::parse(form), Err(NoteError::Form), "{form:?}");
        }
        for line in ["a AAAAAAAA", "- a AAAAAAAA", "— a", "— a AAAAAA==", "— a  AAAAAAAA", "— a+b AAAAAAAA"]
        {
            assert_eq!(Note::parse(&format!("text\n\n{line}\n")), Err(NoteError::Line(1)), "{line}");
        }
        for control in ["\0", "\r", "\t", "\u{1b}"] {
            assert_eq!(Note::parse(&NOTE.replace("an", control)), Err(NoteError::Control));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "(— a [A-Za-z]{8}\n|\n|x|—| |\\PC)*") {
            let _ = Note::parse(&text);
        }
    }
}
