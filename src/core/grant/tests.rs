//! What no sequence of entries can do to a grant: [`apply`] is held against its promises.

use super::*;
use crate::core::entry::Facts;
use proptest::prelude::*;
use serde_json::json;

const KINDS: [Kind; 13] = [
    Kind::Genesis,
    Kind::Registered,
    Kind::Requested,
    Kind::Opening,
    Kind::StepOpened,
    Kind::Activated,
    Kind::Closing,
    Kind::StepClosed,
    Kind::Closed,
    Kind::ActivationFailed,
    Kind::Unrevoked,
    Kind::ClosedFromPlan,
    Kind::Reviewed,
];

const OUTCOMES: [StepState; 7] = [
    StepState::Pending,
    StepState::Open,
    StepState::PreExisting,
    StepState::Closing,
    StepState::Unknown,
    StepState::Closed,
    StepState::Failed,
];

/// One entry to come; `seq` and `prev` are set as the ledger does, but for a `wrong_prev`.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    kind: Kind,
    step: Option<&'static str>,
    outcome: Option<StepState>,
    wrong_prev: bool,
    bare: bool,
}

fn next() -> impl Strategy<Value = Next> {
    // Steps come and go far more often than the rest, as they do in a life.
    let kind = prop_oneof![
        4 => Just(Kind::StepOpened),
        4 => Just(Kind::StepClosed),
        6 => prop::sample::select(&KINDS[..]),
        1 => Just(Kind::Closed),
        1 => Just(Kind::Reviewed),
    ];
    let step = prop_oneof![8 => prop::sample::select(&[Some("a"), Some("b")][..]), 1 => Just(None), 1 => Just(Some("c"))];
    let outcome = prop_oneof![9 => prop::sample::select(&OUTCOMES[..]).prop_map(Some), 1 => Just(None)];
    (kind, step, outcome, prop::bool::weighted(0.03), prop::bool::weighted(0.05))
        .prop_map(|(kind, step, outcome, wrong_prev, bare)| Next { kind, step, outcome, wrong_prev, bare })
}

/// Facts as the ledger would append them, or not.
pub(crate) fn facts(next: &Next, seq: u64, last: Option<u64>) -> Facts {
    let wall = parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap() + TimeDelta::seconds(seq as i64);
    let moment = Moment { wall, boot_id: "b".into(), boot_ms: 1_000 * seq };
    let terms = Terms {
        activation_boot_ms: 1_000 * seq + 500,
        deadline_boot_ms: 1_000 * seq + 60_000,
        expires_at: "2026-01-01T01:00:00.000Z".into(),
        steps: vec!["a".into(), "b".into()],
    };
    let signed = json!({"scope": "p/s", "duration_s": 60, "review_within_s": 3600, "registered": 1});
    let mut facts =
        Facts { prev: last, seq, grant: Some("g-aaaaaaaaaa".into()), ..Facts::new(next.kind, &moment) };
    if next.wrong_prev {
        facts.prev = Some(last.map_or(7, |last| last + 1));
    }
    if next.bare {
        return facts;
    }
    facts.step = next.step.map(str::to_owned);
    facts.outcome = next.outcome;
    facts.person = Some("ana".into());
    facts.terms = (next.kind == Kind::Opening).then_some(terms);
    match next.kind {
        Kind::Requested => facts.signed = signed.as_object().cloned(),
        Kind::ClosedFromPlan => facts.scope = Some("p/s".into()),
        Kind::Reviewed => facts.signed = reviewed(next).as_object().cloned(),
        _ => {}
    }
    facts
}

/// A verdict that fits where the step is `a`; one by the requester that says so, but for `c`.
fn reviewed(next: &Next) -> serde_json::Value {
    let verdict = if next.step == Some("b") { "drill" } else { "justified" };
    json!({"verdict": verdict, "self_review": next.step != Some("c")})
}

/// A likely life, so that the random entries meet every state.
const LIFE: [(Kind, Option<&str>, Option<StepState>); 8] = [
    (Kind::Requested, None, None),
    (Kind::Opening, None, None),
    (Kind::StepOpened, Some("a"), Some(StepState::Open)),
    (Kind::StepOpened, Some("b"), Some(StepState::PreExisting)),
    (Kind::Activated, None, None),
    (Kind::Closing, None, None),
    (Kind::StepClosed, Some("a"), Some(StepState::Closed)),
    (Kind::StepClosed, Some("b"), Some(StepState::Closed)),
];

/// A likely beginning, then anything.
pub(crate) fn lives() -> impl Strategy<Value = Vec<Next>> {
    (0..=LIFE.len(), prop::collection::vec(next(), 0..24)).prop_map(|(lived, rest)| {
        let begun = LIFE[..lived].iter().map(|&(kind, step, outcome)| Next {
            kind,
            step,
            outcome,
            wrong_prev: false,
            bare: false,
        });
        begun.chain(rest).collect()
    })
}

fn is_open(step: &GrantStep) -> bool {
    matches!(step.state, StepState::Open | StepState::PreExisting)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn p02_p03_no_sequence_of_entries_opens_early_or_ends_unproved(life in lives()) {
        let mut grant: Option<Grant> = None;
        let mut accepted = Vec::new();
        for (seq, next) in life.iter().enumerate() {
            let before = grant.clone();
            let facts = facts(next, seq as u64, before.as_ref().map(|grant| grant.last));
            let Ok(after) = apply(before.clone(), &facts) else { continue };
            accepted.push(facts);
            let was = before.as_ref().map(|grant| grant.state);

            // Every grant begins with a request, or with the end that a restored ledger learns of.
            prop_assert!(was.is_some() || matches!(next.kind, Kind::Requested | Kind::ClosedFromPlan));
            prop_assert!(!next.wrong_prev);
            // Active: only out of `activating`, with a permit on record and every step open.
            if after.state == State::Active && was != Some(State::Active) {
                prop_assert_eq!(was, Some(State::Activating));
                prop_assert!(after.opening.is_some() && after.deadline().is_some());
                prop_assert!(!after.steps.is_empty() && after.steps.iter().all(is_open));
            }
            prop_assert!(after.activated_at.is_none() || after.opening.is_some());
            // No step before the permit, and the permit but once.
            prop_assert!(after.opening.is_some() || after.steps.is_empty());
            if let Some(opening) = before.as_ref().and_then(|grant| grant.opening.as_ref()) {
                prop_assert_eq!(Some(opening), after.opening.as_ref());
            }
            // Ended: every step proved shut; and only one that was active is `closed`.
            if after.state.is_ended() {
                prop_assert!(after.steps.iter().all(|step| step.state.is_shut()), "{:?}", after);
                prop_assert!(after.closed_at.is_some());
                let known = before.as_ref().is_some_and(|grant| grant.requested != after.last);
                if known && was.is_some_and(|was| !was.is_ended()) {
                    prop_assert_eq!(after.state == State::Closed, after.activated_at.is_some());
                }
            } else {
                prop_assert!(after.closed_at.is_none() && after.review_due_at().is_none());
            }
            // A verdict is given once, to what is closed, and stands while it is closed.
            let verdict = before.as_ref().and_then(|grant| grant.review.clone());
            if next.kind == Kind::Reviewed {
                prop_assert_eq!((was, after.state), (Some(State::Closed), State::Closed));
                prop_assert!(verdict.is_none() && after.review.is_some());
            } else {
                let expected = verdict.filter(|_| after.state == State::Closed);
                prop_assert_eq!(&after.review, &expected);
            }
            // What has ended is moved by nothing but its review, or a command that came through
            // late.
            if was.is_some_and(State::is_ended) && next.kind != Kind::Reviewed {
                prop_assert_eq!((next.kind, after.state), (Kind::StepOpened, State::Closing));
            }
            // Once closing began there is no way back to open.
            if matches!(was, Some(State::Closing | State::Unrevoked)) {
                prop_assert!(!matches!(after.state, State::Active | State::Activating));
            }
            grant = Some(after);
        }
        // The state is a function of the entries that were accepted, whatever came between.
        let mut again = None;
        for facts in &accepted {
            again = Some(apply(again, facts).unwrap());
        }
        prop_assert_eq!(again, grant);
    }
}

#[test]
fn p03_a_life_reaches_every_state_that_the_random_one_is_held_against() {
    let mut grant = None;
    let mut seen = Vec::new();
    for (seq, &(kind, step, outcome)) in LIFE.iter().enumerate() {
        let next = Next { kind, step, outcome, wrong_prev: false, bare: false };
        grant = Some(
            apply(grant.clone(), &facts(&next, seq as u64, grant.map(|grant: Grant| grant.last))).unwrap(),
        );
        seen.push(grant.as_ref().unwrap().state);
    }
    assert!(seen.contains(&State::Active) && seen.last() == Some(&State::Closing));
    let closed = Next { kind: Kind::Closed, step: None, outcome: None, wrong_prev: false, bare: false };
    let closed = apply(grant.clone(), &facts(&closed, 9, grant.map(|grant| grant.last))).unwrap();
    assert_eq!(closed.state, State::Closed);
    let verdict =
        Next { kind: Kind::Reviewed, step: Some("a"), outcome: None, wrong_prev: false, bare: false };
    let reviewed = apply(Some(closed.clone()), &facts(&verdict, 10, Some(closed.last))).unwrap();
    assert_eq!(reviewed.review.as_ref().unwrap().verdict, Verdict::Justified);
    assert!(reviewed.review.as_ref().unwrap().self_review);
    let again = apply(Some(reviewed.clone()), &facts(&verdict, 11, Some(reviewed.last)));
    assert_eq!(again.unwrap_err().why, "it has its verdict already");
    for (step, why) in [("b", "the verdict `drill`"), ("c", "the requester reviewed it")] {
        let verdict = Next { step: Some(step), ..verdict.clone() };
        let refused = apply(Some(closed.clone()), &facts(&verdict, 10, Some(closed.last))).unwrap_err();
        assert!(refused.why.starts_with(why), "{refused}");
    }
    let late = Next {
        kind: Kind::StepOpened,
        step: Some("b"),
        outcome: Some(StepState::Open),
        wrong_prev: false,
        bare: false,
    };
    let late = apply(Some(reviewed.clone()), &facts(&late, 11, Some(reviewed.last))).unwrap();
    assert_eq!((late.state, late.closed_at, late.review), (State::Closing, None, None));
}
