//! Processes that belong to one test: those that name its directory.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The living processes that fit, by their command line and environment (zombies have neither).
fn find(mut fits: impl FnMut(&[u8], &[u8]) -> bool) -> Vec<Pid> {
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // What ends meanwhile, or belongs to someone else, has nothing to read.
        let part = |name| fs::read(entry.path().join(name)).unwrap_or_default();
        if pid != own && fits(&part("cmdline"), &part("environ")) {
            found.extend(Pid::from_raw(pid.cast_signed()));
        }
    }
    found
}

/// Whether this process still runs.
pub fn alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The living processes with all of these texts on their command line.
pub fn with_argument(texts: &[&str]) -> Vec<Pid> {
    find(|cmdline, _| texts.iter().all(|text| contains(cmdline, text.as_bytes())))
}

/// The living processes that name this directory on their command line or in their environment.
pub fn of_directory(directory: &Path) -> Vec<Pid> {
    let name = directory.as_os_str().as_encoded_bytes();
    find(|cmdline, environ| contains(cmdline, name) || contains(environ, name))
}

/// Ends everything that names this directory on its command line or in its environment.
pub fn end_all(directory: &Path) {
    for _ in 0..200 {
        let left = of_directory(directory);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended by itself since it was found.
            let _ = kill_process(pid, Signal::KILL);
        }
        sleep(Duration::from_millis(10));
    }
}
