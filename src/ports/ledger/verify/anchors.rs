//! What was kept elsewhere: checkpoints and receipts, held against the tree.

use super::super::receipt::{self, RECEIPT};
use super::finding::Findings;
use super::rows::missing;
use super::stored_head::signed;
use super::tree::Tree;
use crate::core::entry::Genesis;
use crate::core::merkle::Hash;
use crate::core::note::Checkpoint;
use crate::core::text::escape;

/// A file of someone who kept a head of the ledger, or a receipt: its name and content.
#[derive(Clone, Debug)]
pub struct Given {
    /// Name to say in messages.
    pub name: String,
    /// One checkpoint, several one after another, or one receipt.
    pub text: String,
}

/// A head that was kept elsewhere, and that is one of this ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The file.
    pub name: String,
    /// Number of entries that it vouches for.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// Holds a file against the ledger of `size` entries; gives the heads in it that are true.
pub(super) fn check(
    given: &Given,
    genesis: &Genesis,
    tree: &Tree<'_>,
    size: u64,
    findings: &mut Findings,
) -> rusqlite::Result<Vec<Anchored>> {
    let name = escape(&given.name);
    if given.text.starts_with(RECEIPT) {
        return check_receipt(&name, given, genesis, tree, size, findings);
    }
    let mut anchored = Vec::new();
    let notes = notes(&given.text);
    if notes.is_empty() {
        findings.ledger(format!("{name}: holds no checkpoint"));
    }
    for note in notes {
        match signed(&note, genesis) {
            Ok(checkpoint) => anchored.extend(hold(&name, &checkpoint, tree, size, findings)?),
            Err(what) => findings.ledger(format!("{name}: its checkpoint {what}")),
        }
    }
    Ok(anchored)
}

/// The size of the newest signed head in a file; 0 where it has none.
pub(super) fn newest(given: &Given, genesis: &Genesis) -> u64 {
    let signed = notes(&given.text).into_iter().filter_map(|note| signed(&note, genesis).ok());
    signed.map(|checkpoint| checkpoint.size).max().unwrap_or(0)
}

fn hold(
    name: &str,
    checkpoint: &Checkpoint,
    tree: &Tree<'_>,
    size: u64,
    findings: &mut Findings,
) -> rusqlite::Result<Option<Anchored>> {
    let (signed, root) = (checkpoint.size, checkpoint.root);
    if signed > size {
        let what = missing(size, signed);
        findings.entry(
            size,
            format!(
                "{what}: {name} shows a head of {signed}; the end was cut off, or an older copy put back"
            ),
        );
        return Ok(None);
    }
    if signed == 0 || tree.root_at(signed)? != Some(root) {
        findings.entry(
            signed.saturating_sub(1),
            format!("this entry or one before it was rewritten: {name} shows another root of the first {signed} entries"),
        );
        return Ok(None);
    }
    Ok(Some(Anchored { name: name.to_owned(), size: signed, root }))
}

fn check_receipt(
    name: &str,
    given: &Given,
    genesis: &Genesis,
    tree: &Tree<'_>,
    size: u64,
    findings: &mut Findings,
) -> rusqlite::Result<Vec<Anchored>> {
    let verified = genesis
        .vkey
        .parse()
        .map_err(|_| "the genesis names no ledger key".to_owned())
        .and_then(|vkey| receipt::verify_receipt(&given.text, &vkey).map_err(|error| error.to_string()));
    let receipt = match verified {
        Ok(receipt) => receipt,
        Err(what) => {
            findings.ledger(format!("{name}: {what}"));
            return Ok(Vec::new());
        }
    };
    if receipt.index < size && tree.node(0, receipt.index)? != Some(receipt.leaf) {
        findings.entry(
            receipt.index,
            format!("it was rewritten: {name} is the receipt of another entry in its place"),
        );
        return Ok(Vec::new());
    }
    Ok(hold(name, &receipt.checkpoint, tree, size, findings)?.into_iter().collect())
}

/// Takes notes that stand one after another apart: a signature line, then one that is none.
fn notes(text: &str) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut signed = true;
    for line in text.lines() {
        let is_signature = line.starts_with("— ");
        match (signed, is_signature) {
            (true, false) if line.is_empty() => continue,
            (true, false) => notes.push(String::new()),
            _ => {}
        }
        signed = is_signature;
        if let Some(note) = notes.last_mut() {
            note.push_str(line);
            note.push('\n');
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_taken_apart() {
        let one = "o\n1\nr\n\n— a AAAA\n— b AAAA\n";
        let two = "o\n2\nr\n\n— a AAAA\n";
        assert_eq!(notes(&format!("{one}{two}")), [one, two]);
        assert_eq!(notes(&format!("\n{one}\n\n{two}\n")), [one, two]);
        assert_eq!(notes("— a AAAA\n"), [""; 0]);
        assert_eq!(notes("hello"), ["hello\n"]);
        assert!(notes("").is_empty());
    }
}
