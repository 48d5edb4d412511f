//! Files that others may write: what an act leans on refuses it, anything else only warns.

use super::support::{Home, Scope, text};
use super::{CONFIRM, key_of, only_refused};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Refused while others may write `path`; gives how often that was recorded.
#[track_caller]
fn refused_while(home: &Home, path: &Path, mode: u32, remedy: &str) -> usize {
    let before = fs::metadata(path).unwrap().permissions();
    set_mode(path, mode);
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(3).saw(&format!("`{remedy} {}`", path.display()));
    assert!(!person.screen().contains("to confirm"), "nothing is asked that is refused already");
    fs::set_permissions(path, before).unwrap();
    let refusals = home.refusals();
    only_refused(home, &vec!["writable-by-others"; refusals.len()]);
    refusals.len()
}

#[test]
fn p05_a_home_or_ledger_that_others_may_write_opens_nothing() {
    // The ledger itself is not to be trusted: nothing can be recorded in it.
    for name in ["", "ledger.db"] {
        let home = Home::with_door();
        let path = home.path().join(name);
        let path = path.components().collect::<std::path::PathBuf>();
        assert_eq!(refused_while(&home, &path, 0o777, "chmod go-w"), 0, "{name}");
        home.activate_ok("doors/front", &[]);
    }
    // Here the ledger can take it.
    for name in ["ledger.key", "open"] {
        let home = Home::with_door();
        assert_eq!(refused_while(&home, &home.path().join(name), 0o777, "chmod go-w"), 1, "{name}");
        home.activate_ok("doors/front", &[]);
    }
}

/// `front` runs a program of its own, with a secret from a file.
fn with_program_and_secret() -> Home {
    let home = Home::new();
    let [program, secret, input] = ["program", "secret", "input"].map(|name| home.root().join(name));
    fs::copy("/bin/sh", &program).unwrap();
    for file in [&secret, &input] {
        fs::write(file, "s3cret\n").unwrap();
        set_mode(file, 0o600);
    }
    let step = home.target.step_named("file", "{grant.id}", "10s", "");
    let target = home.target.path().display();
    let step = step.replace("\"sh\"", &format!("\"{}\"", program.display())).replace(
        &format!("env = {{ TARGET = \"{target}\" }}"),
        &format!(
            "env = {{ TARGET = \"{target}\", TOKEN = {{ file = \"{}\" }} }}\nstdin = {{ file = \"{}\" }}",
            secret.display(),
            input.display()
        ),
    );
    home.write_playbook("doors", &text("doors", &[Scope::new("front").with(step)]));
    home.register();
    home
}

#[test]
fn p05_a_program_that_others_may_write_opens_nothing() {
    let home = with_program_and_secret();
    assert_eq!(refused_while(&home, &home.root().join("program"), 0o777, "chmod go-w"), 1);
    home.activate_ok("doors/front", &[]);
}

#[test]
fn p09_a_secret_that_others_may_read_or_write_opens_nothing() {
    let home = with_program_and_secret();
    assert_eq!(refused_while(&home, &home.root().join("secret"), 0o604, "chmod 600"), 1);
    assert_eq!(refused_while(&home, &home.root().join("secret"), 0o620, "chmod go-w"), 1);
    assert_eq!(refused_while(&home, &home.root().join("input"), 0o622, "chmod go-w"), 1);
    home.activate_ok("doors/front", &[]);
}

#[test]
fn p05_a_program_or_secret_that_is_not_there_opens_nothing() {
    for name in ["program", "secret", "input"] {
        let home = with_program_and_secret();
        let path = home.root().join(name);
        fs::rename(&path, home.root().join("away")).unwrap();
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.exits(3).saw("`file` can't run").saw(&format!("{}` does not exist", path.display()));
        only_refused(&home, &["not-ready"]);
    }
}

#[test]
fn p05_a_draft_that_others_may_write_is_not_registered_but_stops_no_activation() {
    for name in ["playbooks/doors.toml", "glass.toml"] {
        let home = Home::with_door();
        let draft = home.path().join(name);
        set_mode(&draft, 0o666);
        let [flag, key] = key_of(&home, "ana");
        let mut person = home.person(&["register", &flag, &key]);
        person.exits(3).saw("can be written by others").saw(&format!("`chmod go-w {}`", draft.display()));
        only_refused(&home, &["writable-by-others"]);

        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect("WARNING: ").expect("can be written by others").expect("the registered files count");
        person.expect(CONFIRM).send_line("doors/front").exits(0);
    }
}

#[test]
fn p02_a_bad_mode_on_other_files_stops_no_closing() {
    let home = Home::with_door();
    let grant = home.activate_ok("doors/front", &[]);
    for name in ["glass.toml", "playbooks/doors.toml", "ledger.key"] {
        set_mode(&home.path().join(name), 0o666);
    }
    home.run(&["revoke", &grant]).exits(0).says("closed, and proved");
    assert!(home.target.open().is_empty());
}
