//! The controlling terminal: the only place where a person is asked anything (P4).
//!
//! `/dev/tty` is opened before anything else; standard input answers nothing. Before each
//! question all type-ahead is thrown away; Ctrl-C, Ctrl-D, a signal and a hang-up come back as
//! a value ([`Abandoned`]), so that the refusal can be recorded. Modes and signal mask are put
//! back on every way out, a panic included.
//!
//! The reading is glass's own: a prompt library takes the terminal raw key by key, where
//! Ctrl-C raises a signal, a hang-up or end of input is asked again for ever, and a long paste
//! is redrawn at every letter. Here the kernel edits the line, at most 4,094 bytes of it.
//!
//! **Signals**: SIGHUP, SIGINT, SIGQUIT and SIGTERM are held back only while a question stands,
//! for the thread that asks: glass has no other one then, and starts no process. Only after a hang-up does SIGHUP stay blocked, since more
//! of them follow while the refusal is being recorded: whoever starts a process must give it an
//! empty signal mask (`SigSet::empty().thread_set_mask()` in the child before its `exec`).

mod keys;
mod passing;
mod question;
mod raw;
mod signals;
mod typed;
mod wait;

#[cfg(test)]
mod tests;

pub use keys::Keys;
pub use passing::PassedSignals;
pub use raw::{Raw, Size};
pub use signals::HeldSignals;
pub use typed::Typed;
pub use wait::Wait;

use crate::core::authorization::Authorization;
use crate::core::statement::Verb;
use crate::core::text::{Line, escape};
use nix::unistd::{getpgrp, tcgetpgrp};
use question::{Echo, Question};
use rustix::termios::{Termios, tcgetattr, tcgetwinsize};
use secrecy::{SecretBox, SecretString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest passphrase, in bytes.
const PASSPHRASE_CAP: usize = 1024;
/// Columns where the terminal doesn't say.
const USUAL_WIDTH: usize = 80;

/// A person's terminal.
#[derive(Debug)]
pub struct Terminal {
    device: File,
}

/// Why a person could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// There is no controlling terminal.
    #[error("no terminal to ask a person at ({0}): run it yourself in a terminal; nothing else can answer")]
    None(#[source] io::Error),
    /// A job in the background would stop at the first question.
    #[error("glass runs in the background of its terminal: bring it to the front (`fg`, or without `&`)")]
    Background,
    /// The person, or someone for them, ended the question.
    #[error("abandoned: {0}")]
    Abandoned(#[from] Abandoned),
    /// More was typed or pasted than a line may hold.
    #[error("the line is longer than {0} bytes: run the command again and type less")]
    TooLong(usize),
    /// Bytes that are no text.
    #[error("what was typed is not UTF-8: set the terminal to UTF-8 and run the command again")]
    NotText,
    /// Input that never pauses is no person.
    #[error(
        "the terminal keeps sending input before anything was asked: stop what is pasting or typing there"
    )]
    NeverQuiet,
    /// The system refused.
    #[error("the terminal failed: {0}; run the command again in another one")]
    Failed(#[source] io::Error),
}

/// How a question ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Abandoned {
    /// Ctrl-C or Ctrl-\, or a signal that asks glass to end.
    #[error("interrupted; nothing was confirmed")]
    Interrupted,
    /// Ctrl-D.
    #[error("the input ended; nothing was confirmed")]
    EndOfInput,
    /// The terminal went away.
    #[error("the terminal hung up; nothing was confirmed")]
    HangUp,
    /// What was asked was decided elsewhere meanwhile.
    #[error("it was decided elsewhere; nothing was confirmed")]
    Overtaken,
}

/// Why there is no [`Typed`].
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// Something else was typed. It is not repeated: it may be a passphrase.
    #[error("not confirmed: what was typed is not `{word}`; run the command again and type exactly that", word = escape(.0))]
    Wrong(String),
    /// Only Enter.
    #[error("not confirmed: nothing was typed; run the command again and type `{word}`", word = escape(.0))]
    Empty(String),
    /// The question came to no answer.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

impl Terminal {
    /// Opens the controlling terminal; to be done before anything is asked or looked up.
    ///
    /// # Errors
    /// Where there is none, or glass is in its background.
    pub fn open() -> Result<Self, TerminalError> {
        let device =
            OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(TerminalError::None)?;
        let in_front = tcgetpgrp(&device).map_err(|errno| TerminalError::Failed(errno.into()))?;
        if in_front != getpgrp() {
            return Err(TerminalError::Background);
        }
        Ok(Self { device })
    }

    /// Whether glass is in front of it, now; not where that can't be told.
    pub fn is_in_front(&self) -> bool {
        tcgetpgrp(&self.device).is_ok_and(|group| group == getpgrp())
    }

    /// How it edits lines and what it echoes now; `None` where it doesn't say.
    pub fn modes(&self) -> Option<Termios> {
        tcgetattr(&self.device).ok()
    }

    /// Columns, for wrapping; 80 where the terminal doesn't say.
    pub fn width(&self) -> usize {
        match tcgetwinsize(&self.device) {
            Ok(size) if size.ws_col > 0 => size.ws_col.into(),
            _ => USUAL_WIDTH,
        }
    }

    /// Shows one line that is already inert.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn say(&mut self, line: &str) -> Result<(), TerminalError> {
        debug_assert!(Line::new(line).is_ok(), "text for a person must be inert");
        self.device.write_all(format!("{line}\n").as_bytes()).map_err(question::failed)
    }

    /// Shows `QUESTION [y/N] `. Only `y` and `yes`, in either case, are a yes.
    ///
    /// # Errors
    /// Where no line came back.
    pub fn ask_yes(&mut self, question: &Line) -> Result<bool, TerminalError> {
        let answer = self.ask_line(&format!("{question} [y/N] "))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Shows `prompt` as it is, such as `Incident: `, and gives back what was typed, as it was
    /// typed, without the line's end: it may hold anything until it is made a [`Line`].
    ///
    /// # Errors
    /// Where no line came back, it is longer than 4,094 bytes or not UTF-8.
    pub fn ask_line(&mut self, prompt: &str) -> Result<String, TerminalError> {
        let typed = self.ask(prompt, Echo::On)?;
        Ok(text(&typed)?.to_owned())
    }

    /// Shows `Type WORD to confirm: `; exactly that word confirms, and there is no second try.
    ///
    /// # Errors
    /// On any other answer, or none.
    pub fn confirm<V: Verb>(&mut self, authorization: Authorization<V>) -> Result<Typed<V>, NotConfirmed> {
        self.ask_word(authorization.word(), &mut never)?;
        Ok(Typed::new(authorization))
    }

    /// The same, but [`Abandoned::Overtaken`] as soon as `over` says that nobody need answer any
    /// more; it is asked several times a second.
    ///
    /// # Errors
    /// On any other answer, or none.
    pub fn confirm_unless<V: Verb>(
        &mut self,
        authorization: Authorization<V>,
        over: &mut dyn FnMut() -> bool,
    ) -> Result<Typed<V>, NotConfirmed> {
        self.ask_word(authorization.word(), over)?;
        Ok(Typed::new(authorization))
    }

    fn ask_word(&mut self, word: &str, over: &mut dyn FnMut() -> bool) -> Result<(), NotConfirmed> {
        let prompt = format!("Type {} to confirm: ", escape(word));
        let typed = Question::begin(&self.device, Echo::On)?.ask(&prompt, over)?;
        match typed.as_slice() {
            b"" => Err(NotConfirmed::Empty(word.to_owned())),
            other if other == word.as_bytes() => Ok(()),
            _ => Err(NotConfirmed::Wrong(word.to_owned())),
        }
    }

    /// Begins to wait for what happens elsewhere, such as a touch.
    ///
    /// # Errors
    /// Where the terminal is gone, or the system refuses.
    pub fn wait(&mut self) -> Result<Wait<'_>, TerminalError> {
        Wait::begin(&self.device, false)
    }

    /// The same while another program has the terminal: it is taken back afterwards.
    ///
    /// # Errors
    /// Likewise.
    pub fn lend(&mut self) -> Result<Wait<'_>, TerminalError> {
        Wait::begin(&self.device, true)
    }

    /// Shows `Passphrase for PATH: ` and reads without echo; at most 1,024 bytes.
    ///
    /// # Errors
    /// Where no line came back, it is too long or not UTF-8.
    pub fn passphrase(&mut self, path: &Path) -> Result<SecretString, TerminalError> {
        let prompt = format!("Passphrase for {}: ", escape(&path.to_string_lossy()));
        let typed = self.ask(&prompt, Echo::Off)?;
        if typed.len() > PASSPHRASE_CAP {
            return Err(TerminalError::TooLong(PASSPHRASE_CAP));
        }
        // Boxed from the slice at its exact size: growing would leave a copy behind.
        Ok(SecretBox::new(Box::from(text(&typed)?)))
    }

    fn ask(&mut self, prompt: &str, echo: Echo) -> Result<Zeroizing<Vec<u8>>, TerminalError> {
        debug_assert!(Line::new(prompt).is_ok(), "a prompt must be inert");
        Question::begin(&self.device, echo)?.ask(prompt, &mut never)
    }
}

/// Only the person answers.
const fn never() -> bool {
    false
}

fn text(typed: &[u8]) -> Result<&str, TerminalError> {
    std::str::from_utf8(typed).map_err(|_| TerminalError::NotText)
}
