//! Programs at a pseudo-terminal that the bench reads.

use crate::measure::command;
use anyhow::{Context as _, Result};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Child;

/// Starts a program at a terminal of its own; gives the other end of it.
pub(crate) fn at_terminal(program: &str, args: &[&str]) -> Result<(File, Child)> {
    let (ours, theirs) = terminal()?;
    let mut command = command("setsid", &["--ctty", program]);
    command.args(args).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    // With the command goes their end: held, it would keep the terminal from ending with the process.
    Ok((ours, command.spawn()?))
}

/// Both ends of a pseudo-terminal.
fn terminal() -> Result<(File, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?.into_string()?;
    let no_control = OFlags::NOCTTY.bits().cast_signed();
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(no_control).open(name)?;
    tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok((File::from(ours), theirs))
}

/// Reads until this is shown.
pub(crate) fn read_until(terminal: &mut File, prompt: &str) -> Result<()> {
    let (mut said, mut part) = (String::new(), [0; 4096]);
    while !said.contains(prompt) {
        let length = terminal.read(&mut part).with_context(|| format!("glass said {said}"))?;
        said.push_str(&String::from_utf8_lossy(&part[..length]));
    }
    Ok(())
}
