//! Acts on a grant that its scope never allowed: written past the ledger's own judgement, as its
//! owner could, and found.

use super::fixture::{Fixture, grant, names, public_key};
use crate::core::entry::{Facts, Kind, StepState};
use crate::core::grant::ATTESTED;
use crate::core::playbook::SAMPLE;
use crate::core::statement::{Attest, Extend, Revoke};
use serde_json::{Map, Value, json};

/// Ana's grant, active until second 700 and some; ben has a key and no group, cem is an admin.
fn fixture() -> Fixture {
    let mut fixture = Fixture::found(7);
    let mut settings = String::from_utf8(Fixture::settings()).unwrap();
    for (name, byte, groups) in [("ben", 2, "[]"), ("cem", 3, "[\"admin\"]")] {
        let key = public_key(byte);
        settings += &format!("\n[[person]]\nname = \"{name}\"\ngroups = {groups}\nkeys = [\"{key}\"]\n");
    }
    let durations = "{ default = \"15m\", max = \"20m\", extend = \"2m\", extensions = 1 }";
    let playbook = SAMPLE.replace("{ default = \"15m\", max = \"1h\" }", durations);
    fixture.register_files(settings.into_bytes(), &playbook);
    // The request says more than its scope does: only the registration can tell.
    fixture.request_with(1, json!({"max_s": 100_000, "extensions": 9}));
    fixture.open(&grant(1));
    fixture
}

fn facts(value: Value) -> Map<String, Value> {
    let mut facts = value.as_object().cloned().unwrap();
    facts.insert("grant".into(), json!(grant(1)));
    facts
}

/// Extends by so much, whatever the scope says.
fn extend(fixture: &mut Fixture, by_s: u64) -> u64 {
    let end = fixture.ledger().grant(&grant(1)).unwrap().unwrap().deadline().unwrap().wall;
    let end = crate::core::moment::rfc3339(end + chrono::TimeDelta::seconds(by_s as i64));
    fixture.sign_past_judgement::<Extend>("ana", 1, facts(json!({"extend_s": by_s, "expires_at": end})))
}

/// Closing found out nothing.
fn unrevoked(fixture: &mut Fixture) {
    let now = fixture.now();
    let fact = |kind| Facts { grant: Some(grant(1)), ..Facts::new(kind, &now) };
    let unknown = |facts| Facts { step: Some("file".into()), outcome: Some(StepState::Unknown), ..facts };
    fixture.append(vec![fact(Kind::Closing), unknown(fact(Kind::StepClosed)), fact(Kind::Unrevoked)]);
}

fn attest(fixture: &mut Fixture, who: &str, byte: u8, steps: &[&str]) -> u64 {
    fixture.sign_past_judgement::<Attest>(who, byte, facts(json!({"steps": steps})))
}

#[test]
fn p02_an_extension_that_the_registration_does_not_allow_is_found() {
    let mut fixture = fixture();
    extend(&mut fixture, 120);
    assert_eq!(fixture.verify().findings, []);
    let again = extend(&mut fixture, 120);
    assert!(names(&fixture.verify().findings, again, "was extended as often as"));

    let mut fixture = self::fixture();
    let long = extend(&mut fixture, 121);
    assert!(names(&fixture.verify().findings, long, "longer than break-glass/demo-file allows at a time"));
}

#[test]
fn p06_a_signature_of_somebody_whom_the_scope_does_not_name_is_found() {
    let mut fixture = fixture();
    let revoked = fixture.sign_past_judgement::<Revoke>("ben", 2, facts(json!({})));
    assert!(names(&fixture.verify().findings, revoked, "ben may not revoke it"));

    let mut fixture = self::fixture();
    fixture.sign_past_judgement::<Revoke>("cem", 3, facts(json!({})));
    assert_eq!(fixture.verify().findings, []);

    let mut fixture = self::fixture();
    unrevoked(&mut fixture);
    attest(&mut fixture, "cem", 3, &["file"]);
    assert_eq!(fixture.verify().findings, []);
    let attested = attest(&mut fixture, "ben", 2, &["file"]);
    assert!(names(&fixture.verify().findings, attested, "ben may not attest"));
}

#[test]
fn p03_a_step_that_nobody_vouched_for_is_found() {
    let mut fixture = fixture();
    unrevoked(&mut fixture);
    attest(&mut fixture, "cem", 3, &["file"]);
    attest(&mut fixture, "ben", 2, &["another"]);
    let now = fixture.now();
    let shut = Facts {
        grant: Some(grant(1)),
        step: Some("file".into()),
        outcome: Some(StepState::Closed),
        proof: Some(ATTESTED.into()),
        ..Facts::new(Kind::StepClosed, &now)
    };
    let seq = fixture.ledger().head().unwrap().frontier.size();
    fixture.append(vec![shut]);
    assert!(names(&fixture.verify().findings, seq, "1 people vouched for the step `file`, and 2 must"));
}
