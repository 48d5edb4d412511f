//! What hostile tests need beside the rest: tools that may be missing, wrappers round the
//! binary, and the look at everything once it has settled.

use super::{GLASS, Home, Ran, bare};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether this system has what a test needs, tried by running a command that must succeed.
/// If not, the test says so and ends, or fails where `GLASS_TEST_REQUIRE` is set.
#[must_use]
pub fn permitted(what: &str, command: &[&str]) -> bool {
    let mut trial = Command::new(command[0]);
    trial.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let found = trial.status().is_ok_and(|status| status.success());
    if !found {
        assert!(std::env::var_os("GLASS_TEST_REQUIRE").is_none(), "not to be had here: {what}");
        eprintln!("skipped: not to be had here: {what}");
    }
    found
}

/// `strace` that kills what it runs at the `nth` of these system calls, before it is made.
/// `threads`: those of all threads count, but never those of the commands that glass starts.
pub fn killing(calls: &str, nth: usize, threads: bool) -> Vec<String> {
    let mut strace = vec!["strace".to_owned(), "-qq".into(), "-o".into(), "/dev/null".into()];
    if threads {
        strace.extend(["-f", "-b", "execve"].map(str::to_owned));
    }
    strace.extend(["-e".into(), format!("trace={calls}"), "-e".into()]);
    strace.push(format!("inject={calls}:signal=KILL:when={nth}"));
    strace
}

/// Whether `strace` can be had.
pub fn can_trace() -> bool {
    permitted("strace", &["strace", "-o", "/dev/null", "true"])
}

impl Home {
    /// Runs glass under a wrapper, without a terminal.
    pub fn run_under(&self, wrapper: &[impl AsRef<OsStr>], args: &[impl AsRef<OsStr>]) -> Ran {
        self.run_at(&self.path(), wrapper, args)
    }

    /// The same on another home directory than its own, such as a copy.
    pub fn run_at(&self, home: &Path, wrapper: &[impl AsRef<OsStr>], args: &[impl AsRef<OsStr>]) -> Ran {
        let mut command = bare(self, "setsid");
        command
            .args(&self.under)
            .args(wrapper)
            .arg(GLASS)
            .arg("--home")
            .arg(home)
            .args(args)
            .stdin(Stdio::null());
        Ran::of(&mut command)
    }

    /// Glass under a wrapper that makes its standard input its controlling terminal.
    pub fn at_terminal_under(&self, wrapper: &[impl AsRef<OsStr>], args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = bare(self, "setsid");
        command
            .arg("--ctty")
            .args(&self.under)
            .args(wrapper)
            .arg(GLASS)
            .arg("--home")
            .arg(self.path())
            .args(args);
        command
    }

    /// Ends every watchdog of this home.
    pub fn kill_watchdogs(&self) {
        for pid in super::with_argument(&["__watchdog", self.root().to_str().unwrap()]) {
            // It may have ended by itself since it was found.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Where the close plan of a grant is.
    pub fn plan(&self, grant: &str) -> PathBuf {
        self.path().join("open").join(format!("{grant}.json"))
    }

    /// Demands that all has ended: nothing open, no grant on its way, nothing left behind, and
    /// a ledger that verifies.
    #[track_caller]
    pub fn settled(&self) {
        self.settled_at(&self.path());
    }

    /// The same of another home directory, such as a copy.
    #[track_caller]
    pub fn settled_at(&self, home: &Path) {
        assert_eq!(self.target.open(), [] as [&str; 0], "open at the target");
        let none: &[&str] = &[];
        let status = self.run_at(home, none, &["status", "--all", "--format", "json"]).exits(0).json();
        let grants = status["grants"].as_array().unwrap();
        for grant in grants {
            let state = grant["state"].as_str().unwrap();
            assert!(["closed", "activation-failed"].contains(&state), "{grant:#}");
            for step in grant["steps"].as_array().unwrap() {
                let state = step["state"].as_str().unwrap();
                assert!(["closed", "failed", "pending"].contains(&state), "{grant:#}");
            }
            assert_eq!(grant["review"]["due_at"].is_string(), state == "closed", "{grant:#}");
        }
        self.run_at(home, none, &["ledger", "verify"]).exits(0);
        self.tidy_at(home);
        for grant in grants {
            for secrets in secrets_of(grant["id"].as_str().unwrap()) {
                assert!(!secrets.exists(), "secrets are left in {}", secrets.display());
            }
        }
    }

    /// Demands that no plan and no lock is left.
    #[track_caller]
    pub fn tidy_at(&self, home: &Path) {
        assert_eq!(names(&home.join("open")), [] as [&str; 0], "left in open/");
        let locks: Vec<_> = names(&home.join("locks")).into_iter().filter(|name| name != ".guard").collect();
        assert_eq!(locks, [] as [&str; 0], "left in locks/");
    }
}

/// Where the secrets of a grant may lie.
fn secrets_of(grant: &str) -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let places = [format!("/run/user/{uid}/glass"), "/run/glass".into(), format!("/dev/shm/glass-{uid}")];
    places.iter().map(|place| Path::new(place).join(grant)).collect()
}

/// Removes the secrets of a home's grants that a failed test left open.
pub(super) fn remove_secrets(home: &Path) {
    for lock in fs::read_dir(home.join("locks")).into_iter().flatten().flatten() {
        let name = lock.file_name();
        for secrets in name.to_str().filter(|name| name.starts_with("g-")).into_iter().flat_map(secrets_of) {
            // Most grants have none.
            let _ = fs::remove_dir_all(secrets);
        }
    }
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}
