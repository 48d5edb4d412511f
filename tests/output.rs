//! What programs read: JSON of every verb that has it, exit codes of malformed command lines,
//! and a reader that goes away.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::fs;
use std::process::Stdio;
use support::{GLASS, Home, Person, Ran, Scope, bare, glass, text, unhinted};

/// Holds a JSON output against its snapshot; what differs from run to run goes by its form.
#[track_caller]
fn assert_json(name: &str, home: &Home, args: &[&str], code: i32) {
    let json = home.run(&[args, &["--format", "json"]].concat()).exits(code).json();
    let directory = regex_lite::escape(home.root().to_str().unwrap());
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        filters => vec![
            (directory.as_str(), "[dir]"),
            (r"g-[a-z2-7]{10}\b", "[grant]"),
            (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", "[time]"),
            (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "[time]"),
            (r#""boot_id": "[0-9a-f-]{36}""#, r#""boot_id": "[boot]""#),
            (r#"_ms": \d+"#, r#"_ms": [ms]"#),
            (r"\b[0-9a-f]{128}\b", "[sha512]"),
            (r"\b[0-9a-f]{64}\b", "[sha256]"),
            (r"\b[0-9a-f]{32}\b", "[random]"),
            (r"SHA256:[A-Za-z0-9+/]{43}", "[fingerprint]"),
            (r"ssh-ed25519 [A-Za-z0-9+/=]+", "[public-key]"),
            (r#""root": "[A-Za-z0-9+/=]{43,44}""#, r#""root": "[root]""#),
            (r"\b[A-Za-z0-9._-]+/glass\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", "[vkey]"),
            (r#""origin": "[^"]+/glass""#, r#""origin": "[origin]""#),
            (r#""(by|os_user)": "[^"]+""#, r#""$1": "[os-user]""#),
            (r#""os_uid": \d+"#, r#""os_uid": [os-uid]"#),
        ]
    }, {
        insta::assert_snapshot!(name, format!("{:#}", unhinted(json)));
    });
}

/// A home with a past: one grant that closed, one that was rolled back, one that is open, one refusal.
fn lived_in() -> Home {
    let home = Home::new();
    let front = home
        .door()
        .asks("stuck", "Is the door stuck?")
        .with("")
        .set("risk", "\"high\"")
        .set("touch", "\"off\"")
        .set("activate", "[\"group:oncall\", \"person:ana\"]");
    let back = Scope::new("back").with(home.target.step("file"));
    let later = Scope::new("later").with(home.target.step("file")).set("drill-every", "\"90d\"");
    home.write_playbook("doors", &text("doors", &[front, back, later]));
    home.register();
    let closed = home.activate_ok("doors/back", &[]);
    home.run(&["revoke", &closed]).exits(0);
    home.target.refuses("grant");
    let mut person = home.person(&home.wish("doors/back", &[]));
    person.expect("to confirm: ").send_line("doors/back").exits(6);
    home.target.works("grant");
    home.run(&home.wish("doors/front", &[])).exits(4);
    home.activate_ok("doors/back", &["--for", "30m"]);
    home
}

#[test]
fn json_of_a_home_with_a_past() {
    let home = lived_in();
    assert_json("status", &home, &["status"], 0);
    assert_json("status-all", &home, &["status", "--all"], 0);
    assert_json("playbook-list", &home, &["playbook", "list"], 0);
    assert_json("ledger-log", &home, &["ledger", "log"], 0);
    let grant = &home.grants()[1];
    assert_json("ledger-log-of-a-grant", &home, &["ledger", "log", "--grant", grant], 0);
    assert_json("ledger-verify", &home, &["ledger", "verify"], 0);
    let anchor = home.root().join("checkpoint");
    fs::write(&anchor, home.run(&["ledger", "checkpoint"]).exits(0).stdout).unwrap();
    let anchor = anchor.to_str().unwrap();
    assert_json("ledger-verify-anchored", &home, &["ledger", "verify", "--anchors", anchor], 0);
}

#[test]
fn json_of_a_home_with_nothing() {
    let home = Home::new();
    assert_json("status-empty", &home, &["status"], 0);
    assert_json("playbook-list-empty", &home, &["playbook", "list"], 0);
}

#[test]
fn json_of_lint() {
    let home = Home::new();
    let nobody = home.door().set("activate", "[\"group:nobody\"]");
    home.write_playbook("a-fine-one", &text("doors", &[nobody]));
    home.write_playbook(
        "broken",
        &text("others", &[home.door().set("titel", "\"x\"").set("risk", "\"lo\"")]),
    );
    assert_json("playbook-lint", &home, &["playbook", "lint"], 2);
}

#[test]
fn json_of_a_ledger_that_was_edited() {
    let home = lived_in();
    let database = home.tampered();
    database.execute("UPDATE \"grant\" SET state = 'closed' WHERE state = 'active'", []).unwrap();
    assert_json("ledger-verify-edited", &home, &["ledger", "verify"], 5);
}

#[test]
fn a_format_that_a_verb_does_not_take_is_a_usage_error() {
    let home = Home::with_door();
    for args in [
        &["status", "--format", "html"][..],
        &["status", "--format", "csv"],
        &["ledger", "log", "--format", "md"],
        &["playbook", "list", "--format", "html"],
        &["playbook", "show", "doors/front", "--format", "json"],
        &["expire", "--format", "json"],
        &["revoke", "--all", "--format", "json"],
    ] {
        home.run(args).exits(2).says("can't be shown in that format").says("next: use --format table");
    }
    home.run(&["status", "--format", "yaml"]).exits(2).says("yaml");
}

#[test]
fn malformed_command_lines_are_usage_errors() {
    let home = Home::with_door();
    for args in [
        &[][..],
        &["frobnicate"],
        &["activate"],
        &["activate", "front", "--for", "soon"],
        &["activate", "front", "--for", "0s"],
        &["activate", "front", "--yes"],
        &["activate", "front", "--reason"],
        &["revoke"],
        &["revoke", "everything"],
        &["revoke", "--all", "g-aaaaaaaaaa"],
        &["status", "g-1"],
        &["status", "--all", "g-aaaaaaaaaa"],
        &["playbook"],
        &["ledger"],
        &["ledger", "backup"],
        &["--color", "sometimes", "status"],
        &["init", "--person", "ana"],
    ] {
        let ran = home.run(args).exits(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    assert_eq!(home.refusals(), [""; 0]);
}

#[test]
fn a_grant_that_is_not_there() {
    let home = Home::with_door();
    home.run(&["status", "g-aaaaaaaaaa"])
        .exits(3)
        .says("there is no grant g-aaaaaaaaaa")
        .says("glass status --all");
    home.run(&["revoke", "g-aaaaaaaaaa"]).exits(3).says("there is no grant g-aaaaaaaaaa");
    home.run(&["revoke", "--all"]).exits(0).says("Nothing is open.");
    home.run(&["status"]).exits(0).says("Nothing is open");
}

#[test]
fn a_home_that_is_not_there_and_one_that_is() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    home.run(&["status"]).exits(1).says("glass init --person NAME --key FILE.pub");
    home.run(&["expire"]).exits(1).says("glass init");
    let ran = home.init().exits(0);
    for word in ["Keep this elsewhere", "SHA256:", "/glass+", "glass register", "glass activate demo-file"] {
        assert!(ran.stdout.contains(word), "{word}:\n{}", ran.stdout);
    }
    home.init().exits(1).says("exists");
    home.run(&["playbook", "lint"]).exits(0);
    // A private key is no public one.
    let other = Home::unfounded(&std::env::temp_dir(), "home");
    let key = other.key("ana");
    other.run(&["init", "--person", "ana", "--key", key.to_str().unwrap()]).exits(2).says("ends in `.pub`");
    other.run(&["init", "--person", "An Na", "--key", other.public_key("ana").to_str().unwrap()]).exits(2);
    assert!(!other.ledger().exists());
}

#[test]
fn p02_the_first_grant_of_a_new_home_works_as_init_says() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    home.init().exits(0);
    home.register();
    let key = home.key("ana");
    let mut person = home.person(&["activate", "demo-file", "--key", key.to_str().unwrap(), "--for", "1h"]);
    person.expect("Are you trying out glass? [y/N] ").send_line("y");
    person.expect("Incident: ").send_line("pending").expect("Reason: ").send_line("to see how it goes");
    person.expect("Type break-glass/demo-file to confirm: ").send_line("break-glass/demo-file").exits(0);
    let grant = home.grants().pop().unwrap();
    let file = std::path::Path::new("/var/tmp").join(format!("glass-demo-{grant}"));
    let opened = file.exists();
    home.run(&["revoke", &grant]).exits(0);
    assert!(opened && !file.exists());
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn help_and_version() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let help = home.run(&["--help"]).exits(0);
    for verb in ["init", "register", "playbook", "activate", "status", "revoke", "expire", "ledger"] {
        assert!(help.stdout.contains(&format!("\n  {verb} ")), "{verb}:\n{}", help.stdout);
    }
    assert!(!help.stdout.contains("__watchdog"), "{}", help.stdout);
    assert!(help.stderr.is_empty());
    home.run(&["activate", "--help"]).exits(0).says("--receipt");
    let version = home.run(&["--version"]).exits(0);
    assert_eq!(version.stdout, format!("glass {}\n", env!("CARGO_PKG_VERSION")));
    assert!(!home.path().exists(), "help makes no home");
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let home = lived_in();
    for args in [
        "--help",
        "status --all",
        "status --all --format json",
        "ledger log",
        "playbook list",
        "ledger verify",
    ] {
        let line = format!(r#"{{ "$0" --home "$1" {args}; echo "ended with $?" >&2; }} | head -c1"#);
        let mut piped = bare(&home, "setsid");
        piped.args(["sh", "-c", &line, GLASS]).arg(home.path()).stdin(Stdio::null());
        Ran::of(&mut piped).exits(0).says("ended with 0");
        // Nobody reads from the start.
        let closed = format!(r#""$0" --home "$1" {args} >&-; echo "ended with $?" >&2"#);
        let mut piped = bare(&home, "setsid");
        piped.args(["sh", "-c", &closed, GLASS]).arg(home.path()).stdin(Stdio::null());
        Ran::of(&mut piped).exits(0).says("ended with 0");
        let full = format!(r#""$0" --home "$1" {args} > /dev/full 2>&1; echo "ended with $?" >&2"#);
        let mut piped = bare(&home, "setsid");
        piped.args(["sh", "-c", &full, GLASS]).arg(home.path()).stdin(Stdio::null());
        let ran = Ran::of(&mut piped).exits(0);
        assert!(!ran.stderr.contains("ended with 70"), "{args}: {ran:?}");
    }
}

#[test]
fn data_goes_to_stdout_and_talk_to_stderr() {
    let home = Home::with_door();
    let [data, talk] = ["data", "talk"].map(|name| home.root().join(name));
    let mut person =
        Person::start_with(&mut home.at_terminal(&home.wish("doors/front", &[])), |command, terminal| {
            command.stdin(terminal.try_clone().unwrap());
            command.stdout(fs::File::create(&data).unwrap()).stderr(fs::File::create(&talk).unwrap());
        });
    person.expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    let grant = home.grants().pop().unwrap();
    let data = fs::read_to_string(data).unwrap();
    assert!(data.starts_with("OPEN  doors/front until ") && data.ends_with(&format!("{grant}\n")), "{data}");
    assert_eq!(fs::read_to_string(talk).unwrap(), "opening file …\n");
    assert!(person.screen().contains("BREAK GLASS") && !person.screen().contains("OPEN  "));
    let open = home.run(&["status"]).exits(0);
    assert!(open.stdout.contains(&grant) && open.stderr.is_empty(), "{open:?}");
    let gone = home.run(&["status", "g-aaaaaaaaaa"]).exits(3);
    assert!(gone.stdout.is_empty() && gone.stderr.contains("there is no grant"), "{gone:?}");
    // Colour is for terminals, and only where it is wanted.
    assert!(!open.stdout.contains('\u{1b}'));
    let mut plain = glass(&home, &["status", "g-aaaaaaaaaa"]);
    let plain = Ran::of(plain.env("TERM", "xterm-256color").env("NO_COLOR", "1"));
    assert!(!plain.stderr.contains('\u{1b}'), "{plain:?}");
}
