//! `expire` with nothing due, and `status`, on a long history.

use crate::home::{MEMORY, Scratch};
use crate::measure::{GLASS, Pair, command, pair, peak_kib, time};
use crate::table::{Bound, Figure, note, print, seconds};
use anyhow::{Result, ensure};
use std::time::SystemTime;

fn both(pair: &Pair) -> String {
    format!("{} : {}", seconds(pair.ours), seconds(pair.peer))
}

/// `expire` on a ledger where nothing is open.
pub(crate) fn expire(history: &Scratch, rounds: usize) -> Result<()> {
    let empty = Scratch::new(MEMORY)?;
    let size = history.open()?.head()?.frontier.size();
    let expire = |scratch: &Scratch| time(&mut command(GLASS, &["--home", &scratch.path(), "expire"]));
    expire(history)?;
    let before = state(history)?;
    let to_empty = pair(rounds, || expire(history), || expire(&empty))?;
    print(&Figure {
        work: format!("expire, nothing due, {size} entries / empty ledger"),
        value: to_empty.ratio,
        unit: "",
        bound: Bound::AtMost(1.2),
        detail: both(&to_empty),
    });
    let database = history.place().database.to_string_lossy().into_owned();
    let query = r#"SELECT id FROM "grant" WHERE state NOT IN ('closed', 'activation-failed')"#;
    let shell = || time(&mut command("sqlite3", &[&database, query]));
    let to_shell = pair(rounds, || expire(history), shell)?;
    print(&Figure {
        work: "expire, nothing due / sqlite3 shell, the query for what is live".into(),
        value: to_shell.ratio,
        unit: "",
        bound: Bound::AtMost(2.0),
        detail: both(&to_shell),
    });
    print(&Figure {
        work: "expire, nothing due, peak memory".into(),
        value: peak_kib(GLASS, &["--home", &history.path(), "expire"])? as f64 / 1024.0,
        unit: " MiB",
        bound: Bound::AtMost(16.0),
        detail: String::new(),
    });
    let appended = u64::from(state(history)? != before);
    print(&Figure {
        work: "expire, nothing due, appends or writes to the database".into(),
        value: appended as f64,
        unit: "",
        bound: Bound::AtMost(0.0),
        detail: "head, length and time of the file".into(),
    });
    Ok(())
}

/// What an append would change.
fn state(scratch: &Scratch) -> Result<(u64, u64, SystemTime)> {
    let ledger = glass::ports::ledger::Ledger::open_read(&scratch.place())?;
    let file = std::fs::metadata(scratch.place().database)?;
    Ok((ledger.head()?.frontier.size(), file.len(), file.modified()?))
}

/// `status` and `review --list` on a history of reviewed grants, against a ledger without it;
/// both owe as many reviews.
pub(crate) fn status(
    history: &Scratch,
    without: &Scratch,
    (grants, owed): (usize, usize),
    rounds: usize,
) -> Result<()> {
    for verb in [&["status"][..], &["review", "--list"]] {
        let ratio = measure(verb, history, without, rounds)?;
        print(&Figure {
            work: format!("{}, {owed} owed, {grants} reviewed grants / none", verb.join(" ")),
            value: ratio.ratio,
            unit: "",
            bound: Bound::AtMost(1.5),
            detail: both(&ratio),
        });
    }
    Ok(())
}

/// `status` where every grant of the history still owes its review.
pub(crate) fn status_owed(history: &Scratch, grants: usize, rounds: usize) -> Result<()> {
    let empty = Scratch::new(MEMORY)?;
    let pair = measure(&["status"], history, &empty, rounds.min(3))?;
    note(&format!(
        "status with {grants} reviews owed, each of them listed: {} × empty ({}); no bound is set for it",
        pair.ratio.round(),
        both(&pair)
    ));
    Ok(())
}

fn measure(verb: &[&str], history: &Scratch, peer: &Scratch, rounds: usize) -> Result<Pair> {
    let run = |scratch: &Scratch| {
        let path = scratch.path();
        time(&mut command(GLASS, &[&["--home", &path], verb].concat()))
    };
    ensure!(rounds > 0, "at least one round");
    pair(rounds, || run(history), || run(peer))
}
