//! `sessions export`: a recording as it stands, asciicast v2, for other players.

use super::recording::Recording;
use crate::ports::config::WriteError;
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use std::path::Path;

/// Writes it to a file that must not exist yet; under sudo with the caller's own rights.
///
/// # Errors
/// The file is there, or the system refuses.
pub fn export(context: &Context, recording: &Recording, file: &Path) -> Result<(), Failure> {
    let written = context.belongings.write_new(file, &mut recording.lines());
    Ok(written.map_err(|source| WriteError { path: file.to_owned(), source })?)
}

/// What is left out of an export, in words; stock players stumble over half a line.
pub fn left_out(recording: &Recording) -> Option<String> {
    let (session, cut) = (&recording.session, recording.cut());
    (cut > 0).then(|| {
        format!("the recording of {session} breaks off: {cut} bytes of a cut last line are left out")
    })
}
