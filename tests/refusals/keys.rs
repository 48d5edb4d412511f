//! Whose key signs, how it is found, and how it is unlocked.

use super::support::{Home, LONG, Ran, Scope, bare, requires, text, wait_until};
use super::{CONFIRM, key_of, only_refused};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};

const PASSPHRASE: &str = "correct horse battery";

/// A home where carl's key has a passphrase, and dora may not open the door.
fn home() -> Home {
    let home = Home::new();
    home.add_person("carl", PASSPHRASE, &["oncall"]);
    home.add_person("dora", "", &["developers"]);
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.register();
    home
}

#[test]
fn p04_a_key_that_is_nobodys_signs_nothing() {
    let home = home();
    home.make_key("eve", "");
    let mut person = home.person(&home.wish_of("eve", "doors/front", &[]));
    person.exits(4).saw("is not in the roster").saw("an admin adds it to glass.toml and registers");
    assert!(!person.screen().contains("to confirm"), "nothing is asked that is refused already");
    only_refused(&home, &["key-not-in-roster"]);
}

#[test]
fn p05_a_person_who_is_only_in_the_draft_is_nobody_yet() {
    let home = home();
    home.add_person("fred", "", &["oncall", "admin"]);
    let mut person = home.person(&home.wish_of("fred", "doors/front", &[]));
    person.exits(4).saw("is not in the roster").saw("glass.toml on disk differs");
    // And so may not make themselves one.
    let [flag, key] = key_of(&home, "fred");
    home.person(&["register", &flag, &key]).exits(4).saw("is not in the roster");
    only_refused(&home, &["key-not-in-roster", "key-not-in-roster"]);
}

#[test]
fn p05_a_person_outside_activate() {
    let home = home();
    let mut person = home.person(&home.wish_of("dora", "doors/front", &[]));
    person.exits(3).saw("dora may not activate front: it is for group:oncall").saw("next: ask one of them");
    assert!(!person.screen().contains("to confirm"));
    only_refused(&home, &["not-in-activate"]);
    assert_eq!(home.entries().pop().unwrap()["person"], "dora");
    // The same cause from another person is another refusal; dora's own counts once a minute.
    home.person(&home.wish_of("dora", "doors/front", &[])).exits(3);
    only_refused(&home, &["not-in-activate"]);
    let [flag, key] = key_of(&home, "dora");
    home.person(&["register", &flag, &key]).exits(3).saw("dora is not in the group `admin`");
    only_refused(&home, &["not-in-activate", "not-an-admin"]);
}

#[test]
fn p05_an_automation_group_never_activates() {
    let home = Home::new();
    home.add_person("robot", "", &["oncall", "bots"]);
    let settings = home.path().join("glass.toml");
    let bots = "\n[[group]]\nname = \"bots\"\nautomation = true\n";
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + bots).unwrap();
    let named = home.door().set("activate", "[\"person:robot\"]");
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.write_playbook("gates", &text("gates", &[named]));
    home.register();
    // By its other group, by its name, as a drill: no way leads in.
    for (scope, more) in [("doors/front", &[][..]), ("gates/front", &[]), ("doors/front", &["--drill"])] {
        home.person(&home.wish_of("robot", scope, more)).exits(3).saw("automation group");
    }
    only_refused(&home, &["automation"]);
}

#[test]
fn p04_three_wrong_passphrases_are_the_end() {
    let home = home();
    let prompt = format!("Passphrase for {}: ", home.key("carl").display());
    let mut person = home.person(&home.wish_of("carl", "doors/front", &[]));
    person.expect(CONFIRM).send_line("doors/front");
    for guess in ["hunter2-one", "", "hunter2-three"] {
        person.expect(&prompt).send_line(guess);
    }
    person.exits(4).saw("That is not its passphrase.");
    assert!(!person.screen().contains("hunter2"), "a passphrase is never shown");
    assert_eq!(person.screen().matches("Passphrase for").count(), 3);
    only_refused(&home, &["wrong-passphrase"]);
}

#[test]
fn p09_the_third_passphrase_opens_and_none_is_shown() {
    let home = home();
    let prompt = format!("Passphrase for {}: ", home.key("carl").display());
    let mut person = home.person(&home.wish_of("carl", "doors/front", &[]));
    person.expect(CONFIRM).send_line("doors/front");
    for guess in ["hunter2-one", "hunter2-two", PASSPHRASE] {
        person.expect(&prompt).send_line(guess);
    }
    person.exits(0).saw("OPEN  doors/front until ");
    for secret in ["hunter2", PASSPHRASE] {
        assert!(!person.screen().contains(secret), "a passphrase is never shown:\n{}", person.screen());
    }
    assert_eq!(home.status(&home.grants()[0])["person"], "carl");
}

#[test]
fn p04_an_interrupted_passphrase_signs_nothing() {
    let home = home();
    let mut person = home.person(&home.wish_of("carl", "doors/front", &[]));
    person.expect(CONFIRM).send_line("doors/front").expect("Passphrase for").send("corr\x03");
    person.exits(4).saw("interrupted");
    assert!(!person.screen().contains("corr"));
    only_refused(&home, &["abandoned"]);
}

/// A real agent, in the foreground.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn holding(home: &Home, person: &str) -> Self {
        let socket = home.root().join("agent");
        let child = bare(home, "ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { child, socket };
        assert!(wait_until(|| agent.socket.exists(), LONG));
        let mut add = bare(home, "ssh-add");
        add.arg("-q").arg(home.key(person)).env("SSH_AUTH_SOCK", &agent.socket);
        Ran::of(&mut add).exits(0);
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TEXTS: [&str; 6] = ["activate", "doors/front", "--incident", "INC-1", "--reason", "the door is stuck"];

#[test]
fn p04_the_agents_key_signs() {
    if !requires("ssh-agent") || !requires("ssh-add") {
        return;
    }
    let home = home();
    let agent = Agent::holding(&home, "ana");
    // The private half is nowhere else.
    fs::remove_file(home.key("ana")).unwrap();
    let public = home.public_key("ana");
    let named = [&TEXTS[..], &["--key", public.to_str().unwrap()]].concat();
    for args in [named, TEXTS.to_vec()] {
        let mut command = home.at_terminal(&args);
        let mut person = super::support::Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
        person.expect(CONFIRM).send_line("doors/front").exits(0).saw("OPEN");
    }
    assert_eq!(home.target.open().len(), 2);
}

#[test]
fn p04_a_public_key_that_nobody_holds_signs_nothing() {
    if !requires("ssh-agent") || !requires("ssh-add") {
        return;
    }
    let home = home();
    let agent = Agent::holding(&home, "dora");
    fs::remove_file(home.key("ana")).unwrap();
    let public = home.public_key("ana");
    let named = [&TEXTS[..], &["--key", public.to_str().unwrap()]].concat();
    let mut command = home.at_terminal(&named);
    let mut person = super::support::Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
    person.exits(4).saw("no private half of").saw("ssh-add FILE");
    // An agent that is gone is named as well.
    drop(agent);
    let mut command = home.at_terminal(&TEXTS);
    command.env("SSH_AUTH_SOCK", home.root().join("agent"));
    super::support::Person::start(&mut command).exits(4).saw("found no key of the roster").saw("--key FILE");
    only_refused(&home, &["no-key"]);
}

#[test]
fn p04_a_roster_key_is_found_in_the_users_ssh_directory() {
    let home = home();
    home.person(&TEXTS).exits(4).saw("found no key of the roster");
    let ssh = home.user().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700)).unwrap();
    home.make_key("eve", "");
    for (name, owner) in [("id_ecdsa", "eve"), ("id_ed25519", "ana")] {
        fs::copy(home.key(owner), ssh.join(name)).unwrap();
        fs::copy(home.public_key(owner), ssh.join(format!("{name}.pub"))).unwrap();
    }
    home.person(&TEXTS).expect(CONFIRM).send_line("doors/front").exits(0);
    assert_eq!(home.status(&home.grants()[0])["person"], "ana");
}

#[test]
fn p04_a_key_past_its_date_signs_nothing() {
    let home = Home::new();
    home.add_person("gina", "", &["oncall"]);
    let settings = home.path().join("glass.toml");
    let public = fs::read_to_string(home.public_key("gina")).unwrap();
    let before = format!("keys = [\"{}\"]", public.trim());
    let after = format!("keys = [{{ key = \"{}\", valid-before = \"2020-01-01\" }}]", public.trim());
    let text_before = fs::read_to_string(&settings).unwrap();
    assert!(text_before.contains(&before));
    fs::write(&settings, text_before.replace(&before, &after)).unwrap();
    home.write_playbook("doors", &text("doors", &[Scope::new("front").with(home.target.step("file"))]));
    home.register();
    home.person(&home.wish_of("gina", "doors/front", &[])).exits(4).saw("no longer valid").saw("--key FILE");
    only_refused(&home, &["key-expired"]);
}
