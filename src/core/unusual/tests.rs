//! Each rule on both sides: a false alarm costs trust.

use super::*;
use crate::core::deadline::Deadline;
use crate::core::entry::{Containment, Ending, Piece, Started, Terms};
use crate::core::grant::{Gap, GrantStep, Mended, OpenedOn, SessionEnd, Signer, State};
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use crate::core::playbook::{Playbook, Routine, SAMPLE};
use serde_json::json;
use std::collections::BTreeMap;

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).unwrap()
}

fn moment(wall: DateTime<Utc>) -> Moment {
    Moment { wall, boot_id: "b".into(), boot_ms: 5 }
}

/// Ten minutes on a Monday morning, of ten granted, closed a second after its end.
pub(crate) fn closed() -> Grant {
    let began = at("2026-01-05T09:00:00.000Z");
    let terms = Terms {
        activation_boot_ms: 1_000,
        deadline_boot_ms: 600_000,
        expires_at: rfc3339(began + TimeDelta::minutes(10)),
        steps: vec!["file".into()],
    };
    Grant {
        id: "g-aaaaaaaaaa".parse().unwrap(),
        scope: "p/s".into(),
        person: "ana".into(),
        key: None,
        touch: None,
        state: State::Closed,
        drill: false,
        statement: Some("00".into()),
        registered: Some(1),
        requested: 2,
        requested_at: began,
        duration_s: 600,
        max_s: 3_600,
        extensions: 0,
        extended: 0,
        review_within_s: 3_600,
        waiting: None,
        approvals: Vec::new(),
        alone: false,
        overrides: Vec::new(),
        mended: None,
        outside: false,
        told_at: None,
        attested: Vec::new(),
        opening: Some(OpenedOn { moment: moment(began), terms }),
        activated_at: Some(began),
        closed_at: Some(began + TimeDelta::seconds(601)),
        steps: vec![GrantStep { id: "file".into(), state: StepState::Closed }],
        sessions: Vec::new(),
        review: None,
        last: 9,
    }
}

fn scope() -> Scope {
    let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
    scope.duration.default = Seconds::new(600);
    scope.duration.max = Seconds::new(3_600);
    scope
}

/// A use that nothing is unusual about, to be changed in one thing.
struct Case {
    grant: Grant,
    entries: Vec<Facts>,
    scope: Scope,
    reason: Option<&'static str>,
    uses: Vec<Use>,
    attempts: Vec<Attempt>,
}

fn case() -> Case {
    let grant = closed();
    let request = Facts::new(Kind::Requested, &moment(grant.requested_at));
    Case {
        entries: vec![request],
        grant,
        scope: scope(),
        reason: Some("the door is stuck"),
        uses: Vec::new(),
        attempts: Vec::new(),
    }
}

impl Case {
    #[track_caller]
    fn finds(&self, expected: &[&str]) {
        let found = unusual(&History {
            grant: &self.grant,
            entries: &self.entries,
            scope: Some(&self.scope),
            reason: self.reason,
            uses: &self.uses,
            attempts: &self.attempts,
        });
        let ids: Vec<&str> = found.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, expected, "{found:?}");
    }
}

fn used(person: &str, days_before: i64) -> Use {
    let at = closed().requested_at - TimeDelta::days(days_before);
    Use { grant: "g-bbbbbbbbbb".into(), person: person.into(), at }
}

#[test]
fn an_ordinary_use_is_not_pointed_out() {
    case().finds(&[]);
    let unknown =
        History { grant: &closed(), entries: &[], scope: None, reason: None, uses: &[], attempts: &[] };
    assert_eq!(unusual(&unknown), []);
}

#[test]
fn use_outside_the_hours_is_pointed_out() {
    let on_call = |hours: &str| {
        let mut case = case();
        case.scope.on_call = Some(hours.parse().unwrap());
        case
    };
    on_call("Mon-Fri 08:00-18:00 UTC").finds(&[]);
    on_call("Mon-Fri 10:00-18:00 UTC").finds(&["outside-on-call"]);
    let mut drill = on_call("Sat-Sun 10:00-18:00 UTC");
    drill.grant.drill = true;
    drill.finds(&[]);
}

#[test]
fn p05_what_was_opened_by_a_hotfix_is_pointed_out_in_a_drill_too() {
    for drill in [false, true] {
        let mut case = case();
        let signer = |name: &str| Signer { person: name.into(), key: "SHA256:x".into() };
        let by = vec![signer("dan"), signer("c\u{1b}em")];
        case.grant.mended = Some(Mended { act: "p-aaaaaaaaaa".into(), by });
        case.grant.drill = drill;
        case.finds(&["hotfix"]);
        let words = case.grant.mended.unwrap().to_words();
        assert_eq!(words, "p-aaaaaaaaaa by dan and c\\u{1b}em");
    }
}

#[test]
fn p04_signs_of_an_agent_are_pointed_out_in_a_drill_too() {
    let hinted = |hints: serde_json::Value| {
        let mut case = case();
        case.entries[0].signed = json!({"hints": hints}).as_object().cloned();
        case
    };
    hinted(json!(["process: claude"])).finds(&["automation-hint"]);
    hinted(json!([])).finds(&[]);
    let mut drill = hinted(json!(["environment: CI"]));
    drill.grant.drill = true;
    drill.finds(&["automation-hint"]);
    // What was signed by another program is inert (P10).
    let found = automation_hint(&History {
        grant: &drill.grant,
        entries: &hinted(json!(["\u{1b}[2J"])).entries,
        scope: None,
        reason: None,
        uses: &[],
        attempts: &[],
    });
    assert!(found.unwrap().text.ends_with(": \\u{1b}[2J"));
}

#[test]
fn the_third_day_of_a_person_is_repetition_and_one_long_incident_is_not() {
    let with = |uses: Vec<Use>| Case { uses, ..case() };
    with(vec![used("ana", 2), used("ana", 1)]).finds(&["repeated"]);
    with(vec![used("ana", 1), used("ana", 0), used("ana", 0), used("ana", 0)]).finds(&[]);
    with(vec![used("ben", 2), used("ana", 1)]).finds(&[]);
    with(vec![used("ana", 31), used("ana", 30), used("ana", 1)]).finds(&[]);
    let mut drill = with(vec![used("ana", 2), used("ana", 1)]);
    drill.grant.drill = true;
    drill.finds(&[]);
}

#[test]
fn the_scopes_own_limit_goes_before_it() {
    let with = |uses: Vec<Use>| {
        let mut case = Case { uses, ..case() };
        let within = Seconds::new(7 * 86_400);
        case.scope.limits.routine = Some(Routine { uses: 2, within, block: false });
        case
    };
    with(vec![used("ben", 2), used("cem", 2)]).finds(&["routine"]);
    with(vec![used("ana", 2)]).finds(&[]);
    with(vec![used("ana", 8), used("ana", 7), used("ana", 2)]).finds(&[]);
}

#[test]
fn a_reason_that_says_nothing_is_pointed_out_and_one_that_does_is_not() {
    for nothing in [
        "test",
        "Fix.",
        "asdf",
        "asdfasdfasdf",
        "test test test",
        "emergency access needed",
        "aaaaaaaaaaaa",
        "............",
        "TESTING!!!",
        "testtest",
        "n/a",
    ] {
        Case { reason: Some(nothing), ..case() }.finds(&["generic-reason"]);
    }
    for something in [
        "test cluster is down",
        "fix the broken signer",
        "the door is stuck",
        "restore access to vault",
        "urgent: db is full",
        "debugging INC-7 with ben",
        "Türschloss defekt",
        "contest",
    ] {
        Case { reason: Some(something), ..case() }.finds(&[]);
    }
    let mut drill = Case { reason: Some("test"), ..case() };
    drill.grant.drill = true;
    drill.finds(&[]);
}

#[test]
fn a_late_closing_is_pointed_out_and_crons_minute_is_not() {
    let closing = |seconds: i64| {
        let mut case = case();
        case.grant.closed_at = Some(case.grant.requested_at + TimeDelta::seconds(600 + seconds));
        case
    };
    closing(-300).finds(&[]);
    closing(120).finds(&[]);
    closing(121).finds(&["closed-late"]);
    let late: Deadline = closed().deadline().unwrap();
    assert_eq!(late.wall, at("2026-01-05T09:10:00.000Z"));
}

#[test]
fn a_closing_that_proved_nothing_at_first_is_pointed_out() {
    let mut case = case();
    case.entries.push(Facts::new(Kind::Closing, &moment(closed().requested_at)));
    case.finds(&[]);
    case.entries.push(Facts::new(Kind::Unrevoked, &moment(closed().requested_at)));
    case.finds(&["closed-by-retry"]);
    case.grant.drill = true;
    case.finds(&["closed-by-retry"]);
    case.grant.closed_at = None;
    case.finds(&[]);
}

#[test]
fn near_the_maximum_is_pointed_out_where_more_than_the_default_was_asked_for() {
    let open = |granted: u64, seconds: i64| {
        let mut case = case();
        case.grant.duration_s = granted;
        let began = case.grant.requested_at;
        case.grant.closed_at = Some(began + TimeDelta::seconds(seconds));
        let end = began + TimeDelta::seconds(granted as i64);
        case.grant.opening.as_mut().unwrap().terms.expires_at = rfc3339(end);
        case
    };
    open(3_600, 3_240).finds(&["near-maximum"]);
    open(3_600, 3_239).finds(&[]);
    let mut by_default = open(3_600, 3_600);
    by_default.scope.duration.default = Seconds::new(3_600);
    by_default.finds(&[]);
}

#[test]
fn a_clock_that_was_behind_is_pointed_out() {
    let mut case = case();
    case.entries[0].signed = json!({"time_given": "09:00"}).as_object().cloned();
    case.finds(&["clock-behind"]);
}

#[test]
fn access_that_was_there_before_is_pointed_out() {
    let opened = |outcome| {
        let mut case = case();
        case.entries.push(Facts {
            step: Some("file".into()),
            outcome: Some(outcome),
            ..Facts::new(Kind::StepOpened, &moment(closed().requested_at))
        });
        case
    };
    opened(StepState::Open).finds(&[]);
    opened(StepState::PreExisting).finds(&["pre-existing"]);
}

#[test]
fn a_request_that_is_lost_is_pointed_out() {
    let mut case = case();
    case.grant.statement = None;
    case.finds(&["no-request"]);
}

#[test]
fn earlier_attempts_are_pointed_out() {
    for attempt in [Attempt::NotMet, Attempt::Abandoned, Attempt::Failed] {
        Case { attempts: vec![attempt], ..case() }.finds(&["earlier-attempts"]);
    }
    let mut drill = Case { attempts: vec![Attempt::Failed], ..case() };
    drill.grant.drill = true;
    drill.finds(&[]);
}

#[test]
fn p02_an_extension_is_pointed_out_with_all_that_it_came_to() {
    let extended = |by_s: &[u64]| {
        let mut case = case();
        case.entries.extend(by_s.iter().map(|by_s| Facts {
            signed: json!({"extend_s": by_s}).as_object().cloned(),
            ..Facts::new(Kind::Extended, &moment(case.grant.requested_at))
        }));
        case
    };
    extended(&[60]).finds(&["extended"]);
    extended(&[60, 120]).finds(&["extended"]);
}

#[test]
fn p03_what_no_check_proved_is_pointed_out_and_not_said_to_be_proved_later() {
    let mut case = case();
    let entry = |kind| Facts::new(kind, &moment(closed().requested_at));
    let shut = |proof: &str| Facts { proof: Some(proof.into()), ..entry(Kind::StepClosed) };
    case.entries.extend([entry(Kind::Unrevoked), shut("check")]);
    case.finds(&["closed-by-retry"]);
    case.entries.push(shut("attested"));
    case.finds(&["attested"]);
}

/// A session that began so many seconds into that grant and ended 100 s later, as it should.
pub(crate) fn session(id: &str, after: i64) -> GrantSession {
    let began = closed().requested_at + TimeDelta::seconds(after);
    let whole = |byte: &str| Piece { from: 0, length: 1_234, sha256: byte.repeat(32) };
    GrantSession {
        id: id.into(),
        started: Started {
            command: "c0".into(),
            contained: Containment::Cgroup,
            recording: "best-effort".into(),
            run_as: "ops".into(),
            terminal: true,
        },
        by: "ana (uid 1000) by sudo".into(),
        at: began,
        gap: None,
        end: Some(SessionEnd {
            at: began + TimeDelta::seconds(100),
            cause: "exited".into(),
            interrupted: false,
            ending: Ending { exit: Some(0), gone: true, signal: None },
            files: BTreeMap::from([("cast".into(), whole("ab")), ("commands".into(), whole("cd"))]),
        }),
        deleted_at: None,
    }
}

/// One session, changed in one thing.
fn with_session(change: impl FnOnce(&mut GrantSession)) -> Case {
    let mut case = case();
    let mut session = session("s-aaaaaaaaaa", 10);
    change(&mut session);
    case.grant.sessions = vec![session];
    case
}

#[test]
fn p13_an_unused_grant_is_pointed_out_only_where_it_is_of_use_in_sessions_alone() {
    let unused = |recording| {
        let mut case = case();
        case.scope.recording = recording;
        case
    };
    unused(Recording::Off).finds(&[]);
    unused(Recording::BestEffort).finds(&[]);
    unused(Recording::Required).finds(&["no-session"]);
    let mut used = with_session(|_| ());
    used.scope.recording = Recording::Required;
    used.finds(&[]);
    for change in [
        |grant: &mut Grant| grant.drill = true,
        |grant: &mut Grant| grant.closed_at = None,
        |grant: &mut Grant| grant.activated_at = None,
    ] {
        let mut case = unused(Recording::Required);
        change(&mut case.grant);
        case.finds(&[]);
    }
}

#[test]
fn p13_a_session_that_was_not_recorded_to_its_end_or_not_ended_is_pointed_out() {
    with_session(|_| ()).finds(&[]);
    let gap = |session: &mut GrantSession| {
        session.gap = Some(Gap { at: session.at, cause: "disk-full".into() });
    };
    with_session(gap).finds(&["recording-gap"]);
    let end = |session: &mut GrantSession, interrupted, gone| {
        let ended = session.end.as_mut().unwrap();
        (ended.interrupted, ended.ending.gone) = (interrupted, gone);
    };
    with_session(|session| end(session, true, true)).finds(&["session-interrupted"]);
    with_session(|session| end(session, false, false)).finds(&["session-not-gone"]);
    with_session(|session| session.end = None).finds(&["session-not-gone"]);
    let mut live = with_session(|session| session.end = None);
    live.grant.closed_at = None;
    live.finds(&[]);
    // A drill is held against these too.
    let mut drill = with_session(|session| end(session, true, false));
    gap(&mut drill.grant.sessions[0]);
    drill.grant.drill = true;
    drill.finds(&["recording-gap", "session-interrupted", "session-not-gone"]);
}
