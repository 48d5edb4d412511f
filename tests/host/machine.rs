//! A host of a test's own: namespaces of mounts and processes in which `/etc`, `/var/lib`,
//! `/run`, `/home` and `/usr/local/bin` are private, with users of its own and the real sudo.
//!
//! Nothing of it is ever on the real host, and all its processes end with it: its first process
//! ends when the test does, however it ends, and takes the others along.
#![allow(unreachable_pub)]

use crate::support::{GLASS, KEY_COMMENT, Person, Ran, Scope, Target, requires, skipped, text, write_key};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Users with their ids; `ana` and `bob` are of the group `oncall`.
pub const USERS: [(&str, u32); 4] = [("ana", 4201), ("bob", 4202), ("eve", 4203), ("sam", 4204)];

/// The group `oncall`.
pub const ON_CALL: u32 = 4200;

/// The user whom a careless rule lets run all of glass, with any variable set.
const CARELESS: &str = "Defaults:sam !use_pty\nsam ALL = (root) NOPASSWD: SETENV: /usr/local/bin/glass\n";

const SET_UP: &str = r#"
set -e
cd "$1"
mount -t tmpfs none /run
mount -t tmpfs none /home
for place in etc var-lib var-spool local-bin; do mkdir $place; done
cp -a /etc/. etc/
rm -rf etc/cron* etc/sudoers.d/* etc/glass
mkdir etc/cron.d
mount --bind etc /etc
mount --bind var-lib /var/lib
mount --bind var-spool /var/spool
cp "$2" local-bin/glass
chown 0:0 local-bin/glass
chmod 755 local-bin/glass
mount --bind local-bin /usr/local/bin
mkdir -p /var/spool/cron/crontabs
cd /
echo ready
# Until the test is gone.
read -r _ || :
"#;

/// The host. Dropping it ends everything on it.
#[derive(Debug)]
pub struct Machine {
    directory: TempDir,
    holder: Child,
    /// Its first process, as the real host counts.
    init: u32,
    beside: RefCell<Vec<Child>>,
    /// What its playbook opens.
    pub target: Target,
}

impl Machine {
    /// A host with users and keys, without a glass home; `None` where it can't be had.
    pub fn bare() -> Option<Self> {
        if !rustix::process::geteuid().is_root() && !skipped("this needs root") {
            return None;
        }
        if !["unshare", "nsenter", "setpriv", "sudo", "visudo"].into_iter().all(requires) {
            return None;
        }
        let directory = tempfile::Builder::new().prefix("glass-host-").tempdir().unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SET_UP, "sh"])
            .args([directory.path(), Path::new(GLASS)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            let said = holder.wait_with_output().unwrap().stderr;
            skipped(&format!("no private host: {}", String::from_utf8_lossy(&said)));
            return None;
        }
        let of = holder.id();
        let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
        let init = children.trim().parse().unwrap();
        let target = Target::new(&directory.path().join("target"));
        let machine = Self { directory, holder, init, beside: RefCell::default(), target };
        machine.add_users();
        Some(machine)
    }

    /// A host set up as the README says: ana and bob on call, `doors/front` registered, the
    /// printed sudoers rule in place.
    pub fn new() -> Option<Self> {
        let machine = Self::bare()?;
        let key = "/home/ana/.ssh/id_ed25519";
        machine.root(&["glass", "init", "--person", "ana", "--key", &format!("{key}.pub")]).exits(0);
        fs::remove_file(machine.inside("/etc/glass/playbooks/sample.toml")).unwrap();
        let settings = machine.inside("/etc/glass/glass.toml");
        let mut roster = fs::read_to_string(&settings).unwrap();
        let public = fs::read_to_string(machine.inside("/home/bob/.ssh/id_ed25519.pub")).unwrap();
        roster = roster.replace("name = \"ana\"", "name = \"ana\"\nos-user = \"ana\"");
        assert!(roster.contains("os-user"), "{roster}");
        roster += &format!(
            "\n[[person]]\nname = \"bob\"\ngroups = [\"oncall\"]\nos-user = \"bob\"\nkeys = [\"{}\"]\n",
            public.trim()
        );
        let public = fs::read_to_string(machine.inside("/home/sam/.ssh/id_ed25519.pub")).unwrap();
        roster +=
            &format!("\n[[person]]\nname = \"sam\"\ngroups = [\"oncall\"]\nkeys = [\"{}\"]\n", public.trim());
        fs::write(&settings, roster).unwrap();
        let playbook = text("doors", &[Scope::new("front").with(machine.target.step("file"))]);
        fs::write(machine.inside("/etc/glass/playbooks/doors.toml"), playbook).unwrap();
        machine.register();
        let rule = machine.root(&["glass", "doctor", "--print", "sudoers"]).exits(0).stdout;
        machine.write_rule("glass", &rule);
        machine.write_rule("careless", CARELESS);
        machine.root(&["visudo", "-c"]).exits(0);
        Some(machine)
    }

    /// Root registers the drafts with ana's key.
    #[track_caller]
    pub fn register(&self) {
        let mut admin = self.root_person(&["glass", "register", "--key", "/home/ana/.ssh/id_ed25519"]);
        admin.expect("Type register to confirm: ").send_line("register").exits(0);
    }

    fn add_users(&self) {
        let append = |file: &str, lines: String| {
            let path = self.inside(file);
            fs::write(&path, fs::read_to_string(&path).unwrap() + &lines).unwrap();
        };
        append("/etc/group", format!("oncall:x:{ON_CALL}:ana,bob\n"));
        for (name, id) in USERS {
            append("/etc/passwd", format!("{name}:x:{id}:{id}::/home/{name}:/bin/sh\n"));
            append("/etc/group", format!("{name}:x:{id}:\n"));
            append("/etc/shadow", format!("{name}:*:19000:0:99999:7:::\n"));
            let home = self.inside(&format!("/home/{name}"));
            let ssh = home.join(".ssh");
            fs::create_dir_all(&ssh).unwrap();
            let key = ssh.join("id_ed25519");
            write_key(&key, "");
            for path in [&home, &ssh, &key, &ssh.join("id_ed25519.pub")] {
                chown(path, Some(id), Some(id)).unwrap();
            }
            for directory in [&home, &ssh] {
                fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
    }

    /// Puts a file into `/etc/sudoers.d`.
    pub fn write_rule(&self, name: &str, rule: &str) {
        let path = self.inside("/etc/sudoers.d").join(name);
        fs::write(&path, rule).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    }

    /// Where a path of this host is for the test. Links on it are not followed as on the host.
    pub fn inside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init))
    }

    /// Runs a command as real root, without a terminal.
    pub fn root(&self, args: &[&str]) -> Ran {
        Ran::of(self.enter("/root").args(args).stdin(Stdio::null()))
    }

    /// A command as real root that goes on beside the test, and ends with the host.
    pub fn root_beside(&self, args: &[&str]) {
        self.beside(self.enter("/root").args(args));
    }

    /// The same as an ordinary user.
    pub fn user_beside(&self, name: &str, args: &[&str]) {
        self.beside(&mut self.user(name, args));
    }

    fn beside(&self, command: &mut Command) {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.beside.borrow_mut().push(command.spawn().unwrap());
    }

    fn root_person(&self, args: &[&str]) -> Person {
        Person::start(self.enter("/root").args(["setsid", "--ctty"]).args(args))
    }

    /// A command as an ordinary user, without a terminal; the caller adds the rest.
    pub fn user(&self, name: &str, args: &[&str]) -> Command {
        let mut command = self.enter(&format!("/home/{name}"));
        command.args(become_user(name)).args(args).stdin(Stdio::null());
        command
    }

    /// Runs `sudo -n ARGS…` as an ordinary user, without a terminal.
    pub fn sudo(&self, name: &str, args: &[&str]) -> Ran {
        Ran::of(self.user(name, &["sudo", "-n"]).args(args))
    }

    /// Runs a command as an ordinary user at a terminal.
    pub fn person(&self, name: &str, args: &[&str]) -> Person {
        let mut command = self.enter(&format!("/home/{name}"));
        Person::start(command.args(["setsid", "--ctty"]).args(become_user(name)).args(args))
    }

    /// `sudo glass activate doors/front` with only the confirmation left to be typed.
    pub fn activation(&self, name: &str, before: &[&str], after: &[&str]) -> Person {
        let wish = ["activate", "doors/front", "--incident", "INC-1", "--reason", "the door is stuck"];
        let args: Vec<&str> = before.iter().chain(&["glass"]).chain(&wish).chain(after).copied().collect();
        self.person(name, &args)
    }

    /// Activates; gives the grant's id.
    #[track_caller]
    pub fn activate_ok(&self, name: &str, before: &[&str], after: &[&str]) -> String {
        let mut person = self.activation(name, before, after);
        person.expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
        let screen = person.screen();
        screen.rsplit_once("glass revoke ").expect("it says how to end it").1.trim().to_owned()
    }

    /// The facts of every entry, oldest first.
    pub fn entries(&self) -> Vec<Value> {
        let path = self.directory.path().join("var-lib/glass/ledger.db");
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut query = database.prepare("SELECT bytes FROM entry ORDER BY seq").unwrap();
        let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.map(|bytes| serde_json::from_slice(&bytes.unwrap()).unwrap()).collect()
    }

    /// The last entry of a kind.
    #[track_caller]
    pub fn last(&self, kind: &str) -> Value {
        self.entries().into_iter().rfind(|facts| facts["kind"] == kind).expect("there is such an entry")
    }

    /// `nsenter` and an environment of a fresh login, up to the program's name.
    fn enter(&self, directory: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--pid", "--target", &self.init.to_string(), "env", "-i", "-C", directory]);
        command.args(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC"]);
        command.arg(format!("HOME={directory}"));
        command
    }
}

fn become_user(name: &str) -> [&str; 6] {
    ["setpriv", "--reuid", name, "--regid", name, "--init-groups"]
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its first process ends with its input; the kernel ends the others with it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        for child in self.beside.get_mut() {
            let _ = child.wait();
        }
    }
}

/// What no message may show: the comment of a key, and the first line of `/etc/shadow`.
pub fn secrets() -> [&'static str; 3] {
    [KEY_COMMENT, "OPENSSH PRIVATE", "root:"]
}
