//! The review that each use owes (promises 6 and 8): who may judge, once, under signature.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use support::{Home, Person, Scope, text};

const VERDICT: &str = "Verdict (justified, unjustified, misuse, drill): ";

/// Ana opens, ben and cem of `security` review.
fn home_with(scope: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    for name in ["ben", "cem"] {
        home.add_person(name, "", &["security"]);
    }
    let scope =
        scope(home.door().set("review", "{ by = [\"group:security\", \"person:ana\"], within = \"24h\" }"));
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

fn confirm(person: &mut Person, grant: &str) {
    person.expect(&format!("Type {grant} to confirm: ")).send_line(grant).exits(0);
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
    ben.expect("the door is stuck").expect(VERDICT).send_line("justified");
    ben.expect("Note: ").send_line("the door was stuck");
    confirm(&mut ben, &grant);
    ben.saw("REVIEWED").saw("justified by ben");
    assert_eq!(home.status(&grant)["review"]["state"], "reviewed");
    assert_eq!(home.status(&grant)["review"]["verdict"], "justified");

    for person in ["ben", "cem"] {
        review(&home, person, &[&grant, "--verdict", "misuse", "--note", "no"])
            .exits(3)
            .saw("was reviewed by ben: justified");
    }
    home.run(&["ledger", "verify"]).exits(0);
}
