//! What a process has started, and what that has: by the kernel's own lists (proc_pid_task(5),
//! `children`); by a search of all processes only where the kernel keeps none.

use super::super::process_group::parent_of;
use super::cgroup::Cell;
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

/// Deeper is no tree.
const MOST: usize = 100_000;
/// How long they are killed anew before it is said that some may be left.
const WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// Ends all that this process, which adopts orphans, has below it and in the cell: SIGHUP, so
/// much grace, SIGKILL. Says whether it is proved that nothing is left: who adopts and has no
/// child has no descendant either. `seen` gets what became of each child.
pub(super) fn end(grace: Duration, cell: Option<&Cell>, seen: &mut dyn FnMut(WaitStatus)) -> bool {
    let own = std::process::id().cast_signed();
    let all = || {
        let mut all = of(own);
        all.extend(cell.map(Cell::members).unwrap_or_default());
        all
    };
    let is_over = |seen: &mut dyn FnMut(WaitStatus)| {
        reap(seen) && cell.is_none_or(|cell| cell.is_empty() == Some(true))
    };
    let began = Instant::now();
    if !is_over(seen) {
        signal(&all(), Signal::HUP);
        // What was stopped hears it only once it goes on.
        signal(&all(), Signal::CONT);
    }
    while !is_over(seen) {
        if began.elapsed() >= grace + WITHIN {
            return false;
        }
        if began.elapsed() >= grace {
            cell.map(Cell::kill);
            // Again each round: one may have forked while the signal was on its way.
            signal(&all(), Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
    if let Some(cell) = cell {
        cell.remove();
    }
    true
}

/// Takes what became of children; true once there is none left.
pub(super) fn reap(seen: &mut dyn FnMut(WaitStatus)) -> bool {
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
    loop {
        match waitpid(None, Some(flags)) {
            Ok(WaitStatus::StillAlive) => return false,
            Ok(status) => seen(status),
            Err(Errno::EINTR) => {}
            Err(errno) => return errno == Errno::ECHILD,
        }
    }
}

/// Every process below this one, parents before their children.
pub(super) fn of(root: i32) -> Vec<i32> {
    let mut found = children(root);
    let mut at = 0;
    while at < found.len() && found.len() < MOST {
        found.extend(children(found[at]));
        at += 1;
    }
    found
}

fn children(id: i32) -> Vec<i32> {
    let mut found = Vec::new();
    // Who ended meanwhile has none left: they went to whoever adopts.
    let Ok(tasks) = fs::read_dir(format!("/proc/{id}/task")) else { return found };
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().filter_map(|id| id.parse::<i32>().ok())),
            // A kernel without these lists (CONFIG_PROC_CHILDREN), if the task has not just ended.
            Err(_) if task.path().exists() => return children_by_search(id),
            Err(_) => {}
        }
    }
    found
}

/// The same, by asking each process of the system for its parent.
fn children_by_search(id: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|child| parent_of(*child) == Some(id)).collect()
}

/// Signals each; those that are gone meanwhile need none.
pub(super) fn signal(ids: &[i32], signal: Signal) {
    for id in ids.iter().filter_map(|id| Pid::from_raw((*id).max(0))) {
        let _ = kill_process(id, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        // Init has some wherever there is more than this test.
        for id in [1, std::os::unix::process::parent_id().cast_signed()] {
            let sorted = |mut ids: Vec<i32>| {
                ids.sort_unstable();
                ids
            };
            let same = (0..50).any(|_| sorted(children(id)) == sorted(children_by_search(id)));
            assert!(same, "{:?} and {:?}", children(id), children_by_search(id));
        }
        let own = std::process::id().cast_signed();
        assert!(children_by_search(std::os::unix::process::parent_id().cast_signed()).contains(&own));
    }
}
