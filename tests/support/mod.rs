//! What the tests of the built binary share: a home, a target, a person at a terminal.
//!
//! Each test has directories, keys and processes of its own, and leaves none of them behind.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod authenticator;
mod cast;
mod harsh;
mod hints;
mod home;
mod needs;
mod pane;
mod person;
mod playbook;
mod processes;
mod ran;
mod session;
mod target;
mod wait;

pub use authenticator::{Authenticator, Manner, NOBODY, PIN, PRESENT, SecurityKey, device};
pub use cast::Cast;
pub use harsh::{can_trace, killing, names, permitted, signal};
pub use hints::{own_hints, unhinted};
pub use home::{Home, KEY_COMMENT, write_key};
pub use needs::{requires, skipped};
pub use pane::Pane;
pub use person::Person;
pub use playbook::{Scope, text};
pub use processes::{alive, with_argument};
pub use ran::Ran;
pub use session::{NOBODYS, Planned, Setting, all_end};
pub use target::Target;
pub use wait::{LONG, wait_until};

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// The binary under test.
pub const GLASS: &str = env!("CARGO_BIN_EXE_glass");

/// `glass --home HOME ARGS…` in a session of its own, so without any terminal; nothing of the
/// environment that the tests run in. The process keeps the id that `spawn` gives.
pub fn glass(home: &Home, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = bare(home, "setsid");
    command.args(&home.under).arg(GLASS).arg("--home").arg(home.path()).args(args).stdin(Stdio::null());
    command
}

/// A program with the environment of the tests.
pub fn bare(home: &Home, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", home.user())
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .current_dir(home.user());
    command
}
