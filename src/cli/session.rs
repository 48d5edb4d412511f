//! `exec` and `shell`: their exit codes are the command's.

use super::show;
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use crate::usecases::session::run;

/// Runs it. Whatever keeps glass from doing so is 125, so that no code of the command is taken
/// for one of glass's.
pub(super) fn run(context: Result<Context, Failure>, wish: &run::Wish) -> u8 {
    context.and_then(|context| run::run(&context, wish)).unwrap_or_else(|failure| {
        show(&failure);
        run::NOT_THE_COMMANDS
    })
}
