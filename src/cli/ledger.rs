//! `ledger log / verify / checkpoint / backup`.

use super::args::{Format, LedgerVerb};
use super::{exit, screen};
use crate::core::id::GrantId;
use crate::core::text::escape;
use crate::ports::ledger::{Given, RecordedFiles, VerifyOptions};
use crate::ports::recordings::{Recordings, RecordingsError};
use crate::reading::{log, verification};
use crate::usecases::backup::backup;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn run(context: &Context, verb: LedgerVerb, format: Format) -> anyhow::Result<u8> {
    match verb {
        LedgerVerb::Log { grant } => show_log(context, grant.as_ref(), format),
        LedgerVerb::Verify { anchors, since, recordings } => {
            verify(context, &anchors, since.as_deref(), recordings, format)
        }
        LedgerVerb::Checkpoint => {
            screen::data(&context.ledger_to_read()?.checkpoint().map_err(Failure::from)?);
            Ok(exit::DONE)
        }
        LedgerVerb::Backup { file } => {
            backup(context, &file)?;
            screen::data(&format!("Copied to {}.\n", escape(&file.to_string_lossy())));
            Ok(exit::DONE)
        }
    }
}

/// Entry by entry: a long log is never held in memory.
fn show_log(context: &Context, grant: Option<&GrantId>, format: Format) -> anyhow::Result<u8> {
    let ledger = context.ledger_to_read()?;
    let (mut out, mut is_first) = (screen::Stream::new(), true);
    match format {
        Format::Json => out.data(log::JSON_BEGIN),
        _ => out.data(&log::heading()),
    }
    let logged = ledger.log(0, grant.map(GrantId::as_str), |facts| {
        match format {
            Format::Json => out.data(&log::json_entry(&facts, is_first)),
            _ => out.data(&log::line(&facts)),
        }
        is_first = false;
        Ok(())
    });
    logged.map_err(Failure::from)?;
    if format == Format::Json {
        out.data(log::JSON_END);
    }
    Ok(exit::DONE)
}

fn verify(
    context: &Context,
    anchors: &[PathBuf],
    since: Option<&Path>,
    recordings: bool,
    format: Format,
) -> anyhow::Result<u8> {
    // A home that never recorded anything may have no directory for it.
    let directory = match Recordings::open(&context.home.recordings()) {
        Ok(directory) => Some(directory),
        Err(error) if recordings && !matches!(error, RecordingsError::Missing(_)) => {
            return Err(Failure::from(error).into());
        }
        Err(_) => None,
    };
    let open = |name: &str| match &directory {
        Some(directory) => directory.read(name),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let each_name = |each: &mut dyn FnMut(&OsStr, bool)| match &directory {
        Some(directory) => directory.each_name(each),
        None => Ok(()),
    };
    let options = VerifyOptions {
        anchors: anchors.iter().map(|path| given(context, path)).collect::<Result<_, _>>()?,
        since: since.map(|path| given(context, path)).transpose()?,
        recordings: recordings.then_some(RecordedFiles { open: &open, each_name: &each_name }),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let verification = context.ledger_to_read()?.verify(&options, workers).map_err(Failure::from)?;
    match format {
        Format::Json => screen::json(&verification::to_json(&verification)),
        _ => screen::data(&verification::to_text(&verification)),
    }
    Ok(if verification.is_whole() { exit::DONE } else { exit::code(Kind::Integrity) })
}

/// More than any checkpoint or receipt has, bytes.
const GIVEN_MOST: usize = 16 << 20;

/// A checkpoint or receipt that was kept elsewhere.
fn given(context: &Context, path: &Path) -> Result<Given, Failure> {
    let name = escape(&path.to_string_lossy());
    let unreadable = |why: String| Failure::new(Kind::Usage, format!("can't read {name}: {why}"));
    let bytes = context.belongings.read(path, GIVEN_MOST).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("it is not text".into()))?;
    Ok(Given { name, text })
}
