//! The processes of a session: a command that a person works with, and all that it starts.
//!
//! glass as the person started it is the *front*; its child, the *keeper*, is a re-execution of
//! this same binary (`__session`), leads the session on its terminal, and adopts what the command
//! leaves behind (`PR_SET_CHILD_SUBREAPER`). The command runs in a process group of its own within
//! that session, so that it can be stopped and go on like any job. The keeper never gives up its
//! user: a session of another user can't kill it. Where root can make one, the command and all
//! that it starts are in a cgroup.
//!
//! Whoever of them dies, the other ends the rest: the keeper when its control socket ends, the
//! front, which adopts too, when its keeper does. What both leave behind the close plan names, for
//! [`end_session`].

mod cgroup;
mod command;
mod descendants;
mod ending;
mod frame;
mod keeper;
mod running;
mod user;

pub use cgroup::Cell;
pub use command::become_session_command;
pub use ending::{end_session, end_unplanned, holds_this_process};
pub use keeper::become_keeper;
pub use running::{News, Running, Waiting};
pub use user::User;

use super::invocation::NotStarted;
use crate::core::entry::Containment;
use secrecy::SecretString;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The hidden first argument of a keeper.
pub const KEEPER: &str = "__session";

/// The hidden first argument of the half that becomes the command.
pub const COMMAND: &str = "__session-command";

/// A command of a session, all resolved. No `Debug`: it holds secrets.
pub struct SessionCommand {
    /// A path, or a name that is looked for on the `PATH` among its variables.
    pub program: OsString,
    /// Arguments after the program's name.
    pub args: Vec<OsString>,
    /// Every variable that it has.
    pub env: Vec<(OsString, SecretString)>,
    /// Variables that are no text; they hold no secret of a grant.
    pub odd_env: Vec<(OsString, OsString)>,
    /// Where it runs; `/` where its user can't go there.
    pub directory: PathBuf,
    /// Whom it becomes; absent: the user who runs glass.
    pub user: Option<User>,
    /// Standard input, output and error.
    pub streams: [Stream; 3],
}

/// Where a stream of a session's command leads.
#[derive(Debug)]
pub enum Stream {
    /// The session's own terminal.
    Terminal,
    /// A pipe, or what glass itself was given.
    Given(OwnedFd),
}

/// What would hold a session of this process together. Makes nothing.
pub fn containment() -> Containment {
    if Cell::is_possible() { Containment::Cgroup } else { Containment::Subreaper }
}

/// From now on this process adopts what its children leave behind.
///
/// # Errors
/// The system refuses.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Starts a session up to its gate: nothing of the command has run yet.
pub(crate) fn prepare(
    command: SessionCommand,
    terminal: Option<OwnedFd>,
    cell: Option<Cell>,
) -> Result<Waiting, NotStarted> {
    running::start(command, terminal, cell)
}
