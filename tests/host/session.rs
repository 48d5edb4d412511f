//! Sessions under sudo: as the caller, with nothing of root's.

use crate::machine::Machine;
use crate::support::{LONG, Person, requires, wait_until};
use std::fs;
use std::net::{TcpListener, TcpStream};

const PASSWORD: &str = "correct-Horse-9battery";

fn exec(machine: &Machine, who: &str, grant: &str, script: &str) -> Person {
    machine.person(who, &["sudo", "glass", "exec", grant, "--", "sh", "-c", script])
}

#[test]
fn p13_a_session_under_sudo_is_the_callers_in_all_that_it_can_do() {
    let Some(machine) = Machine::new() else { return };
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    let script = "id -un; id -Gn; echo $HOME $USER $LOGNAME $SHELL; pwd; env | grep -c ^SUDO_; \
                  stat -c %U \"$(tty)\"; grep -E '^(Cap(Prm|Eff|Inh)|NoNewPrivs)' /proc/self/status; \
                  cat /etc/shadow /var/lib/glass/ledger.key; touch mine && stat -c %U mine";
    let mut person = exec(&machine, "ana", &grant, script);
    person.exits(0);
    for line in [
        "ana\r\nana oncall\r\n/home/ana ana ana /bin/sh\r\n/home/ana\r\n0\r\nana\r\n",
        "CapInh:\t0000000000000000\r\nCapPrm:\t0000000000000000\r\nCapEff:\t0000000000000000\r\n",
        "/etc/shadow: Permission denied",
        "ledger.key: Permission denied\r\nana\r\n",
    ] {
        person.saw(line);
    }
    let started = machine.last("session-started");
    assert_eq!(
        (&started["started"]["run_as"], &started["by"]),
        (&"ana".into(), &"ana (uid 4201) by sudo".into())
    );
    // What is recorded of it is root's.
    let files = machine.root(&["sh", "-c", "stat -c '%U %a' /var/lib/glass/recordings/*"]).exits(0).stdout;
    assert_eq!(files, "root 600\nroot 600\n");
    // Its shell is the caller's, too.
    let mut shell = machine.person("ana", &["sudo", "glass", "shell", &grant]);
    shell.send("id -un; exit 6\n").exits(6).saw("ana\r\n");
    // And through pipes.
    machine.sudo("ana", &["glass", "exec", &grant, "--", "id", "-u"]).exits(0).says("4201\n");
}

#[test]
fn p13_nobody_else_uses_a_grant_not_even_by_sudo() {
    let Some(machine) = Machine::new() else { return };
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    for verb in [&["exec", &grant, "--", "id"][..], &["shell", &grant]] {
        let ran =
            machine.sudo("bob", &[&["glass"], verb].concat()).exits(125).says("glass activate doors/front");
        assert!(ran.stdout.is_empty(), "{ran:?}");
        assert_eq!(machine.last("refused")["cause"], "not-the-requester");
    }
    machine.root(&["glass", "exec", &grant, "--", "id"]).exits(125);
    let fixed = "under sudo the home is fixed";
    machine
        .sudo("ana", &["glass", "exec", &grant, "--home", "/home/ana/home", "--", "id"])
        .exits(125)
        .says(fixed);
    assert!(machine.entries().iter().all(|facts| facts["kind"] != "session-started"));
    let variable = ["GLASS_HOME=/home/ana/home", "glass", "exec", &grant, "--", "id"];
    machine.sudo("ana", &variable).exits(1).says("you are not allowed to set");
}

/// A host on which ana has a password, and a grant of hers whose sessions record what is typed.
fn with_password() -> Option<(Machine, String)> {
    let machine = Machine::new()?;
    machine.root(&["sh", "-c", &format!("echo 'ana:{PASSWORD}' | chpasswd")]).exits(0);
    let playbook = machine.inside("/etc/glass/playbooks/doors.toml");
    let text = fs::read_to_string(&playbook).unwrap();
    let input = "title = \"Open\"\nrecording-input = true";
    fs::write(&playbook, text.replace("title = \"Open the door\"", input)).unwrap();
    machine.register();
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    Some((machine, grant))
}

/// Demands that what was typed in the open is recorded, and the password nowhere.
fn password_is_nowhere(machine: &Machine) {
    let everything = machine.root(&["sh", "-c", "cat /var/lib/glass/recordings/*.cast"]).exits(0).stdout;
    assert!(everything.contains("\"i\", \"in the open\\r\"]") && everything.contains("\"i\", \"again\\r\"]"));
    let typed: Vec<&str> = everything.lines().filter(|line| line.contains(", \"i\", ")).collect();
    assert_eq!(typed.len(), 2, "{everything}");
    let found = machine.root(&["grep", "-r", "-c", "-e", &PASSWORD[..6], "/var/lib/glass"]);
    assert!(
        found.stdout.lines().count() > 5 && found.stdout.lines().all(|line| line.ends_with(":0")),
        "{found:?}"
    );
}

#[test]
fn p09_a_password_typed_at_sudo_or_su_in_a_session_is_nowhere() {
    let Some((machine, grant)) = with_password() else { return };
    machine.write_rule("asks", "ana ALL = (root) PASSWD: /usr/bin/id\n");
    let script = "echo ready; read x; sudo id -un; su ana -c 'id -un'; read y; echo \"then $y\"";
    let mut person = exec(&machine, "ana", &grant, script);
    person.expect("ready").send_line("in the open").expect("in the open");
    person.expect("password for ana: ").send_line(PASSWORD).expect("root\r");
    person.expect("Password: ").send_line(PASSWORD).expect("ana\r");
    person.send_line("again").expect("then again").exits(0);
    password_is_nowhere(&machine);
}

#[test]
fn p09_a_password_typed_at_ssh_in_a_session_is_nowhere() {
    let Some((machine, grant)) = with_password() else { return };
    if !requires("sshd") || !requires("ssh") {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    machine
        .root(&["sh", "-c", "mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f /run/sshd/key"])
        .exits(0);
    let options = ["-o", "ListenAddress=127.0.0.1", "-o", "PasswordAuthentication=yes", "-o", "UsePAM=yes"];
    let daemon = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-h", "/run/sshd/key", "-p", &port];
    machine.root_beside(&[&daemon[..], &options].concat());
    assert!(wait_until(|| TcpStream::connect(format!("127.0.0.1:{port}")).is_ok(), LONG));
    // It leaves what is typed later to others (-n); the password it reads from the terminal.
    let ssh = format!(
        "ssh -n -o PubkeyAuthentication=no -o StrictHostKeyChecking=no -p {port} ana@127.0.0.1 id -un"
    );
    let script = format!("echo ready; read x; {ssh}; read y; echo \"then $y\"");
    let mut person = exec(&machine, "ana", &grant, &script);
    person.expect("ready").send_line("in the open").expect("in the open");
    person.expect("assword: ").send_line(PASSWORD).expect("ana\r");
    person.send_line("again").expect("then again").exits(0);
    password_is_nowhere(&machine);
}
