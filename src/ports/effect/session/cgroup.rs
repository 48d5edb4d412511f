//! A cgroup of a session's own (cgroups(7), version 2): nothing that is started in it leaves it,
//! and the kernel ends all of it at once.
//!
//! Only root makes one: whoever owns a cgroup can leave it, so that one of the session's own user
//! would promise too much. A session that itself runs as root is held against accidents only.

use super::descendants;
use nix::unistd::geteuid;
use rustix::process::Signal;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the kernel may take to end what is in one.
const WITHIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(5);
/// No hierarchy is deeper.
const DEEPEST: usize = 32;

/// How the name of each begins.
const PREFIX: &str = "glass-";
/// `CGROUP2_SUPER_MAGIC` of statfs(2).
const CGROUP2: u32 = 0x6367_7270;

/// A cgroup that exists; it is removed where nobody took it into use.
#[derive(Debug)]
pub struct Cell {
    path: PathBuf,
    kept: bool,
}

impl Cell {
    /// Whether one could be made.
    pub fn is_possible() -> bool {
        geteuid().is_root() && parents().iter().any(|parent| is_writable(parent))
    }

    /// Makes one for a session; `None` where that can't be.
    pub fn make(session: &str) -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        parents().into_iter().map(|parent| parent.join(format!("{PREFIX}{session}"))).find_map(|path| {
            fs::create_dir(&path).ok()?;
            let made = Self { path, kept: false };
            // A hierarchy that does not let processes in, or can't say who is there, is of no use.
            (made.is_domain() && made.is_empty().is_some() && is_writable(&made.path)).then_some(made)
        })
    }

    /// One that this process has made, or was told of by the glass that did.
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path, kept: true }
    }

    /// One that a plan names; nothing for what glass makes no session in: everyone in it would be
    /// killed. That it is gone already is no fault.
    pub(super) fn named(path: &Path) -> Option<Self> {
        let named = path.file_name().is_some_and(|name| name.as_bytes().starts_with(PREFIX.as_bytes()));
        let above = rustix::fs::statfs(path.parent()?).ok()?;
        (named && above.f_type as u32 == CGROUP2).then(|| Self::at(path.to_owned()))
    }

    /// That of a session which no plan names any more, wherever in the hierarchy it was made.
    pub(super) fn find(session: &str) -> Option<Self> {
        let name = format!("glass-{session}");
        let mut to_look = vec![(hierarchy()?, 0)];
        while let Some((directory, depth)) = to_look.pop() {
            let own = directory.join(&name);
            if own.is_dir() {
                return Some(Self::at(own));
            }
            // What can't be read, or is gone by now, was made by nobody who makes cells.
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            to_look
                .extend(below.map(|entry| (entry.path(), depth + 1)).filter(|(_, depth)| *depth <= DEEPEST));
        }
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It is in use: dropping this no longer removes it.
    pub(super) fn keep(mut self) -> PathBuf {
        self.kept = true;
        std::mem::take(&mut self.path)
    }

    /// Moves a process in, and with it all that it will start.
    pub(super) fn take(&self, id: i32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), id.to_string())
    }

    /// Who is in it.
    pub(super) fn members(&self) -> Vec<i32> {
        let list = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect()
    }

    /// Whether nobody is in it; `None` where the kernel does not say. One that is gone is empty.
    pub(super) fn is_empty(&self) -> Option<bool> {
        match fs::read_to_string(self.path.join("cgroup.events")) {
            Ok(events) => events.lines().find_map(|line| Some(line.strip_prefix("populated ")? == "0")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.path.exists() => Some(true),
            Err(_) => None,
        }
    }

    /// Ends everyone in it, and says whether that is proved.
    pub(super) fn kill(&self) -> bool {
        let deadline = Instant::now() + WITHIN;
        loop {
            if self.is_empty() == Some(true) {
                return true;
            }
            // Kernels before 5.14 don't have the file.
            if fs::write(self.path.join("cgroup.kill"), "1").is_err() {
                descendants::signal(&self.members(), Signal::KILL);
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// A part of a threaded hierarchy lets no process in.
    fn is_domain(&self) -> bool {
        fs::read_to_string(self.path.join("cgroup.type")).is_ok_and(|kind| kind == "domain\n")
    }

    /// Removes it once it is empty: the kernel refuses for a moment longer.
    pub(super) fn remove(&self) {
        let deadline = Instant::now() + Duration::from_millis(200);
        while fs::remove_dir(&self.path).is_err() && self.path.exists() && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if !self.kept {
            self.remove();
        }
    }
}

fn is_writable(directory: &Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
        && rustix::fs::access(directory.join("cgroup.procs"), rustix::fs::Access::WRITE_OK).is_ok()
}

/// Where the hierarchy is mounted.
fn hierarchy() -> Option<PathBuf> {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().find_map(mount_point)
}

/// Where one may be made: below our own, else below the root of the hierarchy.
fn parents() -> Vec<PathBuf> {
    let Some(mount) = hierarchy() else { return Vec::new() };
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = own.filter(|own| !own.is_empty() && !own.split('/').any(|part| part == ".."));
    own.map(|own| mount.join(own)).into_iter().chain([mount.clone()]).collect()
}

/// Of a line of mountinfo (proc_pid_mountinfo(5)): the mount point of a cgroup2 file system.
fn mount_point(line: &str) -> Option<PathBuf> {
    let (before, after) = line.split_once(" - ")?;
    (after.split(' ').next()? == "cgroup2").then(|| before.split(' ').nth(4)).flatten().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hierarchy_is_found_among_the_mounts() {
        let line = "31 23 0:26 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate";
        assert_eq!(mount_point(line), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mount_point("31 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"), None);
        assert_eq!(mount_point(""), None);
    }

    #[test]
    fn p03_a_plan_can_name_no_cgroup_but_one_of_glass() {
        let directory = tempfile::tempdir().unwrap();
        let ours = directory.path().join("glass-s-x");
        fs::create_dir(&ours).unwrap();
        let elsewhere =
            [ours.as_path(), Path::new("/"), Path::new("glass-s-x"), Path::new("/nowhere/glass-s-x")];
        assert!(elsewhere.into_iter().all(|path| Cell::named(path).is_none()));
        for hierarchy in parents() {
            assert!(
                Cell::named(&hierarchy).is_none() && Cell::named(&hierarchy.join("system.slice")).is_none()
            );
            let gone = Cell::named(&hierarchy.join("glass-s-gone"));
            assert!(gone.is_some_and(|gone| gone.is_empty() == Some(true)));
        }
    }
}
