//! The room that starts processes, and that keeps what they hand back in secret.
//!
//! Every command runs as a re-execution of this same binary (`__spawn`), which makes itself
//! harmless first: its own session without a terminal, no inherited descriptor, no inherited
//! environment, no core dump, the right user. It then waits at a *gate*; what it is to do
//! happens only after [`Prepared::run`] has opened the gate, so the caller can write down
//! the process group before the first effect.

pub mod session;
pub mod watchdog;

mod capture;
mod hook;
mod invocation;
mod leader;
mod permitted;
pub(crate) mod prepared;
mod process_group;
mod request;
mod runtime;
mod spawn;
mod tree;
mod wipe;

pub use hook::HookDir;
pub use invocation::{Invocation, NotStarted, Stdin};
pub use permitted::{close, prepare_grant, prepare_session, probe};
pub use prepared::Prepared;
pub use process_group::end_process_group;
pub use runtime::{NoTmpfs, RuntimeDir, RuntimeError, places_of_grant};
pub use spawn::{bar_core_dumps, become_command};
pub use tree::{Change, Tree};
pub use wipe::wipe;

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
