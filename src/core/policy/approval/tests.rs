//! Who may consent, by person and not by key.

use super::*;
use crate::core::entry::Facts;
use crate::core::grant::{Consent, Waiting};
use crate::core::merkle::Hash;
use crate::core::moment::parse_rfc3339;
use crate::core::playbook::{Approvals, Playbook, SAMPLE};
use crate::core::policy::map;
use crate::core::public_key::PublicKey;
use crate::core::unusual::tests::closed;
use serde_json::json;
use std::collections::BTreeSet;

fn now() -> Moment {
    let wall = parse_rfc3339("2026-01-05T09:10:00.000Z").unwrap();
    Moment { wall, boot_id: "b".into(), boot_ms: 600_000 }
}

fn person(name: &str, groups: &[&str], keys: &[u8]) -> Person {
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect::<BTreeSet<_>>(),
        keys: keys.iter().map(|byte| RosterKey::new(PublicKey::ed25519([*byte; 32]))).collect(),
        os_user: None,
    }
}

/// Ana asks; ben (two keys) and cem may approve; rex reviews; robot is a machine of that group.
fn roster() -> Roster {
    let mut roster = Roster::default();
    for person in [
        person("ana", &["admin", "oncall", "security"], &[1]),
        person("ben", &["security"], &[2, 3]),
        person("cem", &["security"], &[4]),
        person("rex", &["reviewers"], &[5]),
        person("robot", &["security", "bots"], &[6]),
    ] {
        roster.add(person).unwrap();
    }
    roster.mark_automation("bots");
    roster
}

fn scope(needed: usize, alone_after: Option<u64>) -> Scope {
    let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
    scope.approvals = (needed > 0).then(|| Approvals {
        needed,
        from: vec![Who::Group("security".into())],
        within: Seconds::new(900),
        alone_after: alone_after.map(Seconds::new),
    });
    scope.review.by = vec![Who::Group("reviewers".into())];
    scope
}

fn grant(needed: usize, signed: &[&str]) -> Grant {
    let asked = Moment { boot_ms: 0, wall: now().wall - TimeDelta::minutes(10), ..now() };
    let consent = |(index, name): (usize, &&str)| Consent {
        person: (*name).to_owned(),
        key: roster().person(name).map(|person| person.keys[0].key.fingerprint().to_string()),
        touch: None,
        at: asked.wall,
        seq: 10 + index as u64,
    };
    Grant {
        state: State::AwaitingApproval,
        key: Some(PublicKey::ed25519([1; 32]).fingerprint().to_string()),
        waiting: Some(Waiting {
            needed,
            within_s: 900,
            alone_after_s: Some(600),
            asked: asked.clone(),
            since: asked.clone(),
        }),
        approvals: signed.iter().enumerate().map(consent).collect(),
        opening: None,
        activated_at: None,
        closed_at: None,
        ..closed()
    }
}

fn code(grant: &Grant, scope: &Scope, roster: &Roster, person: &str) -> &'static str {
    match Approver::of(grant, scope, roster, person, &now()) {
        Ok(_) => "may",
        Err(refusal) => refusal.code(),
    }
}

#[test]
fn p06_another_person_of_the_group_consents_and_nobody_else() {
    let (roster, scope) = (roster(), scope(2, None));
    let judge = |signed: &[&str], person: &str| code(&grant(2, signed), &scope, &roster, person);
    assert_eq!(judge(&[], "ben"), "may");
    assert_eq!(judge(&["ben"], "cem"), "may");
    assert_eq!(judge(&[], "ana"), "own-approval", "though she is of the group");
    assert_eq!(judge(&["ben"], "ben"), "signed-already", "whichever of his keys he uses");
    assert_eq!(judge(&[], "rex"), "not-in-approvals");
    assert_eq!(judge(&[], "robot"), "not-in-approvals", "a machine is no person");
    assert_eq!(judge(&[], "nobody"), "not-in-approvals");
    assert_eq!(judge(&["ben", "cem"], "ana"), "own-approval");
    for state in State::ALL.into_iter().filter(|state| *state != State::AwaitingApproval) {
        let ended = Grant { state, ..grant(2, &[]) };
        assert_eq!(code(&ended, &scope, &roster, "ben"), "not-waiting");
    }
}

#[test]
fn p06_a_new_name_with_an_old_key_is_the_same_person() {
    let scope = scope(2, None);
    let mut renamed = Roster::default();
    for person in
        [person("ana2", &["security"], &[1]), person("ben2", &["security"], &[2]), person("cem", &[], &[4])]
    {
        renamed.add(person).unwrap();
    }
    assert_eq!(code(&grant(2, &["ben"]), &scope, &renamed, "ana2"), "own-approval");
    assert_eq!(code(&grant(2, &["ben"]), &scope, &renamed, "ben2"), "signed-already");
    assert_eq!(
        code(&grant(2, &["ben"]), &scope, &renamed, "cem"),
        "not-in-approvals",
        "no longer of the group"
    );
    assert!(!Approver::still(&grant(2, &["cem"]), &scope, &renamed, 0, &now()), "nor does it still count");
    assert!(Approver::still(&grant(2, &["ben", "cem"]), &scope, &roster(), 1, &now()));
}

#[test]
fn p06_absence_fails_closed() {
    let mut unknown = scope(1, None);
    unknown.approvals.as_mut().unwrap().from = vec![Who::Group("nobody-is-in-it".into())];
    assert_eq!(able_to_approve(&grant(1, &[]), &unknown, &roster(), &now()), [""; 0]);
    for person in ["ana", "ben", "robot"] {
        assert_ne!(code(&grant(1, &[]), &unknown, &roster(), person), "may");
    }
    let judge = |scope: &Scope| judge_approvers(scope, &roster(), "ana", false, &now()).map_err(|r| r.code());
    assert_eq!(judge(&unknown), Err("nobody-approves"));
    assert_eq!(judge(&scope(2, None)), Ok(()));
    assert_eq!(
        judge(&scope(3, None)),
        Err("nobody-approves"),
        "neither the requester nor the machine counts"
    );
    assert_eq!(judge(&scope(3, Some(60))), Ok(()), "one may go on alone");
    let mut touched = scope(1, None);
    touched.touch = Touch::Required;
    assert_eq!(judge(&touched), Err("nobody-approves"), "nobody has a key that could be touched");
}

#[test]
fn p08_an_override_takes_one_signature_more_that_a_reviewer_may_give() {
    let mut overriding = grant(2, &[]);
    overriding.overrides = vec!["g-bbbbbbbbbb".into()];
    let (scope_of_one, roster) = (scope(1, None), roster());
    assert_eq!(code(&overriding, &scope_of_one, &roster, "rex"), "may");
    assert_eq!(code(&overriding, &scope_of_one, &roster, "ben"), "may");
    let signed = |who: &[&str]| Grant { overrides: overriding.overrides.clone(), ..grant(2, who) };
    assert_eq!(code(&signed(&["rex"]), &scope_of_one, &roster, "ben"), "may");
    assert_eq!(code(&signed(&["ben"]), &scope_of_one, &roster, "cem"), "may");
    let mut two_reviewers = Roster::default();
    for person in [person("rex", &["reviewers"], &[5]), person("roy", &["reviewers"], &[7])] {
        two_reviewers.add(person).unwrap();
    }
    assert_eq!(
        code(&signed(&["rex"]), &scope_of_one, &two_reviewers, "roy"),
        "not-in-approvals",
        "the scope's own approval is no reviewer's"
    );
    let demand = |needed, overriding| Demand::of(&scope(needed, None), overriding);
    assert_eq!(demand(0, false), None);
    assert_eq!(demand(0, true).map(|demand| demand.needed), Some(1));
    assert_eq!(demand(1, true).map(|demand| demand.needed), Some(2));
    let waits = |alone| Demand::of(&scope(1, alone), true).and_then(|demand| demand.alone_after);
    assert_eq!(waits(None), Some(Seconds::new(1_800)), "twice 15 minutes");
    assert_eq!(waits(Some(60)), Some(Seconds::new(120)));
    let lapses = Demand::of(&scope(1, None), true).unwrap().within;
    assert!(lapses > Seconds::new(1_800), "not before one may go on alone: {lapses}");
    let mut touched = scope(0, None);
    touched.touch = Touch::Off;
    assert_eq!(touch_to_resume(&touched, &overriding, true), Touch::Required);
    assert_eq!(touch_to_resume(&touched, &overriding, false), Touch::Off);
    assert_eq!(touch_to_resume(&touched, &grant(1, &[]), true), Touch::Off);
}

#[test]
fn p11_going_on_alone_waits_by_the_slower_clock() {
    let alone = |boot_ms, minutes| {
        let wall = now().wall - TimeDelta::minutes(10) + TimeDelta::minutes(minutes);
        judge_alone(&grant(1, &[]), &Moment { wall, boot_ms, ..now() }).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(alone(600_000, 10), Ok(()));
    for (boot_ms, minutes) in [(599_000, 10), (600_000, 9), (599_000, 500)] {
        let refused = alone(boot_ms, minutes).unwrap_err();
        assert!(refused.contains("its requester may go on alone in"), "{refused}");
    }
    let mut never = grant(1, &[]);
    never.waiting.as_mut().unwrap().alone_after_s = None;
    assert_eq!(judge_alone(&never, &now()).map_err(|refusal| refusal.code()), Err("not-approved"));
}

#[test]
fn p06_every_approver_signs_the_same_bytes_that_name_none_of_them() {
    let facts = json!({
        "origin": "o", "ledger": "l", "verb": "request", "nonce": "n", "at": "t", "person": "ana",
        "seen": {"size": 1, "root": "r"}, "grant": "g-aaaaaaaaaa", "scope": "p/s", "duration_s": 60,
    });
    let request = Facts {
        seq: 4,
        signed: facts.as_object().cloned(),
        statement: Some("digest".into()),
        ..Facts::new(crate::core::entry::Kind::Requested, &now())
    };
    let texts = map(json!({"reason": "it is down"}));
    let asked = Asked { request: &request, texts: &texts, root: Hash([7; 32]) };
    let statement = asked.to_statement().unwrap();
    assert_eq!(statement.line(), asked.to_statement().unwrap().line());
    let signed = statement.signed();
    assert_eq!(signed["verb"], "approve");
    assert_eq!(signed["requester"], "ana");
    assert_eq!(signed["request"], "digest");
    assert_eq!(signed["nonce"], "n");
    assert_eq!(signed["duration_s"], 60);
    assert_eq!(signed["seen"], json!({"size": 5, "root": Hash([7; 32]).to_string()}));
    assert!(!signed.contains_key("person") && !signed.contains_key("at"));
    assert!(statement.line().contains("it is down"));
}
