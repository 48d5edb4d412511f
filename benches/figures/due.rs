//! `expire` with many due grants, against closing them one by one.

use crate::history::{Life, live};
use crate::home::{MEMORY, Scratch};
use crate::measure::{GLASS, command, time};
use crate::table::{Bound, Figure, note, print, seconds};
use anyhow::{Result, ensure};
use glass::ports::config::Environment;
use glass::ports::ledger::{Cause, Ledger};
use glass::usecases::closing::{Ending, close_one};
use glass::usecases::context::Context;
use std::sync::Mutex;
use std::time::Instant;

/// Enough of them, one by one, to tell the mean.
const SAMPLE: usize = 40;

/// All due grants at once by `expire`; a sample of as many more, one after the other, in this
/// process: no start of a process is counted against them.
pub(crate) fn due(grants: usize) -> Result<()> {
    let mut scratch = Scratch::new(MEMORY)?;
    let ids = live(&mut scratch, Life::Due, grants + SAMPLE)?;
    let context = Context::at(scratch.home(), Environment::default(), |_| {})?;
    let ledger = Mutex::new(scratch.open()?);
    let began = Instant::now();
    for id in &ids[..SAMPLE] {
        let ending = close_one(&context, Some(&ledger), id, Cause::Expired, None)?;
        ensure!(ending == Ending::Ended, "{id} ended as {ending:?}");
    }
    let each = began.elapsed().as_secs_f64() / SAMPLE as f64;
    drop(ledger);
    let together = time(&mut command(GLASS, &["--home", &scratch.path(), "expire"]))?.as_secs_f64();
    let left = Ledger::open_read(&scratch.place())?.open_grants()?.len();
    ensure!(left == 0, "{left} grants are still open");
    let alone = each * grants as f64;
    print(&Figure {
        work: format!("one by one / expire, {grants} due grants whose steps wait 50 ms"),
        value: alone / together,
        unit: "",
        bound: Bound::AtLeast(8.0),
        detail: format!("{} : {}", seconds(alone), seconds(together)),
    });
    note(&format!("one by one: {} each, from {SAMPLE} of them", seconds(each)));
    Ok(())
}
