//! The processes of a session, through the real binary's `__session` and `__session-command`.
//!
//! As in `tests/effect.rs` the room is compiled into this test as well.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

use glass::{core, ports};

#[path = "../src/ports/effect/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod effect;

use core::plan::PlannedSession;
use effect::session::{
    COMMAND, Cell, KEEPER, News, Running, SessionCommand, Stream, User, end_session, holds_this_process,
    prepare,
};
use nix::unistd::{Pid as Id, getpgid};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcgetpgrp, tcsetwinsize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_millis(300);

/// What every session leaves behind: in its group, out of it, out of the session, twice forked.
const LEAVE_BEHIND: &str = "sleep 1000 & setsid sleep 1000 & (setsid nohup sleep 1000 &) & \
                            (setsid sh -c 'trap \"\" HUP TERM; while :; do sleep 1000; done' &) &";

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// One test's processes, known by a variable; whatever is left of them ends with it.
struct Stage {
    id: String,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new(name: &str) -> Self {
        Self { id: format!("s-{name}-{}", std::process::id()), directory: tempfile::tempdir().unwrap() }
    }

    fn mark(&self) -> String {
        format!("SESSION={}", self.id)
    }

    /// What of it still acts, but for keeper and waiting half, which have no environment.
    fn acting(&self) -> Vec<i32> {
        let mark = self.mark();
        let carries = |id: &i32| {
            let environ = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(carries).collect()
    }

    fn note(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Reads nothing; both outputs go to one pipe.
    fn command(&self, program: &str, args: &[&str]) -> (SessionCommand, PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let command = SessionCommand {
            program: program.into(),
            args: args.iter().map(OsString::from).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("SESSION".into(), self.id.as_str().into())],
            odd_env: Vec::new(),
            directory: self.directory.path().to_owned(),
            user: None,
            streams: [
                Stream::Given(File::open("/dev/null").unwrap().into()),
                Stream::Given(writer.try_clone().unwrap().into()),
                Stream::Given(writer.into()),
            ],
        };
        (command, reader)
    }

    fn start(&self, script: &str, cell: Option<Cell>) -> (Running, PipeReader) {
        let (command, output) = self.command("/bin/sh", &["-c", script]);
        (prepare(command, None, cell).unwrap().begin(true).unwrap(), output)
    }

    /// To its end: what was told, and what was printed.
    fn runs(&self, (command, mut output): (SessionCommand, PipeReader)) -> (News, String) {
        let mut running = prepare(command, None, None).unwrap().begin(true).unwrap();
        let news = next(&mut running);
        assert!(running.end(GRACE));
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        (news, text)
    }

    fn planned(&self, running: &Running) -> PlannedSession {
        PlannedSession {
            id: self.id.clone(),
            keeper: running.keeper(),
            boot_id: boot_id(),
            cgroup: running.cgroup().map(PathBuf::from),
        }
    }

    /// A front in a process of its own, with a session that leaves behind what it can.
    fn front(&self, contained: bool) -> Front {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "front", "--ignored", "--nocapture"])
            .env("ID", &self.id)
            .env("NOTE", self.note("front"))
            .env("CONTAINED", if contained { "yes" } else { "no" })
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let front = Front { process, note: self.note("front") };
        soon("the session runs", || front.lines() >= 1 && self.acting().len() >= 5);
        front
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for _ in 0..100 {
            let left = self.acting();
            for id in &left {
                let _ = kill_process(Pid::from_raw(*id).unwrap(), Signal::KILL);
            }
            if left.is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The process that stands for the glass that a person typed.
struct Front {
    process: Child,
    note: PathBuf,
}

impl Front {
    fn lines(&self) -> usize {
        fs::read_to_string(&self.note).unwrap_or_default().matches('\n').count()
    }

    fn line(&self, number: usize) -> String {
        soon("it says more", || self.lines() > number);
        fs::read_to_string(&self.note).unwrap().lines().nth(number).unwrap().to_owned()
    }

    fn planned(&self) -> PlannedSession {
        serde_json::from_str(&self.line(0)).unwrap()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(planned) = fs::read_to_string(&self.note)
            .ok()
            .and_then(|note| serde_json::from_str::<PlannedSession>(note.lines().next()?).ok())
        {
            end_session(&planned, &boot_id());
        }
    }
}

/// Not a test of its own: the front of one.
#[test]
#[ignore = "run by the tests that kill it, or its keeper"]
fn front() {
    let id = std::env::var("ID").unwrap();
    let stage = Stage { id, directory: tempfile::tempdir().unwrap() };
    let mut note =
        fs::OpenOptions::new().create(true).append(true).open(std::env::var("NOTE").unwrap()).unwrap();
    let contained = std::env::var("CONTAINED").unwrap() == "yes";
    let cell = contained.then(|| Cell::make(&stage.id).unwrap());
    let (mut running, _output) = stage.start(&format!("{LEAVE_BEHIND} exec sleep 1000"), cell);
    let planned = serde_json::to_string(&stage.planned(&running)).unwrap();
    writeln!(note, "{planned}").unwrap();
    loop {
        match running.hear() {
            None => thread::sleep(Duration::from_millis(5)),
            Some(news) => {
                let proved = running.end(GRACE);
                writeln!(note, "{news:?} {proved} {}", stage.acting().len()).unwrap();
                return;
            }
        }
    }
}

/// The session's side and the person's.
fn terminal() -> (OwnedFd, File) {
    let ours = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(ours).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ioctl_tiocgptpeer(&master, ours).unwrap();
    tcsetwinsize(&slave, Winsize { ws_row: 31, ws_col: 97, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (slave, master.into())
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned()
}

fn next(running: &mut Running) -> News {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(news) = running.hear() {
            return news;
        }
        assert!(Instant::now() < deadline, "nothing was heard in time");
        thread::sleep(Duration::from_millis(5));
    }
}

fn kill(id: i32, signal: Signal) {
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

fn acts(id: i32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|line| !line.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X']))
}

fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can");
    }
    root
}

/// With a cgroup where one can be had, and without.
fn either_way() -> Vec<bool> {
    if Cell::is_possible() { vec![false, true] } else { vec![false] }
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let stage = Stage::new("codes");
    let runs = |script: &str| stage.runs(stage.command("/bin/sh", &["-c", script])).0;
    for code in [0, 1, 125, 126, 127, 255] {
        assert_eq!(runs(&format!("exit {code}")), News::Exited(code));
    }
    for signal in [1, 2, 9, 15] {
        assert_eq!(runs(&format!("kill -{signal} $$")), News::Killed(signal));
    }
}

#[test]
fn p10_the_environment_is_exactly_what_was_given() {
    let stage = Stage::new("environment");
    let (mut command, output) = stage.command("env", &["-0"]);
    command.odd_env.push(("ODD".into(), OsString::from_vec(b"a\nb\xff".to_vec())));
    let (mut shell, printed) = stage.command("/bin/sh", &["-c", "tr '\\000\\377' '|?' </proc/$$/environ"]);
    shell.odd_env.push(("ODD".into(), OsString::from_vec(b"a\nb\xff".to_vec())));
    drop((command, output));
    let (news, text) = stage.runs((shell, printed));
    assert_eq!(news, News::Exited(0));
    let mut variables: Vec<&str> = text.split_terminator('|').collect();
    variables.sort_unstable();
    assert_eq!(variables, ["ODD=a\nb?", "PATH=/usr/bin:/bin", &stage.mark()]);
}

#[test]
fn what_never_ran_is_told_as_a_shell_tells_it() {
    let stage = Stage::new("never");
    let plain = stage.note("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    for (program, expected, word) in [
        ("no-such-program-anywhere", 127, "No such file"),
        ("/nonexistent/hostile\u{1b}[31m", 127, "hostile\\u{1b}[31m"),
        (plain.to_str().unwrap(), 126, "Permission denied"),
        ("/", 126, "Permission denied"),
    ] {
        let (news, printed) = stage.runs(stage.command(program, &[]));
        let News::NotStarted(code, reason) = news else { panic!("{program}: {news:?}") };
        assert_eq!((code, printed.as_str()), (expected, ""), "{program}");
        assert!(reason.contains(word), "{reason}");
    }
}

/// Not a test of its own: a front that its caller left without news of its children.
#[test]
#[ignore = "run by the test about SIGCHLD"]
fn front_without_news() {
    let stage = Stage::new("deaf");
    let refused = prepare(stage.command("true", &[]).0, None, None).err().unwrap().to_string();
    assert!(refused.contains("SIGCHLD"), "{refused}");
}

#[test]
fn with_sigchld_ignored_nothing_begins_that_could_not_be_heard_of() {
    let output = Command::new("env")
        .arg("--ignore-signal=CHLD")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "front_without_news", "--ignored"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn p01_nothing_runs_before_the_gate_and_a_dropped_session_never_does() {
    let stage = Stage::new("gate");
    let touch = |name: &str| stage.command("touch", &[stage.note(name).to_str().unwrap()]).0;
    let dropped = prepare(touch("never"), None, Cell::make(&stage.id)).unwrap();
    let (keeper, cgroup) = (dropped.keeper().id, dropped.cgroup().map(PathBuf::from));
    let waiting = prepare(touch("later"), None, None).unwrap();
    drop(dropped);
    soon("its keeper ends", || !acts(keeper));
    assert!(cgroup.is_none_or(|path| !path.exists()));
    assert!(!stage.note("later").exists());
    let mut running = waiting.begin(true).unwrap();
    assert_eq!(next(&mut running), News::Exited(0));
    assert!(running.end(GRACE) && stage.note("later").exists() && !stage.note("never").exists());
}

#[test]
fn p09_no_descriptor_no_core_and_no_blocked_signal_is_inherited() {
    let stage = Stage::new("clean");
    let leak = File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let script = "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done; \
                  grep SigBlk /proc/self/status; ulimit -c; umask; pwd";
    let (news, text) = stage.runs(stage.command("/bin/sh", &["-c", script]));
    assert_eq!(news, News::Exited(0));
    let here = stage.directory.path().canonicalize().unwrap();
    let umask = Command::new("/bin/sh").args(["-c", "umask"]).output().unwrap().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["0", "1", "2", "SigBlk:\t0000000000000000"], "{text}");
    assert!(["0", "1"].contains(&lines[4]), "{text}");
    assert_eq!(lines[5..], [String::from_utf8(umask).unwrap().trim(), here.to_str().unwrap()]);
}

#[test]
fn the_command_is_in_front_on_its_terminal_in_a_group_of_its_own() {
    let stage = Stage::new("terminal");
    let (mut command, _) = stage.command(
        "/bin/sh",
        &["-c", "tty; stty size; cut -d' ' -f1,5,6,8 /proc/$$/stat; exec </dev/tty; echo own"],
    );
    command.streams = [Stream::Terminal, Stream::Terminal, Stream::Terminal];
    let (slave, mut master) = terminal();
    let name = rustix::termios::ttyname(&slave, Vec::new()).unwrap().into_string().unwrap();
    let waiting = prepare(command, Some(slave), None).unwrap();
    let keeper = waiting.keeper().id;
    let mut running = waiting.begin(true).unwrap();
    assert_eq!(next(&mut running), News::Exited(0));
    assert!(running.end(GRACE));
    let mut shown = Vec::new();
    // The last process let go of the terminal (EIO).
    let _ = master.read_to_end(&mut shown);
    let shown = String::from_utf8(shown).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    let id = lines[2].split(' ').next().unwrap();
    assert_eq!(lines, [&name, "31 97", &format!("{id} {id} {keeper} {id}"), "own"]);
}

#[test]
fn typed_ctrl_z_stops_the_command_and_it_goes_on_in_front() {
    let stage = Stage::new("stop");
    let (mut command, _) = stage.command("cat", &[]);
    command.streams = [Stream::Terminal, Stream::Terminal, Stream::Terminal];
    let (slave, mut master) = terminal();
    let mut running = prepare(command, Some(slave), None).unwrap().begin(true).unwrap();
    let mut screen = BufReader::new(master.try_clone().unwrap());
    let mut read = |expected: &str| {
        let mut line = String::new();
        screen.read_line(&mut line).unwrap();
        assert!(line.contains(expected), "{line:?}");
    };
    master.write_all(b"one\n").unwrap();
    read("one");
    read("one");
    for round in ["two", "three"] {
        master.write_all(b"\x1a").unwrap();
        assert_eq!(next(&mut running), News::Stopped(20));
        running.resume(true);
        soon("it goes on", || {
            stage.acting().iter().all(|id| {
                !fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default().contains(") T ")
            })
        });
        master.write_all(format!("{round}\n").as_bytes()).unwrap();
        read(round);
        read(round);
    }
    let front = tcgetpgrp(&master).unwrap();
    let group = getpgid(Some(Id::from_raw(stage.acting()[0]))).unwrap();
    assert_eq!(front.as_raw_nonzero().get(), group.as_raw());
    running.signal(Signal::INT);
    assert_eq!(next(&mut running), News::Killed(2));
    assert!(running.end(GRACE));
}

#[test]
fn a_signal_from_elsewhere_stops_it_as_well_and_a_stopped_session_ends() {
    let stage = Stage::new("outside");
    let (mut running, _output) = stage.start("exec sleep 1000", None);
    soon("it runs", || stage.acting().len() == 1);
    kill(stage.acting()[0], Signal::STOP);
    assert_eq!(next(&mut running), News::Stopped(19));
    assert!(running.end(GRACE));
    assert_eq!(next(&mut running), News::Killed(1));
}

#[test]
fn p13_nothing_outlives_the_end_of_a_session() {
    for contained in either_way() {
        let stage = Stage::new("leftovers");
        let cell = contained.then(|| Cell::make(&stage.id).unwrap());
        let (mut running, _output) = stage.start(&format!("{LEAVE_BEHIND} sleep 0.3; exit 3"), cell);
        let (cgroup, keeper) = (running.cgroup().map(PathBuf::from), running.keeper().id);
        assert_eq!(next(&mut running), News::Exited(3));
        assert!(stage.acting().len() >= 5, "{:?}", stage.acting());
        assert!(running.end(GRACE));
        assert_eq!(stage.acting(), [0; 0]);
        assert!(!acts(keeper) && cgroup.is_none_or(|path| !path.exists()));
    }
}

#[test]
fn p13_what_respawns_itself_ends_as_well() {
    for contained in either_way() {
        let stage = Stage::new("respawn");
        let cell = contained.then(|| Cell::make(&stage.id).unwrap());
        // Each detaches itself, ignores what asks it to end, and starts the next; a bound, should all fail.
        fs::write(
            stage.note("next"),
            "trap '' HUP TERM INT; [ $1 -gt 4000 ] && exit; setsid sh $0 $(($1 + 1)) & setsid sleep 5 & \
             setsid sleep 5 & wait $!\n",
        )
        .unwrap();
        let script = format!("setsid sh {} 0 & sleep 1000", stage.note("next").display());
        let (mut running, _output) = stage.start(&script, cell);
        soon("there are many", || stage.acting().len() > 60);
        let began = Instant::now();
        assert!(running.end(GRACE));
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        assert_eq!(stage.acting(), [0; 0]);
    }
}

#[test]
fn p13_the_keeper_ends_everything_when_the_front_is_killed() {
    for contained in either_way() {
        let stage = Stage::new("front-killed");
        let mut front = stage.front(contained);
        let planned = front.planned();
        front.process.kill().unwrap();
        soon("nothing is left", || stage.acting().is_empty() && !acts(planned.keeper.id));
        assert_eq!(planned.cgroup.is_some(), contained);
        assert!(planned.cgroup.clone().is_none_or(|path| !path.exists()));
        // The keeper left of itself; that it ended everything is proof only with a cgroup.
        assert_eq!(end_session(&planned, &boot_id()), contained);
    }
}

#[test]
fn p13_the_front_ends_everything_when_the_keeper_is_killed() {
    for contained in either_way() {
        let stage = Stage::new("keeper-killed");
        let front = stage.front(contained);
        kill(front.planned().keeper.id, Signal::KILL);
        assert_eq!(front.line(1), "KeeperDied true 0");
        assert!(front.planned().cgroup.is_none_or(|path| !path.exists()));
    }
}

#[test]
fn p13_a_stopped_keeper_does_not_save_the_session() {
    for contained in either_way() {
        let stage = Stage::new("keeper-stopped");
        let cell = contained.then(|| Cell::make(&stage.id).unwrap());
        let (mut running, _output) = stage.start(&format!("{LEAVE_BEHIND} exec sleep 1000"), cell);
        soon("it runs", || stage.acting().len() >= 5);
        kill(running.keeper().id, Signal::STOP);
        let began = Instant::now();
        assert!(running.end(GRACE));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(stage.acting(), [0; 0]);
    }
}

#[test]
fn p02_another_process_ends_a_session_by_its_plan() {
    for contained in either_way() {
        let stage = Stage::new("closer");
        let front = stage.front(contained);
        let planned = front.planned();
        assert!(end_session(&planned, &boot_id()));
        assert_eq!(stage.acting(), [0; 0]);
        assert_eq!(front.line(1).split(' ').next(), Some("Asked"));
        assert!(!acts(planned.keeper.id) && planned.cgroup.is_none_or(|path| !path.exists()));
    }
}

#[test]
fn p02_a_session_whose_keeper_is_stopped_and_front_is_dead_ends_by_its_plan() {
    for contained in either_way() {
        let stage = Stage::new("closer-stopped");
        let mut front = stage.front(contained);
        let planned = front.planned();
        kill(planned.keeper.id, Signal::STOP);
        front.process.kill().unwrap();
        assert!(end_session(&planned, &boot_id()));
        assert_eq!(stage.acting(), [0; 0]);
    }
}

#[test]
fn p02_what_front_and_keeper_left_behind_ends_with_the_cgroup_alone() {
    if !Cell::is_possible() {
        eprintln!("skipped: no cgroup can be made here");
        return;
    }
    let stage = Stage::new("both-killed");
    let mut front = stage.front(true);
    let planned = front.planned();
    front.process.kill().unwrap();
    kill(planned.keeper.id, Signal::KILL);
    assert!(end_session(&planned, &boot_id()));
    assert_eq!(stage.acting(), [0; 0]);
    assert!(!planned.cgroup.unwrap().exists());
}

#[test]
fn p02_with_both_killed_and_no_cgroup_nothing_is_claimed() {
    let stage = Stage::new("no-claim");
    let mut front = stage.front(false);
    let planned = front.planned();
    // The keeper first: else it ends everything before it can be killed.
    kill(front.process.id() as i32, Signal::STOP);
    kill(planned.keeper.id, Signal::KILL);
    front.process.kill().unwrap();
    assert!(!end_session(&planned, &boot_id()));
}

#[test]
fn p03_what_is_not_this_session_is_never_touched() {
    let stage = Stage::new("others");
    let (mut running, _output) = stage.start("exec sleep 1000", None);
    soon("it runs", || stage.acting().len() == 1);
    let planned = stage.planned(&running);
    assert!(!holds_this_process(&planned, &boot_id()));
    // Of another boot, it is gone, and these numbers mean others.
    let earlier = PlannedSession { boot_id: "other".into(), ..planned.clone() };
    assert!(end_session(&earlier, &boot_id()));
    // Nor is anything killed in a cgroup that glass did not make.
    if let Some(cell) = Cell::make(&stage.id) {
        let above = cell.path().parent().unwrap().to_owned();
        let mut wide = planned.clone();
        (wide.cgroup, wide.keeper.start) = (Some(above), 0);
        assert!(!end_session(&wide, &boot_id()));
    }
    let mut reused = planned.clone();
    reused.keeper.start -= 1;
    assert!(!end_session(&reused, &boot_id()));
    assert!(acts(stage.acting()[0]) && acts(planned.keeper.id));
    assert!(running.end(GRACE));
}

#[test]
fn p13_the_session_of_another_user_can_not_kill_its_keeper() {
    if !is_root() {
        return;
    }
    let stage = Stage::new("nobody");
    let script = "id -un; id -G; pwd; kill -9 $PPID 2>/dev/null || echo not $PPID; \
                  [ -w /dev/tty ] && stat -c %U $(tty); grep CapEff /proc/self/status";
    let (mut command, _) = stage.command("/bin/sh", &["-c", script]);
    fs::set_permissions(stage.directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    command.streams = [Stream::Terminal, Stream::Terminal, Stream::Terminal];
    command.user = Some(User::named("nobody").unwrap());
    let (slave, mut master) = terminal();
    let waiting = prepare(command, Some(slave), Cell::make(&stage.id)).unwrap();
    assert!(waiting.moved, "it can't enter the directory, and it is said");
    let keeper = waiting.keeper().id;
    let mut running = waiting.begin(true).unwrap();
    assert_eq!(next(&mut running), News::Exited(0));
    assert_eq!(fs::metadata(format!("/proc/{keeper}")).unwrap().uid(), 0);
    assert!(running.end(GRACE));
    let mut shown = Vec::new();
    let _ = master.read_to_end(&mut shown);
    let shown = String::from_utf8(shown).unwrap();
    let gid = User::named("nobody").unwrap().gid.to_string();
    let expected = ["nobody", &gid, "/", &format!("not {keeper}"), "nobody", "CapEff:\t0000000000000000"];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn p10_keeper_and_half_serve_nobody_but_the_glass_that_started_them() {
    for half in [KEEPER, COMMAND] {
        // Made by this process, but its parent is the shell. It must not even wait for a request.
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let output = Command::new("/bin/sh")
            .args(["-c", "\"$0\" \"$1\"; echo $?", env!("CARGO_BIN_EXE_glass"), half])
            .stdin(OwnedFd::from(theirs))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "125\n", "{half}");
        assert_eq!(ours.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn p09_secrets_are_in_no_command_line_and_not_in_the_waiting_environment() {
    let stage = Stage::new("secret");
    let secret = format!("s3cret-{}", std::process::id());
    let (mut command, _output) = stage.command("sleep", &["1000"]);
    command.env.push(("TOKEN".into(), secret.as_str().into()));
    let waiting = prepare(command, None, None).unwrap();
    let shows = |file: &str| {
        let holds = |path: PathBuf| {
            fs::read(path)
                .is_ok_and(|bytes| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter(|entry| holds(entry.as_ref().unwrap().path().join(file)))
            .count()
    };
    assert_eq!((shows("cmdline"), shows("environ")), (0, 0));
    let mut running = waiting.begin(true).unwrap();
    soon("the command has it", || shows("environ") == 1);
    assert_eq!(shows("cmdline"), 0);
    assert!(running.end(GRACE));
}
