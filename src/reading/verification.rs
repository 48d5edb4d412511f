//! `ledger verify`: what is wrong, what was shown, and what nobody could tell.

use crate::core::text::escape;
use crate::ports::ledger::{Deleted, Finding, Recovery, Verification};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `glass.ledger-verify/1`, absent values `null`.
pub fn to_json(verification: &Verification) -> Value {
    let root = |root: &crate::core::merkle::Hash| root.to_string();
    let anchors: Vec<Value> = verification
        .anchors
        .iter()
        .map(|anchor| json!({"name": anchor.name, "size": anchor.size, "root": root(&anchor.root)}))
        .collect();
    json!({
        "schema": "glass.ledger-verify/1",
        "whole": verification.is_whole(),
        "origin": verification.origin,
        "ledger": verification.ledger,
        "vkey": verification.vkey,
        "size": verification.size,
        "root": verification.root.as_ref().map(root),
        "signatures": verification.signatures,
        "since": verification.since,
        "unsigned_from": verification.unsigned_from,
        "vouched": verification.vouched,
        "recoveries": verification.recoveries,
        "anchors": anchors,
        "bound_recordings": verification.bound_recordings,
        "recordings": verification.recordings,
        "orphan_texts": verification.orphan_texts,
        "findings": verification.findings,
        "more_findings": verification.more_findings,
        "excluded": verification.excluded,
        "not_excluded": verification.not_excluded,
    })
}

/// For people: a first line that says it all, and always what could not be excluded.
pub fn to_text(verification: &Verification) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        // A String takes all.
        let _ = writeln!(text, "{}", escape(words));
    };
    line(&verdict(verification));
    line(&format!("Ledger: {}, id {}", verification.origin, verification.ledger));
    line(&format!("Key:    {}", verification.vkey));
    if let Some(root) = &verification.root {
        line(&format!("Root:   {root}"));
    }
    for finding in &verification.findings {
        line(&said(finding));
    }
    for Recovery { seq, at, person, key } in &verification.recoveries {
        line(&format!(
            "RECOVERED, entry {seq}, {at}: the owner of the files named {person} as admin, with {key}; nobody signed it."
        ));
    }
    for Deleted { seq, at, session } in verification.recordings.iter().flat_map(|played| &played.deleted) {
        let date = at.get(..10).unwrap_or(at);
        line(&format!("{session}: recording deleted by retention on {date}, entry {seq}"));
    }
    if verification.more_findings > 0 {
        line(&format!("and {} more findings", verification.more_findings));
    }
    if verification.orphan_texts > 0 {
        line(&format!("Texts that no entry names: {}; they prove nothing.", verification.orphan_texts));
    }
    for (heading, words) in
        [("Shown:", &verification.excluded), ("Not excluded:", &verification.not_excluded)]
    {
        if !words.is_empty() {
            line(heading);
        }
        for words in words {
            line(&format!("- {words}"));
        }
    }
    text
}

fn verdict(verification: &Verification) -> String {
    let size = verification.size;
    match verification.findings.len() as u64 + verification.more_findings {
        0 => format!("OK: {size} entries, {} signatures of people.", verification.signatures),
        1 => format!("NOT WHOLE: 1 finding in {size} entries."),
        findings => format!("NOT WHOLE: {findings} findings in {size} entries."),
    }
}

fn said(finding: &Finding) -> String {
    match finding.seq {
        Some(seq) => format!("entry {seq}: {}", finding.what),
        None => format!("ledger: {}", finding.what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::merkle::Hash;
    use crate::ports::ledger::{Anchored, Played};

    fn verification(findings: Vec<Finding>) -> Verification {
        Verification {
            origin: "bastion.example/glass".to_owned(),
            ledger: "00ff".to_owned(),
            vkey: "bastion.example/glass+1a2b3c4d+AQ==".to_owned(),
            size: 14,
            root: Some(Hash([0; 32])),
            signatures: 3,
            since: 0,
            unsigned_from: None,
            vouched: 10,
            recoveries: Vec::new(),
            anchors: vec![Anchored { name: "kept".to_owned(), size: 12, root: Hash([1; 32]) }],
            bound_recordings: 0,
            recordings: None,
            orphan_texts: 0,
            findings,
            more_findings: 0,
            excluded: vec!["this".to_owned()],
            not_excluded: vec!["that".to_owned()],
        }
    }

    #[test]
    fn p07_a_whole_ledger_is_told_in_a_few_lines() {
        insta::assert_snapshot!(to_text(&verification(Vec::new())), @r"
        OK: 14 entries, 3 signatures of people.
        Ledger: bastion.example/glass, id 00ff
        Key:    bastion.example/glass+1a2b3c4d+AQ==
        Root:   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        Shown:
        - this
        Not excluded:
        - that
        ");
    }

    #[test]
    fn p10_findings_are_told_one_a_line_and_inert() {
        let finding = |seq, what: &str| Finding { seq, what: what.to_owned() };
        let findings = vec![finding(Some(9), "a\u{1b}[2J\nb"), finding(None, "c")];
        let text = to_text(&Verification { more_findings: 7, orphan_texts: 2, ..verification(findings) });
        insta::assert_snapshot!(text, @r"
        NOT WHOLE: 9 findings in 14 entries.
        Ledger: bastion.example/glass, id 00ff
        Key:    bastion.example/glass+1a2b3c4d+AQ==
        Root:   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        entry 9: a\u{1b}[2J\nb
        ledger: c
        and 7 more findings
        Texts that no entry names: 2; they prove nothing.
        Shown:
        - this
        Not excluded:
        - that
        ");
    }

    fn played(findings: Vec<Finding>) -> Verification {
        let deleted = Deleted {
            seq: 12,
            at: "2027-12-30T03:04:05.000Z".to_owned(),
            session: "s-k3q7x2m5ab".to_owned(),
        };
        let played = Played { files: 4, bytes: 1_234, running: 0, deleted: vec![deleted] };
        Verification { bound_recordings: 2, recordings: Some(played), ..verification(findings) }
    }

    #[test]
    fn p13_a_deleted_recording_is_told_as_such() {
        let text = to_text(&played(Vec::new()));
        assert!(
            text.contains("s-k3q7x2m5ab: recording deleted by retention on 2027-12-30, entry 12\n"),
            "{text}"
        );
    }

    #[test]
    fn the_json_has_its_schema() {
        let finding = Finding { seq: Some(9), what: "changed".to_owned() };
        insta::assert_json_snapshot!(to_json(&played(vec![finding])), @r#"
        {
          "anchors": [
            {
              "name": "kept",
              "root": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
              "size": 12
            }
          ],
          "bound_recordings": 2,
          "excluded": [
            "this"
          ],
          "findings": [
            {
              "seq": 9,
              "what": "changed"
            }
          ],
          "ledger": "00ff",
          "more_findings": 0,
          "not_excluded": [
            "that"
          ],
          "origin": "bastion.example/glass",
          "orphan_texts": 0,
          "recordings": {
            "bytes": 1234,
            "deleted": [
              {
                "at": "2027-12-30T03:04:05.000Z",
                "seq": 12,
                "session": "s-k3q7x2m5ab"
              }
            ],
            "files": 4,
            "running": 0
          },
          "recoveries": [],
          "root": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
          "schema": "glass.ledger-verify/1",
          "signatures": 3,
          "since": 0,
          "size": 14,
          "unsigned_from": null,
          "vkey": "bastion.example/glass+1a2b3c4d+AQ==",
          "vouched": 10,
          "whole": false
        }
        "#);
    }
}
