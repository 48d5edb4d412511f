//! The room that starts processes, and that keeps what they hand back in secret.
//!
//! Every command runs as a re-execution of this same binary (`__spawn`), which makes itself
//! harmless first: its own session without a terminal, no inherited descriptor, no inherited
//! environment, no core dump, the right user. It then waits at a *gate*; what it is to do
//! happens only after [`Prepared::run`] has opened the gate, so the caller can write down
//! the process group before the first effect.

mod capture;
mod invocation;
mod leader;
mod prepared;
mod process_group;
mod request;
mod runtime;
mod spawn;
mod watchdog;

pub use invocation::{Invocation, NotStarted, Stdin};
pub use prepared::{Prepared, prepare, run};
pub use process_group::end_process_group;
pub use runtime::{NoTmpfs, RuntimeDir, RuntimeError, wipe};
pub use spawn::become_command;
#[cfg(test)]
pub(crate) use watchdog::detach;
pub use watchdog::{Armed, NotArmed, report_armed, spawn_detached};

/// The hidden first argument that makes this binary the waiting half of a command.
pub const SPAWN: &str = "__spawn";

/// The hidden first argument of a grant's watchdog.
pub const WATCHDOG: &str = "__watchdog";

/// This same binary, even when the file was replaced since it started.
#[cfg(not(test))]
fn own_binary() -> &'static std::ffi::OsStr {
    std::ffi::OsStr::new("/proc/self/exe")
}

/// A test binary can't be started as glass; `tests/effect.rs` knows where glass was built.
#[cfg(test)]
fn own_binary() -> &'static std::ffi::OsStr {
    std::ffi::OsStr::new(option_env!("CARGO_BIN_EXE_glass").unwrap_or("/nonexistent/glass"))
}
