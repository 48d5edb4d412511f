//! What `doctor --print` prints, judged by the programs that will read it.

use crate::machine::Machine;
use crate::support::{requires, wait_until, with_argument};
use rustix::process::{Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[test]
fn visudo_takes_the_printed_rule() {
    let Some(machine) = Machine::bare() else { return };
    let rule = machine.root(&["glass", "doctor", "--print", "sudoers"]).exits(0).stdout;
    assert!(rule.contains("/usr/local/bin/glass activate *"), "{rule}");
    machine.write_rule("glass", &rule);
    machine.root(&["visudo", "-c", "-s", "-f", "/etc/sudoers.d/glass"]).exits(0).says("parsed OK");
    // With its comments turned into lines, too.
    let whole: String = rule
        .lines()
        .map(|line| if line.starts_with("# ") { line } else { line.trim_start_matches('#') })
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(whole.contains("\n%glass-admin"), "{whole}");
    machine.write_rule("glass", &whole);
    machine.root(&["visudo", "-c", "-s", "-f", "/etc/sudoers.d/glass"]).exits(0).says("parsed OK");
}

#[test]
fn systemd_takes_the_printed_units() {
    let Some(machine) = Machine::bare() else { return };
    if !requires("systemd-analyze") {
        return;
    }
    // As the README puts them in their places.
    let split = "mkdir -p /etc/systemd/system && glass doctor --print systemd \
                 | awk '/^# \\/etc\\// { file = $2 } { print > file }'";
    machine.root(&["sh", "-c", split]).exits(0);
    for unit in ["glass-expire.service", "glass-expire.timer"] {
        let path = format!("/etc/systemd/system/{unit}");
        let ran = machine.root(&["systemd-analyze", "verify", "--man=no", &path]).exits(0);
        assert!(!ran.stderr.contains("glass-expire"), "{}", ran.stderr);
    }
    let service = fs::read_to_string(machine.inside("/etc/systemd/system/glass-expire.service")).unwrap();
    assert!(service.contains("\nExecStart=/usr/local/bin/glass expire\n"), "{service}");
}

#[test]
fn nothing_is_printed_for_a_binary_that_others_may_write() {
    let Some(machine) = Machine::bare() else { return };
    machine.root(&["glass", "doctor"]).exits(3).says("not supported yet");
    for part in ["cron", "systemd", "sudoers"] {
        let print = ["glass", "doctor", "--print", part];
        machine.root(&print).exits(0).says("/usr/local/bin/glass ");
        let binary = machine.inside("/usr/local/bin/glass");
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o775)).unwrap();
        let ran = machine.root(&print).exits(3).says("can be written by others").says("install -o root");
        assert_eq!(ran.stdout, "");
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir(machine.inside("/usr/local/bin/a b")).unwrap();
    fs::copy(machine.inside("/usr/local/bin/glass"), machine.inside("/usr/local/bin/a b/glass")).unwrap();
    machine.root(&["/usr/local/bin/a b/glass", "doctor", "--print", "cron"]).exits(3).says("something else");
}

#[test]
fn p02_cron_closes_a_grant_whose_watchdog_was_killed_within_its_minute() {
    const LENGTH: Duration = Duration::from_secs(10);
    let Some(machine) = Machine::new() else { return };
    if !requires("cron") {
        return;
    }
    let line = machine.root(&["glass", "doctor", "--print", "cron"]).exits(0).stdout;
    let path = machine.inside("/etc/cron.d/glass");
    fs::write(&path, line).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    machine.root_beside(&["cron", "-f"]);
    let grant = machine.activate_ok("ana", &["sudo"], &["--for", "10s"]);
    let since = Instant::now();
    let watchdogs = with_argument(&["__watchdog", &grant]);
    assert_eq!(watchdogs.len(), 1);
    kill_process(watchdogs[0], Signal::KILL).unwrap();
    assert!(machine.target.is_open(&grant));
    // A minute of cron's, and what a busy machine takes for the closing.
    let closed = wait_until(|| !machine.target.is_open(&grant), LENGTH + Duration::from_secs(75));
    assert!(closed, "cron closed nothing");
    assert!(since.elapsed() >= LENGTH - Duration::from_secs(1), "too early: {:?}", since.elapsed());
    let settled = || machine.entries().iter().any(|facts| facts["kind"] == "closed");
    assert!(wait_until(settled, crate::support::LONG));
    machine.sudo("ana", &["glass", "status", &grant]).exits(0).says("closed");
}
