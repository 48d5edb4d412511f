//! The `glass` binary: everything is in the library.

use glass::ports::effect;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == effect::SPAWN) {
        return effect::become_command();
    }
    ExitCode::SUCCESS
}
