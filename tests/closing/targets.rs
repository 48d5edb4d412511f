//! Targets that fail, hang or do not answer, and grants beside them.

use super::{due, step_state, unwatched, wait_is_over};
use crate::support::{Home, LONG, Ran, Scope, glass, text, wait_until};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn p03_a_target_that_does_not_answer_is_loud_until_it_does() {
    let home = Home::with_door();
    let grant = due(&home);
    home.target.fails("revoke");
    home.target.fails("check");
    home.run(&["expire"]).exits(7).says("UNREVOKED");
    assert_eq!((home.state(&grant), step_state(&home, &grant)), ("unrevoked".into(), "unknown".into()));
    // The wait before the next try is honoured, and is no reason to be quiet.
    let (calls, entries) = (home.target.calls("revoke"), home.entries().len());
    home.run(&["expire"]).exits(7).says(&grant);
    assert_eq!((home.target.calls("revoke"), home.entries().len()), (calls, entries));
    // A try with the same outcome is no news.
    wait_is_over(&home);
    home.run(&["expire"]).exits(7);
    assert_eq!((home.target.calls("revoke"), home.entries().len()), (calls + 1, entries));

    home.target.works("revoke");
    home.target.works("check");
    home.run(&["expire"]).exits(7);
    assert!(home.target.is_open(&grant), "its wait is not over");
    wait_is_over(&home);
    home.run(&["expire"]).exits(0).says("closed");
    assert_eq!(home.state(&grant), "closed");
    home.settled();
}

#[test]
fn p03_revoke_does_not_wait_for_the_next_try() {
    let home = Home::with_door();
    let grant = due(&home);
    home.target.fails("revoke");
    home.run(&["expire"]).exits(7);
    // The check proves it open: that is no better than not to know.
    assert_eq!((home.state(&grant), step_state(&home, &grant)), ("unrevoked".into(), "open".into()));
    home.run(&["revoke", &grant]).exits(7).says("UNREVOKED");
    home.target.works("revoke");
    home.run(&["revoke", &grant]).exits(0);
    home.run(&["revoke", &grant]).exits(3).says("closed already");
    home.settled();
}

#[test]
fn p03_a_check_that_hangs_or_says_nothing_proves_nothing() {
    let home = Home::new();
    let step = home.target.step_named("file", "{grant.id}", "1s", "");
    home.write_playbook("doors", &text("doors", &[Scope::new("front").with(step)]));
    home.register();
    for hangs in [true, false] {
        let grant = due(&home);
        if hangs {
            home.target.hangs("check")
        } else {
            home.target.says_nothing("check")
        }
        home.run(&["expire"]).exits(7);
        assert!(!home.target.is_open(&grant), "it is gone, but nothing proved that");
        assert_eq!((home.state(&grant), step_state(&home, &grant)), ("unrevoked".into(), "unknown".into()));
        home.target.works("check");
        home.run(&["revoke", "--all"]).exits(0);
    }
    home.settled();
}

#[test]
fn p02_expire_does_what_is_due_once_and_otherwise_nothing() {
    let home = Home::with_door();
    let grant = unwatched(&home, "3s");
    let heartbeat = home.path().join("heartbeat");
    let beats = || fs::metadata(&heartbeat).unwrap().modified().unwrap();
    let entries = home.entries().len();
    home.run(&["expire"]).exits(0);
    let first = beats();
    thread::sleep(Duration::from_millis(20));
    home.run(&["expire"]).exits(0);
    assert!(beats() > first, "each run beats");
    assert_eq!(home.entries().len(), entries, "nothing due appends nothing");
    assert!(home.target.is_open(&grant));
    thread::sleep(Duration::from_secs(3));
    home.run(&["expire", "--dry-run"]).exits(0).says(&grant);
    assert!(home.target.is_open(&grant));
    // Several at once close it once.
    let runs: Vec<_> = (0..4).map(|_| Running::start(&home, &["expire"])).collect();
    for run in runs {
        run.exits(0);
    }
    assert_eq!(home.target.calls("revoke"), 1);
    let kinds = home.kinds(&grant);
    assert_eq!(kinds[kinds.len() - 3..], ["closing", "step-closed", "closed"]);
    let entries = home.entries().len();
    home.run(&["expire"]).exits(0);
    assert_eq!(home.entries().len(), entries);
    home.settled();
}

/// A glass that runs beside the test.
struct Running(std::thread::JoinHandle<Ran>);

impl Running {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut command = glass(home, args);
        Self(thread::spawn(move || Ran::of(&mut command)))
    }

    #[track_caller]
    fn exits(self, code: i32) -> Ran {
        self.0.join().unwrap().exits(code)
    }
}

#[test]
fn p03_a_step_that_hangs_delays_no_other_grant() {
    let home = Home::new();
    let stuck = Scope::new("stuck").with(home.target.step_named("file", "{grant.id}-stuck", "6s", ""));
    home.write_playbook("doors", &text("doors", &[home.door(), stuck]));
    home.register();
    home.target.does("revoke", "case $name in *-stuck) sleep 1000;; esac");
    let stuck = home.activate_ok("stuck", &["--for", "1s"]);
    let others: Vec<_> = (0..3).map(|_| home.activate_ok("front", &["--for", "1s"])).collect();
    home.kill_watchdogs();
    thread::sleep(Duration::from_millis(1_100));
    let began = Instant::now();
    let expire = Running::start(&home, &["expire"]);
    let closed = || others.iter().all(|grant| home.recorded_state(grant).as_deref() == Some("closed"));
    assert!(wait_until(closed, Duration::from_secs(5)), "the others wait for the one that hangs");
    assert_eq!(home.recorded_state(&stuck).as_deref(), Some("closing"));
    expire.exits(7).says(&stuck);
    assert!(began.elapsed() >= Duration::from_secs(6), "it hung for its time-out");
    home.target.works("revoke");
    home.run(&["revoke", &stuck]).exits(0);
    home.settled();
}

#[test]
fn p02_many_due_grants_are_closed_side_by_side() {
    let home = Home::with_door();
    let grants: Vec<_> = (0..12).map(|_| home.activate_ok("front", &["--for", "4s"])).collect();
    home.kill_watchdogs();
    assert!(wait_until(|| home.run(&["expire", "--dry-run"]).stdout.lines().count() == grants.len(), LONG));
    home.target.takes("revoke", 1.0);
    let began = Instant::now();
    home.run(&["expire"]).exits(0);
    assert!(began.elapsed() < Duration::from_secs(8), "one by one: {:?}", began.elapsed());
    assert_eq!(home.target.calls("revoke"), grants.len());
    home.settled();
}

#[test]
fn p03_revoke_all_closes_everything_and_tells_each() {
    let home = Home::with_door();
    home.run(&["revoke", "--all"]).exits(0).says("Nothing is open.");
    let grants: Vec<_> = (0..3).map(|_| home.activate_ok("front", &[])).collect();
    home.target.does("revoke", &format!("[ $name = {} ] && exit 1", grants[1]));
    let ran = home.run(&["revoke", "--all"]).exits(7);
    assert_eq!(home.target.open(), grants[1..2]);
    for grant in &grants {
        assert!(ran.stdout.contains(grant), "{ran:?}");
    }
    home.target.works("revoke");
    home.run(&["revoke", "--all"]).exits(0);
    home.settled();
}

#[test]
fn p03_overlapping_grants_of_one_scope_do_not_take_each_others_access() {
    let home = Home::new();
    let scope = home.door().set("limits", "{ concurrent = 2 }");
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    let first = unwatched(&home, "2s");
    let second = unwatched(&home, "10m");
    let mut third = home.person(&home.wish("front", &[]));
    third.exits(3);
    thread::sleep(Duration::from_secs(2));
    home.run(&["expire"]).exits(0);
    assert_eq!(home.target.open(), std::slice::from_ref(&second));
    let third = unwatched(&home, "10m");
    home.run(&["revoke", &second]).exits(0);
    assert_eq!((home.target.open(), home.state(&third)), (vec![third.clone()], "active".into()));
    assert_eq!(home.state(&first), "closed");
    home.run(&["revoke", &third]).exits(0);
    home.settled();
}
