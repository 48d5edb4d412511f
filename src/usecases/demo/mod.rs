//! `demo`: the whole life of a grant in a throw-away home, with the very commands a person
//! types, through a terminal of its own.

mod scene;

use crate::core::text::escape;
use crate::ports::config::Environment;
use crate::ports::pseudoterminal::Performed;
use crate::ports::terminal::HeldSignals;
use crate::usecases::failure::{Failure, Kind};
use scene::Scene;
use std::path::Path;

/// Plays the demo. With `keep` the home and the repository stay in that directory.
pub fn demo(environment: &Environment, keep: Option<&Path>, say: fn(&str)) -> Result<(), Failure> {
    let held = HeldSignals::hold().map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
    let mut scene = Scene::set(environment, keep, say, held)?;
    let played = play(&mut scene);
    // What is open is closed, and what was made is removed, however it went.
    let struck = scene.strike();
    played.and(struck)
}

fn play(scene: &mut Scene) -> Result<(), Failure> {
    scene.tell(&["A bare git repository, whose update hook protects main. Nobody can push to it:"]);
    scene.commit("Mend the release")?;
    expect(&scene.git(&["push", "--quiet", "origin", "main"])?, &[1], "main is protected")?;

    scene.tell(&[
        "Beforehand, in quiet times: ana makes a home for glass, and registers a playbook.",
        "It says what may be opened, by whom, for how long, and who reviews it afterwards.",
    ]);
    expect(&scene.glass(&["init", "--person", "ana", "--key", "ana.pub"], &[])?, &[0], "Made the ledger")?;
    scene.write_drafts()?;
    scene.quietly(true);
    let registered =
        scene.glass(&["register", "--key", "ana"], &[("Type register to confirm: ", "register")])?;
    scene.quietly(false);
    expect(&registered, &[0], "Registered by ana")?;
    scene.tell(&["(It showed every line of both files, and ana signed them.)"]);
    scene.glass(&["playbook", "list"], &[])?;

    scene.tell(&["03:00, the checks are broken for everyone. ana breaks the glass, for a few seconds:"]);
    let activated = scene.glass(
        &["activate", "push-main", "--for", "6s", "--key", "ana"],
        &[
            ("[y/N] ", "y"),
            ("Incident: ", "INC-2041"),
            ("Reason: ", "required checks fail on an expired token, release is blocked"),
            ("Type pipeline/push-main to confirm: ", "pipeline/push-main"),
        ],
    )?;
    expect(&activated, &[0], "OPEN  pipeline/push-main")?;
    let grant = grant_of(&activated)?;
    scene.tell(&["It is open, and the push goes through:"]);
    expect(&scene.git(&["push", "--quiet", "origin", "main"])?, &[0], "")?;
    scene.glass(&["status"], &[])?;

    scene.tell(&["Nobody does anything now. The grant ends by itself, and glass proves that it did:"]);
    scene.wait_until_closed(&grant)?;
    scene.glass(&["status", &grant], &[])?;
    scene.commit("One more change")?;
    expect(&scene.git(&["push", "--quiet", "origin", "main"])?, &[1], "main is protected")?;

    scene.tell(&["The use must be judged, by another person. Not by ana, who asked for it:"]);
    let verdict = ["--verdict", "justified", "--note", "the token had expired, the rotation is mended"];
    let review = |key: &'static str| [&["review", &grant], &verdict[..], &["--key", key]].concat();
    expect(&scene.glass(&review("ana"), &[])?, &[3], "")?;
    scene.tell(&["ben may:"]);
    let confirm = format!("Type {grant} to confirm: ");
    expect(&scene.glass(&review("ben"), &[(&confirm, &grant)])?, &[0], "")?;

    scene.tell(&["Everything is on record. Anyone can check it, trusting neither this host nor glass:"]);
    expect(&scene.glass(&["ledger", "verify"], &[])?, &[0], "OK:")?;

    scene.tell(&["Suppose the owner of the files edits one byte of ana's reason (here, in a copy):"]);
    scene.tamper("required checks fail on")?;
    expect(&scene.glass(&["--home", "edited", "ledger", "verify"], &[])?, &[5], "entry")?;

    scene
        .tell(&["That is glass: opened under signature, closed by itself, proved, reviewed, and on record."]);
    Ok(())
}

/// The demo claims nothing that did not happen.
fn expect(performed: &Performed, codes: &[i32], words: &str) -> Result<(), Failure> {
    if codes.contains(&performed.code) && performed.screen.contains(words) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Failed,
        format!("the demo went wrong: exit code {} came instead of {codes:?}", performed.code),
    )
    .hint("the lines above say why; is git installed, and is there room in the temporary directory?"))
}

/// The id that `activate` told.
fn grant_of(performed: &Performed) -> Result<String, Failure> {
    let told =
        performed.screen.rsplit("glass revoke ").next().and_then(|rest| rest.split_whitespace().next());
    match told.filter(|id| id.parse::<crate::core::id::GrantId>().is_ok()) {
        Some(id) => Ok(id.to_owned()),
        None => Err(Failure::new(Kind::Failed, format!("no grant in: {}", escape(&performed.screen)))),
    }
}
