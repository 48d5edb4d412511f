//! Sessions that the ledger never wrote so, and the files of recordings, held against it.

use super::fixture::{Fixture, grant, names};
use crate::core::entry::{Containment, Ending, Facts, Kind, Piece, Started};
use crate::core::id::{Nonce, SessionId};
use crate::core::moment::Moment;
use crate::ports::ledger::{Finding, OfSession, RecordedFiles, Verification, VerifyOptions};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

const CAST: &[u8] = b"{\"version\":2}\n[0.1,\"o\",\"one\"]\n[0.2,\"o\",\"two\"]\n";
const COMMANDS: &[u8] = b"{\"argv\":[\"id\"]}\n";

/// The id of the session of this number.
fn session(number: u8) -> String {
    SessionId::of(&Nonce::new([number; 16])).to_string()
}

fn piece(bytes: &[u8], from: usize, to: usize) -> Piece {
    let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes[from..to]));
    Piece { from: from as u64, length: (to - from) as u64, sha256 }
}

fn files<const N: usize>(files: [(&str, Piece); N]) -> BTreeMap<String, Piece> {
    files.into_iter().map(|(end, piece)| (end.to_owned(), piece)).collect()
}

/// A ledger with an active grant, and a directory of recordings.
struct Scene {
    fixture: Fixture,
    directory: TempDir,
}

impl Scene {
    /// RecordedFiles are kept for 10 days.
    fn new() -> Self {
        let mut fixture = Fixture::found(7);
        let settings = String::from_utf8(Fixture::settings()).unwrap() + "\n[recordings]\nkeep = \"10d\"\n";
        fixture.register_files(settings.into_bytes(), crate::core::playbook::SAMPLE);
        fixture.request(1);
        fixture.open(&grant(1));
        Self { fixture, directory: tempfile::tempdir().unwrap() }
    }

    /// With sessions 1 and 2, which ended.
    fn of_two() -> Self {
        let mut scene = Self::new();
        scene.whole(1, CAST, COMMANDS);
        scene.whole(2, &[CAST, b"[0.3,\"o\",\"three\"]\n"].concat(), COMMANDS);
        scene
    }

    fn path(&self, number: u8, end: &str) -> PathBuf {
        self.directory.path().join(format!("{}.{end}", session(number)))
    }

    fn size(&self) -> u64 {
        self.fixture.ledger().head().unwrap().frontier.size()
    }

    fn fact(&mut self, kind: Kind, number: u8) -> (Facts, Moment) {
        let now = self.fixture.now();
        let facts = Facts { grant: Some(grant(1)), session: Some(session(number)), ..Facts::new(kind, &now) };
        (facts, now)
    }

    fn start_as(&mut self, number: u8, recording: &str, person: &str) -> u64 {
        let (facts, now) = self.fact(Kind::SessionStarted, number);
        let mut ledger = self.fixture.ledger();
        let mut batch = crate::ports::ledger::Batch::begin(&mut ledger, &now).unwrap();
        let command = batch.text(format!("[\"id\",\"{number}\"]").as_bytes()).unwrap();
        let started = Started {
            command,
            contained: Containment::Cgroup,
            recording: recording.to_owned(),
            run_as: "ana".to_owned(),
            terminal: true,
        };
        let facts = Facts {
            by: Some("ana".to_owned()),
            person: Some(person.to_owned()),
            started: Some(started),
            ..facts
        };
        let seq = batch.append(facts, "").unwrap();
        batch.commit().unwrap();
        seq
    }

    fn start(&mut self, number: u8) -> u64 {
        self.start_as(number, "required", "ana")
    }

    fn say(&mut self, kind: Kind, number: u8, files: BTreeMap<String, Piece>) -> u64 {
        let ended = matches!(kind, Kind::SessionEnded | Kind::SessionInterrupted);
        let facts = Facts {
            files,
            cause: Some("exit".to_owned()),
            by: Some("cron".to_owned()),
            ended: ended.then_some(Ending { exit: Some(0), gone: true, signal: None }),
            ..self.fact(kind, number).0
        };
        let seq = self.size();
        self.fixture.append(vec![facts]);
        seq
    }

    fn bind(&mut self, number: u8, pieces: BTreeMap<String, Piece>) -> u64 {
        self.say(Kind::SessionPiece, number, pieces)
    }

    fn end(&mut self, number: u8, whole: BTreeMap<String, Piece>) -> u64 {
        self.say(Kind::SessionEnded, number, whole)
    }

    fn write(&self, number: u8, cast: &[u8], commands: &[u8]) {
        fs::write(self.path(number, "cast"), cast).unwrap();
        fs::write(self.path(number, "commands"), commands).unwrap();
    }

    /// A session from its start to its end, with two pieces of its picture; gives its end's entry.
    fn whole(&mut self, number: u8, cast: &[u8], commands: &[u8]) -> u64 {
        self.start(number);
        self.bind(number, files([("cast", piece(cast, 0, 14))]));
        self.bind(number, files([("cast", piece(cast, 14, 30)), ("commands", piece(commands, 0, 5))]));
        self.write(number, cast, commands);
        self.end(
            number,
            files([("cast", piece(cast, 0, cast.len())), ("commands", piece(commands, 0, commands.len()))]),
        )
    }

    fn verify(&self) -> Verification {
        let directory = self.directory.path();
        let open = |name: &str| {
            let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
            File::options().read(true).custom_flags(no_link).open(directory.join(name))
        };
        let each_name = |each: &mut dyn FnMut(&OsStr, bool)| {
            for name in fs::read_dir(directory)? {
                let name = name?;
                each(&name.file_name(), name.file_type()?.is_file());
            }
            Ok(())
        };
        let recordings = Some(RecordedFiles { open: &open, each_name: &each_name });
        self.fixture.try_verify(&VerifyOptions { recordings, ..VerifyOptions::default() }).unwrap()
    }

    fn findings(&self) -> Vec<Finding> {
        self.verify().findings
    }

    /// That there is this one finding and no other.
    fn finds(&self, seq: impl Into<Option<u64>>, what: &str) {
        let findings = self.findings();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(names(&findings, seq, what), "{what}: {findings:#?}");
    }

    fn close_and_review(&mut self) {
        self.fixture.end(&grant(1));
        self.fixture.review(&grant(1), "justified", true).unwrap();
    }

    fn of(number: u8) -> OfSession {
        OfSession { grant: grant(1), session: session(number) }
    }

    /// By retention: the entry, not the files.
    fn delete(&mut self, number: u8) {
        let now = self.fixture.now();
        self.fixture.ledger().record_deletions(&[Self::of(number)], "cron", &now).unwrap();
    }
}

#[test]
fn p13_whole_recordings_are_shown_to_be_those_that_were_bound() {
    let scene = Scene::of_two();
    let verification = scene.verify();
    assert_eq!(verification.findings, []);
    let played = verification.recordings.unwrap();
    let bytes = 2 * (CAST.len() + COMMANDS.len()) as u64 + 18;
    assert_eq!((verification.bound_recordings, played.files, played.bytes), (2, 4, bytes));
    assert!(
        verification.excluded.iter().any(|words| words.starts_with("The recordings of 2 sessions (4 files"))
    );
    assert!(!verification.not_excluded.iter().any(|words| words.contains("recordings")));
    // Without the files it is said that nobody looked.
    let unseen = scene.fixture.verify();
    assert_eq!((unseen.findings, unseen.recordings), (vec![], None));
    assert!(unseen.not_excluded.iter().any(|words| words.contains("were not looked at")));
    assert_eq!(scene.fixture.verify().orphan_texts, 0);
}

#[test]
fn p13_one_changed_byte_is_found_and_placed() {
    for (end, at, seq, what) in [
        ("cast", 3, 7, "was changed between its bytes 0 and 14"),
        ("cast", 20, 8, "was changed between its bytes 14 and 30"),
        ("cast", CAST.len() - 1, 9, "is not the recording that was bound"),
        ("commands", 0, 8, "was changed between its bytes 0 and 5"),
        ("commands", COMMANDS.len() - 1, 9, "is not the recording that was bound"),
    ] {
        let scene = Scene::of_two();
        let path = scene.path(1, end);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        scene.finds(seq, &format!("recordings/{}.{end} {what}", session(1)));
    }
}

#[test]
fn p13_a_cut_tail_a_longer_file_and_a_missing_one_are_found() {
    let scene = Scene::of_two();
    let path = scene.path(1, "cast");
    let name = format!("recordings/{}.cast", session(1));
    fs::write(&path, &CAST[..CAST.len() - 1]).unwrap();
    let (length, short) = (CAST.len(), CAST.len() - 1);
    scene.finds(9, &format!("{name} was cut: it has {short} bytes, and {length} were bound"));
    fs::write(&path, &CAST[..20]).unwrap();
    scene.finds(8, &format!("{name} was cut: it has 20 bytes, and 30 were bound"));
    fs::write(&path, [CAST, b"x"].concat()).unwrap();
    scene.finds(9, &format!("{name} is longer than the {length} bytes that were bound"));
    fs::remove_file(&path).unwrap();
    scene.finds(7, &format!("{name} is missing"));
}

#[test]
fn p13_two_sessions_whose_files_were_swapped_are_found() {
    let scene = Scene::of_two();
    let (one, two) = (scene.path(1, "cast"), scene.path(2, "cast"));
    let spare = scene.path(3, "cast");
    fs::rename(&one, &spare).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&spare, &two).unwrap();
    let findings = scene.findings();
    for number in [1, 2] {
        let name = format!("recordings/{}.cast", session(number));
        assert!(findings.iter().any(|finding| finding.what.contains(&name)), "{findings:#?}");
    }
}

#[test]
fn p13_what_no_session_owns_is_found() {
    let scene = Scene::of_two();
    let directory = scene.directory.path();
    let extra = |name: &str| {
        fs::write(directory.join(name), b"x").unwrap();
        scene.finds(None, &format!("recordings/{name} belongs to no session"));
        fs::remove_file(directory.join(name)).unwrap();
    };
    extra("notes");
    extra(".hidden");
    extra(&format!("{}.cast", session(9)));
    extra(&format!("{}.cast.bak", session(1)));
    extra(&format!("{}.other", session(1)));
    fs::create_dir(directory.join("below")).unwrap();
    scene.finds(None, "recordings/below belongs to no session");
    fs::remove_dir(directory.join("below")).unwrap();
    // Its name is said in a form that a terminal takes for text.
    fs::write(directory.join("\u{1b}[2J"), b"").unwrap();
    scene.finds(None, "recordings/\\u{1b}[2J belongs to no session");
    fs::remove_file(directory.join("\u{1b}[2J")).unwrap();
    // The right bytes behind a link are not the recording.
    let elsewhere = tempfile::tempdir().unwrap();
    let (path, target) = (scene.path(1, "cast"), elsewhere.path().join("cast"));
    fs::rename(&path, &target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let findings = scene.findings();
    let name = format!("recordings/{}.cast", session(1));
    assert!(names(&findings, 7, &format!("{name} can't be read")), "{findings:#?}");
    assert!(names(&findings, None, &format!("{name} is not a plain file")), "{findings:#?}");
}

#[test]
fn p13_of_a_session_that_runs_the_bound_pieces_are_a_prefix() {
    let mut scene = Scene::new();
    scene.start(1);
    assert_eq!(scene.findings(), [], "nothing is bound or written yet");
    let first = scene.bind(1, files([("cast", piece(CAST, 0, 14))]));
    let second = scene.bind(1, files([("cast", piece(CAST, 14, 30))]));
    scene.write(1, CAST, COMMANDS);
    let verification = scene.verify();
    assert_eq!(verification.findings, []);
    assert!(verification.not_excluded.iter().any(|words| words.starts_with("1 sessions still run")));
    fs::write(scene.path(1, "cast"), &CAST[..29]).unwrap();
    scene.finds(second, "was cut: it has 29 bytes, and 30 were bound");
    fs::write(scene.path(1, "cast"), [b"x", &CAST[1..]].concat()).unwrap();
    scene.finds(first, "was changed between its bytes 0 and 14");
}

#[test]
fn p13_a_session_without_a_recording_has_no_files() {
    let mut scene = Scene::new();
    scene.start_as(1, "off", "ana");
    scene.start_as(2, "off", "ana");
    scene.end(2, files([]));
    scene.start_as(3, "best-effort", "ana");
    scene.end(3, files([]));
    let verification = scene.verify();
    assert_eq!((verification.findings, verification.bound_recordings), (vec![], 0));
    assert!(!scene.fixture.verify().not_excluded.iter().any(|words| words.contains("recordings")));
    for number in 1..=3 {
        fs::write(scene.path(number, "cast"), b"").unwrap();
        scene.finds(None, &format!("recordings/{}.cast belongs to no session", session(number)));
        fs::remove_file(scene.path(number, "cast")).unwrap();
    }
}

#[test]
fn p13_after_retention_a_recording_may_be_gone_and_that_is_said() {
    let mut scene = Scene::of_two();
    scene.close_and_review();
    scene.fixture.wait(TimeDelta::days(11));
    scene.delete(1);
    // A crash left the files: they must still be the right ones.
    assert_eq!(scene.findings(), []);
    fs::write(scene.path(1, "cast"), b"another").unwrap();
    assert!(!scene.verify().is_whole());
    fs::remove_file(scene.path(1, "cast")).unwrap();
    assert_eq!(scene.findings(), [], "one of two files is deleted");
    fs::remove_file(scene.path(1, "commands")).unwrap();
    let verification = scene.verify();
    assert_eq!((verification.findings, verification.bound_recordings), (vec![], 1));
    let deleted = verification.recordings.unwrap().deleted;
    assert_eq!(deleted.len(), 1);
    assert_eq!((deleted[0].session.as_str(), &deleted[0].at[..10]), (session(1).as_str(), "2026-01-12"));
    // The other one was not deleted.
    fs::remove_file(scene.path(2, "commands")).unwrap();
    assert!(names(&scene.findings(), 12, &format!("recordings/{}.commands is missing", session(2))));
}

#[test]
fn p13_recordings_are_deleted_when_their_time_is_over_and_not_before() {
    let mut scene = Scene::of_two();
    let stale = |scene: &mut Scene| {
        let now = scene.fixture.now();
        let stale = scene.fixture.ledger().stale_recordings(&now).unwrap();
        stale.into_iter().map(|of| of.session).collect::<Vec<_>>()
    };
    let both = [session(1), session(2)];
    scene.fixture.wait(TimeDelta::days(11));
    assert_eq!(stale(&mut scene), [""; 0], "the grant is not even closed");
    scene.close_and_review();
    assert_eq!(stale(&mut scene), both);
    // Asked for all the same: nothing is recorded, nothing may be deleted.
    let mut early = Scene::of_two();
    early.close_and_review();
    early.fixture.wait(TimeDelta::days(9));
    assert_eq!(stale(&mut early), [""; 0]);
    early.delete(1);
    assert!(early.fixture.ledger().deletable().unwrap().is_empty());
    // What is recorded is left to do until it is done.
    scene.delete(1);
    assert_eq!(stale(&mut scene), both[1..]);
    let mut ledger = scene.fixture.ledger();
    let deletable = ledger.deletable().unwrap();
    assert_eq!(deletable[0].session().as_str(), session(1));
    ledger.forget_deleted(&deletable).unwrap();
    assert!(ledger.deletable().unwrap().is_empty());
    // Whoever can write the table can't have another recording deleted by it.
    scene.fixture.damage(&format!("INSERT INTO deletion VALUES ('{}', '{}')", session(2), grant(1)));
    assert!(ledger.deletable().unwrap().is_empty());
    assert_eq!(scene.findings(), []);
}

#[test]
fn p13_settings_are_read_only_where_there_is_a_recording_to_think_of() {
    let mut scene = Scene::new();
    scene.fixture.damage("DELETE FROM text");
    let now = scene.fixture.now();
    assert!(scene.fixture.ledger().stale_recordings(&now).unwrap().is_empty());
    scene.whole(1, CAST, COMMANDS);
    assert!(scene.fixture.ledger().stale_recordings(&now).is_err());
}

#[test]
fn p13_a_deletion_that_was_not_registered_is_found() {
    let mut scene = Scene::of_two();
    scene.close_and_review();
    scene.fixture.wait(TimeDelta::days(9));
    let seq = scene.say(Kind::RecordingDeleted, 1, files([]));
    scene.finds(seq, &format!("the recording of {} was deleted: it is kept until 2026-01-11T", session(1)));
}

#[test]
fn p13_pieces_that_glass_never_binds_are_found() {
    let stray = |prepare: fn(&mut Scene) -> u64, number, pieces: BTreeMap<String, Piece>, what: &str| {
        let mut scene = Scene::new();
        prepare(&mut scene);
        let seq = scene.bind(number, pieces);
        let findings = scene.fixture.verify().findings;
        assert!(names(&findings, seq, what), "{what}: {findings:#?}");
    };
    let cast = |from, to| files([("cast", piece(CAST, from, to))]);
    stray(|_| 0, 1, cast(0, 3), "which does not run under its grant");
    stray(|scene| scene.start(1), 2, cast(0, 3), "which does not run under its grant");
    stray(|scene| scene.start(1), 1, cast(1, 3), "from byte 1 on, and 0 bytes were bound before");
    stray(|scene| scene.start_as(1, "off", "ana"), 1, cast(0, 3), ".cast, which glass does not write");
    stray(
        |scene| scene.start(1),
        1,
        files([("other", piece(CAST, 0, 3))]),
        ".other, which glass does not write",
    );
    let ended = |scene: &mut Scene| {
        scene.start(1);
        scene.end(1, files([]))
    };
    stray(ended, 1, cast(0, 3), "which does not run under its grant");
}

#[test]
fn p13_an_end_that_says_less_than_was_bound_is_found() {
    let mut scene = Scene::new();
    scene.start(1);
    scene.bind(1, files([("cast", piece(CAST, 0, 14)), ("commands", piece(COMMANDS, 0, 3))]));
    let end = scene.end(1, files([("cast", piece(CAST, 0, 10))]));
    let findings = scene.fixture.verify().findings;
    assert!(names(&findings, end, ".cast, of which 14 were bound before"), "{findings:#?}");
    assert!(names(&findings, end, ".commands were bound, and its end names none"), "{findings:#?}");
}

#[test]
fn p13_a_session_after_its_grants_end_or_of_somebody_else_is_found() {
    let mut scene = Scene::new();
    let seq = scene.start_as(1, "off", "ben");
    scene.finds(seq, "is started by nobody but ana");

    let mut scene = Scene::new();
    scene.fixture.wait(TimeDelta::seconds(700));
    let seq = scene.start(1);
    scene.finds(seq, "the time of ");

    let mut scene = Scene::new();
    let seq = scene.start(1);
    scene.fixture.damage(
        "DELETE FROM text WHERE sha512 = (SELECT json_extract(CAST(bytes AS TEXT), '$.started.command')
         FROM entry WHERE json_extract(CAST(bytes AS TEXT), '$.kind') = 'session-started')",
    );
    scene.finds(seq, "the session's command is missing");
}

#[test]
fn p07_a_changed_row_of_a_session_is_named() {
    let scene = || {
        let mut scene = Scene::of_two();
        scene.start(3);
        scene
    };
    let found = |sql: &str, seq: Option<u64>, what: &str| {
        let scene = scene();
        scene.fixture.damage(sql);
        let findings = scene.fixture.verify().findings;
        assert!(names(&findings, seq, what), "{sql}: {findings:#?}");
    };
    assert_eq!(scene().fixture.verify().findings, []);
    let row = |what: &str, number| format!("UPDATE session SET {what} WHERE id = '{}'", session(number));
    let differs = "the row is not what the entries say";
    found(&row("state = 'running'", 1), Some(9), differs);
    found(&row("state = 'deleted'", 1), Some(9), differs);
    found(&row("state = 'ended'", 3), Some(14), differs);
    found(&row("started = 7", 1), Some(9), differs);
    found(&row("ended_at = NULL", 1), Some(9), differs);
    found(&row("files = ''", 1), Some(9), differs);
    found(&row("last = 8", 1), Some(9), differs);
    found(&row(r#""grant" = 'g-aaaaaaaaaa'"#, 1), Some(9), differs);
    found(&row("started = 'first'", 1), Some(9), "in a form that glass never writes");
    found("DELETE FROM session WHERE state = 'running'", Some(14), "the row is missing");
    let stranger = "INSERT INTO session VALUES ('s-aaaaaaaaaa', 'g-x', 'running', 2, NULL, '', 2)";
    found(stranger, None, "4 sessions are listed, the entries hold 3");
    found(stranger, None, "no entry tells of was added: s-aaaaaaaaaa");
}
