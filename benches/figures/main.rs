//! The figures that glass is to hold, measured and printed as ratios:
//!
//! ```text
//! cargo bench --bench figures                                     all, at full size (minutes)
//! cargo bench --bench figures -- --entries 100000                 all, smaller
//! cargo bench --bench figures -- expire --entries 100000          one of them
//! ```
//!
//! Whole processes are paired with a named peer in the same run; a ratio is the median of the
//! ratios of the pairs.

// A bench starts processes, reads clocks and prints: that is what it is for.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod activate;
mod due;
mod history;
mod home;
mod idle;
mod measure;
mod session;
mod start;
mod table;
mod terminal;
mod verify;

use anyhow::{Context, Result, bail, ensure};
use glass::ports::effect;
use history::{Life, live};
use home::{MEMORY, Scratch};
use std::process::ExitCode;
use std::time::Instant;

const NAMES: [&str; 7] = ["start", "expire", "status", "activate", "due", "verify", "session"];

/// Reviews that are owed beside the history: a busy month.
const OWED: usize = 30;

/// What to measure, at which size.
struct Options {
    names: Vec<String>,
    /// Entries of the long ledger; ten to a grant.
    entries: usize,
    /// Due grants.
    due: usize,
    /// Pairs of whole processes.
    rounds: usize,
    /// What a timed session prints, MiB.
    mib: usize,
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let mut options = Self { names: Vec::new(), entries: 1_000_000, due: 1_000, rounds: 101, mib: 256 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut number = || -> Result<usize> {
                let value = args.next().with_context(|| format!("{arg} takes a number"))?;
                value.parse().with_context(|| format!("{arg} {value}"))
            };
            match arg.as_str() {
                // Cargo says so to every bench.
                "--bench" => {}
                "--entries" => options.entries = number()?,
                "--due" => options.due = number()?,
                "--rounds" => options.rounds = number()?,
                "--mib" => options.mib = number()?,
                name if NAMES.contains(&name) => options.names.push(name.to_owned()),
                other => bail!("{other}? There are {}, --entries, --due, --rounds, --mib", NAMES.join(", ")),
            }
        }
        ensure!(
            options.entries >= 1_000 && options.due > 0 && options.rounds > 0 && options.mib > 0,
            "too small to measure"
        );
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }

    const fn grants(&self) -> usize {
        self.entries / 10
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        // Closing one by one happens in this process: it starts itself as glass would.
        Some(effect::SPAWN) => return effect::become_command(),
        Some(measure::PEAK) => measure::tell_peak(&args[1..]).map(|peak| println!("{peak}")),
        _ => Options::read(&args).and_then(|options| run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("glass {}, {cores} cores; ours : peer, as measured\n", env!("CARGO_PKG_VERSION"));
    if options.wants("start") {
        start::start(options.rounds)?;
    }
    if options.wants("activate") {
        activate::activate(options.rounds.min(50))?;
    }
    if options.wants("due") {
        due::due(options.due)?;
    }
    if options.wants("session") {
        session::session(options.mib as u64, options.rounds.min(5))?;
    }
    if ["expire", "status", "verify"].iter().any(|name| options.wants(name)) {
        let history = long(Life::Closed, options.grants())?;
        if options.wants("expire") {
            idle::expire(&history, options.rounds)?;
        }
        if options.wants("verify") {
            verify::verify(&history, &long(Life::Closed, options.grants() / 10)?)?;
        }
        if options.wants("status") {
            idle::status_owed(&history, options.grants(), options.rounds)?;
        }
    }
    if options.wants("status") {
        let (mut history, mut without) = (long(Life::Reviewed, options.grants())?, Scratch::new(MEMORY)?);
        idle::status(&history, &without, (options.grants(), 0), options.rounds)?;
        for scratch in [&mut history, &mut without] {
            live(scratch, Life::Closed, OWED)?;
        }
        idle::status(&history, &without, (options.grants(), OWED), options.rounds)?;
    }
    Ok(())
}

/// A home with so many grants behind it.
fn long(life: Life, grants: usize) -> Result<Scratch> {
    let began = Instant::now();
    let mut scratch = Scratch::new(MEMORY)?;
    live(&mut scratch, life, grants)?;
    let size = scratch.open()?.head()?.frontier.size();
    table::note(&format!("appended {size} entries in {:.1} s", began.elapsed().as_secs_f64()));
    Ok(scratch)
}
