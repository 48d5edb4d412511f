//! Closing is proved and never forgotten (P2, P3): whatever the target, the disk, the database
//! or another process does.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod activations;
mod storage;
mod targets;

use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use support::Home;

/// A grant of the front door that lasts a second, is over, and that nobody watches.
fn due(home: &Home) -> String {
    let grant = unwatched(home, "1s");
    thread::sleep(Duration::from_millis(1_100));
    assert!(home.target.is_open(&grant));
    grant
}

fn unwatched(home: &Home, length: &str) -> String {
    let grant = home.activate_ok("front", &["--for", length]);
    home.kill_watchdog(&grant);
    grant
}

/// The wait before the next try is over, as far as the ledger knows.
fn wait_is_over(home: &Home) {
    let connection = Connection::open(home.ledger()).unwrap();
    connection.execute("UPDATE attempt SET wait_ms = 0", []).unwrap();
}

/// The database and what SQLite keeps beside it, put away under another name.
fn put_away(home: &Home) -> Vec<(PathBuf, PathBuf)> {
    let files = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", home.ledger().display())));
    let moved = files.into_iter().filter(|file| file.exists()).map(|file| {
        let away = file.with_extension(format!("{}.away", file.extension().unwrap().display()));
        fs::rename(&file, &away).unwrap();
        (file, away)
    });
    moved.collect()
}

fn put_back(files: &[(PathBuf, PathBuf)]) {
    for (file, away) in files {
        fs::rename(away, file).unwrap();
    }
}

fn step_state(home: &Home, grant: &str) -> String {
    home.status(grant)["steps"][0]["state"].as_str().unwrap().to_owned()
}
