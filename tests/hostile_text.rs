//! Hostile text is inert (promise 10): whatever others put into a text, a name, an output or a
//! row, no control character of theirs reaches a screen.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use support::{Home, Person, Ran, text};

/// A title, a clear screen, an 8-bit colour, right-to-left overrides and isolates, a forged line,
/// DEL, and the separators that are line ends for some.
const HOSTILE: &str =
    "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{2066}\r\nclosed, and proved\u{7f}\u{2028}\u{200f}z";

const CONFIRM: &str = "Type doors/front to confirm: ";

fn is_raw(c: char) -> bool {
    let bidi =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n') || bidi || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Only line feeds; at a terminal each with the carriage return that the terminal adds.
#[track_caller]
fn inert(text: &str) {
    let text = text.replace("\r\n", "\n");
    if let Some(at) = text.find(is_raw) {
        let until = text[at..].char_indices().nth(60).map_or(text.len(), |(index, _)| at + index);
        panic!(
            "raw {:?} in {:?}",
            &text[at..].chars().next(),
            &text[text[..at].rfind('\n').unwrap_or(0)..until]
        );
    }
    assert!(!text.contains("\nclosed, and proved"), "a forged line:\n{text}");
    assert!(text.len() < 1_000_000, "{} bytes for a person to read", text.len());
}

impl Inert for Ran {
    #[track_caller]
    fn inert(self) -> Self {
        inert(&self.stdout);
        inert(&self.stderr);
        self
    }
}

impl Inert for &mut Person {
    #[track_caller]
    fn inert(self) -> Self {
        inert(&self.screen());
        self
    }
}

trait Inert {
    fn inert(self) -> Self;
}

/// Every way to look at a home.
fn ways(grant: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["status"],
        vec!["status", "--all"],
        vec!["status", "--all", "--format", "json"],
        vec!["status", grant],
        vec!["playbook", "list"],
        vec!["playbook", "list", "--format", "json"],
        vec!["playbook", "show", "doors/front"],
        vec!["playbook", "show", "doors/front", "--card"],
        vec!["playbook", "lint"],
        vec!["playbook", "lint", "--format", "json"],
        vec!["ledger", "log"],
        vec!["ledger", "log", "--format", "json"],
        vec!["ledger", "verify"],
        vec!["ledger", "verify", "--format", "json"],
        vec!["expire", "--dry-run"],
    ]
}

#[track_caller]
fn looked_at(home: &Home, grant: &str) {
    for args in ways(grant) {
        home.run(&args).inert();
    }
}

/// The same at a terminal.
#[track_caller]
fn looked_at_on_a_terminal(home: &Home, grant: &str) {
    for args in ways(grant) {
        let mut person = home.person(&args);
        person.exit_code();
        (&mut person).inert();
    }
}

/// The texts that can be an argument: NUL can't.
fn hostile_arguments() -> Vec<String> {
    let each = HOSTILE.chars().filter(|c| is_raw(*c) || *c == '\n').map(|c| format!("the door{c} is stuck"));
    each.chain([HOSTILE.to_owned(), format!("the door\u{1b}[31m{}", "x".repeat(150))]).collect()
}

#[test]
fn p10_hostile_flags_are_refused() {
    let home = Home::with_door();
    let key = home.key("ana");
    for bad in hostile_arguments() {
        for (incident, reason) in [("INC-1", bad.as_str()), (bad.as_str(), "the door is stuck")] {
            let args = ["activate", "front", "--incident", incident, "--reason", reason, "--key"];
            let mut person = home.person(&[&args[..], &[key.to_str().unwrap()]].concat());
            person.exits(2).inert().saw("not allowed in text that a person reads and signs").saw("U+");
        }
    }
    assert_eq!((home.target.calls("grant"), home.refusals()), (0, vec!["hostile-text".to_owned()]));
    // As long as an argument can be.
    let long = format!("{}\u{1b}[31m", "x".repeat(120_000));
    let args = ["activate", "front", "--incident", &long, "--reason", &long, "--key", key.to_str().unwrap()];
    home.person(&args).exits(2).inert();
}

#[test]
fn p10_hostile_arguments_of_any_verb_are_inert() {
    let home = Home::with_door();
    let key = home.key("ana").into_os_string().into_string().unwrap();
    for bad in [HOSTILE, "\u{1b}[31m", "\u{202e}x", "x\u{7}", "\u{9b}2J", "x\ny"] {
        for args in [
            vec!["activate", bad, "--key", &key],
            vec!["activate", "front", "--key", bad],
            vec!["activate", "front", "--for", bad],
            vec!["status", bad],
            vec!["revoke", bad],
            vec!["playbook", "show", bad],
            vec!["playbook", "lint", bad],
            vec!["playbook", bad],
            vec!["ledger", "verify", "--anchors", bad],
            vec!["ledger", "log", "--grant", bad],
            vec!["--format", bad, "status"],
            vec![bad],
            vec!["--color", bad],
            vec!["init", "--person", bad, "--key", bad],
            vec!["init", "--person", "bo", "--key", bad],
        ] {
            let mut person = home.person(&args);
            assert_ne!(person.exit_code(), 0, "{args:?}");
            (&mut person).inert();
            home.run(&args).inert();
        }
    }
    let backup = home.root().join(format!("copy{}", HOSTILE.replace('/', "")));
    home.run(&["ledger".as_ref(), "backup".as_ref(), backup.as_os_str()]).exits(0).inert();
    home.run(&["ledger".as_ref(), "backup".as_ref(), backup.as_os_str()]).inert();
}

#[test]
fn p10_hostile_answers_are_refused() {
    let home = Home::with_door();
    let key = home.key("ana");
    let args = ["activate", "front", "--incident", "INC-1", "--key", key.to_str().unwrap()];
    // The terminal itself shows what is typed, as `^[`.
    for typed in ["\u{1b}[31mred alert", "NUL \0 inside", "a bell \u{7}", "\u{1b}]0;owned\u{7} title"] {
        home.person(&args).expect("Reason: ").send_line(typed).exits(2).inert().saw("is not allowed in text");
    }
    for typed in ["a door \u{202e} reversed", "a door \u{9b}2J cleared", "a door \u{2028} split"] {
        let mut person = home.person(&args);
        person.expect("Reason: ").send_line(typed).exits(2).saw("is not allowed in text");
        inert(&person.screen().replacen(typed, "", 1));
    }
    home.person(&args).expect("Reason: ").send([b'a', 0xff, 0xfe, b'\r']).exits(2).saw("is not UTF-8");
    assert_eq!(home.target.calls("grant"), 0);
}

#[test]
fn p10_ten_megabytes_typed_are_no_answer() {
    let home = Home::with_door();
    let key = home.key("ana");
    let args = ["activate", "front", "--incident", "INC-1", "--key", key.to_str().unwrap()];
    let mut person = home.person(&args);
    person.expect("Reason: ").flood(&vec![b'x'; 10_000_000]);
    person.send("\r").exits(2).saw("the line is longer than 4094 bytes");
    assert_eq!(home.target.calls("grant"), 0);
}

#[test]
fn p10_hostile_names_are_inert() {
    // A directory name can't hold `/`; everything else it can.
    let home = Home::named(&format!("home {HOSTILE} '\"$(id)"));
    home.add_person("carl", "secret", &["oncall"]);
    home.write_playbook("doors", &text("doors", &[home.door()]));
    let path = home.write_playbook(&format!("x{HOSTILE}"), &text("others", &[home.door()]));
    let key = home.key("ana");
    let mut person = home.person(&["register", "--key", key.to_str().unwrap()]);
    person.expect("Type register to confirm: ").send_line("register").exits(0).inert();
    // The draft differs, others may write it, a key lies under such a name.
    fs::write(&path, format!("schema = 1 # {HOSTILE}\nnonsense")).unwrap();
    let carl = home.root().join(format!("carl {HOSTILE}"));
    fs::copy(home.key("carl"), &carl).unwrap();
    let carl = carl.to_str().unwrap();
    let wish = ["activate", "doors/front", "--incident", "INC-1", "--reason", "it is stuck", "--key", carl];
    let mut person = home.person(&wish);
    person.expect(CONFIRM).send_line("doors/front").expect("Passphrase for ").send_line("secret");
    person.exits(0).inert().saw("differs from what is registered");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let mut person = home.person(&wish);
    person.expect("can be written by others").expect(CONFIRM).send([3]).exits(4).inert();
    home.person(&["register", "--key", key.to_str().unwrap()]).exits(3).inert();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    home.run(&["playbook", "lint"]).exits(2).inert();
    home.run(&["playbook", "lint", path.to_str().unwrap()]).exits(2).inert();
    let grant = &home.grants()[0];
    looked_at(&home, grant);
    looked_at_on_a_terminal(&home, grant);
    fs::rename(home.path().join("ledger.key"), home.root().join("away")).unwrap();
    home.person(&wish).expect("unsigned-head").expect(CONFIRM).send([3]).exits(4).inert();
    fs::rename(home.root().join("away"), home.path().join("ledger.key")).unwrap();
    let directory = home.path();
    for (file, mode) in [("ledger.key", 0o666), ("ledger.db", 0o666)] {
        fs::set_permissions(directory.join(file), fs::Permissions::from_mode(mode)).unwrap();
        home.person(&wish).exits(3).inert();
        home.run(&["status"]).inert();
        fs::set_permissions(directory.join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    home.run(&["revoke", grant]).exits(0).inert();
    Ran::of(&mut support::glass(&home, &["init", "--person", "bo", "--key", carl])).inert();
}

#[test]
fn p10_a_hostile_playbook_is_not_registered_and_its_faults_are_inert() {
    let home = Home::with_door();
    let key = home.key("ana");
    let escaped: String = HOSTILE.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
    let quoted = format!("\"{escaped}\"");
    let listed = format!("[{quoted}]");
    let asked = format!("[[scope.criterion]]\nid = \"x\"\nask = {quoted}\n");
    let scopes = [
        home.door().set("title", &quoted),
        home.door().set("opens", &listed),
        home.door().set("not-for", &listed),
        home.door().set("runbook", &quoted),
        home.door().set(&quoted, "1"),
        home.door().set("risk", &quoted),
        home.door().set("activate", &listed),
        home.door().set("incident", &quoted),
        home.door().with(asked),
        home.door().set("title", &format!("\"{HOSTILE}\"")),
        home.door().set("title", &format!("\"fine\" # {}", HOSTILE.replace(['\r', '\n'], ""))),
    ];
    for scope in scopes {
        let path = home.write_playbook("doors", &text("doors", &[scope]));
        home.run(&["playbook", "lint", path.to_str().unwrap()]).inert();
        home.run(&["playbook", "lint", "--format", "json"]).inert();
        let mut person = home.person(&["register", "--key", key.to_str().unwrap()]);
        person.exits(2).inert();
    }
    let path = home.write_playbook("doors", &"# \u{1b}[31m\n".repeat(1_000_000));
    home.run(&["playbook", "lint", path.to_str().unwrap()]).inert();
    home.person(&["register", "--key", key.to_str().unwrap()]).inert();
    assert_eq!(home.entries().iter().filter(|facts| facts["kind"] == "registered").count(), 1);
}

/// What a step says: everything hostile that a shell's `printf` can write.
const SAYS: &str = r"printf '\033]0;owned\007\033[2J\233\302\233\342\200\256evil\r\nclosed, and proved\177\000\377\342\200\250 red \033[31mend'";

#[test]
fn p10_what_a_step_says_is_inert() {
    let home = Home::with_door();
    let ten_megabytes = format!("head -c 10000000 /dev/zero | tr '\\0' '\\033'; {SAYS}");
    for says in [SAYS, &ten_megabytes] {
        home.target.does("grant", &format!("{{ {says}; }} >&2; {says}; exit 1"));
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect(CONFIRM).send_line("doors/front").exits(6).inert().saw("exit code 1: ");
    }
    // While it closes as well.
    home.target.works("grant");
    let grant = home.activate_ok("doors/front", &[]);
    for verb in ["revoke", "check"] {
        home.target.does(verb, &format!("{{ {SAYS}; }} >&2; {SAYS}; exit 1"));
    }
    home.run(&["revoke", &grant]).exits(7).inert();
    home.run(&["expire"]).exits(7).inert();
    looked_at(&home, &grant);
    looked_at_on_a_terminal(&home, &grant);
    let database = home.database();
    let mut texts = database.prepare("SELECT CAST(bytes AS TEXT) FROM text").unwrap();
    let tails: Vec<String> = texts
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|text: &String| text.contains("red "))
        .collect();
    assert!(!tails.is_empty());
    tails.iter().for_each(|tail| inert(tail));
}

#[test]
fn p10_a_hostile_output_is_not_recorded() {
    let home = Home::new();
    let more = "output = { name = { stdout = true, record = true } }";
    let step = home.target.step_named("file", "{grant.id}", "10s", more);
    home.write_playbook("doors", &text("doors", &[support::Scope::new("front").with(step)]));
    home.register();
    home.target.does("grant", r": > $file; printf 'acc\033[2J'; exit 0");
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.expect(CONFIRM).send_line("doors/front").exits(6).inert().saw("can't be recorded");
    assert!(home.target.open().is_empty());
}

#[test]
fn p10_a_ledger_that_its_owner_edited_is_shown_inert() {
    let home = Home::with_door();
    let grant = home.activate_ok("doors/front", &[]);
    let database = home.tampered();
    let ten_megabytes = HOSTILE.repeat(10_000_000 / HOSTILE.len());
    database.execute("UPDATE \"grant\" SET person = ?1", [&ten_megabytes]).unwrap();
    home.run(&["status", &grant]).only_raw_free();
    database.execute("UPDATE \"grant\" SET person = 'ana'", []).unwrap();
    for column in ["scope", "person", "state", "requested_at", "activated_at", "expires_at"] {
        let (get, set) = ("SELECT", "UPDATE \"grant\" SET");
        let before: Value = database
            .query_row(&format!("{get} {column} FROM \"grant\""), [], |row| row.get::<_, String>(0))
            .unwrap()
            .into();
        database.execute(&format!("{set} {column} = ?1"), [HOSTILE]).unwrap();
        for args in [vec!["status"], vec!["status", &grant], vec!["status", "--format", "json"]] {
            home.run(&args).only_raw_free();
        }
        database.execute(&format!("{set} {column} = ?1"), [before.as_str()]).unwrap();
    }
    for column in ["id", "state"] {
        let before: String =
            database.query_row(&format!("SELECT {column} FROM step"), [], |row| row.get(0)).unwrap();
        database.execute(&format!("UPDATE step SET {column} = ?1"), [HOSTILE]).unwrap();
        for args in [
            vec!["status"],
            vec!["status", &grant],
            vec!["status", "--format", "json"],
            vec!["ledger", "verify"],
        ] {
            home.run(&args).only_raw_free();
        }
        database.execute(&format!("UPDATE step SET {column} = ?1"), [&before]).unwrap();
    }
    // The texts that were signed, and the facts.
    let statement: String = database
        .query_row("SELECT text FROM statement ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
        .unwrap();
    let mut edited: Value = serde_json::from_str(&statement).unwrap();
    for name in ["reason", "incident", "title"] {
        edited["texts"][name] = HOSTILE.into();
    }
    for bytes in [edited.to_string(), HOSTILE.to_owned(), statement.replace("stuck", HOSTILE)] {
        database
            .execute("UPDATE text SET bytes = ?1 WHERE bytes = ?2", (bytes.as_bytes(), statement.as_bytes()))
            .unwrap();
        looked_at(&home, &grant);
        home.person(&home.wish("doors/front", &[])).expect_end();
        database
            .execute("UPDATE text SET bytes = ?2 WHERE bytes = ?1", (bytes.as_bytes(), statement.as_bytes()))
            .unwrap();
    }
    let seq: u64 = database.query_row("SELECT max(seq) FROM entry", [], |row| row.get(0)).unwrap();
    for key in ["kind", "at", "grant", "person", "by", "cause", "step"] {
        let facts: Vec<u8> =
            database.query_row("SELECT bytes FROM entry WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
        let mut edited: Value = serde_json::from_slice(&facts).unwrap();
        edited[key] = HOSTILE.into();
        database
            .execute("UPDATE entry SET bytes = ?1 WHERE seq = ?2", (edited.to_string().as_bytes(), seq))
            .unwrap();
        looked_at(&home, &grant);
        database.execute("UPDATE entry SET bytes = ?1 WHERE seq = ?2", (&facts, seq)).unwrap();
    }
    home.run(&["revoke", &grant]).exits(0).inert();
}

impl OnlyRawFree for Ran {
    /// As [`inert`], but for the length: an owner who stores 10 MB gets to see them.
    #[track_caller]
    fn only_raw_free(self) {
        for stream in [&self.stdout, &self.stderr] {
            assert!(!stream.contains(is_raw), "raw {:?}", stream.chars().find(|c| is_raw(*c)));
            assert!(!stream.contains("\nclosed, and proved"), "a forged line");
        }
    }
}

trait OnlyRawFree {
    fn only_raw_free(self);
}

trait ExpectEnd {
    fn expect_end(&mut self);
}

impl ExpectEnd for Person {
    /// Whatever this asks is answered with nothing.
    #[track_caller]
    fn expect_end(&mut self) {
        self.send([3]).send([3]);
        std::thread::sleep(std::time::Duration::from_millis(400));
        self.try_send([3]);
        self.exit_code();
        inert(&self.screen());
    }
}
