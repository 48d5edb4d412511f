//! The only ways in: each takes the permit that only the ledger makes, so that no command
//! can run before what allows it was recorded (P1).

use super::invocation::{Invocation, NotStarted};
use super::prepared::{Prepared, prepare, run};
use super::session::{self, Cell, SessionCommand};
use crate::core::proof::Outcome;
use crate::ports::ledger::{Attending, Closing, Opening, Registered};
use std::os::fd::OwnedFd;

/// Makes a step's `grant` ready: it waits at its gate until [`Prepared::run`].
///
/// # Errors
/// No process of it was ever started.
pub fn prepare_grant(_permit: &Opening, invocation: &Invocation) -> Result<Prepared, NotStarted> {
    prepare(invocation)
}

/// Starts a session up to its gate: its command waits until [`session::Waiting::begin`]. `terminal`
/// is the session's side of a pseudo-terminal, `cell` what holds it together.
///
/// # Errors
/// Nothing of the command ever ran.
pub fn prepare_session(
    _permit: &Attending,
    command: SessionCommand,
    terminal: Option<OwnedFd>,
    cell: Option<Cell>,
) -> Result<session::Waiting, NotStarted> {
    session::prepare(command, terminal, cell)
}

/// Runs a step's `revoke`, `end` or `check`.
pub fn close(_permit: &Closing, invocation: &Invocation) -> Outcome {
    run(invocation)
}

/// Runs a criterion's probe, which opens and closes nothing.
pub fn probe(_registered: &Registered, invocation: &Invocation) -> Outcome {
    run(invocation)
}
