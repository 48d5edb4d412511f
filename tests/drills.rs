//! A rehearsal takes the same path, and every record says that it was one.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::json;
use support::{Home, Scope, text};

fn home_with(scope: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["admin"]);
    let scope = scope(home.door());
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

#[test]
fn a_drill_is_marked_wherever_it_is_shown() {
    let home = home_with(|scope| scope);
    let mut ana = home.person(&home.wish("doors/front", &["--drill"]));
    ana.expect("DRILL: A REHEARSAL, BUT IT OPENS  doors/front").expect("to confirm: ");
    ana.send_line("doors/front").exits(0).saw("DRILL OPEN  doors/front");
    let grant = home.grants().pop().unwrap();
    assert!(home.target.is_open(&grant), "it opens as ever");
    assert_eq!(home.status(&grant)["drill"], true);
    home.run(&["status"]).exits(0).says("doors/front DRILL");
    home.run(&["status", &grant]).exits(0).says("DRILL");
    home.run(&["ledger", "log"]).exits(0).says("doors/front DRILL");
    home.run(&["revoke", &grant]).exits(0);
    let asked = home.entries().into_iter().find(|facts| facts["kind"] == "requested").unwrap();
    assert_eq!(asked["signed"]["drill"], true);
    home.run(&["review", "--list"]).exits(0).says("doors/front DRILL");

    let key = home.key("ben");
    let key = key.to_str().unwrap();
    let review = |verdict: &str| {
        home.person(&["review", &grant, "--verdict", verdict, "--note", "as announced", "--key", key])
    };
    review("justified").exits(3).saw("was announced as a drill: it can't be `justified`");
    let mut ben = review("drill");
    ben.expect(&format!("DRILL  {grant}")).expect("to confirm: ").send_line(&grant).exits(0);
    ben.saw("drill by ben");
    assert_eq!(home.status(&grant)["review"]["verdict"], "drill");
    assert_eq!(home.refusals(), ["verdict-does-not-fit"]);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn what_is_no_drill_does_not_become_one() {
    let home = home_with(|scope| scope);
    let grant = home.activate_ok("doors/front", &[]);
    home.run(&["revoke", &grant]).exits(0);
    let key = home.key("ben");
    home.person(&["review", &grant, "--verdict", "drill", "--note", "x", "--key", key.to_str().unwrap()])
        .exits(3)
        .saw("was not announced as a drill");
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn a_drill_that_is_owed_is_said_until_it_was_done() {
    let home =
        home_with(|scope| scope.set("drill-every", "\"90d\"").set("on-call", "\"Mon-Sun 00:00-24:00 UTC\""));
    let owed = "doors/front: OVERDUE: every 90d, never done (glass activate doors/front --drill)";
    let drill =
        || home.run(&["playbook", "list", "--format", "json"]).exits(0).json()["scopes"][0]["drill"].clone();
    home.run(&["status"]).exits(0).says(owed);
    home.run(&["status", "--check"]).exits(0);
    home.run(&["playbook", "list"]).exits(0).says("OVERDUE");
    assert_eq!(drill(), json!({"every_s": 7_776_000, "last_at": null, "due_at": null, "overdue": true}));

    // An emergency is no rehearsal.
    let grant = home.activate_ok("doors/front", &[]);
    home.run(&["revoke", &grant]).exits(0);
    home.run(&["status"]).exits(0).says(owed);

    let grant = home.activate_ok("doors/front", &["--drill"]);
    home.run(&["status"]).exits(0).says(owed);
    home.run(&["revoke", &grant]).exits(0);
    let status = home.run(&["status"]).exits(0);
    assert!(!status.stdout.contains("OVERDUE"), "{}", status.stdout);
    home.run(&["playbook", "list"]).exits(0).says("due in 89d23h");
    assert_eq!(drill()["overdue"], false);
    home.run(&["ledger", "verify"]).exits(0);
}
