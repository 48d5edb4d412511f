//! A person at the other end of a pseudo-terminal.

use super::*;
use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use secrecy::ExposeSecret;
use std::io::Read;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The person: types, and sees what the terminal shows.
pub(super) struct Person {
    pub(super) master: File,
    seen: String,
}

pub(super) fn terminal() -> (Terminal, Person) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let ours = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let device = File::from(ioctl_tiocgptpeer(&master, ours).unwrap());
    (Terminal { device }, Person { master: File::from(master), seen: String::new() })
}

impl Person {
    pub(super) fn types(&mut self, bytes: impl AsRef<[u8]>) {
        self.master.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads what is shown until `text` is among it.
    fn waits_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            assert!(self.reads(10), "waited for {text:?}, saw {:?}", self.seen);
        }
    }

    /// All that was shown, once nothing more comes.
    pub(super) fn saw(&mut self) -> &str {
        while self.reads(0) {}
        &self.seen
    }

    fn reads(&mut self, seconds: i64) -> bool {
        let mut watched = [PollFd::new(&self.master, PollFlags::IN)];
        let ready = poll(&mut watched, Some(&Timespec { tv_sec: seconds, tv_nsec: 50_000_000 })).unwrap();
        let mut piece = [0; 4096];
        let count = if ready == 0 { 0 } else { self.master.read(&mut piece).unwrap_or(0) };
        self.seen.push_str(&String::from_utf8_lossy(&piece[..count]));
        count > 0
    }
}

/// Asks on a thread of its own, lets the person act, and gives back both; never waits for ever.
fn asked<T: Send + 'static>(
    question: impl FnOnce(&mut Terminal) -> T + Send + 'static,
    act: impl FnOnce(&mut Person),
) -> (T, Person) {
    let (mut terminal, mut person) = terminal();
    let before = modes(&terminal.device);
    let (tell, told) = mpsc::channel();
    // The descriptor outlives the question, so that the modes can be looked at.
    let device = terminal.device.try_clone().unwrap();
    thread::spawn(move || tell.send(question(&mut terminal)));
    act(&mut person);
    let answer = told.recv_timeout(LONG).expect("the question came to an end");
    assert_eq!(modes(&device), before, "modes are put back");
    (answer, person)
}

fn modes(device: &impl AsFd) -> (LocalModes, [u8; 2]) {
    use rustix::termios::SpecialCodeIndex as Key;
    let modes = tcgetattr(device).unwrap();
    (modes.local_modes, [modes.special_codes[Key::VEOL], modes.special_codes[Key::VEOL2]])
}

fn word(typed: &'static [u8]) -> Result<(), NotConfirmed> {
    let (answer, mut person) = asked(
        |terminal| terminal.ask_word("vault/signing-key", &mut never),
        |person| {
            person.waits_for("Type vault/signing-key to confirm: ");
            person.types(typed);
        },
    );
    assert!(person.saw().starts_with("Type vault/signing-key to confirm: "));
    answer
}

#[test]
fn p04_the_exact_word_confirms_and_nothing_else() {
    assert!(word(b"vault/signing-key\n").is_ok());
    assert!(word(b"vault/signing-key\r").is_ok(), "Enter sends a carriage return");
    assert!(word(b"vault/signing-keX\x7fy\n").is_ok(), "the line can be edited");
    for wrong in [
        &b"vault/signing-ke\n"[..],
        b"vault/signing-key \n",
        b" vault/signing-key\n",
        b"Vault/signing-key\n",
        b"y\n",
    ] {
        assert!(matches!(word(wrong), Err(NotConfirmed::Wrong(_))), "{}", wrong.escape_ascii());
    }
    let error = word(b"\n").unwrap_err();
    assert!(matches!(error, NotConfirmed::Empty(_)));
    assert!(error.to_string().contains("type `vault/signing-key`"), "{error}");
}

#[test]
fn p04_a_wrong_word_is_never_repeated() {
    let error = word(b"correct horse\n").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("horse"));
}

#[test]
fn p04_what_was_typed_ahead_answers_nothing() {
    let (mut terminal, mut person) = terminal();
    person.types("y\ny\n");
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let ask = |terminal: &mut Terminal, text| terminal.ask_yes(&Line::new(text).unwrap()).unwrap();
        tell.send([ask(&mut terminal, "One?"), ask(&mut terminal, "Two?")]).unwrap();
    });
    person.waits_for("One? [y/N] ");
    // One answer for this question, one too many for the next.
    person.types("n\ny\n");
    person.waits_for("Two? [y/N] ");
    person.types("n\n");
    assert_eq!(told.recv_timeout(LONG).unwrap(), [false, false]);
}

#[test]
fn p04_a_terminal_that_never_is_quiet_is_not_asked() {
    // On a busy machine the feeder itself may be kept waiting for long enough to look quiet.
    assert!((0..5).any(|_| matches!(asked_while_fed(), Err(TerminalError::NeverQuiet))));
}

/// Asks while something types `y` and Enter without a pause.
fn asked_while_fed() -> Result<bool, TerminalError> {
    let (mut terminal, person) = terminal();
    rustix::fs::fcntl_setfl(&person.master, rustix::fs::OFlags::NONBLOCK).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut master = &person.master;
            while !stop.load(Ordering::Relaxed) {
                // Either may have no room or nothing there; unread echo would stop the terminal.
                let _ = master.write(b"y\n");
                let _ = master.read(&mut [0; 4096]);
            }
        });
        let answer = terminal.ask_yes(&Line::new("Open?").unwrap());
        stop.store(true, Ordering::Relaxed);
        answer
    })
}

#[test]
fn only_yes_is_a_yes() {
    for (typed, expected) in [
        ("y\n", true),
        ("Y\n", true),
        ("yes\n", true),
        ("Yes\n", true),
        ("\n", false),
        ("n\n", false),
        ("yy\n", false),
        ("yes please\n", false),
    ] {
        let (answer, _) = asked(
            |terminal| terminal.ask_yes(&Line::new("Is it down?").unwrap()),
            |person| {
                person.waits_for("Is it down? [y/N] ");
                person.types(typed);
            },
        );
        assert_eq!(answer.unwrap(), expected, "{typed:?}");
    }
}

fn line(typed: Vec<u8>) -> Result<String, TerminalError> {
    let (answer, _) = asked(
        |terminal| terminal.ask_line("Reason: "),
        |person| {
            person.waits_for("Reason: ");
            let mut writer = person.master.try_clone().unwrap();
            thread::spawn(move || writer.write_all(&typed));
        },
    );
    answer
}

#[test]
fn a_line_comes_back_as_it_was_typed() {
    assert_eq!(line(b" Schl\xc3\xbcssel \x16\x1b[2J\n".to_vec()).unwrap(), " Schlüssel \u{1b}[2J");
    assert!(matches!(line(b"\xff\n".to_vec()), Err(TerminalError::NotText)));
}

#[test]
fn a_line_of_a_thousand_of_the_longest_characters_fits() {
    let reason = "\u{1f511}".repeat(1000);
    assert_eq!(line(format!("{reason}\n").into_bytes()).unwrap(), reason);
}

#[test]
fn a_line_that_the_kernel_cut_is_refused() {
    for length in [4095, 4096, 1_000_000] {
        let mut pasted = vec![b'x'; length];
        pasted.push(b'\n');
        assert!(matches!(line(pasted), Err(TerminalError::TooLong(4094))), "{length}");
    }
    assert_eq!(line([&[b'x'; 4094][..], b"\n"].concat()).unwrap().len(), 4094);
}

#[test]
fn p04_keys_that_abandon_come_back_as_values() {
    for (typed, expected) in [
        (&b"\x03"[..], Abandoned::Interrupted),
        (b"half a word\x03", Abandoned::Interrupted),
        (b"\x1c", Abandoned::Interrupted),
        (b"\x04", Abandoned::EndOfInput),
        (b"half a word\x04\x04", Abandoned::EndOfInput),
    ] {
        let answer = word(typed);
        assert!(
            matches!(answer, Err(NotConfirmed::Terminal(TerminalError::Abandoned(how))) if how == expected),
            "{}: {answer:?}",
            typed.escape_ascii()
        );
    }
}

#[test]
fn p04_a_hang_up_in_the_middle_comes_back_and_leaves_time_to_record_it() {
    for typed in ["", "half a wo"] {
        let (mut terminal, mut person) = terminal();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let answer = terminal.ask_word("g-aaaaaaaaaa", &mut never);
            tell.send((answer, SigSet::thread_get_mask().unwrap().contains(Signal::SIGHUP)))
        });
        person.waits_for("Type g-aaaaaaaaaa to confirm: ");
        person.types(typed);
        drop(person);
        let (answer, held) = told.recv_timeout(LONG).unwrap();
        assert!(
            matches!(answer, Err(NotConfirmed::Terminal(TerminalError::Abandoned(Abandoned::HangUp)))),
            "{answer:?}"
        );
        assert!(held, "the next SIGHUP must not kill glass");
    }
}

#[test]
fn a_terminal_that_is_gone_is_a_hang_up() {
    let (mut terminal, person) = terminal();
    drop(person);
    assert!(matches!(terminal.say("x"), Err(TerminalError::Abandoned(Abandoned::HangUp))));
    assert!(matches!(terminal.ask_line("Note: "), Err(TerminalError::Abandoned(Abandoned::HangUp))));
}

#[test]
fn p09_a_passphrase_is_not_shown() {
    let (answer, mut person) = asked(
        |terminal| terminal.passphrase(Path::new("/home/ana/.ssh/id\u{1b}[31m")),
        |person| {
            person.waits_for("Passphrase for /home/ana/.ssh/id\\u{1b}[31m: ");
            person.types("correct horse\n");
        },
    );
    let passphrase = answer.unwrap();
    assert_eq!(passphrase.expose_secret(), "correct horse");
    assert!(!format!("{passphrase:?}").contains("horse"));
    assert_eq!(person.saw(), "Passphrase for /home/ana/.ssh/id\\u{1b}[31m: \r\n");
}

#[test]
fn p09_echo_comes_back_however_a_passphrase_ends() {
    let too_long = [&[b'x'; 1025][..], b"\n"].concat();
    for typed in [&b"half\x03"[..], b"\x04", b"\xff\n", &too_long] {
        let typed = typed.to_vec();
        let (answer, mut person) = asked(
            |terminal| terminal.passphrase(Path::new("/k")),
            |person| {
                person.waits_for("Passphrase for /k: ");
                person.types(typed);
            },
        );
        assert!(answer.is_err());
        // `asked` has looked at the modes.
        assert_eq!(person.saw(), "Passphrase for /k: \r\n");
    }
}

#[test]
fn talk_is_wrapped_to_what_the_terminal_says() {
    let (mut terminal, mut person) = terminal();
    assert_eq!(terminal.width(), 80);
    let size = Winsize { ws_row: 24, ws_col: 132, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&person.master, size).unwrap();
    assert_eq!(terminal.width(), 132);
    terminal.say("opens: vault").unwrap();
    assert_eq!(person.saw(), "opens: vault\r\n");
}
