//! Sessions of a test: what they leave running, what the plan and the record say of them, and
//! where they run.

use super::processes::of_directory;
use super::{Home, LONG, alive, names, skipped, with_argument};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a home's Drop must still find when its own program's copies are gone.
const CELL: &str = "glass-s-";

/// A session as its grant's plan names it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its id.
    pub id: String,
    /// Its keeper.
    pub keeper: Pid,
    /// Its cgroup, where it has one.
    pub cgroup: Option<PathBuf>,
}

impl Home {
    /// A program that only waits, and names this home: `PATH SECONDS`.
    pub fn waiter(&self) -> PathBuf {
        let directory = self.root().join("bin");
        let path = directory.join("sleep");
        if !path.exists() {
            fs::create_dir_all(&directory).unwrap();
            fs::copy("/bin/sleep", &path).unwrap();
        }
        path
    }

    /// The waiters that run.
    pub fn waiting(&self) -> Vec<Pid> {
        let path = self.waiter();
        let starts = |pid: &Pid| {
            let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            line.starts_with(path.as_os_str().as_encoded_bytes())
        };
        with_argument(&[path.to_str().unwrap()]).into_iter().filter(starts).collect()
    }

    /// Every process that names this home, but for the watchdogs: their command lines.
    pub fn strays(&self) -> Vec<String> {
        let line = |pid: &Pid| {
            let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            String::from_utf8_lossy(&line).replace('\0', " ")
        };
        let lines = of_directory(self.root()).iter().map(line).collect::<Vec<_>>();
        lines.into_iter().filter(|line| !line.is_empty() && !line.contains("__watchdog")).collect()
    }

    /// The sessions that a grant's plan names.
    pub fn planned(&self, grant: &str) -> Vec<Planned> {
        let plan = fs::read(self.plan(grant)).unwrap_or_default();
        let plan: Value = serde_json::from_slice(&plan).unwrap_or_default();
        let sessions = plan["sessions"].as_array().cloned().unwrap_or_default();
        let planned = |session: &Value| Planned {
            id: session["id"].as_str().unwrap().to_owned(),
            keeper: Pid::from_raw(session["keeper"]["id"].as_i64().unwrap() as i32).unwrap(),
            cgroup: session["cgroup"].as_str().map(PathBuf::from),
        };
        sessions.iter().map(planned).collect()
    }

    /// The entries of this kind, oldest first.
    pub fn told(&self, kind: &str) -> Vec<Value> {
        self.entries().into_iter().filter(|facts| facts["kind"] == kind).collect()
    }

    /// Demands that nothing of any session is left: no process, no cgroup, no lock, no plan's
    /// entry.
    #[track_caller]
    pub fn is_silent(&self) {
        assert_eq!(self.strays(), [] as [&str; 0], "still runs");
        assert_eq!(cells(&self.path()), [] as [PathBuf; 0], "a cgroup is left");
        let locks = names(&self.path().join("locks"));
        assert!(!locks.iter().any(|name| name.starts_with("s-")), "left in locks/: {locks:?}");
        // What was half written goes when its grant is closed.
        let plans = names(&self.path().join("open"));
        for plan in plans.into_iter().filter(|name| !name.starts_with('.')) {
            let text = fs::read_to_string(self.path().join("open").join(&plan)).unwrap();
            assert!(!text.contains("\"sessions\""), "{plan}: {text}");
        }
    }
}

/// Where glass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// As root, where a cgroup can be made.
    Cell,
    /// As root, with no cgroup2 to be seen.
    NoCell,
    /// As a user who is nobody.
    Nobody,
}

/// `nobody`, on every system that has one.
pub const NOBODYS: u32 = 65_534;

impl Setting {
    /// Those that can be had here.
    pub fn all() -> Vec<Self> {
        let root = rustix::process::geteuid().is_root();
        if !root {
            let _ = skipped("sessions in a cgroup, and as another user, need root");
            return vec![Self::NoCell];
        }
        let mut all = vec![Self::NoCell, Self::Nobody];
        match mounts().is_empty() {
            true => drop(skipped("no cgroup2 is mounted")),
            false => all.push(Self::Cell),
        }
        all
    }

    /// The one that holds a session best.
    pub fn best() -> Self {
        Self::all().pop().unwrap()
    }

    /// What holds a session here, as the record names it.
    pub const fn contained(self) -> &'static str {
        match self {
            Self::Cell => "cgroup",
            Self::NoCell | Self::Nobody => "subreaper",
        }
    }

    /// The command that glass runs under.
    fn wrapper(self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Self::NoCell if rustix::process::geteuid().is_root() => {
                let unmount = mounts().into_iter().map(|mount| format!("umount -l {}; ", mount.display()));
                let script = unmount.collect::<String>() + "exec \"$@\"";
                words(&["unshare", "-m", "sh", "-c", &script, "sh"])
            }
            Self::Cell | Self::NoCell => Vec::new(),
            Self::Nobody => {
                let (uid, gid) = (format!("--reuid={NOBODYS}"), format!("--regid={NOBODYS}"));
                words(&["setpriv", &uid, &gid, "--clear-groups"])
            }
        }
    }

    /// A home with one door, of whoever runs glass here.
    pub fn home(self) -> Home {
        let mut home = Home::with_door();
        home.waiter();
        home.under = self.wrapper();
        if self == Self::Nobody {
            let owner = format!("{NOBODYS}:{NOBODYS}");
            let status = Command::new("chown").args(["-R", &owner]).arg(home.root()).status();
            assert!(status.unwrap().success());
        }
        home
    }
}

/// Where cgroup2 is mounted.
fn mounts() -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = text.lines().filter(|line| line.contains(" - cgroup2 "));
    mounts.map(|line| PathBuf::from(line.split(' ').nth(4).unwrap())).collect()
}

/// The cgroups of a home's sessions, as far as its files name them.
fn cells(home: &Path) -> Vec<PathBuf> {
    let ours: Vec<String> = ["recordings", "locks"]
        .iter()
        .flat_map(|part| fs::read_dir(home.join(part)).into_iter().flatten().flatten())
        .filter_map(|file| file.file_name().into_string().ok())
        .filter(|name| name.starts_with("s-"))
        .map(|name| format!("glass-{}", name.split('.').next().unwrap()))
        .collect();
    let mut found = Vec::new();
    let mut to_look = mounts();
    while let Some(directory) = to_look.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_cell = entry.file_name().to_str().is_some_and(|name| name.starts_with(CELL));
                match is_cell && ours.iter().any(|name| entry.file_name() == name.as_str()) {
                    true => found.push(entry.path()),
                    false => to_look.push(entry.path()),
                }
            }
        }
    }
    found
}

/// Ends what a failed test left of its sessions: keepers name no home.
pub(super) fn end_sessions(home: &Home) {
    for plan in fs::read_dir(home.path().join("open")).into_iter().flatten().flatten() {
        let name = plan.file_name().into_string().unwrap_or_default();
        for planned in home.planned(name.trim_end_matches(".json")) {
            let line = fs::read(format!("/proc/{}/cmdline", planned.keeper.as_raw_nonzero()));
            if line.is_ok_and(|line| line.starts_with(b"glass\0__session\0")) {
                // It may have ended by itself since.
                let _ = kill_process(planned.keeper, Signal::KILL);
            }
        }
    }
}

/// Removes the cgroups that a failed test left, once nobody is in them.
pub(super) fn remove_cells(home: &Path) {
    for cell in cells(home) {
        let _ = fs::write(cell.join("cgroup.kill"), "1");
        let gone = || fs::remove_dir(&cell).is_ok() || !cell.exists();
        // Tests can't do more about it.
        let _ = super::wait_until(gone, LONG);
    }
}

/// Demands that all of these end in time.
#[track_caller]
pub fn all_end(pids: &[Pid]) {
    let gone = || !pids.iter().any(|pid| alive(*pid));
    assert!(super::wait_until(gone, LONG), "still alive: {pids:?}");
}
