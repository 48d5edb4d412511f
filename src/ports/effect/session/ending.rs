//! Ending a session from another process: by what the close plan says of it.

use super::super::process_group::{members_of_session, named, parent_of, still_runs};
use super::cgroup::Cell;
use super::descendants;
use crate::core::plan::{PlannedSession, ProcessGroup};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long a keeper has: its own grace, and its tries to kill what is left.
const KEEPER_WITHIN: Timespec = Timespec { tv_sec: 8, tv_nsec: 0 };
/// How long what nobody keeps is killed anew.
const WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);
/// No tree is deeper.
const DEEPEST: usize = 1_000;

/// Ends a session, and says whether it is proved that nothing of it is left.
///
/// `boot_id` is that of now: after another boot nothing is. A number that means another process
/// by now is never signalled. Waits for some ten seconds at most.
pub fn end_session(planned: &PlannedSession, boot_id: &str) -> bool {
    if planned.boot_id != boot_id {
        return true;
    }
    let kept: Vec<ProcessGroup> = match still_runs(&planned.keeper) {
        true => descendants::of(planned.keeper.id).into_iter().filter_map(named).collect(),
        false => Vec::new(),
    };
    // A keeper that leaves by itself leaves nothing behind; what it kept outlives one that was killed.
    let left =
        hold(planned.keeper).is_some_and(|keeper| asked_to_leave(&keeper)) && !kept.iter().any(still_runs);
    if still_runs(&planned.keeper) {
        // Stopped, or it can't do it: what it has adopted is killed before it hands it on.
        descendants::signal(&descendants::of(planned.keeper.id), Signal::KILL);
        if let Some(keeper) = hold(planned.keeper) {
            // It may be gone by now, which is as good.
            let _ = pidfd_send_signal(&keeper, Signal::KILL);
        }
    }
    let emptied = planned.cgroup.as_ref().map(|path| match Cell::named(path) {
        Some(cell) => {
            let emptied = cell.kill();
            if emptied {
                cell.remove();
            }
            emptied
        }
        // Nothing is killed that glass did not make, and nothing is proved.
        None => false,
    });
    let quiet = silence(planned.keeper, &kept);
    emptied.unwrap_or(left) && quiet
}

/// Ends what is in the cgroup of a session that no plan names, and says whether it is proved that
/// nothing of it is left; nothing where there is no such cgroup, or nobody may look.
pub fn end_unplanned(session: &str) -> Option<bool> {
    let cell = Cell::find(session)?;
    let emptied = cell.kill();
    if emptied {
        cell.remove();
    }
    Some(emptied)
}

/// Whether this very process was started in that session: who ends it ends itself.
pub fn holds_this_process(planned: &PlannedSession, boot_id: &str) -> bool {
    let mut next = Some(std::process::id().cast_signed());
    for _ in 0..DEEPEST {
        match next {
            Some(id) if id == planned.keeper.id => {
                return planned.boot_id == boot_id && still_runs(&planned.keeper);
            }
            Some(id) if id > 1 => next = parent_of(id),
            _ => return false,
        }
    }
    false
}

/// A handle on that very process; nothing where it is gone.
fn hold(group: ProcessGroup) -> Option<OwnedFd> {
    let held = pidfd_open(Pid::from_raw(group.id.max(0))?, PidfdFlags::empty()).ok()?;
    // Looked at once more: now its number can't become another's.
    still_runs(&group).then_some(held)
}

fn asked_to_leave(keeper: &OwnedFd) -> bool {
    // Someone may have stopped it.
    if [Signal::TERM, Signal::CONT].into_iter().any(|signal| pidfd_send_signal(keeper, signal).is_err()) {
        return false;
    }
    // One that was stopped hears it only once it goes on.
    let _ = pidfd_send_signal(keeper, Signal::CONT);
    let mut polled = [PollFd::new(keeper, PollFlags::IN)];
    matches!(poll(&mut polled, Some(&KEEPER_WITHIN)), Ok(ready) if ready > 0)
}

/// Kills what is left of the session that the keeper led and of what it was seen to keep, as far as
/// that can be told: what made a session of its own and came later is in neither.
fn silence(keeper: ProcessGroup, kept: &[ProcessGroup]) -> bool {
    let give_up = Instant::now() + WITHIN;
    loop {
        let Ok(mut left) = members_of_session(&keeper) else { return false };
        for kept in kept.iter().filter(|kept| still_runs(kept)) {
            left.push(kept.id);
            left.extend(descendants::of(kept.id));
        }
        if left.is_empty() {
            return true;
        }
        descendants::signal(&left, Signal::KILL);
        if Instant::now() >= give_up {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This very process, as if it kept a session.
    fn own(boot_id: &str, later: u64) -> PlannedSession {
        let id = std::process::id().cast_signed();
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let start: u64 =
            stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap().parse().unwrap();
        let keeper = ProcessGroup { id, start: start + later };
        PlannedSession { id: "s-x".into(), keeper, boot_id: boot_id.into(), cgroup: None }
    }

    #[test]
    fn p02_after_another_boot_nothing_of_a_session_is_left_and_nothing_is_signalled() {
        // It would not come back from being ended.
        assert!(end_session(&own("before", 0), "now"));
        assert!(holds_this_process(&own("now", 0), "now"));
        assert!(!holds_this_process(&own("before", 0), "now"));
    }

    #[test]
    fn p13_a_number_that_means_another_process_by_now_is_never_signalled_and_proves_nothing() {
        assert!(!end_session(&own("now", 1), "now"));
        assert!(!holds_this_process(&own("now", 1), "now"));
    }
}
