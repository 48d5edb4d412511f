//! What no sequence of entries can do to a grant: [`apply`] is held against its promises.

use super::*;
use crate::core::entry::{Containment, Ending, Facts, Kind, Piece, Started};
use crate::core::review::Verdict;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

const KINDS: [Kind; 32] = [
    Kind::Genesis,
    Kind::Recovered,
    Kind::Proposed,
    Kind::Seconded,
    Kind::Registered,
    Kind::Hotfixed,
    Kind::Recorded,
    Kind::Requested,
    Kind::Approved,
    Kind::Denied,
    Kind::Withdrawn,
    Kind::Lapsed,
    Kind::Resumed,
    Kind::Opening,
    Kind::StepOpened,
    Kind::Activated,
    Kind::Extended,
    Kind::Revoked,
    Kind::Closing,
    Kind::StepClosed,
    Kind::Closed,
    Kind::ActivationFailed,
    Kind::Unrevoked,
    Kind::Attested,
    Kind::ClosedFromPlan,
    Kind::SessionStarted,
    Kind::SessionPiece,
    Kind::RecordingGap,
    Kind::SessionEnded,
    Kind::SessionInterrupted,
    Kind::RecordingDeleted,
    Kind::Reviewed,
];

/// What sessions add to a grant's life, likely ones more often.
const OF_SESSIONS: [Kind; 9] = [
    Kind::SessionStarted,
    Kind::SessionStarted,
    Kind::SessionPiece,
    Kind::RecordingGap,
    Kind::SessionEnded,
    Kind::SessionEnded,
    Kind::SessionInterrupted,
    Kind::RecordingDeleted,
    Kind::RecordingDeleted,
];

/// The requester, and others.
const PEOPLE: [&str; 4] = ["ana", "ben", "cem", "dora"];

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
    who: &'static str,
    /// Of a request: how many must sign. Of an extension: by so many half minutes.
    count: u64,
    /// Of a resumption: alone. Of a step: attested. Of a session's end: recorded.
    flag: bool,
    wrong_prev: bool,
    bare: bool,
}

impl Next {
    const fn of(kind: Kind, step: Option<&'static str>, outcome: Option<StepState>) -> Self {
        Self { kind, step, outcome, who: "ana", count: 0, flag: false, wrong_prev: false, bare: false }
    }
}

fn next() -> impl Strategy<Value = Next> {
    // Steps come and go far more often than the rest, as they do in a life.
    let kind = prop_oneof![
        4 => Just(Kind::StepOpened),
        4 => Just(Kind::StepClosed),
        8 => prop::sample::select(&KINDS[..]),
        2 => Just(Kind::Approved),
        1 => Just(Kind::Opening),
        1 => Just(Kind::Closed),
        1 => Just(Kind::Reviewed),
    ];
    let step = prop_oneof![8 => prop::sample::select(&[Some("a"), Some("b")][..]), 1 => Just(None), 1 => Just(Some("c"))];
    let outcome = prop_oneof![9 => prop::sample::select(&OUTCOMES[..]).prop_map(Some), 1 => Just(None)];
    let who = prop::sample::select(&PEOPLE[..]);
    (
        kind,
        step,
        outcome,
        who,
        0..4_u64,
        prop::bool::ANY,
        prop::bool::weighted(0.03),
        prop::bool::weighted(0.05),
    )
        .prop_map(|(kind, step, outcome, who, count, flag, wrong_prev, bare)| Next {
            kind,
            step,
            outcome,
            who,
            count,
            flag,
            wrong_prev,
            bare,
        })
}

/// The grant may be open for so long, extended or not.
const MAX_S: i64 = 120;

/// Facts as the ledger would append them, or not.
pub(crate) fn facts(next: &Next, seq: u64, before: Option<&Grant>) -> Facts {
    let last = before.map(|grant| grant.last);
    let wall = parse_rfc3339("2026-01-01T00:00:00.000Z").unwrap() + TimeDelta::seconds(seq as i64);
    let moment = Moment { wall, boot_id: "b".into(), boot_ms: 1_000 * seq };
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
    facts.person = Some(next.who.into());
    // Each has one key; whose it is the ledger judges.
    facts.key = Some(format!("key of {}", next.who));
    facts.terms = (next.kind == Kind::Opening).then(|| Terms {
        activation_boot_ms: 1_000 * seq + 500,
        deadline_boot_ms: 1_000 * seq + 60_000,
        expires_at: crate::core::moment::rfc3339(wall + TimeDelta::seconds(60)),
        steps: vec!["a".into(), "b".into()],
    });
    let signed = match next.kind {
        Kind::Requested => json!({
            "scope": "p/s", "duration_s": 60, "review_within_s": 3600, "registered": 1, "max_s": MAX_S,
            "extensions": 2, "approvals_needed": next.count, "within_s": 60, "alone_after_s": 3,
        }),
        Kind::Recorded => json!({
            "scope": "p/s", "person": "ana", "review_within_s": 3600,
            "from": "2025-12-31T00:00:00.000Z", "to": "2025-12-31T01:00:00.000Z",
        }),
        Kind::Resumed => json!({"alone": next.flag}),
        Kind::Extended => {
            let end = before.and_then(Grant::deadline).map(|end| end.wall).unwrap_or_default();
            let by_s = 30 * next.count;
            let end = crate::core::moment::rfc3339(end + TimeDelta::seconds(by_s as i64));
            json!({"extend_s": by_s, "expires_at": end})
        }
        Kind::Reviewed => reviewed(next),
        _ => json!(null),
    };
    facts.signed = signed.as_object().cloned();
    if OF_SESSIONS.contains(&next.kind) {
        tell_session(&mut facts, next);
    }
    match next.kind {
        Kind::ClosedFromPlan => facts.scope = Some("p/s".into()),
        Kind::StepClosed if next.flag => facts.proof = Some(ATTESTED.into()),
        _ => {}
    }
    facts
}

/// The session is called as the step, and `c` is none's name.
fn tell_session(facts: &mut Facts, next: &Next) {
    facts.session =
        next.step.map(|name| if name == "c" { "c".into() } else { format!("s-{}", name.repeat(10)) });
    facts.by = Some("ana".into());
    facts.cause = Some("exit".into());
    facts.started = (next.kind == Kind::SessionStarted).then(|| Started {
        command: "00".into(),
        contained: Containment::Cgroup,
        recording: "best-effort".into(),
        run_as: "ana".into(),
        terminal: true,
    });
    if matches!(next.kind, Kind::SessionEnded | Kind::SessionInterrupted) {
        facts.ended = Some(Ending { exit: Some(0), gone: true, signal: None });
        let from = u64::from(next.count == 3);
        let whole = Piece { from, length: 3, sha256: "00".into() };
        facts.files = next.flag.then(|| ("cast".to_owned(), whole)).into_iter().collect();
    }
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
        let begun = LIFE[..lived].iter().map(|&(kind, step, outcome)| Next::of(kind, step, outcome));
        begun.chain(rest).collect()
    })
}

/// A life with use: sessions before and after its end, and after its verdict.
pub(crate) fn lives_of_use() -> impl Strategy<Value = Vec<Next>> {
    let session = || {
        let names =
            prop_oneof![6 => Just(Some("a")), 3 => Just(Some("b")), 1 => Just(Some("c")), 1 => Just(None)];
        (prop::sample::select(&OF_SESSIONS[..]), names, 0..4_u64, prop::bool::weighted(0.7))
            .prop_map(|(kind, step, count, flag)| Next { count, flag, ..Next::of(kind, step, None) })
    };
    let some = |most| prop::collection::vec(session(), 0..most);
    (some(8), some(4), some(4), some(8), lives()).prop_map(|(active, closing, closed, reviewed, rest)| {
        let lived = |range: std::ops::Range<usize>| {
            LIFE[range].iter().map(|&(kind, step, outcome)| Next::of(kind, step, outcome))
        };
        let ended = [Next::of(Kind::Closed, None, None)];
        let judged = [Next::of(Kind::Reviewed, Some("a"), None)];
        lived(0..5)
            .chain(active)
            .chain(lived(5..8))
            .chain(closing)
            .chain(ended)
            .chain(closed)
            .chain(judged)
            .chain(reviewed)
            .chain(rest)
            .collect()
    })
}

/// The same for a request that two others must consent to, in any order and by anyone.
pub(crate) fn lives_with_consent() -> impl Strategy<Value = Vec<Next>> {
    let consents =
        prop::collection::vec((prop::sample::select(&PEOPLE[..]), prop::bool::weighted(0.1)), 0..5);
    (consents, lives(), 1..3_u64).prop_map(|(consents, life, needed)| {
        let request = Next { count: needed, ..Next::of(Kind::Requested, None, None) };
        let consents = consents.into_iter().map(|(who, alone)| match alone {
            true => Next { flag: true, ..Next::of(Kind::Resumed, None, None) },
            false => Next { who, ..Next::of(Kind::Approved, None, None) },
        });
        let rest = life.into_iter().filter(|next| next.kind != Kind::Requested);
        std::iter::once(request).chain(consents).chain(rest).collect()
    })
}

fn is_open(step: &GrantStep) -> bool {
    matches!(step.state, StepState::Open | StepState::PreExisting)
}

/// P13: only what is active is used; a session ends once, its recording breaks off once before
/// that, and is deleted once, after that and after the review. Nothing else of the grant moves.
fn sessions_hold(before: Option<&Grant>, after: &Grant, kind: Kind) -> Result<(), TestCaseError> {
    let known = before.map_or(&[][..], |grant| &grant.sessions);
    if !OF_SESSIONS.contains(&kind) {
        prop_assert_eq!(known, &after.sessions[..]);
        return Ok(());
    }
    let before = before.unwrap();
    let unmoved = Grant { sessions: after.sessions.clone(), last: after.last, ..before.clone() };
    prop_assert_eq!(&unmoved, after);
    prop_assert_ne!(kind, Kind::SessionPiece);
    let names: BTreeSet<&str> = after.sessions.iter().map(|session| session.id.as_str()).collect();
    prop_assert_eq!(names.len(), after.sessions.len());
    let begun = after.sessions.len() - known.len();
    prop_assert_eq!(begun, usize::from(kind == Kind::SessionStarted));
    prop_assert!(begun == 0 || before.state == State::Active);
    let mut moved = 0;
    for (was, is) in known.iter().zip(&after.sessions) {
        moved += usize::from(was != is);
        prop_assert_eq!((&was.id, &was.started, &was.by, was.at), (&is.id, &is.started, &is.by, is.at));
        prop_assert!(was.end.is_none() || was.end == is.end);
        prop_assert!(was.gap.is_none() || was.gap == is.gap);
        prop_assert!(was.gap == is.gap || was.end.is_none());
        if was.deleted_at != is.deleted_at {
            prop_assert!(was.deleted_at.is_none() && before.review.is_some());
            prop_assert!(was.end.as_ref().is_some_and(|end| !end.files.is_empty()));
        }
        let wholes = is.end.iter().flat_map(|end| end.files.values());
        prop_assert!(wholes.into_iter().all(|whole| whole.from == 0));
    }
    prop_assert_eq!(moved + begun, 1);
    Ok(())
}

#[test]
fn p13_a_used_life_reaches_every_state_of_a_session() {
    let of = |kind| Next { flag: true, ..Next::of(kind, Some("a"), None) };
    let life =
        |lived: usize| LIFE[..lived].iter().map(|&(kind, step, outcome)| Next::of(kind, step, outcome));
    let used = life(5)
        .chain([of(Kind::SessionStarted), of(Kind::RecordingGap)])
        .chain(life(8).skip(5))
        .chain([of(Kind::Closed), of(Kind::SessionEnded), of(Kind::Reviewed), of(Kind::RecordingDeleted)]);
    let used: Vec<Next> = used.collect();
    let grant = follow(None, 0, &used).unwrap();
    let session = grant.session("s-aaaaaaaaaa").unwrap();
    assert!(session.gap.is_some() && session.end.is_some() && session.deleted_at.is_some());
    let refused = |left_out: Kind, then: Kind| {
        let life: Vec<Next> = used.iter().filter(|next| next.kind != left_out).cloned().collect();
        let until = life.iter().position(|next| next.kind == then).unwrap();
        follow(None, 0, &life[..=until]).unwrap_err().why
    };
    assert_eq!(refused(Kind::Activated, Kind::SessionStarted), "no such transition");
    assert_eq!(refused(Kind::SessionStarted, Kind::RecordingGap), "no such session");
    assert_eq!(refused(Kind::Reviewed, Kind::RecordingDeleted), "its review is still owed");
    assert_eq!(refused(Kind::SessionEnded, Kind::RecordingDeleted), "the session has not ended");
    for (again, why) in [
        (Kind::SessionStarted, "no such transition"),
        (Kind::RecordingGap, "the session has ended"),
        (Kind::SessionInterrupted, "the session has ended"),
        (Kind::RecordingDeleted, "its recording was deleted already"),
        (Kind::SessionPiece, "no such transition"),
    ] {
        let refused = follow(Some(grant.clone()), used.len() as u64, &[of(again)]).unwrap_err();
        assert_eq!(refused.why, why, "{again:?}");
    }
    let nameless = Next { step: Some("c"), ..of(Kind::SessionStarted) };
    let refused = follow(None, 0, &life(5).chain([nameless]).collect::<Vec<_>>()).unwrap_err();
    assert_eq!(refused.why, "`session` is not a session id");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn p02_p03_p06_no_sequence_of_entries_opens_early_or_ends_unproved(
        life in prop_oneof![lives(), lives_with_consent(), lives_of_use()]
    ) {
        let mut grant: Option<Grant> = None;
        let mut accepted = Vec::new();
        for (seq, next) in life.iter().enumerate() {
            let before = grant.clone();
            let facts = facts(next, seq as u64, before.as_ref());
            let Ok(after) = apply(before.clone(), &facts) else { continue };
            accepted.push(facts);
            let was = before.as_ref().map(|grant| grant.state);

            // Every grant begins with a request, or with the end that a restored ledger learns of.
            prop_assert!(
                was.is_some() || matches!(next.kind, Kind::Requested | Kind::ClosedFromPlan | Kind::Recorded)
            );
            prop_assert!(!next.wrong_prev);
            // Active: only out of `activating`, with a permit on record and every step open.
            if after.state == State::Active && was != Some(State::Active) {
                prop_assert_eq!(was, Some(State::Activating));
                prop_assert!(after.opening.is_some() && after.deadline().is_some());
                prop_assert!(!after.steps.is_empty() && after.steps.iter().all(is_open));
            }
            prop_assert!(after.activated_at.is_none() || after.opening.is_some() || after.outside);
            // Opened: by as many other people as were needed, each once; or alone, after the wait.
            if after.opening.is_some() {
                let needed = after.waiting.as_ref().map_or(0, |waiting| waiting.needed);
                let signed: BTreeSet<&str> = after.approvals.iter().map(|given| given.person.as_str()).collect();
                prop_assert!(!signed.contains(after.person.as_str()));
                prop_assert!(after.alone || signed.len() >= needed, "{:?}", after);
                prop_assert_eq!(signed.len(), after.approvals.len());
            }
            // Alone only after the wait, and then its review is owed in half the time.
            if after.alone && !before.as_ref().is_some_and(|grant| grant.alone) {
                let asked = before.as_ref().unwrap().waiting.as_ref().unwrap().asked.wall;
                prop_assert!(accepted.last().unwrap().at() - asked >= TimeDelta::seconds(3));
                prop_assert_eq!(after.review_within_s, 1_800);
            }
            // However often it is extended, it ends within its maximum.
            if let (Some(end), Some(opening)) = (after.deadline(), &after.opening) {
                prop_assert!(end.wall - opening.moment.wall <= TimeDelta::seconds(MAX_S));
                prop_assert!(end.boot_ms - opening.moment.boot_ms <= 1_000 * MAX_S as u64);
                prop_assert!(after.extended <= 2);
            }
            // No step before the permit, and the permit but once.
            prop_assert!(after.opening.is_some() || after.steps.is_empty());
            if let Some(opening) = before.as_ref().and_then(|grant| grant.opening.as_ref()) {
                prop_assert_eq!(Some(&opening.moment), after.opening.as_ref().map(|opening| &opening.moment));
                prop_assert!(next.kind == Kind::Extended || Some(opening) == after.opening.as_ref());
            }
            // Ended: every step proved shut; and only one that was active is `closed`.
            if after.state.is_ended() {
                prop_assert!(after.steps.iter().all(|step| step.state.is_shut()), "{:?}", after);
                prop_assert_eq!(after.closed_at.is_some(), !after.state.is_refused());
                prop_assert!(!after.state.is_refused() || after.opening.is_none());
                let known = before.as_ref().is_some_and(|grant| grant.requested != after.last);
                if known && was.is_some_and(|was| !was.is_ended()) && !after.state.is_refused() {
                    prop_assert_eq!(after.state == State::Closed, after.activated_at.is_some());
                }
            } else {
                prop_assert!(after.closed_at.is_none() && after.review_due_at().is_none());
            }
            // A verdict is given once, to what is closed, and stands while it is closed.
            let verdict = before.as_ref().and_then(|grant| grant.review.clone());
            if next.kind == Kind::Reviewed {
                prop_assert_eq!((was, after.state), (Some(State::Closed), State::Closed));
                prop_assert!(verdict.is_none());
                let review = after.review.as_ref().unwrap();
                prop_assert!(review.person != after.person || review.self_review);
                prop_assert!(after.approvals.iter().all(|given| given.person != review.person));
            } else {
                let expected = verdict.filter(|_| after.state == State::Closed);
                prop_assert_eq!(&after.review, &expected);
            }
            // What has ended is moved by nothing but its review, or a command that came through
            // late.
            let tells_session = OF_SESSIONS.contains(&next.kind);
            if was.is_some_and(State::is_ended) && next.kind != Kind::Reviewed && !tells_session {
                prop_assert_eq!((next.kind, after.state), (Kind::StepOpened, State::Closing));
            }
            sessions_hold(before.as_ref(), &after, next.kind)?;
            // Once closing began there is no way back to open.
            if matches!(was, Some(State::Closing | State::Unrevoked)) {
                prop_assert!(!matches!(
                    after.state,
                    State::Active | State::Activating | State::AwaitingApproval
                ));
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
        let next = Next::of(kind, step, outcome);
        grant = Some(apply(grant.clone(), &facts(&next, seq as u64, grant.as_ref())).unwrap());
        seen.push(grant.as_ref().unwrap().state);
    }
    assert!(seen.contains(&State::Active) && seen.last() == Some(&State::Closing));
    let closed =
        apply(grant.clone(), &facts(&Next::of(Kind::Closed, None, None), 9, grant.as_ref())).unwrap();
    assert_eq!(closed.state, State::Closed);
    let verdict = Next::of(Kind::Reviewed, Some("a"), None);
    let reviewed = apply(Some(closed.clone()), &facts(&verdict, 10, Some(&closed))).unwrap();
    assert_eq!(reviewed.review.as_ref().unwrap().verdict, Verdict::Justified);
    assert!(reviewed.review.as_ref().unwrap().self_review);
    let again = apply(Some(reviewed.clone()), &facts(&verdict, 11, Some(&reviewed)));
    assert_eq!(again.unwrap_err().why, "it has its verdict already");
    for (step, why) in [("b", "the verdict `drill`"), ("c", "the requester reviewed it")] {
        let verdict = Next { step: Some(step), ..verdict.clone() };
        let refused = apply(Some(closed.clone()), &facts(&verdict, 10, Some(&closed))).unwrap_err();
        assert!(refused.why.starts_with(why), "{refused}");
    }
    let late = Next::of(Kind::StepOpened, Some("b"), Some(StepState::Open));
    let late = apply(Some(reviewed.clone()), &facts(&late, 11, Some(&reviewed))).unwrap();
    assert_eq!((late.state, late.closed_at, late.review), (State::Closing, None, None));
}

/// Follows these, one a second, and gives the last outcome.
fn follow(begun: Option<Grant>, from: u64, life: &[Next]) -> Result<Grant, Corrupt> {
    let mut grant = begun;
    for (seq, next) in (from..).zip(life) {
        grant = Some(apply(grant.clone(), &facts(next, seq, grant.as_ref()))?);
    }
    Ok(grant.unwrap())
}

#[test]
fn p06_a_request_opens_with_the_consent_of_others_alone() {
    let request = Next { count: 2, ..Next::of(Kind::Requested, None, None) };
    let approved = |who| Next { who, ..Next::of(Kind::Approved, None, None) };
    let opening = Next::of(Kind::Opening, None, None);
    let life = |middle: &[Next]| {
        let all = std::iter::once(&request).chain(middle).chain([&opening]).cloned();
        follow(None, 0, &all.collect::<Vec<_>>())
    };
    let why = |middle: &[Next]| life(middle).unwrap_err().why;
    assert_eq!(life(&[approved("ben"), approved("cem")]).unwrap().state, State::Activating);
    assert_eq!(why(&[]), "not everyone signed whom it waits for");
    assert_eq!(why(&[approved("ben")]), "not everyone signed whom it waits for");
    assert_eq!(why(&[approved("ben"), approved("ben")]), "the same person signed it already");
    assert_eq!(why(&[approved("ana")]), "the requester signed it");
    assert_eq!(
        why(&[approved("ben"), approved("cem"), approved("dora")]),
        "everyone signed whom it waits for"
    );
    for (kind, who) in [(Kind::Denied, "ben"), (Kind::Withdrawn, "ana"), (Kind::Lapsed, "ana")] {
        let end = Next { who, ..Next::of(kind, None, None) };
        assert_eq!(why(&[approved("ben"), end, approved("cem")]), "no such transition");
    }
    let alone = Next { flag: true, ..Next::of(Kind::Resumed, None, None) };
    assert_eq!(why(std::slice::from_ref(&alone)), "the wait before going on alone was not over");
    let resumed = Next { flag: false, ..alone.clone() };
    assert_eq!(why(std::slice::from_ref(&resumed)), "not everyone signed whom it waits for");
    let opened = life(&[resumed.clone(), resumed, alone]).unwrap();
    assert!(opened.alone && opened.opening.is_some());
}

#[test]
fn p04_whoever_signs_for_its_end_ends_a_grant_that_may_be_open() {
    let revoked = |lived: usize, who| {
        let begun = LIFE[..lived].iter().map(|&(kind, step, outcome)| Next::of(kind, step, outcome));
        let revoked = Next { who, ..Next::of(Kind::Revoked, None, None) };
        follow(None, 0, &begun.chain([revoked]).collect::<Vec<_>>()).map(|grant| grant.state)
    };
    for lived in 2..=LIFE.len() {
        assert_eq!(revoked(lived, "ben"), Ok(State::Closing), "after {lived} entries");
        // Who asked may be at another OS user than theirs.
        assert_eq!(revoked(lived, "ana"), Ok(State::Closing), "after {lived} entries");
    }
    assert_eq!(revoked(1, "ben").unwrap_err().why, "no such transition");
}

#[test]
fn p03_two_people_attest_what_no_check_proves() {
    let waiting = |begun: Vec<Next>| {
        let opened = LIFE[..6].iter().map(|&(kind, step, outcome)| Next::of(kind, step, outcome));
        let unrevoked = Next::of(Kind::Unrevoked, None, None);
        follow(None, 0, &opened.chain([unrevoked]).chain(begun).collect::<Vec<_>>())
    };
    let attested = |who| Next { who, ..Next::of(Kind::Attested, None, None) };
    let shut = Next { flag: true, ..Next::of(Kind::StepClosed, Some("a"), Some(StepState::Closed)) };
    let closed = waiting(vec![attested("ben"), attested("cem"), shut.clone()]).unwrap();
    assert_eq!(closed.step("a").unwrap().state, StepState::Closed);
    let why = |begun| waiting(begun).unwrap_err().why;
    assert_eq!(why(vec![attested("ben"), shut.clone()]), "not enough people attested it");
    assert_eq!(why(vec![attested("ben"), attested("ben")]), "the same person signed it already");
    assert_eq!(why(vec![attested("ana")]), "the requester signed it");
    // A check that proves it open unsays them.
    let open = Next::of(Kind::StepClosed, Some("b"), Some(StepState::Open));
    assert_eq!(why(vec![attested("ben"), open, attested("cem"), shut]), "not enough people attested it");
}
