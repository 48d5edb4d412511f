//! What people on call can do with the printed sudoers rule, and what they can't.

use crate::machine::Machine;
use crate::support::Ran;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_printed_rule_is_enough_to_activate_look_and_revoke() {
    let Some(machine) = Machine::new() else { return };
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    assert!(machine.target.is_open(&grant));
    let request = machine.last("requested");
    assert_eq!((&request["signed"]["os_user"], &request["signed"]["os_uid"]), (&"ana".into(), &4201.into()));
    assert_eq!(request["signed"]["by_sudo"], true);

    let status = machine.sudo("bob", &["glass", "status", "--format", "json"]).exits(0).json();
    assert_eq!(
        (&status["grants"][0]["id"], &status["grants"][0]["state"]),
        (&grant.as_str().into(), &"active".into())
    );
    machine.sudo("ana", &["glass", "status"]).exits(0).says("doors/front");
    machine.sudo("ana", &["glass", "status", &grant]).exits(0).says(&grant);

    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0).says("closed, and proved");
    assert!(!machine.target.is_open(&grant));
    assert_eq!(machine.last("closing")["by"], "ana (uid 4201) by sudo");
    let recording = machine.inside("/var/lib/glass/recordings/s-k3q7x2m5ab.cast");
    fs::write(recording, "{\"version\":2,\"width\":80,\"height\":24}\n").unwrap();
    for look in [
        &["playbook", "list"][..],
        &["playbook", "show", "front"],
        &["sessions", "export", "s-k3q7x2m5ab"],
        &["ledger", "log"],
        &["ledger", "verify"],
        &["ledger", "checkpoint"],
    ] {
        machine.sudo("ana", &[&["glass"], look].concat()).exits(0);
    }
}

#[test]
fn the_printed_rule_allows_nothing_else() {
    let Some(machine) = Machine::new() else { return };
    let refused = |who: &str, args: &[&str]| machine.sudo(who, args).exits(1).says("a password is required");
    for other in [
        &["glass"][..],
        &["glass", "register"],
        &["glass", "init", "--person", "eve", "--key", "/home/eve/.ssh/id_ed25519.pub"],
        &["glass", "expire"],
        &["glass", "ledger", "backup", "/home/ana/copy"],
        &["glass", "--home", "/home/ana/home", "status"],
        &["glass", "__watchdog", "/home/ana", "/home/ana", "g-aaaaaaaaaa"],
        &["glass", "__spawn"],
        &["glass", "__as-person"],
        &["sh"],
    ] {
        refused("ana", other);
    }
    for variable in ["GLASS_HOME=/home/ana/home", "SUDO_UID=0", "LD_PRELOAD=/home/ana/evil.so"] {
        machine.sudo("ana", &[variable, "glass", "status"]).exits(1).says("you are not allowed to set");
    }
    refused("eve", &["glass", "status"]);
}

#[test]
fn the_home_is_fixed_under_sudo() {
    let Some(machine) = Machine::new() else { return };
    let fixed = "under sudo the home is fixed";
    machine.sudo("ana", &["glass", "status", "--home", "/home/ana/home"]).exits(3).says(fixed);
    machine.sudo("ana", &["glass", "status", "--home", "/var/lib/glass"]).exits(3).says(fixed);
    let elsewhere = ["activate", "doors/front", "--home", "/home/ana/home"];
    machine.person("ana", &[&["sudo", "glass"][..], &elsewhere].concat()).exits(3).saw(fixed);
    // Where a careless rule lets sudo pass variables and every verb on, glass itself refuses.
    machine.sudo("sam", &["GLASS_HOME=/home/sam/home", "glass", "status"]).exits(3).says(fixed);
    let init = ["glass", "init", "--person", "sam", "--key", "/home/sam/.ssh/id_ed25519.pub"];
    machine.sudo("sam", &init).exits(3).says("`init` is refused under sudo");
    let watchdog = ["glass", "__watchdog", "/home/sam", "/home/sam", "g-aaaaaaaaaa"];
    machine.sudo("sam", &watchdog).exits(3).says("not started under sudo");
    assert!(!machine.inside("/home/sam/home").exists());
}

#[test]
fn a_hostile_environment_changes_nothing() {
    let Some(machine) = Machine::new() else { return };
    // What the step's own command finds in its environment.
    machine.target.does("grant", "env > \"$TARGET/found\"");
    let hostile = [
        "env",
        "LD_PRELOAD=/home/ana/evil.so",
        "LD_LIBRARY_PATH=/home/ana",
        "PATH=/home/ana/bin:/usr/bin",
        "HOME=/home/bob",
        "XDG_CONFIG_HOME=/home/ana/config",
        "XDG_DATA_HOME=/home/ana/data",
        "GLASS_HOME=/home/ana/home",
        "SUDO_UID=4202",
        "SUDO_USER=bob",
        "SSH_AUTH_SOCK=/home/ana/agent",
        "TMPDIR=/home/ana",
        "BASH_ENV=/home/ana/evil",
        "sudo",
    ];
    machine.activate_ok("ana", &hostile, &[]);
    let signed = machine.last("requested")["signed"].clone();
    assert_eq!((&signed["os_user"], &signed["person"]), (&"ana".into(), &"ana".into()));
    let found = std::fs::read_to_string(machine.target.path().join("found")).unwrap();
    let mut names: Vec<&str> = found.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    // `sh` adds the last ones by itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert_eq!(names, ["HOME", "LANG", "PATH", "TARGET"], "{found}");
}

#[test]
fn without_sudo_a_forged_caller_is_a_stray_variable() {
    let Some(machine) = Machine::new() else { return };
    let ran = Ran::of(&mut machine.user("eve", &["env", "SUDO_UID=0", "glass", "status"]));
    ran.exits(1).says("no glass home at `/home/eve/.local/share/glass`");
    let child = Ran::of(&mut machine.user("eve", &["env", "SUDO_UID=0", "glass", "__as-person"]));
    child.exits(1);
}

#[test]
fn p09_a_host_that_allows_no_core_dumps_is_no_hindrance() {
    let Some(machine) = Machine::bare() else { return };
    // sudo sets this limit by itself; an ordinary user can't raise it, not even to 1.
    let limited = ["prlimit", "--core=0:0", "glass", "status"];
    Ran::of(&mut machine.user("eve", &limited)).exits(1).says("no glass home");
}

#[test]
fn p04_sudo_drops_an_agents_variables_and_not_its_ancestry() {
    let Some(machine) = Machine::new() else { return };
    let agent = machine.inside("/home/ana/claude");
    fs::write(&agent, "\"$@\"\nexit $?\n").unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o644)).unwrap();
    machine.activate_ok("ana", &["env", "CLAUDECODE=1", "sh", "/home/ana/claude", "sudo"], &[]);
    let hints = machine.last("requested")["signed"]["hints"].to_string();
    assert!(hints.contains("process: claude") && !hints.contains("environment"), "{hints}");
}
