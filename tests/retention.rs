//! Recordings that lie beside the ledger: held against it, and deleted when their time is over (P13).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use data_encoding::HEXLOWER;
use glass::core::entry::{Containment, Ending, Piece, Started};
use glass::core::id::{Nonce, SessionId};
use glass::ports::clock;
use glass::ports::config;
use glass::ports::ledger::{Attendance, Ledger, OfSession};
use glass::usecases::context;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use support::{Home, text};

const CAST: &[u8] = b"{\"version\":2}\n[0.1,\"o\",\"one\"]\n";
const COMMANDS: &[u8] = b"{\"argv\":[\"id\"]}\n";

/// A home that keeps recordings so long, with an open grant.
fn home(keep: Option<&str>) -> (Home, String) {
    let home = Home::new();
    home.write_playbook("doors", &text("doors", &[home.door().set("risk", "\"high\"")]));
    if let Some(keep) = keep {
        let path = home.path().join("glass.toml");
        let settings = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{settings}\n[recordings]\nkeep = \"{keep}\"\n")).unwrap();
    }
    home.register();
    let grant = home.activate_ok("doors/front", &[]);
    (home, grant)
}

fn ledger(home: &Home) -> Ledger {
    Ledger::open_write(&context::place(&config::Home::at(home.path(), home.path()))).unwrap()
}

fn of(grant: &str, number: u8) -> OfSession {
    let session = SessionId::of(&Nonce::new([number; 16]));
    OfSession { grant: grant.to_owned(), session: session.to_string() }
}

fn file(home: &Home, of: &OfSession, end: &str) -> PathBuf {
    home.path().join("recordings").join(format!("{}.{end}", of.session))
}

/// A session of the grant from start to end, as glass records one.
fn recorded(home: &Home, grant: &str, number: u8) -> OfSession {
    let (of, mut ledger, now) = (of(grant, number), ledger(home), clock::now().unwrap());
    let started = Started {
        command: String::new(),
        contained: Containment::Subreaper,
        recording: "best-effort".to_owned(),
        run_as: "ana".to_owned(),
        terminal: true,
    };
    let wanted = Attendance {
        grant,
        session: of.session.parse().unwrap(),
        uid: rustix::process::getuid().as_raw().into(),
        by: "ana".to_owned(),
        command: "[\"id\"]",
        started,
    };
    ledger.start_session(wanted, &now).unwrap();
    let mut files = BTreeMap::new();
    for (end, bytes) in [("cast", CAST), ("commands", COMMANDS)] {
        fs::write(file(home, &of, end), bytes).unwrap();
        let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
        files.insert(end.to_owned(), Piece { from: 0, length: bytes.len() as u64, sha256 });
    }
    ledger.record_pieces(&of, files.clone(), &now).unwrap();
    let ending = Ending { exit: Some(0), gone: true, signal: None };
    ledger.end_session(&of, ending, "exit", files, &now).unwrap();
    of
}

#[track_caller]
fn review(home: &Home, grant: &str) {
    let key = home.key("ana");
    let words = ["--verdict", "justified", "--note", "the door was stuck", "--key", key.to_str().unwrap()];
    let mut person = home.person(&["review", grant].into_iter().chain(words).collect::<Vec<_>>());
    person.expect(&format!("Type {grant} to confirm: ")).send_line(grant).exits(0);
}

fn size(home: &Home) -> usize {
    home.entries().len()
}

#[test]
fn p13_a_changed_cut_swapped_or_extra_recording_fails_the_verification() {
    let (home, grant) = home(None);
    let (one, two) = (recorded(&home, &grant, 1), recorded(&home, &grant, 2));
    home.run(&["ledger", "verify"]).exits(0).says("were not looked at: `glass ledger verify --recordings`");
    home.run(&["ledger", "verify", "--recordings"])
        .exits(0)
        .says("The recordings of 2 sessions (4 files, 92 bytes) are those that the entries bind");
    let verify = |what: &str| {
        let name = file(&home, &one, "cast").file_name().unwrap().to_string_lossy().into_owned();
        home.run(&["ledger", "verify", "--recordings"]).exits(5).says(&format!("recordings/{name} {what}"));
        // Whoever looks at the ledger alone can't tell.
        home.run(&["ledger", "verify"]).exits(0);
    };
    let path = file(&home, &one, "cast");
    let mut changed = CAST.to_vec();
    changed[20] ^= 1;
    fs::write(&path, changed).unwrap();
    verify("was changed between its bytes 0 and ");
    fs::write(&path, &CAST[..CAST.len() - 1]).unwrap();
    verify("was cut");
    fs::rename(file(&home, &two, "commands"), &path).unwrap();
    verify("was cut");
    fs::remove_file(&path).unwrap();
    verify("is missing");
    fs::write(&path, CAST).unwrap();
    fs::write(file(&home, &two, "commands"), COMMANDS).unwrap();
    home.run(&["ledger", "verify", "--recordings"]).exits(0);
    fs::write(file(&home, &of(&grant, 9), "cast"), CAST).unwrap();
    home.run(&["ledger", "verify", "--recordings"]).exits(5).says(".cast belongs to no session");
}

#[test]
fn p13_expire_deletes_what_was_kept_for_as_long_as_is_registered_and_reviewed() {
    let (home, grant) = home(Some("1s"));
    let session = recorded(&home, &grant, 1);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    home.run(&["revoke", &grant]).exits(0);
    let before = size(&home);
    assert_eq!(home.run(&["expire"]).exits(0).stdout, "", "nobody reviewed it yet");
    review(&home, &grant);
    let due = format!("{} is kept no longer", session.session);
    home.run(&["expire", "--dry-run"]).exits(0).says(&due);
    assert_eq!(size(&home), before + 1);
    assert!(file(&home, &session, "cast").exists());
    home.run(&["expire"]).exits(0).says(&format!("{} recording deleted", session.session));
    assert_eq!(home.kinds(&grant).last().unwrap(), "recording-deleted");
    assert_eq!(fs::read_dir(home.path().join("recordings")).unwrap().count(), 0);
    let said = format!("{}: recording deleted by retention on 2", session.session);
    home.run(&["ledger", "verify", "--recordings"]).exits(0).says(&said);
    let json = home.run(&["ledger", "verify", "--recordings", "--format", "json"]).exits(0).json();
    assert_eq!(json["recordings"]["deleted"][0]["session"], session.session);
    // Once.
    let before = size(&home);
    assert_eq!(home.run(&["expire"]).exits(0).stdout, "");
    assert_eq!(size(&home), before);
}

#[test]
fn p13_a_crash_after_the_entry_leaves_the_files_to_the_next_expire() {
    let (home, grant) = home(Some("1s"));
    let session = recorded(&home, &grant, 1);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    home.run(&["revoke", &grant]).exits(0);
    review(&home, &grant);
    ledger(&home).record_deletions(std::slice::from_ref(&session), "cron", &clock::now().unwrap()).unwrap();
    let before = size(&home);
    assert!(file(&home, &session, "commands").exists());
    home.run(&["ledger", "verify", "--recordings"]).exits(0);
    home.run(&["expire", "--dry-run"]).exits(0).says(&session.session);
    home.run(&["expire"]).exits(0).says("recording deleted");
    assert!(!file(&home, &session, "cast").exists() && !file(&home, &session, "commands").exists());
    assert_eq!(home.run(&["expire"]).exits(0).stdout, "");
    assert_eq!(size(&home), before, "it was recorded already");
}

#[test]
fn p13_recordings_are_kept_for_ever_where_nothing_else_is_registered() {
    let (home, grant) = home(None);
    let session = recorded(&home, &grant, 1);
    home.run(&["revoke", &grant]).exits(0);
    review(&home, &grant);
    // A draft counts for nothing.
    let path = home.path().join("glass.toml");
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{settings}\n[recordings]\nkeep = \"1s\"\n")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(home.run(&["expire"]).exits(0).stdout, "");
    assert!(file(&home, &session, "cast").exists());
}

#[test]
fn p13_what_exec_recorded_is_what_the_ledger_binds() {
    let (home, grant) = home(None);
    home.run(&["exec", &grant, "--", "/bin/echo", "a word"]).exits(0).says("a word");
    let json = home.run(&["ledger", "verify", "--recordings", "--format", "json"]).exits(0).json();
    assert_eq!(json["bound_recordings"], 1, "{json:#}");
    assert_eq!(json["recordings"]["files"], 2, "{json:#}");
    let cast = fs::read_dir(home.path().join("recordings")).unwrap().flatten().map(|entry| entry.path());
    let cast = cast.into_iter().find(|path| path.extension().is_some_and(|end| end == "cast")).unwrap();
    let mut bytes = fs::read(&cast).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&cast, bytes).unwrap();
    let name = cast.file_name().unwrap().to_string_lossy().into_owned();
    home.run(&["ledger", "verify", "--recordings"]).exits(5).says(&format!("recordings/{name} "));
}
