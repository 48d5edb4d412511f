//! Separation of duties, person by person.

use super::*;
use crate::core::grant::{Consent, Mended, Signer};
use crate::core::moment::parse_rfc3339;
use crate::core::playbook::{Playbook, SAMPLE};
use crate::core::public_key::PublicKey;
use crate::core::review::Reviewed;
use crate::core::roster::RosterKey;
use crate::core::unusual::tests::closed;
use proptest::prelude::*;

fn key(byte: u8) -> PublicKey {
    PublicKey::ed25519([byte; 32])
}

fn scope() -> Scope {
    let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
    scope.review.by = vec![Who::Group("security".into()), Who::Person("ana".into())];
    scope
}

fn person(name: &str, groups: &[&str], byte: u8) -> Person {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Person { name: name.into(), groups, keys: vec![RosterKey::new(key(byte))], os_user: None }
}

/// Ana, ben who may review, cem who may not.
fn roster() -> Roster {
    let mut roster = Roster::founder("ana", key(1));
    roster.add(person("ben", &["security"], 2)).unwrap();
    roster.add(person("cem", &["oncall"], 3)).unwrap();
    roster
}

fn grant() -> Grant {
    Grant { key: Some(key(1).fingerprint().to_string()), ..closed() }
}

fn code(grant: &Grant, scope: &Scope, roster: &Roster, person: &str) -> &'static str {
    match Reviewer::of(grant, scope, roster, person) {
        Ok(reviewer) if reviewer.is_self_review() => "self",
        Ok(_) => "other",
        Err(refusal) => {
            assert!(!refusal.hint().is_empty());
            refusal.code()
        }
    }
}

#[test]
fn p06_only_another_person_of_those_who_review_may() {
    let (grant, scope, roster) = (grant(), scope(), roster());
    assert_eq!(code(&grant, &scope, &roster, "ben"), "other");
    assert_eq!(code(&grant, &scope, &roster, "ana"), "own-review");
    assert_eq!(code(&grant, &scope, &roster, "cem"), "not-in-review");
    // Who is not on the roster any more.
    assert_eq!(code(&grant, &scope, &roster, "dan"), "not-in-review");
    assert_eq!(able(&grant, &scope, &roster), ["ben"]);
}

#[test]
fn p06_another_name_does_not_make_another_person() {
    let scope = scope();
    let mut roster = Roster::founder("boss", key(9));
    roster.add(person("ana2", &["security"], 1)).unwrap();
    assert_eq!(code(&grant(), &scope, &roster, "ana2"), "own-review");
}

#[test]
fn p06_who_signed_the_hotfix_that_it_ran_by_does_not_judge_it() {
    let by = |name: &str, byte| {
        let signer = Signer { person: name.into(), key: key(byte).fingerprint().to_string() };
        Grant { mended: Some(Mended { act: "p-aaaaaaaaaa".into(), by: vec![signer] }), ..grant() }
    };
    let (scope, roster) = (scope(), roster());
    assert_eq!(code(&by("cem", 3), &scope, &roster, "ben"), "other");
    assert_eq!(code(&by("ben", 2), &scope, &roster, "ben"), "signed-it");
    // Under the name of then, by the key of now.
    assert_eq!(code(&by("ben-before", 2), &scope, &roster, "ben"), "signed-it");
    assert!(able(&by("ben", 2), &scope, &roster).is_empty());
}

#[test]
fn p06_absence_approves_nobody() {
    let mut scope = scope();
    scope.review.by = vec![Who::Group("no-such-group".into())];
    assert_eq!(code(&grant(), &scope, &roster(), "ben"), "not-in-review");
    let solo = Roster::founder("ana", key(1));
    assert_eq!(code(&grant(), &scope, &solo, "ana"), "not-in-review");
    assert!(able(&grant(), &scope, &solo).is_empty());
}

#[test]
fn p06_one_alone_reviews_their_own_use_unless_it_is_critical() {
    let solo = Roster::founder("ana", key(1));
    assert_eq!(code(&grant(), &scope(), &solo, "ana"), "self");
    let critical = Scope { risk: Risk::Critical, ..scope() };
    assert_ne!(code(&grant(), &critical, &solo, "ana"), "self");
    assert_eq!(code(&grant(), &scope(), &roster(), "ana"), "own-review");
}

#[test]
fn a_verdict_needs_a_closed_grant_without_one() {
    let active = Grant { state: State::Active, closed_at: None, ..grant() };
    assert_eq!(code(&active, &scope(), &roster(), "ben"), "not-closed");
    let review = Reviewed {
        verdict: Verdict::Justified,
        person: "ben".into(),
        at: parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap(),
        self_review: false,
        statement: None,
    };
    let reviewed = Grant { review: Some(review), ..grant() };
    assert_eq!(code(&reviewed, &scope(), &roster(), "ben"), "reviewed-already");
}

#[test]
fn a_pending_incident_is_owed_but_by_a_drill() {
    let drill = Grant { drill: true, ..grant() };
    assert!(owes_incident(&grant(), Some("pending")));
    assert!(!owes_incident(&grant(), Some("INC-1")) && !owes_incident(&grant(), None));
    assert!(!owes_incident(&drill, Some("pending")));
    let line = |text: &str| Line::new(text).unwrap();
    assert!(judge_filled_in(&scope(), &line("pending")).is_err());
    assert!(judge_filled_in(&scope(), &line("INC-7")).is_ok());
}

/// People of random groups, the first of whom asked and the next few consented.
fn any_case() -> impl Strategy<Value = (Roster, Grant)> {
    let groups =
        prop::collection::vec(prop::sample::subsequence(vec!["security", "oncall", "bots"], 0..=3), 1..6);
    (groups, 0..4_usize).prop_map(|(groups, consents)| {
        let mut roster = Roster::default();
        for (index, groups) in groups.iter().enumerate() {
            let name = ["ana", "ben", "cem", "dan", "eve"][index];
            roster.add(person(name, groups, index as u8 + 1)).unwrap();
        }
        roster.mark_automation("bots");
        let others = roster.people().iter().skip(1).take(consents);
        let approvals = others.map(|other| Consent {
            person: other.name.clone(),
            key: Some(other.keys[0].key.fingerprint().to_string()),
            touch: None,
            at: closed().requested_at,
            seq: 3,
        });
        let approvals = approvals.collect();
        (roster, Grant { approvals, ..grant() })
    })
}

proptest! {
    #[test]
    fn p06_nobody_reviews_whom_the_scope_or_their_own_part_excludes((roster, grant) in any_case()) {
        let scope = scope();
        for person in roster.people() {
            let Ok(reviewer) = Reviewer::of(&grant, &scope, &roster, &person.name) else { continue };
            prop_assert!(roster.is_any(person, &scope.review.by) && !roster.is_automation(person));
            prop_assert!(grant.approvals.iter().all(|given| given.person != person.name));
            let is_alone = roster.people().len() == 1;
            prop_assert_eq!(reviewer.is_self_review(), person.name == grant.person);
            prop_assert!(person.name != grant.person || is_alone);
        }
    }
}
