//! Whole processes, paired with a named peer in the same run: what else the machine does at
//! that moment slows both, and the ratio stays.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary that is measured.
pub(crate) const GLASS: &str = env!("CARGO_BIN_EXE_glass");

/// The middle value.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Two things measured in turn.
pub(crate) struct Pair {
    /// Median of the first, in seconds.
    pub(crate) ours: f64,
    /// Median of the second, in seconds.
    pub(crate) peer: f64,
    /// Median of the ratios of each turn.
    pub(crate) ratio: f64,
}

impl Pair {
    pub(crate) fn of(times: &[(f64, f64)]) -> Self {
        Self {
            ours: median(times.iter().map(|time| time.0).collect()),
            peer: median(times.iter().map(|time| time.1).collect()),
            ratio: median(times.iter().map(|time| time.0 / time.1).collect()),
        }
    }
}

/// Measures A B A B …, after one of each that does not count.
pub(crate) fn pair(
    rounds: usize,
    mut ours: impl FnMut() -> Result<Duration>,
    mut peer: impl FnMut() -> Result<Duration>,
) -> Result<Pair> {
    ours()?;
    peer()?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        times.push((ours()?.as_secs_f64(), peer()?.as_secs_f64()));
    }
    Ok(Pair::of(&times))
}

/// A command without input, whose output nobody reads; it may take its environment from none.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// From its start to its end, which must be a success.
pub(crate) fn time(command: &mut Command) -> Result<Duration> {
    let began = Instant::now();
    let status = command.status().with_context(|| format!("{command:?} can't be started"))?;
    let took = began.elapsed();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(took)
}

/// Its output, where it is a success.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    Ok(output)
}

/// The hidden first argument of the small process that [`peak_kib`] asks.
pub(crate) const PEAK: &str = "__peak";

/// Peak memory of a command in KiB.
///
/// A process counts the memory of the one that forked it: so a small one of its own does.
pub(crate) fn peak_kib(program: &str, args: &[&str]) -> Result<u64> {
    let this = std::env::current_exe()?;
    let mut asked = command(&this.to_string_lossy(), &[PEAK, program]);
    let output = output(asked.args(args))?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// That small process.
pub(crate) fn tell_peak(args: &[String]) -> Result<String> {
    let (program, args) = args.split_first().context("no program")?;
    time(&mut command(program, &args.iter().map(String::as_str).collect::<Vec<_>>()))?;
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    Ok(usage.max_rss().to_string())
}
