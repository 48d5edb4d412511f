//! The one table from kinds of failure to exit codes (CONTRACT 3).

use crate::usecases::failure::Kind;

/// Done.
pub(super) const DONE: u8 = 0;
/// Malformed command line.
pub(super) const USAGE: u8 = 2;
/// A bug in glass.
pub(super) const BUG: u8 = 70;

/// The exit code of a kind of failure.
pub(super) const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Failed => 1,
        Kind::Usage => USAGE,
        Kind::Refused => 3,
        Kind::NotConfirmed => 4,
        Kind::Integrity => 5,
        Kind::RolledBack => 6,
        Kind::Attention => 7,
    }
}
