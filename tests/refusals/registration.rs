//! What can't be registered.

use super::support::{Home, text};
use super::{key_of, only_refused};
use serde_json::Value;
use std::fs;

fn registrations(home: &Home) -> usize {
    home.entries().iter().filter(|facts| facts["kind"] == "registered").count()
}

fn append_setting(home: &Home, more: &str) -> String {
    let path = home.path().join("glass.toml");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}\n{more}")).unwrap();
    before
}

#[test]
fn settings_that_are_not_supported_yet() {
    let home = Home::with_door();
    let [flag, key] = key_of(&home, "ana");
    for (more, word) in [
        ("[[notify]]\nkind = \"command\"\nrun = [\"/bin/true\"]\nevents = [\"closed\"]\n", "notify"),
        ("[[anchor]]\nkind = \"file\"\npath = \"/var/tmp/anchor\"\n", "anchor"),
    ] {
        let before = append_setting(&home, more);
        let mut person = home.person(&["register", &flag, &key]);
        person.exits(3).saw("not supported yet").saw(word).saw("next: remove it, and register again");
        assert!(!person.screen().contains("to confirm"));
        fs::write(home.path().join("glass.toml"), before).unwrap();
    }
    only_refused(&home, &["not-supported-yet"]);
    assert_eq!(registrations(&home), 1);
}

#[test]
fn p05_a_registration_without_an_admin_would_be_the_last() {
    let home = Home::with_door();
    let path = home.path().join("glass.toml");
    let text = fs::read_to_string(&path).unwrap();
    let without = text.replace("\"admin\"", "\"others\"");
    assert_ne!(text, without);
    fs::write(&path, &without).unwrap();
    let [flag, key] = key_of(&home, "ana");
    home.person(&["register", &flag, &key]).exits(2).saw("nobody is in group `admin`");
    let moved = text.replacen("origin = \"", "origin = \"elsewhere.", 1);
    assert_ne!(text, moved);
    fs::write(&path, moved).unwrap();
    home.person(&["register", &flag, &key]).exits(3).saw("put it back as it was");
    only_refused(&home, &["other-origin"]);
    assert_eq!(registrations(&home), 1);
}

#[test]
fn a_registration_that_is_not_confirmed() {
    let home = Home::with_door();
    home.write_playbook("doors", &text("doors", &[home.door().set("title", "\"Open it\"")]));
    let [flag, key] = key_of(&home, "ana");
    let mut person = home.person(&["register", &flag, &key]);
    person.expect("-title = \"Open the door\"").expect("+title = \"Open it\"");
    person.expect("Type register to confirm: ").send_line("yes").exits(4).saw("type exactly that");
    only_refused(&home, &["wrong-confirmation"]);
    assert_eq!(registrations(&home), 1);
    home.register();
    assert_eq!(registrations(&home), 2);
    let mut person = home.person(&["register", &flag, &key]);
    person.exits(0).saw("Nothing changed since the last registration.");
    assert!(!person.screen().contains("to confirm"));
}

#[test]
fn a_playbook_with_faults_is_told_with_its_places() {
    let home = Home::with_door();
    let fault = text("doors", &[home.door().set("titel", "\"x\"")]);
    let path = home.write_playbook("doors", &fault);
    let [flag, key] = key_of(&home, "ana");
    let mut person = home.person(&["register", &flag, &key]);
    person.exits(2).saw("titel").saw("title").saw("playbooks/doors.toml:");
    assert_eq!(registrations(&home), 1);
    let lint = home.run(&["playbook", "lint", path.to_str().unwrap(), "--format", "json"]).exits(2).json();
    assert!(lint["files"][0]["errors"][0]["line"].is_u64(), "{lint}");
    // What runs is what was registered before.
    let grant = home.activate_ok("doors/front", &[]);
    assert!(home.target.is_open(&grant));
}

#[test]
fn p05_the_previous_roster_judges() {
    let home = Home::with_door();
    home.add_person("hal", "", &["admin"]);
    let [flag, key] = key_of(&home, "hal");
    home.person(&["register", &flag, &key]).exits(4).saw("is not in the roster");
    home.register();
    // Now hal is an admin, and may take ana out.
    let path = home.path().join("glass.toml");
    let text = fs::read_to_string(&path).unwrap();
    let public = fs::read_to_string(home.public_key("ana")).unwrap();
    home.make_key("new-ana", "");
    let new = fs::read_to_string(home.public_key("new-ana")).unwrap();
    assert!(text.contains(public.trim()));
    fs::write(&path, text.replace(public.trim(), new.trim())).unwrap();
    let mut person = home.person(&["register", &flag, &key]);
    person.expect("Type register to confirm: ").send_line("register").exits(0).saw("Registered by hal");
    home.person(&home.wish("doors/front", &[])).exits(4).saw("is not in the roster");
    let last: Vec<Value> = home.entries();
    assert_eq!(last[last.len() - 2]["person"], "hal");
}
