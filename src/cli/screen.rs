//! Where words leave the program: data on stdout, talk on stderr. A reader that has gone
//! away is no failure of ours.

use super::args::Color;
use crate::core::text::escape_json;
use serde_json::Value;
use std::io::{self, BufWriter, IsTerminal, Read, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);
static INCOMPLETE: AtomicBool = AtomicBool::new(false);

/// Whether some data could not be written: what stands on a full disk must not pass for whole.
pub(super) fn is_incomplete() -> bool {
    INCOMPLETE.load(Ordering::Relaxed)
}

/// A closed pipe means that nobody reads on: there is nobody to tell either.
fn note(written: io::Result<()>) {
    if let Err(problem) = written
        && problem.kind() != io::ErrorKind::BrokenPipe
        && !INCOMPLETE.swap(true, Ordering::Relaxed)
    {
        error(&format!("{} the output is incomplete: {problem}", alarm("glass:")));
    }
}

/// From now on talk is left out; errors still come.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Writes data, as it is.
pub(super) fn data(text: &str) {
    Stream::new().data(text);
}

/// Writes JSON for people and programs.
pub(super) fn json(value: &Value) {
    data(&(escape_json(&format!("{value:#}")) + "\n"));
}

/// Much data, piece by piece.
pub(super) struct Stream(BufWriter<StdoutLock<'static>>);

impl Stream {
    pub(super) fn new() -> Self {
        Self(BufWriter::new(std::io::stdout().lock()))
    }

    pub(super) fn data(&mut self, text: &str) {
        note(self.0.write_all(text.as_bytes()));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        note(self.0.flush());
    }
}

/// Writes data as it is read, piece by piece.
///
/// # Errors
/// Of reading alone.
pub(super) fn copy(source: &mut dyn Read) -> io::Result<()> {
    let (mut out, mut piece) = (std::io::stdout().lock(), vec![0; 64 * 1024]);
    loop {
        match source.read(&mut piece) {
            Ok(0) => {
                note(out.flush());
                return Ok(());
            }
            Ok(count) => {
                let written = out.write_all(&piece[..count]);
                if written.is_err() {
                    note(written);
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Says something while at work.
pub(super) fn talk(line: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        error(line);
    }
}

/// Says what went wrong, whatever `--quiet` says.
pub(super) fn error(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(line.as_bytes()).and_then(|()| stderr.write_all(b"\n"));
}

/// Decides on colour once: `--color` goes before `NO_COLOR`, which `console` knows.
pub(super) fn set_color(color: Color) {
    match color {
        Color::Auto => {}
        Color::Always => console::set_colors_enabled_stderr(true),
        Color::Never => console::set_colors_enabled_stderr(false),
    }
}

/// A word that must be seen, for stderr.
pub(super) fn alarm(word: &str) -> String {
    console::style(word).red().bold().for_stderr().to_string()
}

/// Whether a person sees what is written as data.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Empties the screen.
pub(super) fn clear() {
    data("\x1b[H\x1b[2J");
}

/// The width that tables may take.
pub(super) fn width() -> u16 {
    const UNKNOWN: u16 = 120;
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 20 => size.ws_col,
        _ => UNKNOWN,
    }
}
