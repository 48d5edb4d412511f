//! The queue: what owes its review, one after the other, with skip and back.

use super::questions::{Answer, verdict_or_move};
use super::{Case, Desk, Given, Judged, Known, record_refusal};
use crate::ports::ledger::Which;
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::path::Path;

/// What was done with the queue.
#[derive(Debug, Default)]
pub struct Cleared {
    /// How many verdicts were given.
    pub judged: usize,
    /// How many are left for this person.
    pub left: usize,
    /// How many are for others.
    pub for_others: usize,
}

/// Goes through what this person may review, the longest overdue first. `each` is told of every
/// verdict as soon as it is recorded; what is refused or abandoned is recorded, and ends it.
pub fn queue(context: &Context, key: Option<&Path>, each: impl FnMut(&Judged)) -> Result<Cleared, Failure> {
    let mut known = Known::default();
    attempt(context, key, each, &mut known).inspect_err(|failure| record_refusal(context, failure, known))
}

fn attempt(
    context: &Context,
    key: Option<&Path>,
    mut each: impl FnMut(&Judged),
    known: &mut Known,
) -> Result<Cleared, Failure> {
    let terminal = Terminal::open()?;
    let ledger = context.ledger_to_open()?;
    let mut desk = Desk::open(context, terminal, ledger, key, known)?;
    let (mut queue, mut cleared) = (Vec::new(), Cleared::default());
    for row in desk.ledger.grants(&Which::Owed)? {
        match desk.take(&row.id, &mut Known::default()) {
            Ok(_) => queue.push(row.id),
            Err(failure) if failure.kind == Kind::Refused => cleared.for_others += 1,
            Err(failure) => return Err(failure),
        }
    }
    let mut judged = vec![false; queue.len()];
    let mut at = 0;
    while let Some(grant) = queue.get(at) {
        if judged[at] {
            desk.terminal.say(&format!("{grant} has its verdict."))?;
            at += 1;
            continue;
        }
        // Read anew: it may have been reviewed by someone else since.
        let case: Case = desk.take(grant, known)?;
        desk.show(context, &case)?;
        desk.terminal.say(&format!("{} of {}.", at + 1, queue.len()))?;
        match verdict_or_move(context, &mut desk.terminal, &case)? {
            Answer::Verdict(verdict) => {
                each(&desk.judge(&case, verdict, Given::default())?);
                judged[at] = true;
                at += 1;
            }
            Answer::Skip => at += 1,
            // Over those that have their verdict; from the first there is no way back.
            Answer::Back => at = (0..at).rev().find(|before| !judged[*before]).unwrap_or(at),
            Answer::Quit => break,
        }
    }
    cleared.judged = judged.iter().filter(|judged| **judged).count();
    cleared.left = judged.iter().filter(|judged| !**judged).count();
    Ok(cleared)
}
