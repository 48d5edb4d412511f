//! The `glass` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    glass::cli::main(std::env::args_os())
}
