//! Steps as the built binary runs them: how they end, what they leave, what they hand on.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use rustix::process::geteuid;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{Home, LONG, Person, Scope, skipped, text, wait_until, with_argument};

const ADDRESS: &str = "doors/front";

/// `front` with steps that are written by `steps`.
fn home_with(steps: impl FnOnce(&Home) -> Vec<String>) -> Home {
    let home = Home::new();
    let scope = steps(&home).into_iter().fold(Scope::new("front"), Scope::with);
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

/// Three steps, each with a file of its own.
fn three(home: &Home) -> Vec<String> {
    let step = |id: &&str| home.target.step_named(id, &format!("{{grant.id}}-{id}"), "10s", "");
    ["one", "two", "three"].iter().map(step).collect()
}

/// Confirms the activation of `front`.
fn confirmed(home: &Home) -> Person {
    let mut person = home.person(&home.wish(ADDRESS, &[]));
    person.expect("Type doors/front to confirm: ").send_line(ADDRESS);
    person
}

/// The activation failed, was rolled back and proved closed; gives the grant.
#[track_caller]
fn rolled_back(home: &Home, person: &mut Person, words: &str) -> String {
    person.exits(6).saw("was not opened").saw(words).saw("everything was rolled back and is proved closed");
    assert_eq!(home.target.open(), [""; 0]);
    let grants = home.grants();
    let grant = grants.last().unwrap();
    assert_eq!(home.state(grant), "activation-failed");
    assert!(!plan_of(home, grant).exists(), "its close plan stays");
    assert!(wait_until(|| home.watchdogs(grant).is_empty(), LONG), "its watchdog stays");
    home.run(&["status", "--check"]).exits(0);
    grant.clone()
}

fn plan_of(home: &Home, grant: &str) -> PathBuf {
    home.path().join("open").join(format!("{grant}.json"))
}

/// The last entry of a kind, of a step.
fn step_entry(home: &Home, kind: &str, step: &str) -> Value {
    let of = |facts: &Value| facts["kind"] == kind && facts["step"] == step;
    home.entries().into_iter().rfind(of).unwrap_or_else(|| panic!("no {kind} of {step}"))
}

/// The text that an entry names by its hash.
fn kept_text(home: &Home, sha512: &Value) -> String {
    let query = "SELECT bytes FROM text WHERE sha512 = ?1";
    let bytes: Vec<u8> = home.database().query_row(query, [sha512.as_str()], |row| row.get(0)).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn p03_a_step_that_does_not_end_is_ended_with_all_that_it_started() {
    let home = home_with(|home| vec![home.target.step_named("file", "{grant.id}", "1s", "")]);
    let sleeper = home.target.path().join("sleeper");
    fs::write(&sleeper, "sleep 1000\n").unwrap();
    home.target.does("grant", ": > \"$file\"; sh \"$TARGET/sleeper\" & sh \"$TARGET/sleeper\"");
    let mut person = confirmed(&home);
    let sleepers = || with_argument(&[sleeper.to_str().unwrap()]).len();
    assert!(wait_until(|| sleepers() == 2, LONG));
    let grant = rolled_back(&home, &mut person, "did not end in time, and was ended");
    assert_eq!(sleepers(), 0, "what the step started goes on");
    let entry = step_entry(&home, "step-opened", "file");
    assert_eq!(
        (&entry["outcome"], &entry["runs"]["grant"]["ended"]),
        (&json!("unknown"), &json!("timed-out"))
    );
    let kinds = ["requested", "opening", "step-opened", "closing", "step-closed", "activation-failed"];
    assert_eq!(home.kinds(&grant), kinds);
}

#[test]
fn p03_access_that_was_there_already_is_recorded_as_such() {
    let home = Home::new();
    let step = home.target.step_named("file", "shared", "10s", "");
    let scope = Scope::new("front").set("limits", "{ concurrent = 1 }").with(step);
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    fs::write(home.target.file("shared"), "").unwrap();
    confirmed(&home).exits(0).saw("recorded as pre-existing").saw("OPEN");
    let grant = &home.grants()[0];
    assert_eq!(home.status(grant)["steps"], json!([{"id": "file", "state": "pre-existing"}]));
    assert_eq!(step_entry(&home, "step-opened", "file")["outcome"], "pre-existing");
    home.run(&["revoke", grant]).exits(0);
    assert_eq!(home.target.open(), [""; 0]);
    assert_eq!(home.status(grant)["steps"], json!([{"id": "file", "state": "closed"}]));
}

#[test]
fn p03_a_refusal_that_the_playbook_describes_is_proof_that_nothing_opened() {
    let home = home_with(|home| vec![home.target.step("file")]);
    home.target.refuses("grant");
    let mut person = confirmed(&home);
    rolled_back(&home, &mut person, "failed with exit code 3: connection refused");
    assert_eq!(step_entry(&home, "step-opened", "file")["outcome"], "failed");
    assert_eq!((home.target.calls("revoke"), home.target.calls("check")), (0, 0), "nothing had to be closed");
    // Any other failure proves nothing.
    home.target.fails("grant");
    let mut person = confirmed(&home);
    rolled_back(&home, &mut person, "failed with exit code 1: it is broken");
    assert_eq!(step_entry(&home, "step-opened", "file")["outcome"], "unknown");
    assert_eq!((home.target.calls("revoke"), home.target.calls("check")), (1, 1));
    let tail = &step_entry(&home, "step-opened", "file")["runs"]["grant"]["tail"];
    assert_eq!(kept_text(&home, tail), "it is broken");
}

#[test]
fn p03_a_step_that_fails_in_the_middle_closes_those_before_it_too() {
    let home = home_with(three);
    home.target.does("grant", "case $name in *-two) : > \"$file\"; echo half >&2; exit 1;; esac");
    let mut person = confirmed(&home);
    let grant = rolled_back(&home, &mut person, "step `two` failed with exit code 1: half");
    let calls = fs::read_to_string(home.target.path().join("calls")).unwrap();
    let expected: Vec<String> =
        ["grant one", "grant two", "revoke two", "revoke one", "check two", "check one"]
            .iter()
            .map(|call| call.replace(' ', &format!(" {grant}-")))
            .collect();
    assert_eq!(calls.lines().collect::<Vec<_>>(), expected);
    let states = json!([
        {"id": "one", "state": "closed"}, {"id": "two", "state": "closed"}, {"id": "three", "state": "failed"}
    ]);
    assert_eq!(home.status(&grant)["steps"], states);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p03_a_rollback_that_is_not_proved_is_loud_until_it_is() {
    let home = home_with(three);
    home.target.does("grant", "case $name in *-two) : > \"$file\"; exit 1;; esac");
    home.target.says_nothing("check");
    let mut person = confirmed(&home);
    person.exits(7).saw("is not proved closed yet").saw("glass goes on trying");
    let grant = home.grants().pop().unwrap();
    assert_eq!(home.state(&grant), "unrevoked");
    person.saw(&format!("`glass revoke {grant}` tries now"));
    home.run(&["expire"]).exits(7).says(&format!("{grant} UNREVOKED"));
    home.run(&["status", "--check"]).exits(7).says("UNREVOKED");
    home.run(&["revoke", &grant]).exits(7).says("UNREVOKED: not proved closed");
    assert!(plan_of(&home, &grant).exists());
    home.target.works("check");
    home.run(&["revoke", &grant]).exits(0).says("closed, and proved");
    assert_eq!(home.state(&grant), "activation-failed");
    home.run(&["status", "--check"]).exits(0);
    home.run(&["expire"]).exits(0);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p03_a_step_that_can_not_be_revoked_stops_no_other() {
    let home = home_with(three);
    let grant = home.activate_ok(ADDRESS, &[]);
    home.target.does("revoke", "case $name in *-two) echo stuck >&2; exit 1;; esac");
    home.run(&["revoke", &grant]).exits(7);
    assert_eq!(home.target.open(), [format!("{grant}-two")]);
    let states = json!([
        {"id": "one", "state": "closed"}, {"id": "two", "state": "open"}, {"id": "three", "state": "closed"}
    ]);
    assert_eq!(home.status(&grant)["steps"], states);
    home.target.works("revoke");
    home.run(&["revoke", &grant]).exits(0);
    assert_eq!((home.state(&grant).as_str(), home.target.open().len()), ("closed", 0));
}

#[test]
fn p03_an_interrupted_step_is_ended_and_rolled_back() {
    let home = home_with(|home| vec![home.target.step("file")]);
    home.target.does("grant", ": > \"$file\"; sleep 1000");
    let mut person = confirmed(&home);
    assert!(wait_until(|| !home.target.open().is_empty(), LONG));
    let began = Instant::now();
    person.send([3]);
    rolled_back(&home, &mut person, "rolling back");
    assert!(began.elapsed() < Duration::from_secs(9), "it waited for the step's time-out");
}

#[test]
fn p02_a_terminal_lost_while_a_step_runs_leaves_nothing_open() {
    let home = home_with(|home| vec![home.target.step_named("file", "{grant.id}", "3s", "")]);
    home.target.does("grant", ": > \"$file\"; sleep 1000");
    let mut person = confirmed(&home);
    assert!(wait_until(|| !home.target.open().is_empty(), LONG));
    person.hang_up();
    home.target.shuts();
    let grant = home.grants().pop().unwrap();
    let failed = || home.recorded_state(&grant).as_deref() == Some("activation-failed");
    assert!(wait_until(failed, LONG), "{:?}", home.kinds(&grant));
}

/// Prints JSON with an accessor, which is recorded, and a token, which is secret.
const TOKEN_STEP: &str = "output = { accessor = { json = \"/auth/accessor\", record = true }, \
                          token = { json = \"/auth/client_token\", env = \"DOOR_TOKEN\" } }";

const SECRET: &str = "hvs.CAESIJ7-not-for-any-eye";

fn token_step(home: &Home) -> String {
    let step = home.target.step_named("token", "{grant.id}-token", "10s", TOKEN_STEP);
    // Closing goes by the accessor.
    let by_accessor = |step: String, verb: &str| {
        step.replace(
            &home.target.command(verb, "{grant.id}-token"),
            &home.target.command(verb, "{token.accessor}"),
        )
    };
    by_accessor(by_accessor(step, "revoke"), "check")
}

fn issue_tokens(home: &Home, rest: &str) {
    let printed = format!(r#"{{"auth": {{"accessor": "acc-17", "client_token": "{SECRET}"}}}}"#);
    home.target.does(
        "grant",
        &format!(
            "case $name in *-token) : > \"$TARGET/open/acc-17\"; echo '{printed}'; exit 0;; {rest} esac"
        ),
    );
}

/// The files below a directory that hold these bytes.
fn holding(directory: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes) {
            found.push(path);
        }
    }
    found
}

#[test]
fn p09_a_secret_output_is_nowhere_but_in_the_runtime_directory() {
    let home = home_with(|home| {
        let use_it =
            home.target.step_named("use", "{grant.id}-use", "10s", "stdin = \"token={token.token}\\n\"");
        vec![token_step(home), use_it]
    });
    issue_tokens(&home, "*-use) cat > \"$TARGET/read\"; sleep 0.5;;");
    let (stop, mut seen) = (AtomicBool::new(false), Vec::new());
    let grant = thread::scope(|scope| {
        // Samples every command line while the steps run.
        let sampler = scope.spawn(|| {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                seen.extend(with_argument(&[SECRET]));
                thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        let mut person = confirmed(&home);
        person.exits(0);
        assert!(!person.screen().contains(SECRET), "{}", person.screen());
        stop.store(true, Ordering::Relaxed);
        seen = sampler.join().unwrap();
        home.grants().pop().unwrap()
    });
    assert!(seen.is_empty(), "on the command line of {seen:?}");
    assert_eq!(fs::read_to_string(home.target.path().join("read")).unwrap(), format!("token={SECRET}\n"));

    let plan: Value = serde_json::from_slice(&fs::read(plan_of(&home, &grant)).unwrap()).unwrap();
    let kept = PathBuf::from(plan["runtime_dir"].as_str().unwrap()).join("token.token");
    assert_eq!(fs::read_to_string(&kept).unwrap(), SECRET);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&kept), mode(kept.parent().unwrap())), (0o600, 0o700));
    assert!(plan.to_string().contains("acc-17"), "the recorded output fills in closing");

    let nowhere = |when: &str| {
        assert_eq!(holding(&home.path(), SECRET.as_bytes()), [""; 0].map(PathBuf::from), "{when}");
        for args in
            [vec!["status", &grant], vec!["status", "--all", "--format", "json"], vec!["ledger", "log"]]
        {
            let said = home.run(&args).exits(0);
            assert!(!said.stdout.contains(SECRET) && !said.stderr.contains(SECRET), "{when}: {args:?}");
        }
    };
    nowhere("while open");
    home.run(&["revoke", &grant]).exits(0);
    assert!(!kept.parent().unwrap().exists(), "closing wipes it");
    assert_eq!(home.target.open(), [""; 0]);
    nowhere("when closed");
    let outputs = &step_entry(&home, "step-opened", "token")["outputs"];
    assert_eq!(outputs.as_object().unwrap().len(), 1, "{outputs}");
    assert_eq!(kept_text(&home, &outputs["accessor"]), "acc-17");
}

#[test]
fn p09_what_a_failing_step_says_of_its_secrets_is_masked() {
    let home = home_with(|home| {
        let secret = home.root().join("secret");
        fs::write(&secret, "from-a-file-9981\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let more = "stdin = \"{token.token}\"";
        let target = format!("TARGET = \"{}\"", home.target.path().display());
        let with_file = format!("{target}, TOKEN = {{ file = \"{}\" }}", secret.display());
        let use_it =
            home.target.step_named("use", "{grant.id}-use", "10s", more).replace(&target, &with_file);
        let input = home.root().join("input");
        fs::write(&input, "from-its-input-5512\n").unwrap();
        let more = format!("stdin = {{ file = \"{}\" }}", input.display());
        let read_it = home.target.step_named("read", "{grant.id}-read", "10s", &more);
        vec![token_step(home), read_it, use_it]
    });
    issue_tokens(&home, "*-read) exit 0;; *-use) echo \"bad token $TOKEN and $(cat)\" >&2; exit 1;;");
    let mut person = confirmed(&home);
    rolled_back(&home, &mut person, "bad token *** and ***");
    for secret in [SECRET, "from-a-file-9981"] {
        assert!(!person.screen().contains(secret), "{}", person.screen());
        assert_eq!(holding(&home.path(), secret.as_bytes()), [""; 0].map(PathBuf::from));
    }
    issue_tokens(&home, "*-read) echo \"not $(cat)\" >&2; exit 1;;");
    let mut person = confirmed(&home);
    rolled_back(&home, &mut person, "not ***");
    assert_eq!(holding(&home.path(), b"from-its-input-5512"), [""; 0].map(PathBuf::from));
}

#[test]
fn p09_an_output_that_does_not_come_rolls_back_without_being_shown() {
    let home = home_with(|home| vec![home.target.step_named("token", "{grant.id}", "10s", TOKEN_STEP)]);
    let printed = format!(r#"{{"auth": {{"client_token": "{SECRET}"}}}}"#);
    home.target.does("grant", &format!(": > \"$file\"; echo '{printed}'; exit 0"));
    let mut person = confirmed(&home);
    rolled_back(&home, &mut person, "its output `accessor` can't be taken");
    assert!(!person.screen().contains(SECRET), "{}", person.screen());
    assert_eq!(holding(&home.path(), SECRET.as_bytes()), [""; 0].map(PathBuf::from));
}

#[test]
fn p10_a_command_gets_the_environment_that_the_playbook_names_and_no_more() {
    let home = home_with(|home| {
        let secret = home.root().join("secret");
        fs::write(&secret, "from-a-file\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let target = format!("TARGET = \"{}\"", home.target.path().display());
        let more = format!(
            "{target}, TOKEN = {{ file = \"{}\" }}, FOR = \"{{grant.scope}} $(id)\"",
            secret.display()
        );
        vec![home.target.step("file").replace(&target, &more)]
    });
    home.target.does("grant", "env > \"$TARGET/env\"; pwd > \"$TARGET/pwd\"; cat > \"$TARGET/stdin\"");
    let mut command = home.at_terminal(&home.wish(ADDRESS, &[]));
    command
        .env("LD_LIBRARY_PATH", "/nowhere")
        .env("BASH_ENV", "/nowhere")
        .env("STRAY", "1")
        .env("PATH", "/usr/bin");
    Person::start(&mut command).expect("to confirm: ").send_line(ADDRESS).exits(0);
    let env = fs::read_to_string(home.target.path().join("env")).unwrap();
    let mut env: Vec<&str> = env
        .lines()
        // The shell's own.
        .filter(|line| !["PWD=", "SHLVL=", "_=", "OLDPWD="].iter().any(|own| line.starts_with(own)))
        .filter(|line| !line.starts_with("HOME=/"))
        .collect();
    env.sort_unstable();
    let target = format!("TARGET={}", home.target.path().display());
    let expected = [
        "FOR=doors/front $(id)",
        "LANG=C.UTF-8",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        &target,
        "TOKEN=from-a-file",
    ];
    assert_eq!(env, expected);
    assert_eq!(fs::read_to_string(home.target.path().join("stdin")).unwrap(), "");
}

#[test]
fn p09_a_step_runs_as_the_user_that_the_playbook_names() {
    if !geteuid().is_root() {
        skipped("only root can run a step as someone else");
        return;
    }
    let who = "printf '%s\\n' \"$(id -un)\" \"$(id -G)\" \"$HOME\"";
    let output = "output = { user = { line = 1, record = true }, groups = { line = 2, record = true } }";
    let step = format!(
        "[[scope.step]]\nid = \"who\"\ntimeout = \"10s\"\nrun-as = \"nobody\"\n\
         grant = [\"sh\", \"-c\", {who:?}]\n\
         revoke = [\"sh\", \"-c\", \"test $(id -un) = nobody\", \"{{grant.id}}\"]\n\
         check = {{ run = [\"id\", \"-un\"], open = {{ stdout = \"root\" }}, closed = {{ stdout = \"nobody\" }} }}\n\
         {output}\n"
    );
    let home = home_with(|_| vec![step]);
    let grant = home.activate_ok(ADDRESS, &[]);
    let outputs = step_entry(&home, "step-opened", "who")["outputs"].clone();
    assert_eq!(kept_text(&home, &outputs["user"]), "nobody");
    let groups = kept_text(&home, &outputs["groups"]);
    assert!(!groups.split(' ').any(|group| group == "0"), "it kept root's groups: {groups}");
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn p12_a_step_that_prints_without_end_is_counted_and_capped() {
    const PRINTED: u64 = 50_000_000;
    let home = home_with(|home| vec![home.target.step("file")]);
    home.target.does("grant", &format!(": > \"$file\"; head -c {PRINTED} /dev/zero; exit 0"));
    let grant = home.activate_ok(ADDRESS, &[]);
    let entry = step_entry(&home, "step-opened", "file");
    assert_eq!(entry["runs"]["grant"]["stdout"]["length"], PRINTED);
    let ledger = fs::metadata(home.ledger()).unwrap().len();
    assert!(ledger < 2_000_000, "the ledger grew to {ledger} bytes");
    home.run(&["revoke", &grant]).exits(0);
}

#[test]
fn a_placeholder_has_its_value_in_every_command() {
    let home = home_with(|home| {
        let step = home.target.step("file");
        let grant = home.target.command("grant", "{grant.id}");
        let words =
            ["{grant.seconds}", "{grant.expires.epoch}", "{grant.expires}", "{operator.name}", "{{x}}"];
        let more: String = words.iter().map(|word| format!(", \"{word}\"")).collect();
        vec![step.replace(&grant, &grant.replace(']', &format!("{more}]")))]
    });
    home.target.does("grant", "shift 2; printf '%s\\n' \"$@\" > \"$TARGET/words\"");
    let grant = home.activate_ok(ADDRESS, &["--for", "10m"]);
    let words = fs::read_to_string(home.target.path().join("words")).unwrap();
    let words: Vec<&str> = words.lines().collect();
    let expires = home.status(&grant)["expires_at"].as_str().unwrap().to_owned();
    let seconds: u64 = words[0].parse().unwrap();
    assert!((580..=600).contains(&seconds), "{seconds}");
    let epoch = chrono::DateTime::parse_from_rfc3339(&expires).unwrap().timestamp().to_string();
    assert_eq!(words[1..], [epoch.as_str(), &expires, "ana", "{x}"]);
}
