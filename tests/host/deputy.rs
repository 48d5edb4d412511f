//! Under sudo glass is nobody's deputy: what a person names is opened as that person.

use crate::machine::{Machine, ON_CALL, USERS, secrets};
use crate::support::{
    LONG, PRESENT, Person, Ran, Scope, SecurityKey, device, requires, text, wait_until, with_argument,
    write_key,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixStream;

const DENIED: &str = "Permission denied";

fn shows_no_secret(shown: &str) {
    for secret in secrets() {
        assert!(!shown.contains(secret), "{secret:?} is shown:\n{shown}");
    }
}

#[track_caller]
fn refused(person: &mut Person, why: &str) {
    person.exits(4).saw(why);
    shows_no_secret(&person.screen());
    assert!(!person.screen().contains("to confirm"), "it was asked:\n{}", person.screen());
}

#[test]
fn another_persons_key_is_out_of_reach() {
    let Some(machine) = Machine::new() else { return };
    let home = machine.inside("/home/ana");
    symlink("/home/bob/.ssh/id_ed25519", home.join("to-bob")).unwrap();
    symlink("/etc/shadow", home.join("to-shadow")).unwrap();
    symlink("/var/lib/glass/ledger.key", home.join("to-ledger")).unwrap();
    symlink("/home/bob/.ssh", home.join("ssh-of-bob")).unwrap();
    // Where anybody may look, but not read.
    fs::copy(machine.inside("/home/bob/.ssh/id_ed25519"), machine.inside("/run/key")).unwrap();
    fs::set_permissions(machine.inside("/run/key"), fs::Permissions::from_mode(0o600)).unwrap();
    for key in [
        "/home/bob/.ssh/id_ed25519",
        "/home/bob/.ssh/id_ed25519.pub",
        "/run/key",
        "/etc/shadow",
        "/var/lib/glass/ledger.key",
        "to-bob",
        "/home/ana/to-shadow",
        "to-ledger",
        "ssh-of-bob/id_ed25519",
        "../bob/.ssh/id_ed25519",
    ] {
        refused(&mut machine.activation("ana", &["sudo"], &["--key", key]), DENIED);
    }
    assert!(machine.target.open().is_empty());
    // Files of others that the person may read give nothing away, and sign nothing.
    refused(
        &mut machine.activation("ana", &["sudo"], &["--key", "/etc/passwd"]),
        "not an OpenSSH public key",
    );
    assert_eq!(machine.last("refused")["by"], "ana (uid 4201) by sudo");
}

#[test]
fn a_link_to_ones_own_key_is_fine_and_another_persons_directory_is_not_looked_into() {
    let Some(machine) = Machine::new() else { return };
    symlink("/home/ana/.ssh/id_ed25519", machine.inside("/home/ana/mine")).unwrap();
    let grant = machine.activate_ok("ana", &["sudo"], &["--key", "mine"]);
    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0);
    // Without a name the key is found in ana's own directory, not in root's or by HOME.
    fs::remove_dir_all(machine.inside("/home/ana/.ssh")).unwrap();
    symlink("/home/bob/.ssh", machine.inside("/home/ana/.ssh")).unwrap();
    refused(
        &mut machine.activation("ana", &["env", "HOME=/home/bob", "sudo"], &[]),
        "found no key of the roster",
    );
}

#[test]
fn a_person_bound_to_another_user_is_refused() {
    let Some(machine) = Machine::new() else { return };
    // Bob leaves his key where sam can read it.
    let stolen = machine.inside("/home/sam/stolen");
    fs::copy(machine.inside("/home/bob/.ssh/id_ed25519"), &stolen).unwrap();
    chown(&stolen, Some(4204), Some(4204)).unwrap();
    let mut person = machine.activation("sam", &["sudo", "SUDO_USER=bob"], &["--key", "stolen"]);
    person.exits(3).saw("bob is bound to the OS user bob; this is sam");
}

#[test]
fn files_to_read_are_read_as_the_person() {
    let Some(machine) = Machine::new() else { return };
    for option in ["--anchors", "--since"] {
        let ran =
            machine.sudo("ana", &["glass", "ledger", "verify", option, "/etc/shadow"]).exits(2).says(DENIED);
        shows_no_secret(&(ran.stdout + &ran.stderr));
    }
    let ran = machine.sudo("sam", &["glass", "playbook", "lint", "/etc/shadow"]).exits(2).says(DENIED);
    shows_no_secret(&(ran.stdout + &ran.stderr));
    // What is one's own is read.
    let checkpoint = machine.sudo("ana", &["glass", "ledger", "checkpoint"]).exits(0).stdout;
    let kept = machine.inside("/home/ana/kept");
    fs::write(&kept, checkpoint).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&kept, Some(4201), Some(4201)).unwrap();
    machine.sudo("ana", &["glass", "ledger", "verify", "--anchors", "kept"]).exits(0);
    machine.sudo("bob", &["glass", "ledger", "verify", "--anchors", "/home/ana/kept"]).exits(2).says(DENIED);
}

#[test]
fn the_persons_groups_count_and_roots_do_not() {
    let Some(machine) = Machine::new() else { return };
    let checkpoint = machine.sudo("ana", &["glass", "ledger", "checkpoint"]).exits(0).stdout;
    let kept = machine.inside("/run/kept");
    fs::write(&kept, checkpoint).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
    let verify = ["glass", "ledger", "verify", "--anchors", "/run/kept"];
    machine.sudo("ana", &verify).exits(2).says(DENIED);
    chown(&kept, Some(0), Some(ON_CALL)).unwrap();
    machine.sudo("ana", &verify).exits(0);
    machine.sudo("sam", &verify).exits(2).says(DENIED);
}

#[test]
fn root_tells_nothing_of_a_file_that_somebody_names_in_a_playbook() {
    let Some(machine) = Machine::new() else { return };
    machine.root(&["touch", "-d", "2001-01-01", "/var/lib/glass/old"]).exits(0);
    let lint = |secret: &str| {
        let rotation = format!(
            "[[scope.rotation]]\nid = \"r\"\nrun = [\"true\"]\nsecret = \"{secret}\"\nevery = \"90d\"\n"
        );
        let playbook = text("x", &[Scope::new("x").with(machine.target.step("file")).with(rotation)]);
        fs::write(machine.inside("/home/sam/x.toml"), playbook).unwrap();
        let ran = machine.sudo("sam", &["glass", "playbook", "lint", "x.toml"]).exits(0);
        ran.stdout.replace(secret, "SECRET")
    };
    assert_eq!(lint("/var/lib/glass/old"), lint("/var/lib/glass/none"));
}

#[test]
fn files_to_write_are_written_as_the_person() {
    let Some(machine) = Machine::new() else { return };
    let grant = machine.activate_ok("ana", &["sudo"], &["--receipt", "receipt"]);
    let receipt = fs::metadata(machine.inside("/home/ana/receipt")).unwrap();
    assert_eq!((receipt.uid(), receipt.gid(), receipt.mode() & 0o7777), (4201, 4201, 0o600));
    machine.sudo("ana", &["glass", "ledger", "verify", "--anchors", "receipt"]).exits(0);
    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0);

    symlink("/etc/cron.d/evil", machine.inside("/home/ana/link")).unwrap();
    symlink("/etc", machine.inside("/home/ana/etc")).unwrap();
    for path in ["/etc/cron.d/evil", "link", "etc/evil", "/home/bob/receipt", "/var/lib/glass/receipt"] {
        let mut person = machine.activation("ana", &["sudo"], &["--receipt", path]);
        // A receipt that can't be written stops nothing.
        person.expect("to confirm: ").send_line("doors/front").exits(0).saw("WARNING: no receipt");
    }
    for path in ["/etc/cron.d/evil", "/etc/evil", "/home/bob/receipt", "/var/lib/glass/receipt"] {
        assert!(!machine.inside(path).exists(), "{path}");
    }
}

#[test]
fn a_backup_belongs_to_the_person() {
    let Some(machine) = Machine::new() else { return };
    machine.sudo("sam", &["glass", "ledger", "backup", "copy"]).exits(0);
    let copy = machine.inside("/home/sam/copy");
    let metadata = fs::metadata(&copy).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (4204, 0o600));
    // SQLite does not find its way through links that only the kernel follows.
    let taken = machine.target.path().join("copy");
    fs::copy(&copy, &taken).unwrap();
    let database = rusqlite::Connection::open(&taken).unwrap();
    let count: usize = database.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(count, machine.entries().len());
    machine.sudo("sam", &["glass", "ledger", "backup", "copy"]).exits(1).says("File exists");
    machine.sudo("sam", &["glass", "ledger", "backup", "/etc/cron.d/evil"]).exits(1).says(DENIED);
    machine.sudo("sam", &["glass", "ledger", "backup", "/var/lib/glass/ledger.db"]).exits(1).says(DENIED);
    let left = fs::read_dir(machine.inside("/var/lib/glass")).unwrap();
    let left = left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("backup"));
    assert_eq!(left.count(), 0);
}

#[test]
fn an_exported_recording_belongs_to_the_person() {
    let Some(machine) = Machine::new() else { return };
    let recording = machine.inside("/var/lib/glass/recordings/s-k3q7x2m5ab.cast");
    fs::write(recording, "{\"version\":2,\"width\":80,\"height\":24}\n").unwrap();
    let export = |to| machine.sudo("ana", &["glass", "sessions", "export", "s-k3q7x2m5ab", "--output", to]);
    export("copy").exits(0);
    let copy = fs::metadata(machine.inside("/home/ana/copy")).unwrap();
    assert_eq!((copy.uid(), copy.gid(), copy.mode() & 0o7777), (4201, 4201, 0o600));
    export("/etc/cron.d/evil").exits(1).says(DENIED);
    export("/var/lib/glass/recordings/s-aaaaaaaaaa.cast").exits(1).says(DENIED);
}

#[test]
fn the_agent_is_spoken_to_as_the_person() {
    let Some(machine) = Machine::new() else { return };
    if !(requires("ssh-agent") && requires("ssh-add")) {
        return;
    }
    // The line that the printed rule has as a comment.
    let rule = machine.root(&["glass", "doctor", "--print", "sudoers"]).exits(0).stdout;
    machine.write_rule("glass", &rule.replace("#Defaults!GLASS_ONCALL", "Defaults!GLASS_ONCALL"));
    machine.root(&["visudo", "-c"]).exits(0);
    let listen = |name: &str, id: u32, directory: &str| {
        let path = machine.inside(directory);
        fs::create_dir(&path).unwrap();
        chown(&path, Some(id), Some(id)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let socket = format!("{directory}/agent");
        machine.user_beside(name, &["ssh-agent", "-D", "-a", &socket]);
        assert!(wait_until(|| machine.inside(&socket).exists(), LONG));
        socket
    };
    let own = listen("ana", 4201, "/home/ana/own");
    let bobs = listen("bob", 4202, "/run/of-bob");
    let add = |name: &str, socket: &str| {
        let variable = format!("SSH_AUTH_SOCK={socket}");
        Ran::of(&mut machine.user(name, &["env", &variable, "ssh-add", "-q"])).exits(0);
    };
    add("ana", &own);
    add("bob", &bobs);
    fs::remove_file(machine.inside("/home/ana/.ssh/id_ed25519")).unwrap();

    let by = |socket: &str| format!("SSH_AUTH_SOCK={socket}");
    let grant = machine.activate_ok("ana", &["env", &by(&own), "sudo"], &[]);
    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0);
    let named = ["--key", "/home/ana/.ssh/id_ed25519.pub"];
    machine.activate_ok("ana", &["env", &by(&own), "sudo"], &named);
    // Root could speak to that one.
    refused(&mut machine.activation("ana", &["env", &by(&bobs), "sudo"], &[]), DENIED);
    fs::set_permissions(machine.inside("/run/of-bob"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(machine.inside(&bobs), fs::Permissions::from_mode(0o777)).unwrap();
    // The agent itself turns away whoever is neither its user nor root.
    let mut person = machine.activation("ana", &["env", &by(&bobs), "sudo"], &[]);
    assert_eq!(person.exit_code(), 4, "{}", person.screen());
}

/// Asks the hidden child by hand to read a file; its answer as it comes.
fn ask_child(machine: &Machine, path: &str) -> Vec<u8> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    let mut command = machine.user("sam", &["sudo", "-n", "glass", "__as-person"]);
    let mut child = command.stdin(theirs).spawn().unwrap();
    drop(command);
    let mut ours = UnixStream::from(ours);
    let mut question = vec![b'r'];
    question.extend((1u64 << 16).to_le_bytes());
    question.extend((path.len() as u32).to_le_bytes());
    question.extend(path.as_bytes());
    question.extend([0; 4]);
    ours.write_all(&question).unwrap();
    let mut answer = Vec::new();
    ours.read_to_end(&mut answer).unwrap();
    child.wait().unwrap();
    answer
}

#[test]
fn the_child_by_itself_gives_nobody_more_than_they_have() {
    let Some(machine) = Machine::new() else { return };
    let own = machine.inside("/home/sam/own");
    fs::write(&own, "mine").unwrap();
    assert_eq!(ask_child(&machine, "/home/sam/own"), b"\0\0\0\0\x04\0\0\0mine");
    let denied = 13u32.to_le_bytes();
    for path in ["/etc/shadow", "/home/ana/.ssh/id_ed25519", "/var/lib/glass/ledger.key", "/proc/1/environ"] {
        assert_eq!(ask_child(&machine, path), denied, "{path}");
    }
    // As the other hidden half does, without a glass that started it.
    machine.sudo("sam", &["glass", "__spawn"]).exits(127);
}

#[test]
fn a_caller_whom_nobody_knows_owns_nothing() {
    let Some(machine) = Machine::new() else { return };
    let (_, id) = USERS[0];
    for uid in ["4999", "", "-1", "4294967295", &format!("{id} ")] {
        let variable = format!("SUDO_UID={uid}");
        let args = ["env", &variable, "glass", "ledger", "verify", "--anchors", "/etc/passwd"];
        machine.root(&args).exits(2).says("can't read /etc/passwd");
        // Looking and closing need nothing of the person's.
        machine.root(&["env", &variable, "glass", "status"]).exits(0);
    }
    // A key that only root may read, under a SUDO_UID that root sets by hand.
    write_key(&machine.inside("/run/secret"), "");
    let args = ["env", "SUDO_UID=4201", "glass", "ledger", "verify", "--anchors", "/run/secret"];
    machine.root(&args).exits(2).says(DENIED);
}

#[test]
fn ssh_keygen_runs_as_the_person_in_front_of_their_terminal() {
    if !requires("ssh-keygen") || !requires("cc") {
        return;
    }
    let Some(machine) = Machine::new() else { return };
    let settings = machine.inside("/etc/glass/glass.toml");
    let mut roster = fs::read_to_string(&settings).unwrap();
    let library = device(&machine.inside("/home"));
    // Ana's sudo gives the command a terminal of its own, sam's does not.
    for (name, id) in [USERS[0], USERS[3]] {
        let home = machine.inside(&format!("/home/{name}"));
        for (file, asserts) in [("touched", PRESENT), ("waiting", 0x80 | PRESENT)] {
            let key = SecurityKey::new();
            key.write(&home.join(file), PRESENT, asserts);
            for path in [home.join(file), home.join(format!("{file}.pub"))] {
                chown(path, Some(id), Some(id)).unwrap();
            }
            let keys = format!("keys = [\"{}\"]", key.line());
            roster += &format!("\n[[person]]\nname = \"{name}-{file}\"\ngroups = [\"oncall\"]\n{keys}\n");
        }
    }
    fs::write(&settings, roster).unwrap();
    let front = Scope::new("front").with(machine.target.step("file")).set("touch", "\"required\"");
    fs::write(machine.inside("/etc/glass/playbooks/doors.toml"), text("doors", &[front])).unwrap();
    machine.register();
    machine.write_rule("device", "Defaults env_keep += \"SSH_SK_PROVIDER\"\n");
    let provider = format!("SSH_SK_PROVIDER=/home/{}", library.file_name().unwrap().to_str().unwrap());

    for (name, id) in [USERS[0], USERS[3]] {
        let asks = |file: &str| {
            let mut person = machine.activation(name, &["env", &provider, "sudo", "-n"], &["--key", file]);
            person.expect("Type doors/front to confirm: ").send_line("doors/front");
            person.expect("Confirm user presence");
            person
        };
        asks("touched").exits(0).saw("OPEN");
        assert_eq!(machine.last("requested")["touch"], "present");
        let waiting = format!("/home/{name}/waiting");
        let running = || with_argument(&["-Y", &waiting]);
        let mut person = asks("waiting");
        let pid = running().remove(0);
        assert_eq!(fs::metadata(format!("/proc/{}", pid.as_raw_nonzero())).unwrap().uid(), id);
        let variables = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap();
        let variables = String::from_utf8(variables).unwrap();
        let names: Vec<&str> = variables.split_terminator('\0').filter_map(|v| v.split('=').next()).collect();
        assert_eq!(names, ["HOME", "PATH", "SSH_SK_PROVIDER"]);
        person.send("\x03").exits(4).saw("interrupted");
        assert!(wait_until(|| running().is_empty(), LONG));
    }
    assert_eq!(machine.last("refused")["cause"], "abandoned");
}
