//! `glass demo`: what a newcomer sees first. It must work anywhere, and leave nothing behind.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{GLASS, skipped, wait_until, with_argument};

fn demo(temporary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("setsid");
    command.arg(GLASS).arg("demo").args(args).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TMPDIR", temporary);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Neither a file nor a process of a demo below this directory.
fn nothing_is_left(temporary: &Path) {
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0, "files are left");
    let name = temporary.to_str().unwrap();
    let gone = || with_argument(&[name]).is_empty();
    assert!(wait_until(gone, Duration::from_secs(10)), "processes are left: {:?}", with_argument(&[name]));
}

fn has_git() -> bool {
    support::requires("git")
}

#[test]
fn two_demos_side_by_side_tell_the_whole_story_without_a_terminal() {
    if !has_git() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let both: Vec<Child> = (0..2).map(|_| demo(temporary.path(), &[]).spawn().unwrap()).collect();
    for child in both {
        let output = child.wait_with_output().unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        let story = [
            "main is protected",
            "ana signed them",
            "OPEN  pipeline/push-main",
            "main is protected",
            "somebody else must review it",
            "justified by ben",
            "OK: ",
            "NOT WHOLE: 1 finding",
        ];
        let mut rest = told.as_str();
        for words in story {
            let Some(at) = rest.find(words) else { panic!("{words:?} is not told in its turn: {told}") };
            rest = &rest[at + words.len()..];
        }
        assert!(!told.contains('\r') && !told.contains('\u{1b}'), "{told:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    nothing_is_left(temporary.path());
}

#[test]
fn ctrl_c_ends_a_demo_at_any_time_and_leaves_nothing() {
    if !has_git() {
        return;
    }
    for wait_ms in [30, 400, 1_500, 3_000] {
        let temporary = tempfile::tempdir().unwrap();
        let child = demo(temporary.path(), &[]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        // `setsid` of a process that leads no group execs: the id is that of glass.
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        // Before glass holds signals back, SIGINT ends it as any program.
        let code = output.status.code();
        assert!(code == Some(1) || (code.is_none() && wait_ms < 100), "{code:?}: {}", told(&output));
        if code == Some(1) {
            assert!(told(&output).contains("interrupted"), "{}", told(&output));
        }
        nothing_is_left(temporary.path());
    }
}

#[test]
fn a_full_temporary_directory_is_explained() {
    if !rustix::process::geteuid().is_root() {
        skipped("mounting a full file system needs root");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k tmpfs \"$1\" && dd if=/dev/zero of=\"$1\"/fill bs=1k 2>/dev/null; \
                  \"$0\" demo; code=$?; rm \"$1\"/fill; ls -A \"$1\"; exit $code";
    let mut command = Command::new("unshare");
    command.args(["-m", "setsid", "--wait", "sh", "-c", script, GLASS]).arg(temporary.path()).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TMPDIR", temporary.path());
    let output = command.output().unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("No space left") || told.contains("room"), "{told}");
    assert!(
        !told.contains("glass-demo-") || !told.lines().any(|line| line.starts_with("glass-demo-")),
        "{told}"
    );
}

#[test]
fn what_is_kept_can_be_played_with() {
    if !has_git() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let kept = temporary.path().join("kept");
    let output = demo(temporary.path(), &["--keep", kept.to_str().unwrap()]).output().unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("export GLASS_HOME="), "{told}");
    let again = Command::new(GLASS)
        .args(["ledger", "verify"])
        .env("GLASS_HOME", kept.join("glass"))
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(0));
    let output = demo(temporary.path(), &["--keep", kept.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a directory that is there is never played in");
    assert!(kept.join("glass").exists());
}
