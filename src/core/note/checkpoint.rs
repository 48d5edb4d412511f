//! A tree head as text: origin, size and root, each on a line (C2SP tlog-checkpoint).

use crate::core::merkle::Hash;
use std::fmt;

/// A head of a log; signed, it is a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name; also that of the key that signs.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Their Merkle root.
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// More or fewer lines; extension lines too, because no monitor can audit them.
    #[error("not a checkpoint: expected three lines: origin, size, root")]
    Lines,
    /// Not a plain decimal number.
    #[error("not a checkpoint: the size on line 2 is not a number without leading zeros")]
    Size,
    /// Not 32 bytes in base64.
    #[error("not a checkpoint: the root on line 3 is not a SHA-256 hash in base64")]
    Root,
}

impl Checkpoint {
    /// The text that is signed, with its final LF.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Reads a note's text, to its last byte.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(CheckpointError::Lines) };
        if origin.is_empty() {
            return Err(CheckpointError::Lines);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or(CheckpointError::Size)?,
            root: Hash::from_base64(root).ok_or(CheckpointError::Root)?,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

/// A number in its one decimal form: no sign, no leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification.
    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn a_checkpoint_is_read_and_written_back() {
        let checkpoint = Checkpoint::parse(TEXT).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.text(), TEXT);
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            (String::new(), CheckpointError::Lines),
            (TEXT.trim_end().to_owned(), CheckpointError::Lines),
            (format!("{TEXT}extension\n"), CheckpointError::Lines),
            (format!("{TEXT}\n"), CheckpointError::Lines),
            (TEXT.replace("example.com/behind-the-sofa", ""), CheckpointError::Lines),
            (TEXT.replace("2085", "02085"), CheckpointError::Size),
            (TEXT.replace("2085", "+2085"), CheckpointError::Size),
            (TEXT.replace("2085", "-2085"), CheckpointError::Size),
            (TEXT.replace("20852163", "18446744073709551616"), CheckpointError::Size),
            (TEXT.replace("q2I=", "q2J="), CheckpointError::Root),
            (TEXT.replace("q2I=", ""), CheckpointError::Root),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text}");
        }
    }
}
