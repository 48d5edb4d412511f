//! The host layout: real users, the real sudo, and the lines that `doctor --print` prints.
#![allow(missing_docs, clippy::disallowed_methods, clippy::disallowed_macros)]

mod deputy;
mod machine;
mod printed;
mod revoke;
mod rule;
mod session;
#[path = "../support/mod.rs"]
mod support;
