//! Completions and man pages: current, loaded by the real shells, and reading the ledger
//! without ever being in the way.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{GLASS, Home, Person, Ran, Scope, bare, names, permitted, requires, text};

const SHELLS: [(&str, &str); 5] = [
    ("bash", "glass.bash"),
    ("elvish", "glass.elv"),
    ("fish", "glass.fish"),
    ("powershell", "_glass.ps1"),
    ("zsh", "_glass"),
];

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

/// A home with `doors/front`, `doors/back` and `gates/back`, and one open grant of the first.
fn lived_in() -> (Home, String) {
    let home = Home::new();
    let back = || Scope::new("back").with(home.target.step("file"));
    home.write_playbook("doors", &text("doors", &[home.door(), back()]));
    home.write_playbook("gates", &text("gates", &[back()]));
    home.register();
    let grant = home.activate_ok("doors/front", &["--for", "30m"]);
    (home, grant)
}

/// A shell with `glass` on its PATH, the home in its environment, and a terminal that can do nothing.
fn shell(home: &Home, program: &str) -> Command {
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("glass").exists() {
        symlink(GLASS, bin.join("glass")).unwrap();
    }
    let mut command = bare(home, program);
    command
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
        .env("GLASS_HOME", home.path())
        .env("COMPLETIONS", committed())
        .env("TERM", "dumb")
        .stdin(Stdio::null());
    command
}

/// What is offered for the last word, without descriptions.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    let ran = home.run(&[&["__complete", "--", "--home", home.path().to_str().unwrap()], words].concat());
    let ran = ran.exits(0);
    assert_eq!(ran.stderr, "");
    ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn the_committed_completions_are_current() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let made = home.root().join("made");
    fs::create_dir(&made).unwrap();
    home.run(&["completions", "--all", made.to_str().unwrap()]).exits(0);
    let mut files: Vec<_> = SHELLS.iter().map(|(_, file)| (*file).to_owned()).collect();
    files.sort();
    assert_eq!(names(&committed()), files, "files in completions/");
    assert_eq!(names(&made), files);
    for (shell, file) in SHELLS {
        let printed = home.run(&["completions", shell]).exits(0).stdout;
        assert!(
            fs::read_to_string(committed().join(file)).unwrap() == printed,
            "completions/{file} is not what this glass makes: run `cargo run -- completions --all completions`"
        );
        assert!(fs::read_to_string(made.join(file)).unwrap() == printed, "{file}");
    }
    assert!(!home.path().exists(), "completions need no home");
}

#[test]
fn hidden_verbs_are_in_no_completion_and_no_page() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let pages = home.root().join("pages");
    fs::create_dir(&pages).unwrap();
    home.run(&["man", pages.to_str().unwrap()]).exits(0);
    let scripts = names(&committed()).into_iter().map(|file| committed().join(file));
    for file in scripts.chain(names(&pages).into_iter().map(|page| pages.join(page))) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("__watchdog") && !text.contains("__spawn"), "{}", file.display());
        // Those that read the ledger run it, and offer it to nobody.
        let (named, run) = (text.matches("__complete"), text.matches("command glass __complete -- "));
        assert_eq!(named.count(), run.count(), "{}", file.display());
    }
}

#[test]
fn what_cannot_be_printed_or_written_is_said() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    for args in [&["completions"][..], &["completions", "csh"], &["completions", "bash", "--all", "."]] {
        home.run(args).exits(2);
    }
    let nowhere = home.root().join("nowhere");
    home.run(&["completions", "--all", nowhere.to_str().unwrap()]).exits(1).says("can't write");
    home.run(&["man", nowhere.to_str().unwrap()]).exits(1).says("can't write");
}

#[test]
fn under_sudo_glass_writes_no_files_where_the_caller_likes() {
    if !permitted("root", &["sh", "-c", "test \"$(id -u)\" = 0"]) {
        return;
    }
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let (directory, precious) = (home.root().join("mine"), home.root().join("precious"));
    fs::create_dir(&directory).unwrap();
    fs::write(&precious, "kept").unwrap();
    symlink(&precious, directory.join("glass.bash")).unwrap();
    symlink(&precious, directory.join("glass.1")).unwrap();
    for args in [&["completions", "--all"][..], &["man"]] {
        let mut sudo = bare(&home, GLASS);
        sudo.args(args).arg(&directory).env("SUDO_UID", "1000").env("SUDO_USER", "ana");
        Ran::of(&mut sudo).exits(3).says("without sudo");
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
    assert_eq!(names(&directory), ["glass.1", "glass.bash"]);
}

#[test]
fn scopes_grants_and_sessions_are_offered_where_they_may_stand() {
    let (home, grant) = lived_in();
    assert_eq!(offered(&home, &["activate", ""]), ["doors/front", "doors/back", "gates/back"]);
    assert_eq!(offered(&home, &["activate", "doors/f"]), ["doors/front"]);
    assert_eq!(offered(&home, &["activate", "fr"]), ["front"], "the bare name, where it is unique");
    assert_eq!(offered(&home, &["activate", "ba"]), [""; 0], "two scopes are called `back`");
    assert_eq!(offered(&home, &["playbook", "show", "--card", "g"]), ["gates/back"]);
    for words in [
        &["status", ""][..],
        &["revoke", "g-"],
        &["revoke", &grant[..6]],
        &["ledger", "log", "--grant", ""],
        &["ledger", "log", "--grant", "=", "g-"],
        &["ledger", "log", "--grant", "="],
    ] {
        assert_eq!(offered(&home, words), [grant.as_str()], "{words:?}");
    }
    for name in ["s-k3q7x2m5ab.cast", "s-k3q7x2m5ab.commands", "s-aaaaaaaaaa.cast", "s-;id.cast", "other"] {
        fs::write(home.path().join("recordings").join(name), "").unwrap();
    }
    assert_eq!(offered(&home, &["sessions", "play", ""]), ["s-aaaaaaaaaa", "s-k3q7x2m5ab"]);
    assert_eq!(offered(&home, &["sessions", "export", "--output", "x", "s-k"]), ["s-k3q7x2m5ab"]);
    for words in [
        &[""][..],
        &["sessions", ""],
        &["status", "x"],
        &["revoke", &grant, ""],
        &["activate", "--reason", ""],
    ] {
        assert_eq!(offered(&home, words), [""; 0], "{words:?}");
    }
    let whole = home.run(&["__complete", "--", "--home", home.path().to_str().unwrap(), "revoke", ""]);
    assert_eq!(whole.exits(0).stdout, format!("{grant}\tdoors/front, active, ana\n"));
}

#[test]
fn p12_completing_never_fails_writes_or_waits() {
    let (home, grant) = lived_in();
    let silent_at = |directory: &Path, more: &[&OsStr]| {
        let first = ["__complete".as_ref(), "--".as_ref(), "--home".as_ref(), directory.as_os_str()];
        let ran = home.run(&[&first, more].concat()).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{more:?}");
    };
    let silent = |more: &[&OsStr]| silent_at(&home.path(), more);
    silent(&[]);
    silent(&["status".as_ref(), OsStr::from_bytes(b"g-\xff")]);
    silent(&[OsStr::from_bytes(b"\xff\x1b"), "".as_ref()]);
    silent_at(&home.root().join("nowhere"), &["status".as_ref(), "".as_ref()]);
    let ran = home.run(&["__complete"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    // A writer that stands still is not waited for, and nothing is written.
    let before = home.entries();
    let writer = rusqlite::Connection::open(home.ledger()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(offered(&home, &["status", ""]), [grant.as_str()]);
    assert_eq!(offered(&home, &["activate", "doors/f"]), ["doors/front"]);
    drop(writer);
    assert_eq!(home.entries(), before);
    // What others may write is not believed, and what is broken is not read.
    fs::set_permissions(home.ledger(), fs::Permissions::from_mode(0o666)).unwrap();
    silent(&["status".as_ref(), "".as_ref()]);
    fs::set_permissions(home.ledger(), fs::Permissions::from_mode(0o600)).unwrap();
    home.run(&["revoke", "--all"]).exits(0);
    fs::write(home.ledger(), "no database").unwrap();
    silent(&["status".as_ref(), "".as_ref()]);
    silent(&["activate".as_ref(), "".as_ref()]);
}

#[test]
fn p10_rows_that_someone_edited_are_inert_in_a_shell() {
    let (home, grant) = lived_in();
    let database = home.tampered();
    database
        .execute(
            r#"INSERT INTO "grant" SELECT 'g-$(touch x)', scope, state, person, drill, requested, requested_at,
               activated_at, expires_at, closed_at, boot_id, boot_ms, statement, last, needed, lapses_at FROM "grant""#,
            [],
        )
        .unwrap();
    database
        .execute("UPDATE \"grant\" SET person = 'ana' || char(27) || '[2J' || char(10) || 'x'", [])
        .unwrap();
    drop(database);
    let ran = home.run(&["__complete", "--", "--home", home.path().to_str().unwrap(), "status", ""]).exits(0);
    assert_eq!(ran.stdout, format!("{grant}\tdoors/front, active, ana\\u{{1b}}[2J\\nx\n"));
}

/// Lines, and what pressing TAB at their ends makes of them.
fn completed(grant: &str) -> Vec<(String, String)> {
    let whole = |typed: &str, made: &str| (typed.to_owned(), made.to_owned());
    vec![
        whole("act", "activate"),
        whole("playb", "playbook"),
        whole("ledger ver", "ledger verify"),
        whole("activate doors/f", "activate doors/front"),
        whole("activate fro", "activate front"),
        whole("playbook show --card gat", "playbook show --card gates/back"),
        whole("status g-", &format!("status {grant}")),
        whole("ledger log --grant ", &format!("ledger log --grant {grant}")),
        whole("status --che", "status --check"),
    ]
}

/// Types each line at an interactive shell, where `glass` is a function that shows its words.
#[track_caller]
fn press_tab(person: &mut Person, grant: &str) {
    for (typed, made) in completed(grant) {
        person.expect("READY>").send(format!("glass {typed}\t")).send("\r");
        person.expect(&format!("RAN<{made}>"));
    }
    person.expect("READY>").send_line("exit").exits(0);
}

#[test]
fn bash_completes() {
    let (home, grant) = lived_in();
    let mut bash = shell(&home, "setsid");
    bash.args(["--ctty", "bash", "--noprofile", "--norc", "-i"]).env("PS1", "READY>");
    let mut person = Person::start(&mut bash);
    person.expect("READY>");
    person.send_line("set -u; . \"$COMPLETIONS/glass.bash\"; glass() { echo \"RAN<$*>\"; }");
    press_tab(&mut person, &grant);
    // All that is offered, as the function gives it.
    let list = r#". "$COMPLETIONS/glass.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _glass_names glass "${@: -1}" "${@: -2:1}"; printf '%s\n' "${COMPREPLY[@]}""#;
    let all = |words: &[&str]| {
        let ran = Ran::of(shell(&home, "bash").args(["-uc", list, "bash", "glass"]).args(words)).exits(0);
        assert_eq!(ran.stderr, "");
        ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(all(&["activate", ""]), ["doors/front", "doors/back", "gates/back"]);
    assert_eq!(all(&["ledger", "log", "--grant", "=", "g-"]), [grant.as_str()]);
    let verbs = all(&[""]);
    assert!(verbs.contains(&"activate".to_owned()) && !verbs.concat().contains("__"), "{verbs:?}");
    assert!(all(&["activate", "--"]).contains(&"--reason".to_owned()));
    home.run(&["revoke", "--all"]).exits(0);
    fs::remove_file(home.ledger()).unwrap();
    let options = all(&["status", ""]);
    assert!(!options.concat().contains("GRANT"), "a placeholder is no word: {options:?}");
}

#[test]
fn tab_runs_the_glass_on_the_path_and_no_other() {
    let (home, _) = lived_in();
    let trap = home.user().join("glass");
    fs::write(&trap, "#!/bin/sh\ntouch \"$HOME/sprung\"\n").unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let list = r#". "$COMPLETIONS/glass.bash"
        COMP_WORDS=(./glass activate doors/f) COMP_CWORD=2
        _glass_names ./glass doors/f activate; printf '%s\n' "${COMPREPLY[@]}""#;
    let ran = Ran::of(shell(&home, "bash").args(["-c", list])).exits(0);
    assert_eq!((ran.stdout.as_str(), home.user().join("sprung").exists()), ("doors/front\n", false));
}

#[test]
fn zsh_completes() {
    if !requires("zsh") {
        return;
    }
    let (home, grant) = lived_in();
    for load in [
        // Found by the completion system, and read at the first TAB.
        "fpath=(\"$COMPLETIONS\" $fpath); autoload -Uz compinit; compinit -u -d \"$HOME/.zcompdump\"",
        // Read at the start.
        "autoload -Uz compinit; compinit -u -d \"$HOME/.zcompdump2\"; source \"$COMPLETIONS/_glass\"",
    ] {
        let mut zsh = shell(&home, "setsid");
        zsh.args(["--ctty", "zsh", "-f", "-i"]).env("PS1", "READY>");
        let mut person = Person::start(&mut zsh);
        person.expect("READY>").send_line(&format!("{load}; glass() {{ print \"RAN<$*>\" }}"));
        press_tab(&mut person, &grant);
    }
}

#[test]
fn fish_completes() {
    if !requires("fish") {
        return;
    }
    let (home, grant) = lived_in();
    let asked = |line: &str| {
        let script = "source $COMPLETIONS/glass.fish; complete -C $argv[1]";
        let ran = Ran::of(shell(&home, "fish").args(["--no-config", "-c", script, line])).exits(0);
        assert_eq!(ran.stderr, "", "{line}");
        ran.stdout
    };
    for (typed, made) in completed(&grant) {
        let last = made.rsplit(' ').next().unwrap().to_owned();
        let shown = asked(&format!("glass {typed}"));
        let first: Vec<_> = shown.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(first, [last.as_str()], "{typed}");
    }
    assert_eq!(asked("glass revoke "), format!("{grant}\tdoors/front, active, ana\n"));
    assert!(!asked("glass ").contains("__"));
}

#[test]
fn elvish_completes() {
    if !requires("elvish") {
        return;
    }
    let (home, _) = lived_in();
    let rc = home.root().join("rc.elv");
    fs::write(
        &rc,
        "eval (slurp < $E:COMPLETIONS/glass.elv)\n\
         for words [[glass act] [glass ledger ver]] {\n\
           $edit:completion:arg-completer[glass] $@words | each {|found| print '<'$found[stem]'>' }\n\
         }\n\
         exit\n",
    )
    .unwrap();
    let mut elvish = shell(&home, "setsid");
    elvish.args(["--ctty", "elvish", "-rc"]).arg(&rc).env("TERM", "xterm");
    let mut person = Person::start(&mut elvish);
    person.expect("<activate>").expect("<verify>").exits(0);
    assert!(!person.screen().contains("<__"), "{}", person.screen());
}

#[test]
fn powershell_completes() {
    // No Debian package has it, so nothing demands it.
    if !Path::new("/usr/bin/pwsh").exists() {
        println!("skipped: `pwsh` is not installed");
        return;
    }
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let script = ". $env:COMPLETIONS/_glass.ps1; \
                  (TabExpansion2 'glass act' 9).CompletionMatches.CompletionText";
    let ran = Ran::of(shell(&home, "/usr/bin/pwsh").args(["-NoProfile", "-Command", script])).exits(0);
    assert_eq!(ran.stdout.trim(), "activate");
}

#[test]
fn every_verb_has_a_man_page() {
    let home = Home::unfounded(&std::env::temp_dir(), "home");
    let pages = home.root().join("pages");
    fs::create_dir(&pages).unwrap();
    home.run(&["man", pages.to_str().unwrap()]).exits(0);
    let written = names(&pages);
    let help = home.run(&["--help"]).exits(0).stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    for verb in commands.lines().filter_map(|line| line.split_whitespace().next()) {
        assert!(written.contains(&format!("glass-{verb}.1")), "{verb}: {written:?}");
    }
    assert!(written.contains(&"glass-ledger-verify.1".to_owned()), "{written:?}");
    let first = home.run(&["man"]).exits(0).stdout;
    assert_eq!(fs::read_to_string(pages.join("glass.1")).unwrap(), first);
    if requires("mandoc") {
        for page in written {
            let mut mandoc = bare(&home, "mandoc");
            Ran::of(mandoc.args(["-T", "lint", "-W", "error"]).arg(pages.join(page))).exits(0);
        }
        let shown = Ran::of(bare(&home, "mandoc").args(["-T", "ascii"]).arg(pages.join("glass.1"))).exits(0);
        let plain = String::from_utf8(strip_overstrikes(shown.stdout.as_bytes())).unwrap();
        for words in
            ["glass-activate(1)", "EXIT STATUS", "attention: something is open", "GLASS_HOME", "--home"]
        {
            assert!(plain.contains(words), "{words}:\n{plain}");
        }
    }
}

/// Bold and underlined letters of a terminal page as plain ones.
fn strip_overstrikes(page: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    for byte in page {
        match byte {
            8 => drop(plain.pop()),
            _ => plain.push(*byte),
        }
    }
    plain
}
