//! The player: events at their pace, and the keys of the person who watches.

use super::pace::Pace;
use super::places::{hits, mark};
use super::recording::{Events, Recording};
use crate::core::session::cast::{Event, Happening};
use crate::core::session::safe::Safe;
use crate::ports::terminal::{Abandoned, Keys, TerminalError};
use crate::usecases::failure::{Failure, Kind};
use std::time::{Duration, Instant};

/// `q`, and Ctrl-C.
const QUITTING: [u8; 2] = [b'q', 0x03];
const CTRL_Z: u8 = 0x1a;
const CLEAR: &str = "\x1b[H\x1b[2J";

/// How a playback ended, where nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    AtTheEnd,
    Quit,
}

/// A recording under way on a person's terminal.
pub(super) struct Player<'p> {
    recording: &'p Recording,
    events: Events<'p>,
    next: Option<Event>,
    keys: Keys<'p>,
    safe: Safe,
    pace: Pace,
    /// Events that were shown, and when the last of them was.
    shown: u64,
    at: Duration,
    /// Marked commands among them.
    commands: u64,
    wanted: Option<String>,
}

impl<'p> Player<'p> {
    pub(super) fn new(
        recording: &'p Recording,
        keys: Keys<'p>,
        pace: Pace,
        wanted: Option<String>,
    ) -> Result<Self, Failure> {
        let (_, events) = recording.events()?;
        Ok(Self {
            recording,
            events,
            next: None,
            keys,
            safe: Safe::default(),
            pace,
            shown: 0,
            at: Duration::ZERO,
            commands: 0,
            wanted,
        })
    }

    /// Plays to the end, or until the person quits; the first events at once.
    pub(super) fn play(&mut self, at_once: u64) -> Result<Ended, Failure> {
        if at_once > 0 && !self.hurry_to(at_once)? {
            return Ok(Ended::Quit);
        }
        self.pace.restart(Instant::now());
        while let Some(at) = self.next_at()? {
            let patience = match self.pace.wait(at.saturating_sub(self.at), Instant::now()) {
                None => {
                    self.step()?;
                    // Also where much is due at once, the person can get out.
                    Duration::ZERO
                }
                Some(patience) => patience,
            };
            if let Some(key) = self.keys.next(patience).map_err(interrupted)?
                && !self.obey(key)?
            {
                return Ok(Ended::Quit);
            }
        }
        Ok(Ended::AtTheEnd)
    }

    /// Does what a key asks for; false where that is to quit.
    fn obey(&mut self, key: u8) -> Result<bool, Failure> {
        match key {
            _ if QUITTING.contains(&key) => return Ok(false),
            b' ' => self.pace.pause_or_go_on(),
            b'.' if self.pace.is_paused() => self.step_visibly()?,
            b'+' | b'=' => self.pace.change(2.0),
            b'-' => self.pace.change(0.5),
            b']' => return self.go_to_command(self.commands + 1),
            b'[' => return self.go_to_command(self.commands.saturating_sub(1)),
            b'/' => return self.ask_and_search(),
            b'n' => return self.go_to_next_hit(),
            CTRL_Z => {
                let reset = self.safe.reset();
                self.keys.show(&reset).and_then(|()| self.keys.stop()).map_err(interrupted)?;
                return self.jump(self.shown);
            }
            _ => {}
        }
        Ok(true)
    }

    /// When the next event happened; `None` at the end.
    fn next_at(&mut self) -> Result<Option<Duration>, Failure> {
        if self.next.is_none() {
            let next = self.events.next().transpose();
            self.next = next.map_err(|error| self.recording.damaged(&error))?;
        }
        Ok(self.next.as_ref().map(|event| event.at))
    }

    /// Shows the next event; tells whether it drew anything.
    fn step(&mut self) -> Result<bool, Failure> {
        if self.next_at()?.is_none() {
            return Ok(false);
        }
        let Some(event) = self.next.take() else { return Ok(false) };
        (self.at, self.shown) = (event.at, self.shown + 1);
        match event.happening {
            Happening::Output(printed) => {
                let mut shown = String::new();
                self.safe.push(&printed, &mut shown);
                self.keys.show(&shown).map_err(interrupted)?;
                return Ok(!shown.is_empty());
            }
            Happening::Marker(_) => self.commands += 1,
            Happening::Input(_) | Happening::Resize { .. } => {}
        }
        Ok(false)
    }

    /// To the next event that draws.
    fn step_visibly(&mut self) -> Result<(), Failure> {
        while self.next_at()?.is_some() && !self.step()? {}
        self.pace.restart(Instant::now());
        Ok(())
    }

    /// To the place where so many commands were marked, as far as there is one; 0 is the beginning.
    fn go_to_command(&mut self, number: u64) -> Result<bool, Failure> {
        match number {
            0 => self.jump(0),
            _ => match mark(self.recording, number)?.at {
                Some(event) => self.jump(event),
                None => Ok(true),
            },
        }
    }

    fn ask_and_search(&mut self) -> Result<bool, Failure> {
        match self.keys.ask("Search: ") {
            Ok(wanted) if wanted.is_empty() => {}
            Ok(wanted) => self.wanted = Some(wanted),
            // Ctrl-D takes the search back. Ctrl-C, which may be a signal as well, ends it all.
            Err(TerminalError::Abandoned(Abandoned::EndOfInput)) => return self.jump(self.shown),
            Err(error) => return Err(interrupted(error)),
        }
        let next = self.next_hit()?;
        self.jump(next.unwrap_or(self.shown))
    }

    fn go_to_next_hit(&mut self) -> Result<bool, Failure> {
        match self.next_hit()? {
            Some(event) => self.jump(event),
            None => Ok(true),
        }
    }

    fn next_hit(&self) -> Result<Option<u64>, Failure> {
        match &self.wanted {
            Some(wanted) => Ok(hits(self.recording, wanted, self.shown)?.next),
            None => Ok(None),
        }
    }

    /// Shows the recording up to this event: on an empty screen, where that lies behind.
    fn jump(&mut self, event: u64) -> Result<bool, Failure> {
        if event <= self.shown {
            (_, self.events) = self.recording.events()?;
            (self.next, self.shown, self.at, self.commands) = (None, 0, Duration::ZERO, 0);
            let clear = self.safe.reset() + CLEAR;
            self.keys.show(&clear).map_err(interrupted)?;
        }
        let goes_on = self.hurry_to(event)?;
        self.pace.restart(Instant::now());
        Ok(goes_on)
    }

    /// Without any pause; false where the person quits.
    fn hurry_to(&mut self, event: u64) -> Result<bool, Failure> {
        while self.shown < event && self.next_at()?.is_some() {
            self.step()?;
            if self.keys.is_waiting(&QUITTING).map_err(interrupted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Player<'_> {
    fn drop(&mut self) {
        let reset = self.safe.reset();
        self.keys.show_at_last(&reset);
    }
}

fn interrupted(error: TerminalError) -> Failure {
    match error {
        TerminalError::Abandoned(_) => Failure::new(Kind::Failed, "the playback was interrupted"),
        error => error.into(),
    }
}
