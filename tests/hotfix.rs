//! `register --hotfix` (CONTRACT 3): two people of a scope mend it for one grant, within 24 hours.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::fs;
use support::{Home, Person, Scope, bare, permitted, requires, text};

/// `front`, whose registered command is wrong. Ana, dan and cem are on call; ana, ben and zoe are
/// admins, who review; eve has no part in it.
fn home_with_a_broken_door() -> Home {
    let home = Home::new();
    for (name, group) in
        [("ben", "admin"), ("zoe", "admin"), ("dan", "oncall"), ("cem", "oncall"), ("eve", "others")]
    {
        home.add_person(name, "", &[group]);
    }
    home.target.does("grunt", "echo 'no such command' >&2; exit 1");
    home.write_playbook("doors", &text("doors", &[broken(&home, "front"), back(&home)]));
    home.write_playbook("gates", &text("gates", &[Scope::new("gate").with(home.target.step("file"))]));
    home.register();
    home
}

fn broken(home: &Home, name: &str) -> Scope {
    Scope::new(name).with(home.target.step("file").replacen("\"grant\"", "\"grunt\"", 1))
}

fn back(home: &Home) -> Scope {
    Scope::new("back").with(home.target.step("file"))
}

/// The draft with this in place of `front`.
fn draft(home: &Home, front: Scope) {
    home.write_playbook("doors", &text("doors", &[front, back(home)]));
}

/// The draft whose command is right.
fn mend(home: &Home) {
    draft(home, home.door());
}

fn as_person(home: &Home, person: &str, args: &[&str]) -> Person {
    let key = home.key(person);
    let all = args.iter().copied().chain(["--key", key.to_str().unwrap()]);
    home.person(&all.collect::<Vec<_>>())
}

fn hotfix(home: &Home, person: &str) -> Person {
    as_person(home, person, &["register", "--hotfix"])
}

/// The first signature; gives the act.
#[track_caller]
fn propose(home: &Home, person: &str) -> String {
    let mut proposer = hotfix(home, person);
    proposer.expect("Type register to confirm: ").send_line("register").exits(0);
    proposer.screen().rsplit_once("glass approve ").unwrap().1.trim().to_owned()
}

#[track_caller]
fn second(home: &Home, person: &str, id: &str) {
    let mut other = as_person(home, person, &["approve", id]);
    other.expect("Type register to confirm: ").send_line("register").exits(0).saw("(hotfix) takes effect");
}

/// Mended by two people; gives the act.
#[track_caller]
fn mended(home: &Home, first: &str, other: &str) -> String {
    mend(home);
    let id = propose(home, first);
    second(home, other, &id);
    id
}

fn listed(home: &Home) -> Vec<Value> {
    let status = home.run(&["status", "--format", "json"]).exits(0).json();
    status["hotfixes"].as_array().unwrap().clone()
}

/// Ana's activation runs by the wrong command, and is rolled back.
#[track_caller]
fn is_broken(home: &Home) {
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect("Type doors/front to confirm: ").send_line("doors/front").exits(6).saw("no such command");
    assert!(!ana.screen().contains("HOTFIX"), "{}", ana.screen());
}

#[track_caller]
fn verifies(home: &Home) {
    home.run(&["ledger", "verify"]).exits(0);
}

fn request_of(home: &Home, grant: &str) -> Value {
    let mut requests = home.entries().into_iter();
    requests.find(|facts| facts["kind"] == "requested" && facts["grant"] == grant).unwrap()
}

#[test]
fn p05_two_people_mend_a_broken_step_for_one_activation() {
    let home = home_with_a_broken_door();
    is_broken(&home);
    mend(&home);
    let mut dan = hotfix(&home, "dan");
    dan.expect("--- playbooks/doors.toml (registered)").expect("+grant = ").expect("HOTFIX of doors/front");
    dan.expect("when 1 more of ").expect("where they type `register`");
    dan.expect("Type register to confirm: ").send_line("register").exits(0).saw("waits for 1 more");
    let id = dan.screen().rsplit_once("glass approve ").unwrap().1.trim().to_owned();
    home.run(&["status"]).exits(0).says(&id).says("hotfix");
    assert_eq!(listed(&home), [] as [Value; 0]);
    // One signature mends nothing; and what the draft says meanwhile counts for nothing.
    is_broken(&home);
    draft(&home, broken(&home, "front").set("title", "\"Another draft\""));
    let mut cem = as_person(&home, "cem", &["approve", &id]);
    cem.expect("proposed by dan").expect("With your signature it takes effect.").expect("+grant = ");
    assert!(!cem.screen().contains("Another draft"));
    cem.expect("HOTFIX of doors/front").expect("Type register to confirm: ");
    cem.send_line("register").exits(0).saw("(hotfix) takes effect");

    let found = listed(&home);
    assert_eq!((&found[0]["id"], &found[0]["scope"]), (&json!(id), &json!("doors/front")));
    assert_eq!(
        (&found[0]["signed"][0]["person"], &found[0]["signed"][1]["person"]),
        (&json!("dan"), &json!("cem"))
    );
    home.run(&["status"]).exits(0).says("SIGNED BY").says("dan, cem");
    verifies(&home);

    let loud = format!("HOTFIX {id} by dan and cem: differs from what admins registered");
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect(&loud).expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    assert!(home.target.is_open(&grant));
    assert_eq!(listed(&home), [] as [Value; 0]);
    let request = request_of(&home, &grant);
    let entries = home.entries();
    let hotfixed = entries.iter().find(|facts| facts["kind"] == "hotfixed").unwrap();
    assert_eq!(request["signed"]["hotfix"], json!(id));
    assert_eq!(request["signed"]["playbook"], hotfixed["signed"]["sha512"]);
    assert_eq!((&hotfixed["act"], &hotfixed["person"]), (&json!(id), &json!("cem")));

    // A plan that was lost is made anew from the mended scope.
    fs::remove_file(home.path().join("open").join(format!("{grant}.json"))).unwrap();
    home.run(&["revoke", &grant]).exits(0);
    home.target.shuts();
    // Once: from here on what admins registered counts again.
    is_broken(&home);
    let again = home.grants().pop().unwrap();
    assert_eq!(request_of(&home, &again)["signed"]["hotfix"], Value::Null);
    verifies(&home);
}

#[test]
fn p06_who_signed_a_hotfix_does_not_review_what_was_opened_by_it() {
    let home = home_with_a_broken_door();
    let id = mended(&home, "ben", "dan");
    let grant = home.activate_ok("doors/front", &[]);
    home.run(&["revoke", &grant]).exits(0);
    let verdict = ["review", &grant, "--verdict", "justified", "--note", "it had to be mended"];
    as_person(&home, "ben", &verdict).exits(3).saw(&format!("ben signed {grant} too")).saw("zoe");
    let mut zoe = as_person(&home, "zoe", &verdict);
    zoe.expect(&format!("{id} by ben and dan")).expect("opened by the hotfix");
    zoe.expect("confirm: ").send_line(&grant).exits(0);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["grant"]["hotfix"], json!({"id": id, "signed": ["ben", "dan"]}));
    let found = story["unusual"].as_array().unwrap().iter().any(|finding| finding["id"] == "hotfix");
    assert!(found, "{story}");
    verifies(&home);
}

#[test]
fn p05_a_hotfix_changes_nothing_else_and_is_of_one_scope() {
    let home = home_with_a_broken_door();
    let refused = |words: &str| {
        hotfix(&home, "dan").exits(3).saw(words);
    };
    refused("there is nothing to mend");
    // What is written otherwise and says the same mends nothing.
    let registered = text("doors", &[broken(&home, "front"), back(&home)]);
    home.write_playbook("doors", &format!("# a word\n{registered}"));
    refused("there is nothing to mend");
    for (key, value) in [
        ("activate", "[\"group:others\"]"),
        ("approvals", "{ needed = 1, from = [\"group:admin\"] }"),
        ("review", "{ by = [\"group:oncall\"], within = \"24h\" }"),
        ("touch", "\"required\""),
        ("risk", "\"high\""),
        ("duration", "{ default = \"10m\", max = \"2h\" }"),
        ("limits", "{ concurrent = 51 }"),
        ("recording", "\"off\""),
        ("incident", "'^INC-[0-9]+$'"),
        ("reason-min", "3"),
    ] {
        draft(&home, home.door().set(key, value));
        let mut dan = hotfix(&home, "dan");
        dan.exits(3)
            .saw(&format!("doors/front as it is registered: {key}"))
            .saw("an admin runs `glass register`");
    }
    home.write_playbook("doors", &text("doors", &[home.door(), back(&home).set("title", "\"Other\"")]));
    refused("these differ: doors/front, doors/back");
    home.write_playbook("doors", &text("doors", &[home.door()]));
    refused("are others than are registered");
    mend(&home);
    let gates = home.path().join("playbooks/gates.toml");
    let before = fs::read_to_string(&gates).unwrap();
    fs::write(&gates, format!("{before}\n# a word\n")).unwrap();
    refused("these differ: playbooks/doors.toml, playbooks/gates.toml");
    fs::remove_file(&gates).unwrap();
    refused("these differ: playbooks/gates.toml, playbooks/doors.toml");
    fs::write(&gates, before).unwrap();
    let settings = home.path().join("glass.toml");
    let before = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{before}\n# a word\n")).unwrap();
    refused("these differ: glass.toml, playbooks/doors.toml");
    fs::write(&settings, before).unwrap();
    home.write_playbook("doors", "schema = 1\n");
    hotfix(&home, "dan").exits(2);
    assert!(!home.entries().iter().any(|facts| facts["kind"] == "proposed"));
    verifies(&home);
}

#[test]
fn p06_a_hotfix_is_signed_by_two_of_the_scope_s_people() {
    let home = home_with_a_broken_door();
    mend(&home);
    hotfix(&home, "eve").exits(3).saw("eve may not sign this");
    home.run(&["register", "--hotfix"]).exits(4).says("no terminal");
    let id = propose(&home, "dan");
    as_person(&home, "dan", &["approve", &id]).exits(3).saw(&format!("dan signed {id} already"));
    as_person(&home, "eve", &["approve", &id]).exits(3).saw("eve may not sign this");
    as_person(&home, "cem", &["approve", &id]).expect("confirm: ").send_line("hotfix").exits(4);
    assert_eq!(
        home.refusals(),
        ["not-a-signer", "no-terminal", "signed-already", "not-a-signer", "wrong-confirmation"]
    );
    assert_eq!(listed(&home), [] as [Value; 0]);
    is_broken(&home);
    if requires("ssh-keygen") {
        let exported = home.run(&["request", "export", &id]).exits(0).stdout;
        let file = home.user().join("act");
        fs::write(&file, exported).unwrap();
        let key = home.key("cem");
        let mut sign = bare(&home, "ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", "register@glass", "-f", key.to_str().unwrap()]).arg(&file);
        assert!(sign.status().unwrap().success());
        let signature = format!("{}.sig", file.display());
        home.run(&["approve", &id, "--signature", &signature]).exits(0).says("Signed by cem");
        home.activate_ok("doors/front", &[]);
    }
    verifies(&home);
}

#[test]
fn p05_a_registration_ends_a_hotfix_and_what_waits_for_one() {
    let home = home_with_a_broken_door();
    mended(&home, "dan", "cem");
    let waits = propose(&home, "dan");
    assert_eq!(listed(&home).len(), 1);
    draft(&home, broken(&home, "front").set("title", "\"Another\""));
    home.register();
    assert_eq!(listed(&home), [] as [Value; 0]);
    as_person(&home, "cem", &["approve", &waits]).exits(3).saw("another registration came first");
    is_broken(&home);
    verifies(&home);
}

#[test]
fn p05_a_request_that_opened_nothing_leaves_the_hotfix() {
    let home = home_with_a_broken_door();
    let consent = ("approvals", "{ needed = 1, from = [\"group:admin\"] }");
    draft(&home, broken(&home, "front").set(consent.0, consent.1));
    home.register();
    draft(&home, home.door().set(consent.0, consent.1));
    let id = propose(&home, "dan");
    second(&home, "cem", &id);
    let asked = |home: &Home| {
        let mut ana = home.person(&home.wish("doors/front", &[]));
        ana.expect(&format!("HOTFIX {id}")).expect("to confirm: ").send_line("doors/front").expect("g-");
        let is_there = |before: usize| home.grants().len() > before;
        assert!(support::wait_until(|| is_there(0), support::LONG));
        ana
    };
    let mut ana = asked(&home);
    let first = home.grants().pop().unwrap();
    as_person(&home, "ben", &["deny", &first]).expect("confirm: ").send_line(&first).exits(0);
    ana.exits(3);
    assert_eq!(listed(&home).len(), 1);
    let mut ana = asked(&home);
    assert!(support::wait_until(|| home.grants().len() == 2, support::LONG));
    let grant = home.grants().pop().unwrap();
    let mut ben = as_person(&home, "ben", &["approve", &grant]);
    ben.expect(&format!("HOTFIX {id} by dan and cem")).expect("confirm: ").send_line(&grant).exits(0);
    ana.exits(0);
    assert!(home.target.is_open(&grant));
    assert_eq!(listed(&home), [] as [Value; 0]);
    verifies(&home);
}

#[test]
fn p05_of_two_requests_by_one_hotfix_only_the_first_opens() {
    let home = home_with_a_broken_door();
    let consent = ("approvals", "{ needed = 1, from = [\"group:admin\"] }");
    draft(&home, broken(&home, "front").set(consent.0, consent.1));
    home.register();
    // Asked for before anybody mended it: it keeps to what it was asked for.
    let asks = |person: &str, so_far: usize| {
        let mut asker = home.person(&home.wish_of(person, "doors/front", &[]));
        asker.expect("to confirm: ").send_line("doors/front");
        assert!(support::wait_until(|| home.grants().len() > so_far, support::LONG));
        (asker, home.grants().pop().unwrap())
    };
    let (mut early, before) = asks("ana", 0);
    draft(&home, home.door().set(consent.0, consent.1));
    let id = propose(&home, "dan");
    second(&home, "cem", &id);
    let (mut dan, first) = asks("dan", 1);
    let (mut cem, other) = asks("cem", 2);
    let approve = |grant: &str| {
        as_person(&home, "ben", &["approve", grant]).expect("confirm: ").send_line(grant).exits(0);
    };
    approve(&before);
    early.exits(6).saw("no such command");
    approve(&other);
    cem.exits(0);
    approve(&first);
    dan.exits(3).saw(&format!("{id} does not count any more")).saw("activate anew");
    assert_eq!(home.target.open(), [other]);
    assert_eq!(home.state(&first), "activation-failed");
    verifies(&home);
}

#[test]
fn p11_a_hotfix_that_nobody_used_lapses_after_a_day() {
    let home = home_with_a_broken_door();
    let id = mended(&home, "dan", "cem");
    if !permitted("faketime", &["faketime", "-f", "+1h", "true"]) {
        return;
    }
    let at = |offset: &str| {
        ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset].map(str::to_owned).to_vec()
    };
    home.run_under(&at("+23h"), &["status"]).exits(0).says(&id);
    let late = home.run_under(&at("+25h"), &["status"]).exits(0);
    assert!(!late.stdout.contains(&id), "{}", late.stdout);
    let wall = at("+25h");
    let wall: Vec<&str> = wall.iter().map(String::as_str).collect();
    let wish = home.wish("doors/front", &[]);
    let wish: Vec<&str> = wish.iter().map(String::as_str).collect();
    let mut ana = Person::start(&mut home.at_terminal_under(&wall, &wish));
    ana.expect("Type doors/front to confirm: ").send_line("doors/front").exits(6).saw("no such command");
    assert!(!ana.screen().contains("HOTFIX"));
    verifies(&home);
}

#[test]
fn p07_a_changed_hotfix_opens_nothing_and_is_found() {
    let home = home_with_a_broken_door();
    mended(&home, "dan", "cem");
    let entries = home.entries();
    let hotfixed = entries.iter().find(|facts| facts["kind"] == "hotfixed").unwrap();
    let sha512 = hotfixed["signed"]["sha512"].as_str().unwrap();
    let sql = "UPDATE text SET bytes = CAST(replace(CAST(bytes AS TEXT), 'a door', 'a gate') AS BLOB) WHERE sha512 = ?1";
    assert_eq!(home.tampered().execute(sql, [sha512]).unwrap(), 1);
    home.person(&home.wish("doors/front", &[])).exits(5).saw("was changed");
    assert!(home.target.open().is_empty());
    home.run(&["ledger", "verify"]).exits(5).says("it is no hotfix");
    assert_eq!(home.tampered().execute("DELETE FROM text WHERE sha512 = ?1", [sha512]).unwrap(), 1);
    home.run(&["ledger", "verify"]).exits(5).says("the text of its playbook is missing");
}
