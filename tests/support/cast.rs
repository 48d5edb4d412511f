//! Sessions: started, and what is left of them.

use super::{Home, Ran, glass};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A recording, read line by line as any asciicast is (version 2).
#[derive(Debug)]
pub struct Cast {
    /// Its first line.
    pub header: Value,
    /// Code and text of each event, in their order.
    pub events: Vec<(String, String)>,
}

impl Cast {
    /// All of one kind: `o` was printed, `i` typed, `r` a new size.
    pub fn all(&self, code: &str) -> String {
        self.events.iter().filter(|(of, _)| of == code).map(|(_, text)| text.as_str()).collect()
    }
}

impl Home {
    /// `glass exec GRANT -- COMMAND…` without a terminal.
    pub fn exec(&self, grant: &str, command: &[impl AsRef<OsStr>]) -> Command {
        let mut started = glass(self, &["exec", grant, "--"]);
        started.args(command);
        started
    }

    /// The same, run to its end.
    pub fn exec_ran(&self, grant: &str, command: &[impl AsRef<OsStr>]) -> Ran {
        Ran::of(&mut self.exec(grant, command))
    }

    /// `sh -c SCRIPT sh glass --home HOME` at a terminal: `"$@"` in it starts glass.
    pub fn script_at_terminal(&self, script: &str) -> Command {
        let mut command = super::bare(self, "setsid");
        command.args(["--ctty", "sh", "-c", script, "sh", super::GLASS, "--home"]).arg(self.path());
        command.env("TERM", "xterm");
        command
    }

    /// The same without one.
    pub fn script(&self, script: &str) -> Command {
        let mut command = super::bare(self, "setsid");
        command.args(["sh", "-c", script, "sh", super::GLASS, "--home"]).arg(self.path());
        command
    }

    /// Where recordings are.
    pub fn recordings(&self) -> PathBuf {
        self.path().join("recordings")
    }

    /// The names of the files there.
    pub fn recorded_files(&self) -> Vec<String> {
        if self.recordings().exists() { super::names(&self.recordings()) } else { Vec::new() }
    }

    /// The sessions, in the order in which they began.
    pub fn sessions(&self) -> Vec<String> {
        self.of_kind("session-started")
            .iter()
            .map(|facts| facts["session"].as_str().unwrap().into())
            .collect()
    }

    /// The facts of all entries of a kind.
    pub fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.entries().into_iter().filter(|facts| facts["kind"] == kind).collect()
    }

    /// The recording of a session, as far as it is whole lines.
    #[track_caller]
    pub fn cast(&self, session: &str) -> Cast {
        let text = fs::read_to_string(self.recordings().join(format!("{session}.cast"))).unwrap();
        let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
        let mut lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        let header = lines.next().expect("it has a header");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Cast { header, events: lines.map(|line| (text(&line[1]), text(&line[2]))).collect() }
    }

    /// The only session's.
    #[track_caller]
    pub fn only_cast(&self) -> Cast {
        let sessions = self.sessions();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        self.cast(&sessions[0])
    }

    /// How the last session ended, and why.
    #[track_caller]
    pub fn last_end(&self) -> Value {
        self.of_kind("session-ended").pop().expect("a session has ended")
    }
}
