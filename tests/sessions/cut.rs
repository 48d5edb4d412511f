//! A session that is killed in the middle leaves what was seen so far, bound as it is, and a grant
//! that still closes (P13, P3).

use crate::endings::{MEMBERS, SPREAD, Session, activate, closes, interrupted, proved_later};
use crate::support::{Home, LONG, Setting, alive, all_end, signal, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

/// Says something, so that there is something to play.
fn talkative() -> String {
    format!("echo \"the first words\"; {SPREAD}")
}

fn begin(home: &Home, grant: &str) -> Session {
    let mut session = Session::begin(home, grant, &talkative(), MEMBERS);
    session.person.expect("the first words");
    session
}

/// What is left of a recording is a picture to its last line, and what the entry binds.
#[track_caller]
fn is_bound_and_plays(home: &Home, session: &str, entry: &serde_json::Value) {
    for end in ["cast", "commands"] {
        let bytes = fs::read(home.path().join("recordings").join(format!("{session}.{end}"))).unwrap();
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
        let bound = &entry["files"][end];
        assert_eq!((&bound["sha256"], &bound["length"]), (&sha256.into(), &bytes.len().into()), "{entry:#}");
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a cut line is left in .{end}");
        for line in String::from_utf8(bytes).unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
    }
    let cast = home.root().join("out.cast");
    home.run(&["sessions", "export", session, "--output", cast.to_str().unwrap()]).exits(0);
    assert!(fs::read_to_string(cast).unwrap().contains("the first words"));
    let list = home.run(&["sessions", "list", "--format", "json"]).exits(0);
    list.says("\"interrupted\"").says(session);
}

#[test]
fn p13_what_was_seen_before_glass_its_terminal_or_all_of_it_was_killed_is_bound_and_plays() {
    type Kill = fn(&mut Session);
    let kills: [Kill; 3] = [
        |session| session.kill_front(),
        |session| {
            session.kill_front();
            session.person.hang_up();
        },
        |session| {
            kill_process(session.planned.keeper, Signal::STOP).unwrap();
            session.kill_front();
            session.kill_keeper();
            for pid in &session.members {
                kill_process(*pid, Signal::KILL).unwrap();
            }
        },
    ];
    let setting = Setting::best();
    for (at, kill) in kills.into_iter().enumerate() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        home.kill_watchdog(&grant);
        let mut session = begin(&home, &grant);
        kill(&mut session);
        all_end(&session.members);
        if at == 0 {
            let cast = home.path().join("recordings").join(format!("{}.cast", session.planned.id));
            let mut cast = fs::OpenOptions::new().append(true).open(cast).unwrap();
            cast.write_all(b"[9.5, \"o\", \"cut in the mid").unwrap();
        }
        // Who closes fixes it too, whoever that is.
        if at == 1 {
            home.run(&["expire"]).exits(0);
        }
        home.run(&["revoke", &grant]).exits(0);
        let entry = interrupted(&home, proved_later(setting));
        is_bound_and_plays(&home, &session.planned.id, &entry);
        closes(&home, &grant);
        home.run(&["review", &grant, "--format", "json"]).says(&session.planned.id);
    }
}

#[test]
fn p13_a_session_that_begins_while_its_grant_is_closed_is_refused_or_ended() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        home.target.takes("revoke", 1.5);
        thread::scope(|scope| {
            let revoking = scope.spawn(|| home.run(&["revoke", &grant]));
            assert!(wait_until(|| home.target.calls("revoke") > 0, LONG));
            home.run(&["exec", &grant, "--", "touch", "ran"]).exits(125).says(&grant);
            assert!(!home.user().join("ran").exists());
            revoking.join().unwrap().exits(0);
        });
        home.target.works("revoke");
        closes(&home, &grant);
        for round in 0..5 {
            let grant = activate(&home, "10m");
            let waiter = home.waiter();
            thread::scope(|scope| {
                let using =
                    scope.spawn(|| home.run(&["exec", &grant, "--", waiter.to_str().unwrap(), "1000"]));
                thread::sleep(Duration::from_millis(round * 40));
                home.run(&["revoke", &grant]).exits(0);
                using.join().unwrap().exits(125);
            });
            assert_eq!(home.waiting(), [], "round {round}");
            closes(&home, &grant);
        }
    }
}

/// The processes below one, itself left out.
fn below(pid: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut to_look = vec![pid.as_raw_nonzero().get()];
    while let Some(id) = to_look.pop() {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        to_look.extend(children.split_ascii_whitespace().map(|id| id.parse::<i32>().unwrap()));
        found.extend(Pid::from_raw(id).filter(|found| *found != pid));
    }
    found
}

#[test]
fn p13_killed_at_any_moment_nothing_of_a_session_is_left_after_one_expire() {
    let setting = Setting::best();
    let home = setting.home();
    let grant = activate(&home, "1h");
    home.kill_watchdog(&grant);
    let script = SPREAD.replace("S ", &format!("{} ", home.waiter().display()));
    for round in 0..20 {
        let mut seed = [0; 2];
        getrandom::fill(&mut seed).unwrap();
        let delay = Duration::from_millis(u64::from(seed[0]) * 3 / 2);
        let mut command = crate::support::glass(&home, &["exec", &grant, "--", "sh", "-c", &script]);
        let mut front = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(delay);
        let id = Pid::from_raw(front.id().cast_signed()).unwrap();
        let tree = below(id);
        let whole = seed[1] % 3 == 0;
        signal(front.id(), Signal::KILL);
        for pid in tree.iter().filter(|_| whole) {
            // It may have ended since.
            let _ = kill_process(*pid, Signal::KILL);
        }
        front.wait().unwrap();
        if !whole || setting == Setting::Cell {
            home.run(&["expire"]).exits(0);
        }
        let told = format!("round {round}, killed after {delay:?}, whole: {whole}");
        let gone = || home.strays().is_empty() && !tree.iter().any(|pid| alive(*pid));
        assert!(wait_until(gone, Duration::from_secs(5)), "{told}: {:?}", home.strays());
        home.is_silent();
        home.run(&["ledger", "verify"]).exits(0);
    }
    home.run(&["revoke", &grant]).exits(0);
    closes(&home, &grant);
}
