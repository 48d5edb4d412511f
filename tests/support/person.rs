//! A person at a pseudo-terminal that is the program's controlling terminal.

use super::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Types, and sees what the terminal shows. Dropping it ends the program.
#[derive(Debug)]
pub struct Person {
    master: Option<File>,
    child: Child,
    shown: Vec<u8>,
    /// Up to here, what was shown was expected and has come.
    seen: usize,
    code: Option<Option<i32>>,
}

impl Person {
    /// Starts a command with a new terminal for its input, output and errors; `command` must
    /// become a session leader by itself, which [`at_terminal`] does.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, |command, terminal| {
            let [input, output, errors] = [0; 3].map(|_| Stdio::from(terminal.try_clone().unwrap()));
            command.stdin(input).stdout(output).stderr(errors);
        })
    }

    /// The same, with the streams as `wire` sets them.
    pub fn start_with(command: &mut Command, wire: impl FnOnce(&mut Command, &File)) -> Self {
        let ours = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(ours).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let terminal = File::from(ioctl_tiocgptpeer(&master, ours).unwrap());
        // Wide enough that nothing is wrapped.
        let size = Winsize { ws_row: 50, ws_col: 400, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        wire(command, &terminal);
        let child = command.spawn().unwrap();
        // The command keeps its ends of the streams: let go, so that the terminal ends with the child.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { master: Some(master.into()), child, shown: Vec::new(), seen: 0, code: None }
    }

    /// Waits until `text` is shown, after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        assert!(self.meets(text), "waited for {text:?}; the screen:\n{}", self.screen());
        self
    }

    /// The same, for a program that may end before: tells whether `text` was shown.
    pub fn meets(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + LONG;
        loop {
            let new = &self.shown[self.seen..];
            if let Some(at) = new.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.seen += at + text.len();
                return true;
            }
            if self.read(Duration::from_millis(100)) == Some(0) || Instant::now() >= deadline {
                return false;
            }
        }
    }

    /// Types bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.master.as_mut().expect("the terminal is there").write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Types a line.
    pub fn send_line(&mut self, line: &str) -> &mut Self {
        self.send(format!("{line}\r"))
    }

    /// Types more than anyone would, while reading what is shown; it may be too much for the program.
    pub fn flood(&mut self, bytes: &[u8]) -> &mut Self {
        for piece in bytes.chunks(4096) {
            self.try_send(piece);
            self.looks();
        }
        self
    }

    /// Takes in what is on the screen now, and waits for nothing.
    pub fn looks(&mut self) -> &mut Self {
        while self.read(Duration::ZERO).is_some_and(|count| count > 0) {}
        self
    }

    /// Types bytes, if the program still reads.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        // The terminal may be gone already.
        let _ = self.master.as_mut().expect("the terminal is there").write_all(bytes.as_ref());
    }

    /// Gives the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_ref().expect("the terminal is there"), size).unwrap();
        self
    }

    /// Waits until a program has taken the terminal key by key: what is typed before that is
    /// edited as a line.
    #[track_caller]
    pub fn is_taken(&mut self) -> &mut Self {
        let master = self.master.as_ref().expect("the terminal is there");
        let taken = || tcgetattr(master).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON));
        assert!(super::wait_until(taken, LONG), "nobody takes the terminal");
        self
    }

    /// Closes the terminal.
    pub fn hang_up(&mut self) -> &mut Self {
        self.master = None;
        self
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; the exit code, or 128 and the number of the signal that ended it.
    #[track_caller]
    pub fn exit_code(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let deadline = Instant::now() + LONG * 2;
        loop {
            let status = self.child.try_wait().unwrap();
            // After the end the terminal still holds what was last shown.
            while self.read(Duration::from_millis(5)).is_some_and(|count| count > 0) {}
            if let Some(status) = status {
                let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
                self.code = Some(Some(code));
                return code;
            }
            assert!(Instant::now() < deadline, "it did not end; the screen:\n{}", self.screen());
        }
    }

    /// Demands this exit code, and shows the screen otherwise.
    #[track_caller]
    pub fn exits(&mut self, code: i32) -> &mut Self {
        let got = self.exit_code();
        assert_eq!(got, code, "the screen:\n{}", self.screen());
        self
    }

    /// Demands these words anywhere on the screen.
    #[track_caller]
    pub fn saw(&mut self, words: &str) -> &mut Self {
        let screen = self.screen();
        assert!(screen.contains(words), "{words:?} is not on the screen:\n{screen}");
        self
    }

    /// All that was shown, echo included.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// The bytes that were shown.
    pub fn shown(&self) -> &[u8] {
        &self.shown
    }

    /// Takes what comes within this time: `None` for nothing yet, 0 for the end.
    fn read(&mut self, within: Duration) -> Option<usize> {
        let Some(master) = &mut self.master else {
            std::thread::sleep(within);
            return None;
        };
        let wait = Timespec { tv_sec: 0, tv_nsec: within.subsec_nanos().into() };
        let ready = poll(&mut [PollFd::new(master, PollFlags::IN)], Some(&wait)).unwrap_or(0);
        if ready == 0 {
            return None;
        }
        let mut piece = [0; 65_536];
        // The kernel reports the end of a pseudo-terminal as an input/output error.
        let count = master.read(&mut piece).unwrap_or(0);
        self.shown.extend(&piece[..count]);
        Some(count)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if self.code.is_none() {
            // It may have ended since; then there is nothing to end.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
