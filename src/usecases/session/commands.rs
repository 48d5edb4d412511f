//! The command log of a session while it runs: what its shell tells, and what the process tree shows.

use super::recorder::Recorder;
use crate::core::session::commands::Line;
use crate::core::session::hook::{FIFO, Report, TELLS};
use crate::ports::effect::{Change, HookDir, Tree};
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// Both sources.
pub(super) struct Commands {
    hook: Option<HookDir>,
    tree: Tree,
    /// Processes by which a shell tells the hook: no commands of the person.
    telling: HashSet<u32>,
}

impl Commands {
    /// Of the session that this keeper leads.
    pub(super) fn of(keeper: i32, hook: Option<HookDir>) -> Self {
        Self { hook, tree: Tree::new(keeper.cast_unsigned()), telling: HashSet::new() }
    }

    /// Readable when the shell has told something.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.hook.as_ref().map(AsFd::as_fd)
    }

    /// Takes what the shell told.
    pub(super) fn hear(&mut self, recorder: &mut Recorder) {
        let reports = self.hook.as_mut().map(HookDir::reports).unwrap_or_default();
        for report in reports {
            let at = recorder.elapsed();
            match report {
                Report::Typed { shell, cwd, text, cut } => {
                    recorder.mark(&text);
                    recorder.log(&Line::Typed { at, shell, cwd, text, cut });
                }
                Report::Done { shell, exit } => recorder.log(&Line::Done { at, shell, exit }),
            }
        }
    }

    /// Looks at the tree.
    pub(super) fn look(&mut self, recorder: &mut Recorder) {
        if !recorder.has_files() {
            return;
        }
        for change in self.tree.sample() {
            let at = recorder.elapsed();
            if let Some(line) = self.line(at, change) {
                recorder.log(&line);
            }
        }
    }

    fn line(&mut self, at: Duration, change: Change) -> Option<Line> {
        match change {
            Change::Began { pid, ppid, argv, cwd, cut } => {
                if self.tells(ppid, &argv) {
                    self.telling.insert(pid);
                    return None;
                }
                self.telling.remove(&pid);
                Some(Line::Process { at, pid, ppid, argv, cwd, cut })
            }
            Change::Ended { pid } if self.telling.remove(&pid) => None,
            Change::Ended { pid } => Some(Line::Ended { at, pid, exit: None }),
        }
    }

    /// Whether that very program is how a shell tells the hook: whoever runs the same tells, too,
    /// and does nothing else.
    fn tells(&self, ppid: u32, argv: &[String]) -> bool {
        let Some(hook) = &self.hook else { return false };
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let fifo = hook.path().join(FIFO);
        match argv[..] {
            ["sh", "-c", TELLS, last] => Path::new(last) == fifo,
            ["cat"] => self.telling.contains(&ppid),
            _ => false,
        }
    }
}
