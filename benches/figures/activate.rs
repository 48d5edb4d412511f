//! `activate`: machine time from the signature to the recorded intent.
//!
//! Whole cold processes on a real disk. glass is driven through a pseudo-terminal; the peer is
//! the `sqlite3` shell, started and waiting likewise. For both, the clock runs from the Enter
//! that sets the work off to the moment when another connection sees the commit.

use crate::home::{DISK, Scratch};
use crate::measure::{GLASS, Pair, command, time};
use crate::table::{Bound, Figure, note, print, seconds};
use crate::terminal::{at_terminal, read_until};
use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(20);
const ADDRESS: &str = "bench/quick";

/// p50 of so many activations, each paired with a durable commit of a cold `sqlite3`.
pub(crate) fn activate(rounds: usize) -> Result<()> {
    let scratch = Scratch::new(DISK)?;
    let peer = scratch.beside("peer.db");
    let shape = "CREATE TABLE entry(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL); \
                 CREATE TABLE head(size INTEGER); INSERT INTO head VALUES (0); PRAGMA journal_mode = WAL";
    Connection::open(&peer)?.execute_batch(shape)?;
    let mut times = Vec::new();
    for _ in 0..=rounds {
        times.push((intent(&scratch)?.as_secs_f64(), commit(&peer)?.as_secs_f64()));
    }
    let pair = Pair::of(&times[1..]);
    await_watchdogs(&scratch.path())?;
    print(&Figure {
        work: "activate, signature to recorded intent / one durable sqlite3 commit".into(),
        value: pair.ours / pair.peer,
        unit: "",
        bound: Bound::AtMost(3.0),
        detail: format!("{} : {} (p50 of {rounds})", seconds(pair.ours), seconds(pair.peer)),
    });
    note("both: from Enter, which also signs, to a commit that others see; cold processes, real disk");
    Ok(())
}

/// From the Enter after the confirmation to the request in the ledger.
fn intent(scratch: &Scratch) -> Result<Duration> {
    let (mut terminal, mut glass_process) = asked(scratch, ADDRESS)?;
    let watcher = Watcher::new(&scratch.place().database)?;
    terminal.write_all(ADDRESS.as_bytes())?;
    let began = Instant::now();
    terminal.write_all(b"\n")?;
    let took = watcher.await_growth(began)?;
    drop(watcher);
    // At the end of the last process at the terminal its reading fails.
    let mut rest = Vec::new();
    let _ = terminal.read_to_end(&mut rest);
    let said = String::from_utf8_lossy(&rest);
    ensure!(glass_process.wait()?.success(), "activation failed: {said}");
    time(&mut command(GLASS, &["--home", &scratch.path(), "revoke", "--all"]))?;
    Ok(took)
}

/// An activation that waits for its confirmation, and its terminal.
fn asked(scratch: &Scratch, address: &str) -> Result<(File, Child)> {
    let (home, key) = (scratch.path(), scratch.key());
    let args = ["--home", &home, "activate", address, "--key", &key, "--incident", "INC-1"];
    let args = [&args[..], &["--reason", "the normal path to the target is down"]].concat();
    let (mut terminal, glass) = at_terminal(GLASS, &args)?;
    read_until(&mut terminal, &format!("Type {address} to confirm: "))?;
    Ok((terminal, glass))
}

/// Activates a scope; gives the grant's id.
pub(crate) fn granted(scratch: &Scratch, address: &str) -> Result<String> {
    let (mut terminal, mut glass) = asked(scratch, address)?;
    writeln!(terminal, "{address}")?;
    let mut said = Vec::new();
    // At the end of the last process at the terminal its reading fails.
    let _ = terminal.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said);
    ensure!(glass.wait()?.success(), "activation failed: {said}");
    let grant = said.rsplit_once("glass revoke ").context("it does not say how to end it")?.1;
    Ok(grant.trim().to_owned())
}

/// From the Enter after an INSERT to the row in the database.
fn commit(database: &Path) -> Result<Duration> {
    let mut shell = command("sqlite3", &["-batch", &database.to_string_lossy()]);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = shell.stdin.take().context("no stdin")?;
    let mut answer = String::new();
    writeln!(input, "PRAGMA synchronous = FULL; SELECT 'size ' || size FROM head;")?;
    BufReader::new(shell.stdout.take().context("no stdout")?).read_line(&mut answer)?;
    ensure!(answer.starts_with("size"), "sqlite3 said {answer}");
    let watcher = Watcher::new(database)?;
    let insert = "BEGIN IMMEDIATE; INSERT INTO entry(bytes) VALUES (zeroblob(1500)); \
                  UPDATE head SET size = size + 1; COMMIT;";
    let began = Instant::now();
    writeln!(input, "{insert}")?;
    let took = watcher.await_growth(began)?;
    drop((watcher, input));
    ensure!(shell.wait()?.success(), "sqlite3 failed");
    Ok(took)
}

/// Another connection, which looks at the head again and again.
struct Watcher {
    connection: Connection,
    before: i64,
}

impl Watcher {
    fn new(database: &Path) -> Result<Self> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let before = size(&connection)?;
        Ok(Self { connection, before })
    }

    fn await_growth(&self, began: Instant) -> Result<Duration> {
        while began.elapsed() < TIMEOUT {
            if size(&self.connection)? > self.before {
                return Ok(began.elapsed());
            }
        }
        bail!("nothing was recorded")
    }
}

fn size(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("SELECT size FROM head")?.query_row([], |row| row.get(0))?)
}

/// The watchdogs of the grants that were closed end within their second.
fn await_watchdogs(home: &str) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < TIMEOUT {
        if !any_process_of(home)? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("a watchdog did not end")
}

fn any_process_of(home: &str) -> Result<bool> {
    for process in std::fs::read_dir("/proc")? {
        // A process may end while it is looked at.
        let line = std::fs::read(process?.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(home) {
            return Ok(true);
        }
    }
    Ok(false)
}
