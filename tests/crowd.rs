//! Many at once (acceptance: nothing is lost or doubled, nobody waits in vain).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::thread;
use support::{Home, Person, Ran, glass};

const ACTIVATIONS: usize = 20;
const OTHERS: usize = 10;

#[test]
fn p02_p03_twenty_activations_ten_expires_and_ten_statuses_at_once_all_succeed() {
    let home = Home::with_door();
    let mut people: Vec<Person> = (0..ACTIVATIONS).map(|_| home.person(&home.wish("front", &[]))).collect();
    for person in &mut people {
        person.expect("Type doors/front to confirm: ");
    }
    let (screens, runs) = thread::scope(|scope| {
        // All of them are let go at the same moment.
        let activations: Vec<_> = people
            .iter_mut()
            .map(|person| {
                scope.spawn(|| {
                    person.send_line("doors/front").exits(0);
                    person.screen()
                })
            })
            .collect();
        let others: Vec<_> = (0..OTHERS)
            .flat_map(|_| [vec!["expire"], vec!["status", "--all", "--format", "json"]])
            .map(|args| {
                let mut command = glass(&home, &args);
                scope.spawn(move || Ran::of(&mut command).exits(0))
            })
            .collect();
        let screens: Vec<String> = activations.into_iter().map(|one| one.join().unwrap()).collect();
        let runs: Vec<Ran> = others.into_iter().map(|one| one.join().unwrap()).collect();
        (screens, runs)
    });
    for said in screens.iter().chain(runs.iter().flat_map(|ran| [&ran.stdout, &ran.stderr])) {
        assert!(!said.contains("locked") && !said.contains("busy") && !said.contains("corrupt"), "{said}");
    }

    let grants = home.grants();
    assert_eq!(grants.len(), ACTIVATIONS);
    assert_eq!(
        home.target.open(),
        grants.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
    assert_eq!((home.target.calls("grant"), home.target.calls("revoke")), (ACTIVATIONS, 0));
    for grant in &grants {
        assert_eq!(home.kinds(grant), ["requested", "opening", "step-opened", "activated"], "{grant}");
        assert_eq!(home.watchdogs(grant).len(), 1, "{grant}");
        assert!(screens.iter().any(|screen| screen.contains(&format!("glass revoke {grant}"))), "{grant}");
    }
    home.run(&["ledger", "verify"]).exits(0);

    // And all of them are ended at once, by several who don't know of each other.
    let ends: Vec<_> = (0..4)
        .map(|_| {
            let mut command = glass(&home, &["revoke", "--all"]);
            thread::spawn(move || Ran::of(&mut command).exits(0))
        })
        .collect();
    for end in ends {
        assert!(!end.join().unwrap().stderr.contains("locked"));
    }
    assert_eq!(home.target.calls("revoke"), ACTIVATIONS, "each was revoked once");
    for grant in &grants {
        let kinds = home.kinds(grant);
        assert_eq!(kinds[4..], ["closing", "step-closed", "closed"], "{grant}");
    }
    home.settled();
}
