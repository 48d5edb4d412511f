//! Who ends whose grant under sudo: one's own without a signature, another's with one.

use crate::machine::Machine;
use crate::support::Person;
use std::fs;

/// Ana's grant, open.
fn grants() -> Option<(Machine, String)> {
    let machine = Machine::new()?;
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    Some((machine, grant))
}

fn revoke(machine: &Machine, who: &str, args: &[&str]) -> Person {
    machine.person(who, &[&["sudo", "glass", "revoke"], args].concat())
}

#[test]
fn p04_another_persons_grant_ends_under_a_signature() {
    let Some((machine, grant)) = grants() else { return };
    machine.sudo("bob", &["glass", "revoke", &grant]).exits(4).says("is ana's, and its end must be signed");
    assert!(machine.target.is_open(&grant));
    assert_eq!(machine.last("refused")["cause"], "no-terminal");
    let mut bob = revoke(&machine, "bob", &[&grant]);
    bob.expect("whose     ana, not yours");
    bob.expect(&format!("Type {grant} to confirm: ")).send_line("yes").exits(4);
    assert!(machine.target.is_open(&grant));

    let mut bob = revoke(&machine, "bob", &[&grant, "--key", ".ssh/id_ed25519"]);
    bob.expect(&format!("Type {grant} to confirm: ")).send_line(&grant).exits(0).saw("closed, and proved");
    assert!(!machine.target.is_open(&grant));
    let revoked = machine.last("revoked");
    assert_eq!((&revoked["person"], &revoked["signed"]["grant"]), (&"bob".into(), &grant.as_str().into()));
    assert!(revoked["key"].as_str().unwrap().starts_with("SHA256:"), "{revoked}");
    machine.root(&["glass", "ledger", "verify"]).exits(0);
    let story = machine.root(&["glass", "review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["closing"]["revoked"][0]["person"], "bob");
}

#[test]
fn whoever_asked_and_root_need_no_signature() {
    let Some((machine, grant)) = grants() else { return };
    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0).says("closed, and proved");
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    machine.root(&["glass", "revoke", &grant]).exits(0).says("closed, and proved");
    assert!(machine.target.open().is_empty());
    assert!(machine.entries().iter().all(|facts| facts["kind"] != "revoked"));
}

#[test]
fn a_person_of_no_group_of_the_scope_ends_nothing() {
    let Some(machine) = Machine::new() else { return };
    // Bob is no longer among those who open it or judge it.
    let settings = machine.inside("/etc/glass/glass.toml");
    let roster = fs::read_to_string(&settings).unwrap();
    let bob = roster.find("name = \"bob\"").unwrap();
    let roster = roster[..bob].to_owned() + &roster[bob..].replacen("\"oncall\"", "\"idle\"", 1);
    fs::write(&settings, roster).unwrap();
    machine.register();
    let grant = machine.activate_ok("ana", &["sudo"], &[]);
    let mut bob = revoke(&machine, "bob", &[&grant]);
    bob.exits(3).saw("bob may not revoke it: that is for group:oncall, group:admin").saw("or to root");
    assert!(machine.target.is_open(&grant));
}

#[test]
fn the_requester_at_another_user_signs_for_it() {
    let Some((machine, grant)) = grants() else { return };
    // Sam's key is sam's; sam's own grant is ended from sam's login alone.
    machine.sudo("ana", &["glass", "revoke", &grant]).exits(0);
    let grant = machine.activate_ok("sam", &["sudo"], &[]);
    let key = machine.inside("/home/ana/key-of-sam");
    fs::copy(machine.inside("/home/sam/.ssh/id_ed25519"), &key).unwrap();
    std::os::unix::fs::chown(&key, Some(4201), Some(4201)).unwrap();
    let mut sam = revoke(&machine, "ana", &[&grant, "--key", "key-of-sam"]);
    sam.expect(&format!("Type {grant} to confirm: ")).send_line(&grant).exits(0).saw("closed, and proved");
    assert_eq!(machine.last("revoked")["person"], "sam");
    machine.root(&["glass", "ledger", "verify"]).exits(0);
}

#[test]
fn all_ends_ones_own_first_and_asks_for_each_of_the_others() {
    let Some((machine, of_ana)) = grants() else { return };
    let of_bob = machine.activate_ok("bob", &["sudo"], &[]);
    let ran = machine.sudo("bob", &["glass", "revoke", "--all"]).exits(4).says(&of_ana);
    assert!(ran.stdout.contains(&format!("{of_bob} closed, and proved")), "{}", ran.stdout);
    assert!(machine.target.is_open(&of_ana) && !machine.target.is_open(&of_bob));

    let second = machine.activate_ok("ana", &["sudo"], &[]);
    let mut bob = revoke(&machine, "bob", &["--all"]);
    let mut both = [of_ana, second];
    both.sort();
    bob.expect(&format!("Type {} to confirm: ", both[0])).send_line("");
    bob.expect(&format!("Type {} to confirm: ", both[1])).send_line(&both[1]).exits(4);
    assert_eq!(machine.target.open(), [both[0].as_str()]);
    let mut bob = revoke(&machine, "bob", &["--all"]);
    bob.expect(&format!("Type {} to confirm: ", both[0])).send_line(&both[0]).exits(0);
    assert!(machine.target.open().is_empty());
}

#[test]
fn p02_without_the_ledger_ones_own_is_ended_by_its_plan_and_another_persons_by_root() {
    let Some((machine, grant)) = grants() else { return };
    let of_bob = machine.activate_ok("bob", &["sudo"], &[]);
    let (ledger, away) = (machine.inside("/var/lib/glass/ledger.db"), machine.inside("/var/lib/glass/away"));
    fs::rename(&ledger, &away).unwrap();
    machine.sudo("bob", &["glass", "revoke", &grant]).exits(3).says("nobody can sign").says("root and cron");
    assert!(machine.target.is_open(&grant));
    machine.sudo("bob", &["glass", "revoke", &of_bob]).exits(1).says("closed, and proved");
    machine.root(&["glass", "revoke", &grant]).exits(1).says("closed, and proved");
    assert!(machine.target.open().is_empty());
    fs::rename(&away, &ledger).unwrap();
    machine.root(&["glass", "expire"]).exits(0);
}
