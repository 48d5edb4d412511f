//! `attest`: two people sign what no check can prove (promises 3 and 6).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::thread;
use std::time::Duration;
use support::{Home, Person};

/// Ana opens; ben approves reviews, cem is on call, dan is nobody, bot is a program.
fn home() -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["security"]);
    home.add_person("cem", "", &["oncall"]);
    home.add_person("dan", "", &["others"]);
    home.add_person("bot", "", &["oncall", "bots"]);
    let settings = home.path().join("glass.toml");
    let text =
        std::fs::read_to_string(&settings).unwrap() + "\n[[group]]\nname = \"bots\"\nautomation = true\n";
    std::fs::write(&settings, text).unwrap();
    let door = home.door().set("review", "{ by = [\"group:security\"], within = \"24h\" }");
    home.write_playbook("doors", &support::text("doors", &[door]));
    home.register();
    home
}

/// A grant whose closing proved nothing: its check tells nothing.
fn unrevoked(home: &Home) -> String {
    let grant = home.activate_ok("doors/front", &["--for", "1s"]);
    home.kill_watchdog(&grant);
    home.target.fails("revoke");
    home.target.fails("check");
    thread::sleep(Duration::from_millis(1_100));
    home.run(&["expire"]).exits(7).says("UNREVOKED");
    grant
}

fn attest(home: &Home, person: &str, grant: &str) -> Person {
    let key = home.key(person);
    home.person(&["attest", grant, "--key", key.to_str().unwrap()])
}

#[track_caller]
fn attest_ok(home: &Home, person: &str, grant: &str) -> Person {
    let mut attester = attest(home, person, grant);
    attester.expect(&format!("Type {grant} to confirm: ")).send_line(grant).exits(0);
    attester
}

fn shuts_by_hand(home: &Home, grant: &str) {
    std::fs::remove_file(home.target.file(grant)).unwrap();
}

#[test]
fn p03_two_people_end_what_no_check_can_prove() {
    let home = home();
    let grant = unrevoked(&home);
    home.run(&["status", &grant]).exits(0).says(&format!("glass attest {grant}"));
    shuts_by_hand(&home, &grant);
    let revokes = home.target.calls("revoke");

    let mut first = attest_ok(&home, "ben", &grant);
    first.saw("file: open").saw("unknown").saw("it is broken").saw("nothing of this is open any more: file");
    first.saw(&format!("ATTESTED  {grant} by ben")).saw(&format!("send this to cem: glass attest {grant}"));
    assert_eq!(home.target.calls("revoke"), revokes + 1, "a real round came first, whatever its wait");
    assert_eq!(home.state(&grant), "unrevoked", "one is not enough");
    home.run(&["expire"]).exits(7);
    attest(&home, "ben", &grant).exits(3).saw("attested").saw("already").saw("send this to cem");

    attest_ok(&home, "cem", &grant)
        .saw("attested  ben")
        .saw(&format!("CLOSED  {grant}, attested by ben and cem"));
    assert_eq!(home.state(&grant), "closed");
    let kinds = home.kinds(&grant);
    assert!(
        kinds.ends_with(&["attested", "attested", "step-closed", "closed"].map(str::to_owned)),
        "{kinds:?}"
    );
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["closing"]["attested"][1]["person"], "cem");
    let found: Vec<_> = story["unusual"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert_eq!(found, ["attested"], "{story:#}");
    let key = home.key("ben");
    let mut reviewer = home.person(&["review", &grant, "--key", key.to_str().unwrap()]);
    reviewer.expect("closed by hand, as two people signed").expect("ben and cem signed");
    drop(reviewer);
    attest(&home, "cem", &grant).exits(3).saw("is closed: only what closing could not prove");
    home.run(&["expire"]).exits(0);
    home.settled();
}

#[test]
fn p06_the_requester_strangers_and_programs_attest_nothing() {
    let home = home();
    let grant = unrevoked(&home);
    attest(&home, "ana", &grant).exits(3).saw("so two others must").saw("send this to ben or cem");
    attest(&home, "dan", &grant).exits(3).saw(&format!("dan may not attest {grant}")).saw("group:security");
    attest(&home, "bot", &grant).exits(3).saw("may not attest");
    home.run(&["attest", &grant]).exits(4).says("no terminal");
    attest(&home, "ben", &grant).expect("to confirm: ").send_line("").exits(4);
    attest(&home, "ben", "g-aaaaaaaaaa").exits(3).saw("there is no grant");
    assert_eq!(
        home.refusals(),
        [
            "own-attestation",
            "not-an-attester",
            "not-an-attester",
            "no-terminal",
            "empty-confirmation",
            "no-such-grant"
        ]
    );
    assert!(!home.kinds(&grant).contains(&"attested".to_owned()));
}

#[test]
fn p03_nobody_attests_what_a_check_proves_open_and_that_unsays_the_first() {
    let home = home();
    let grant = unrevoked(&home);
    attest_ok(&home, "ben", &grant);
    // The check speaks again: it is open.
    home.target.works("check");
    attest(&home, "cem", &grant)
        .exits(3)
        .saw(&format!("the check of file proves {grant} open"))
        .saw("close it at the target by hand");
    // And is silent again: the first signature no longer counts.
    home.target.fails("check");
    shuts_by_hand(&home, &grant);
    attest_ok(&home, "cem", &grant).saw("ATTESTED").saw("send this to ben");
    assert_eq!(home.state(&grant), "unrevoked");
    attest_ok(&home, "ben", &grant).saw("CLOSED");
    home.settled();
}

#[test]
fn p03_what_proves_closed_by_now_needs_no_attestation() {
    let home = home();
    let grant = unrevoked(&home);
    home.target.works("revoke");
    home.target.works("check");
    attest(&home, "ben", &grant).exits(0).saw("there is nothing to attest");
    assert_eq!(home.state(&grant), "closed");
    assert!(!home.kinds(&grant).contains(&"attested".to_owned()));
    home.settled();
}

#[test]
fn what_is_open_is_revoked_not_attested() {
    let home = home();
    let grant = home.activate_ok("doors/front", &[]);
    attest(&home, "ben", &grant).exits(3).saw("is active").saw(&format!("glass revoke {grant}"));
    assert!(home.target.is_open(&grant), "it was not touched");
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn p03_an_activation_that_failed_and_was_closed_by_hand_owes_no_review() {
    let home = home();
    home.target.does("grant", ": > \"$file\"; exit 1");
    home.target.fails("revoke");
    home.target.fails("check");
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.expect("to confirm: ").send_line("doors/front").exits(7);
    let grant = home.grants().remove(0);
    home.kill_watchdog(&grant);
    shuts_by_hand(&home, &grant);
    attest_ok(&home, "ben", &grant);
    attest_ok(&home, "cem", &grant).saw("CLOSED");
    assert_eq!(home.state(&grant), "activation-failed");
    home.settled();
}
