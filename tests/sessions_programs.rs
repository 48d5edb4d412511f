//! Programs in recorded sessions (P13): what a person sees is what they would see without glass,
//! and what a reviewer sees later is the same. The eye is a pane of tmux.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use glass::core::session::cast::{Happening, Reader};
use std::fs::{self, File, Permissions};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{GLASS, Home, LONG, Pane, Ran, names, requires, wait_until};
use tempfile::TempDir;

/// A home with a grant, and two ways to `run` a program or a `shell`: plainly, and in a session.
struct Desk {
    home: Home,
    grant: String,
}

impl Desk {
    /// Nothing where tmux is missing.
    fn new() -> Option<Self> {
        if !requires("tmux") {
            return None;
        }
        let home = Home::with_door();
        let grant = home.activate_ok("doors/front", &[]);
        let desk = Self { home, grant };
        let glass = format!("'{GLASS}' --home '{}'", desk.home.path().display());
        let (exec, shell) =
            (format!("{glass} exec {} --", desk.grant), format!("{glass} --quiet shell {}", desk.grant));
        for (way, before, shell) in [("plain", "", "bash"), ("recorded", &exec, &shell)] {
            fs::create_dir(desk.file(way)).unwrap();
            for (name, line) in [("run", format!("exec {before} \"$@\"")), ("shell", format!("exec {shell}"))]
            {
                let file = desk.file(way).join(name);
                fs::write(&file, format!("#!/bin/sh\n{line}\n")).unwrap();
                fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
            }
        }
        let prompt = "PS1='$ '; HISTFILE=; bind 'set enable-bracketed-paste off'; cd /";
        fs::write(desk.file("rc"), prompt).unwrap();
        fs::write(desk.home.user().join(".bashrc"), prompt).unwrap();
        Some(desk)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.root().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// bash as it is everywhere.
    fn bash(&self) -> Vec<String> {
        ["bash", "--noprofile", "--rcfile", &self.path("rc"), "-i"].map(str::to_owned).to_vec()
    }

    /// A program in which `run` runs plainly, or in a session.
    fn pane(&self, way: &str, program: &[impl AsRef<str>]) -> Pane<'_> {
        let path = format!("PATH={}:/usr/local/bin:/usr/bin:/bin", self.path(way));
        let program: Vec<&str> = program.iter().map(AsRef::as_ref).collect();
        Pane::running(
            &self.home,
            way.chars().take(1).collect::<String>().as_str(),
            &[&["env", &path][..], &program].concat(),
        )
    }

    /// The same program twice: plainly, and in a session.
    fn both(&self, program: &[impl AsRef<str>]) -> Both<'_> {
        let program: Vec<&str> = ["run"].into_iter().chain(program.iter().map(AsRef::as_ref)).collect();
        Both { plain: self.pane("plain", &program), recorded: self.pane("recorded", &program) }
    }

    /// The one session that was recorded.
    fn recording(&self) -> (String, PathBuf) {
        let recordings = self.home.path().join("recordings");
        let casts: Vec<String> =
            names(&recordings).into_iter().filter(|name| name.ends_with(".cast")).collect();
        let [cast] = &casts[..] else { panic!("{casts:?}") };
        (cast.trim_end_matches(".cast").to_owned(), recordings.join(cast))
    }

    /// Its recording is bound, and playing it gives the screen as it was, by glass and by others.
    fn plays_back(&self, seen: &Pane<'_>) {
        let (session, cast) = self.recording();
        let home = self.path("home");
        self.home.run(&["ledger", "verify"]).exits(0);
        let args =
            ["--home", &home, "-q", "sessions", "play", "--speed", "100", "--idle-limit", "1s", &session];
        let played = Pane::running(&self.home, "g", &[&[GLASS][..], &args].concat());
        // Where it puts back what a program changed, the cursor ends below it all.
        played.ends(0).comes_to("the screen as it was", |screen| screen == seen.screen());
        if requires("asciinema") {
            let others = Pane::running(&self.home, "a", &["asciinema", "cat", cast.to_str().unwrap()]);
            others.ends(0).agrees_with(seen);
        }
    }
}

/// Two panes that are to show the same at each step.
struct Both<'d> {
    plain: Pane<'d>,
    recorded: Pane<'d>,
}

impl Both<'_> {
    #[track_caller]
    fn each(&self, act: impl Fn(&Pane<'_>)) -> &Self {
        act(&self.plain);
        act(&self.recorded);
        self.recorded.agrees_with(&self.plain);
        self
    }

    #[track_caller]
    fn shows(&self, text: &str) -> &Self {
        self.each(|pane| _ = pane.shows(text))
    }

    /// Types a text, and Enter.
    #[track_caller]
    fn enters(&self, text: &str, then: &str) -> &Self {
        self.each(|pane| _ = pane.types(text).press(&["Enter"]).shows(then))
    }

    #[track_caller]
    fn press(&self, keys: &[&str], then: &str) -> &Self {
        self.each(|pane| _ = pane.press(keys).shows(then))
    }

    #[track_caller]
    fn ends(&self, code: i32) -> &Self {
        self.each(|pane| _ = pane.ends(code))
    }
}

/// Fifty lines with colours and letters beyond ASCII.
fn write_text(desk: &Desk) -> String {
    let lines: String =
        (1..=50).map(|at| format!("line {at}: Grüße │ 漢字 │ {}\n", "·".repeat(at))).collect();
    fs::write(desk.file("text"), lines).unwrap();
    desk.path("text")
}

#[test]
fn p13_bash_in_a_session_is_as_without_glass() {
    let Some(desk) = Desk::new() else { return };
    let both = desk.both(&desk.bash());
    both.shows("$");
    both.enters("ls -la --color=always /usr/lib | head -4; stty size", "24 80");
    both.enters("printf '\\e[31mred\\e[0m Grüße 漢字\\n'", "red Grüße 漢字");
    // A line that is edited: moved in, cut from, completed.
    both.types_and_edits();
    both.enters("sleep 100", "sleep 100").press(&["C-z"], "Stopped");
    both.enters("fg", "fg\nsleep 100").press(&["C-c"], "^C\n$");
    both.enters("trap 'echo caught' INT; kill -INT $$", "caught").press(&["C-l"], "$");
    both.enters("exit 7", "exit").ends(7);
    desk.plays_back(&both.recorded);
}

impl Both<'_> {
    #[track_caller]
    fn types_and_edits(&self) {
        self.each(|pane| {
            _ = pane.types("echo twwo").press(&["Left", "Left", "BSpace", "End"]).shows("echo two")
        });
        self.each(|pane| _ = pane.press(&["Enter"]).shows("\ntwo\n"));
        self.press(&["Up", "C-a", "C-k"], "$");
        self.enters("cat /etc/hostna\t", "cat /etc/hostname");
    }
}

#[test]
fn p13_vim_in_a_session_is_as_without_glass_also_when_the_window_changes() {
    let Some(desk) = Desk::new().filter(|_| requires("vim")) else { return };
    let text = write_text(&desk);
    let both = desk.both(&["vim", "--clean", "-n", &text]);
    both.shows("line 1:");
    both.each(|pane| _ = pane.types("/line 30").press(&["Enter"]).shows("30,1"));
    both.each(|pane| _ = pane.types("Oeine neue Zeile ✓").press(&["Escape"]).shows("Zeile ✓"));
    both.each(|pane| _ = pane.resize(60, 15).shows("Zeile ✓"));
    both.each(|pane| _ = pane.resize(80, 24).shows("line 35"));
    both.enters(":split", "text [+]").enters(":q!", "line 35");
    both.enters(":q!", "").ends(0);
    let (_, cast) = desk.recording();
    let (_, events) = Reader::begin(BufReader::new(File::open(cast).unwrap())).unwrap();
    let sizes: Vec<(u16, u16)> = events
        .filter_map(|event| match event.unwrap().happening {
            Happening::Resize { columns, rows } => Some((columns, rows)),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [(60, 15), (80, 24)]);
}

#[test]
fn p13_less_in_a_session_is_as_without_glass() {
    let Some(desk) = Desk::new().filter(|_| requires("less")) else { return };
    let both = desk.both(&["less", &write_text(&desk)]);
    both.shows("line 1:").press(&["Space"], "line 40").press(&["G"], "(END)");
    both.enters("?line 2", "line 29").press(&["g"], "line 1:").press(&["q"], "").ends(0);
    desk.plays_back(&both.recorded);
}

#[test]
fn p13_top_in_a_session_is_as_without_glass() {
    let Some(desk) = Desk::new().filter(|_| requires("top")) else { return };
    let pane = desk.pane("recorded", &["run", "top", "-d", "0.5"]);
    let is_top = |screen: &str| {
        let lines: Vec<&str> = screen.lines().collect();
        let begins =
            |line: usize, with: &str| lines.get(line).is_some_and(|line| line.trim_start().starts_with(with));
        begins(0, "top - ")
            && begins(1, "Tasks:")
            && begins(2, "%Cpu(s):")
            && begins(6, "PID USER")
            && lines.len() > 20
    };
    pane.comes_to("the whole of top", is_top);
    // It asks a question at its sixth line, and takes the answer; other programs' lines move on.
    pane.press(&["d"])
        .comes_to("its question", |screen| screen.lines().nth(5).is_some_and(|line| line.contains("delay")));
    pane.types("0.3")
        .press(&["Enter"])
        .comes_to("its sixth line empty", |screen| is_top(screen) && screen.lines().nth(5) == Some(""));
    pane.resize(100, 30)
        .comes_to("30 lines", |screen| is_top(screen) && screen.trim_end().lines().count() > 25);
    pane.resize(80, 24).comes_to("24 lines", is_top);
    pane.press(&["q"]).ends(0);
    assert!(pane.screen().contains("PID USER"), "{}", pane.screen());
    desk.plays_back(&pane);
}

/// A PostgreSQL of the test's own, at a socket.
struct Postgres {
    directory: TempDir,
    server: Child,
}

impl Postgres {
    /// Nothing where it is not installed.
    fn start() -> Option<Self> {
        let installed = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
        let Some(programs) = installed.map(|version| version.path().join("bin")).max() else {
            support::skipped("PostgreSQL is not installed");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("glass-test-").tempdir().unwrap();
        // It refuses to run as root.
        let root = rustix::process::geteuid().is_root();
        let as_other = |program: &str| {
            let mut command = Command::new(if root { "setpriv" } else { "env" });
            if root {
                command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
            }
            command
                .arg(programs.join(program))
                .current_dir(directory.path())
                .env_clear()
                .env("LC_ALL", "C.UTF-8");
            command.stdin(Stdio::null());
            command
        };
        if root {
            fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
            Ran::of(Command::new("chown").arg("nobody").arg(directory.path())).exits(0);
        }
        let init = ["-D", "data", "-A", "trust", "-U", "postgres", "--no-sync", "--no-instructions"];
        Ran::of(as_other("initdb").args(init)).exits(0);
        let mut server = as_other("postgres");
        server.args(["-D", "data", "-F", "-c", "listen_addresses=", "-k"]).arg(directory.path());
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Self { directory, server };
        let ready = || started.ask("SELECT 1").is_some();
        assert!(wait_until(ready, LONG), "the server does not start");
        Some(started)
    }

    fn socket(&self) -> &Path {
        self.directory.path()
    }

    fn ask(&self, query: &str) -> Option<String> {
        let mut psql = Command::new("psql");
        psql.arg("-XAtqh").arg(self.socket()).args(["-U", "postgres", "-c", query]);
        let output = psql.output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, its own children too.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.server),
            rustix::process::Signal::QUIT,
        );
        let _ = self.server.wait();
    }
}

#[test]
fn p13_psql_in_a_session_is_as_without_glass() {
    let needed = || ["psql", "less", "setpriv"].into_iter().all(requires);
    let Some(desk) = Desk::new().filter(|_| needed()) else { return };
    let Some(postgres) = Postgres::start() else { return };
    let history = format!("PSQL_HISTORY={}", desk.path("psql_history"));
    let socket = postgres.socket().to_str().unwrap();
    let both = desk.both(&["env", &history, "PAGER=less", "psql", "-X", "-h", socket, "-U", "postgres"]);
    both.shows("postgres=#");
    both.enters("\\pset linestyle unicode", "Line style is unicode.");
    both.enters("SELECT 1 AS eins, 'Grüße' AS zwei;", "(1 row)");
    both.enters("SELECT now() -\ninterval '1", "postgres'#").press(&["C-c"], "^C");
    both.enters("BEGIN; SELECT 1/0;", "division by zero").enters("ROLLBACK;", "ROLLBACK");
    // Its pager, a program of its own in the same terminal.
    both.enters("SELECT n, repeat('x', n) FROM generate_series(1, 60) n;", ":").press(&["G"], "(60 rows)");
    both.press(&["q"], "postgres=#");
    both.enters("SELECT pg_sleep(1000);", "1000").press(&["C-c"], "canceling statement due to user request");
    both.enters("\\q", "\\q").ends(0);
    desk.plays_back(&both.recorded);
}

#[test]
fn p13_a_command_that_writes_much_is_shown_and_recorded_to_its_last_byte() {
    const LINES: u64 = 1_500_000;
    let Some(desk) = Desk::new() else { return };
    let both = desk.both(&["seq", &LINES.to_string()]);
    both.ends(0).shows(&format!("\n{LINES}\n"));
    let (_, cast) = desk.recording();
    let (_, events) = Reader::begin(BufReader::new(File::open(cast).unwrap())).unwrap();
    let (mut rest, mut line) = (String::new(), 0_u64);
    for event in events {
        let Happening::Output(text) = event.unwrap().happening else { continue };
        rest += &text;
        let mut lines = rest.split("\r\n").peekable();
        let mut last = "";
        while let Some(text) = lines.next() {
            if lines.peek().is_none() {
                last = text;
                break;
            }
            line += 1;
            assert!(text.parse() == Ok(line), "{text:?} is line {line}");
        }
        rest = last.to_owned();
    }
    assert_eq!((line, rest.as_str()), (LINES, ""));
}

#[test]
fn p13_vim_is_stopped_and_goes_on_in_a_shell_of_a_session() {
    let Some(desk) = Desk::new().filter(|_| requires("vim")) else { return };
    let text = write_text(&desk);
    let [plain, recorded] = ["plain", "recorded"].map(|way| desk.pane(way, &["shell"]));
    let both = Both { plain, recorded };
    both.shows("$").enters(&format!("clear; vim --clean -n {text}"), "line 1:");
    both.each(|pane| _ = pane.press(&["C-z"]).shows("Stopped"));
    both.enters("clear; jobs", "Stopped");
    both.enters("fg", "line 10:");
    both.press(&["G"], "line 50:").enters(":q", "$");
    both.enters("clear; exit", "exit").ends(0);
    desk.plays_back(&both.recorded);
}

#[test]
fn p13_a_session_is_stopped_and_goes_on_in_the_shell_that_it_was_started_from() {
    let Some(desk) = Desk::new().filter(|_| requires("vim")) else { return };
    let text = write_text(&desk);
    let [plain, recorded] = ["plain", "recorded"].map(|way| desk.pane(way, &desk.bash()));
    let both = Both { plain, recorded };
    both.shows("$").enters(&format!("clear; run vim --clean -n {text}"), "line 1:");
    both.each(|pane| _ = pane.press(&["C-z"]).shows("Stopped"));
    // The terminal is the shell's again, as it was.
    both.enters("clear; stty -a | grep -c ' echo '", "1").enters("jobs", "run vim");
    // What has another size meanwhile is told of it.
    both.each(|pane| _ = pane.resize(70, 20));
    both.enters("fg", "line 10:").press(&["G"], "line 50:");
    both.press(&["C-z"], "Stopped").enters("fg", "line 50:");
    both.enters(":q", "$");
    both.enters("clear; echo $?", "0").enters("exit", "exit").ends(0);
    let entries = desk.home.entries();
    let ended: Vec<_> = entries.iter().filter(|facts| facts["kind"] == "session-ended").collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0]["cause"], "command-ended");
    desk.recording();
}
