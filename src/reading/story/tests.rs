//! The story as it is read: by a person at 80 columns, and by a program.

use super::*;
use crate::core::entry::{Run, StepState, Stream};
use crate::core::grant::Grant;
use crate::core::moment::{Moment, parse_rfc3339};
use crate::core::playbook::{Playbook, SAMPLE};
use crate::core::unusual::tests::{closed, session};
use crate::reading::sessions::Logged;
use crate::reading::sessions::tests::{log, row};
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
        sessions: Vec::new(),
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
    let lines = to_lines(&story(), &Logs::new(), now(), 80);
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
        "NOT RECORDED what was done with the access: no session of glass was used",
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
    let lines = to_lines(&story, &Logs::new(), now(), 80);
    assert!(lines[0].starts_with("DRILL  g-aaaaaaaaaa"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "why          (its text is not there)"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("the text of the request is not there")), "{lines:#?}");
}

#[test]
fn the_json_has_its_schema() {
    insta::assert_json_snapshot!(to_json(&story(), &Logs::new(), now()));
}

/// That story with these sessions, and a log of ten commands for each.
fn used(ids: &[&str], change: impl FnOnce(&mut Story)) -> (Story, Logs) {
    let mut story = story();
    story.sessions =
        (0..).zip(ids).map(|(index, id)| row(session(id, 10 * index), &["bash", "-l"])).collect();
    change(&mut story);
    story.grant.sessions = story.sessions.iter().map(|row| row.session.clone()).collect();
    let logs = ids.iter().map(|id| ((*id).to_owned(), vec![log()[0].clone(); 12])).collect();
    (story, logs)
}

fn words(story: &Story, logs: &Logs) -> String {
    let lines = to_lines(story, logs, now(), 80);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    assert!(lines.iter().all(|line| crate::core::text::Line::new(line.as_str()).is_ok()), "{lines:#?}");
    lines.join("\n").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn p13_the_story_tells_the_sessions_with_their_commands() {
    let (story, logs) = used(&["s-aaaaaaaaaa"], |_| ());
    let text = words(&story, &logs);
    let began = crate::reading::time::local(story.sessions[0].session.at, now());
    assert!(
        text.contains(&format!("session s-aaaaaaaaaa {began} for 1m40s: bash -l; exit 0; recorded 1 ")),
        "{text}"
    );
    for said in [
        " 10 ",
        "… 2 more: glass sessions list s-aaaaaaaaaa",
        "NOT RECORDED what was done outside sessions of glass",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
    assert!(
        !text.contains("no session of glass was used")
            && !text.contains("UNUSUAL glass")
            && !text.contains(" 11 "),
        "{text}"
    );
}

#[test]
fn p13_many_sessions_leave_room_for_the_rest() {
    let ids: Vec<String> = ["a", "b", "c", "d", "e", "f", "g"].map(|c| format!("s-{}", c.repeat(10))).into();
    let (story, logs) = used(&ids.iter().map(String::as_str).collect::<Vec<_>>(), |_| ());
    let text = words(&story, &logs);
    for said in ["session 1 s-aaaaaaaaaa", "session 5 s-eeeeeeeeee", "and 2 more: glass sessions list g-"] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
    assert!(!text.contains("session 6"), "{text}");
    assert!(to_lines(&story, &logs, now(), 80).len() <= 19 + 5 * 4 + 1);
}

#[test]
fn p13_what_of_a_session_is_not_recorded_is_loud() {
    let loud = |change: fn(&mut Story)| {
        let (story, logs) = used(&["s-aaaaaaaaaa"], change);
        words(&story, &logs)
    };
    let off = loud(|story| {
        story.sessions[0].session.started.recording = "off".into();
        story.sessions[0].session.end.as_mut().unwrap().files.clear();
    });
    assert!(off.contains("NOT RECORDED: its scope asks for no recording"), "{off}");
    assert!(off.contains("NOT RECORDED session s-aaaaaaaaaa: its scope asks for no recording"), "{off}");
    assert!(!off.contains("; recorded"), "{off}");
    let gap = loud(|story| {
        let session = &mut story.sessions[0].session;
        session.gap = Some(crate::core::grant::Gap { at: session.at, cause: "disk-full".into() });
    });
    assert!(gap.contains("GAP: not recorded from") && gap.contains("on (disk-full)"), "{gap}");
    assert!(gap.contains("UNUSUAL the recording broke off: s-aaaaaaaaaa (disk-full)"), "{gap}");
    let died = loud(|story| {
        let end = story.sessions[0].session.end.as_mut().unwrap();
        (end.interrupted, end.ending) = (true, crate::core::entry::Ending::default());
    });
    for said in ["INTERRUPTED: its glass died", "NOT PROVED GONE", "; unseen", "UNUSUAL glass died under"] {
        assert!(died.contains(said), "{said:?} is not in\n{died}");
    }
    let (story, _) = used(&["s-aaaaaaaaaa"], |_| ());
    let unread = words(&story, &Logs::new());
    assert!(
        unread.contains("the commands of session s-aaaaaaaaaa: its command log can't be read"),
        "{unread}"
    );
}

#[test]
fn p10_a_hostile_command_is_inert_in_the_story() {
    let (mut story, mut logs) = used(&["s-aaaaaaaaaa"], |_| ());
    story.sessions[0] = row(session("s-aaaaaaaaaa", 1), &["echo", "a\u{1b}[2Jb\nc\u{202e}"]);
    let hostile =
        Logged { text: "rm \u{9b}31m\u{2066}".into(), cwd: Some("/\u{7}".into()), ..log()[0].clone() };
    logs.insert("s-aaaaaaaaaa".into(), vec![hostile]);
    let text = words(&story, &logs);
    story.sessions[0].command = Some(json!(["x".repeat(100_000)]).to_string());
    logs.insert("s-aaaaaaaaaa".into(), vec![Logged { text: "y ".repeat(50_000), ..log()[0].clone() }]);
    let long = to_lines(&story, &logs, now(), 80).join("\n");
    assert!(long.len() < 3_000, "{long}");
    assert!(text.contains("rm \\u{9b}31m\\u{2066}") && text.contains("in /\\u{7}"), "{text}");
}

#[test]
fn the_json_has_its_sessions() {
    let (story, _) = used(&["s-aaaaaaaaaa", "s-bbbbbbbbbb"], |_| ());
    let json = to_json(&story, &Logs::from([("s-aaaaaaaaaa".into(), log())]), now());
    insta::assert_json_snapshot!(json!({"sessions": json["sessions"], "not_recorded": json["not_recorded"]}));
}
