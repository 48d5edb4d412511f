//! Time can't be cheated (P11): a wall clock set back, a reboot, a boot clock of its own.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::thread;
use std::time::Duration;
use support::{Home, Person, permitted};

/// Sets the wall clock of one command, and leaves its boot clock alone.
fn wall(offset: &str) -> Vec<String> {
    ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset].map(str::to_owned).into()
}

fn can_fake_time() -> bool {
    permitted("faketime", &["faketime", "-f", "-1h", "true"])
}

fn wish(home: &Home) -> Vec<String> {
    home.wish("front", &["--for", "2s"])
}

/// Activates with a shifted wall clock, up to the question for the time.
fn asked_for_the_time(home: &Home, offset: &str) -> Person {
    let wish = wish(home);
    let wish: Vec<_> = wish.iter().map(String::as_str).collect();
    let wall = wall(offset);
    let wall: Vec<_> = wall.iter().map(String::as_str).collect();
    let mut person = Person::start(&mut home.at_terminal_under(&wall, &wish));
    person.expect("Time now (UTC, HH:MM): ");
    person
}

/// Hours and minutes of UTC, so many minutes from now.
fn clock(minutes: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::minutes(minutes)).format("%H:%M").to_string()
}

/// The latest time that counts (`head.clock_floor`).
fn floor(home: &Home) -> String {
    home.database().query_row("SELECT clock_floor FROM head", [], |row| row.get(0)).unwrap()
}

#[test]
fn p11_a_wall_clock_set_back_keeps_nothing_open() {
    if !can_fake_time() {
        return;
    }
    let home = Home::with_door();
    let grant = home.activate_ok("front", &["--for", "2s"]);
    home.kill_watchdogs();
    home.run_under(&wall("-1h"), &["expire"]).exits(0);
    assert!(home.target.is_open(&grant), "no clock says that it is due");
    thread::sleep(Duration::from_secs(2));
    home.run_under(&wall("-1h"), &["expire"]).exits(0).says(&format!("{grant} closed"));
    home.settled();

    // Opened under the wrong clock too, it ends: its watchdog goes by the first clock that says so.
    let mut person = asked_for_the_time(&home, "-1h");
    person.send_line(&clock(-60)).expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    home.target.shuts();
    // And a wall clock that jumps ahead ends it at once.
    let grant = home.activate_ok("front", &["--for", "1h"]);
    home.kill_watchdogs();
    home.run_under(&wall("+2h"), &["expire"]).exits(0).says(&format!("{grant} closed"));
    home.settled();
}

#[test]
fn p11_a_clock_behind_the_ledger_is_asked_about_and_a_wrong_answer_refused_again_and_again() {
    if !can_fake_time() {
        return;
    }
    let home = Home::with_door();
    let grant = home.activate_ok("front", &["--for", "1s"]);
    home.kill_watchdogs();
    thread::sleep(Duration::from_millis(1_100));
    let before = floor(&home);
    // Neither a closing nor a refusal under the wrong clock moves the floor.
    home.run_under(&wall("-1h"), &["expire"]).exits(0).says(&grant);
    for _ in 0..3 {
        let mut person = asked_for_the_time(&home, "-1h");
        // What the time really is, an hour from what this host's clock says.
        person.send_line(&clock(0)).exits(3).saw("set the clock");
        assert_eq!(floor(&home), before);
    }
    let mut person = asked_for_the_time(&home, "-1h");
    person.send_line("half past three").exits(2);
    let mut person = asked_for_the_time(&home, "-1h");
    person.send_line(&clock(-60 - 15)).exits(3);
    assert!(home.refusals().contains(&"clock-mismatch".to_owned()), "{:?}", home.refusals());
    assert_eq!((home.grants().len(), home.target.calls("grant"), floor(&home)), (1, 1, before.clone()));

    // The ledger was ahead: the person's word resets the floor, and stands in the signed request.
    let mut person = asked_for_the_time(&home, "-1h");
    let given = clock(-60 + 5);
    person.send_line(&given).expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    assert!(floor(&home) < before, "{} is not before {before}", floor(&home));
    let signed = home.entries().into_iter().rev().find(|facts| facts["kind"] == "requested").unwrap();
    assert_eq!(signed["signed"]["time_given"], given);
    home.target.shuts();
    home.kill_watchdogs();
    home.run(&["expire"]).exits(0);
    home.settled();
    // Within a minute it is taken for drift, and nobody is asked.
    let wish = wish(&home);
    let wall = wall("-30s");
    let [wall, wish] = [&wall, &wish].map(|args| args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut person = Person::start(&mut home.at_terminal_under(&wall, &wish));
    person.expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    assert!(!person.screen().contains("Time now"));
    home.target.shuts();
    home.kill_watchdogs();
    home.run(&["expire"]).exits(0);
    home.settled();
}

/// A boot with another id, as this one command sees it.
fn rebooted(home: &Home) -> Vec<String> {
    let id = home.root().join("boot_id");
    std::fs::write(&id, "11111111-2222-4333-8444-555555555555\n").unwrap();
    let script = format!("mount --bind {} /proc/sys/kernel/random/boot_id && exec \"$@\"", id.display());
    ["unshare", "-m", "sh", "-c", &script, "sh"].map(str::to_owned).into()
}

fn can_mount() -> bool {
    permitted("mounts of one's own", &["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
}

#[test]
fn p11_after_a_reboot_with_the_clock_behind_everything_open_is_due() {
    if !can_fake_time() || !can_mount() {
        return;
    }
    // With the ledger, and by the close plan alone.
    for with_ledger in [true, false] {
        let home = Home::with_door();
        let grant = home.activate_ok("front", &["--for", "1h"]);
        home.kill_watchdogs();
        if !with_ledger {
            std::fs::rename(home.ledger(), home.root().join("away")).unwrap();
        }
        // Rebooted with a sane clock: the hour is not over.
        home.run_under(&rebooted(&home), &["expire"]);
        assert!(home.target.is_open(&grant));
        let both = [rebooted(&home), wall("-1h")].concat();
        let ran = home.run_under(&both, &["expire"]);
        assert!(!home.target.is_open(&grant), "{ran:?}");
        if !with_ledger {
            std::fs::rename(home.root().join("away"), home.ledger()).unwrap();
        }
        home.run(&["expire"]).exits(0);
        home.settled();
    }
}

#[test]
fn p11_the_boot_clock_alone_ends_a_grant() {
    let ahead = ["unshare", "--time", "--boottime", "7200", "--fork", "--kill-child"];
    if !permitted("a boot clock of one's own", &[&ahead[..], &["true"]].concat()) {
        return;
    }
    let home = Home::with_door();
    let grant = home.activate_ok("front", &["--for", "1h"]);
    home.kill_watchdogs();
    home.run(&["expire"]).exits(0);
    assert!(home.target.is_open(&grant));
    home.run_under(&ahead, &["expire"]).exits(0).says(&format!("{grant} closed"));
    home.settled();
}
