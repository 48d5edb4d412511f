//! What a session finds around it: what its caller had, and the grant's outputs.

use crate::support::{Person, Ran, glass, with_argument};
use crate::{CANARY, open_vault, vault};
use rustix::process::geteuid;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

#[test]
fn p13_a_session_has_what_its_caller_had_and_the_outputs_and_nothing_else() {
    let (home, grant) = open_vault();
    let mut command = glass(&home, &["exec", &grant, "--", "/usr/bin/env"]);
    command.env_clear().env("A", "1").env("GLASS_THING", "kept").env("LD_LIBRARY_PATH", "/x");
    let odd = OsStr::from_bytes(b"\xff\xfe");
    command.env("ODD", odd).env("TOKEN", "of the caller").env("PATH", "/usr/bin:/bin");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut lines: Vec<&[u8]> =
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    let token = format!("TOKEN={CANARY}");
    let expected: [&[u8]; 6] = [
        b"A=1",
        b"GLASS_THING=kept",
        b"LD_LIBRARY_PATH=/x",
        b"ODD=\xff\xfe",
        b"PATH=/usr/bin:/bin",
        token.as_bytes(),
    ];
    assert_eq!(lines, expected, "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn p13_directory_and_umask_are_the_callers_and_nothing_of_glass_is_open() {
    let (home, grant) = open_vault();
    // The C library ignores two signals of its own (32 and 33) in whatever it starts.
    let look = "pwd; umask; grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -c 18-; ulimit -n";
    let script = format!(
        "mkdir -p 'a b'; cd 'a b'; umask 027; {look}; \"$@\" exec {grant} -- sh -c \"{look}; ls /proc/self/fd\""
    );
    let ran = Ran::of(&mut home.script(&script)).exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((lines[0], lines[1]), (home.user().join("a b").to_str().unwrap(), "0027"));
    assert_eq!(lines[..5], lines[5..10], "{ran:?}");
    assert_eq!(lines[10..], ["0", "1", "2", "3"], "{ran:?}");
    let mode = fs::metadata(home.recordings()).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o7777, 0o700);
}

#[test]
fn p09_a_secret_is_in_no_argument_vector_and_in_nothing_that_glass_keeps() {
    let (home, grant) = open_vault();
    let mut child = glass(&home, &["exec", &grant, "--", "sh", "-c", "sleep 1; echo \"$TOKEN\""])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        assert_eq!(with_argument(&[CANARY]), []);
    }
    // Typed out by somebody who did not know better: masked where it is kept.
    home.exec_ran(&grant, &["echo", &format!("x{CANARY}y")]).exits(0);
    home.person(&["exec", &grant, "--", "sh", "-c", &format!("echo {CANARY}")]).exits(0).saw(CANARY);
    home.run(&["revoke", &grant]).exits(0);
    for args in [&["status", "--all", "--format", "json"][..], &["ledger", "log"], &["sessions", "list"]] {
        let ran = home.run(args).exits(0);
        assert!(!format!("{ran:?}").contains(CANARY), "{ran:?}");
    }
    home.run(&["sessions", "list", "--format", "json"]).exits(0).says("x[masked]y");
    keeps_nothing(&home, CANARY);
}

#[test]
fn p13_a_scope_says_whom_its_sessions_run_as() {
    if !geteuid().is_root() {
        return;
    }
    let home = vault(|scope| scope.set("run-as", "\"nobody\""));
    // The way to where they begin is the tests' own.
    for path in [home.root(), &home.user()] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let grant = home.activate_ok("vault", &[]);
    let script = "id -un; id -gn; id -G; echo $HOME $USER $LOGNAME $SHELL; pwd; echo $TOKEN; stat -c %U $(tty); \
                  grep CapEff /proc/self/status; exec cat /etc/shadow";
    let mut person = home.person(&["exec", &grant, "--", "sh", "-c", script]);
    person.exits(1).saw("nobody\r\nnogroup\r\n65534\r\n/nonexistent nobody nobody /usr/sbin/nologin\r\n");
    person.saw(&format!("{}\r\n{CANARY}\r\nnobody\r\nCapEff:\t0000000000000000\r\n", home.user().display()));
    person.saw("/etc/shadow: Permission denied");
    assert_eq!(home.of_kind("session-started")[0]["started"]["run_as"], "nobody");
    // A directory that they may not enter is said, and they are in / instead.
    fs::set_permissions(home.root(), Permissions::from_mode(0o700)).unwrap();
    let ran = home.exec_ran(&grant, &["pwd"]).exits(0).says("can't go to this directory");
    assert_eq!(ran.stdout, "/\n");
}

#[test]
fn p13_only_root_starts_a_session_as_somebody_else() {
    if !geteuid().is_root() {
        return;
    }
    let home = vault(|scope| scope.set("run-as", "\"daemon\""));
    let ran = Ran::of(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(home.root()));
    ran.exits(0);
    let nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];
    let mut person = Person::start(&mut home.at_terminal_under(&nobody, &home.wish("vault", &[])));
    person.expect("Type doors/vault to confirm: ").send_line("doors/vault").exits(0);
    let grant = home.grants().pop().unwrap();
    let ran = home.run_under(&nobody, &["exec", &grant, "--", "id"]).exits(125);
    assert!(ran.stderr.contains("run as daemon, and only root can start one; you are nobody"), "{ran:?}");
    assert!(ran.stderr.contains("sudo glass"), "{ran:?}");
    assert_eq!(home.refusals().last().unwrap(), "not-that-user");
    home.run_under(&nobody, &["revoke", &grant]).exits(0);
}

/// Demands that a text is in no file of the home.
pub(crate) fn keeps_nothing(home: &crate::support::Home, text: &str) {
    let mut left = vec![home.path()];
    let mut looked = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        looked += 1;
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{text:?} is in {}", path.display());
    }
    assert!(looked > 5);
}
