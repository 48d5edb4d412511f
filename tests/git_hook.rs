//! The first target: `main` of a bare repository, which an `update` hook protects and a grant
//! opens for a while. No cron, no service: glass alone closes it.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::{Home, LONG, Ran, Scope, bare, requires, text, wait_until};

/// Refuses pushes to `main`, unless an override says that it has not expired yet.
const HOOK: &str = r#"#!/bin/sh
[ "$1" = refs/heads/main ] || exit 0
for override in "$GIT_DIR"/override/*; do
  [ -e "$override" ] && [ "$(cat "$override")" -gt "$(date +%s)" ] && exit 0
done
echo "main is protected" >&2
exit 1
"#;

/// Writes and removes overrides.
const OVERRIDE: &str = r#"
file=$REPOSITORY/override/$2
case $1 in
  open) echo "$3" > "$file" ;;
  close) rm -f "$file" ;;
  check) if [ -e "$file" ]; then echo "overridden"; else echo "no override" >&2; exit 1; fi ;;
esac
"#;

struct Project {
    home: Home,
}

impl Project {
    /// A bare repository with its hook, a clone with a commit to push, a registered playbook.
    fn new() -> Self {
        let project = Self { home: Home::new() };
        let repository = project.repository();
        project.git(&["init", "-q", "--bare", "-b", "main", repository.to_str().unwrap()]).exits(0);
        fs::create_dir(repository.join("override")).unwrap();
        let hook = repository.join("hooks/update");
        fs::write(&hook, HOOK).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        project.git(&["init", "-q", "-b", "main"]).exits(0);
        project.git(&["remote", "add", "origin", repository.to_str().unwrap()]).exits(0);
        project.commit("first");

        let script = project.home.root().join("override.sh");
        fs::write(&script, OVERRIDE).unwrap();
        let sh = format!("\"sh\", \"{}\"", script.display());
        let scope = Scope::new("main-branch").set("opens", "[\"git: push to main\"]").with(format!(
            r#"[[scope.step]]
id = "override"
timeout = "10s"
grant = [{sh}, "open", "{{grant.id}}", "{{grant.expires.epoch}}"]
revoke = [{sh}, "close", "{{grant.id}}"]
env = {{ REPOSITORY = "{}" }}
native-expiry = true
[scope.step.check]
run = [{sh}, "check", "{{grant.id}}"]
open = {{ exit = 0, stdout = "overridden" }}
closed = {{ exit = 1, stderr = "no override" }}
"#,
            repository.display()
        ));
        project.home.write_playbook("git", &text("git", &[scope]));
        project.home.register();
        project
    }

    fn repository(&self) -> PathBuf {
        self.home.root().join("repository.git")
    }

    fn git(&self, args: &[&str]) -> Ran {
        let mut git = bare(&self.home, "git");
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        Ran::of(git.args(["-c", "user.name=ana", "-c", "user.email=ana@example.com"]).args(args))
    }

    fn commit(&self, subject: &str) {
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]).exits(0);
    }

    fn push(&self) -> Ran {
        self.git(&["push", "-q", "origin", "main"])
    }

    fn override_of(&self, grant: &str) -> PathBuf {
        self.repository().join("override").join(grant)
    }

    fn activate(&self, length: &str) -> String {
        self.home.activate_ok("git/main-branch", &["--for", length])
    }
}

fn epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn p02_a_protected_branch_opens_for_a_while_and_closes_by_itself() {
    if !requires("git") {
        return;
    }
    let project = Project::new();
    project.push().exits(1).says("main is protected");

    let grant = project.activate("6s");
    project.push().exits(0);
    project.commit("second");

    assert!(wait_until(|| !project.override_of(&grant).exists(), LONG), "the override is still there");
    project.push().exits(1).says("main is protected");
    let closed = || project.home.recorded_state(&grant).as_deref() == Some("closed");
    assert!(wait_until(closed, LONG), "{:?}", project.home.kinds(&grant));
    assert!(wait_until(|| project.home.watchdogs(&grant).is_empty(), LONG), "its watchdog stays");

    let status = project.home.status(&grant);
    assert_eq!(status["review"]["state"], "due");
    assert_eq!(status["steps"][0]["state"], "closed");
    let kinds = ["requested", "opening", "step-opened", "activated", "closing", "step-closed", "closed"];
    assert_eq!(project.home.kinds(&grant), kinds);
    project.home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p02_with_the_watchdog_killed_the_next_expire_closes() {
    if !requires("git") {
        return;
    }
    let project = Project::new();
    let grant = project.activate("2s");
    project.home.kill_watchdog(&grant);
    let override_file = project.override_of(&grant);
    let expires: u64 = fs::read_to_string(&override_file).unwrap().trim().parse().unwrap();
    assert!(wait_until(|| epoch() > expires, LONG));
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(override_file.exists(), "nobody was left to close it");
    assert_eq!(project.home.state(&grant), "active");

    project.home.run(&["expire", "--dry-run"]).exits(0).says(&format!("{grant} is due"));
    assert!(override_file.exists(), "a dry run closes nothing");
    project.home.run(&["expire"]).exits(0).says(&format!("{grant} closed"));
    assert!(!override_file.exists());
    assert_eq!(project.home.state(&grant), "closed");
    project.push().exits(1).says("main is protected");
    // Once more, with nothing to do.
    let before = project.home.entries().len();
    project.home.run(&["expire"]).exits(0);
    assert_eq!(project.home.entries().len(), before);
    project.home.run(&["ledger", "verify"]).exits(0);
}
