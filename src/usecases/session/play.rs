//! `sessions play`: a session as its person saw it, on the terminal of whoever asks.

use super::pace::Pace;
use super::places::{hits, mark};
use super::player::{Ended, Player};
use super::recording::Recording;
use crate::core::duration::Seconds;
use crate::core::session::cast::Header;
use crate::core::text::escape;
use crate::ports::terminal::{Size, Terminal};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use std::time::Instant;

/// How it is to be played.
#[derive(Debug)]
pub struct Wish {
    /// How many times as fast as it was.
    pub speed: f64,
    /// The longest pause.
    pub idle_limit: Seconds,
    /// Begin at this command, counted from 1.
    pub command: Option<u64>,
    /// Begin where this text was first seen.
    pub search: Option<String>,
}

impl Default for Wish {
    fn default() -> Self {
        Self { speed: 1.0, idle_limit: Seconds::new(2), command: None, search: None }
    }
}

const KEYS: &str = "space pauses, . goes one step, + and - change the speed, ] and [ go to the next and the previous command, \
     / searches and n goes on, q quits";

/// Plays a recording that was opened, and judged by whoever calls this.
///
/// # Errors
/// No terminal; no such command or text; a recording that is damaged, once all before that was
/// shown.
pub fn play(context: &Context, recording: &Recording, wish: &Wish) -> Result<(), Failure> {
    let mut terminal = Terminal::open()?;
    let (header, events) = recording.events()?;
    drop(events);
    let begin = begin(context, recording, wish)?;
    if let Some(warning) = too_small(&header, terminal.size()) {
        (context.talk)(&warning);
    }
    (context.talk)(KEYS);
    let pace = Pace::new(wish.speed, wish.idle_limit.std(), Instant::now());
    let mut player = Player::new(recording, terminal.keys()?, pace, wish.search.clone())?;
    let played = player.play(begin);
    // The terminal is itself again before anything more is said.
    drop(player);
    match played? {
        Ended::Quit => {}
        Ended::AtTheEnd if recording.cut() > 0 => {
            (context.talk)(&format!("\nthe recording of {} breaks off here", recording.session));
        }
        Ended::AtTheEnd => (context.talk)(&format!("\nthe recording of {} ends here", recording.session)),
    }
    Ok(())
}

/// So many events are shown at once, to begin with.
fn begin(context: &Context, recording: &Recording, wish: &Wish) -> Result<u64, Failure> {
    let session = &recording.session;
    if let Some(number) = wish.command {
        let mark = mark(recording, number)?;
        return mark.at.ok_or_else(|| {
            let what =
                format!("there is no command {number} in the recording of {session}: it marks {}", mark.seen);
            Failure::new(Kind::Refused, what).hint("leave `--command` out to play it from the beginning")
        });
    }
    let Some(wanted) = &wish.search else { return Ok(0) };
    let hits = hits(recording, wanted, 0)?;
    let first = hits.next.ok_or_else(|| {
        let what = format!("`{}` is nowhere in the recording of {session}", escape(wanted));
        Failure::new(Kind::Failed, what).hint("it is looked for exactly as given, on one line")
    })?;
    (context.talk)(&format!("hits of `{}`: {}; n goes on to the next", escape(wanted), hits.all));
    Ok(first)
}

fn too_small(header: &Header, size: Size) -> Option<String> {
    let Header { width, height, .. } = header;
    let Size { columns, rows } = size;
    (*width > columns || *height > rows).then(|| {
        format!(
            "recorded at {width} × {height}; this terminal has {columns} × {rows}: make it larger, or parts \
             will be out of place"
        )
    })
}
