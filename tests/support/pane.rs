//! A terminal with a screen: a pane of tmux, on a server of its own.

use super::{Home, LONG, bare, wait_until};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Its screen is never swapped for another: what a full-screen program drew stays.
const SETTINGS: &str = "\
    set -g status off\n\
    set -g alternate-screen off\n\
    set -g default-terminal screen-256color\n\
    set -sg escape-time 0\n";

/// tmux does not always learn how a program ended, and may forget what it printed last: so
/// something else stays.
const NOTING: &str = "trap : INT QUIT; \"$@\"; echo $? > \"$0\"; exec sleep 300";

/// Dropping it ends what runs in it.
#[derive(Debug)]
pub struct Pane<'h> {
    home: &'h Home,
    socket: PathBuf,
    last: RefCell<String>,
}

impl<'h> Pane<'h> {
    /// A new one, 80 × 24, in which this runs; `name` is no other's of the home.
    #[track_caller]
    pub fn running(home: &'h Home, name: &str, program: &[impl AsRef<OsStr>]) -> Self {
        let (socket, settings) = (home.root().join(name), home.root().join("tmux.conf"));
        fs::write(&settings, SETTINGS).unwrap();
        let pane = Self { home, socket, last: RefCell::default() };
        let mut start = pane.tmux(&["-f", settings.to_str().unwrap(), "new-session", "-d"]);
        start.args(["-x", "80", "-y", "24", "--", "env", "SHELL=/bin/bash", "sh", "-c", NOTING]);
        start.arg(pane.status()).args(program);
        let started = start.output().unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        pane
    }

    fn status(&self) -> PathBuf {
        self.socket.with_extension("status")
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = bare(self.home, "tmux");
        tmux.arg("-S").arg(&self.socket).args(args);
        tmux
    }

    #[track_caller]
    fn ask(&self, args: &[&str]) -> String {
        let output = self.tmux(args).output().unwrap();
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, by the names that tmux gives them.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) -> &Self {
        self.ask(&[&["send-keys"], keys].concat());
        self
    }

    /// Types a text as it is.
    #[track_caller]
    pub fn types(&self, text: &str) -> &Self {
        // A semicolon at the end would end tmux's own command.
        let text = text.strip_suffix(';').map_or_else(|| text.to_owned(), |rest| format!("{rest}\\;"));
        self.ask(&["send-keys", "-l", &text]);
        self
    }

    /// Has another size from now on.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) -> &Self {
        self.ask(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        self
    }

    /// What it shows, as text.
    #[track_caller]
    pub fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// What it shows, with colours, and where its cursor is.
    #[track_caller]
    pub fn picture(&self) -> String {
        let picture = self.ask(&["capture-pane", "-e", "-p"]);
        picture + &self.ask(&["display-message", "-p", "cursor at #{cursor_x},#{cursor_y}"])
    }

    /// Waits until it shows this.
    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        self.comes_to(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until it shows what fits.
    #[track_caller]
    pub fn comes_to(&self, what: &str, fits: impl Fn(&str) -> bool) -> &Self {
        let so = || {
            self.last.replace(self.screen());
            fits(&self.last.borrow())
        };
        assert!(wait_until(so, LONG), "waited for {what}; the screen:\n{}", self.last.borrow());
        self
    }

    /// Waits until both show the same.
    #[track_caller]
    pub fn agrees_with(&self, other: &Pane<'_>) -> &Self {
        if !wait_until(|| self.picture() == other.picture(), LONG) {
            panic!("the screens differ:\n{}\nand:\n{}", self.picture(), other.picture());
        }
        self
    }

    /// Waits until its program has ended, with this exit code.
    #[track_caller]
    pub fn ends(&self, code: i32) -> &Self {
        let status = || fs::read_to_string(self.status()).unwrap_or_default();
        let ended = wait_until(|| status().trim_end() == code.to_string(), LONG);
        assert!(ended, "waited for exit code {code}, not {}; the screen:\n{}", status(), self.screen());
        self
    }
}

impl Drop for Pane<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.tmux(&["kill-server"]).output();
    }
}
