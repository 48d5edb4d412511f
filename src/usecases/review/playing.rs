//! The recordings of a use, played before its verdict.

use super::Case;
use crate::core::grant::GrantSession;
use crate::core::text::escape;
use crate::ports::terminal::Terminal;
use crate::reading::sessions::can_be_played;
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use crate::usecases::session::{play, recording};

/// Which recording is wanted: what stands after `p` at the verdict's prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The first that there is.
    First,
    /// The one of this place in the story, from 1.
    Place(usize),
    /// The one of this session.
    Session(String),
}

impl Wanted {
    /// Reads `p`, `p 2` or `p s-…`; `None` where it is something else.
    pub(super) fn read(answer: &str) -> Option<Self> {
        let mut words = answer.split_whitespace();
        if words.next() != Some("p") {
            return None;
        }
        match (words.next(), words.next()) {
            (None, _) => Some(Self::First),
            (Some(word), None) => {
                Some(word.parse().map_or_else(|_| Self::Session(word.to_owned()), Self::Place))
            }
            _ => None,
        }
    }

    fn of<'a>(&self, sessions: &[&'a GrantSession]) -> Option<&'a GrantSession> {
        match self {
            Self::First => sessions.iter().find(|session| can_be_played(session)),
            Self::Place(place) => place.checked_sub(1).and_then(|index| sessions.get(index)),
            Self::Session(id) => sessions.iter().find(|session| session.id == *id),
        }
        .copied()
    }
}

fn sessions(case: &Case) -> Vec<&GrantSession> {
    case.story.sessions.iter().map(|row| &row.session).collect()
}

/// Whether there is a recording.
pub(super) fn has_any(case: &Case) -> bool {
    sessions(case).into_iter().any(can_be_played)
}

/// Says how a recording is played, where there is one.
pub(super) fn announce(terminal: &mut Terminal, case: &Case) -> Result<(), Failure> {
    let words = match (has_any(case), sessions(case).len()) {
        (false, _) => return Ok(()),
        (true, 1) => "A verdict; or p to see its session played.",
        (true, _) => "A verdict; or p to see its first recording played, p 2 or p s-… another.",
    };
    Ok(terminal.say(words)?)
}

/// Plays what is wanted. That it can't be played ends no review (P12).
pub(super) fn play_wanted(
    context: &Context,
    terminal: &mut Terminal,
    case: &Case,
    wanted: &Wanted,
) -> Result<(), Failure> {
    match wanted.of(&sessions(case)) {
        None => terminal.say("There is no such session.")?,
        Some(session) if !can_be_played(session) => {
            terminal.say(&format!("There is no recording of {}.", escape(&session.id)))?;
        }
        Some(session) => {
            if let Err(failure) = play(context, session) {
                terminal.say(&escape(&failure.to_string()))?;
            }
        }
    }
    Ok(())
}

/// Plays one session's recording, and comes back.
fn play(context: &Context, session: &GrantSession) -> Result<(), Failure> {
    let Ok(session) = session.id.parse() else { return Ok(()) };
    play::play(context, &recording::find(context, &session)?, &play::Wish::default())
}
