//! Settings that parse, and those that do not.

use super::*;
use crate::core::public_key::PublicKey;
use crate::core::roster::Who;
use proptest::prelude::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4g";

fn least() -> String {
    format!(
        "schema = 1\n[ledger]\norigin = \"h/glass\"\n[[person]]\nname = \"ana\"\ngroups = [\"admin\"]\nkeys = [\"{KEY}\"]\n"
    )
}

fn parse(text: &str) -> Settings {
    Settings::parse("glass.toml", text).map_err(|faults| faults.to_string()).unwrap()
}

/// One fault, at this line and column, that says this.
#[track_caller]
fn faulty(text: &str, line: usize, column: usize, fragment: &str) {
    let faults = Settings::parse("glass.toml", text).expect_err("it was accepted").0;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let said = format!("{} {}", faults[0].message, faults[0].hint.as_deref().unwrap_or_default());
    assert!(said.contains(fragment), "{said}");
    assert_eq!((faults[0].line, faults[0].column), (line, column), "{}", faults[0]);
}

#[test]
fn the_contracts_example_is_read_whole() {
    let third = PublicKey::ed25519([3; 32]);
    let text = format!(
        r#"schema = 1
admins = 1
[ledger]
origin = "bastion-1.example.com/glass"
[[person]]
name    = "ana"
groups  = ["admin", "incident-command"]
keys    = ["{KEY} ana@laptop", {{ key = "{OTHER}", valid-before = "2027-01-01", attestation = "file" }}]
os-user = "ana"
[[person]]
name   = "bot"
groups = ["admin", "bots"]
keys   = ["{third}"]
[[group]]
name = "bots"
automation = true
[[notify]]
kind   = "webhook"
url    = "https://hooks.example.com/x"
secret = {{ file = "/etc/glass/secrets/hook" }}
events = ["requested", "activated", "closed", "unrevoked", "review-overdue"]
[[anchor]]
kind = "file"
path = "/mnt/worm/glass.checkpoints"
[recordings]
keep = "400d"
"#
    );
    let settings = parse(&text);
    let ana = settings.roster.person("ana").unwrap();
    assert_eq!(ana.os_user.as_deref(), Some("ana"));
    assert_eq!(ana.keys[1].valid_before.map(|day| day.to_string()).as_deref(), Some("2027-01-01"));
    assert!(settings.roster.is_member(ana, &Who::Group("incident-command".into())));
    assert!(!settings.roster.is_automation(ana));
    assert!(settings.roster.is_automation(settings.roster.person("bot").unwrap()));
    assert_eq!(settings.keep_recordings.map(Seconds::get), Some(400 * 86_400));
    assert_eq!(settings.unsupported(), ["[[notify]]", "[[anchor]]"]);
    // Automation never signs: it is no second admin.
    let two = text.replace("admins = 1", "admins = 2");
    let faults = Settings::parse("glass.toml", &two).unwrap_err();
    assert!(faults.to_string().contains("group `admin` has 1"), "{faults}");
}

#[test]
fn every_rule_has_its_place_and_words() {
    let least = least();
    let with = |from: &str, to: &str| {
        assert!(least.contains(from), "{from}");
        least.replace(from, to)
    };
    faulty(&with("schema = 1", "schema = 3"), 1, 10, "schema 3");
    faulty(&with("h/glass", "h glass"), 3, 10, "no white space");
    faulty(&with("h/glass", "h+glass"), 3, 10, "no `+`");
    faulty(&with("h/glass", ""), 3, 10, "not empty");
    faulty(&with("\"ana\"", "\"ana, bo\""), 5, 8, "not a name");
    faulty(&with("name = \"ana\"\n", ""), 4, 1, "`name` is required");
    faulty(&with(KEY, "ssh-rsa AAAA"), 7, 9, "not accepted");
    faulty(&with(&format!("[\"{KEY}\"]"), "[]"), 7, 8, "empty list");
    faulty(&with("[\"admin\"]", "[\"staff\"]"), 4, 1, "nobody is in group `admin`");
    faulty(&with("schema = 1", "schema = 1\nadmins = 2"), 2, 10, "asks for 2 signatures");
    faulty(&with("schema = 1", "schema = 1\nadmins = 0"), 2, 10, "from 1 to");
    let column = 9 + "{ key = \"\", valid-before = ".len() + KEY.len();
    let key =
        |end: &str| with(&format!("\"{KEY}\""), &format!("{{ key = \"{KEY}\", valid-before = {end} }}"));
    faulty(&key("\"2027-1-1\""), 7, column, "not a date");
    faulty(&key("2027-01-01"), 7, column, "a date without quotes");
    let and = |more: &str| format!("{least}{more}");
    faulty(&and(&format!("[[person]]\nname = \"ana\"\nkeys = [\"{OTHER}\"]")), 9, 8, "a second person `ana`");
    faulty(
        &and(&format!("[[person]]\nname = \"bo\"\nkeys = [\"{KEY}\"]")),
        10,
        8,
        "belongs to `ana` already",
    );
    faulty(&and("[[group]]\nname = \"bots\"\nautomaton = true"), 10, 1, "did you mean `automation`?");
    faulty(&and("[[notify]]\nkind = \"mail\"\nto = \"x\"\nevents = [\"closed\"]"), 9, 8, "none of `webhook`");
    faulty(&and("[[notify]]\nkind = \"syslog\"\nevents = [\"close\"]"), 10, 11, "did you mean `closed`?");
    faulty(&and("[[notify]]\nkind = \"webhook\"\nurl = \"x\"\nevents = [\"closed\"]"), 10, 7, "URL");
    faulty(&and("[[anchor]]\nkind = \"file\"\npath = \"x\""), 10, 8, "absolute path");
    faulty(&and("[[anchor]]\nkind = \"command\"\nrun = [\"x\"]"), 10, 7, "absolute path");
    faulty(&and("[recordings]\nkeep = \"long\""), 9, 8, "not a duration");
}

#[test]
fn a_group_is_known_without_its_own_table() {
    assert_eq!(parse(&least()).unsupported(), [""; 0]);
    let settings = parse(&least().replace("\"admin\"", "\"admin\", \"anything\""));
    assert_eq!(settings.roster.members(&Who::Group("anything".into())).len(), 1);
}

#[test]
fn more_admins_and_security_keys_are_supported() {
    let mut blob = Vec::new();
    for part in [&b"sk-ssh-ed25519@openssh.com"[..], &[7; 32], b"ssh:"] {
        crate::core::wire::put_string(&mut blob, part);
    }
    let sk = PublicKey::from_blob(&blob).unwrap();
    let second = format!("[[person]]\nname = \"bo\"\ngroups = [\"admin\"]\nkeys = [\"{sk}\"]");
    let text = format!("{}{second}", least().replace("schema = 1", "schema = 1\nadmins = 2"));
    assert_eq!(parse(&text).unsupported(), [""; 0]);
    assert_eq!(parse(&text).admins, 2);
}

#[test]
fn the_template_is_the_founders_home() {
    for comment in ["", " ana@laptop", " \"quoted\" 'both' # not a comment", " {key}"] {
        let settings = parse(&Settings::template("host/glass", "ana", &format!("{KEY}{comment}\n")));
        assert_eq!(settings.roster, Roster::founder("ana", PublicKey::parse_line(KEY).unwrap()));
        assert_eq!((settings.admins, settings.origin.as_str()), (1, "host/glass"));
        assert_eq!(settings.unsupported(), [""; 0]);
    }
}

proptest! {
    #[test]
    fn no_mutated_settings_panic(at in any::<prop::sample::Index>(), length in 0..40_usize, by in any::<String>()) {
        let whole = Settings::template("host/glass", "ana", KEY);
        let start = whole.floor_char_boundary(at.index(whole.len()));
        let end = whole.floor_char_boundary(start + length);
        let text = format!("{}{by}{}", &whole[..start], &whole[end..]);
        if let Err(faults) = Settings::parse("glass.toml", &text) {
            prop_assert!(!faults.0.is_empty());
        }
    }
}
