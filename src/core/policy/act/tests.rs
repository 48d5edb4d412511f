//! Who may sign an act, and what a registration must leave behind.

use super::*;
use crate::core::playbook::SAMPLE;
use crate::core::public_key::PublicKey;
use crate::core::roster::RosterKey;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-01-05T09:00:00Z")
}

fn key(byte: u8) -> PublicKey {
    PublicKey::ed25519([byte; 32])
}

fn person(name: &str, groups: &[&str], keys: &[u8]) -> Person {
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        keys: keys.iter().map(|byte| RosterKey::new(key(*byte))).collect(),
        os_user: None,
    }
}

/// Ana and ben are admins, ben with two keys; bot is one too, but automation; old's key has ended.
fn roster() -> Roster {
    let mut roster = Roster::founder("ana", key(1));
    roster.add(person("ben", &["admin", "security"], &[2, 3])).unwrap();
    roster.add(person("bot", &["admin", "bots"], &[4])).unwrap();
    let mut old = person("old", &["admin"], &[5]);
    old.keys[0].valid_before = now().date_naive().into();
    roster.add(old).unwrap();
    roster.add(person("dan", &["oncall"], &[6])).unwrap();
    roster.mark_automation("bots");
    roster
}

fn consent(person: &str, byte: u8) -> Consent {
    Consent {
        person: person.into(),
        key: Some(key(byte).fingerprint().to_string()),
        touch: None,
        at: now(),
        seq: 1,
    }
}

fn judged(circle: &Circle, signed: &[Consent], person: &str) -> Result<(), &'static str> {
    circle.judge("p-aaaaaaaaaa", signed, person).map_err(|refusal| refusal.code())
}

#[test]
fn p06_one_person_is_one_signature_whatever_their_keys() {
    let circle = Circle::of_admins(&roster(), 2, now());
    assert_eq!(judged(&circle, &[], "ben"), Ok(()));
    assert_eq!(judged(&circle, &[consent("ana", 1)], "ben"), Ok(()));
    assert_eq!(judged(&circle, &[consent("ben", 2)], "ben"), Err("signed-already"));
    // Ben's key, when ben still had another name.
    assert_eq!(judged(&circle, &[consent("benno", 3)], "ben"), Err("signed-already"));
    assert_eq!(circle.others(&[consent("ana", 1)], None), ["ben"]);
}

#[test]
fn p04_automation_ended_keys_and_others_never_sign() {
    let circle = Circle::of_admins(&roster(), 1, now());
    for name in ["bot", "old", "dan", "nobody"] {
        assert_eq!(judged(&circle, &[], name), Err("not-a-signer"), "{name}");
    }
    let too_few = Circle::of_admins(&roster(), 3, now());
    assert_eq!(judged(&too_few, &[], "ana"), Err("too-few-people"));
}

#[test]
fn p06_who_signed_and_left_counts_no_longer() {
    let circle = Circle::of_admins(&roster(), 2, now());
    // Another key of that name, a person who is gone, one who may not any more.
    for gone in [consent("ana", 9), consent("eve", 9), consent("dan", 6), consent("old", 5)] {
        assert_eq!(judged(&circle, std::slice::from_ref(&gone), "ben"), Err("signer-gone"), "{gone:?}");
    }
}

#[test]
fn p06_a_scope_s_people_are_those_who_activate_approve_or_review() {
    let mut playbook = Playbook::parse("sample.toml", SAMPLE).unwrap();
    let scope = &mut playbook.scopes[0];
    (scope.activate, scope.review.by) = (vec![Who::Group("oncall".into())], vec![Who::Person("ben".into())]);
    let circle = Circle::of_scope(scope, &roster(), now());
    assert_eq!(
        (circle.needed(), circle.others(&[], None)),
        (2, vec!["ana".into(), "ben".into(), "dan".into()])
    );
}

#[test]
fn p06_somebody_must_be_left_to_register_and_to_review() {
    let mut playbook = Playbook::parse("sample.toml", SAMPLE).unwrap();
    playbook.scopes[0].review.by = vec![Who::Group("security".into())];
    let settings = |roster: Roster, admins| Settings {
        roster,
        admins,
        ..Settings::parse("glass.toml", &Settings::template("host/glass", "ana", &key(1).to_string()))
            .unwrap()
    };
    let (before, books) = (roster(), [&playbook]);
    let judged = |settings: &Settings, before: Option<(&Roster, &[&Playbook])>| {
        let succession = Succession { before, settings, playbooks: &books };
        judge_succession(&succession, now()).map_err(|refusal| refusal.to_string())
    };
    let same = settings(roster(), 2);
    assert_eq!(judged(&same, Some((&before, &books))), Ok(()));
    // Four are in the group; two of them can sign.
    let words = judged(&settings(roster(), 3), None).unwrap_err();
    assert_eq!(words, "after this registration the next one needs 3 admins to sign, and there is ana, ben");
    let alone = settings(Roster::founder("ana", key(1)), 1);
    let words = judged(&alone, Some((&before, &books))).unwrap_err();
    assert_eq!(
        words,
        "after this registration nobody could review break-glass/demo-file: until now ben could"
    );
    // Nobody could before either: that is a warning, not a refusal.
    let founder = Roster::founder("ana", key(1));
    assert_eq!(judged(&alone, Some((&founder, &books))), Ok(()));
    assert_eq!(judged(&alone, None), Ok(()));
}
