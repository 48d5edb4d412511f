//! Acts that several people sign (CONTRACT 3): each looks, types and signs; the last makes it count.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::fs;
use support::{Home, Person, bare, permitted, requires, text};

/// Two admins, ana and ben, both of whom must sign; cem is on call.
fn home_of_two() -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["admin"]);
    home.add_person("cem", "", &["oncall"]);
    home.write_playbook("doors", &text("doors", &[home.door()]));
    set(&home, "admins = 1", "admins = 2");
    // The founder alone registers the first time.
    home.register();
    home
}

fn set(home: &Home, before: &str, after: &str) {
    let path = home.path().join("glass.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(before), "{text}");
    fs::write(&path, text.replacen(before, after, 1)).unwrap();
}

fn as_person(home: &Home, person: &str, args: &[&str]) -> Person {
    let key = home.key(person);
    let all = args.iter().copied().chain(["--key", key.to_str().unwrap()]);
    home.person(&all.collect::<Vec<_>>())
}

/// The id of the only act that waits.
#[track_caller]
fn waiting(home: &Home) -> String {
    let acts = acts(home);
    assert_eq!(acts.len(), 1, "{acts:?}");
    acts[0]["id"].as_str().unwrap().to_owned()
}

fn acts(home: &Home) -> Vec<Value> {
    let status = home.run(&["status", "--format", "json"]).exits(0).json();
    status["acts"].as_array().unwrap().clone()
}

/// A draft that differs from what is registered.
fn retitle(home: &Home, title: &str) {
    let title = format!("\"{title}\"");
    home.write_playbook("doors", &text("doors", &[home.door().set("title", &title)]));
}

#[track_caller]
fn propose(home: &Home, person: &str) -> String {
    let mut proposer = as_person(home, person, &["register"]);
    proposer.expect("Type register to confirm: ").send_line("register").exits(0).saw("waits for 1 more");
    let screen = proposer.screen();
    screen.rsplit_once("glass approve ").unwrap().1.trim().to_owned()
}

fn kinds(home: &Home) -> Vec<String> {
    home.entries().iter().map(|facts| facts["kind"].as_str().unwrap().to_owned()).collect()
}

fn title(home: &Home) -> String {
    let show = home.run(&["playbook", "show", "front"]).exits(0);
    show.stdout
}

#[track_caller]
fn verifies(home: &Home) {
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p05_a_registration_counts_only_when_both_admins_signed_it() {
    let home = home_of_two();
    retitle(&home, "Open it");
    let mut ana = as_person(&home, "ana", &["register"]);
    ana.expect("+title = \"Open it\"").expect("when 1 more of ben signed it too: within 24 hours");
    ana.expect("Type register to confirm: ").send_line("register").exits(0).saw("waits for 1 more of ben");
    let id = waiting(&home);
    assert!(title(&home).contains("Open the door"));
    home.run(&["status"]).exits(0).says(&id).says("1 of ben").says("register");
    home.run(&["status", "--check"]).exits(0);

    // What the draft says meanwhile counts for nothing: ben sees and signs what ana did.
    retitle(&home, "Something else");
    let mut ben = as_person(&home, "ben", &["approve", &id]);
    ben.expect("proposed by ana").expect("With your signature it takes effect.");
    ben.expect("-title = \"Open the door\"").expect("+title = \"Open it\"");
    ben.expect("Type register to confirm: ")
        .send_line("register")
        .exits(0)
        .saw("(register)")
        .saw("takes effect");
    assert!(title(&home).contains("Open it"));
    assert_eq!(acts(&home), [] as [Value; 0]);
    assert_eq!(kinds(&home), ["genesis", "registered", "proposed", "registered"]);
    let entries = home.entries();
    assert_eq!((&entries[3]["person"], &entries[3]["signed"]["person"]), (&json!("ben"), &json!("ana")));
    assert_eq!((&entries[3]["cosigned"], &entries[3]["act"]), (&json!([2]), &json!(id)));
    assert_eq!(entries[2]["statement"], entries[3]["statement"]);
    as_person(&home, "ben", &["approve", &id]).exits(3).saw("waits for nobody: it is done");
    verifies(&home);
    home.activate_ok("doors/front", &[]);
    verifies(&home);
}

#[test]
fn p06_one_person_with_two_keys_is_not_two_people() {
    let home = home_of_two();
    let other = home.make_key("ana-2", "");
    let public = fs::read_to_string(home.public_key("ana")).unwrap();
    let second = fs::read_to_string(home.public_key("ana-2")).unwrap();
    set(&home, public.trim(), &format!("{}\", \"{}", public.trim(), second.trim()));
    let id = propose(&home, "ana");
    as_person(&home, "ben", &["approve", &id])
        .expect("Type register to confirm: ")
        .send_line("register")
        .exits(0);
    retitle(&home, "Open it");
    let id = propose(&home, "ana");
    for key in ["ana", "ana-2"] {
        as_person(&home, key, &["approve", &id])
            .exits(3)
            .saw(&format!("ana signed {id} already"))
            .saw(&format!("send this to ben: glass approve {id}"));
    }
    assert!(other.exists());
    // The same cause from the same person is recorded once a minute.
    assert_eq!(home.refusals(), ["signed-already"]);
    assert!(title(&home).contains("Open the door"));
    verifies(&home);
}

#[test]
fn p06_only_an_admin_s_own_valid_signature_is_one() {
    let home = home_of_two();
    retitle(&home, "Open it");
    let id = propose(&home, "ana");
    as_person(&home, "cem", &["approve", &id]).exits(3).saw("cem may not sign this: that is for ana, ben");
    home.make_key("eve", "");
    as_person(&home, "eve", &["approve", &id]).exits(4).saw("is not in the roster");
    home.run(&["approve", &id]).exits(4).says("no terminal");
    as_person(&home, "ben", &["approve", "p-aaaaaaaaaa"]).exits(3).saw("there is no act p-aaaaaaaaaa");
    as_person(&home, "ben", &["approve", "p-x"]).exits(2).saw("names nothing that waits");
    as_person(&home, "ben", &["approve", &id]).expect("to confirm: ").send_line("yes").exits(4);
    assert_eq!(
        home.refusals(),
        ["not-a-signer", "key-not-in-roster", "no-terminal", "no-such-act", "wrong-confirmation"]
    );
    assert_eq!(waiting(&home), id);
    verifies(&home);
}

#[test]
fn p05_another_registration_makes_what_waits_stale() {
    let home = home_of_two();
    retitle(&home, "First");
    let first = propose(&home, "ana");
    retitle(&home, "Second");
    let second = propose(&home, "ben");
    assert_eq!(acts(&home).len(), 2);
    let mut ana = as_person(&home, "ana", &["approve", &second]);
    ana.expect("Type register to confirm: ").send_line("register").exits(0);
    assert!(title(&home).contains("Second"));
    as_person(&home, "ben", &["approve", &first])
        .exits(3)
        .saw("another registration came first")
        .saw("glass register");
    assert!(title(&home).contains("Second"));
    assert_eq!(home.refusals(), ["registration-changed"]);
    verifies(&home);
}

#[test]
fn p05_lowering_admins_needs_the_old_number() {
    let home = home_of_two();
    set(&home, "admins = 2", "admins = 1");
    let id = propose(&home, "ana");
    retitle(&home, "Open it");
    // One is still not enough.
    let other = propose(&home, "ana");
    as_person(&home, "ben", &["approve", &id])
        .expect("-admins = 2")
        .expect("confirm: ")
        .send_line("register")
        .exits(0);
    as_person(&home, "ben", &["approve", &other]).exits(3).saw("another registration came first");
    home.register();
    assert!(title(&home).contains("Open it"));
    verifies(&home);
}

#[test]
fn p06_a_third_and_last_signature_makes_it_count() {
    let home = Home::new();
    for name in ["ben", "cem"] {
        home.add_person(name, "", &["admin"]);
    }
    home.write_playbook("doors", &text("doors", &[home.door()]));
    set(&home, "admins = 1", "admins = 3");
    home.register();
    retitle(&home, "Open it");
    let mut ana = as_person(&home, "ana", &["register"]);
    ana.expect("when 2 more of ben, cem signed it too").expect("confirm: ").send_line("register").exits(0);
    let id = waiting(&home);
    let mut ben = as_person(&home, "ben", &["approve", &id]);
    ben.expect("when 1 more of cem signed it too").expect("confirm: ").send_line("register").exits(0);
    ben.saw("waits for 1 more of cem");
    let act = &acts(&home)[0];
    assert_eq!(
        (&act["needed"], &act["verb"], &act["person"]),
        (&json!(3), &json!("register"), &json!("ana"))
    );
    let signed = act["signed"].as_array().unwrap();
    assert_eq!(signed.iter().map(|signed| signed["person"].clone()).collect::<Vec<_>>(), ["ana", "ben"]);
    assert!(act["lapses_at"].as_str() > act["proposed_at"].as_str());
    as_person(&home, "ben", &["approve", &id]).exits(3).saw("ben signed");
    as_person(&home, "cem", &["approve", &id]).expect("confirm: ").send_line("register").exits(0);
    let mut kinds = kinds(&home);
    kinds.retain(|kind| kind != "refused");
    assert_eq!(kinds, ["genesis", "registered", "proposed", "seconded", "registered"]);
    assert!(title(&home).contains("Open it"));
    verifies(&home);
}

/// What a person signs elsewhere: the bytes that all of them sign.
fn sign_elsewhere(home: &Home, id: &str, person: &str, namespace: &str) -> Option<std::path::PathBuf> {
    if !requires("ssh-keygen") {
        return None;
    }
    let exported = home.run(&["request", "export", id]).exits(0).stdout;
    let file = home.user().join(format!("{person}-{namespace}"));
    fs::write(&file, exported).unwrap();
    let key = home.key(person);
    let made = bare(home, "ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f", key.to_str().unwrap()])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    Some(std::path::PathBuf::from(format!("{}.sig", file.display())))
}

#[test]
fn p06_a_signature_made_elsewhere_is_the_consent() {
    let home = home_of_two();
    retitle(&home, "Open it");
    let id = propose(&home, "ana");
    let register = "ssh-keygen -Y sign -n register@glass";
    home.run(&["request", "show", &id]).exits(0).says("proposed by ana").says(register);
    let Some(wrong) = sign_elsewhere(&home, &id, "ben", "approve@glass") else { return };
    home.run(&["approve", &id, "--signature", wrong.to_str().unwrap()]).exits(4).says("register@glass");
    let own = sign_elsewhere(&home, &id, "ana", "register@glass").unwrap();
    home.run(&["approve", &id, "--signature", own.to_str().unwrap()]).exits(3).says("signed");
    let right = sign_elsewhere(&home, &id, "ben", "register@glass").unwrap();
    home.run(&["approve", &id, "--signature", right.to_str().unwrap()]).exits(0).says("Signed by ben");
    assert!(title(&home).contains("Open it"));
    verifies(&home);
}

/// A command at a wall clock that is so far ahead, its boot clock left alone.
fn ahead(offset: &str) -> Option<Vec<String>> {
    let wall = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset];
    permitted("faketime", &["faketime", "-f", "+1h", "true"]).then(|| wall.map(str::to_owned).into())
}

#[test]
fn p11_what_nobody_signs_within_a_day_lapses() {
    let home = home_of_two();
    retitle(&home, "Open it");
    let id = propose(&home, "ana");
    let (Some(hours_23), Some(hours_25)) = (ahead("+23h"), ahead("+25h")) else { return };
    home.run_under(&hours_23, &["expire"]).exits(0);
    assert_eq!(waiting(&home), id);
    // Found out by who approves; and by `expire`.
    let other = propose(&home, "ana");
    let key = home.key("ben");
    let approve = ["approve", &id, "--key", key.to_str().unwrap()];
    let wall: Vec<&str> = hours_25.iter().map(String::as_str).collect();
    Person::start(&mut home.at_terminal_under(&wall, &approve)).exits(3).saw("it is lapsed");
    assert_eq!(waiting(&home), other);
    home.run_under(&hours_25, &["expire"]).exits(0);
    assert_eq!(acts(&home), [] as [Value; 0]);
    let lapsed = home.entries().into_iter().filter(|facts| facts["kind"] == "lapsed");
    assert_eq!(lapsed.map(|facts| facts["act"].clone()).collect::<Vec<_>>(), [json!(id), json!(other)]);
    assert!(title(&home).contains("Open the door"));
    verifies(&home);
}

#[test]
fn p01_a_crash_between_signatures_leaves_what_was_signed_waiting() {
    let home = home_of_two();
    retitle(&home, "Open it");
    let id = propose(&home, "ana");
    let mut ben = as_person(&home, "ben", &["approve", &id]);
    ben.expect("Type register to confirm: ");
    // Killed while the question stands: nothing of it is there.
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(ben.id().cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    ben.exits(128 + 9);
    assert_eq!(waiting(&home), id);
    assert_eq!(kinds(&home), ["genesis", "registered", "proposed"]);
    as_person(&home, "ben", &["approve", &id]).expect("confirm: ").send_line("register").exits(0);
    assert!(title(&home).contains("Open it"));
    verifies(&home);
}

const RECORD: [&str; 6] = [
    "--from",
    "2026-01-05T03:10:00Z",
    "--to",
    "2026-01-05T04:40:00+01:00",
    "--reason",
    "the ledger was corrupt",
];

fn told(home: &Home, person: &str, more: &[&str]) -> Person {
    let args: Vec<&str> = ["record", "front"].into_iter().chain(more.iter().copied()).collect();
    as_person(home, person, &args)
}

/// Ana and dan are on call, ben is admin: he reviews, and dan may vouch.
fn home_that_records() -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["admin"]);
    home.add_person("dan", "", &["oncall"]);
    home.add_person("eve", "", &["others"]);
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.register();
    home
}

#[test]
fn p08_what_was_done_outside_is_recorded_by_two_and_owes_its_review() {
    let home = home_that_records();
    let mut ana = told(&home, "ana", &RECORD);
    ana.expect("DONE OUTSIDE GLASS  doors/front")
        .expect("the ledger was corrupt")
        .expect("when 1 more of ben, dan");
    ana.expect("Type record to confirm: ").send_line("record").exits(0).saw("waits for 1 more of ben, dan");
    let id = waiting(&home);
    assert_eq!(home.grants(), [""; 0]);
    as_person(&home, "eve", &["approve", &id]).exits(3).saw("eve may not sign this");
    as_person(&home, "ana", &["approve", &id]).exits(3).saw("ana signed");
    let mut dan = as_person(&home, "dan", &["approve", &id]);
    dan.expect("proposed by ana")
        .expect("Nothing of it was checked by glass")
        .expect("the ledger was corrupt");
    dan.expect("Type record to confirm: ").send_line("record").exits(0).saw("It owes its review");
    let grant = home.grants().remove(0);
    assert_eq!(grant[2..], id[2..]);
    let status = home.status(&grant);
    assert_eq!(
        (&status["state"], &status["person"], &status["outside"]),
        (&json!("closed"), &json!("ana"), &json!(true))
    );
    assert_eq!(status["activated_at"], "2026-01-05T03:10:00.000Z");
    assert_eq!(status["closed_at"], "2026-01-05T03:40:00.000Z");
    // Owed from the recording, not from what is said to be its end.
    assert_eq!(status["review"]["state"], "due");
    home.run(&["status"]).exits(0).says("doors/front OUTSIDE");
    home.run(&["status", &grant]).exits(0).says("nothing was checked");
    home.run(&["ledger", "log"]).exits(0).says("recorded").says(&id);

    for signer in ["ana", "dan"] {
        let verdict = ["review", &grant, "--verdict", "justified", "--note", "it had to be"];
        as_person(&home, signer, &verdict).exits(3);
    }
    let mut ben =
        as_person(&home, "ben", &["review", &grant, "--verdict", "justified", "--note", "it had to be"]);
    ben.expect("done outside glass")
        .expect("vouched for by dan")
        .expect("it was done outside glass, and told");
    ben.expect("confirm: ").send_line(&grant).exits(0);
    assert_eq!(home.status(&grant)["review"]["verdict"], "justified");
    verifies(&home);
}

#[test]
fn p06_what_was_done_outside_is_judged_before_anything_is_asked() {
    let home = home_that_records();
    let case = |from: &str, to: &str, reason: &str| {
        told(&home, "ana", &["--from", from, "--to", to, "--reason", reason])
    };
    let (early, late) = ("2026-01-05T03:00:00Z", "2026-01-05T04:00:00Z");
    case(late, early, "the ledger was corrupt").exits(3).saw("must have ended after it began");
    case(early, "2999-01-01T00:00:00Z", "the ledger was corrupt").exits(3).saw("and by now");
    case(early, late, "short").exits(3).saw("at least 10");
    case("yesterday", late, "the ledger was corrupt").exits(2).saw("--from is not a time");
    told(&home, "eve", &RECORD).exits(3).saw("eve may not sign this: that is for ana, ben, dan");
    home.run(&["record", "front", "--from", early, "--to", late, "--reason", "the ledger was corrupt"])
        .exits(4)
        .says("no terminal");
    assert_eq!(acts(&home), [] as [Value; 0]);
    assert_eq!(
        home.refusals(),
        ["bad-times", "short-reason", "malformed-time", "not-a-signer", "no-terminal"]
    );
}

#[test]
fn p06_who_left_meanwhile_does_not_vouch() {
    let home = home_that_records();
    told(&home, "ana", &RECORD).expect("confirm: ").send_line("record").exits(0);
    let id = waiting(&home);
    let path = home.path().join("glass.toml");
    let whole = fs::read_to_string(&path).unwrap();
    let at = whole.find("\n[[person]]\nname = \"dan\"").unwrap();
    let end = whole[at + 1..].find("\n[[person]]").map_or(whole.len(), |next| at + 1 + next);
    fs::write(&path, format!("{}{}", &whole[..at], &whole[end..])).unwrap();
    home.register();
    as_person(&home, "dan", &["approve", &id]).exits(4).saw("is not in the roster");
    as_person(&home, "ben", &["approve", &id]).expect("confirm: ").send_line("record").exits(0);
    verifies(&home);
}
