//! `ledger log`: every entry on a line, or its facts as JSON; one at a time, because a log of a
//! million entries must not stand in memory.

use crate::core::entry::{Ending, Facts, Kind, Started};
use crate::core::text::{escape, escape_json};

/// What comes before the entries in JSON (`glass.ledger-log/1`).
pub const JSON_BEGIN: &str = "{\"schema\":\"glass.ledger-log/1\",\"entries\":[";
/// What comes after them.
pub const JSON_END: &str = "]}\n";

/// One entry's facts as they are stored, with the comma before all but the first.
pub fn json_entry(facts: &Facts, is_first: bool) -> String {
    let comma = if is_first { "" } else { "," };
    format!("{comma}{}", escape_json(&String::from_utf8_lossy(&facts.to_bytes())))
}

/// The heading of the table.
pub fn heading() -> String {
    columns(["SEQ", "TIME", "KIND", "GRANT", "PERSON", "WHAT"])
}

/// One entry's line of the table. Columns have fixed widths: the rows to come are not known.
pub fn line(facts: &Facts) -> String {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), escape);
    let person = if facts.person.is_some() { &facts.person } else { &facts.by };
    columns([
        &facts.seq.to_string(),
        &escape(&facts.at),
        facts.kind.as_str(),
        &text(&facts.grant),
        &text(person),
        &escape(&what(facts)),
    ])
}

fn columns([seq, time, kind, grant, person, what]: [&str; 6]) -> String {
    format!("{seq:>7} {time:<24} {kind:<19} {grant:<12} {person:<12} {what}").trim_end().to_owned() + "\n"
}

/// What the entry says beyond its kind, in a few words.
fn what(facts: &Facts) -> String {
    let mut words = Vec::new();
    let scope = facts.scope.as_deref().or_else(|| facts.signed_str("scope"));
    words.extend(facts.verb.clone());
    words.extend(scope.map(str::to_owned));
    if matches!(facts.kind, Kind::Proposed | Kind::Seconded) {
        words.extend(facts.signed_str("verb").map(str::to_owned));
    }
    words.extend(facts.act.clone());
    words.extend(facts.session.clone());
    words.extend(facts.started.as_ref().map(started));
    words.extend(facts.ended.as_ref().map(ended));
    words.extend(facts.recovered.as_ref().map(|recovered| format!("{}, signed by nobody", recovered.person)));
    words.extend(facts.signed_yes("drill").then(|| "DRILL".to_owned()));
    words.extend(facts.signed_str("verdict").map(str::to_owned));
    words.extend(facts.signed_yes("self_review").then(|| "(self-review)".to_owned()));
    if let Some(step) = &facts.step {
        let outcome = facts.outcome.map_or("", |outcome| outcome.as_str());
        words.push(format!("{step}: {outcome}"));
    }
    words.extend(facts.proof.as_ref().map(|proof| format!("by {proof}")));
    words.extend(facts.cause.clone());
    words.extend(facts.terms.as_ref().map(|terms| format!("until {}", terms.expires_at)));
    words.extend(facts.genesis.as_ref().map(|genesis| genesis.origin.clone()));
    words.extend(facts.files.iter().map(|(suffix, piece)| match piece.from {
        0 => format!("{suffix}: {} bytes", piece.length),
        from => format!("{suffix}: {} bytes from {from}", piece.length),
    }));
    let files = facts.signed.as_ref().and_then(|signed| signed.get("files")?.as_array());
    words.extend(files.map(|files| format!("{} files", files.len())));
    for (name, run) in &facts.runs {
        let number = |number: Option<i32>| number.map_or_else(String::new, |number| format!(" {number}"));
        words.push(format!("({name}: {}{}{})", run.ended, number(run.exit), number(run.signal)));
    }
    words.join(" ")
}

/// What a session began as; its command is no fact, but a text.
fn started(started: &Started) -> String {
    let through = if started.terminal { "at a terminal" } else { "through pipes" };
    let (user, contained) = (&started.run_as, started.contained.as_str());
    format!("as {user} {through}, recording {}, held by {contained}", started.recording)
}

fn ended(ending: &Ending) -> String {
    let gone = if ending.gone { "" } else { ", NOT PROVED GONE" };
    match (ending.exit, ending.signal) {
        (_, Some(signal)) => format!("signal {signal}{gone}"),
        (Some(exit), None) => format!("exit {exit}{gone}"),
        (None, None) => format!("end unseen{gone}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entry::{Containment, Piece, Run, StepState, Stream, Terms};
    use crate::core::moment::{Moment, parse_rfc3339};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn facts(kind: Kind) -> Facts {
        let wall = parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap();
        Facts::new(kind, &Moment { wall, boot_id: "b".into(), boot_ms: 5 })
    }

    fn of_session(kind: Kind) -> Facts {
        let (grant, session) = (Some("g-k3q7x2m5ab".into()), Some("s-k3q7x2m5ab".into()));
        Facts { grant, session, ..facts(kind) }
    }

    fn piece(from: u64) -> BTreeMap<String, Piece> {
        BTreeMap::from([("cast".into(), Piece { from, length: 1_024, sha256: "ab".into() })])
    }

    fn entries() -> Vec<Facts> {
        let stream = Stream { length: 0, sha256: "00".into() };
        let run = Run {
            elapsed_ms: 1,
            ended: "exit".into(),
            exit: Some(3),
            signal: None,
            stderr: stream.clone(),
            stdout: stream,
            tail: None,
        };
        let terms = Terms {
            activation_boot_ms: 1,
            deadline_boot_ms: 2,
            expires_at: "2026-01-01T00:15:00.000Z".into(),
            steps: vec!["file".into()],
        };
        let grant = Some("g-k3q7x2m5ab".to_owned());
        vec![
            Facts {
                grant: grant.clone(),
                person: Some("ana".into()),
                signed: json!({"scope": "vault/key"}).as_object().cloned(),
                ..facts(Kind::Requested)
            },
            Facts { seq: 1, grant: grant.clone(), terms: Some(terms), ..facts(Kind::Opening) },
            Facts {
                seq: 2,
                grant,
                step: Some("file".into()),
                outcome: Some(StepState::Unknown),
                runs: BTreeMap::from([("grant".into(), run)]),
                ..facts(Kind::StepOpened)
            },
            Facts {
                seq: 3,
                grant: Some("g-k3q7x2m5ab".into()),
                by: Some("ana (uid 1000) by sudo".into()),
                person: Some("ana".into()),
                session: Some("s-k3q7x2m5ab".into()),
                started: Some(Started {
                    command: "c0".into(),
                    contained: Containment::Subreaper,
                    recording: "best-effort".into(),
                    run_as: "ana".into(),
                    terminal: true,
                }),
                ..facts(Kind::SessionStarted)
            },
            Facts { seq: 4, files: piece(512), ..of_session(Kind::SessionPiece) },
            Facts { seq: 5, cause: Some("disk-full".into()), ..of_session(Kind::RecordingGap) },
            Facts {
                seq: 6,
                cause: Some("exited".into()),
                ended: Some(Ending { exit: Some(2), gone: true, signal: None }),
                files: piece(0),
                ..of_session(Kind::SessionEnded)
            },
            Facts {
                seq: 7,
                cause: Some("glass-died".into()),
                ended: Some(Ending::default()),
                ..of_session(Kind::SessionInterrupted)
            },
            Facts { seq: 8, cause: Some("retention".into()), ..of_session(Kind::RecordingDeleted) },
            Facts {
                seq: 1_000_000,
                by: Some("e\u{1b}ve".into()),
                verb: Some("activate".into()),
                cause: Some("no\nterminal".into()),
                ..facts(Kind::Refused)
            },
        ]
    }

    #[test]
    fn p10_each_entry_is_one_inert_line() {
        let table: String = std::iter::once(heading()).chain(entries().iter().map(line)).collect();
        insta::assert_snapshot!(table, @r#"
            SEQ TIME                     KIND                GRANT        PERSON       WHAT
              0 2026-01-01T00:00:00.000Z requested           g-k3q7x2m5ab ana          vault/key
              1 2026-01-01T00:00:00.000Z opening             g-k3q7x2m5ab -            until 2026-01-01T00:15:00.000Z
              2 2026-01-01T00:00:00.000Z step-opened         g-k3q7x2m5ab -            file: unknown (grant: exit 3)
              3 2026-01-01T00:00:00.000Z session-started     g-k3q7x2m5ab ana          s-k3q7x2m5ab as ana at a terminal, recording best-effort, held by subreaper
              4 2026-01-01T00:00:00.000Z session-piece       g-k3q7x2m5ab -            s-k3q7x2m5ab cast: 1024 bytes from 512
              5 2026-01-01T00:00:00.000Z recording-gap       g-k3q7x2m5ab -            s-k3q7x2m5ab disk-full
              6 2026-01-01T00:00:00.000Z session-ended       g-k3q7x2m5ab -            s-k3q7x2m5ab exit 2 exited cast: 1024 bytes
              7 2026-01-01T00:00:00.000Z session-interrupted g-k3q7x2m5ab -            s-k3q7x2m5ab end unseen, NOT PROVED GONE glass-died
              8 2026-01-01T00:00:00.000Z recording-deleted   g-k3q7x2m5ab -            s-k3q7x2m5ab retention
        1000000 2026-01-01T00:00:00.000Z refused             -            e\u{1b}ve    activate no\nterminal
        "#);
    }

    #[test]
    fn the_json_holds_the_facts_as_they_are() {
        let mut text = JSON_BEGIN.to_owned();
        for (index, facts) in entries().iter().enumerate() {
            text += &json_entry(facts, index == 0);
        }
        text += JSON_END;
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], "glass.ledger-log/1");
        let read: Vec<Facts> = serde_json::from_value(value["entries"].clone()).unwrap();
        assert_eq!(read, entries());
        assert_eq!(format!("{JSON_BEGIN}{JSON_END}"), "{\"schema\":\"glass.ledger-log/1\",\"entries\":[]}\n");
    }
}
