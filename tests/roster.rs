//! The life of a roster: who comes, who goes, whose keys end, and who is left when all are lost.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::json;
use std::fs;
use support::{Home, Person, text};

fn settings(home: &Home) -> String {
    fs::read_to_string(home.path().join("glass.toml")).unwrap()
}

fn write(home: &Home, text: &str) {
    fs::write(home.path().join("glass.toml"), text).unwrap();
}

fn set(home: &Home, before: &str, after: &str) {
    let text = settings(home);
    assert!(text.contains(before), "{text}");
    write(home, &text.replacen(before, after, 1));
}

/// Takes a person who was added out of the draft.
fn remove(home: &Home, name: &str) {
    let whole = settings(home);
    let at = whole.find(&format!("\n[[person]]\nname = \"{name}\"")).unwrap();
    let end = whole[at + 1..].find("\n[[").map_or(whole.len(), |next| at + 1 + next);
    write(home, &format!("{}{}", &whole[..at], &whole[end..]));
}

fn public(home: &Home, name: &str) -> String {
    fs::read_to_string(home.public_key(name)).unwrap().trim().to_owned()
}

fn as_person(home: &Home, person: &str, args: &[&str]) -> Person {
    let key = home.key(person);
    let all = args.iter().copied().chain(["--key", key.to_str().unwrap()]);
    home.person(&all.collect::<Vec<_>>())
}

/// Ana is admin and on call, ben reviews, cem is on call.
fn home() -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["security"]);
    home.add_person("cem", "", &["oncall"]);
    let by = "{ by = [\"group:security\"], within = \"24h\" }";
    home.write_playbook("doors", &text("doors", &[home.door().set("review", by)]));
    home.register();
    home
}

#[track_caller]
fn open(home: &Home, person: &str) -> String {
    let mut opener = home.person(&home.wish_of(person, "doors/front", &[]));
    opener.expect("confirm: ").send_line("doors/front").exits(0);
    home.grants().pop().unwrap()
}

#[track_caller]
fn verifies(home: &Home) {
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p05_people_come_change_keys_and_go() {
    let home = home();
    home.add_person("dan", "", &["oncall"]);
    home.person(&home.wish_of("dan", "doors/front", &[])).exits(4).saw("is not in the roster");
    home.register();
    open(&home, "dan");
    // A new key in the place of the old.
    home.make_key("dan-2", "");
    set(&home, &public(&home, "dan"), &public(&home, "dan-2"));
    home.register();
    home.person(&home.wish_of("dan", "doors/front", &[])).exits(4).saw("is not in the roster");
    open(&home, "dan-2");
    // Out of the group, then out of the roster.
    set(&home, "name = \"dan\"\ngroups = [\"oncall\"]", "name = \"dan\"\ngroups = [\"others\"]");
    home.register();
    home.person(&home.wish_of("dan-2", "doors/front", &[])).exits(3).saw("dan may not activate");
    remove(&home, "dan");
    home.register();
    home.person(&home.wish_of("dan-2", "doors/front", &[])).exits(4).saw("is not in the roster");
    verifies(&home);
}

#[test]
fn p04_a_key_ends_on_its_day() {
    let home = home();
    let key = public(&home, "cem");
    set(&home, &format!("[\"{key}\"]"), &format!("[{{ key = \"{key}\", valid-before = \"2026-01-01\" }}]"));
    home.register();
    home.person(&home.wish_of("cem", "doors/front", &[])).exits(4).saw("cem's key is no longer valid");
    set(&home, "2026-01-01", "2999-01-01");
    home.register();
    open(&home, "cem");
    verifies(&home);
}

#[test]
fn p06_two_people_have_not_one_key() {
    let home = home();
    let (ben, cem) = (public(&home, "ben"), public(&home, "cem"));
    set(&home, &cem, &ben);
    let mut ana = as_person(&home, "ana", &["register"]);
    ana.exits(2).saw("belongs to `ben` already: one key belongs to one person");
    verifies(&home);
}

#[test]
fn p05_somebody_who_can_sign_is_left_to_register() {
    let home = home();
    let whole = settings(&home);
    set(&home, "\"admin\", ", "");
    as_person(&home, "ana", &["register"]).exits(2).saw("nobody is in group `admin`");
    // Automation is nobody; a key that has ended signs nothing.
    write(&home, &whole);
    set(&home, "\"admin\", ", "\"admin\", \"bots\", ");
    write(&home, &(settings(&home) + "\n[[group]]\nname = \"bots\"\nautomation = true\n"));
    as_person(&home, "ana", &["register"]).exits(2).saw("nobody is in group `admin`");
    write(&home, &whole);
    let key = public(&home, "ana");
    let at = whole.find(&key).unwrap();
    let quoted = &whole[at - 1..];
    let quoted = &quoted[..quoted[1..].find('"').unwrap() + 2];
    set(&home, quoted, &format!("{{ key = {quoted}, valid-before = \"2026-01-01\" }}"));
    as_person(&home, "ana", &["register"]).exits(3).saw("needs 1 admins to sign, and there is nobody");
    assert_eq!(home.refusals(), ["too-few-admins"]);
    verifies(&home);
}

#[test]
fn p06_somebody_is_left_to_review() {
    let home = home();
    let whole = settings(&home);
    let gone = [
        ("name = \"ben\"\ngroups = [\"security\"]", "name = \"ben\"\ngroups = [\"others\"]"),
        ("name = \"ben\"", "name = \"bill\"\nos-user = \"bill\""),
    ];
    set(&home, gone[0].0, gone[0].1);
    let mut ana = as_person(&home, "ana", &["register"]);
    ana.exits(3).saw("nobody could review doors/front: until now ben could").saw("name others there");
    // A new name for ben is fine: somebody is there.
    write(&home, &whole);
    set(&home, gone[1].0, gone[1].1);
    home.register();
    remove(&home, "bill");
    as_person(&home, "ana", &["register"]).exits(3).saw("until now bill could");
    // Where the playbook names others, they may go.
    let by = "{ by = [\"group:admin\"], within = \"24h\" }";
    home.write_playbook("doors", &text("doors", &[home.door().set("review", by)]));
    home.register();
    assert_eq!(home.refusals(), ["nobody-reviews"]);
    verifies(&home);
}

#[test]
fn p03_what_people_who_leave_have_open_is_shown_and_can_be_closed() {
    let home = home();
    let grant = open(&home, "cem");
    remove(&home, "cem");
    let mut ana = as_person(&home, "ana", &["register"]);
    ana.expect(&format!("cem is no longer on the roster, and has doors/front open: glass revoke {grant}"));
    ana.expect("confirm: ").send_line("register").exits(0);
    assert!(home.target.is_open(&grant));
    home.run(&["revoke", &grant]).exits(0);
    assert_eq!(home.state(&grant), "closed");
    // Ben still judges it.
    let verdict = ["review", &grant, "--verdict", "justified", "--note", "it had to be"];
    as_person(&home, "ben", &verdict).expect("confirm: ").send_line(&grant).exits(0);
    verifies(&home);
}

#[test]
fn p06_who_left_between_request_and_approval_can_t_approve() {
    let home = Home::new();
    for name in ["ben", "cem"] {
        home.add_person(name, "", &["security"]);
    }
    let approvals = "{ needed = 1, from = [\"group:security\"] }";
    home.write_playbook("doors", &text("doors", &[home.door().set("approvals", approvals)]));
    home.register();
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect("confirm: ").send_line("doors/front");
    assert!(support::wait_until(|| !home.grants().is_empty(), support::LONG));
    let grant = home.grants().remove(0);
    remove(&home, "cem");
    home.register();
    as_person(&home, "cem", &["approve", &grant]).exits(4).saw("is not in the roster");
    assert_eq!(home.refusals(), ["key-not-in-roster"]);
    verifies(&home);
}

fn recover(home: &Home, name: &str, key: &str) -> support::Ran {
    let key = home.public_key(key);
    home.run(&["init", "--recover", "--person", name, "--key", key.to_str().unwrap()])
}

#[test]
fn p05_where_every_admin_key_is_lost_a_new_admin_registers_and_it_is_never_forgotten() {
    let home = home();
    // Two admins must sign, and both are gone.
    home.add_person("ken", "", &["admin"]);
    set(&home, "admins = 1", "admins = 2");
    home.register();
    home.make_key("zoe", "");
    recover(&home, "zoe", "ben").exits(3).says("belongs to `ben` already");
    recover(&home, "zoe", "zoe")
        .exits(0)
        .says("RECOVERED: zoe")
        .says("Nobody signed this")
        .says("glass register");
    home.run(&["status"]).exits(0).says("RECOVERED").says("zoe was named admin");
    home.run(&["ledger", "log"]).exits(0).says("zoe, signed by nobody");

    // What was registered stays in effect, and zoe is nobody there.
    open(&home, "cem");
    home.person(&home.wish_of("zoe", "doors/front", &[])).exits(4).saw("is not in the roster");
    verifies(&home);

    // One signature is enough, once.
    let ana = public(&home, "ana");
    set(&home, &ana, &public(&home, "zoe"));
    set(&home, "name   = \"ana\"", "name   = \"zoe\"");
    let mut zoe = as_person(&home, "zoe", &["register"]);
    zoe.expect("confirm: ").send_line("register").exits(0).saw("Registered by zoe");
    assert!(!home.run(&["status"]).exits(0).stdout.contains("RECOVERED"));
    open(&home, "zoe");
    home.write_playbook("more", &text("more", &[home.door()]));
    let mut zoe = as_person(&home, "zoe", &["register"]);
    zoe.expect("confirm: ").send_line("register").exits(0).saw("waits for 1 more of ken");

    let verified = home.run(&["ledger", "verify", "--format", "json"]).exits(0).json();
    assert_eq!(verified["whole"], json!(true));
    let recovery = &verified["recoveries"][0];
    assert_eq!((&recovery["person"], verified["recoveries"].as_array().unwrap().len()), (&json!("zoe"), 1));
    home.run(&["ledger", "verify"]).exits(0).says("RECOVERED, entry").says("named zoe as admin");
}

#[test]
fn p05_a_recovery_ends_what_waits_and_gives_a_person_who_is_there_another_key() {
    let home = home();
    home.add_person("ken", "", &["admin"]);
    set(&home, "admins = 1", "admins = 2");
    home.register();
    home.write_playbook("more", &text("more", &[home.door()]));
    as_person(&home, "ana", &["register"]).expect("confirm: ").send_line("register").exits(0);
    let status = home.run(&["status", "--format", "json"]).exits(0).json();
    let id = status["acts"][0]["id"].as_str().unwrap().to_owned();
    home.make_key("cem-2", "");
    recover(&home, "cem", "cem-2").exits(0);
    as_person(&home, "ken", &["approve", &id]).exits(3).saw("another registration came first");
    // Cem's old key is still cem's.
    as_person(&home, "cem", &["register"]).expect("confirm: ").send_line("register").exits(0).saw("by cem");
    verifies(&home);
}
