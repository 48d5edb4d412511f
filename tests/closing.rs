//! Closing is proved and never forgotten (P2, P3): whatever the target, the disk, the database
//! or another process does.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use rusqlite::Connection;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use support::{
    GLASS, Home, LONG, Person, Ran, Scope, bare, can_trace, glass, permitted, signal, text, wait_until,
};

/// A grant of the front door that lasts a second, is over, and that nobody watches.
fn due(home: &Home) -> String {
    let grant = unwatched(home, "1s");
    thread::sleep(Duration::from_millis(1_100));
    assert!(home.target.is_open(&grant));
    grant
}

fn unwatched(home: &Home, length: &str) -> String {
    let grant = home.activate_ok("front", &["--for", length]);
    home.kill_watchdog(&grant);
    grant
}

/// The wait before the next try is over, as far as the ledger knows.
fn wait_is_over(home: &Home) {
    let connection = Connection::open(home.ledger()).unwrap();
    connection.execute("UPDATE attempt SET wait_ms = 0", []).unwrap();
}

/// The database and what SQLite keeps beside it, put away under another name.
fn put_away(home: &Home) -> Vec<(PathBuf, PathBuf)> {
    let files = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", home.ledger().display())));
    let moved = files.into_iter().filter(|file| file.exists()).map(|file| {
        let away = file.with_extension(format!("{}.away", file.extension().unwrap().display()));
        fs::rename(&file, &away).unwrap();
        (file, away)
    });
    moved.collect()
}

fn put_back(files: &[(PathBuf, PathBuf)]) {
    for (file, away) in files {
        fs::rename(away, file).unwrap();
    }
}

fn step_state(home: &Home, grant: &str) -> String {
    home.status(grant)["steps"][0]["state"].as_str().unwrap().to_owned()
}

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
fn p02_with_the_database_gone_the_plan_alone_closes_and_is_recorded_later() {
    let home = Home::with_door();
    let (due, not_due) = (due(&home), unwatched(&home, "10m"));
    let away = put_away(&home);
    home.run(&["expire"]).exits(1).says("closed; the ledger could not record it yet");
    assert!(!home.target.is_open(&due) && home.target.is_open(&not_due));
    // A person's word is enough, and a second run has nothing more to do.
    home.run(&["revoke", &not_due]).exits(1);
    let calls = home.target.calls("revoke");
    home.run(&["expire"]).exits(1);
    assert_eq!((home.target.open().len(), home.target.calls("revoke")), (0, calls));
    put_back(&away);
    home.run(&["expire"]).exits(0);
    for grant in [&due, &not_due] {
        assert_eq!(
            (home.state(grant), home.kinds(grant).last().unwrap().as_str()),
            ("closed".into(), "closed-from-plan")
        );
    }
    home.settled();
}

#[test]
fn p02_a_corrupt_database_stops_no_closing() {
    // The whole file; one page of the table of grants; the schema's table.
    for damage in 0..3 {
        let home = Home::with_door();
        let (due, not_due) = (due(&home), unwatched(&home, "10m"));
        home.run(&["ledger", "backup", home.root().join("copy").to_str().unwrap()]).exits(0);
        put_away(&home);
        let page = |name: &str| -> u64 {
            let copy = Connection::open(home.root().join("copy")).unwrap();
            copy.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [name], |row| row.get(0))
                .unwrap()
        };
        let mut bytes = fs::read(home.root().join("copy")).unwrap();
        let (from, to) = match damage {
            0 => (0, bytes.len()),
            1 => ((page("grant") as usize - 1) * 4096, page("grant") as usize * 4096),
            _ => (100, 4096),
        };
        bytes[from..to].fill(0xa5);
        fs::write(home.ledger(), bytes).unwrap();
        home.run(&["expire"]).exits(5);
        assert!(!home.target.is_open(&due), "damage {damage}");
        assert!(home.target.is_open(&not_due), "damage {damage}");
        home.run(&["revoke", &not_due]).exits(1);
        assert_eq!(home.target.open(), [] as [&str; 0], "damage {damage}");
        fs::copy(home.root().join("copy"), home.ledger()).unwrap();
        home.run(&["expire"]).exits(0);
        home.settled();
    }
}

/// Does something to the mounts that only the command sees.
fn namespace(script: &str) -> Vec<String> {
    ["unshare", "-m", "sh", "-c", &format!("{script} && exec \"$@\""), "sh"].map(str::to_owned).into()
}

fn can_mount() -> bool {
    permitted("mounts of one's own", &["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
}

#[test]
fn p02_a_disk_that_went_read_only_stops_no_closing() {
    if !can_mount() {
        return;
    }
    let home = Home::with_door();
    let (due, not_due) = (due(&home), unwatched(&home, "10m"));
    let path = home.path();
    let path = path.display();
    let read_only = namespace(&format!("mount --bind {path} {path} && mount -o remount,bind,ro {path}"));
    let ran = home.run_under(&read_only, &["expire"]);
    assert!(!home.target.is_open(&due), "{ran:?}");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let ran = home.run_under(&read_only, &["revoke", &not_due]);
    assert!(!home.target.is_open(&not_due), "{ran:?}");
    home.run(&["expire"]).exits(0);
    home.run(&["revoke", "--all"]);
    home.settled();
}

/// A copy of the home on a file system that is full to the last byte, its reserve gone or not.
fn full(home: &Home, reserve: bool) -> (PathBuf, String) {
    let full = home.root().join("full");
    fs::create_dir(&full).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=24m tmpfs {full} && cp -a {home}/. {full} && {reserve} && \
         {{ dd if=/dev/zero of={full}/fill bs=4k 2>/dev/null; true; }}",
        full = full.display(),
        home = home.path().display(),
        reserve = if reserve { "true".to_owned() } else { format!("rm -f {}/ballast", full.display()) },
    );
    (full, script)
}

#[test]
fn p02_a_full_disk_stops_no_closing() {
    if !can_mount() {
        return;
    }
    let home = Home::with_door();
    let grant = due(&home);
    let (full, fill) = full(&home, false);
    let script = format!(
        "{fill} && {{ $0 expire; echo \"expire: $?\"; ls {open} | wc -l; rm {full}/fill; \
         $0 expire; echo \"then: $?\"; $0 ledger verify; echo \"verify: $?\"; ls {full}/open {full}/locks; \
         $0 status --all --format json; }}",
        open = home.target.path().join("open").display(),
        full = full.display(),
    );
    let glass = format!("{GLASS} --home {}", full.display());
    let mut command = bare(&home, "unshare");
    // The program's name holds the arguments: split by the shell, as it is not quoted.
    let ran = Ran::of(command.args(["-m", "sh", "-c", &script, &glass])).exits(0);
    for words in ["\n0\n", "then: 0", "verify: 0", "\"state\": \"closed\""] {
        assert!(ran.stdout.contains(words), "{words:?}: {ran:?}");
    }
    assert!(!ran.stdout.contains("expire: 0"), "{ran:?}");
    assert!(!home.target.is_open(&grant));
}

#[test]
fn p01_on_a_full_disk_nothing_opens() {
    if !can_mount() {
        return;
    }
    let home = Home::with_door();
    let (full, fill) = full(&home, false);
    let mut wrapper = namespace(&fill);
    wrapper.extend(["env".to_owned(), format!("GLASS_HOME={}", full.display())]);
    let mut command = bare(&home, "setsid");
    command.arg("--ctty").args(wrapper).arg(GLASS).args(home.wish("front", &[]));
    let mut person = Person::start(&mut command);
    if person.meets("Type doors/front to confirm: ") {
        person.send_line("doors/front");
    }
    person.exits(1).saw("free disk space");
    assert_eq!((home.target.open().len(), home.target.calls("grant")), (0, 0), "{}", person.screen());
}

#[test]
fn p12_on_a_full_disk_the_reserve_lets_an_emergency_through() {
    if !can_mount() {
        return;
    }
    let home = Home::with_door();
    let (full, fill) = full(&home, true);
    let glass = format!("{GLASS} --home {}", full.display());
    let script = format!(
        "{fill} && GLASS_HOME={full} {GLASS} {wish}; echo \"activate: $?\"; $0 status; echo \"status: $?\"; \
         $0 revoke --all; echo \"revoke: $?\"; $0 ledger verify; echo \"verify: $?\"",
        full = full.display(),
        wish = home.wish("front", &[]).iter().map(|word| format!("'{word}' ")).collect::<String>(),
    );
    let mut command = bare(&home, "setsid");
    command.args(["--ctty", "unshare", "-m", "sh", "-c", &script, &glass]);
    let mut person = Person::start(&mut command);
    person.expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    for words in ["gave up its reserve", "activate: 0", "status: 0", "revoke: 0", "verify: 0"] {
        person.saw(words);
    }
    assert_eq!(home.target.calls("grant"), 1);
    assert!(home.target.open().is_empty());
}

#[test]
fn p02_a_plan_that_is_gone_or_damaged_is_made_anew() {
    let home = Home::with_door();
    for damage in ["", "{", "{\"v\":1}", "\u{0}"] {
        let grant = due(&home);
        fs::write(home.plan(&grant), damage).unwrap();
        home.run(&["expire"]).exits(0);
        assert_eq!(home.state(&grant), "closed", "{damage:?}");
        let grant = due(&home);
        fs::remove_file(home.plan(&grant)).unwrap();
        home.run(&["expire"]).exits(0);
        assert_eq!(home.state(&grant), "closed");
    }
    home.settled();
    // With neither ledger nor plan there is nothing to go by, and that is said loudly.
    let grant = due(&home);
    fs::write(home.plan(&grant), "{").unwrap();
    let away = put_away(&home);
    home.run(&["expire"]).exits(7).says(&grant);
    put_back(&away);
    home.run(&["expire"]).exits(0);
    home.settled();
}

/// Puts an older copy of the database in place.
fn restore(home: &Home, copy: &Path) {
    put_away(home);
    fs::copy(copy, home.ledger()).unwrap();
}

#[test]
fn p02_a_grant_that_a_restored_ledger_does_not_know_is_closed_and_recorded() {
    let home = Home::with_door();
    let copy = home.root().join("copy");
    home.run(&["ledger", "backup", copy.to_str().unwrap()]).exits(0);
    let (due, not_due) = (due(&home), unwatched(&home, "10m"));
    restore(&home, &copy);
    home.run(&["expire"]).exits(0);
    assert!(!home.target.is_open(&due) && home.target.is_open(&not_due));
    assert_eq!(home.kinds(&due), ["closed-from-plan"]);
    home.run(&["revoke", &not_due]).exits(0);
    assert_eq!(home.kinds(&not_due), ["closed-from-plan"]);
    home.settled();

    // Closed while there was no ledger at all, then an older one came back.
    let grant = unwatched(&home, "1s");
    thread::sleep(Duration::from_millis(1_100));
    put_away(&home);
    home.run(&["expire"]).exits(1);
    fs::copy(&copy, home.ledger()).unwrap();
    home.run(&["expire"]).exits(0);
    assert_eq!(home.kinds(&grant), ["closed-from-plan"]);
    home.settled();
}

#[test]
fn p02_a_ledger_restored_from_between_request_and_opening_forgets_nothing() {
    if !can_trace() {
        return;
    }
    let home = Home::with_door();
    let copy = home.root().join("copy");
    // Slow enough that a copy can be taken between two records.
    let slow = [
        "strace",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:delay_enter=400ms",
    ];
    let mut person = Person::start(&mut home.at_terminal_under(
        &slow,
        &home.wish("front", &["--for", "5s"]).iter().map(String::as_str).collect::<Vec<_>>(),
    ));
    person.expect("Type doors/front to confirm: ").send_line("doors/front");
    let requested = || home.entries().last().is_some_and(|facts| facts["kind"] == "requested");
    assert!(wait_until(requested, LONG));
    home.run(&["ledger", "backup", copy.to_str().unwrap()]).exits(0);
    person.exits(0);
    home.kill_watchdogs();
    let grant = home.grants()[0].clone();
    assert!(home.target.is_open(&grant));
    restore(&home, &copy);
    assert_eq!(home.kinds(&grant), ["requested"], "the copy was taken in between");
    thread::sleep(Duration::from_secs(5));
    home.run(&["expire"]).exits(0);
    assert_eq!(home.kinds(&grant), ["requested", "closed-from-plan"]);
    home.settled();
}

/// A door of two steps with this time-out.
fn two_steps(timeout: &str) -> Home {
    let home = Home::new();
    let step = |name: &str| home.target.step_named(name, &format!("{{grant.id}}-{name}"), timeout, "");
    let scope = Scope::new("front").with(step("one")).with(step("two"));
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

/// Starts an activation and waits until its first step runs.
fn half_way(home: &Home) -> Person {
    let mut person = home.person(&home.wish("front", &[]));
    person.expect("Type doors/front to confirm: ").send_line("doors/front");
    assert!(wait_until(|| home.target.calls("grant") == 1, LONG));
    person
}

#[test]
fn p02_a_half_open_step_is_closed_at_once_and_again_when_it_can_no_longer_act() {
    let home = two_steps("4s");
    // What it started goes on without it, and opens late.
    home.target.does("grant", "setsid sh -c \"sleep 3; : > $file\" & sleep 100");
    let mut person = half_way(&home);
    let began = Instant::now();
    home.kill_watchdogs();
    signal(person.id(), Signal::KILL);
    person.exit_code();
    home.run(&["expire"]).exits(0).says("waits until an interrupted step can no longer act");
    let grant = home.grants()[0].clone();
    assert_eq!(home.state(&grant), "closing");
    assert!(wait_until(|| !home.target.open().is_empty(), LONG), "the orphan opens after the first round");
    thread::sleep(Duration::from_secs(6).saturating_sub(began.elapsed()));
    home.run(&["expire"]).exits(0);
    assert_eq!(home.state(&grant), "activation-failed");
    home.settled();
}

/// An activation that is stopped in its first step until its time is over.
fn stopped_for_too_long(close: impl Fn(&Home)) {
    let home = two_steps("1s");
    home.target.does("grant", "case $name in *-one) kill -STOP $PPID;; esac");
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    home.run(&["expire"]).exits(0);
    assert_eq!(
        home.recorded_state(&grant).as_deref(),
        Some("activating"),
        "within its time it is left alone"
    );
    close(&home);
    assert!(wait_until(|| home.recorded_state(&grant).as_deref() == Some("activation-failed"), LONG));
    home.target.shuts();
    signal(person.id(), Signal::CONT);
    person.exits(6);
    assert_eq!(home.target.calls("grant"), 1, "the second step was not begun");
    home.settled();
}

#[test]
fn p02_an_activation_that_is_stopped_beyond_its_time_is_closed_and_then_closes_itself() {
    stopped_for_too_long(|home| {
        home.kill_watchdogs();
        // Ten seconds, and one for each of its two steps.
        thread::sleep(Duration::from_secs(13));
        home.run(&["expire"]).exits(0);
    });
}

#[test]
fn p02_an_activation_that_is_stopped_beyond_its_time_is_closed_by_its_watchdog() {
    stopped_for_too_long(|_| {});
}

#[test]
fn p02_an_activation_that_came_through_in_the_meantime_is_not_taken_for_half_open() {
    if !can_trace() {
        return;
    }
    let home = two_steps("10s");
    home.target.takes("grant", 1.0);
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    // Between looking what is due and taking its lock, `expire` sleeps.
    let calls = "trace=flock";
    let slow = "inject=flock:delay_enter=4s";
    let slow = ["strace", "-qq", "-f", "-b", "execve", "-o", "/dev/null", "-e", calls, "-e", slow];
    let began = Instant::now();
    home.run_under(&slow, &["expire"]).exits(0);
    assert!(began.elapsed() > Duration::from_secs(4), "it slept");
    person.exits(0);
    assert_eq!((home.state(&grant), home.target.open().len()), ("active".into(), 2));
    home.run(&["revoke", &grant]).exits(0);
    home.settled();
}

#[test]
fn p02_revoke_calls_off_a_running_activation() {
    let home = two_steps("10s");
    home.target.takes("grant", 2.0);
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    home.run(&["revoke", &grant]).exits(0);
    person.exits(6);
    assert_eq!(home.target.calls("grant"), 1, "the second step was not begun");
    assert_eq!(home.state(&grant), "activation-failed");
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

#[test]
fn p05_the_commands_of_a_plan_that_others_may_write_are_not_run() {
    let home = Home::with_door();
    for with_ledger in [true, false] {
        let grant = due(&home);
        let witness = home.root().join("witness");
        let plan = fs::read_to_string(home.plan(&grant)).unwrap();
        let script = home.target.path().join("script");
        let evil = home.root().join("evil");
        fs::write(&evil, format!(": > {}", witness.display())).unwrap();
        let evil = plan.replace(script.to_str().unwrap(), evil.to_str().unwrap());
        assert_ne!(plan, evil);
        fs::write(home.plan(&grant), evil).unwrap();
        fs::set_permissions(home.path().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
        if with_ledger {
            home.run(&["expire"]).exits(0).says("made anew from the ledger");
            assert!(!home.target.is_open(&grant));
        } else {
            let away = put_away(&home);
            assert_ne!(home.run(&["expire"]).code, Some(0));
            put_back(&away);
        }
        assert!(!witness.exists(), "somebody else's commands were run");
        fs::set_permissions(home.path().join("open"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    fs::remove_file(home.plan(home.grants().last().unwrap())).unwrap();
    home.run(&["expire"]).exits(0);
    home.settled();
}
