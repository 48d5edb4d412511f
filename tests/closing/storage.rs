//! Databases, plans and disks that are gone, damaged, full or older than they should be.

use super::{due, put_away, put_back, unwatched};
use crate::support::{GLASS, Home, LONG, Person, Ran, bare, can_trace, permitted, wait_until};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

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
