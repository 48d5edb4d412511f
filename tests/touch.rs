//! Security keys and touch (promise 4): a scope that demands a touch opens to a signature that
//! asserts it, and to none else; what was asserted is recorded, shown and verified.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{
    Authenticator, Home, LONG, Manner, NOBODY, PIN, PRESENT, Person, SecurityKey, device, requires, text,
    wait_until, with_argument,
};

const CONFIRM: &str = "Type doors/front to confirm: ";
const ASK: [&str; 6] = ["activate", "doors/front", "--incident", "INC-1", "--reason", "the door is stuck"];

/// A home where eve signs by a security key, and `doors/front` has these lines.
fn home(lines: &[(&str, &str)]) -> (Home, SecurityKey) {
    let (home, key) = (Home::new(), SecurityKey::new());
    home.add_person_with("eve", &format!("\"{}\"", key.line()), &["oncall"]);
    let door = lines.iter().fold(home.door(), |door, (name, value)| door.set(name, value));
    home.write_playbook("doors", &text("doors", &[door]));
    home.register();
    (home, key)
}

/// The same, and an agent that holds the key.
fn with_agent(lines: &[(&str, &str)]) -> (Home, Authenticator) {
    let (home, key) = home(lines);
    let agent = Authenticator::holding(&home, &key);
    (home, agent)
}

const REQUIRED: (&str, &str) = ("touch", "\"required\"");
const VERIFIED: (&str, &str) = ("touch", "\"verified\"");

/// Somebody with this agent activates the door, up to the confirmation.
fn asks(home: &Home, agent: &Authenticator) -> Person {
    let mut command = home.at_terminal(&ASK);
    let mut person = Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
    person.expect(CONFIRM).send_line("doors/front");
    person
}

/// The latest entry of a kind.
fn last(home: &Home, kind: &str) -> serde_json::Value {
    home.entries().into_iter().rfind(|facts| facts["kind"] == kind).unwrap_or_default()
}

#[track_caller]
fn nothing_opened(home: &Home, causes: &[&str]) {
    assert_eq!(home.target.calls("grant"), 0);
    assert!(home.entries().iter().all(|facts| facts["kind"] != "requested"), "{:#?}", home.entries());
    assert_eq!(home.refusals(), causes);
}

#[test]
fn p04_no_touch_no_activation_where_it_is_required() {
    let (home, agent) = with_agent(&[REQUIRED]);
    // The PIN without the touch is none either.
    for flags in [NOBODY, PIN] {
        agent.does(Manner::Signs(flags));
        asks(&home, &agent).exits(4).saw("does not say that the key was touched").saw("no-touch-required");
    }
    nothing_opened(&home, &["no-touch"]);
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0).saw("OPEN");
    assert_eq!(last(&home, "requested")["touch"], "present");
    assert_eq!(agent.asked(), 3);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p04_verified_needs_the_pin_and_the_touch() {
    let (home, agent) = with_agent(&[VERIFIED]);
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(4).saw("a PIN is demanded here").saw("-O verify-required");
    agent.does(Manner::Signs(PIN));
    asks(&home, &agent).exits(4).saw("does not say that the key was touched");
    nothing_opened(&home, &["no-touch"]);
    agent.does(Manner::Signs(PRESENT | PIN));
    asks(&home, &agent).exits(0).saw("OPEN");
    assert_eq!(last(&home, "requested")["touch"], "verified");
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p04_a_critical_scope_demands_a_touch_unless_it_says_otherwise() {
    let critical = ("risk", "\"critical\"");
    let (home, agent) = with_agent(&[critical]);
    // Refused before the first question, with what kind of key it takes.
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(4).saw("no security key").saw("ssh-keygen -t ed25519-sk").saw("an admin");
    assert!(!person.screen().contains("Type "), "{}", person.screen());
    nothing_opened(&home, &["no-touch"]);
    assert_eq!(last(&home, "refused")["person"], "ana");
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0).saw("touch     a signature by a security key that was touched");

    let (home, _) = self::home(&[critical, ("touch", "\"off\"")]);
    home.activate_ok("front", &[]);
    assert!(last(&home, "requested").get("touch").is_none());
}

#[test]
fn p04_where_a_touch_is_demanded_a_plain_key_is_passed_by() {
    let (home, agent) = with_agent(&[REQUIRED]);
    let ssh = home.user().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    for name in ["ana", "ana.pub"] {
        fs::copy(home.root().join("keys").join(name), ssh.join(name.replace("ana", "id_ed25519"))).unwrap();
    }
    // Only the plain key is around.
    home.person(&ASK).exits(4).saw("this key is no security key").saw("ssh-keygen -t ed25519-sk");
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0);
    assert_eq!(last(&home, "requested")["person"], "eve");
    // Nor is any key at all.
    fs::remove_dir_all(ssh).unwrap();
    home.person(&ASK).exits(4).saw("found no key of the roster");
    assert_eq!(home.refusals(), ["no-touch", "no-key"]);
}

#[test]
fn p04_what_is_not_this_signature_is_refused() {
    let (home, agent) = with_agent(&[REQUIRED]);
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0);
    let entries = home.entries().len();
    for manner in [Manner::Malleates, Manner::Renames, Manner::Replays] {
        agent.does(manner);
        asks(&home, &agent).exits(4).saw("the signature that was made does not verify");
    }
    assert_eq!(home.refusals(), ["not-signed"]);
    assert!(home.entries()[entries..].iter().all(|facts| facts["kind"] != "requested"));
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p12_an_agent_that_says_no_or_hangs_up_ends_the_wait() {
    let (home, agent) = with_agent(&[REQUIRED]);
    agent.does(Manner::Refuses);
    asks(&home, &agent).exits(4).saw("the ssh-agent refused");
    agent.does(Manner::HangsUp);
    asks(&home, &agent).exits(4).saw("the ssh-agent broke off");
    nothing_opened(&home, &["not-signed"]);
}

#[test]
fn the_countdown_is_seen_and_gone_afterwards() {
    let (home, agent) = with_agent(&[REQUIRED]);
    agent.does(Manner::Late(PRESENT, 1_300));
    let mut person = asks(&home, &agent);
    person
        .expect("\rTouch your security key now (60 s left)")
        .expect("\rTouch your security key now (59 s left)");
    person.exits(0);
    let screen = person.screen();
    let (_, after) = screen.rsplit_once("s left)").unwrap();
    assert!(after.starts_with(&format!("\r{:39}\r", "")), "{after:?}");
}

#[test]
fn p04_ctrl_c_during_the_touch_abandons_it() {
    let (home, agent) = with_agent(&[REQUIRED]);
    agent.does(Manner::Late(PRESENT, 3_000));
    let mut person = asks(&home, &agent);
    person.expect("Touch your security key now").send("\x03").exits(4).saw("interrupted");
    nothing_opened(&home, &["abandoned"]);
}

#[test]
fn touch_of_hardware_is_refused_with_words_and_pointed_out() {
    let (home, agent) = with_agent(&[("touch", "\"hardware\"")]);
    let mut command = home.at_terminal(&ASK);
    let mut person = Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
    person.exits(3).saw("is not supported yet").saw("touch = \"verified\"");
    nothing_opened(&home, &["not-supported-yet"]);
    home.run(&["playbook", "lint"]).exits(0).says("it can't be activated: `touch = \"hardware\"`");
    home.run(&["playbook", "show", "front"]).exits(0).says("attested hardware (not supported yet)");
}

#[test]
fn p07_a_changed_touch_is_found() {
    let (home, agent) = with_agent(&[REQUIRED]);
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0);
    let forge = |before: &str, after: &str| {
        let sql = "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), ?1, ?2) AS BLOB)";
        assert_eq!(home.tampered().execute(sql, (before, after)).unwrap(), home.entries().len());
    };
    let present = "\"touch\":\"present\"";
    for forged in ["\"touch\":\"verified\"", ""] {
        let before = if forged.is_empty() { format!(",{present}") } else { present.to_owned() };
        forge(&before, forged);
        let ran =
            home.run(&["ledger", "verify"]).exits(5).says("its `touch` is not what its signature asserts");
        if forged.is_empty() {
            ran.says("does not say that the key was touched");
        } else {
            forge(forged, present);
            home.run(&["ledger", "verify"]).exits(0);
        }
    }
}

#[test]
fn p13_review_shows_what_was_asserted() {
    let (home, agent) = with_agent(&[VERIFIED]);
    agent.does(Manner::Signs(PRESENT | PIN));
    asks(&home, &agent).exits(0);
    let grant = home.grants().remove(0);
    home.run(&["revoke", &grant]).exits(0);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["grant"]["touch"], "verified");
    assert!(story["grant"]["attestation"].is_null());
    let key = home.key("ana");
    let mut person = home.person(&["review", &grant, "--key", key.to_str().unwrap()]);
    person.expect("incident INC-1; touch and PIN asserted").expect("Verdict");
}

#[test]
fn p05_an_attestation_is_kept_with_the_registration_and_never_read_as_anything_else() {
    let (home, key) = (Home::new(), SecurityKey::new());
    let keys = |path: &str| format!("{{ key = \"{}\", attestation = \"{path}\" }}", key.line());
    home.add_person_with("eve", &keys("eve.attestation"), &["oncall"]);
    home.write_playbook("doors", &text("doors", &[home.door().set("touch", "\"required\"")]));
    let register = || {
        let ana = home.key("ana");
        home.person(&["register", "--key", ana.to_str().unwrap()])
    };
    register().exits(3).saw("eve.attestation` does not exist").saw("-O write-attestation=FILE");
    let file = home.path().join("eve.attestation");
    fs::write(&file, vec![7; 64 * 1024 + 1]).unwrap();
    register().exits(3).saw("is larger than 65536 bytes");
    fs::write(&file, b"\x00ssh-sk-attest-v01\xff\x1b[2J").unwrap();
    let mut person = register();
    person
        .expect("+++ eve.attestation (enrolment attestation to register: 23 bytes, SHA-256 ")
        .expect("glass does not check it yet")
        .expect("ana registers 3 files")
        .expect("Type register to confirm: ")
        .send_line("register")
        .exits(0);
    assert!(!person.screen().contains("\u{1b}[2J"));
    let files = last(&home, "registered")["signed"]["files"].clone();
    assert_eq!(files[2]["path"], "eve.attestation");
    register().exits(0).saw("Nothing changed");

    let agent = Authenticator::holding(&home, &key);
    agent.does(Manner::Signs(PRESENT));
    asks(&home, &agent).exits(0);
    let grant = home.grants().remove(0);
    home.run(&["revoke", &grant]).exits(0);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["grant"]["attestation"], "eve.attestation");
    let ana = home.key("ana");
    let mut person = home.person(&["review", &grant, "--key", ana.to_str().unwrap()]);
    let seq = &last(&home, "registered")["seq"];
    person.expect(&format!(
        "its enrolment attestation is stored with registration {seq}; glass does not check it yet"
    ));
    home.run(&["ledger", "verify"]).exits(0);

    // Under such a name it would be read as a playbook, or as the settings.
    let settings = home.path().join("glass.toml");
    let written = fs::read_to_string(&settings).unwrap();
    for name in ["playbooks/doors.toml", "glass.toml"] {
        fs::write(&settings, written.replace("eve.attestation", name)).unwrap();
        register().exits(3).saw("is no place for it");
    }
}

/// A home whose `doors/front` opens to the key with a handle in a file, and the device behind it.
fn with_device(lines: &[(&str, &str)], asks: u8, asserts: u8) -> Option<(Home, PathBuf, PathBuf)> {
    if !requires("ssh-keygen") || !requires("cc") {
        return None;
    }
    let (home, key) = home(lines);
    let handle = home.key("eve_sk");
    key.write(&handle, asks, asserts);
    let library = device(home.root());
    Some((home, handle, library))
}

/// The key's person activates the door with `ssh-keygen`, up to the confirmation.
fn with_keygen(home: &Home, handle: &Path, device: &Path) -> Person {
    let named = [&ASK[..], &["--key", handle.to_str().unwrap()]].concat();
    let mut command = home.at_terminal(&named);
    let mut person = Person::start(command.env("SSH_SK_PROVIDER", device));
    person.expect(CONFIRM).send_line("doors/front");
    person
}

#[test]
fn p04_without_an_agent_ssh_keygen_signs() {
    let Some((home, handle, device)) = with_device(&[REQUIRED], PRESENT, PRESENT) else { return };
    let mut person = with_keygen(&home, &handle, &device);
    person
        .expect("ssh-keygen asks for your security key now")
        .expect("Confirm user presence for key ED25519-SK");
    person.exits(0).saw("OPEN");
    assert_eq!(last(&home, "requested")["touch"], "present");
    // By its public half too, and without a name from `~/.ssh`.
    with_keygen(&home, &handle.with_extension("pub"), &device).exits(0);
    let ssh = home.user().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    // The plain key that comes first there is passed by.
    for (key, name) in [("ana", "id_ed25519"), ("eve_sk", "id_ed25519_sk")] {
        fs::copy(home.key(key), ssh.join(name)).unwrap();
        fs::copy(home.public_key(key), ssh.join(format!("{name}.pub"))).unwrap();
    }
    let mut command = home.at_terminal(&ASK);
    let mut person = Person::start(command.env("SSH_SK_PROVIDER", &device));
    person.expect(CONFIRM).send_line("doors/front").exits(0);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p04_ssh_keygen_asks_for_the_pin_itself() {
    let both = PRESENT | PIN;
    let Some((home, handle, device)) = with_device(&[VERIFIED], both, both) else { return };
    let mut person = with_keygen(&home, &handle, &device);
    person.expect("Enter PIN for ED25519-SK key").send_line("0000").exits(4);
    person.saw("ssh-keygen made no signature").saw("was the PIN right?");
    nothing_opened(&home, &["not-signed"]);
    let mut person = with_keygen(&home, &handle, &device);
    person.expect("Enter PIN for ED25519-SK key").send_line("1234").exits(0).saw("OPEN");
    assert_eq!(last(&home, "requested")["touch"], "verified");
    assert!(!person.screen().contains("1234"));
}

#[test]
fn p04_a_device_that_lies_to_ssh_keygen_opens_nothing() {
    let Some((home, handle, device)) = with_device(&[REQUIRED], PRESENT, NOBODY) else { return };
    with_keygen(&home, &handle, &device).exits(4).saw("does not say that the key was touched");
    nothing_opened(&home, &["no-touch"]);
}

#[test]
fn p04_ctrl_c_while_ssh_keygen_waits_leaves_nothing_running() {
    let waits = 0x80 | PRESENT;
    let Some((home, handle, device)) = with_device(&[REQUIRED], PRESENT, waits) else { return };
    let helps = |pid| names_home(pid, &home);
    let running = || {
        let keygen = !with_argument(&["-Y", handle.to_str().unwrap()]).is_empty();
        (keygen, with_argument(&["ssh-sk-helper"]).into_iter().any(helps))
    };
    let (both, none) = ((true, true), (false, false));
    let mut person = with_keygen(&home, &handle, &device);
    person.expect("Confirm user presence");
    assert!(wait_until(|| running() == both, LONG));
    person.send("\x03").exits(4).saw("interrupted");
    assert!(wait_until(|| running() == none, LONG));
    // Nor does a signal to glass alone.
    let mut person = with_keygen(&home, &handle, &device);
    person.expect("Confirm user presence");
    assert!(wait_until(|| running() == both, LONG));
    support::signal(person.id(), rustix::process::Signal::TERM);
    person.exits(4).saw("interrupted");
    assert!(wait_until(|| running() == none, LONG));
    nothing_opened(&home, &["abandoned"]);
}

/// Whether a process has this home's user for its `HOME`.
fn names_home(pid: rustix::process::Pid, home: &Home) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&environment).contains(home.user().to_str().unwrap())
}

#[test]
fn p04_ctrl_z_while_ssh_keygen_waits_leaves_nothing_stopped() {
    let Some((home, handle, device)) = with_device(&[REQUIRED], PRESENT, 0x80 | PRESENT) else { return };
    let running = || !with_argument(&["-Y", handle.to_str().unwrap()]).is_empty();
    let mut person = with_keygen(&home, &handle, &device);
    person.expect("Confirm user presence");
    assert!(wait_until(running, LONG));
    person.send("\x1a").exits(4).saw("interrupted");
    assert!(wait_until(|| !running(), LONG));
    nothing_opened(&home, &["abandoned"]);
}

#[test]
fn p04_the_first_person_may_hold_a_security_key_alone() {
    if !requires("ssh-keygen") || !requires("cc") {
        return;
    }
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let (key, handle) = (SecurityKey::new(), home.key("sk"));
    key.write(&handle, PRESENT, PRESENT);
    let library = device(home.root());
    home.run(&["init", "--person", "eve", "--key", home.public_key("sk").to_str().unwrap()]).exits(0);
    let mut command = home.at_terminal(&["register", "--key", handle.to_str().unwrap()]);
    let mut person = Person::start(command.env("SSH_SK_PROVIDER", library));
    person.expect("Type register to confirm: ").send_line("register").exits(0);
    assert_eq!(last(&home, "registered")["touch"], "present");
    home.run(&["ledger", "verify"]).exits(0);
}
