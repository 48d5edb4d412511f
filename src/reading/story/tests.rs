//! The story as it is read: by a person at 80 columns, and by a program.

use super::*;
use crate::core::entry::{Run, StepState, Stream};
use crate::core::grant::Grant;
use crate::core::moment::{Moment, parse_rfc3339};
use crate::core::playbook::{Playbook, SAMPLE};
use crate::core::unusual::tests::closed;
use serde_json::json;
use std::collections::BTreeMap;

fn run(exit: i32, tail: Option<&str>) -> Run {
    let stream = Stream { length: 0, sha256: "00".into() };
    Run {
        elapsed_ms: 12,
        ended: "exit".into(),
        exit: Some(exit),
        signal: None,
        stderr: stream.clone(),
        stdout: stream,
        tail: tail.map(str::to_owned),
    }
}

fn story() -> Story {
    let grant = Grant { last: 6, ..closed() };
    let entry = |seconds, kind| {
        let wall = closed().requested_at + chrono::TimeDelta::seconds(seconds);
        Facts::new(kind, &Moment { wall, boot_id: "b".into(), boot_ms: 5 })
    };
    let step = |seconds, kind, outcome, runs| Facts {
        step: Some("file".into()),
        outcome: Some(outcome),
        runs,
        ..entry(seconds, kind)
    };
    let signed = json!({"criteria": [{"id": "stuck", "asked": true, "probe_exit": 2}, {"id": "dark", "asked": false, "probe_exit": 0}], "os_user": "ana", "os_uid": 1000, "by_sudo": true});
    let request = json!({
        "title": "Open the door", "opens": ["a door"], "incident": "INC-1",
        "reason": "the door is stuck, and the people who could open it from the inside have all gone home",
        "answers": [{"ask": "Is it stuck?", "answer": "yes"}, {"ask": "Is it dark?", "answer": "yes"}],
    });
    let revoke = BTreeMap::from([("revoke".to_owned(), run(1, Some("ab")))]);
    Story {
        entries: vec![
            Facts { signed: signed.as_object().cloned(), ..entry(0, Kind::Requested) },
            step(0, Kind::StepOpened, StepState::Open, BTreeMap::from([("grant".to_owned(), run(0, None))])),
            Facts { cause: Some("expired".into()), ..entry(600, Kind::Closing) },
            step(600, Kind::StepClosed, StepState::Unknown, revoke),
            entry(600, Kind::Unrevoked),
            Facts {
                proof: Some("check".into()),
                ..step(
                    601,
                    Kind::StepClosed,
                    StepState::Closed,
                    BTreeMap::from([("check".to_owned(), run(2, None))]),
                )
            },
            entry(601, Kind::Closed),
        ],
        grant,
        request: Some(request),
        review: None,
        scope: Some(Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0)),
        playbook: Some("5a".into()),
        attestation: None,
        uses: Vec::new(),
        attempts: Vec::new(),
        tails: BTreeMap::from([("ab".to_owned(), "it \u{1b}[2Jis broken".to_owned())]),
    }
}

fn now() -> DateTime<Utc> {
    parse_rfc3339("2026-01-05T09:20:00.000Z").unwrap()
}

#[test]
fn p10_p13_the_story_fits_a_screen_is_inert_and_names_its_gaps() {
    let lines = to_lines(&story(), now(), 80);
    assert!(lines.len() <= 19, "no room is left for the prompts: {}", lines.len());
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    assert!(lines.iter().all(|line| crate::core::text::Line::new(line.as_str()).is_ok()), "{lines:#?}");
    // Where a line breaks is of no matter here.
    let text = lines.join("\n").split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "the door is stuck, and the people",
        "ana, as OS user ana (uid 1000) by sudo; incident INC-1; no touch",
        "Is it stuck? yes, the person said; its probe gave no answer (exit 2)",
        "Is it dark? yes, by its probe",
        "file: open",
        "closed",
        "by check (check exit 2)",
        "revoke said: it \\u{1b}[2Jis broken",
        "10m1s of 10m granted",
        "proved closed by a later try",
        "NOT RECORDED what was done while it was open",
        "review due",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn a_drill_is_marked_first_and_a_text_that_is_gone_is_said_to_be() {
    let mut story = story();
    story.grant.drill = true;
    story.request = None;
    let lines = to_lines(&story, now(), 80);
    assert!(lines[0].starts_with("DRILL  g-aaaaaaaaaa"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "why          (its text is not there)"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("the text of the request is not there")), "{lines:#?}");
}

#[test]
fn the_json_has_its_schema() {
    insta::assert_json_snapshot!(to_json(&story(), now()));
}
