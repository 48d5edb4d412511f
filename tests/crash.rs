//! `kill -9` before, between and after every point at which anything is written down (P2):
//! whatever is left, the next `expire` closes.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{Home, LONG, Person, Scope, can_trace, killing, signal, text, wait_until, with_argument};

/// What makes a record durable, or visible, or takes it away.
const RECORDS: &str =
    "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,flock,ftruncate,mkdir,mkdirat";
/// What writes it: many small ones, of which some are tried.
const WRITES: &str = "write,pwrite64";
/// How long a grant of these tests lasts.
const SECONDS: u64 = 4;
/// Time-out of each step.
const STEP_SECONDS: u64 = 2;

/// A door of two steps, the first of which hands out a secret.
fn home() -> Home {
    let home = Home::new();
    // Each effect looks whether its intent and its plan are on disk.
    let unplanned = "[ -e $TARGET/../home/open/${name%-*}.json ] || : > $TARGET/unplanned";
    home.target.does("grant", &format!("echo \"token of $name\"; {unplanned}"));
    let limit = format!("{STEP_SECONDS}s");
    let secret = "output = { token = { line = 1, env = \"TOKEN\" } }";
    let scope = Scope::new("front")
        .set("duration", &format!("{{ default = \"{SECONDS}s\", max = \"1h\" }}"))
        .set("limits", "{ concurrent = 1000 }")
        .with(home.target.step_named("one", "{grant.id}-one", &limit, secret))
        .with(home.target.step_named("two", "{grant.id}-two", &limit, ""));
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

/// Activates under a wrapper; whether it came to its end. A watchdog that was killed before it
/// was armed makes it fail by itself.
fn activates(home: &Home, wrapper: &[String], watched: bool) -> bool {
    let mut person = Person::start(&mut home.at_terminal_under(wrapper, &home.wish("front", &[])));
    if person.meets("Type doors/front to confirm: ") {
        person.send_line("doors/front");
    }
    match person.exit_code() {
        0 => true,
        137 => false,
        6 if !watched => false,
        other => panic!("exit code {other}; the screen:\n{}", person.screen()),
    }
}

/// Kills an activation at every point of `calls`, `stride` apart, several at once.
fn kill_everywhere(home: &Home, calls: &str, stride: usize, watched: bool) -> usize {
    let (next, through) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !through.load(Ordering::Relaxed) {
                    let nth = 1 + stride * next.fetch_add(1, Ordering::Relaxed);
                    if activates(home, &killing(calls, nth, false), watched) {
                        through.store(true, Ordering::Relaxed);
                    }
                    if !watched {
                        home.kill_watchdogs();
                    }
                }
            });
        }
    });
    next.into_inner()
}

/// After the deadline and the time-outs, one `expire` and all is well.
fn one_expire(home: &Home) {
    thread::sleep(Duration::from_secs(SECONDS + STEP_SECONDS + 2));
    home.run(&["expire"]).exits(0);
    home.settled();
}

#[test]
fn p02_an_activation_killed_at_any_point_is_closed_by_its_watchdog() {
    if !can_trace() {
        return;
    }
    let home = home();
    let points = kill_everywhere(&home, RECORDS, 1, true) + kill_everywhere(&home, WRITES, 7, true);
    assert!(points > 30, "only {points} points");
    // No `expire` yet: the watchdogs close what opened.
    assert!(wait_until(|| home.target.open().is_empty(), LONG), "open: {:?}", home.target.open());
    one_expire(&home);
    let watchdogs = || with_argument(&["__watchdog", home.root().to_str().unwrap()]);
    assert!(wait_until(|| watchdogs().is_empty(), LONG), "watchdogs are left: {:?}", watchdogs());
}

#[test]
fn p02_an_activation_killed_at_any_point_with_its_watchdog_is_closed_by_one_expire() {
    if !can_trace() {
        return;
    }
    let home = home();
    let points = kill_everywhere(&home, RECORDS, 1, false) + kill_everywhere(&home, WRITES, 7, false);
    assert!(points > 30, "only {points} points");
    one_expire(&home);
}

#[test]
fn p02_activations_killed_at_random_moments_are_closed_by_one_expire() {
    let home = home();
    let seed = std::env::var("GLASS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        u64::from(std::process::id()) << 20 | u64::from(Instant::now().elapsed().subsec_nanos() + 1)
    });
    println!("GLASS_TEST_SEED={seed}");
    let moments = Moments(seed.into());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..12 {
                    let mut person = home.person(&home.wish("front", &[]));
                    person.expect("Type doors/front to confirm: ").send_line("doors/front");
                    thread::sleep(Duration::from_millis(moments.below(600)));
                    // It may have come through by now.
                    let _ = std::panic::catch_unwind(|| signal(person.id(), Signal::KILL));
                    person.exit_code();
                    if moments.below(2) == 0 {
                        home.kill_watchdogs();
                    }
                }
            });
        }
    });
    one_expire(&home);
}

/// Random numbers that a seed brings back.
struct Moments(AtomicU64);

impl Moments {
    fn below(&self, end: u64) -> u64 {
        // SplitMix64.
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// A home with a due grant that nobody watches, to be copied for each try.
struct Due {
    home: Home,
    grant: String,
}

impl Due {
    fn new() -> Self {
        let home = home();
        let grant = home.activate_ok("front", &["--for", "1s"]);
        home.kill_watchdogs();
        thread::sleep(Duration::from_millis(1_100));
        assert_eq!(home.target.open().len(), 2, "both steps are open");
        Self { home, grant }
    }

    /// A fresh copy of the home, with the access open again.
    fn again(&self) -> PathBuf {
        let copy = self.home.root().join("copy");
        let _ = fs::remove_dir_all(&copy);
        let copied = Command::new("cp").arg("-a").arg(self.home.path()).arg(&copy).status();
        assert!(copied.unwrap().success());
        for step in ["one", "two"] {
            fs::write(self.home.target.file(&format!("{}-{step}", self.grant)), "").unwrap();
        }
        copy
    }

    /// Kills `args` at the `nth` of `calls`, then lets one `expire` close; whether it was killed.
    fn killed(&self, calls: &str, nth: usize, args: &[String], copy: &Path) -> bool {
        let first = self.home.run_at(copy, &killing(calls, nth, true), &strs(args));
        self.home.run_at(copy, &[] as &[&str], &["expire"]).exits(0);
        self.home.settled_at(copy);
        first.code != Some(0)
    }
}

/// Kills a closing at every point of every kind, each time on a fresh copy of a due home.
fn kill_closings(args: impl Fn(&Due, &Path) -> Vec<String> + Sync) {
    thread::scope(|scope| {
        for (calls, stride) in [(RECORDS, 1), (WRITES, 2)] {
            scope.spawn(move || {});
            let args = &args;
            for part in 0..2 {
                scope.spawn(move || {
                    let due = Due::new();
                    let mut nth = 1 + part * stride;
                    loop {
                        let copy = due.again();
                        if !due.killed(calls, nth, &args(&due, &copy), &copy) {
                            break;
                        }
                        nth += 2 * stride;
                    }
                    assert!(nth > 5, "only {nth} points");
                });
            }
        }
    });
}

#[test]
fn p02_an_expire_killed_at_any_point_is_made_good_by_the_next() {
    if can_trace() {
        kill_closings(|_, _| vec!["expire".into()]);
    }
}

#[test]
fn p02_a_watchdog_killed_at_any_point_is_made_good_by_one_expire() {
    if can_trace() {
        kill_closings(|due, copy| {
            let [config, state] = [copy, copy].map(|path| path.to_str().unwrap().to_owned());
            vec!["__watchdog".into(), config, state, due.grant.clone()]
        });
    }
}

#[test]
fn p01_no_effect_runs_without_its_recorded_intent_and_plan_whatever_the_disk_refuses() {
    if !can_trace() {
        return;
    }
    let home = home();
    let calls = "pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate,fallocate";
    for nth in 1.. {
        // From this point on, the disk takes nothing.
        let mut full = killing(calls, nth, false);
        *full.last_mut().unwrap() = format!("inject={calls}:error=ENOSPC:when={nth}+");
        let mut person = Person::start(&mut home.at_terminal_under(&full, &strs(&home.wish("front", &[]))));
        if person.meets("Type doors/front to confirm: ") {
            person.send_line("doors/front");
        }
        match person.exit_code() {
            0 => break,
            1 | 6 | 7 => {}
            other => panic!("exit code {other}; the screen:\n{}", person.screen()),
        }
    }
    home.kill_watchdogs();
    let acted = fs::read_to_string(home.target.path().join("calls")).unwrap_or_default();
    let acted: Vec<_> = acted.lines().filter_map(|line| line.strip_prefix("grant ")).collect();
    assert!(acted.len() > 4, "{acted:?}");
    for name in acted {
        let kinds = home.kinds(name.rsplit_once('-').unwrap().0);
        assert!(kinds.starts_with(&["requested".into(), "opening".into()]), "{name}: {kinds:?}");
    }
    assert!(!home.target.path().join("unplanned").exists(), "a step was opened without its close plan");
    one_expire(&home);
}

fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}
