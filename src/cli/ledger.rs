//! `ledger log / verify / checkpoint / backup`.

use super::args::{Format, LedgerVerb};
use super::{exit, screen};
use crate::core::text::escape;
use crate::usecases::context::Context;

pub(super) fn run(context: &Context, verb: LedgerVerb, _format: Format) -> anyhow::Result<u8> {
    match verb {
        LedgerVerb::Backup { file } => {
            context.ledger_to_read()?.backup(&file)?;
            screen::data(&format!("Copied to {}.\n", escape(&file.to_string_lossy())));
            Ok(exit::DONE)
        }
        LedgerVerb::Log { .. } | LedgerVerb::Verify { .. } | LedgerVerb::Checkpoint => Ok(exit::DONE),
    }
}
