//! Sessions as they are read: by a person at 80 columns, and by a program.

use super::*;
use crate::core::entry::Ending;
use crate::core::grant::Gap;
use crate::core::text::{Line, escape_json};
use crate::core::unusual::tests::{closed, session};
use chrono::TimeDelta;
use console::measure_text_width;

/// A session under the grant that stories are told of.
pub(crate) fn row(session: GrantSession, argv: &[&str]) -> SessionRow {
    SessionRow {
        grant: "g-aaaaaaaaaa".into(),
        scope: "p/s".into(),
        person: "ana".into(),
        command: Some(serde_json::to_string(argv).unwrap()),
        session,
    }
}

pub(crate) fn log() -> Vec<Logged> {
    let logged = |after: i64, text: &str, cwd: &str, exit, took: i64| Logged {
        at: closed().requested_at + TimeDelta::seconds(after),
        text: text.into(),
        cwd: Some(cwd.into()),
        exit,
        took: Some(TimeDelta::milliseconds(took)),
        source: "shell".into(),
    };
    vec![
        logged(11, "cd /srv", "/root", Some(0), 3),
        logged(12, "systemctl restart signer", "/srv", Some(1), 61_000),
        Logged {
            source: "processes".into(),
            exit: None,
            took: None,
            ..logged(80, "nohup sleep 9", "/srv", None, 0)
        },
    ]
}

fn now() -> DateTime<Utc> {
    closed().requested_at + TimeDelta::minutes(20)
}

/// One of each kind; the last has a command that is too long, and one that is hostile.
fn rows() -> Vec<SessionRow> {
    let mut rows = vec![
        row(session("s-aaaaaaaaaa", 0), &["bash"]),
        row(
            session("s-bbbbbbbbbb", 1),
            &["psql", "-h", "db-1.example.com", "-c", "select * from pg_stat_activity"],
        ),
        row(session("s-cccccccccc", 2), &["printf", "a\u{1b}[2J\u{202e}b\n"]),
        row(session("s-dddddddddd", 3), &["true"]),
        row(session("s-eeeeeeeeee", 4), &["top"]),
    ];
    rows[1].session.gap = Some(Gap { at: rows[1].session.at, cause: "disk-full".into() });
    let end = rows[2].session.end.as_mut().unwrap();
    (end.interrupted, end.ending, end.cause) = (true, Ending::default(), "glass-died".into());
    rows[3].session.end.as_mut().unwrap().ending = Ending { exit: None, gone: true, signal: Some(9) };
    rows[3].session.deleted_at = Some(now());
    rows[3].command = None;
    rows[4].session.end = None;
    rows[4].grant = "g-bbbbbbbbbb".into();
    rows[4].session.started.recording = "off".into();
    rows
}

#[track_caller]
fn fits(text: &str) {
    for line in text.lines() {
        assert!(measure_text_width(line) <= 80 && Line::new(line).is_ok(), "{line:?}");
    }
}

#[test]
fn p10_p13_the_list_fits_80_columns_is_inert_and_names_what_is_wrong() {
    let text = to_table(&rows(), now(), 80);
    fits(&text);
    let began = |index: usize| local(rows()[index].session.at, now());
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        "g-aaaaaaaaaa  p/s  ana".to_owned(),
        format!("  s-aaaaaaaaaa  {}  1m40s   exit 0       bash", began(0)),
        format!("                GAP: not recorded from {} on (disk-full)", clock(rows()[1].session.at)),
        "                INTERRUPTED: its glass died, and nobody saw how it ended".to_owned(),
        "                NOT PROVED GONE: what it started may still run".to_owned(),
        format!("  s-dddddddddd  {}  1m40s   signal 9     (its text is not there)", began(3)),
        "g-bbbbbbbbbb  p/s  ana".to_owned(),
        format!("  s-eeeeeeeeee  {}  19m56s  running      top", began(4)),
        "                NOT RECORDED: its scope asks for no recording".to_owned(),
    ] {
        assert!(lines.contains(&line.as_str()), "{line:?} is not in\n{text}");
    }
    assert!(text.contains("psql -h db-1.example") && text.contains('…'), "{text}");
    assert!(text.contains("recording deleted "), "{text}");
    assert_eq!(to_table(&[], now(), 80), "No session of glass was used.\n");
    // On another day each line has its date, and fits too.
    let later = to_table(&rows(), now() + TimeDelta::days(3), 80);
    fits(&later);
}

#[test]
fn one_session_is_told_whole_with_its_numbered_commands() {
    let row = rows().remove(0);
    let text = to_text(&row, Some(&log()), now(), 80);
    let shown: Vec<&str> = text.lines().filter(|line| !line.contains("SHA-256")).collect();
    fits(&shown.join("\n"));
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let at = |index: usize| clock(log()[index].at);
    for said in [
        "s-aaaaaaaaaa of g-aaaaaaaaaa p/s ran bash".to_owned(),
        "who ana, as OS user ana (uid 1000) by sudo ran as OS user ops, at a terminal".into(),
        "after 1m40s, exit 0 (exited) nothing that it started is left".into(),
        "held by a cgroup of its own".into(),
        format!("s-aaaaaaaaaa.cast, 1234 bytes, SHA-256 {}", "ab".repeat(32)),
        "glass sessions play s-aaaaaaaaaa".into(),
        format!("1 {} cd /srv (in /root, told by shell)", at(0)),
        format!("2 {} systemctl restart signer (exit 1, 1m1s, in /srv)", at(1)),
        format!("3 {} nohup sleep 9 (told by processes)", at(2)),
    ] {
        assert!(words.contains(&said), "{said:?} is not in\n{text}");
    }
    assert!(to_text(&row, None, now(), 80).contains("its command log can't be read"));
    assert!(to_text(&row, Some(&[]), now(), 80).contains("none that glass could see"));
}

#[test]
fn what_was_interrupted_is_told_as_such_and_what_was_deleted_is_not_played() {
    let [_, _, interrupted, deleted, running] = <[SessionRow; 5]>::try_from(rows()).unwrap();
    let text = to_text(&interrupted, None, now(), 80);
    assert!(
        text.contains("INTERRUPTED") && text.contains("ended        nobody saw when; recorded "),
        "{text}"
    );
    assert!(!text.contains("nothing that it started is left"), "{text}");
    let text = to_text(&deleted, None, now(), 80);
    assert!(!text.contains("glass sessions play") && text.contains("its hash stays"), "{text}");
    assert!(to_text(&running, None, now(), 80).contains("running      for 19m56s"));
    assert!(can_be_played(&interrupted.session) && !can_be_played(&running.session));
}

#[test]
fn what_runs_is_a_line_for_each_grant() {
    let mut running = rows();
    running.iter_mut().for_each(|row| row.session.end = None);
    let text = after_table(&running, now(), 80);
    fits(&text);
    let began = |index: usize| local(rows()[index].session.at, now());
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with(&format!("g-aaaaaaaaaa  4 sessions: s-aaaaaaaaaa since {}, bash; ", began(0)))
    );
    assert_eq!(lines[1], format!("g-bbbbbbbbbb  1 session: s-eeeeeeeeee since {}, top", began(4)));
    assert_eq!(lines.len(), 2);
    assert_eq!(running_in(&running, "g-cccccccccc", now()), None);
}

#[test]
fn the_json_has_its_schema() {
    insta::assert_snapshot!(escape_json(&format!("{:#}", to_json(&rows()))));
}
