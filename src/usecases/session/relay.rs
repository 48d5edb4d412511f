//! Between the person and the session: bytes, signals, sizes and stops go through, and everything
//! that is printed passes the recorder first.

use super::commands::Commands;
use super::notice::Notice;
use super::outcome::{Played, Why};
use super::recorder::Recorder;
use super::watch::{Left, is_closing, left};
use crate::core::session::warning::Warnings;
use crate::ports::effect::session::{News, Running};
use crate::ports::pseudoterminal::Pair;
use crate::ports::streams::{For, Inlet, MOST, Outlet, Reading, Terminals, read_all, wait};
use crate::ports::terminal::{PassedSignals, Raw, Terminal};
use crate::usecases::context::Context;
use rustix::process::Signal;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Between two looks at what needs looking at.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks at the grant's time.
const SECOND: Duration = Duration::from_secs(1);
/// Between two pieces of a recording.
const PIECE: Duration = Duration::from_secs(10);
/// How long a session may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(1);
/// How long what was printed last is waited for, once the grant has ended or nobody reads.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One stream from the session to where glass writes it.
pub(super) struct Lane {
    /// From the session: nothing for the terminal that it shares.
    pub(super) inlet: Option<Inlet>,
    /// To the person, or the next program.
    pub(super) outlet: Outlet,
}

/// The two ends, and what watches over what goes between them.
pub(super) struct Relay<'a> {
    pub(super) context: &'a Context,
    pub(super) grant: &'a str,
    pub(super) session: &'a str,
    pub(super) running: Running,
    pub(super) signals: &'a PassedSignals,
    /// The person's terminal, for its size.
    pub(super) terminal: Option<&'a Terminal>,
    /// The same handed over, while the person types into the session.
    pub(super) keys: Option<Raw>,
    /// Which of its streams are that terminal.
    pub(super) terminals: Terminals,
    /// The session's own terminal, and the way into it.
    pub(super) pair: Option<(Pair, Outlet)>,
    /// The terminal's lane first, where there is one; then the pipes.
    pub(super) lanes: Vec<Lane>,
    pub(super) recorder: Recorder,
    pub(super) commands: Commands,
    pub(super) warnings: Warnings,
    pub(super) notice: Notice,
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Keys,
    News,
    Signals,
    Reports,
    Screen,
    Typed,
    Pipe(usize),
    Outlet(usize),
}

/// What has become of it so far.
struct Course {
    played: Played,
    /// Set once it is to end, whatever the command does.
    ending: Option<Instant>,
    screen_ended: bool,
    looked: Instant,
    watched: Instant,
    cut: Instant,
}

impl Relay<'_> {
    /// Until the session and all that it started has ended; gives back the recorder.
    pub(super) fn play(mut self) -> (Played, Recorder) {
        let now = Instant::now();
        let mut course = Course {
            played: Played { why: Why::Glass, exit: None, signal: None, gone: false, not_started: None },
            ending: None,
            screen_ended: self.pair.is_none(),
            looked: now,
            watched: now,
            cut: now,
        };
        let mut buffer = vec![0; MOST];
        while !self.is_over(&course) {
            if let Err(why) = self.turn(&mut course, &mut buffer) {
                self.end(&mut course, why);
                // What was said while it ended.
                if let Err(why) = self.news(&mut course, &mut buffer) {
                    self.end(&mut course, why);
                }
            }
        }
        self.commands.hear(&mut self.recorder);
        self.commands.look(&mut self.recorder);
        (course.played, self.recorder)
    }

    fn is_over(&self, course: &Course) -> bool {
        let Some(since) = course.ending else { return false };
        if course.screen_ended && self.lanes.iter().all(|lane| has_ended(lane) && is_done(lane)) {
            return true;
        }
        // Who reads slowly has the rest of the grant's time for what a command printed.
        since.elapsed() >= LAST_WORDS
            && (course.played.why != Why::Command
                || matches!(left(self.context, self.grant, self.session), Left::Nothing))
    }

    fn turn(&mut self, course: &mut Course, buffer: &mut [u8]) -> Result<(), Why> {
        let places: Vec<(Place, (BorrowedFd<'_>, For))> = self.places(course).collect();
        let list: Vec<(BorrowedFd<'_>, For)> = places.iter().map(|(_, waited)| *waited).collect();
        let ready = wait(&list, LOOK).map_err(|_| Why::Glass)?;
        let ready: Vec<Place> = ready.into_iter().map(|at| places[at].0).collect();
        drop(places);
        for place in ready {
            match place {
                Place::Keys => self.keys(buffer)?,
                Place::News => self.news(course, buffer)?,
                Place::Signals => {
                    self.signals(course)?;
                    // What was said while one of them was obeyed.
                    self.news(course, buffer)?;
                }
                Place::Reports => self.commands.hear(&mut self.recorder),
                Place::Screen => {
                    self.screen(course, buffer)?;
                }
                Place::Typed => {
                    if let Some((_, typed)) = &mut self.pair {
                        typed.flush();
                    }
                }
                Place::Pipe(lane) => self.pipe(lane, buffer)?,
                Place::Outlet(lane) => self.lanes[lane].outlet.flush(),
            }
        }
        if course.ending.is_none() {
            self.recorder.check()?;
        }
        self.look(course)
    }

    fn places(&self, course: &Course) -> impl Iterator<Item = (Place, (BorrowedFd<'_>, For))> {
        let reading = |place, fd| Some((place, (fd, For::Reading)));
        let screen = self.pair.as_ref().filter(|_| !course.screen_ended);
        let typed = screen.filter(|(_, typed)| !typed.is_empty());
        let free = |lane: usize| self.lanes.get(lane).is_some_and(|lane| lane.outlet.has_room());
        let mut places = vec![reading(Place::Signals, self.signals.as_fd())];
        places.push(self.commands.fd().and_then(|fd| reading(Place::Reports, fd)));
        if typed.is_none() && course.ending.is_none() {
            places.push(self.keys.as_ref().and_then(|keys| reading(Place::Keys, keys.as_fd())));
        }
        places.push(typed.map(|(_, typed)| (Place::Typed, (typed.as_fd(), For::Writing))));
        places.push(screen.filter(|_| free(0)).and_then(|(pair, _)| reading(Place::Screen, pair.as_fd())));
        for (at, lane) in self.lanes.iter().enumerate() {
            let inlet = lane.inlet.as_ref().and_then(Inlet::fd).filter(|_| free(at));
            places.push(inlet.and_then(|fd| reading(Place::Pipe(at), fd)));
            let kept = !lane.outlet.is_empty();
            places.push(kept.then(|| (Place::Outlet(at), (lane.outlet.as_fd(), For::Writing))));
        }
        // Last: what was printed before it stopped is shown before that.
        places.push(self.running.control().and_then(|fd| reading(Place::News, fd)));
        places.into_iter().flatten()
    }

    fn keys(&mut self, buffer: &mut [u8]) -> Result<(), Why> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let length = keys.read(buffer, Some(Duration::ZERO)).map_err(|_| Why::HungUp)?;
        if let Some((pair, typed)) = &mut self.pair {
            self.recorder.typed(&buffer[..length], pair.echoes());
            typed.push(&buffer[..length]);
        }
        // A terminal that was given back in the meantime may hold a key that nobody else reads.
        buffer[..length].fill(0);
        Ok(())
    }

    /// Shows what is there; tells how much that was.
    fn screen(&mut self, course: &mut Course, buffer: &mut [u8]) -> Result<usize, Why> {
        let Some((pair, _)) = &mut self.pair else { return Ok(0) };
        let (length, ended) = match read_all(&mut pair.master, buffer) {
            Reading::Some(length) => (length, false),
            Reading::Ended(length) => (length, true),
        };
        course.screen_ended = ended;
        if length > 0 {
            self.notice.screen.wrote(&buffer[..length]);
            self.show(0, &buffer[..length])?;
        }
        Ok(length)
    }

    fn pipe(&mut self, lane: usize, buffer: &mut [u8]) -> Result<(), Why> {
        let length = self.lanes[lane].inlet.as_mut().map_or(0, |inlet| inlet.read(buffer));
        if length > 0 {
            self.show(lane, &buffer[..length])?;
        }
        Ok(())
    }

    /// First the record, then the person: what must be recorded and can't be is not shown.
    fn show(&mut self, lane: usize, bytes: &[u8]) -> Result<(), Why> {
        self.recorder.printed(bytes);
        self.recorder.check()?;
        let Lane { inlet, outlet } = &mut self.lanes[lane];
        outlet.push(bytes);
        if let Some(inlet) = inlet.as_mut().filter(|_| outlet.is_closed()) {
            // As a pipe does: who writes on is told that nobody reads.
            inlet.close();
        }
        Ok(())
    }

    fn news(&mut self, course: &mut Course, buffer: &mut [u8]) -> Result<(), Why> {
        while let Some(news) = self.running.hear() {
            match news {
                News::NotStarted(code, why) => course.played.not_started = Some((code, why)),
                News::Stopped(_) if course.ending.is_some() => {}
                // It may have asked just before it was let in front.
                News::Stopped(signal) if asks_for_keys(signal) => self.come_forward()?,
                News::Stopped(_) => {
                    self.catch_up(course, buffer)?;
                    self.stop()?;
                }
                News::Exited(code) => {
                    course.played.exit = Some(code);
                    self.end(course, Why::Command);
                }
                News::Killed(signal) => {
                    course.played.signal = Some(signal);
                    self.end(course, Why::Command);
                }
                News::Asked | News::Gone(_) | News::KeeperDied if course.ending.is_some() => {}
                // Somebody who closes the grant did it; or somebody else, of whom nothing is known.
                News::Asked | News::Gone(_) | News::KeeperDied => {
                    let closing = is_closing(self.context, self.grant);
                    self.end(course, if closing { Why::Grant } else { Why::Keeper });
                }
            }
        }
        Ok(())
    }

    /// Shows what was printed until now, as long as that is taken: a program that stops has given
    /// the screen back before.
    fn catch_up(&mut self, course: &mut Course, buffer: &mut [u8]) -> Result<(), Why> {
        let since = Instant::now();
        while since.elapsed() < GRACE {
            let Some(Lane { outlet, .. }) = self.lanes.first_mut().filter(|_| self.pair.is_some()) else {
                return Ok(());
            };
            if !outlet.is_empty() {
                wait(&[(outlet.as_fd(), For::Writing)], LOOK).map_err(|_| Why::Glass)?;
                outlet.flush();
            } else if course.screen_ended || self.screen(course, buffer)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The program stopped itself, or was stopped by Ctrl-Z: so does glass, until both go on;
    /// in the background of the person's terminal, the program goes on in that of its own.
    fn stop(&mut self) -> Result<(), Why> {
        let typing = self.keys.is_some();
        if let Some(keys) = self.keys.take() {
            keys.restore().map_err(|_| Why::HungUp)?;
        }
        self.signals.stop_here().map_err(|_| Why::Glass)?;
        if typing && self.terminal.is_some_and(Terminal::is_in_front) {
            return self.come_forward();
        }
        self.resize();
        self.running.resume(false);
        Ok(())
    }

    /// The program asks for what is typed, or did so before it was stopped: from now on it gets
    /// that. Where glass is in the background, it is stopped here until it is in front.
    fn come_forward(&mut self) -> Result<(), Why> {
        // Others of the pipeline write there too.
        let raw = if self.terminals.stdout { Terminal::raw } else { Terminal::raw_keys };
        if self.keys.is_none() {
            self.keys = self.terminal.map(raw).transpose().map_err(|_| Why::HungUp)?;
        }
        self.resize();
        self.running.resume(true);
        Ok(())
    }

    /// Somebody let glass go on: in front again, it is there to be typed into.
    fn go_on(&mut self) -> Result<(), Why> {
        let alone = self.terminals.stdin && self.terminals.stdout;
        match self.keys.is_none() && alone && self.terminal.is_some_and(Terminal::is_in_front) {
            true => self.come_forward(),
            false => Ok(()),
        }
    }

    fn signals(&mut self, course: &mut Course) -> Result<(), Why> {
        while let Some(number) = self.signals.take().map_err(|_| Why::Glass)? {
            match Signal::from_named_raw(number) {
                Some(Signal::WINCH) => self.resize(),
                Some(Signal::CONT) if course.ending.is_none() => self.go_on()?,
                Some(Signal::CONT) | None => {}
                Some(Signal::HUP) => return Err(Why::HungUp),
                // It was told before, and is being ended.
                Some(_) if course.ending.is_some() => {}
                Some(signal) => self.running.signal(signal),
            }
        }
        Ok(())
    }

    fn resize(&mut self) {
        let (Some(terminal), Some((pair, _))) = (self.terminal, &self.pair) else { return };
        let size = terminal.size();
        // A window that can't be told of keeps its size.
        if pair.resize(size.columns, size.rows).is_ok() {
            self.recorder.resized(size.columns, size.rows);
        }
    }

    /// What is done every so often, however busy the session is.
    fn look(&mut self, course: &mut Course) -> Result<(), Why> {
        if course.looked.elapsed() < LOOK {
            return Ok(());
        }
        course.looked = Instant::now();
        self.commands.look(&mut self.recorder);
        if let Some((pair, _)) = &self.pair {
            let size = self.terminal.map(Terminal::size);
            self.notice.show(&mut self.lanes[0].outlet, pair, size);
        }
        if course.cut.elapsed() >= PIECE {
            course.cut = Instant::now();
            self.recorder.cut();
        }
        if course.watched.elapsed() >= SECOND && course.ending.is_none() {
            course.watched = Instant::now();
            match left(self.context, self.grant, self.session) {
                Left::Nothing => return Err(Why::Grant),
                Left::Time(time) if self.warnings.is_due(time) => {
                    self.notice.warn(time, self.pair.is_some());
                }
                Left::Time(_) => {}
            }
        }
        Ok(())
    }

    /// Ends all that the session started; once.
    fn end(&mut self, course: &mut Course, why: Why) {
        if course.ending.is_some() {
            // The command's code must not pass for that of a session which is on record.
            if why == Why::Recording && course.played.why == Why::Command {
                course.played.why = why;
            }
            return;
        }
        // What came to its end unrecorded, where that may not be, was ended for that.
        course.played.why = self.recorder.check().err().unwrap_or(why);
        course.ending = Some(Instant::now());
        course.played.gone = self.running.end(GRACE);
    }
}

fn asks_for_keys(signal: i32) -> bool {
    [Signal::TTIN, Signal::TTOU].iter().any(|asking| asking.as_raw() == signal)
}

fn has_ended(lane: &Lane) -> bool {
    lane.inlet.as_ref().is_none_or(Inlet::has_ended)
}

fn is_done(lane: &Lane) -> bool {
    lane.outlet.is_empty() || lane.outlet.is_closed()
}
