//! What somebody in a session is told, without spoiling what stands on the screen.

use crate::core::session::screen::Screen;
use crate::ports::pseudoterminal::Pair;
use crate::ports::streams::Outlet;
use crate::ports::terminal::Size;
use chrono::TimeDelta;
use std::time::{Duration, Instant};

/// How long a notice stands on a full screen before the program there paints it over.
const STANDS: Duration = Duration::from_secs(8);

/// The one who tells, and what is known of the screen.
pub(super) struct Notice {
    pub(super) screen: Screen,
    /// What to type to have it end later; or that nothing does.
    extension: String,
    waiting: Option<String>,
    repaint: Option<Instant>,
    talk: fn(&str),
}

impl Notice {
    pub(super) fn new(extension: String, talk: fn(&str)) -> Self {
        Self { screen: Screen::default(), extension, waiting: None, repaint: None, talk }
    }

    /// Tells that there is so much time left: on the session's screen as soon as nothing there is
    /// half written, or where there is none as talk.
    pub(super) fn warn(&mut self, left: TimeDelta, has_screen: bool) {
        let minutes = (left.num_seconds() + 30) / 60;
        let left = match minutes {
            0 => format!("{} s", left.num_seconds().max(0)),
            1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        let text = format!("glass: {left} left; {}", self.extension);
        if has_screen {
            self.waiting = Some(text);
        } else {
            (self.talk)(&text);
        }
    }

    /// Shows what waits, where nothing is half written; and has a full screen painted anew after
    /// a while.
    pub(super) fn show(&mut self, outlet: &mut Outlet, pair: &Pair, size: Option<Size>) {
        let Some(size) = size else { return };
        if self.repaint.is_some_and(|since| since.elapsed() >= STANDS) {
            self.repaint = None;
            repaint(pair, size);
        }
        if !self.screen.is_between() || !outlet.is_empty() {
            return;
        }
        let Some(text) = self.waiting.take() else { return };
        if self.screen.is_alternate() {
            let text: String = text.chars().take(usize::from(size.columns)).collect();
            // Saved cursor, last line, in reverse, and back: nothing scrolls.
            outlet.push(format!("\x07\x1b7\x1b[{};1H\x1b[0;7m{text}\x1b[0m\x1b8", size.rows).as_bytes());
            self.repaint = Some(Instant::now());
        } else {
            outlet.push(format!("\x07\r\n\x1b[0;7m{text}\x1b[0m\r\n").as_bytes());
            // A shell writes its prompt, and what was typed at it, once more.
            repaint(pair, size);
        }
    }
}

/// Programs paint anew when their window changes its size: it does, for a moment.
fn repaint(pair: &Pair, size: Size) {
    // Where that fails, the screen only stays as it is.
    let _ = pair.resize(size.columns, size.rows.saturating_sub(1).max(1));
    std::thread::sleep(Duration::from_millis(50));
    let _ = pair.resize(size.columns, size.rows);
}
