//! The log for people: commands in order of their start.

use super::Line;
use std::collections::HashMap;
use std::time::Duration;

/// Where a command was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Typed at a prompt that has the hook.
    Prompt,
    /// Found in the process tree.
    Process,
}

/// One command of a session. Its texts are as they came: whoever shows them escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// When it began, since the session did.
    pub at: Duration,
    /// What was typed, or the arguments in a row as a person would type them.
    pub text: String,
    /// Whether there was more of it.
    pub cut: bool,
    /// Working directory; empty where it is not known.
    pub cwd: String,
    /// Exit code, where it is known.
    pub exit: Option<i32>,
    /// How long it ran, where its end was seen.
    pub took: Option<Duration>,
    /// Who says so.
    pub source: Source,
    /// For a process that ran under a typed line: the place of that line in the list.
    pub within: Option<usize>,
}

/// What is still running, by its place in the list.
#[derive(Default)]
struct Running {
    /// Typed lines by shell; several where the shell could only tell the parts of one line.
    lines: HashMap<u32, Vec<usize>>,
    /// Processes; no place for one that its typed line already stands for.
    processes: HashMap<u32, Process>,
}

struct Process {
    parent: u32,
    place: Option<usize>,
}

/// All commands in order of start.
///
/// A process that is plainly the typed line itself (a child of that shell whose arguments,
/// written in a row, are the text) is not listed a second time. Any other that began while the
/// line ran, below its shell, is listed [`within`](Command::within) it. A typed line ends with its
/// shell's next prompt; where a line came as several parts, only the last knows the exit code.
pub fn fold(lines: &[Line]) -> Vec<Command> {
    let mut list = Vec::new();
    let mut running = Running::default();
    for line in lines {
        running.take(line, &mut list);
    }
    list
}

impl Running {
    fn take(&mut self, line: &Line, list: &mut Vec<Command>) {
        match line {
            Line::Typed { at, shell, cwd, text, cut } => {
                self.lines.entry(*shell).or_default().push(list.len());
                list.push(Command {
                    at: *at,
                    text: text.clone(),
                    cut: *cut,
                    cwd: cwd.clone(),
                    exit: None,
                    took: None,
                    source: Source::Prompt,
                    within: None,
                });
            }
            Line::Done { at, shell, exit } => {
                let ended = self.lines.remove(shell).unwrap_or_default();
                for place in &ended {
                    list[*place].took = at.checked_sub(list[*place].at);
                }
                if let Some(last) = ended.last() {
                    list[*last].exit = Some(*exit);
                }
            }
            Line::Process { at, pid, ppid, argv, cwd, cut } => {
                // It runs another program now.
                self.end(*pid, *at, None, list);
                let text = in_a_row(argv);
                let within = self.line_above(*ppid);
                let is_listed = within.is_some_and(|line| {
                    let is_child = self.lines.get(ppid).is_some_and(|lines| lines.contains(&line));
                    is_child && (plain(argv) == list[line].text.trim() || text == list[line].text.trim())
                });
                let place = (!is_listed).then_some(list.len());
                self.processes.insert(*pid, Process { parent: *ppid, place });
                if !is_listed {
                    list.push(Command {
                        at: *at,
                        text,
                        cut: *cut,
                        cwd: cwd.clone(),
                        exit: None,
                        took: None,
                        source: Source::Process,
                        within,
                    });
                }
            }
            Line::Ended { at, pid, exit } => self.end(*pid, *at, *exit, list),
        }
    }

    fn end(&mut self, pid: u32, at: Duration, exit: Option<i32>, list: &mut [Command]) {
        if let Some(place) = self.processes.remove(&pid).and_then(|process| process.place) {
            list[place].took = at.checked_sub(list[place].at);
            list[place].exit = exit;
        }
    }

    /// The last typed line that runs in the nearest shell above.
    fn line_above(&self, mut pid: u32) -> Option<usize> {
        // A log that makes a circle has no end otherwise.
        for _ in 0..=self.processes.len() {
            if let Some(line) = self.lines.get(&pid).and_then(|lines| lines.last()) {
                return Some(*line);
            }
            pid = self.processes.get(&pid)?.parent;
        }
        None
    }
}

fn plain(argv: &[String]) -> String {
    argv.join(" ")
}

/// Arguments as a shell would read them again: quoted where they hold more than plain characters.
fn in_a_row(argv: &[String]) -> String {
    let quoted = argv.iter().map(|arg| {
        let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
        if !arg.is_empty() && arg.chars().all(is_plain) {
            arg.clone()
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}
