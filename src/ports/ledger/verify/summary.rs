//! In words: what the verification shows, and what nobody could tell from what it was given.

use super::Verification;

pub(super) fn tell(verification: &mut Verification) {
    let newest = verification.anchors.iter().map(|anchor| anchor.size).max();
    if verification.is_whole() {
        verification.excluded = excluded(verification);
    }
    verification.not_excluded = not_excluded(verification, newest);
}

fn excluded(verification: &Verification) -> Vec<String> {
    let size = verification.size;
    let signed = verification.unsigned_from.unwrap_or(size);
    let mut words = vec![
        format!(
            "The first {signed} entries are those that the ledger's key signed last, none changed, moved, added or removed since."
        ),
        format!("{} signatures are good, by people of the roster of their time.", verification.signatures),
    ];
    if verification.since > 0 {
        words.push(format!("Signatures of entries before {} were not verified again.", verification.since));
    }
    if verification.vouched > 0 {
        words.push(format!(
            "The first {} entries are those that a person's signature covers: whoever rewrote them would need that key too.",
            verification.vouched
        ));
    }
    if let Some(played) = &verification.recordings {
        words.push(format!(
            "The recordings of {} sessions ({} files, {} bytes) are those that the entries bind, byte for byte, and \
             nothing else lies beside them.",
            verification.bound_recordings, played.files, played.bytes
        ));
    }
    for anchor in &verification.anchors {
        words.push(format!("{}: the first {} entries are those of that day.", anchor.name, anchor.size));
    }
    words
}

fn not_excluded(verification: &Verification, newest: Option<u64>) -> Vec<String> {
    let mut words = Vec::new();
    match newest {
        None => words.push(
            "With no anchor, receipt or earlier checkpoint given, a rewrite or truncation of the whole ledger by \
             someone who holds ledger.key can't be excluded. Compare the key with the one that `glass init` printed."
                .to_owned(),
        ),
        Some(newest) if newest < verification.size => words.push(format!(
            "Entries from {newest} on are newer than what was given: that someone who holds ledger.key rewrote them, \
             or cut off others after them, can't be excluded."
        )),
        Some(_) => words.push(
            "Entries that came after the newest head that was given, and were cut off since, can't be excluded.".to_owned(),
        ),
    }
    if let Some(from) = verification.unsigned_from {
        words.push(format!(
            "Entries {from} to {} are not covered by a signed head: whoever can write the database could have \
             changed them, but for what people signed.",
            verification.size - 1
        ));
    }
    match &verification.recordings {
        None if verification.bound_recordings > 0 => words.push(format!(
            "The recordings of {} sessions are bound, and were not looked at: `glass ledger verify --recordings` does.",
            verification.bound_recordings
        )),
        Some(played) if played.running > 0 => words.push(format!(
            "{} sessions still run: what they recorded after their last piece is not bound yet.",
            played.running
        )),
        _ => {}
    }
    words
}
