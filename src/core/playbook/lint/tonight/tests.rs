//! Each way in which a night lacks people; and that where nothing is said, there are enough.

use super::*;
use crate::core::grant::{Consent, Grant, State, Waiting};
use crate::core::moment::Moment;
use crate::core::playbook::{Approvals, Playbook, SAMPLE};
use crate::core::policy::{Approver, able};
use crate::core::public_key::PublicKey;
use crate::core::roster::RosterKey;
use crate::core::unusual::tests::closed;
use crate::core::wire::put_string;
use chrono::NaiveDate;
use proptest::prelude::*;

const GROUPS: [&str; 3] = ["admin", "oncall", "security"];

fn now() -> DateTime<Utc> {
    "2026-06-01T03:00:00Z".parse().unwrap()
}

fn plain(byte: u8) -> RosterKey {
    RosterKey::new(PublicKey::ed25519([byte; 32]))
}

fn security(byte: u8) -> RosterKey {
    let mut blob = Vec::new();
    for part in [SK_ED25519.as_bytes(), &[byte; 32], b"ssh:"] {
        put_string(&mut blob, part);
    }
    RosterKey::new(PublicKey::from_blob(&blob).unwrap())
}

/// Valid up to the day before this night.
fn ended(key: RosterKey) -> RosterKey {
    RosterKey { valid_before: NaiveDate::from_ymd_opt(2026, 6, 1), ..key }
}

fn person(name: &str, groups: &[&str], keys: Vec<RosterKey>) -> Person {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Person { name: name.to_owned(), groups, keys, os_user: None }
}

/// These people, where `bots` is for automation.
fn roster(people: Vec<Person>) -> Roster {
    let mut roster = Roster::default();
    people.into_iter().for_each(|person| roster.add(person).unwrap());
    roster.mark_automation("bots");
    roster
}

/// Opened by `oncall`, reviewed by `admin`; consent of so many of `security`.
fn playbook(needed: usize, risk: Risk, touch: Touch) -> Playbook {
    let mut playbook = Playbook::parse("sample.toml", SAMPLE).unwrap();
    let group = |name: &str| vec![Who::Group(name.to_owned())];
    let scope = &mut playbook.scopes[0];
    (scope.activate, scope.review.by) = (group("oncall"), group("admin"));
    (scope.risk, scope.touch) = (risk, touch);
    scope.approvals = (needed > 0).then(|| Approvals {
        needed,
        from: group("security"),
        within: scope.review.within,
        alone_after: None,
    });
    playbook
}

fn said(playbook: &Playbook, roster: &Roster) -> Vec<Warning> {
    tonight(playbook, &playbook.scopes[0], roster, now())
}

/// One night: the people, the scope, and what is said of it.
#[track_caller]
fn night(people: Vec<Person>, playbook: &Playbook, expected: &[&str]) {
    let texts: Vec<String> =
        said(playbook, &roster(people)).into_iter().map(|warning| warning.text).collect();
    assert_eq!(texts, expected);
}

#[test]
fn p06_whoever_is_missing_is_named() {
    let low = |needed| playbook(needed, Risk::Low, Touch::Off);
    let (ana, bo, cy) = (|groups: &[&str]| person("ana", groups, vec![plain(1)]), plain(2), plain(3));
    let all = |name: &str, key: &RosterKey| person(name, &GROUPS, vec![key.clone()]);

    night(vec![ana(&["oncall"]), person("bo", &["admin"], vec![bo.clone()])], &low(0), &[]);
    night(vec![ana(&["admin"])], &low(0), &["nobody could activate it tonight: nobody is in group:oncall"]);
    night(
        vec![ana(&["admin"]), person("bo", &["oncall"], vec![ended(bo.clone())])],
        &low(0),
        &["nobody could activate it tonight: bo has no valid key"],
    );
    // One key that is still valid is enough.
    night(
        vec![ana(&["admin"]), person("bo", &["oncall"], vec![ended(bo.clone()), cy.clone()])],
        &low(0),
        &[],
    );
    night(
        vec![ana(&["admin"]), person("bo", &["oncall", "bots"], vec![bo.clone()])],
        &low(0),
        &["nobody could activate it tonight: bo is in an automation group"],
    );

    // Who asks does not approve.
    night(
        vec![ana(&["oncall", "security"]), person("bo", &["admin"], vec![bo.clone()])],
        &low(1),
        &["nobody could approve it tonight: it needs 1 besides who asks, and there is only ana"],
    );
    night(
        vec![
            ana(&["oncall", "security"]),
            all("bo", &bo),
            person("cy", &["security"], vec![ended(cy.clone())]),
            person("di", &["admin"], vec![plain(4)]),
        ],
        &low(2),
        &["nobody could approve it tonight: it needs 2 besides who asks, and there is only ana, bo; \
           cy has no valid key"],
    );
    night(
        vec![ana(&["oncall"]), person("bo", &["admin"], vec![bo.clone()])],
        &low(1),
        &["nobody could approve it tonight: it needs 1 besides who asks, and there is nobody; \
           nobody is in group:security"],
    );

    // Neither who asks nor who approves reviews.
    let review = "nobody could review it tonight: who asks or approves may not, and there is only";
    night(
        vec![ana(&["oncall", "admin"]), person("bo", &[], vec![bo.clone()])],
        &low(0),
        &[&format!("{review} ana")],
    );
    night(vec![all("ana", &plain(1)), all("bo", &bo)], &low(1), &[&format!("{review} ana, bo")]);
    night(vec![all("ana", &plain(1)), all("bo", &bo), all("cy", &cy)], &low(1), &[]);
    night(
        vec![all("ana", &plain(1)), all("bo", &bo), all("cy", &cy)],
        &low(2),
        &[&format!("{review} ana, bo, cy")],
    );
    // Each act that lacks somebody is named, not the first alone.
    night(
        vec![person("bo", &[], vec![bo])],
        &low(1),
        &[
            "nobody could activate it tonight: nobody is in group:oncall",
            "nobody could approve it tonight: it needs 1 besides who asks, and there is nobody; \
             nobody is in group:security",
            "nobody could review it tonight: who asks or approves may not, and there is nobody; \
             nobody is in group:admin",
        ],
    );
}

#[test]
fn p06_a_home_of_one_person_reviews_itself_unless_it_is_critical() {
    let ana = || person("ana", &GROUPS, vec![plain(1)]);
    night(vec![ana()], &playbook(0, Risk::High, Touch::Off), &[]);
    let review = ["nobody could review it tonight: who asks or approves may not, and there is only ana"];
    night(vec![ana()], &playbook(0, Risk::Critical, Touch::Off), &review);
    // Nor where there is another, whose key has ended: policy counts people.
    let bo = person("bo", &["admin"], vec![ended(plain(2))]);
    let with_bo = format!("{}; bo has no valid key", review[0]);
    night(vec![ana(), bo], &playbook(0, Risk::High, Touch::Off), &[&with_bo]);
}

#[test]
fn p04_touch_asks_for_security_keys_of_those_who_open_and_not_of_reviewers() {
    let people = |ana: RosterKey, bo: RosterKey| {
        vec![
            person("ana", &["oncall"], vec![ana]),
            person("bo", &["security"], vec![bo]),
            person("cy", &["admin"], vec![plain(3)]),
        ]
    };
    for touch in [Touch::Required, Touch::Verified] {
        let critical = playbook(1, Risk::Critical, touch);
        night(people(security(1), security(2)), &critical, &[]);
        night(
            people(plain(1), plain(2)),
            &critical,
            &[
                "nobody could activate it tonight: ana has no valid security key",
                "nobody could approve it tonight: it needs 1 besides who asks, and there is nobody; \
                 bo has no valid security key",
            ],
        );
        night(
            people(ended(security(1)), security(2)),
            &critical,
            &["nobody could activate it tonight: ana has no valid key"],
        );
    }
    let hardware =
        said(&playbook(0, Risk::Critical, Touch::Hardware), &roster(people(security(1), plain(2))));
    assert_eq!(hardware.len(), 1, "{hardware:?}");
    assert!(hardware[0].text.contains("ana has no key whose attestation glass can check"), "{hardware:?}");
    assert!(hardware[0].hint.contains("verified"), "{hardware:?}");
}

#[test]
fn the_hint_says_what_to_do_for_whom() {
    let people = vec![
        person("ana", &["oncall"], vec![ended(security(1))]),
        person("bo", &["oncall"], vec![plain(2)]),
        person("cy", &["admin"], vec![plain(3)]),
    ];
    let said = said(&playbook(0, Risk::Critical, Touch::Required), &roster(people));
    assert_eq!(
        said[0].to_string(),
        "break-glass/demo-file: nobody could activate it tonight: ana has no valid key; bo has no valid \
         security key; add people to `activate`, or to its groups in glass.toml, or renew a key of ana, or \
         give bo a security key (`ssh-keygen -t ed25519-sk`)"
    );
}

/// Whether some people could do a whole use, tried one by one: `policy` says who activates and
/// who reviews.
fn is_possible(scope: &Scope, roster: &Roster) -> bool {
    let fit = |person: &Person, touched: bool| {
        let mut keys = person.keys.iter().filter(|key| key.valid_at(now()));
        !roster.is_automation(person)
            && match scope.touch {
                Touch::Hardware if touched => false,
                Touch::Required | Touch::Verified if touched => keys.any(|key| key.key.kind() == SK_ED25519),
                _ => keys.next().is_some(),
            }
    };
    let needed = scope.approvals.as_ref().map_or(0, |approvals| approvals.needed);
    let people = roster.people();
    let at = Moment { wall: now(), boot_id: "b".into(), boot_ms: 0 };
    people.iter().filter(|p| roster.may_activate(p, &scope.activate) && fit(p, true)).any(|requester| {
        (0..1_u32 << people.len()).filter(|set| set.count_ones() as usize == needed).any(|set| {
            let waiting =
                Waiting { needed, within_s: 60, alone_after_s: None, asked: at.clone(), since: at.clone() };
            let mut grant = Grant {
                person: requester.name.clone(),
                state: State::AwaitingApproval,
                waiting: Some(waiting),
                ..closed()
            };
            for (_, person) in people.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1) {
                if Approver::of(&grant, scope, roster, &person.name, &at).is_err() {
                    return false;
                }
                let consent =
                    Consent { person: person.name.clone(), key: None, touch: None, at: now(), seq: 1 };
                grant.approvals.push(consent);
            }
            grant.state = State::Closed;
            let is_fit = |name: &String| roster.person(name).is_some_and(|person| fit(person, false));
            able(&grant, scope, roster).iter().any(is_fit)
        })
    })
}

/// Groups, one bit each, the last for automation; kind and validity of one key.
fn any_people() -> impl Strategy<Value = Vec<Person>> {
    let one = (0..16_u8, any::<bool>(), prop::bool::weighted(0.7));
    prop::collection::vec(one, 1..6).prop_map(|people| {
        let names = GROUPS.into_iter().chain(["bots"]);
        let made = people.into_iter().zip(0..).map(|((bits, is_security, is_valid), byte)| {
            let groups: Vec<&str> = names
                .clone()
                .enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1)
                .map(|(_, name)| name)
                .collect();
            let key = if is_security { security(byte) } else { plain(byte) };
            person(&format!("p{byte}"), &groups, vec![if is_valid { key } else { ended(key) }])
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn p06_nothing_is_said_exactly_where_some_people_could_do_a_whole_use(
        people in any_people(),
        needed in 0..3_usize,
        risk in prop::sample::select(vec![Risk::Low, Risk::High, Risk::Critical]),
        touch in prop::sample::select(vec![Touch::Off, Touch::Off, Touch::Required, Touch::Verified, Touch::Hardware]),
    ) {
        let (playbook, roster) = (playbook(needed, risk, touch), roster(people));
        let said = said(&playbook, &roster);
        prop_assert_eq!(said.is_empty(), is_possible(&playbook.scopes[0], &roster), "{:?}", said);
    }
}
