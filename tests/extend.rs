//! `extend`: later, within what was registered, and then closed as ever (promise 2).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::Value;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};
use support::{Home, LONG, Person, Scope, can_trace, killing, text, wait_until};

/// A door that opens for 10 minutes of 25, and for 10 more, twice.
fn home() -> Home {
    home_with(|scope| scope)
}

fn home_with(change: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["oncall"]);
    let door =
        home.door().set("duration", "{ default = \"10m\", max = \"25m\", extend = \"10m\", extensions = 2 }");
    home.write_playbook("doors", &text("doors", &[change(door)]));
    home.register();
    home
}

fn extend_of(home: &Home, person: &str, grant: &str, by: &str) -> Person {
    let key = home.key(person);
    home.person(&["extend", grant, "--for", by, "--key", key.to_str().unwrap()])
}

fn extend(home: &Home, grant: &str, by: &str) -> Person {
    extend_of(home, "ana", grant, by)
}

#[track_caller]
fn extend_ok(home: &Home, grant: &str, by: &str) -> Person {
    let mut person = extend(home, grant, by);
    person.expect(&format!("Type {grant} to confirm: ")).send_line(grant).exits(0).saw("EXTENDED");
    person
}

/// When it ends, by `status`, as text that sorts.
fn until(home: &Home, grant: &str) -> String {
    home.status(grant)["expires_at"].as_str().unwrap().to_owned()
}

fn planned(home: &Home, grant: &str) -> Value {
    serde_json::from_slice(&fs::read(home.plan(grant)).unwrap()).unwrap()
}

#[test]
fn p02_an_extension_keeps_to_what_was_registered_and_each_refusal_says_what_to_type() {
    let home = home();
    let grant = home.activate_ok("front", &[]);
    let opened = home.entries().into_iter().find(|facts| facts["kind"] == "requested").unwrap();
    assert_eq!((&opened["signed"]["max_s"], &opened["signed"]["extensions"]), (&1500.into(), &2.into()));
    let first = until(&home, &grant);

    extend(&home, &grant, "11m").exits(3).saw("at most 10m").saw(&format!("glass extend {grant} --for 10m"));
    extend_of(&home, "ben", &grant, "5m").exits(3).saw("only who asked for it").saw("ana types");
    home.run(&["extend", &grant, "--for", "5m"]).exits(4).says("no terminal");
    home.run(&["extend", &grant]).exits(2).says("--for");
    extend(&home, "g-aaaaaaaaaa", "5m").exits(3).saw("there is no grant");
    extend(&home, &grant, "5m").expect("to confirm: ").send_line("yes").exits(4);
    assert_eq!(until(&home, &grant), first, "nothing was extended yet");

    extend_ok(&home, &grant, "10m");
    let second = until(&home, &grant);
    assert!(second > first, "{second} {first}");
    let plan = planned(&home, &grant);
    assert_eq!(plan["expires_at"].as_str().unwrap(), second);
    let open_ms = plan["deadline_boot_ms"].as_u64().unwrap() - plan["opened"]["boot_ms"].as_u64().unwrap();
    assert_eq!(open_ms, 20 * 60_000, "both clocks");

    extend(&home, &grant, "6m")
        .exits(3)
        .saw("may be open for 25m in all: 5m is left")
        .saw(&format!("glass extend {grant} --for 5m"));
    extend_ok(&home, &grant, "5m");
    extend(&home, &grant, "1s").exits(3).saw("extended as often as doors/front allows").saw("glass activate");
    let causes = [
        "extension-too-long",
        "not-the-requester",
        "no-terminal",
        "no-such-grant",
        "wrong-confirmation",
        "duration-over-maximum",
        "extended-too-often",
    ];
    assert_eq!(home.refusals(), causes);

    home.run(&["revoke", &grant]).exits(0);
    extend(&home, &grant, "1m").exits(3).saw("is closed: only an active grant");
    let story = home.run(&["review", &grant, "--format", "json"]).exits(0).json();
    assert_eq!(story["extensions"][1]["by_s"], 300);
    let found: Vec<_> = story["unusual"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert_eq!(found, ["extended"], "{story:#}");
    home.settled();
}

#[test]
fn a_scope_without_extensions_allows_none() {
    let home = home_with(|scope| scope.set("duration", "{ default = \"10m\", max = \"25m\" }"));
    let grant = home.activate_ok("front", &[]);
    extend(&home, &grant, "1m").exits(3).saw("doors/front allows no extension");
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn p02_a_step_that_the_target_ends_by_itself_is_named_before_the_signature() {
    let home = Home::new();
    let step = home.target.step_named("token", "{grant.id}", "10s", "native-expiry = true");
    let scope = Scope::new("front")
        .set("duration", "{ default = \"10m\", max = \"25m\", extend = \"10m\", extensions = 2 }")
        .with(step);
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    let grant = home.activate_ok("front", &[]);
    extend_ok(&home, &grant, "1m").saw("token: the target itself ends it at its first end");
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn p02_the_watchdog_follows_an_extension_and_closes_by_itself() {
    let home = home();
    let grant = home.activate_ok("front", &["--for", "6s"]);
    let opened = Instant::now();
    extend_ok(&home, &grant, "6s");
    assert!(opened.elapsed() < Duration::from_secs(6), "too slow to tell anything");
    thread::sleep(Duration::from_millis(8_500).saturating_sub(opened.elapsed()));
    assert!(home.target.is_open(&grant), "closed at its first end");
    assert_eq!(home.recorded_state(&grant).as_deref(), Some("active"));
    home.target.shuts();
    assert!(opened.elapsed() >= Duration::from_secs(11), "too early: {:?}", opened.elapsed());
    assert!(wait_until(|| home.recorded_state(&grant).as_deref() == Some("closed"), LONG));
    assert!(wait_until(|| home.watchdogs(&grant).is_empty(), LONG));
    home.settled();
}

#[test]
fn p02_a_grant_whose_time_is_over_when_it_is_signed_is_not_extended() {
    let home = home();
    let grant = home.activate_ok("front", &["--for", "4s"]);
    home.kill_watchdog(&grant);
    let mut person = extend(&home, &grant, "10m");
    person.expect("to confirm: ");
    thread::sleep(Duration::from_secs(4));
    person.send_line(&grant).exits(3).saw("is over");
    assert!(!home.kinds(&grant).contains(&"extended".to_owned()));
    home.run(&["expire"]).exits(0).says("closed");
    home.settled();
}

#[test]
fn p02_a_plan_alone_closes_at_the_end_that_it_has() {
    let home = home();
    let grant = home.activate_ok("front", &["--for", "5s"]);
    home.kill_watchdog(&grant);
    let old = fs::read(home.plan(&grant)).unwrap();
    extend_ok(&home, &grant, "10m");
    // As a crash between ledger and plan leaves it.
    fs::write(home.plan(&grant), old).unwrap();
    thread::sleep(Duration::from_secs(5));
    home.run(&["expire"]).exits(0);
    assert!(home.target.is_open(&grant), "the ledger says until when");
    let (ledger, away) = (home.ledger(), home.root().join("away"));
    fs::rename(&ledger, &away).unwrap();
    home.run(&["expire"]);
    assert!(!home.target.is_open(&grant), "without the ledger its plan does");
    fs::rename(&away, &ledger).unwrap();
    home.run(&["expire"]).exits(0);
    home.settled();
}

#[test]
fn p02_an_extension_killed_at_any_point_leaves_an_end_that_is_kept() {
    if !can_trace() {
        return;
    }
    let home = home_with(|scope| {
        let long = "{ default = \"10m\", max = \"10h\", extend = \"10m\", extensions = 1000 }";
        scope.set("duration", long)
    });
    let grant = home.activate_ok("front", &[]);
    let key = home.key("ana");
    let args = ["extend", grant.as_str(), "--for", "1s", "--key", key.to_str().unwrap()];
    let calls = "fsync,fdatasync,rename,renameat,renameat2,unlink,flock,pwrite64,write";
    let mut killed = 0;
    for nth in 1.. {
        let before = home.kinds(&grant).iter().filter(|kind| *kind == "extended").count();
        let old = until(&home, &grant);
        let mut person = Person::start(&mut home.at_terminal_under(&killing(calls, nth, false), &args));
        if person.meets("to confirm: ") {
            person.send_line(&grant);
        }
        let code = person.exit_code();
        let now = until(&home, &grant);
        let after = home.kinds(&grant).iter().filter(|kind| *kind == "extended").count();
        assert_eq!(now > old, after > before, "an end that nobody signed");
        // The plan is never later than what was signed.
        assert!(planned(&home, &grant)["expires_at"].as_str().unwrap() <= now.as_str());
        if code == 0 {
            break;
        }
        assert_eq!(code, 137, "{}", person.screen());
        killed += 1;
    }
    assert!(killed > 10, "only {killed} points");
    let plan = planned(&home, &grant);
    assert_eq!(plan["expires_at"].as_str().unwrap(), until(&home, &grant), "the last one came through");
    home.run(&["revoke", &grant]).exits(0);
    home.settled();
}

#[test]
fn p02_a_closing_and_an_extension_do_not_fight() {
    let home = home();
    let grant = home.activate_ok("front", &[]);
    home.target.takes("revoke", 1.0);
    let mut person = extend(&home, &grant, "10m");
    person.expect("to confirm: ");
    let mut revoke = support::glass(&home, &["revoke", &grant]).spawn().unwrap();
    assert!(wait_until(|| home.recorded_state(&grant).as_deref() == Some("closing"), LONG));
    person.send_line(&grant).exits(3).saw("only an active grant is extended");
    assert!(revoke.wait().unwrap().success());
    home.settled();
}
