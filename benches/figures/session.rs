//! A recorded session against `script(1)`: the same `cat` of the same text, each at a terminal
//! that is read as fast as it can be; and the session's memory.

use crate::activate::granted;
use crate::home::{DISK, Scratch};
use crate::measure::{GLASS, Pair, command, time};
use crate::table::{Bound, Figure, note, print, seconds};
use crate::terminal::at_terminal;
use anyhow::{Context as _, Result, ensure};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// So much longer than what is timed is the session whose memory is looked at.
const LONGER: u64 = 4;

/// So many pairs of sessions that each print `mib` MiB, and one that prints four times as much.
pub(crate) fn session(mib: u64, rounds: usize) -> Result<()> {
    let scratch = Scratch::new(DISK)?;
    let grant = granted(&scratch, "bench/recorded")?;
    let (home, text) = (scratch.path(), scratch.beside("text").to_string_lossy().into_owned());
    let typescript = scratch.beside("typescript").to_string_lossy().into_owned();
    let cat = format!("cat {text}");
    let glass = ["--home", &home, "exec", &grant, "--", "cat", &text];
    let script = ["-qec", &cat, &typescript];

    write_text(&text, mib * MIB)?;
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let script = Played::of("script", &script, mib)?.took;
        fs::remove_file(&typescript)?;
        let glass = Played::of(GLASS, &glass, mib)?.took;
        forget(&scratch)?;
        times.push((script.as_secs_f64(), glass.as_secs_f64()));
    }
    // The first of each does not count. Less time is more throughput.
    let Pair { ours: script, peer: recorded, ratio } = Pair::of(&times[1..]);
    let speed = |took: f64| mib as f64 / took;
    print(&Figure {
        work: format!("recorded session that prints {mib} MiB / script(1), throughput"),
        value: ratio,
        unit: "",
        bound: Bound::AtLeast(0.7),
        detail: format!(
            "{} : {} ({:.0} : {:.0} MiB/s, {rounds} pairs)",
            seconds(recorded),
            seconds(script),
            speed(recorded),
            speed(script)
        ),
    });

    let long = mib * LONGER;
    write_text(&text, long * MIB)?;
    let played = Played::of(GLASS, &glass, long)?;
    print(&Figure {
        work: format!("the same, printing {long} MiB, peak memory of the front"),
        value: played.front.whole,
        unit: " MiB",
        bound: Bound::AtMost(40.0),
        detail: format!("{:.1} MiB after a quarter", played.front.quarter),
    });
    print(&Figure {
        work: "the same, of its keeper".into(),
        value: played.keeper.whole,
        unit: " MiB",
        bound: Bound::AtMost(40.0),
        detail: format!("{:.1} MiB after a quarter", played.keeper.quarter),
    });
    note(
        "both at a pseudo-terminal that the bench reads, on the same disk; glass binds and syncs, script does not",
    );
    time(&mut command(GLASS, &["--home", &home, "revoke", "--all"]))?;
    Ok(())
}

/// Peak memory in MiB.
#[derive(Clone, Copy, Default)]
struct Peak {
    quarter: f64,
    whole: f64,
}

/// A session from its start to its end.
struct Played {
    took: Duration,
    front: Peak,
    keeper: Peak,
}

impl Played {
    /// Runs a program that prints so many MiB or more.
    fn of(program: &str, args: &[&str], mib: u64) -> Result<Self> {
        let began = Instant::now();
        let (mut terminal, mut child) = at_terminal(program, args)?;
        let (front, over) = (child.id(), AtomicBool::new(false));
        let (quarter, took, printed, peaks) = thread::scope(|scope| {
            let watch = scope.spawn(|| watch(front, &over));
            let mut quarter = None;
            let (mut printed, mut last, mut buffer) = (0, Vec::new(), vec![0; 256 * 1024]);
            // At the end of the last process at the terminal its reading fails.
            while let Ok(length @ 1..) = terminal.read(&mut buffer) {
                printed += length as u64;
                last = buffer[length.saturating_sub(200)..length].to_vec();
                if quarter.is_none() && printed >= mib * MIB / 4 {
                    quarter = Some(began.elapsed());
                }
            }
            let status = child.wait();
            let took = began.elapsed();
            over.store(true, Ordering::Relaxed);
            let said = String::from_utf8_lossy(&last);
            ensure!(status?.success(), "{program} failed: {said}");
            let peaks = watch.join().ok().context("the watcher failed")?;
            Ok((quarter.context("it printed too little")?, took, printed, peaks))
        })?;
        ensure!(printed >= mib * MIB, "{program} printed {printed} bytes only");
        let peak = |which: fn(&Sample) -> f64| Peak {
            quarter: peaks.iter().rfind(|sample| sample.at <= began + quarter).map_or(0.0, which),
            whole: peaks.iter().map(which).fold(0.0, f64::max),
        };
        Ok(Self { took, front: peak(|sample| sample.front), keeper: peak(|sample| sample.keeper) })
    }
}

/// Peaks so far.
struct Sample {
    at: Instant,
    front: f64,
    keeper: f64,
}

/// Looks every so often until it is over.
fn watch(front: u32, over: &AtomicBool) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let children = format!("/proc/{front}/task/{front}/children");
        // What has ended meanwhile has no memory.
        let children = fs::read_to_string(children).unwrap_or_default();
        let keeper = children.split_whitespace().filter_map(peak_mib).fold(0.0, f64::max);
        let front = peak_mib(&front.to_string()).unwrap_or_default();
        samples.push(Sample { at: Instant::now(), front, keeper });
        thread::sleep(Duration::from_millis(50));
    }
    samples
}

fn peak_mib(process: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix(" kB")?
        .parse()
        .ok()?;
    Some(kib / 1024.0)
}

/// What a build, a log and a listing print: lines of up to 80 columns, some of it coloured, some
/// of it not ASCII.
fn write_text(path: &str, length: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut number) = (0, 0_u64);
    while written < length {
        number += 1;
        // A multiplicative hash: columns that differ from line to line.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let line = match number % 8 {
            0 => format!(
                "\u{1b}[1;32m   Compiling\u{1b}[0m part-{mixed} v0.{}.{} (registry)\n",
                mixed % 90,
                mixed % 7
            ),
            1 => format!(
                "-rw-r--r-- 1 ana  ana  {mixed:>9} Nov 24 03:{:02} über-größe-{number}.log\n",
                mixed % 60
            ),
            2 => format!("│ {mixed:>8} │ {number:>10} │ {:<40} │\n", "SELECT count(*) FROM session"),
            3 => format!(
                "\u{1b}[31mERROR\u{1b}[0m worker {}: \"connection reset\" after {mixed} ms\n",
                mixed % 64
            ),
            _ => format!(
                "2026-11-24T03:00:{:02}Z host-{} app[{mixed}]: request {number} served in {} ms\n",
                number % 60,
                mixed % 9,
                mixed % 800
            ),
        };
        file.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    Ok(file.flush()?)
}

/// Removes the recordings: they are many times the size of what is left.
fn forget(scratch: &Scratch) -> Result<()> {
    let recordings = Path::new(&scratch.path()).join("recordings");
    for entry in fs::read_dir(&recordings)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}
