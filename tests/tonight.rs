//! A scope that nobody could activate, approve or review tonight is pointed out beforehand.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::json;
use std::fs;
use support::{Home, text};

const NOBODY: &str =
    "nobody could review it tonight: who asks or approves may not, and there is nobody; ben has no valid key";

/// `doors/front` is reviewed by ben alone; `doors/back` by anyone of `admin`, in which carl is.
fn home() -> Home {
    let home = Home::new();
    home.add_person("ben", "", &["security"]);
    home.add_person("carl", "", &["admin"]);
    let back = home.door();
    let front = back.clone().set("review", "{ by = [\"group:security\"], within = \"24h\" }");
    home.write_playbook("doors", &text("doors", &[front]));
    home.write_playbook("gates", &text("gates", &[back]));
    home
}

/// Ben's key is over, in the draft.
fn end_key(home: &Home) {
    let settings = home.path().join("glass.toml");
    let before = fs::read_to_string(&settings).unwrap();
    let public = fs::read_to_string(home.public_key("ben")).unwrap();
    let quoted = format!("\"{}\"", public.trim());
    let after = before.replacen(&quoted, &format!("{{ key = {quoted}, valid-before = \"2020-01-01\" }}"), 1);
    assert_ne!(before, after, "{before}");
    fs::write(settings, after).unwrap();
}

#[test]
fn p06_lint_register_show_and_list_name_a_scope_that_nobody_could_review_tonight() {
    let home = home();
    home.register();
    for args in [&["playbook", "show", "doors/front"][..], &["playbook", "list"], &["playbook", "lint"]] {
        let ran = home.run(args).exits(0);
        assert!(!ran.stdout.contains("nobody") && !ran.stderr.contains("nobody"), "{args:?}: {ran:?}");
    }

    end_key(&home);
    home.run(&["playbook", "lint"]).exits(0).says(NOBODY).says("or renew a key of ben");
    // What is registered counts.
    let ran = home.run(&["playbook", "show", "doors/front"]).exits(0);
    assert!(!ran.stdout.contains("nobody"), "{ran:?}");
    // The last reviewer can't be taken away; a scope that never had one is a warning only.
    let register = |home: &Home| {
        let key = home.key("ana");
        home.person(&["register", "--key", key.to_str().unwrap()])
    };
    register(&home).exits(3).saw("nobody could review doors/front: until now ben could");
    let home = self::home();
    end_key(&home);
    let mut ana = register(&home);
    ana.expect(NOBODY).expect("Type register to confirm: ").send_line("register").exits(0);

    let warning = format!("doors/front: {NOBODY}; add people to `review.by`, or to its groups in glass.toml");
    let shown = home.run(&["playbook", "show", "doors/front"]).exits(0).stdout;
    assert!(shown.contains(&format!("WARNING {warning}")), "{shown}");
    let shown = home.run(&["playbook", "show", "gates/front"]).exits(0).stdout;
    assert!(!shown.contains("WARNING"), "{shown}");
    // A card is for another night: the warning is not printed on it.
    let card = home.run(&["playbook", "show", "--card", "doors/front"]).exits(0);
    assert!(!card.stdout.contains("tonight") && card.stderr.contains(&warning), "{card:?}");

    let listed = home.run(&["playbook", "list"]).exits(0).stdout;
    let below: Vec<&str> = listed.lines().filter(|line| line.starts_with("WARNING")).collect();
    assert!(below.len() == 1 && below[0].contains(&warning), "{listed}");
    let scopes = home.run(&["playbook", "list", "--format", "json"]).exits(0).json()["scopes"].clone();
    assert_eq!(scopes[0]["warnings"][0]["text"], NOBODY);
    assert_eq!(scopes[1]["warnings"], json!([]));
}
