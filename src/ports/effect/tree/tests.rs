//! The tree of real processes, looked at while they come and go.

#![allow(clippy::disallowed_methods)] // What a session starts, without one.

use super::*;
use proptest::prelude::*;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A shell that reads what to do from us; it is the root of a tree.
struct Root(Child);

impl Root {
    fn new() -> Self {
        let mut shell = Command::new("sh");
        let root = Self(shell.current_dir("/").stdin(Stdio::piped()).process_group(0).spawn().unwrap());
        // For a moment a program that begins has no arguments yet.
        while arguments(root.0.id()).is_none_or(|(arguments, _)| arguments.is_empty()) {}
        root
    }

    fn does(&mut self, line: &str) {
        use std::io::Write;
        self.0.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn tree(&self) -> Tree {
        Tree::new(self.0.id())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Looks until this many changes came.
#[track_caller]
fn changes(tree: &mut Tree, count: usize) -> Vec<Change> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {all:?}");
        all.extend(tree.sample());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(all.len(), count, "{all:?}");
    all
}

/// Looks until a change is what is wanted, and passes over all others.
#[track_caller]
fn first<T>(tree: &mut Tree, mut wanted: impl FnMut(Change) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut found = None;
        for change in tree.sample() {
            found = wanted(change).or(found);
        }
        if let Some(found) = found {
            return found;
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn began(change: &Change) -> (u32, u32, &[String], &str) {
    let Change::Began { pid, ppid, argv, cwd, cut: false } = change else { panic!("{change:?}") };
    (*pid, *ppid, argv, cwd)
}

#[test]
fn p13_processes_are_told_with_their_arguments_and_directory_and_when_they_end() {
    let mut root = Root::new();
    let mut tree = root.tree();
    assert_eq!(tree.sample(), []);
    root.does("cd /usr; sleep 7301 & wait $!");
    // The fork before it is `sh` itself, and is not told.
    let all = changes(&mut tree, 1);
    let (pid, ppid, argv, cwd) = began(&all[0]);
    assert_eq!((ppid, argv, cwd), (root.0.id(), &["sleep".into(), "7301".into()][..], "/usr"));
    (0..10).for_each(|_| assert_eq!(tree.sample(), []));
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert_eq!(changes(&mut tree, 1), [Change::Ended { pid }]);
    assert_eq!(tree.sample(), []);
}

#[test]
fn p13_another_program_in_the_same_process_is_told() {
    let mut root = Root::new();
    let mut tree = root.tree();
    root.does("sh -c 'sleep 2; exec sleep 7303' &");
    let all = changes(&mut tree, 4);
    let (outer, _, argv, _) = began(&all[0]);
    assert_eq!(argv, ["sh", "-c", "sleep 2; exec sleep 7303"]);
    let (inner, above, argv, _) = began(&all[1]);
    assert_eq!((above, argv), (outer, &["sleep".into(), "2".into()][..]));
    let last: Vec<_> = all[2..].iter().filter(|change| **change != Change::Ended { pid: inner }).collect();
    assert_eq!(last.len(), 1);
    let (pid, _, argv, _) = began(last[0]);
    assert_eq!((pid, argv), (outer, &["sleep".into(), "7303".into()][..]));
}

#[test]
fn p13_who_only_calls_itself_glass_is_told() {
    let mut root = Root::new();
    let mut tree = root.tree();
    root.does("bash -c 'exec -a glass sh -s x </dev/zero' &");
    first(&mut tree, |change| {
        matches!(change, Change::Began { argv, .. } if argv[0] == "glass").then_some(())
    });
    assert!(!is_own(root.0.id(), OWN), "it runs another program");
    assert!(is_own(std::process::id(), OWN));
    assert!(!is_own(std::process::id(), b"glass\0status\0"));
}

#[test]
fn p13_many_arguments_are_cut_between_two() {
    let mut root = Root::new();
    let mut tree = root.tree();
    root.does("set -- $(seq 10000 19999)");
    root.does("sh -c 'read x < /dev/null; sleep 7304; :' x \"$@\" &");
    let argv = first(&mut tree, |change| match change {
        Change::Began { argv, cut: true, .. } => Some(argv),
        _ => None,
    });
    // Not the whole of it: no test should fail with so long a text.
    let last = argv.last().map(String::as_str);
    assert!(argv.len() > 5000 && last.is_some_and(|last| last.len() == 5), "{last:?}");
}

#[test]
fn p13_looking_costs_little() {
    let mut root = Root::new();
    let mut tree = root.tree();
    root.does("for i in $(seq 20); do sleep 7305 & done");
    let mut count = 0;
    while count < 20 {
        first(&mut tree, |change| {
            matches!(change, Change::Began { argv, .. } if argv[0] == "sleep").then(|| count += 1)
        });
    }
    // The last ones get old, and `seq` ends.
    (0..=YOUNG).for_each(|_| drop(tree.sample()));
    let fastest = (0..20).map(|_| {
        let began = Instant::now();
        tree.sample();
        began.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(3), "{fastest:?}");
}

proptest! {
    #[test]
    fn p13_any_stat_is_read_or_refused(bytes: Vec<u8>, name in "[^\u{0}]{0,15}") {
        let _ = parse(&bytes);
        let numbers: Vec<String> = (4..53).map(|number| number.to_string()).collect();
        let stat = format!("71 ({name}) S {}", numbers.join(" "));
        let image = Image { start: 22, name: name.into_bytes(), place: 48 };
        prop_assert_eq!(parse(stat.as_bytes()), Some(image));
    }
}
