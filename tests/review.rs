//! The review that each use owes (promises 6 and 8): who may judge, once, under signature.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use support::{Home, LONG, Person, Ran, Scope, bare, requires, text, unhinted, wait_until};

const VERDICT: &str = "Verdict (justified, unjustified, misuse, drill): ";
const JUSTIFIED: [&str; 4] = ["--verdict", "justified", "--note", "the door was stuck"];

/// Ana opens; ben and cem of `security` review.
fn home_with(scope: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    for name in ["ben", "cem"] {
        home.add_person(name, "", &["security"]);
    }
    let by = "{ by = [\"group:security\", \"person:ana\"], within = \"24h\" }";
    let scope = scope(home.door().set("review", by));
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

/// A grant that was opened and closed.
fn used(home: &Home, more: &[&str]) -> String {
    let grant = home.activate_ok("doors/front", more);
    home.run(&["revoke", &grant]).exits(0);
    grant
}

fn review(home: &Home, person: &str, args: &[&str]) -> Person {
    let key = home.key(person);
    let all = ["review"].into_iter().chain(args.iter().copied()).chain(["--key", key.to_str().unwrap()]);
    home.person(&all.collect::<Vec<_>>())
}

/// A review by flags, of which only the confirmation is typed.
#[track_caller]
fn review_ok(home: &Home, person: &str, grant: &str, flags: &[&str]) -> Person {
    let args: Vec<&str> = std::iter::once(grant).chain(flags.iter().copied()).collect();
    let mut reviewer = review(home, person, &args);
    reviewer.expect(&format!("Type {grant} to confirm: ")).send_line(grant).exits(0).saw("REVIEWED");
    reviewer
}

#[track_caller]
fn verifies(home: &Home) {
    home.run(&["ledger", "verify"]).exits(0);
}

fn reviewed(home: &Home) -> Vec<Value> {
    home.entries().into_iter().filter(|facts| facts["kind"] == "reviewed").collect()
}

#[test]
fn p06_another_person_judges_and_once() {
    let home = home_with(|scope| scope);
    let grant = home.activate_ok("doors/front", &[]);
    review(&home, "ben", &[&grant]).exits(3).saw("only what is closed").saw("glass revoke g-");
    home.run(&["revoke", &grant]).exits(0);

    review(&home, "ana", &[&grant])
        .exits(3)
        .saw("somebody else must review it")
        .saw(&format!("send this to ben or cem: glass review {grant}"));
    home.run(&["review", &grant]).exits(4).says("no terminal");

    let mut ben = review(&home, "ben", &[&grant]);
    ben.expect("the door is stuck").expect("NOT RECORDED").expect(VERDICT).send_line("fine");
    ben.expect("That is not one of them.").expect(VERDICT).send_line("drill");
    ben.expect("was not announced as a drill").expect(VERDICT).send_line("justified");
    ben.expect("Note: ").send_line("the door was stuck");
    ben.expect(&format!("Type {grant} to confirm: ")).send_line(&grant).exits(0);
    ben.saw("REVIEWED").saw("justified by ben");
    let status = home.status(&grant)["review"].clone();
    assert_eq!((&status["state"], &status["verdict"]), (&json!("reviewed"), &json!("justified")));
    assert_eq!(home.kinds(&grant).last().unwrap(), "reviewed");

    for person in ["ben", "cem"] {
        review(&home, person, &[&grant, "--verdict", "misuse", "--note", "no"])
            .exits(3)
            .saw("was reviewed by ben: justified");
    }
    assert_eq!(
        home.refusals(),
        ["not-closed", "own-review", "no-terminal", "reviewed-already", "reviewed-already"]
    );
    assert_eq!(reviewed(&home).len(), 1);
    verifies(&home);
}

#[test]
fn p06_who_is_not_among_the_reviewers_is_told_who_is() {
    let home = home_with(|scope| scope.set("review", "{ by = [\"group:security\"], within = \"24h\" }"));
    home.add_person("dan", "", &["oncall"]);
    home.register();
    let grant = used(&home, &[]);
    review(&home, "dan", &[&grant]).exits(3).saw("dan may not review doors/front").saw("ben or cem");
    review(&home, "cem", &["g-aaaaaaaaaa"]).exits(3).saw("there is no grant g-aaaaaaaaaa");
    review(&home, "cem", &[&grant, "--verdict", "fine"]).exits(2);
    let mut cem = review(&home, "cem", &[&grant, JUSTIFIED[0], JUSTIFIED[1], JUSTIFIED[2], JUSTIFIED[3]]);
    cem.expect("to confirm: ").send_line("g-aaaaaaaaaa").exits(4);
    assert_eq!(home.refusals(), ["not-in-review", "no-such-grant", "wrong-confirmation"]);
    assert!(reviewed(&home).is_empty());
    verifies(&home);
}

#[test]
fn p07_a_review_verifies_with_sqlite3_and_ssh_keygen() {
    if !requires("sqlite3") {
        return;
    }
    let home = home_with(|scope| scope);
    let grant = used(&home, &[]);
    review_ok(&home, "ben", &grant, &JUSTIFIED);
    let entry = reviewed(&home)[0].clone();
    assert_eq!(entry["signed"]["verdict"], "justified");
    assert!(entry["signed"].get("self_review").is_none() && !entry.to_string().contains("door was stuck"));
    let shell = |column: &str| {
        let query = format!("select {column} from statement where seq = {}", entry["seq"]);
        let path = home.root().join(column);
        let ran = Ran::of(bare(&home, "sqlite3").arg(home.ledger()).arg(query)).exits(0);
        fs::write(&path, ran.stdout).unwrap();
        path
    };
    let (statement, signature) = (shell("text"), shell("signature"));
    let signers = home.root().join("allowed_signers");
    fs::write(&signers, format!("ben {}", fs::read_to_string(home.public_key("ben")).unwrap())).unwrap();
    for (namespace, code) in [("review@glass", 0), ("request@glass", 255)] {
        let mut keygen = bare(&home, "ssh-keygen");
        keygen.args(["-Y", "verify", "-I", "ben", "-n", namespace, "-f"]).arg(&signers);
        keygen.arg("-s").arg(&signature).stdin(Stdio::from(fs::File::open(&statement).unwrap()));
        Ran::of(&mut keygen).exits(code);
    }
    verifies(&home);
    home.tampered().execute_batch("update review set verdict = 'misuse'").unwrap();
    home.run(&["ledger", "verify"]).exits(5).says("the review is not the one that the entries give");
}

#[test]
fn p08_an_overdue_review_blocks_the_next_activation_and_the_review_frees_it() {
    let home = home_with(|scope| scope.set("review", "{ by = [\"group:security\"], within = \"2s\" }"));
    let grant = used(&home, &[]);
    let overdue = || home.status(&grant)["review"]["state"] == "overdue";
    assert!(wait_until(overdue, LONG));
    home.run(&["status", "--check"]).exits(7);
    home.run(&["review", "--list"]).exits(0).says("OVERDUE").says(&grant);
    for drill in [&[][..], &["--drill"]] {
        home.person(&home.wish("doors/front", drill))
            .exits(3)
            .saw(&format!("the review of {grant} is overdue"))
            .saw(&format!("send this to ben or cem: glass review {grant}"));
    }
    assert_eq!(home.refusals(), ["review-overdue"]);
    assert_eq!(home.target.calls("grant"), 1);
    review_ok(&home, "cem", &grant, &JUSTIFIED);
    home.run(&["status", "--check"]).exits(0);
    used(&home, &[]);
    verifies(&home);
}

#[test]
fn p08_a_review_that_falls_due_while_the_person_types_is_seen_by_the_permit() {
    let home = home_with(|scope| scope.set("review", "{ by = [\"group:security\"], within = \"3s\" }"));
    let grant = used(&home, &[]);
    let mut ana = home.person(&home.wish("doors/front", &[]));
    ana.expect("Type doors/front to confirm: ");
    let overdue = || home.status(&grant)["review"]["state"] == "overdue";
    assert!(wait_until(overdue, LONG));
    ana.send_line("doors/front").exits(3).saw("is overdue").saw(&format!("glass review {grant}"));
    assert_eq!(home.refusals(), ["review-overdue"]);
    assert_eq!(home.target.calls("grant"), 1, "nothing was opened");
    verifies(&home);
}

#[test]
fn a_pending_incident_is_owed_before_the_review_closes() {
    let home = home_with(|scope| scope.set("incident", "'^INC-[0-9]+$'"));
    let key = home.key("ana");
    let wish = [
        "activate",
        "front",
        "--incident",
        "pending",
        "--reason",
        "the door is stuck",
        "--key",
        key.to_str().unwrap(),
    ];
    let pending = || {
        let mut ana = home.person(&wish);
        ana.expect("to confirm: ").send_line("doors/front").exits(0);
        let grant = home.grants().pop().unwrap();
        home.run(&["revoke", &grant]).exits(0);
        grant
    };
    let (first, second) = (pending(), pending());
    for bad in ["pending", "later"] {
        review(&home, "ben", &[&first, "--verdict", "justified", "--note", "x", "--incident", bad])
            .exits(3)
            .saw("the incident does not match ^INC-[0-9]+$");
    }
    review_ok(&home, "ben", &first, &["--verdict", "justified", "--note", "x", "--incident", "INC-7"]);
    let mut ben = review(&home, "ben", &[&second]);
    ben.expect(VERDICT).send_line("unjustified").expect("Incident: ").send_line("INC-8");
    ben.expect("Note: ").send_line("the key was in the drawer");
    ben.expect("to confirm: ").send_line(&second).exits(0);
    let entries = reviewed(&home);
    assert!(entries.iter().all(|facts| facts["signed"]["incident_filled_in"] == true));
    assert!(entries.iter().all(|facts| !facts.to_string().contains("INC-")), "free text is not in the facts");
    let story = home.run(&["review", &second, "--format", "json"]).exits(0).json();
    assert_eq!(
        (&story["review"]["incident"], &story["grant"]["incident"]),
        (&json!("INC-8"), &json!("pending"))
    );

    let mut known = home.wish("doors/front", &[]);
    known[3] = "INC-1".into();
    home.person(&known).expect("to confirm: ").send_line("doors/front").exits(0);
    let third = home.grants().pop().unwrap();
    home.run(&["revoke", &third]).exits(0);
    review(&home, "ben", &[&third, "--verdict", "justified", "--note", "x", "--incident", "INC-9"])
        .exits(3)
        .saw("owes no incident");
    verifies(&home);
}

#[test]
fn p06_one_alone_reviews_their_own_use_and_it_is_labelled() {
    let home = Home::with_door();
    let grant = used(&home, &[]);
    let mut ana = review_ok(&home, "ana", &grant, &JUSTIFIED);
    ana.saw("you are the only person here: a self-review").saw("(self-review)");
    assert_eq!(reviewed(&home)[0]["signed"]["self_review"], true);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["review"]["self_review"], true);
    home.run(&["ledger", "log"]).exits(0).says("(self-review)");
    verifies(&home);
}

#[test]
fn p06_one_alone_does_not_review_what_is_critical() {
    let home = Home::new();
    let scope = home.door().set("risk", "\"critical\"").set("touch", "\"off\"");
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    let grant = used(&home, &[]);
    review(&home, "ana", &[&grant]).exits(3).saw("nobody else may review it");
    verifies(&home);
}

#[test]
fn a_queue_of_three_with_skip_and_back() {
    let home = home_with(|scope| scope);
    let grants = [used(&home, &[]), used(&home, &[]), used(&home, &[])];
    review(&home, "ana", &[]).exits(0).saw("Nothing waits for your review. 3 for others");
    let mut ben = review(&home, "ben", &[]);
    let judge = |ben: &mut Person, grant: &str| {
        ben.expect(VERDICT).send_line("justified").expect("Note: ").send_line("as it should be");
        ben.expect(&format!("Type {grant} to confirm: ")).send_line(grant).expect("REVIEWED");
    };
    ben.expect(&grants[0]).expect("1 of 3.").expect("s to skip it, b to go back");
    ben.expect(VERDICT).send_line("b").expect(&grants[0]).expect(VERDICT).send_line("s");
    ben.expect(&grants[1]).expect("2 of 3.");
    judge(&mut ben, &grants[1]);
    ben.expect(&grants[2]).expect("3 of 3.").expect(VERDICT).send_line("b");
    // Over the one that has its verdict, to the one that was skipped.
    ben.expect(&grants[0]).expect("1 of 3.");
    judge(&mut ben, &grants[0]);
    ben.expect("has its verdict").expect(&grants[2]).expect(VERDICT).send_line("q");
    ben.exits(0).saw("Reviewed 2; 1 left for you.");
    let states = grants.each_ref().map(|grant| home.status(grant)["review"]["state"].clone());
    assert_eq!(states, ["reviewed", "reviewed", "due"]);
    home.run(&["review"]).exits(4);
    home.run(&["review", "--format", "json"]).exits(2);
    verifies(&home);
}

#[test]
fn p10_hostile_text_in_a_note_is_refused() {
    let home = home_with(|scope| scope);
    let grant = used(&home, &[]);
    for hostile in ["a\u{1b}[2Jb", "a\u{202e}b", "a\nb"] {
        review(&home, "ben", &[&grant, "--verdict", "justified", "--note", hostile])
            .exits(2)
            .saw("is not allowed in text that a person reads and signs");
    }
    review(&home, "ben", &[&grant, "--verdict", "justified", "--note", " "])
        .exits(2)
        .saw("no note was given");
    let long = "x".repeat(1_001);
    review(&home, "ben", &[&grant, "--verdict", "justified", "--note", &long])
        .exits(2)
        .saw("at most 1000 fit");
    let mut ben = review(&home, "ben", &[&grant, "--verdict", "justified"]);
    ben.expect("Note: ").send("a\u{7f}b\u{202e}\r").exits(2);
    assert!(reviewed(&home).is_empty());
    verifies(&home);
}

#[test]
fn a_criterion_that_was_denied_before_is_pointed_out() {
    let home = home_with(|scope| scope.asks("stuck", "Is the door stuck?"));
    home.person(&home.wish("doors/front", &[])).expect("[y/N] ").send_line("n").exits(3);
    let mut ana = home.person(&home.wish("doors/front", &["--for", "5m"]));
    ana.expect("[y/N] ").send_line("y").expect("to confirm: ").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    home.run(&["revoke", &grant]).exits(0);
    review(&home, "ben", &[&grant])
        .expect("Is the door stuck? yes, the person said")
        .expect("UNUSUAL      tried within the hour before: answered a criterion with no (1)")
        .expect(VERDICT)
        .send("\x03")
        .exits(4);
    assert_eq!(home.refusals().last().unwrap(), "abandoned");
    verifies(&home);
}

#[test]
fn routine_is_pointed_out_and_refused_where_the_scope_says_so() {
    let routine =
        |block| format!("{{ concurrent = 50, routine = {{ uses = 2, within = \"1h\", block = {block} }} }}");
    let home = home_with(|scope| scope.set("limits", &routine(false)));
    let grants = [used(&home, &[]), used(&home, &["--drill"]), used(&home, &[]), used(&home, &[])];
    let unusual = |grant: &str| {
        unhinted(home.run(&["review", grant, "--format", "json"]).exits(0).json())["unusual"].clone()
    };
    assert_eq!(unusual(&grants[2]), json!([]), "a drill is no use");
    assert_eq!(unusual(&grants[3])[0]["id"], "routine");
    home.write_playbook("doors", &text("doors", &[home.door().set("limits", &routine(true))]));
    home.register();
    home.person(&home.wish("doors/front", &[])).exits(3).saw("that is routine, which it is not for");
    used(&home, &["--drill"]);
    assert_eq!(home.refusals(), ["routine"]);
    verifies(&home);
}

#[test]
fn the_json_of_list_and_story() {
    let home = home_with(|scope| scope.asks("stuck", "Is the door stuck?"));
    let mut ana = home.person(&home.wish("doors/front", &["--for", "5m"]));
    ana.expect("[y/N] ").send_line("y").expect("to confirm: ").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    home.run(&["revoke", &grant]).exits(0);
    let list = home.run(&["review", "--list", "--format", "json"]).exits(0).json();
    insta::assert_json_snapshot!("review_list", blurred(list));
    review_ok(&home, "ben", &grant, &JUSTIFIED);
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    insta::assert_json_snapshot!("review", blurred(story));
    let none = home.run(&["review", "--list", "--format", "json"]).exits(0).json();
    assert_eq!(none, json!({"schema": "glass.review-list/1", "reviews": []}));
    home.run(&["review", "--list"]).exits(0).says("No review is owed.");
    verifies(&home);
}

/// What differs from run to run, replaced by what it is.
fn blurred(mut value: Value) -> Value {
    fn blur(key: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| blur(key, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| blur(key, item)),
            Value::String(text) => {
                let kind = match key {
                    "at" | "activated_at" | "began_at" | "closed_at" | "due_at" | "expires_at"
                    | "requested_at" => "time",
                    "id" | "grant" if text.starts_with("g-") => "grant",
                    "key" | "playbook" => "digest",
                    "os_user" | "by" => "OS user",
                    _ => return,
                };
                *text = format!("[{kind}]");
            }
            Value::Number(_) if matches!(key, "elapsed_ms" | "open_s" | "os_uid") => {
                *value = json!("[number]")
            }
            _ => {}
        }
    }
    blur("", &mut value);
    unhinted(value)
}
