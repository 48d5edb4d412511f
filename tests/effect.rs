//! Commands as the effect room starts them, through the real binary's `__spawn`.
//!
//! The room is compiled into this test as well, so that its running functions need not be
//! public to be tested.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

use glass::{core, ports};

#[path = "../src/ports/effect/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod effect;

use core::plan::ProcessGroup;
use core::proof::{Ended, Outcome};
use effect::prepared::{prepare, run};
use effect::{Invocation, Prepared, Stdin, end_process_group};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const LONG: Duration = Duration::from_secs(60);

fn command(program: &str, args: &[&str]) -> Invocation {
    Invocation {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: BTreeMap::new(),
        stdin: Stdin::Empty,
        run_as: None,
        timeout: LONG,
    }
}

fn sh(script: &str) -> Invocation {
    command("/bin/sh", &["-c", script])
}

fn stdout(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.stdout.kept).into_owned()
}

fn prints(invocation: &Invocation) -> String {
    let outcome = run(invocation);
    assert_eq!(outcome.ended, Ended::Exit(0), "{}", String::from_utf8_lossy(&outcome.stderr.kept));
    stdout(&outcome)
}

/// Whether a process acts: it exists and is no zombie.
fn acts(id: i32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|line| !line.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn p10_the_environment_is_fixed_and_nothing_is_inherited() {
    let mut env = command("/usr/bin/env", &[]);
    env.env.insert("TOKEN".into(), SecretString::from("a b\nc"));
    let printed = prints(&env);
    let home = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().dir;
    let expected = format!(
        "HOME={}\nLANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTOKEN=a b\nc\n",
        home.display()
    );
    assert_eq!(printed, expected);
}

#[test]
fn p10_no_descriptor_is_inherited() {
    // One that glass itself was given by a careless parent: open across exec.
    let leak = fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    // The shell expands the pattern with a descriptor of its own, which it closes again.
    let printed = prints(&sh("for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done; true"));
    assert_eq!(printed, "0\n1\n2\n");
}

#[test]
fn p04_a_command_has_no_terminal_and_a_session_of_its_own() {
    let outcome = run(&sh("exec 3</dev/tty"));
    assert!(matches!(outcome.ended, Ended::Exit(code) if code != 0), "{outcome:?}");
    let printed = prints(&sh("echo $$; cut -d' ' -f5,6,7 /proc/$$/stat"));
    let mut lines = printed.lines();
    let id = lines.next().unwrap();
    assert_eq!(lines.next().unwrap(), format!("{id} {id} 0"), "group, session, terminal");
}

#[test]
fn p09_umask_directory_and_core_limit_are_safe() {
    assert_eq!(prints(&sh("umask; pwd")), "0077\n/\n");
    // 0 would still let a core be piped to a program; one byte does not.
    let limits = prints(&command("/bin/cat", &["/proc/self/limits"]));
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_ascii_whitespace().collect::<Vec<_>>(), ["1", "1", "bytes"]);
}

#[test]
fn signals_are_as_a_program_expects_them() {
    // A pipe that nobody reads any more ends its writer, as in any shell (SIGPIPE, 13).
    let printed = prints(&sh("grep -E 'SigIgn|SigBlk' /proc/self/status"));
    let masks: Vec<u64> = printed
        .lines()
        .map(|line| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap())
        .collect();
    let [blocked, ignored] = masks[..] else { panic!("{printed}") };
    assert_eq!((blocked, ignored & (1 << 12)), (0, 0), "{printed}");
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    assert_eq!(run(&command("/bin/true", &[])).ended, Ended::Exit(0));
    for code in [1, 2, 126, 127, 255] {
        assert_eq!(run(&sh(&format!("exit {code}"))).ended, Ended::Exit(code));
    }
    assert_eq!(run(&sh("kill -9 $$")).ended, Ended::Signal(9));
}

#[test]
fn p03_only_what_never_ran_is_not_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str, mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let never = [
        ("/nonexistent/program".to_owned(), "No such file"),
        (file("plain", "#!/bin/sh\n", 0o644), "Permission denied"),
        (file("no-shebang", "touch /tmp/never\n", 0o755), "begins with `#!`"),
        (file("no-interpreter", "#!/nonexistent/interpreter\n", 0o755), "No such file"),
        (directory.path().to_str().unwrap().to_owned(), "directory"),
        (file("hostile\u{1b}[31m", "#!/nonexistent/x\n", 0o755), "hostile\\u{1b}[31m"),
    ];
    for (program, reason) in never {
        match run(&command(&program, &[])).ended {
            Ended::NotStarted(told) => assert!(told.contains(reason), "{program}: {told}"),
            other => panic!("{program}: {other:?}"),
        }
    }
    // What did run can't claim that it never did.
    let liar = run(&sh("printf 'F/bin/sh: not started'; printf 'F/bin/sh: not started' >&2; exit 127"));
    assert_eq!(liar.ended, Ended::Exit(127));
}

#[test]
fn p01_nothing_acts_before_the_gate_and_a_dropped_command_never_does() {
    let directory = tempfile::tempdir().unwrap();
    let (never, later) = (directory.path().join("never"), directory.path().join("later"));
    let touch = |path: &Path| prepare(&command("/usr/bin/touch", &[path.to_str().unwrap()]));
    let (dropped, prepared) = (touch(&never).unwrap(), touch(&later).unwrap());
    let (gone, group) = (dropped.process_group(), prepared.process_group());
    drop(dropped);
    thread::sleep(Duration::from_millis(100));
    assert!(!acts(gone.id) && acts(group.id) && !later.exists());
    assert_eq!(prepared.run().ended, Ended::Exit(0));
    assert!(later.exists() && !never.exists());
}

#[test]
fn p03_a_command_killed_at_its_gate_never_ran() {
    let prepared = prepare(&command("/bin/true", &[])).unwrap();
    let id = prepared.process_group().id;
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    soon("it ends", || !acts(id));
    match prepared.run().ended {
        Ended::NotStarted(reason) => assert!(reason.contains("before it began"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p03_the_time_out_ends_the_whole_group() {
    let script =
        "trap '' TERM; sleep 1000 & echo $!; (trap '' TERM; sleep 1000 & echo $!; wait) & wait; sleep 1000";
    let outcome = run(&Invocation { timeout: Duration::from_millis(500), ..sh(script) });
    assert_eq!(outcome.ended, Ended::TimedOut);
    assert!(outcome.elapsed < Duration::from_secs(4), "{:?}", outcome.elapsed);
    let children: Vec<i32> = stdout(&outcome).lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(children.len(), 2);
    soon("both children end", || !children.iter().any(|child| acts(*child)));
}

#[test]
fn the_time_out_gives_a_command_time_to_clean_up() {
    let script = "trap 'echo cleaned; exit 0' TERM; while :; do sleep 0.02; done";
    let outcome = run(&Invocation { timeout: Duration::from_millis(300), ..sh(script) });
    assert_eq!((outcome.ended.clone(), stdout(&outcome).as_str()), (Ended::TimedOut, "cleaned\n"));
}

#[test]
fn a_child_left_behind_neither_hangs_the_command_nor_is_ended() {
    let outcome = run(&sh("sleep 1000 & echo $!"));
    assert_eq!(outcome.ended, Ended::Exit(0));
    assert!(outcome.elapsed < Duration::from_secs(5), "{:?}", outcome.elapsed);
    let child = stdout(&outcome).trim().parse().unwrap();
    assert!(acts(child));
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
}

/// The most memory that this process ever held, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn output_is_capped_counted_and_hashed_in_flat_memory() {
    let before = peak();
    let length = 300_000_000;
    let outcome = run(&command("/usr/bin/head", &["-c", &length.to_string(), "/dev/zero"]));
    assert_eq!(outcome.ended, Ended::Exit(0));
    assert_eq!((outcome.stdout.kept.len(), outcome.stdout.length), (1024 * 1024, length));
    let mut hash = Sha256::new();
    (0..300).for_each(|_| hash.update(vec![0; 1_000_000]));
    assert_eq!(outcome.stdout.sha256, <[u8; 32]>::from(hash.finalize()));
    assert!(peak() - before < 96 * 1024, "{} KiB more", peak() - before);
}

#[test]
fn an_endless_flood_ends_at_the_time_out() {
    let flood = command("/usr/bin/yes", &[]);
    let outcome = run(&Invocation { timeout: Duration::from_millis(300), ..flood });
    assert_eq!(outcome.ended, Ended::TimedOut);
    assert!(outcome.stdout.length > 1024 * 1024);
}

#[test]
fn p10_any_bytes_may_come_out_on_either_stream() {
    let outcome = run(&sh(r"printf '\000\377\033[31m\200'; printf '\376err' >&2; exit 3"));
    assert_eq!(outcome.ended, Ended::Exit(3));
    assert_eq!(&outcome.stdout.kept[..], b"\0\xff\x1b[31m\x80");
    assert_eq!(&outcome.stderr.kept[..], b"\xfeerr");
    assert_eq!(outcome.stdout.sha256, <[u8; 32]>::from(Sha256::digest(b"\0\xff\x1b[31m\x80")));
}

#[test]
fn standard_input_arrives_whole_or_is_empty() {
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| (i * 7 % 251) as u8).collect();
    let digest = Sha256::digest(&bytes);
    let input = || Stdin::Bytes(Zeroizing::new(bytes.clone()));
    let echoed = run(&Invocation { stdin: input(), ..command("/bin/cat", &[]) });
    assert_eq!((echoed.ended, echoed.stdout.length), (Ended::Exit(0), 5_000_000));
    assert_eq!(echoed.stdout.sha256, <[u8; 32]>::from(digest));
    let ignored = run(&Invocation { stdin: input(), ..command("/bin/true", &[]) });
    assert_eq!(ignored.ended, Ended::Exit(0));
    let empty = run(&command("/bin/cat", &[]));
    assert_eq!((empty.ended, empty.stdout.length), (Ended::Exit(0), 0));
}

#[test]
fn p09_secrets_are_in_no_command_line_and_not_in_the_waiting_environment() {
    let secret = format!("s3cret-{}", std::process::id());
    let token = || SecretString::from(secret.as_str());
    let holder = Invocation {
        env: BTreeMap::from([("TOKEN".to_owned(), token())]),
        stdin: Stdin::Bytes(Zeroizing::new(secret.as_bytes().to_vec())),
        ..sh("sleep 1; test -n \"$TOKEN\"")
    };
    let prepared = prepare(&holder).unwrap();
    let shows = |file: &str| {
        let holds = |path: &Path| {
            fs::read(path)
                .is_ok_and(|bytes| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter(|entry| holds(&entry.as_ref().unwrap().path().join(file)))
            .count()
    };
    assert_eq!((shows("cmdline"), shows("environ")), (0, 0));
    thread::scope(|scope| {
        let looks = scope.spawn(|| {
            soon("the command sees it", || shows("environ") > 0);
            shows("cmdline")
        });
        assert_eq!(prepared.run().ended, Ended::Exit(0));
        assert_eq!(looks.join().unwrap(), 0);
    });
}

#[test]
fn run_as_becomes_that_user_with_its_groups_and_home() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let as_nobody = |script: &str| Invocation { run_as: Some("nobody".into()), ..sh(script) };
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let printed = prints(&as_nobody("id -u; id -g; id -G; echo $HOME; grep Cap[EP] /proc/self/status"));
    let lines: Vec<&str> = printed.lines().collect();
    let (uid, gid) = (nobody.uid.to_string(), nobody.gid.to_string());
    assert_eq!(&lines[..4], [&uid, &gid, &gid, nobody.dir.to_str().unwrap()]);
    assert!(lines[4..].iter().all(|line| line.ends_with("\t0000000000000000")), "{printed}");
    let back = run(&as_nobody("echo x > /etc/never"));
    assert!(matches!(back.ended, Ended::Exit(code) if code != 0));
    // The death signal outlives the change of user.
    let slow = Invocation { timeout: Duration::from_millis(200), ..as_nobody("sleep 1000") };
    assert_eq!(run(&slow).ended, Ended::TimedOut);
}

#[test]
fn nobody_but_root_becomes_another_user() {
    let other = if geteuid().is_root() { "no-such-user" } else { "root" };
    let outcome = run(&Invocation { run_as: Some(other.into()), ..command("/bin/true", &[]) });
    assert!(matches!(outcome.ended, Ended::NotStarted(_)), "{outcome:?}");
}

#[test]
fn fifty_at_once_neither_mix_nor_wait_for_each_other() {
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..50 {
            scope.spawn(move || {
                let outcome = run(&sh(&format!("echo {number}; sleep 1; echo {number} >&2; exit {number}")));
                assert_eq!(outcome.ended, Ended::Exit(number));
                assert_eq!(stdout(&outcome), format!("{number}\n"));
                assert_eq!(&outcome.stderr.kept[..], format!("{number}\n").as_bytes());
            });
        }
    });
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn the_waiting_half_serves_nobody_but_the_glass_that_started_it() {
    let directory = tempfile::tempdir().unwrap();
    let never = directory.path().join("never");
    let never = never.to_str().unwrap();
    let mut parts: Vec<&[u8]> = vec![&[0, 1, 0], &[0; 4], &[0; 4], &[1, 0, 0, 0], &[0; 4], b""];
    parts.extend([b"/usr/bin/touch".as_slice(), never.as_bytes(), b""]);
    let body: Vec<u8> =
        parts.iter().flat_map(|part| [&(part.len() as u32).to_le_bytes(), *part].concat()).collect();
    let frame = [&(body.len() as u32).to_le_bytes(), body.as_slice(), b"G"].concat();

    let attempt = |program: &str, args: &[&str]| {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&frame).unwrap();
        let theirs = std::os::fd::OwnedFd::from(theirs);
        let code = Command::new(program).args(args).stdin(theirs).status().unwrap().code();
        let mut answer = Vec::new();
        // The refused half leaves the request unread, which the kernel may tell as a reset.
        let _ = ours.read_to_end(&mut answer);
        (code, answer)
    };
    let glass = env!("CARGO_BIN_EXE_glass");
    // Made by its parent: the frame is right.
    assert_eq!(attempt(glass, &["__spawn"]), (Some(0), b"R".to_vec()));
    assert!(fs::remove_file(never).is_ok());
    // Handed through another program, as `sudo` would.
    let through = attempt("/bin/sh", &["-c", "\"$0\" __spawn; exit $?", glass]);
    assert_eq!(through, (Some(127), Vec::new()));
    assert!(!Path::new(never).exists());
    // No socket at all.
    let status = Command::new(glass).arg("__spawn").stdin(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(127));
}

/// Not a test of its own: the glass that dies, in a process of its own.
#[test]
#[ignore = "run by the tests about the death of glass"]
fn glass_that_dies() {
    let say = |prepared: &Prepared| {
        let ProcessGroup { id, start } = prepared.process_group();
        println!("group {id} {start}");
    };
    let waiting = prepare(&sh("sleep 1000")).unwrap();
    say(&waiting);
    let running = prepare(&sh("sleep 1000 & echo $!; sleep 1000; true")).unwrap();
    say(&running);
    running.run();
}

#[test]
fn p02_the_death_of_glass_ends_what_waits_and_leaves_the_rest_to_closing() {
    let mut glass = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "glass_that_dies", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(glass.stdout.take().unwrap()).lines().map(Result::unwrap);
    let groups: Vec<ProcessGroup> = lines
        .filter_map(|line| {
            let numbers = line.split_once("group ")?.1.to_owned();
            let (id, start) = numbers.split_once(' ')?;
            Some(ProcessGroup { id: id.parse().ok()?, start: start.parse().ok()? })
        })
        .take(2)
        .collect();
    let [waiting, running] = groups[..] else { panic!("{groups:?}") };
    let members = || {
        let of_group = |id: &i32| {
            let line = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let fields = line.rsplit(')').next().unwrap().split_ascii_whitespace().collect::<Vec<_>>();
            fields.get(2) == Some(&running.id.to_string().as_str()) && acts(*id)
        };
        let ids = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        ids.filter(of_group).collect::<Vec<i32>>()
    };
    soon("the command and both children run", || members().len() == 3);
    glass.kill().unwrap();
    glass.wait().unwrap();
    soon("both leaders die with it", || !acts(waiting.id) && !acts(running.id));

    assert_eq!(members().len(), 2, "orphans may still act");
    // A later process of that number is never touched.
    assert!(end_process_group(&running));
    assert!(members().is_empty());
    assert!(end_process_group(&running) && end_process_group(&waiting), "already gone is gone");
}

#[test]
fn p03_closing_ends_a_living_group_only_when_it_is_the_same_one() {
    let prepared = prepare(&sh("sleep 1000")).unwrap();
    let group = prepared.process_group();
    assert!(end_process_group(&ProcessGroup { start: group.start + 1, ..group }));
    assert!(acts(group.id));
    assert!(end_process_group(&group));
    assert!(!acts(group.id));
}

#[test]
fn p02_a_watchdog_is_armed_only_by_its_word() {
    let detach = |script: &str| {
        effect::watchdog::detach(OsStr::new("/bin/sh"), &[OsStr::new("-c"), OsStr::new(script)])
    };
    for (script, reason) in
        [("exit 0", "ended at once"), ("echo alarmed", "something else"), ("printf arm", "ended at once")]
    {
        let error = detach(script).unwrap_err().to_string();
        assert!(error.contains(reason), "{script}: {error}");
    }
    let error = effect::watchdog::detach(OsStr::new("/nonexistent/glass"), &[]).unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");

    let silent = Instant::now();
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("id");
    let script = format!("echo $$ > {}; exec sleep 1000", note.display());
    assert!(detach(&script).unwrap_err().to_string().contains("silent"));
    assert!(silent.elapsed() < Duration::from_secs(15));
    assert!(!acts(fs::read_to_string(&note).unwrap().trim().parse().unwrap()));
}

/// Not a test of its own: the glass that arms a watchdog and dies.
#[test]
#[ignore = "run by the test about the watchdog"]
fn glass_that_arms() {
    let script = "echo armed; exec >/dev/null; for fd in /proc/$$/fd/*; do [ -e $fd ] && readlink $fd; done > $0; \
                  env >> $0; pwd >> $0; cut -d' ' -f1,5,6,7 /proc/$$/stat >> $0; echo end >> $0; exec sleep 1000";
    let note = std::env::var_os("NOTE").unwrap();
    effect::watchdog::detach(OsStr::new("/bin/sh"), &[OsStr::new("-c"), OsStr::new(script), &note]).unwrap();
}

#[test]
fn p02_a_watchdog_outlives_glass_with_nothing_inherited() {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("note");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "glass_that_arms", "--ignored"])
        .env("NOTE", &note)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    soon("the watchdog goes on", || fs::read_to_string(&note).is_ok_and(|text| text.ends_with("end\n")));
    let text = fs::read_to_string(&note).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let id: i32 = lines[lines.len() - 2].split(' ').next().unwrap().parse().unwrap();
    let alive = acts(id);
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    assert!(alive);
    assert_eq!(lines[lines.len() - 2], format!("{id} {id} {id} 0"), "group, session, no terminal");
    // Its standard output is the note while it lists them.
    let note = note.to_str().unwrap();
    assert!(lines[..3].iter().all(|fd| [note, "/dev/null"].contains(fd)), "{text}");
    assert!(!text.contains("NOTE=") && text.contains("\n/\n"), "{text}");
}
