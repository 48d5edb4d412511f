//! A private prompt hook for the shell of a session: what is typed, and how it ended (P13).
//!
//! An interactive bash (4.4 or later), zsh or fish loads the user's own files as always, and tells
//! a FIFO each command line before it runs, and its exit code when the prompt comes back. Nothing
//! of it reaches the commands: no variable, no descriptor.
//!
//! This is a shell that helps, not one that is watched: its user can switch the hook off, or tell
//! the FIFO what never happened. Besides, it misses:
//! - whatever is no prompt of this very shell: scripts, `exec`, `sudo -i`, `ssh`, another shell;
//! - in bash, a line that the history does not take (`HISTCONTROL`, `HISTIGNORE`, the same again):
//!   then its first 20 simple commands are told instead, and none where the user's own trap on
//!   DEBUG stands. Without `promptvars`, or after its `PROMPT_COMMAND` or `PS0` was replaced,
//!   nothing. A compound command comes as the history writes it, in one line;
//! - in bash, a `PROMPT_COMMAND` or `PS0` that was exported no longer is;
//! - in zsh, everything where /etc/zsh/zshenv sets `ZDOTDIR`, or the user's files replace
//!   `preexec_functions` rather than add to it. A `ZDOTDIR` that only the caller's environment had
//!   is forgotten;
//! - the rest of a text of more than 3,000 bytes (escaped), which is marked as cut.
//!
//! A record on the FIFO is `01 KIND 02 FIELD 02 FIELD… 00`, its fields escaped as in URLs where
//! they hold one of these bytes, `%` or a line feed. A shell may need several writes for a long
//! one; no two shells write at once, because one shell alone has the hook.

mod parser;
#[cfg(test)]
mod tests;

pub use parser::{Parser, Report};

use std::path::Path;

/// The FIFO's name in the directory.
pub const FIFO: &str = "hook";

/// What `sh` runs for fish, which can't open a FIFO without waiting for its reader; the FIFO is its
/// only argument.
pub const TELLS: &str = "cat 1<>\"$0\"; :";

/// What every directory of a hook may hold, whichever the shell.
pub const NAMES: [&str; 4] = [FIFO, BASH, ZSH, FISH];

const BASH: &str = "bashrc";
const ZSH: &str = ".zshenv";
const FISH: &str = "hook.fish";

/// What a shell needs so that it has the hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Files of the directory: name and content.
    pub files: Vec<(&'static str, String)>,
    /// Arguments that come first.
    pub args: Vec<String>,
    /// Variables; the shell takes them out of its environment before its first prompt.
    pub env: Vec<(String, String)>,
}

impl Hook {
    /// For a shell by its file name (`bash`, `zsh`, `fish`); nothing for any other one.
    ///
    /// `directory` is where the files and the FIFO will be: a path in UTF-8, as glass makes them.
    pub fn of(shell: &str, directory: &Path) -> Option<Self> {
        let path = |name: &str| directory.join(name).to_str().map(ToOwned::to_owned);
        let fifo = path(FIFO)?;
        let file = |name, text: &str, quoted: String| {
            vec![(name, text.replace("@HOOK@", &quoted).replace("@TELLS@", TELLS))]
        };
        Some(match shell {
            "bash" => Self {
                files: file(BASH, include_str!("hook/bash.sh"), quoted(&fifo)),
                args: vec!["--rcfile".to_owned(), path(BASH)?],
                env: Vec::new(),
            },
            "zsh" => Self {
                files: file(ZSH, include_str!("hook/zsh.sh"), quoted(&fifo)),
                args: Vec::new(),
                env: vec![("ZDOTDIR".to_owned(), directory.to_str()?.to_owned())],
            },
            "fish" => Self {
                files: file(FISH, include_str!("hook/fish.fish"), quoted_for_fish(&fifo)),
                args: vec!["--init-command".to_owned(), format!("source {}", quoted_for_fish(&path(FISH)?))],
                env: Vec::new(),
            },
            _ => return None,
        })
    }
}

fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}

fn quoted_for_fish(path: &str) -> String {
    format!("'{}'", path.replace('\\', r"\\").replace('\'', r"\'"))
}
