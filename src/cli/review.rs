//! `review`.

use super::args::Format;
use super::{exit, screen};
use crate::ports::clock;
use crate::reading::{reviews, story};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::review::{self, Judged, Wish};
use crate::usecases::session::listing::command_logs;
use std::path::Path;

/// `review --list`.
pub(super) fn list(context: &Context, format: Format) -> anyhow::Result<u8> {
    let (rows, now) = (review::owed(context)?, clock::now()?.wall);
    match format {
        Format::Json => screen::json(&reviews::to_json(&rows, now)),
        _ => screen::data(&reviews::to_table(&rows, now, screen::width())),
    }
    Ok(exit::DONE)
}

/// `review GRANT`. As JSON it tells the story, and asks nothing.
pub(super) fn run(context: &Context, wish: Wish, format: Format) -> anyhow::Result<u8> {
    if format == Format::Json {
        if wish.verdict.is_some() || wish.note.is_some() || wish.incident.is_some() {
            return Err(unasked("a verdict is given without `--format json`").into());
        }
        let story = review::tell(context, &wish.grant)?;
        let logs = command_logs(context, &story);
        screen::json(&story::to_json(&story, &logs, clock::now()?.wall));
        return Ok(exit::DONE);
    }
    done(&review::review(context, &wish)?);
    Ok(exit::DONE)
}

/// `review` alone.
pub(super) fn queue(context: &Context, key: Option<&Path>, format: Format) -> anyhow::Result<u8> {
    if format == Format::Json {
        return Err(unasked(
            "the queue is for a person; a program reads `glass review --list --format json`",
        )
        .into());
    }
    let cleared = review::queue(context, key, done)?;
    let mut words = match (cleared.judged, cleared.left) {
        (0, 0) => "Nothing waits for your review.".to_owned(),
        (judged, left) => format!("Reviewed {judged}; {left} left for you."),
    };
    if cleared.for_others > 0 {
        words += &format!(" {} for others: `glass review --list`.", cleared.for_others);
    }
    screen::data(&format!("{words}\n"));
    Ok(exit::DONE)
}

fn done(judged: &Judged) {
    let whose = if judged.self_review { " (self-review)" } else { "" };
    screen::data(&format!(
        "REVIEWED  {} {}: {} by {}{whose}\n",
        judged.grant, judged.scope, judged.verdict, judged.person
    ));
}

fn unasked(what: &str) -> Failure {
    Failure::new(Kind::Usage, what)
}
