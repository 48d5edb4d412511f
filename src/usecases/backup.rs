//! `ledger backup`: a consistent copy, in a file that the person may make.

use crate::core::text::escape;
use crate::ports::config::WriteError;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Copies the ledger to a file that must not exist yet, while others go on.
///
/// Under sudo the copy is made in the home first, where nobody else looks, and its bytes are
/// then written by the caller's own hand.
pub fn backup(context: &Context, file: &Path) -> Result<(), Failure> {
    let ledger = context.ledger_to_read()?;
    if context.environment.sudo.is_none() {
        return Ok(ledger.backup(file)?);
    }
    let passing = Passing(context.home.state().join(format!(".backup-{}", std::process::id())));
    ledger.backup(&passing.0)?;
    let mut copy = File::open(&passing.0).map_err(|error| {
        let path = escape(&passing.0.to_string_lossy());
        Failure::new(Kind::Failed, format!("can't read {path}: {error}"))
    })?;
    let written = context.belongings.write_new(file, &mut copy);
    Ok(written.map_err(|source| WriteError { path: file.to_owned(), source })?)
}

/// A file that goes with its owner.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}
