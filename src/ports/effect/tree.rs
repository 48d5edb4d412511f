//! The processes of a session, by looking at the tree now and then (P13).
//!
//! From one root downwards, by the kernel's own lists of children (proc_pid_task(5)); never a
//! search of all processes. The kernel's audit is not used: it belongs to the host, and needs
//! rights that a session should not have.
//!
//! What it can miss: a process that begins and ends between two looks, and what a process did
//! before its first look (a fork that has not run a program yet is its parent, and is not told).
//! A process may write over its own arguments; they are as it shows them. Where the kernel hides
//! the working directory (another user's process, unless glass is root), it is empty.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;

/// More processes than this are not followed.
const MOST: usize = 10_000;
/// Most bytes of arguments that are read of one process.
const LONGEST: u64 = 32 * 1024;
/// So many looks at a new process read its arguments anew: it may set them up still.
const YOUNG: u8 = 3;
/// The arguments of glass's own half that becomes the command.
const OWN: &[u8] = b"glass\0__session-command\0";

/// What is different from the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A process that is new, or that runs another program now.
    Began {
        /// Its process id.
        pid: u32,
        /// Its parent's.
        ppid: u32,
        /// Its arguments; of more than 32 KiB the first, whole ones.
        argv: Vec<String>,
        /// Its working directory; empty where the kernel does not say.
        cwd: String,
        /// Whether there were more arguments.
        cut: bool,
    },
    /// A process that is gone, or only waits to be reaped.
    Ended {
        /// Its process id.
        pid: u32,
    },
}

/// The tree below one process, as of the last look.
#[derive(Debug)]
pub struct Tree {
    root: u32,
    /// The root's.
    arguments: Vec<u8>,
    known: HashMap<u32, Known>,
    look: u64,
}

#[derive(Debug)]
struct Known {
    image: Image,
    arguments: Vec<u8>,
    /// Whether it was told.
    told: bool,
    age: u8,
    /// When it was last seen.
    look: u64,
}

/// What stays the same as long as a process runs the same program.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Image {
    /// Clock ticks since the system started.
    start: u64,
    name: Vec<u8>,
    /// Where its arguments begin, which every start of a program rolls anew; 0 where it is hidden.
    place: u64,
}

impl Tree {
    /// Below this process, which is not part of it. Nothing was seen yet.
    pub fn new(root: u32) -> Self {
        let arguments = arguments(root).unwrap_or_default().0;
        Self { root, arguments, known: HashMap::new(), look: 0 }
    }

    /// What changed since; ends last. Vanishing processes disturb nothing.
    pub fn sample(&mut self) -> Vec<Change> {
        self.look += 1;
        let mut changes = Vec::new();
        let mut found: Vec<(u32, u32)> = Vec::new();
        children(self.root, &mut found);
        let mut at = 0;
        while at < found.len() && at < MOST {
            let (pid, ppid) = found[at];
            if self.see(pid, ppid, &mut changes).is_some() {
                children(pid, &mut found);
            }
            at += 1;
        }
        let look = self.look;
        let mut ended: Vec<_> = self.known.extract_if(|_, known| known.look != look).collect();
        ended.sort_by_key(|(pid, known)| (known.image.start, *pid));
        let told = ended.into_iter().filter(|(_, known)| known.told);
        changes.extend(told.map(|(pid, _)| Change::Ended { pid }));
        changes
    }

    /// Whether it runs no program of its own yet.
    fn is_fork(&self, ppid: u32, image: &Image, arguments: &[u8]) -> bool {
        if ppid == self.root {
            return arguments == self.arguments;
        }
        let parent = self.known.get(&ppid);
        parent.is_some_and(|parent| {
            image.place != 0 && parent.image.place == image.place && parent.arguments == arguments
        })
    }

    /// Looks at one process; nothing where it is gone.
    fn see(&mut self, pid: u32, ppid: u32, changes: &mut Vec<Change>) -> Option<()> {
        let image = image(pid)?;
        let look = self.look;
        let before = self.known.get_mut(&pid);
        if let Some(known) = before {
            known.look = look;
            if known.image == image && known.age >= YOUNG {
                return Some(());
            }
            known.age = if known.image == image { known.age + 1 } else { 0 };
        }
        let Some((mut arguments, cut)) = arguments(pid) else { return Some(()) };
        if arguments.is_empty() {
            // One that is about to end has none, and for a moment one that runs another program;
            // one that has taken its own away is told by what the kernel calls it.
            match self.known.get(&pid) {
                Some(known) if known.told || known.age < YOUNG - 1 => return Some(()),
                Some(_) => arguments.clone_from(&image.name),
                None => {
                    self.known.insert(pid, Known { image, arguments, told: false, age: 0, look });
                    return Some(());
                }
            }
        }
        let is_fork = self.is_fork(ppid, &image, &arguments);
        let before = self.known.get(&pid);
        // Another process with the same id.
        if before.is_some_and(|known| known.told && known.image.start != image.start) {
            changes.push(Change::Ended { pid });
        }
        let is_same = before.is_some_and(|known| {
            known.image.start == image.start
                && known.image.place == image.place
                && known.arguments == arguments
        });
        let was_told = before.is_some_and(|known| known.told && known.image.start == image.start);
        let age = before.map_or(0, |known| known.age);
        let is_told = is_own(pid, &arguments) || is_fork || (is_same && was_told);
        if !is_told {
            let argv = list(&arguments);
            changes.push(Change::Began { pid, ppid, argv, cwd: working_directory(pid), cut });
        }
        let told = !is_told || was_told;
        self.known.insert(pid, Known { image, arguments, told, age, look });
        Some(())
    }
}

/// A half of glass that is not the command yet. Another program that only calls itself so is told.
fn is_own(pid: u32, arguments: &[u8]) -> bool {
    let file = |exe: String| fs::metadata(exe).map(|file| (file.dev(), file.ino()));
    // Of a process that bars core dumps the kernel does not say which program it runs.
    arguments == OWN
        && file(format!("/proc/{pid}/exe"))
            .map_or(true, |its| file("/proc/self/exe".to_owned()).is_ok_and(|own| own == its))
}

/// Appends the children of all its threads, with their parent.
fn children(pid: u32, found: &mut Vec<(u32, u32)>) {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    for task in tasks.flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_ascii_whitespace().filter_map(|id| Some((id.parse().ok()?, pid))));
    }
}

/// Of `/proc/PID/stat`; nothing of a process that has ended.
fn image(pid: u32) -> Option<Image> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat)
}

/// The name is in parentheses and may hold any byte; behind the last one are numbers.
fn parse(stat: &[u8]) -> Option<Image> {
    let (open, close) = (stat.iter().position(|b| *b == b'(')?, stat.iter().rposition(|b| *b == b')')?);
    let name = stat.get(open + 1..close)?.to_vec();
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // Fields are counted from 1 in proc_pid_stat(5); the third is the first one here.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let is_over = matches!(field(3)?, "Z" | "X" | "x");
    let place = field(48).and_then(|place| place.parse().ok()).unwrap_or(0);
    (!is_over).then_some(Image { start: field(22)?.parse().ok()?, name, place })
}

/// The arguments, each with its NUL, and whether there are more. A kernel thread has none.
fn arguments(pid: u32) -> Option<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let file = File::open(format!("/proc/{pid}/cmdline")).ok()?;
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let cut = bytes.len() as u64 == LONGEST && bytes.last() != Some(&0);
    if cut {
        // Half an argument might be half a secret, which no mask would know.
        let whole = bytes.iter().rposition(|byte| *byte == 0).map_or(0, |last| last + 1);
        bytes.truncate(whole);
    }
    Some((bytes, cut))
}

fn list(arguments: &[u8]) -> Vec<String> {
    let whole = arguments.strip_suffix(&[0]).unwrap_or(arguments);
    whole.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
}

fn working_directory(pid: u32) -> String {
    fs::read_link(format!("/proc/{pid}/cwd"))
        .map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
