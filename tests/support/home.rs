//! A home with its keys, its target and its user's directory.

use super::processes::end_all;
use super::{GLASS, Person, Ran, Scope, Target, bare, glass, text};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Cipher, Kdf, LineEnding, PrivateKey};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The comment of every key that is made here.
pub const KEY_COMMENT: &str = "made-by-a-test";

/// A glass home of a test's own. Dropping it ends all that it started.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    /// The name of the home's own directory.
    name: String,
    /// What the playbooks open.
    pub target: Target,
    /// The command that glass always runs under here.
    pub under: Vec<String>,
}

impl Home {
    /// A home fresh from `init`, its sample playbook taken out.
    pub fn new() -> Self {
        Self::in_directory(&std::env::temp_dir())
    }

    /// The same below another directory, such as a tmpfs.
    pub fn in_directory(base: &Path) -> Self {
        Self::unfounded(base, "home").founded()
    }

    /// The same with another name for the home's own directory.
    pub fn named(name: &str) -> Self {
        Self::unfounded(&std::env::temp_dir(), name).founded()
    }

    fn founded(self) -> Self {
        self.init().exits(0);
        fs::remove_file(self.path().join("playbooks/sample.toml")).unwrap();
        self
    }

    /// Directories and ana's key; `init` has not run.
    pub fn unfounded(base: &Path, name: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("glass-test-").tempdir_in(base).unwrap();
        for part in ["user", "keys"] {
            fs::create_dir(directory.path().join(part)).unwrap();
        }
        let target = Target::new(&directory.path().join("target"));
        let home = Self { directory, name: name.to_owned(), target, under: Vec::new() };
        home.make_key("ana", "");
        home
    }

    /// A home with these scopes of the playbook `doors` registered.
    pub fn with(scopes: &[Scope]) -> Self {
        let home = Self::new();
        home.write_playbook("doors", &text("doors", scopes));
        home.register();
        home
    }

    /// The scope that most tests need: `doors/front`, one step, one file for each grant.
    pub fn with_door() -> Self {
        let home = Self::new();
        home.write_playbook("doors", &text("doors", &[home.door()]));
        home.register();
        home
    }

    /// `front`, whose only step opens the file named after the grant.
    pub fn door(&self) -> Scope {
        Scope::new("front").with(self.target.step("file"))
    }

    /// `init`, for ana.
    pub fn init(&self) -> Ran {
        let key = self.public_key("ana");
        self.run(&["init", "--person", "ana", "--key", key.to_str().unwrap()])
    }

    /// The directory that all the others are in; every process of the test names it.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// What `--home` names.
    pub fn path(&self) -> PathBuf {
        self.root().join(&self.name)
    }

    /// The user's own directory, `HOME`.
    pub fn user(&self) -> PathBuf {
        self.root().join("user")
    }

    /// Makes a key pair for a name; an empty passphrase is none.
    pub fn make_key(&self, name: &str, passphrase: &str) -> PathBuf {
        let path = self.key(name);
        write_key(&path, passphrase);
        path
    }

    /// The private key file of a name.
    pub fn key(&self, name: &str) -> PathBuf {
        self.root().join("keys").join(name)
    }

    /// The public key file of a name.
    pub fn public_key(&self, name: &str) -> PathBuf {
        self.root().join("keys").join(format!("{name}.pub"))
    }

    /// Adds a person with a new key to the draft of the settings.
    pub fn add_person(&self, name: &str, passphrase: &str, groups: &[&str]) {
        self.make_key(name, passphrase);
        let key = fs::read_to_string(self.public_key(name)).unwrap();
        self.add_person_with(name, &format!("\"{}\"", key.trim()), groups);
    }

    /// The same with keys as TOML writes them, one or more.
    pub fn add_person_with(&self, name: &str, keys: &str, groups: &[&str]) {
        let settings = self.path().join("glass.toml");
        let mut text = fs::read_to_string(&settings).unwrap();
        text += &format!("\n[[person]]\nname = \"{name}\"\ngroups = {groups:?}\nkeys = [{keys}]\n");
        fs::write(&settings, text).unwrap();
    }

    /// Writes the draft of a playbook.
    pub fn write_playbook(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join("playbooks").join(format!("{name}.toml"));
        fs::write(&path, text).unwrap();
        path
    }

    /// Ana registers the drafts.
    #[track_caller]
    pub fn register(&self) {
        let key = self.key("ana");
        let mut person = self.person(&["register", "--key", key.to_str().unwrap()]);
        person.expect("Type register to confirm: ").send_line("register").exits(0);
    }

    /// Runs glass without a terminal.
    pub fn run(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        Ran::of(&mut glass(self, args))
    }

    /// Runs glass at a terminal.
    pub fn person(&self, args: &[impl AsRef<OsStr>]) -> Person {
        Person::start(&mut self.at_terminal(args))
    }

    /// `glass` that makes its standard input its controlling terminal.
    pub fn at_terminal(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = bare(self, "setsid");
        command.arg("--ctty").args(&self.under).args([GLASS, "--home"]).arg(self.path()).args(args);
        command
    }

    /// The arguments of an activation by ana that leaves only the confirmation to be typed.
    pub fn wish(&self, scope: &str, more: &[&str]) -> Vec<String> {
        self.wish_of("ana", scope, more)
    }

    /// The same by anyone whose key was made.
    pub fn wish_of(&self, person: &str, scope: &str, more: &[&str]) -> Vec<String> {
        let key = self.key(person);
        let fixed = ["activate", scope, "--incident", "INC-1", "--reason", "the door is stuck", "--key"];
        let all = fixed.into_iter().chain([key.to_str().unwrap()]).chain(more.iter().copied());
        all.map(str::to_owned).collect()
    }

    /// Ana activates a scope; gives the grant's id.
    #[track_caller]
    pub fn activate_ok(&self, scope: &str, more: &[&str]) -> String {
        let mut person = self.person(&self.wish(scope, more));
        let address = if scope.contains('/') { scope.to_owned() } else { format!("doors/{scope}") };
        person.expect(&format!("Type {address} to confirm: ")).send_line(&address).exits(0);
        let screen = person.screen();
        let id = screen.rsplit_once("glass revoke ").expect("the last line says how to end it").1.trim();
        assert!(id.starts_with("g-") && id.len() == 12, "{screen}");
        id.to_owned()
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.path().join("ledger.db")
    }

    /// The ledger's file, opened to read.
    pub fn database(&self) -> Connection {
        Connection::open_with_flags(self.ledger(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// The ledger's file, opened to write, with its guards taken out: what its owner can do.
    pub fn tampered(&self) -> Connection {
        let connection = Connection::open(self.ledger()).unwrap();
        let mut guards = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let names: Vec<String> =
            guards.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        drop(guards);
        for name in names {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        connection
    }

    /// The facts of every entry, oldest first.
    pub fn entries(&self) -> Vec<Value> {
        let database = self.database();
        let mut query = database.prepare("SELECT bytes FROM entry ORDER BY seq").unwrap();
        let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.map(|bytes| serde_json::from_slice(&bytes.unwrap()).unwrap()).collect()
    }

    /// The kinds of a grant's entries, oldest first.
    pub fn kinds(&self, grant: &str) -> Vec<String> {
        let of = self.entries().into_iter().filter(|facts| facts["grant"] == grant);
        of.map(|facts| facts["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The causes of what was refused, oldest first.
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.entries().into_iter().filter(|facts| facts["kind"] == "refused");
        refused.map(|facts| facts["cause"].as_str().unwrap().to_owned()).collect()
    }

    /// One grant as `status --format json` shows it.
    #[track_caller]
    pub fn status(&self, grant: &str) -> Value {
        self.run(&["status", grant, "--format", "json"]).exits(0).json()["grants"][0].clone()
    }

    /// The state of a grant.
    #[track_caller]
    pub fn state(&self, grant: &str) -> String {
        self.status(grant)["state"].as_str().unwrap_or_default().to_owned()
    }

    /// The state of a grant, read from the file without starting glass.
    pub fn recorded_state(&self, grant: &str) -> Option<String> {
        let query = "SELECT state FROM \"grant\" WHERE id = ?1";
        self.database().query_row(query, [grant], |row| row.get(0)).ok()
    }

    /// Ids of all grants, oldest first.
    pub fn grants(&self) -> Vec<String> {
        let database = self.database();
        let mut query = database.prepare("SELECT id FROM \"grant\" ORDER BY requested").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// The grant's watchdogs that live: one or none.
    pub fn watchdogs(&self, grant: &str) -> Vec<rustix::process::Pid> {
        super::with_argument(&["__watchdog", self.root().to_str().unwrap(), grant])
    }

    /// Ends a grant's watchdog, as a crash of the host would.
    #[track_caller]
    pub fn kill_watchdog(&self, grant: &str) {
        let found = self.watchdogs(grant);
        assert!(!found.is_empty(), "{grant} has no watchdog");
        for pid in &found {
            rustix::process::kill_process(*pid, rustix::process::Signal::KILL).unwrap();
        }
        let gone = || found.iter().all(|pid| !super::alive(*pid));
        assert!(super::wait_until(gone, super::LONG), "the watchdog of {grant} does not end");
    }
}

impl Home {
    /// Removes the secrets of grants that a failed test left open.
    fn wipe_secrets(&self) {
        for entry in fs::read_dir(self.path().join("open")).into_iter().flatten().flatten() {
            let plan: Value =
                serde_json::from_slice(&fs::read(entry.path()).unwrap_or_default()).unwrap_or_default();
            if let Some(directory) = plan["runtime_dir"].as_str() {
                // Without secrets it was never made.
                let _ = fs::remove_dir_all(directory);
            }
        }
    }
}

/// Makes a key pair as `ssh-keygen` does, which may not be there; an empty passphrase is none.
pub fn write_key(path: &Path, passphrase: &str) {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    let pair = Ed25519Keypair::from_seed(&seed);
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), KEY_COMMENT).unwrap();
    if !passphrase.is_empty() {
        // One round is enough for a key that lives for seconds.
        let kdf = Kdf::Bcrypt { salt: seed[..16].to_vec(), rounds: 1 };
        key = key.encrypt_with(Cipher::Aes256Ctr, kdf, 1, passphrase).unwrap();
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let public = PathBuf::from(format!("{}.pub", path.display()));
    fs::write(public, key.public_key().to_openssh().unwrap() + "\n").unwrap();
}

impl Drop for Home {
    fn drop(&mut self) {
        super::session::end_sessions(self);
        end_all(self.root());
        super::session::remove_cells(&self.path());
        super::harsh::remove_secrets(&self.path());
        self.wipe_secrets();
    }
}
