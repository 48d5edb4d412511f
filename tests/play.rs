//! `sessions play` and `sessions export`: recordings on a person's terminal, and for other players.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use rustix::process::Signal;
use rustix::termios::{InputModes, LocalModes, OutputModes, tcgetattr};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{GLASS, Home, LONG, Person, bare, requires, signal, wait_until};

const SESSION: &str = "s-k3q7x2m5ab";

/// An empty home with one recording: 80 × 24, and these lines.
fn recorded(events: &[&str]) -> Home {
    let home = Home::new();
    write(&home, &(events.join("\n") + "\n"));
    home
}

fn write(home: &Home, events: &str) {
    let header = r#"{"version":2,"width":80,"height":24,"timestamp":1700000000}"#;
    fs::write(file(home), format!("{header}\n{events}")).unwrap();
}

fn file(home: &Home) -> PathBuf {
    home.path().join("recordings").join(format!("{SESSION}.cast"))
}

/// A person who plays it, and the terminal itself, whose modes can be looked at.
struct Viewer {
    person: Person,
    terminal: File,
    before: (InputModes, OutputModes, LocalModes),
}

fn modes(terminal: &File) -> (InputModes, OutputModes, LocalModes) {
    let modes = tcgetattr(terminal).unwrap();
    (modes.input_modes, modes.output_modes, modes.local_modes)
}

fn play(home: &Home, args: &[&str]) -> Viewer {
    let (mut kept, args) = (None, [&["sessions", "play", SESSION], args].concat());
    let person = Person::start_with(&mut home.at_terminal(&args), |command, terminal| {
        let [input, output, errors] = [0; 3].map(|_| Stdio::from(terminal.try_clone().unwrap()));
        command.stdin(input).stdout(output).stderr(errors);
        kept = Some((terminal.try_clone().unwrap(), modes(terminal)));
    });
    let (terminal, before) = kept.unwrap();
    Viewer { person, terminal, before }
}

impl Viewer {
    /// It ends with this code, and the terminal is as it was.
    #[track_caller]
    fn ends(mut self, code: i32) -> String {
        self.person.exits(code);
        assert_eq!(modes(&self.terminal), self.before, "the modes of the terminal");
        self.person.screen()
    }

    fn is_raw(&self) -> bool {
        !modes(&self.terminal).2.contains(LocalModes::ICANON)
    }
}

/// Silence that nobody sits out.
const HOURS: &str = r#"[7200.0, "o", "much later"]"#;

#[test]
fn p13_a_recording_plays_as_it_was_seen() {
    let home = recorded(&[
        r#"[0.1, "o", "$ "]"#,
        r#"[0.2, "i", "typed"]"#,
        r#"[0.2, "m", "ls"]"#,
        r#"[0.2, "r", "100x30"]"#,
        r#"[0.3, "o", "ls\r\n\u001b[1;34mbin\u001b[0m é\r\n"]"#,
        r#"[0.4, "z", "what another recorder wrote"]"#,
    ]);
    let screen = play(&home, &[]).ends(0);
    assert!(screen.contains("$ ls\r\n\x1b[1;34mbin\x1b[0m é\r\n"), "{screen:?}");
    assert!(screen.contains("space pauses") && screen.contains("ends here"), "{screen:?}");
    assert!(!screen.contains("typed") && !screen.contains("recorder"), "{screen:?}");
    let quiet = play(&home, &["-q"]).ends(0);
    assert_eq!(quiet, "$ ls\r\n\x1b[1;34mbin\x1b[0m é\r\n\x1b[m");
}

#[test]
fn speed_and_idle_limit_are_kept() {
    let took = |events: &[&str], args: &[&str]| {
        let home = recorded(events);
        let began = Instant::now();
        assert!(play(&home, args).ends(0).contains("much later"));
        began.elapsed()
    };
    // Without a limit of a second this one took two hours.
    let limited = took(&[r#"[0.0, "o", "at once, then "]"#, HOURS], &["--idle-limit", "1s"]);
    assert!((Duration::from_secs(1)..LONG).contains(&limited), "{limited:?}");
    // 600 s of ten steps of a minute: 20 s by the limit, 0.2 s at this speed.
    let steps: Vec<String> = (1..=10).map(|at| format!(r#"[{}.0, "o", "{at} "]"#, at * 60)).collect();
    let mut steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    steps.push(r#"[600.0, "o", "much later"]"#);
    let fast = took(&steps, &["--speed", "100"]);
    assert!((Duration::from_millis(200)..Duration::from_secs(15)).contains(&fast), "{fast:?}");
    let slow = took(&[r#"[0.5, "o", "much later"]"#], &["--speed", "0.5"]);
    assert!(slow >= Duration::from_secs(1), "{slow:?}");
}

#[test]
fn p10_what_a_suspect_printed_reaches_no_terminal_that_answers() {
    let home = recorded(&[
        r#"[0.0, "o", "seen\u001b[6n\u001b[c\u001b]0;title\u0007\u001b]52;c;cm0=\u0007\u001b[?1000h"]"#,
        r#"[0.0, "o", "\u001b]0;in two"]"#,
        r#"[0.0, "o", " pieces\u001b\\\u009b6n\u001bP$qm\u001b\\\u001b[?2004h\u0007\u001b[3J\u202e"]"#,
        r#"[0.0, "o", "\u001b[31m\u001b[?1049h\u001b[?25lalternate"]"#,
        "[0.0, \"o\", \"\u{9b}5nraw bytes in an edited file\"]",
    ]);
    let shown = play(&home, &["-q"]).ends(0);
    assert_eq!(
        shown,
        "seen6n\u{fffd}\x1b[31m\x1b[?1049h\x1b[?25lalternate5nraw bytes in an edited file\
         \x1b[?1049l\x1b[m\x1b[?25h"
    );
}

#[test]
fn a_person_pauses_steps_and_quits() {
    let home = recorded(&[
        r#"[0.0, "o", "one "]"#,
        r#"[5.0, "i", "x"]"#,
        r#"[5.0, "o", "two "]"#,
        r#"[9.0, "o", "three "]"#,
        HOURS,
    ]);
    let mut viewer = play(&home, &["-q", "--idle-limit", "7d"]);
    viewer.person.expect("one ");
    assert!(viewer.is_raw());
    viewer.person.send(" .").expect("two ").send("\x1b[A.").expect("three ");
    viewer.person.send("q");
    assert!(!viewer.ends(0).contains("much later"));
    // Paused, nothing comes by itself; Ctrl-C ends it as well.
    let mut viewer = play(&home, &["-q", "--speed", "100"]);
    viewer.person.expect("one ").send(" ");
    std::thread::sleep(Duration::from_millis(300));
    viewer.person.send("\x03");
    assert!(!viewer.ends(0).contains("three"));
    // Faster and faster: 64 times at last, beyond which no key goes.
    let mut viewer = play(&home, &["-q", "--idle-limit", "5m"]);
    viewer.person.expect("one ").send("++++++++++").expect("much later");
    viewer.ends(0);
}

#[test]
fn commands_are_jumped_to_and_back() {
    let home = recorded(&[
        r#"[0.0, "o", "first$ "]"#,
        r#"[1.0, "m", "ls"]"#,
        r#"[1.0, "o", "ls "]"#,
        r#"[1000.0, "m", "id"]"#,
        r#"[1000.0, "o", "id "]"#,
        r#"[5000.0, "m", "exit"]"#,
        r#"[6000.0, "o", "exit "]"#,
    ]);
    let mut viewer = play(&home, &["-q", "--idle-limit", "7d", "--command", "2"]);
    // All before it at once, then it goes on from there.
    viewer.person.expect("first$ ls id ");
    viewer.person.send("[").expect("\x1b[H\x1b[2Jfirst$ ls ");
    viewer.person.send("[").expect("\x1b[H\x1b[2Jfirst$ ");
    viewer.person.send("]").expect("ls ").send("]").expect("id ");
    viewer.person.send("]]]");
    viewer.person.send("[").expect("\x1b[H\x1b[2Jfirst$ ls id ").send("q");
    assert!(!viewer.ends(0).contains("exit"));
    let screen = play(&home, &["--command", "4"]).ends(3);
    assert!(
        screen.contains("no command 4 in the recording of s-k3q7x2m5ab: it marks 3")
            && !screen.contains("first$"),
        "{screen}"
    );
    play(&home, &["--command", "0"]).ends(2);
}

#[test]
fn a_text_is_searched_under_colours_and_over_events() {
    let home = recorded(&[
        r#"[0.0, "o", "nothing\r\n"]"#,
        r#"[1000.0, "o", "the se\u001b[31mcr"]"#,
        r#"[2000.0, "o", "et\u001b[0m is\r\n"]"#,
        r#"[3000.0, "o", "after\r\n"]"#,
        r#"[4000.0, "o", "a secret, secret\r\n"]"#,
        HOURS,
    ]);
    let mut viewer = play(&home, &["--idle-limit", "7d", "--search", "secret"]);
    viewer.person.expect("hits of `secret`: 3;").expect("is\r\n");
    assert!(!viewer.person.screen().contains("after"));
    viewer.person.send("n").expect("after\r\na secret, secret\r\n").send("nq");
    assert!(!viewer.ends(0).contains("much later"));
    // Typed while it plays; what is nowhere changes nothing.
    let mut viewer = play(&home, &["--idle-limit", "7d"]);
    viewer.person.expect("nothing\r\n").send("/").expect("Search: ").send_line("after");
    // What was typed is echoed: only after that the recording's own comes.
    viewer.person.expect("the se").expect("after\r\n").send("/").expect("Search: ").send_line("nowhere");
    viewer
        .person
        .expect("\x1b[H\x1b[2Jnothing")
        .expect("after\r\n")
        .send("/")
        .expect("Search: ")
        .send("\x04");
    viewer.person.expect("after\r\n");
    assert!(wait_until(|| viewer.is_raw(), LONG));
    viewer.person.send("q");
    viewer.ends(0);
    let screen = play(&home, &["--search", "\u{1b}[31m nowhere"]).ends(1);
    assert!(screen.contains("`\\u{1b}[31m nowhere` is nowhere"), "{screen:?}");
}

#[test]
fn the_terminal_is_given_back_whoever_ends_it() {
    let home = recorded(&[r#"[0.0, "o", "\u001b[?1049h\u001b[31mred"]"#, HOURS]);
    for kind in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
        let mut viewer = play(&home, &["--idle-limit", "7d"]);
        viewer.person.expect("red");
        assert!(viewer.is_raw());
        signal(viewer.person.id(), kind);
        let screen = viewer.ends(1);
        assert!(screen.contains("red\x1b[?1049l\x1b[m"), "{kind:?}: {screen:?}");
        assert!(screen.contains("interrupted"), "{kind:?}: {screen:?}");
    }
    // While a search is typed, too.
    let mut viewer = play(&home, &["--idle-limit", "7d"]);
    viewer.person.expect("red").send("/").expect("Search: ");
    signal(viewer.person.id(), Signal::TERM);
    viewer.ends(1);
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal() {
    if !requires("bash") {
        return;
    }
    let home = recorded(&[r#"[0.0, "o", "\u001b[?1049h\u001b[31mred"]"#, HOURS]);
    let mut command = bare(&home, "setsid");
    command.args(["--ctty", "bash", "--norc", "-i"]).env("TERM", "xterm").env("PS1", "$ ");
    let mut person = Person::start(&mut command);
    let typed =
        format!("{GLASS} -q --home {} sessions play {SESSION} --idle-limit 7d", home.path().display());
    person.expect("$ ").send_line(&typed).expect("\x1b[31mred").send("\x1a");
    person.expect("\x1b[?1049l\x1b[m").expect("Stopped");
    person.expect("$ ").send_line("stty -a; echo looked").expect(" icanon").expect("looked\r\n");
    // In front again, the picture is drawn anew.
    person.expect("$ ").send_line("fg").expect("\x1b[H\x1b[2J\x1b[?1049h\x1b[31mred").send("q");
    person.expect("\x1b[?1049l\x1b[m").expect("$ ").send_line("exit").exits(0);
}

#[test]
fn p13_a_cut_tail_still_plays_and_damage_is_named() {
    let home = Home::new();
    write(&home, "[0.0, \"o\", \"whole \"]\n[0.0, \"o\", \"cu");
    let screen = play(&home, &[]).ends(0);
    assert!(screen.contains("whole ") && screen.contains("breaks off here"), "{screen}");
    write(&home, "[0.0, \"o\", \"whole \"]\nnot an event\n[0.0, \"o\", \"beyond\"]\n");
    let screen = play(&home, &[]).ends(1);
    assert!(screen.contains("whole ") && screen.contains("line 3 is not an event"), "{screen}");
    assert!(!screen.contains("beyond"), "{screen}");
    fs::write(file(&home), "").unwrap();
    assert!(play(&home, &[]).ends(1).contains("line 1 is not the header"));
}

#[test]
fn a_terminal_that_is_too_small_is_told_first() {
    let home = Home::new();
    fs::write(file(&home), "{\"version\":2,\"width\":401,\"height\":24}\n[0.0, \"o\", \"wide\"]\n").unwrap();
    let screen = play(&home, &[]).ends(0);
    let said = screen.find("recorded at 401 × 24; this terminal has 400 × 50").expect(&screen);
    assert!(said < screen.find("wide").unwrap());
}

#[test]
fn what_can_t_be_played_is_refused_with_what_to_type() {
    let home = recorded(&[r#"[0.0, "o", "x"]"#]);
    let run = |args: &[&str]| home.run(&[&["sessions"], args].concat());
    run(&["play", SESSION]).exits(2).says(&format!("glass sessions export {SESSION}"));
    for verb in ["play", "export"] {
        run(&[verb, "../../etc/passwd"]).exits(2).says("not a session id");
        run(&[verb, "s-K3Q7X2M5AB"]).exits(2);
    }
    run(&["export", "s-aaaaaaaaaa"])
        .exits(3)
        .says("no recording of s-aaaaaaaaaa")
        .says("glass sessions list");
    for bad in [&["--speed", "0"][..], &["--speed", "nan"], &["--speed", "101"], &["--idle-limit", "0s"]] {
        play(&home, bad).ends(2);
    }
    // Whoever could put a recording there, or a link in its place, is not believed.
    let (directory, away) = (home.path().join("recordings"), home.root().join("away"));
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    run(&["export", SESSION]).exits(3).says("can be written by others").says("chmod");
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    fs::rename(&directory, &away).unwrap();
    run(&["export", SESSION]).exits(3).says("no recording of");
    symlink(&away, &directory).unwrap();
    run(&["export", SESSION]).exits(3).says("is a link or a file");
    fs::remove_file(&directory).unwrap();
    fs::rename(&away, &directory).unwrap();
    fs::rename(file(&home), home.root().join("cast")).unwrap();
    symlink(home.root().join("cast"), file(&home)).unwrap();
    run(&["export", SESSION]).exits(1).says("can't be read");
}

#[test]
fn an_export_is_the_recording_byte_for_byte() {
    let home = recorded(&[r#"[0.0, "o", "é\u001b[0m"]"#, HOURS]);
    let whole = fs::read_to_string(file(&home)).unwrap();
    let exported = home.run(&["sessions", "export", SESSION]).exits(0);
    assert_eq!((exported.stdout, exported.stderr), (whole.clone(), String::new()));
    let copy = home.user().join("copy.cast");
    let to_copy = ["sessions", "export", SESSION, "--output", copy.to_str().unwrap()];
    home.run(&to_copy).exits(0);
    assert_eq!(fs::read_to_string(&copy).unwrap(), whole);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o600);
    home.run(&to_copy).exits(1).says("never overwrites");
    // Half a line, which no other player takes, stays behind, and is told.
    fs::write(file(&home), format!("{whole}[7201.0, \"o")).unwrap();
    let cut = home.run(&["sessions", "export", SESSION]).exits(0).says("11 bytes of a cut last line");
    assert_eq!(cut.stdout, whole);
    // Nothing that someone may have put there reaches a screen as it is.
    let mut person = home.person(&["sessions", "export", SESSION]);
    person.exits(2).saw(&format!("glass sessions play {SESSION}"));
    assert!(!person.screen().contains("version"));
}

#[test]
fn stock_asciinema_plays_an_export() {
    if !requires("asciinema") {
        return;
    }
    let home = recorded(&[
        r#"[0.0, "o", "one\r\n\u001b[31mrot é 漢\u001b[0m"]"#,
        r#"[0.1, "m", "ls"]"#,
        r#"[0.2, "r", "100x30"]"#,
        r#"[0.3, "o", "\u0007\u007f\"\\two\u001b]0;x\u0007"]"#,
    ]);
    let printed = "one\r\n\x1b[31mrot é 漢\x1b[0m\x07\x7f\"\\two\x1b]0;x\x07";
    for (verb, speed) in [("cat", &[][..]), ("play", &["-s", "10"])] {
        let mut command = bare(&home, "setsid");
        let script =
            r#""$0" --home "$1" sessions export "$2" > out.cast && shift 2 && exec asciinema "$@" out.cast"#;
        command.args(["--ctty", "sh", "-c", script, GLASS]).arg(home.path()).args([SESSION, verb]);
        command.args(speed).env("TERM", "xterm");
        let mut person = Person::start(&mut command);
        person.exits(0);
        assert!(person.screen().contains(printed), "{verb}: {:?}", person.screen());
    }
}
