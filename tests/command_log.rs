//! The command log of a session (P13): the prompt hooks of real shells, at a real terminal.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)] // The shells of a session, without one.

mod support;

use glass::core::id::{Nonce, SessionId};
use glass::core::session::hook::Report;
use glass::ports::effect::HookDir;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{LONG, Person, requires, wait_until};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A shell at a terminal, with its hook or without.
struct Shell {
    home: tempfile::TempDir,
    hook: Option<HookDir>,
    person: Person,
    reports: Vec<Report>,
}

impl Shell {
    /// With these start-up files of its user.
    fn hooked(shell: &str, files: &[(&str, &str)]) -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        let session = SessionId::of(&Nonce::new(random));
        Self::start(shell, files, HookDir::make(&session, shell, None).unwrap())
    }

    fn plain(shell: &str, files: &[(&str, &str)]) -> Self {
        Self::start(shell, files, None)
    }

    fn start(shell: &str, files: &[(&str, &str)], hook: Option<HookDir>) -> Self {
        let home = tempfile::tempdir().unwrap();
        // Without any file zsh asks whether it shall write some.
        for (name, content) in [(".zshrc", "")].iter().chain(files) {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", shell]).env_clear().current_dir(home.path());
        command.env("HOME", home.path()).env("TERM", "dumb").env("LANG", "C.UTF-8");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        if let Some(hook) = &hook {
            command.args(hook.args()).envs(hook.env().iter().map(|(name, value)| (name, value)));
        }
        let person = Person::start(&mut command);
        let mut shell = Self { home, hook, person, reports: Vec::new() };
        shell.marks("ready");
        shell.reports.clear();
        shell
    }

    /// Waits until the shell has done all that was typed.
    #[track_caller]
    fn marks(&mut self, word: &str) {
        let (first, last) = word.split_at(1);
        self.person.send_line(&format!("echo :{first}\"\"{last}:")).expect(&format!(":{word}:"));
        let is_hooked = self.hook.as_ref().is_some_and(|hook| hook.path().join("hook").exists());
        if is_hooked {
            let mark = format!("{first}\"\"{last}");
            self.awaits(|reports| {
                let at = reports
                    .iter()
                    .position(|report| matches!(report, Report::Typed { text, .. } if text.contains(&mark)));
                at.is_some_and(|at| reports[at..].iter().any(|report| matches!(report, Report::Done { .. })))
            });
        }
    }

    #[track_caller]
    fn awaits(&mut self, so: impl Fn(&[Report]) -> bool) {
        let Self { hook, reports, person, .. } = self;
        let hook = hook.as_mut().unwrap();
        let came = wait_until(
            || {
                // A screen that nobody looks at stops its shell.
                person.looks();
                reports.extend(hook.reports());
                so(reports)
            },
            LONG,
        );
        assert!(came, "only {reports:?}; the screen:\n{}", self.person.screen());
    }

    /// Types a line, and gives what was told of it: the text and the exit code.
    #[track_caller]
    fn told(&mut self, line: &str) -> (String, i32) {
        self.reports.clear();
        self.person.send_line(&line.replace('\n', "\r"));
        self.awaits(|reports| reports.iter().any(|report| matches!(report, Report::Done { .. })));
        match &self.reports[..] {
            [Report::Typed { text, cut: false, .. }, Report::Done { exit, .. }] => (text.clone(), *exit),
            other => panic!("{other:?}; the screen:\n{}", self.person.screen()),
        }
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    /// What a command writes to a file, which no prompt disturbs.
    #[track_caller]
    fn written(&mut self, command: &str) -> String {
        self.person.send_line(&format!("{command} > out"));
        self.marks("written");
        std::fs::read_to_string(self.home().join("out")).unwrap()
    }
}

#[test]
fn p13_what_is_typed_is_told_exactly_with_its_exit_code() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        for (line, exit) in [
            ("true", 0),
            ("false", 1),
            ("sh -c 'exit 42'", 42),
            ("echo \"it's\" 'a \"b\"' \\\\ é 日本 100%25 '*'", 0),
            ("echo a | tr a b | cat >/dev/null; sh -c 'exit 7'", 7),
            ("echo one && false || sh -c 'exit 3'", 3),
            ("sh -c 'kill -TERM $$'", 143),
            ("no-such-program-here", 127),
            ("echo 'first\nsecond  é\n third'", 0),
        ] {
            assert_eq!(at.told(line), (line.to_owned(), exit), "{shell}");
        }
        let blocks = match shell {
            "fish" => ("for i in 1 2\necho $i\nend", "for i in 1 2\necho $i\nend"),
            "zsh" => ("for i in 1 2\ndo echo $i\ndone", "for i in 1 2\ndo echo $i\ndone"),
            // As its history writes it.
            _ => ("for i in 1 2\ndo echo $i\ndone", "for i in 1 2; do echo $i; done"),
        };
        assert_eq!(at.told(blocks.0).0, blocks.1, "{shell}");
    }
}

#[test]
fn p13_the_directory_is_that_before_the_command_and_the_shell_is_named() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        let home = at.home().to_str().unwrap().to_owned();
        for (line, directory) in
            [("mkdir 'a b é'", &home), ("cd 'a b é'", &home), ("true", &format!("{home}/a b é"))]
        {
            at.told(line);
            let [Report::Typed { shell: by, cwd, .. }, Report::Done { shell: done, .. }] = &at.reports[..]
            else {
                panic!()
            };
            assert_eq!((cwd, *by, *done), (directory, at.person.id(), at.person.id()), "{shell}");
        }
    }
}

#[test]
fn p13_what_never_ran_is_not_told() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        // Nothing typed, and Ctrl-C in the middle of a line.
        at.person.send("\r\r").send("rm -rf never");
        // The editor must have it, or the terminal itself takes the Ctrl-C.
        at.person.expect("never");
        std::thread::sleep(Duration::from_millis(500));
        at.person.send("\x03");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(at.told("true"), ("true".to_owned(), 0), "{shell}");
        // Ctrl-C while something runs is its exit code.
        at.reports.clear();
        at.person.send_line("sleep 600");
        at.awaits(|reports| !reports.is_empty());
        std::thread::sleep(Duration::from_millis(300));
        at.person.send("\x03");
        at.awaits(|reports| reports.len() > 1);
        assert!(matches!(&at.reports[1], Report::Done { exit: 130, .. }), "{shell}: {:?}", at.reports);
    }
}

#[test]
fn p13_a_long_text_is_cut_at_a_word_and_says_so() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        for (word, count) in [("12345678", 400), ("日本日本", 300)] {
            at.reports.clear();
            // Below the 4,095 bytes of a line that a terminal takes before the editor reads it.
            at.person.flood(format!("true {}", format!("{word} ").repeat(count)).as_bytes());
            at.person.send("\r");
            at.awaits(|reports| reports.len() > 1);
            let Report::Typed { text, cut: true, .. } = &at.reports[0] else {
                panic!("{shell}: {:?}", at.reports)
            };
            assert!(text.len() > 1500 && text.len() < 4096 && text.ends_with(word), "{shell}: {text}");
        }
    }
}

#[test]
fn p13_nothing_of_the_hook_reaches_a_command() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let seen = |mut at: Shell| {
            let home = at.home().to_str().unwrap().to_owned();
            let mut variables: Vec<_> = at.written("env").lines().map(ToOwned::to_owned).collect();
            variables.sort();
            let variables = variables.join("\n").replace(&home, "HOME");
            (variables, at.written("ls /proc/self/fd"))
        };
        let (plain, hooked) = (seen(Shell::plain(shell, &[])), seen(Shell::hooked(shell, &[])));
        assert_eq!(hooked, plain, "{shell}");
        assert!(hooked.0.contains("HOME=HOME") && hooked.1.starts_with("0\n1\n"), "{hooked:?}");
    }
}

#[test]
fn p13_the_users_own_files_are_read_as_always() {
    for (shell, files) in [
        ("bash", &[(".bashrc", "alias printf='false' local='false' mine='echo my alias'")][..]),
        ("zsh", &[(".zshenv", "export ZDOTDIR=$HOME/deep"), ("deep/.zshrc", "alias mine='echo my alias'")]),
        ("zsh", &[(".zshrc", "alias mine='echo my alias'; setopt noclobber shwordsplit ksharrays")]),
        ("fish", &[(".config/fish/config.fish", "alias mine='echo my alias'")]),
    ] {
        if requires(shell) {
            let mut at = Shell::hooked(shell, files);
            assert_eq!(at.told("mine"), ("mine".to_owned(), 0), "{shell}");
            at.person.expect("my alias");
            if shell == "zsh" {
                let nested = files.len() == 2;
                let directory = at.written("echo ${ZDOTDIR-none}");
                assert_eq!(directory.contains("/deep"), nested, "{directory}");
                assert_eq!(directory.contains("none"), !nested, "{directory}");
            }
        }
    }
}

#[test]
fn p13_a_prompt_of_ones_own_still_sees_the_exit_code() {
    let string = "PROMPT_COMMAND='echo \"own $?\"'";
    let array = "PROMPT_COMMAND=('echo \"own $?\"' 'echo \"two $?\"')";
    let fish = "function own --on-event fish_prompt\n  echo \"own $status\"\nend";
    for (shell, file, content) in [
        ("bash", ".bashrc", string),
        ("bash", ".bashrc", array),
        ("zsh", ".zshrc", "precmd() { echo \"own $?\" }; preexec() { echo \"before $1\" }"),
        ("fish", ".config/fish/config.fish", fish),
    ] {
        if requires(shell) {
            let mut at = Shell::hooked(shell, &[(file, content)]);
            let status = if shell == "fish" { "$status" } else { "$?" };
            assert_eq!(at.told("sh -c 'exit 42'").1, 42);
            at.person.expect("own 42");
            if content == array {
                at.person.expect("two 42");
            }
            let line = format!("echo \"st=\"{status}");
            assert_eq!(at.told(&line), (line, 0));
            at.person.expect("st=42");
            if shell == "zsh" {
                at.person.saw("before sh -c");
            }
        }
    }
}

#[test]
fn p13_bash_keeps_the_last_argument_and_a_trap_on_debug() {
    if !requires("bash") {
        return;
    }
    let mut at = Shell::hooked("bash", &[(".bashrc", "HISTCONTROL=ignoreboth")]);
    at.told("echo one two");
    at.told("echo \"last=\"$_");
    at.person.expect("last=two");
    let own = "trap 'echo \"own trap\"' DEBUG";
    let mut at = Shell::hooked("bash", &[(".bashrc", own)]);
    at.told("true");
    at.person.expect("own trap");
    assert!(at.written("trap -p DEBUG").contains("trap -- 'echo \"own trap\"' DEBUG"));
}

#[test]
fn p13_bash_tells_what_its_history_does_not_take() {
    if !requires("bash") {
        return;
    }
    let typed = |at: &mut Shell, line: &str| {
        at.reports.clear();
        at.person.send_line(line);
        at.awaits(|reports| reports.iter().any(|report| matches!(report, Report::Done { .. })));
        let texts = at.reports.iter().filter_map(|report| match report {
            Report::Typed { text, .. } => Some(text.clone()),
            Report::Done { .. } => None,
        });
        texts.collect::<Vec<_>>()
    };
    let rc = "HISTCONTROL=ignoreboth HISTIGNORE=whoami HISTTIMEFORMAT='%F %T ' HISTSIZE=3";
    let mut at = Shell::hooked("bash", &[(".bashrc", rc)]);
    for _ in 0..5 {
        assert_eq!(typed(&mut at, " echo hidden; false"), ["echo hidden", "false"]);
        assert_eq!(typed(&mut at, "whoami"), ["whoami"]);
        assert_eq!(typed(&mut at, "echo 1 | cat"), ["echo 1 | cat"]);
        // The same again.
        assert_eq!(typed(&mut at, "echo 1 | cat"), ["echo 1", "cat"]);
        assert_eq!(typed(&mut at, "true"), ["true"]);
    }
    assert_eq!(typed(&mut at, " for i in {1..100}; do :; done").len(), 20);
    assert_eq!(typed(&mut at, "set +o history"), ["set +o history"]);
    assert_eq!(typed(&mut at, "echo off; echo 2"), ["echo off", "echo 2"]);
    // None of it is in the history now that was not before.
    typed(&mut at, "set -o history");
    assert!(!at.written("history").contains("hidden"));
}

#[test]
fn p13_a_shell_under_strict_or_tracing_options_goes_on_without_noise() {
    for shell in ["bash", "zsh"].into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        at.told("set -u");
        at.told("set -x");
        at.told("echo traced");
        at.told("true");
        assert!(!at.person.screen().contains("builtin printf"), "{}", at.person.screen());
        at.told("set +x");
        at.told("set -e");
        assert_eq!(at.told("! true").1, 1);
        assert_eq!(at.told("true").1, 0);
    }
}

#[test]
fn p13_without_its_fifo_a_shell_goes_on_at_once_and_in_silence() {
    for shell in SHELLS.into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        at.told("true");
        let fifo = at.hook.as_ref().unwrap().path().join("hook");
        std::fs::remove_file(&fifo).unwrap();
        let began = Instant::now();
        at.marks("without");
        at.hook = None;
        at.marks("gone");
        assert!(began.elapsed() < Duration::from_secs(3), "{shell}: {:?}", began.elapsed());
        assert!(!fifo.exists(), "{shell} made a file of that name");
        let screen = at.person.screen();
        for noise in ["glass", "such file", "rror"] {
            assert!(!screen.contains(noise), "{shell}:\n{screen}");
        }
    }
}

#[test]
fn p13_a_fifo_that_nobody_has_open_keeps_no_shell_waiting() {
    // fish has no way to open one for both; there glass ends the session when its front is gone.
    for shell in ["bash", "zsh"].into_iter().filter(|shell| requires(shell)) {
        let mut at = Shell::hooked(shell, &[]);
        let path = at.hook.as_ref().unwrap().path().to_owned();
        // The directory goes, and another FIFO is where its own was.
        at.hook = None;
        std::fs::create_dir(&path).unwrap();
        let fifo = path.join("hook");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let began = Instant::now();
        for word in ["one", "two", "three"] {
            at.marks(word);
        }
        let took = began.elapsed();
        std::fs::remove_dir_all(&path).unwrap();
        assert!(took < Duration::from_secs(3), "{shell}: {took:?}");
    }
}
