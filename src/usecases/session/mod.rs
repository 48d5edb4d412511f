//! Sessions under a grant, recorded and played back (P13).

mod beginning;
mod commands;
mod end;
pub mod export;
pub mod listing;
mod notary;
mod notice;
mod outcome;
mod pace;
mod places;
pub mod play;
mod player;
mod recorder;
pub mod recording;
mod relay;
pub mod run;
mod stage;
mod surroundings;
mod watch;

use crate::core::id::SessionId;
use crate::ports::recordings::{CAST, COMMANDS, Recordings};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use notary::Pieces;

/// A failure of the system.
fn failed(what: &impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Failed, what.to_string())
}

/// The files of a session as they stand, whole lines alone: what is cut is cut off.
pub(super) fn files_of(context: &Context, session: &SessionId) -> Pieces {
    let Ok(recordings) = Recordings::open(&context.home.recordings()) else { return Pieces::new() };
    let file = |end: &str| {
        let name = format!("{session}.{end}");
        // One that can't be cut is bound as it is.
        let _ = recordings.trim(&name);
        Some((end.to_owned(), recordings.hash(&name).ok()?))
    };
    [CAST, COMMANDS].into_iter().filter_map(file).collect()
}
