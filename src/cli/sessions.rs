//! `sessions list / play / export`.

use super::args::{Format, SessionsVerb};
use super::{exit, screen};
use crate::core::id::SessionId;
use crate::ports::clock;
use crate::reading::sessions;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::session::export::{export, left_out};
use crate::usecases::session::listing::{self, Wanted};
use crate::usecases::session::play::{self, Wish};
use crate::usecases::session::recording;
use std::path::Path;

pub(super) fn run(context: &Context, verb: SessionsVerb, format: Format) -> anyhow::Result<u8> {
    match verb {
        SessionsVerb::List { id } => list(context, &Wanted::read(id.as_deref())?, format)?,
        SessionsVerb::Play { session, speed, idle_limit, command, search } => {
            play(context, &session, &Wish { speed, idle_limit, command, search })?;
        }
        SessionsVerb::Export { session, output } => to_others(context, &session, output.as_deref())?,
    }
    Ok(exit::DONE)
}

fn list(context: &Context, wanted: &Wanted, format: Format) -> Result<(), Failure> {
    let (rows, now) = (listing::list(context, wanted)?, clock::now()?.wall);
    match (format, wanted, rows.as_slice()) {
        (Format::Json, ..) => screen::json(&sessions::to_json(&rows)),
        (_, Wanted::One(_), [row]) => {
            let log = listing::command_log(context, &row.session);
            screen::data(&sessions::to_text(row, log.as_deref(), now, screen::width()));
        }
        _ => screen::data(&sessions::to_table(&rows, now, screen::width())),
    }
    Ok(())
}

fn play(context: &Context, session: &SessionId, wish: &Wish) -> Result<(), Failure> {
    if !screen::is_terminal() {
        let failure = Failure::new(Kind::Usage, "`sessions play` is for a person at a screen");
        return Err(failure.hint(format!("a program takes `glass sessions export {session}`")));
    }
    play::play(context, &recording::find(context, session)?, wish)
}

fn to_others(context: &Context, session: &SessionId, output: Option<&Path>) -> Result<(), Failure> {
    if output.is_none() && screen::is_terminal() {
        let failure = Failure::new(Kind::Usage, "a recording is nothing to read on a screen");
        return Err(failure.hint(format!("`glass sessions play {session}`, or `--output FILE`")));
    }
    let recording = recording::find(context, session)?;
    if let Some(warning) = left_out(&recording) {
        (context.talk)(&warning);
    }
    match output {
        Some(file) => export(context, &recording, file),
        None => screen::copy(&mut recording.lines())
            .map_err(|error| Failure::new(Kind::Failed, format!("the recording can't be read: {error}"))),
    }
}
