//! A command's process group, named so that it can be told from a later one of the same number.

use crate::core::plan::ProcessGroup;
use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long the end of a group is waited for.
const WITHIN: Duration = Duration::from_secs(1);

/// Pause between two looks at the process table.
const PAUSE: Duration = Duration::from_millis(10);

/// What is needed of one line of `/proc/PID/stat` (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    parent: i32,
    group: i32,
    session: i32,
    start: u64,
}

impl Stat {
    /// Counts from the last `)`: the program's name before it may hold anything.
    fn parse(line: &[u8]) -> Option<Self> {
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let fields: Vec<&str> = str::from_utf8(&line[end + 1..]).ok()?.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }

    /// Nothing where the process is gone.
    fn of(id: i32) -> Option<Self> {
        fs::read(format!("/proc/{id}/stat")).ok().and_then(|line| Self::parse(&line))
    }

    /// A zombie acts no more; it only waits to be counted.
    fn acts(&self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }
}

/// The group that this running process leads.
pub(super) fn led_by(id: i32) -> Option<ProcessGroup> {
    Stat::of(id).filter(|stat| stat.group == id).map(|stat| ProcessGroup { id, start: stat.start })
}

/// This process, named so that a later one of its number is not taken for it.
pub(super) fn named(id: i32) -> Option<ProcessGroup> {
    Stat::of(id).map(|stat| ProcessGroup { id, start: stat.start })
}

/// Whether this very leader still runs.
pub(super) fn still_runs(group: &ProcessGroup) -> bool {
    Stat::of(group.id).is_some_and(|stat| stat.start == group.start && stat.acts())
}

/// Who started a process, or adopted it.
pub(super) fn parent_of(id: i32) -> Option<i32> {
    Stat::of(id).map(|stat| stat.parent)
}

/// The members, but zombies, of the session that this process leads or led; none where its number
/// means another process by now.
pub(super) fn members_of_session(leader: &ProcessGroup) -> io::Result<Vec<i32>> {
    let mut members = Vec::new();
    if was_reused(leader) {
        return Ok(members);
    }
    for entry in fs::read_dir("/proc")? {
        let id = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        let stat = id.and_then(Stat::of).filter(|stat| stat.session == leader.id && stat.acts());
        members.extend(id.filter(|_| stat.is_some()));
    }
    Ok(members)
}

/// Whether a member but zombies is left.
pub(super) fn acts(group: &ProcessGroup) -> io::Result<bool> {
    for entry in fs::read_dir("/proc")? {
        let member = entry?.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Stat::of);
        if member.is_some_and(|m| m.group == group.id && m.session == group.id && m.acts()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the number means another process by now. While members of a group live, the
/// kernel gives its number to no new process, so another leader also means: all gone.
fn was_reused(group: &ProcessGroup) -> bool {
    Stat::of(group.id).is_some_and(|leader| leader.start != group.start)
}

/// Signals all members; a group that is gone is no error.
pub(super) fn signal(group: &ProcessGroup, signal: Signal) -> io::Result<()> {
    // 0, 1 and negative numbers mean everyone, or init.
    match Pid::from_raw(group.id.max(0)) {
        Some(id) if group.id > 1 && id != getpgrp() => match kill_process_group(id, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => Ok(other?),
        },
        _ => Err(io::Error::other(format!("{} is not the number of a command", group.id))),
    }
}

/// Ends what is left of a command whose glass died, and says whether it is gone.
///
/// The group must be of the same boot. Never touches a later process of the same number;
/// waits at most a second; `false` (also where the process table can't be read, or the
/// members belong to another user) means that the command may still act.
pub fn end_process_group(group: &ProcessGroup) -> bool {
    let deadline = Instant::now() + WITHIN;
    loop {
        if was_reused(group) {
            return true;
        }
        match acts(group) {
            Ok(false) => return true,
            // Again each round: a member may have forked while the signal was on its way.
            Ok(true) if signal(group, Signal::KILL).is_ok() && Instant::now() < deadline => {
                thread::sleep(PAUSE)
            }
            Ok(true) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = "42 (a) b (c)) S 1 40 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1 1";

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = Stat { state: b'S', parent: 1, group: 40, session: 41, start: 98765 };
        assert_eq!(Stat::parse(LINE.as_bytes()), Some(stat));
    }

    #[test]
    fn p03_what_is_not_this_group_is_never_signalled() {
        let own = getpgrp().as_raw_nonzero().get();
        for id in [i32::MIN, -1, 0, 1, own] {
            assert!(signal(&ProcessGroup { id, start: 0 }, Signal::KILL).is_err(), "{id}");
        }
        // This very process leads no group of that start: the number was reused, so it is gone.
        let id = std::process::id() as i32;
        assert!(end_process_group(&ProcessGroup { id, start: 1 }));
        assert!(end_process_group(&ProcessGroup { id: i32::MAX, start: 1 }));
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Stat::parse(&line).is_none_or(|_| line.contains(&b')')));
        }
    }
}
