//! Facts are one line, in one form.

use super::*;
use crate::core::canonical;
use serde_json::json;

fn full() -> Facts {
    let moment =
        Moment { wall: parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap(), boot_id: "b".into(), boot_ms: 5 };
    let stream = Stream { length: 3, sha256: "ab".into() };
    let run = Run {
        elapsed_ms: 1,
        ended: "exit".into(),
        exit: Some(0),
        signal: Some(9),
        stderr: stream.clone(),
        stdout: stream,
        tail: Some("x".into()),
    };
    Facts {
        act: Some("p".into()),
        by: Some("root".into()),
        cause: Some("c".into()),
        cosigned: vec![3, 4],
        ended: Some(Ending { exit: Some(0), gone: true, signal: Some(9) }),
        files: BTreeMap::from([("cast".into(), Piece { from: 0, length: 3, sha256: "ab".into() })]),
        genesis: Some(Genesis {
            ledger: "l".into(),
            origin: "o".into(),
            person: "p".into(),
            public_key: "k".into(),
            vkey: "v".into(),
        }),
        grant: Some("g".into()),
        key: Some("k".into()),
        outcome: Some(StepState::PreExisting),
        outputs: BTreeMap::from([("accessor".into(), "00".into())]),
        person: Some("p".into()),
        prev: Some(1),
        proof: Some("check".into()),
        recovered: Some(Recovered { person: "p".into(), public_key: "k".into() }),
        runs: BTreeMap::from([("check".into(), run)]),
        scope: Some("s".into()),
        session: Some("s-".into()),
        started: Some(Started {
            command: "c".into(),
            contained: Containment::Cgroup,
            recording: "off".into(),
            run_as: "root".into(),
            terminal: true,
        }),
        signed: json!({"b": 1, "a": {"d": [], "c": "ü\u{1}"}}).as_object().cloned(),
        statement: Some("st".into()),
        step: Some("s".into()),
        terms: Some(Terms {
            activation_boot_ms: 1,
            deadline_boot_ms: 2,
            expires_at: "t".into(),
            steps: vec!["a".into()],
        }),
        touch: Some(Touched::Verified),
        verb: Some("v".into()),
        ..Facts::new(Kind::StepOpened, &moment)
    }
}

#[test]
fn facts_serialise_to_their_canonical_text() {
    let facts = full();
    let canonical = canonical::encode(&serde_json::to_value(&facts).unwrap()).unwrap();
    assert_eq!(String::from_utf8(facts.to_bytes()).unwrap(), canonical);
    assert_eq!(Facts::from_bytes(canonical.as_bytes()).unwrap(), facts);
}

#[test]
fn p07_other_texts_of_the_same_facts_are_refused() {
    let line = String::from_utf8(full().to_bytes()).unwrap();
    assert_eq!(Facts::from_bytes(line.replacen(':', ": ", 1).as_bytes()), Err(FactsError::NotCanonical));
    assert_eq!(Facts::from_bytes(line.replace("\"v\":1", "\"v\":2").as_bytes()), Err(FactsError::Version(2)));
    assert!(Facts::from_bytes(line.replacen('{', "{\"zz\":1,", 1).as_bytes()).is_err());
    assert!(Facts::from_bytes(b"").is_err());
}
