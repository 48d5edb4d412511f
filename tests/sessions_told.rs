//! What people read of sessions (promise 13): in `sessions list`, `status`, `ledger log` and at
//! review. The sessions here are put into the ledger as `exec` and `shell` record them.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use glass::core::entry::{Containment, Ending, Piece, Started};
use glass::core::id::{Nonce, SessionId};
use glass::ports::clock;
use glass::ports::ledger::{Attendance, Ledger, OfSession, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Home, Person, Scope, text};

const VERDICT: &str = "Verdict (justified, unjustified, misuse, drill): ";

/// Ana opens and ben reviews.
fn home_with(scope: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["security"]);
    let scope = scope(home.door().set("review", "{ by = [\"group:security\"], within = \"24h\" }"));
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

fn ledger(home: &Home) -> Ledger {
    let path = |name| home.path().join(name);
    let place =
        Place { database: home.ledger(), key: path("ledger.key"), open: path("open"), locks: path("locks") };
    Ledger::open_write(&place).unwrap()
}

fn id(number: u8) -> SessionId {
    SessionId::of(&Nonce::new([number; 16]))
}

/// Begins a session of this number.
fn start(home: &Home, grant: &str, number: u8, argv: &[&str], recording: &str) -> OfSession {
    let wanted = Attendance {
        grant,
        session: id(number),
        uid: rustix::process::getuid().as_raw().into(),
        by: "ana".into(),
        command: &json!(argv).to_string(),
        started: Started {
            command: String::new(),
            contained: Containment::Subreaper,
            recording: recording.into(),
            run_as: "ana".into(),
            terminal: true,
        },
    };
    ledger(home).start_session(wanted, &clock::now().unwrap()).unwrap();
    OfSession { grant: grant.into(), session: id(number).to_string() }
}

fn end(home: &Home, of: &OfSession, ending: Ending) {
    let whole = || Piece { from: 0, length: 99, sha256: "ab".repeat(32) };
    let files = BTreeMap::from([("cast".to_owned(), whole()), ("commands".to_owned(), whole())]);
    ledger(home).end_session(of, ending, "exited", files, &clock::now().unwrap()).unwrap();
}

const WELL: Ending = Ending { exit: Some(0), gone: true, signal: None };

fn review(home: &Home, grant: &str) -> Person {
    home.person(&["review", grant, "--key", home.key("ben").to_str().unwrap()])
}

#[test]
fn p13_a_session_is_seen_while_it_runs_and_afterwards() {
    let home = home_with(|scope| scope);
    home.run(&["sessions", "list"]).exits(0).says("No session of glass was used.");
    let grant = home.activate_ok("doors/front", &[]);
    home.run(&["sessions", "list", &grant]).exits(0).says("No session of glass was used.");
    let first = start(&home, &grant, 1, &["bash", "-c", "echo it's \u{1b}[2J"], "best-effort");
    let shown = "bash -c 'echo it'\\''s \\u{1b}[2J'";
    home.run(&["status"]).exits(0).says(&format!("{grant}  1 session: {} since ", id(1))).says(shown);
    home.run(&["status", &grant]).exits(0).says(&format!("  runs       1 session: {} since ", id(1)));
    let status = home.status(&grant);
    assert_eq!(status["sessions"][0]["id"], id(1).as_str());
    assert_eq!(status["sessions"][0]["command"], json!(["bash", "-c", "echo it's \u{1b}[2J"]));
    end(&home, &first, WELL);
    assert_eq!(home.status(&grant)["sessions"], json!([]));
    assert!(!home.run(&["status"]).exits(0).stdout.contains("session"));

    let second = start(&home, &grant, 2, &["top"], "best-effort");
    ledger(&home).record_gap(&second, "disk-full", &clock::now().unwrap()).unwrap();
    ledger(&home).interrupt_session(&second, false, BTreeMap::new(), &clock::now().unwrap()).unwrap();
    for args in [&["sessions", "list"][..], &["sessions", "list", &grant]] {
        let ran = home.run(args).exits(0).says(&grant).says(shown).says("exit 0");
        for mark in ["INTERRUPTED", "NOT PROVED GONE", "GAP: not recorded from "] {
            assert!(ran.stdout.contains(mark), "{mark}:\n{}", ran.stdout);
        }
    }
    let one =
        home.run(&["sessions", "list", id(2).as_str()]).exits(0).says("INTERRUPTED").says("ran          top");
    assert!(!one.stdout.contains(id(1).as_str()), "{}", one.stdout);
    home.run(&["ledger", "log", "--grant", &grant])
        .exits(0)
        .says(&format!("{} as ana at a terminal, recording best-effort, held by subreaper", id(1)))
        .says("end unseen, NOT PROVED GONE glass-died");
    home.run(&["revoke", &grant]).exits(0);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn the_json_of_sessions() {
    let home = home_with(|scope| scope);
    let grant = home.activate_ok("doors/front", &[]);
    end(&home, &start(&home, &grant, 1, &["psql", "-h", "db"], "best-effort"), WELL);
    start(&home, &grant, 2, &["bash"], "best-effort");
    let blurred = |args: &[&str]| {
        let mut json = home.run(args).exits(0).json();
        for session in json["sessions"].as_array_mut().unwrap() {
            for key in ["grant", "started_at", "ended_at"] {
                if let Value::String(text) = &mut session[key] {
                    assert!(key == "grant" || glass::core::moment::parse_rfc3339(text).is_some(), "{text}");
                    *text = format!("[{key}]");
                }
            }
        }
        json
    };
    let all = blurred(&["sessions", "list", "--format", "json"]);
    assert_eq!(all, blurred(&["sessions", "list", &grant, "--format", "json"]));
    let one = blurred(&["sessions", "list", id(2).as_str(), "--format", "json"]);
    assert_eq!(one["sessions"], json!([all["sessions"][1]]));
    insta::assert_json_snapshot!("sessions-list", all);
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn what_is_no_session_is_named_with_what_to_do() {
    let home = home_with(|scope| scope);
    for name in ["front", "g-1", "s-", "s-../../../x", "p-aaaaaaaaaa"] {
        home.run(&["sessions", "list", name]).exits(2).says("names no grant and no session").says("  next: ");
    }
    home.run(&["sessions", "list", "g-aaaaaaaaaa"]).exits(3).says("there is no grant g-aaaaaaaaaa");
    home.run(&["sessions", "list", "s-aaaaaaaaaa"]).exits(3).says("there is no session s-aaaaaaaaaa");
    home.run(&["sessions", "list", "--format", "csv"]).exits(2);
}

#[test]
fn p13_a_reviewer_sees_the_sessions_and_can_have_them_played_before_judging() {
    let home = home_with(|scope| scope);
    let grant = home.activate_ok("doors/front", &[]);
    let off = start(&home, &grant, 1, &["psql", "-h", "db"], "off");
    ledger(&home).end_session(&off, WELL, "exited", BTreeMap::new(), &clock::now().unwrap()).unwrap();
    let second = start(&home, &grant, 2, &["bash"], "best-effort");
    end(&home, &second, Ending { exit: None, gone: false, signal: Some(9) });
    home.run(&["revoke", &grant]).exits(0);
    let mut ben = review(&home, &grant);
    ben.expect("session 1")
        .expect("psql -h db; exit 0")
        .expect("NOT RECORDED: its scope asks for no recording");
    ben.expect("session 2").expect("bash; signal 9").expect("NOT PROVED GONE");
    ben.expect("UNUSUAL").expect("nothing proves that all which a session started is gone");
    ben.expect("NOT RECORDED what was done outside sessions of glass");
    ben.expect("or p to see its first recording played, p 2 or p s-").expect(VERDICT);
    // To look is no try at a verdict, whatever comes of it.
    for (answer, said) in [
        ("p", id(2).to_string()),
        ("p 2", id(2).to_string()),
        (&format!("p {}", id(2)), id(2).to_string()),
        ("p 1", format!("There is no recording of {}.", id(1))),
        ("p 3", "There is no such session.".into()),
        ("p 0", "There is no such session.".into()),
        ("p s-../../x", "There is no such session.".into()),
    ] {
        ben.send_line(answer).expect(&said).expect(VERDICT);
    }
    ben.send_line("p 1 2").expect("That is not one of them.").expect(VERDICT);
    ben.send_line("unjustified").expect("Note: ").send_line("kill -9 was not needed");
    ben.expect(&format!("Type {grant} to confirm: ")).send_line(&grant).exits(0);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p13_a_use_without_a_session_is_said_to_be_and_offers_nothing_to_play() {
    let home = home_with(|scope| scope);
    let grant = home.activate_ok("doors/front", &[]);
    home.run(&["revoke", &grant]).exits(0);
    let mut ben = review(&home, &grant);
    ben.expect("NOT RECORDED what was done with the access: no session of glass was used").expect(VERDICT);
    ben.send_line("p").expect("That is not one of them.").expect(VERDICT);
    assert!(!ben.screen().contains("or p to see"), "{}", ben.screen());
    ben.send("\x03").exits(4);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["sessions"], json!([]));
    let unusual = story["unusual"].as_array().unwrap();
    assert!(unusual.iter().all(|finding| finding["id"] != "no-session"), "{unusual:?}");
}

#[test]
fn p13_what_is_of_use_in_sessions_only_and_was_not_used_is_pointed_out() {
    let home = home_with(|scope| scope.set("recording", "\"required\"").set("run-as", "\"nobody\""));
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect("its outputs can be used in such sessions only").expect("end with it, ");
    ana.expect("run as OS user nobody").expect("to confirm: ").send_line("doors/front");
    ana.exits(0);
    let grant = home.grants().pop().unwrap();
    home.run(&["revoke", &grant]).exits(0);
    review(&home, &grant)
        .expect("UNUSUAL")
        .expect("opened, and never used through glass")
        .expect(VERDICT)
        .send("\x03")
        .exits(4);
    home.run(&["playbook", "show", "front"])
        .exits(0)
        .says("  recording required\n")
        .says("  run as    OS user nobody, in sessions\n");
}
