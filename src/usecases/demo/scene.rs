//! Where the demo plays: directories, keys, a repository; and how all of it is taken away again.

use crate::core::playbook::Playbook;
use crate::core::text::escape;
use crate::ports::config::{Environment, Home, write_new};
use crate::ports::ledger::{Ledger, Which};
use crate::ports::pseudoterminal::{Performed, Stage, StageError};
use crate::ports::signer;
use crate::ports::terminal::HeldSignals;
use crate::usecases::context::place;
use crate::usecases::failure::{Failure, Kind};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The playbook that is shipped, with its repository's path to be put in.
const PLAYBOOK: &str = include_str!("../../../playbooks/pipeline.toml");
/// The path that it names.
const REPOSITORY: &str = "/srv/git/release.git";
/// The hook that its header gives.
const HOOK: &str = r#"#!/bin/sh
# main is protected, unless glass opened it: each grant has a file with its last second.
[ "$1" = refs/heads/main ] || exit 0
for grant in "$GIT_DIR"/glass/g-*; do
  [ -f "$grant" ] && read -r until < "$grant" && [ "$until" -gt "$(date +%s)" ] && exit 0
done
echo "main is protected. In an emergency: glass activate push-main" >&2
exit 1
"#;

/// How long the grant's end is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Scene {
    root: PathBuf,
    keep: bool,
    stage: Stage,
    say: fn(&str),
}

impl Scene {
    /// Makes everything but the glass home, which the demo's first command makes.
    pub(super) fn set(
        environment: &Environment,
        keep: Option<&Path>,
        say: fn(&str),
        held: HeldSignals,
    ) -> Result<Self, Failure> {
        let root = match keep {
            Some(directory) => std::path::absolute(directory).map_err(|error| failed(directory, &error))?,
            None => environment.temporary.join(format!("glass-demo-{}", signer::nonce()?)),
        };
        fs::DirBuilder::new().mode(0o700).create(&root).map_err(|error| {
            failed(&root, &error)
                .hint("`--keep DIR` takes a directory that does not exist yet; TMPDIR names another place")
        })?;
        let stage = Stage {
            directory: root.join("work"),
            environment: variables(&root),
            show: say,
            stop: Box::new(move || matches!(held.take(), Ok(Some(_)))),
        };
        let scene = Self { root, keep: keep.is_some(), stage, say };
        match scene.build() {
            Ok(()) => Ok(scene),
            Err(failure) => {
                scene.strike()?;
                Err(failure)
            }
        }
    }

    fn build(&self) -> Result<(), Failure> {
        let work = self.root.join("work");
        fs::DirBuilder::new().mode(0o700).create(&work).map_err(|error| failed(&work, &error))?;
        for person in ["ana", "ben"] {
            let (private, public) = signer::new_key_file(&format!("{person}@demo"))
                .map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
            write_new(&work.join(person), private.as_bytes(), 0o600)?;
            write_new(&work.join(format!("{person}.pub")), public.as_bytes(), 0o644)?;
        }
        let repository = self.repository();
        let path = repository.to_string_lossy().into_owned();
        for args in [
            &["init", "--quiet", "--bare", "--initial-branch=main", &path][..],
            &["init", "--quiet", "--initial-branch=main", "."],
            &["remote", "add", "origin", &path],
        ] {
            let made = self.perform(OsStr::new("git"), args, &[])?;
            if made.code != 0 {
                return Err(Failure::new(
                    Kind::Failed,
                    "the demo needs git, and git could not make a repository",
                )
                .hint("install git, and make sure that there is room in the temporary directory"));
            }
        }
        let overrides = repository.join("glass");
        fs::create_dir(&overrides).map_err(|error| failed(&overrides, &error))?;
        let hook = repository.join("hooks/update");
        fs::write(&hook, HOOK)
            .and_then(|()| fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)))
            .map_err(|error| failed(&hook, &error))
    }

    fn repository(&self) -> PathBuf {
        self.root.join("release.git")
    }

    /// What the person writes between `init` and `register`: a second person, and the playbook.
    pub(super) fn write_drafts(&self) -> Result<(), Failure> {
        let home = self.home();
        let public = self.root.join("work/ben.pub");
        let public = fs::read_to_string(&public).map_err(|error| failed(&public, &error))?;
        let settings = home.settings();
        let text = fs::read_to_string(&settings).map_err(|error| failed(&settings, &error))?;
        let ben = format!(
            "\n[[person]]\nname = \"ben\"\ngroups = [\"security\"]\nkeys = [\"{}\"]\n",
            public.trim_end()
        );
        fs::write(&settings, text + &ben).map_err(|error| failed(&settings, &error))?;
        let sample = home.playbooks().join("sample.toml");
        fs::remove_file(&sample).map_err(|error| failed(&sample, &error))?;
        let playbook = PLAYBOOK.replace(REPOSITORY, &self.repository().to_string_lossy());
        Playbook::parse("playbooks/pipeline.toml", &playbook)?;
        Ok(write_new(&home.playbooks().join("pipeline.toml"), playbook.as_bytes(), 0o600)?)
    }

    fn home(&self) -> Home {
        Home::at(self.root.join("glass"), self.root.join("glass"))
    }

    /// Says what comes next.
    pub(super) fn tell(&self, lines: &[&str]) {
        (self.say)("\n");
        for line in lines {
            (self.say)(&format!("# {line}\n"));
        }
    }

    /// Leaves the screen of what follows out: it is told in words.
    pub(super) fn quietly(&mut self, quiet: bool) {
        self.stage.show = if quiet { |_| {} } else { self.say };
    }

    pub(super) fn glass(&self, args: &[&str], answers: &[(&str, &str)]) -> Result<Performed, Failure> {
        let words: Vec<String> = args.iter().map(|word| shown(word)).collect();
        (self.say)(&format!("$ glass {}\n", words.join(" ")));
        self.perform(OsStr::new("/proc/self/exe"), args, answers)
    }

    pub(super) fn git(&self, args: &[&str]) -> Result<Performed, Failure> {
        (self.say)(&format!("$ git {}\n", args.join(" ")));
        self.perform(OsStr::new("git"), args, &[])
    }

    pub(super) fn commit(&self, subject: &str) -> Result<(), Failure> {
        let args = ["commit", "--quiet", "--allow-empty", "-m", subject];
        match self.perform(OsStr::new("git"), &args, &[])?.code {
            0 => Ok(()),
            code => Err(Failure::new(Kind::Failed, format!("git commit failed with exit code {code}"))),
        }
    }

    fn perform(
        &self,
        program: &OsStr,
        args: &[&str],
        answers: &[(&str, &str)],
    ) -> Result<Performed, Failure> {
        self.stage.perform(program, args, answers).map_err(|error| match error {
            StageError::Stopped => {
                Failure::new(Kind::Failed, "the demo was interrupted; nothing of it is left")
            }
            error => Failure::new(Kind::Failed, error.to_string()),
        })
    }

    pub(super) fn wait_until_closed(&self, grant: &str) -> Result<(), Failure> {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            if (self.stage.stop)() {
                return Err(Failure::new(Kind::Failed, "the demo was interrupted; nothing of it is left"));
            }
            let ledger = Ledger::open_read(&place(&self.home()))?;
            let rows = ledger.grants(&Which::One(grant.to_owned()))?;
            if rows.first().is_some_and(|row| row.closed_at.is_some()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::new(Kind::Failed, format!("{grant} did not close by itself")))
    }

    /// Copies the home, and changes the first byte of these words in the copy.
    pub(super) fn tamper(&self, words: &str) -> Result<(), Failure> {
        let edited = Home::at(self.root.join("work/edited"), self.root.join("work/edited"));
        edited.create()?;
        Ledger::open_read(&place(&self.home()))?.backup(&edited.ledger())?;
        let path = edited.ledger();
        let mut bytes = fs::read(&path).map_err(|error| failed(&path, &error))?;
        let found = bytes.windows(words.len()).enumerate();
        let found: Vec<usize> =
            found.filter(|(_, window)| *window == words.as_bytes()).map(|(at, _)| at).collect();
        if found.is_empty() {
            return Err(Failure::new(Kind::Failed, "the reason is not in the copy"));
        }
        // A page of SQLite may hold an older copy of the row in its free space: change each.
        for at in found {
            bytes[at] = bytes[at].to_ascii_uppercase();
        }
        fs::write(&path, bytes).map_err(|error| failed(&path, &error))
    }

    /// Closes what is still open and takes everything away, or says how to play on.
    pub(super) fn strike(self) -> Result<(), Failure> {
        if self.home().ledger().exists() {
            let quiet = Stage { show: |_| {}, stop: Box::new(|| false), ..self.stage };
            quiet
                .perform(OsStr::new("/proc/self/exe"), &["revoke", "--all"], &[])
                .map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
        }
        if self.keep {
            let root = escape(&self.root.to_string_lossy());
            (self.say)(&format!(
                "\n# Everything is kept. To play on:\n\
                 cd {root}/work\nexport GLASS_HOME={root}/glass\n\
                 glass activate push-main --key ana\ngit push origin main\nglass review --key ben\n\
                 # Afterwards: rm -r {root}\n"
            ));
            return Ok(());
        }
        fs::remove_dir_all(&self.root).map_err(|error| failed(&self.root, &error))
    }
}

/// All that programs of the demo find in their environment.
fn variables(root: &Path) -> Vec<(OsString, OsString)> {
    let pair = |name: &str, value: &OsStr| (OsString::from(name), value.to_owned());
    let text = |name: &str, value: &str| pair(name, OsStr::new(value));
    vec![
        text("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        text("LANG", "C.UTF-8"),
        text("NO_COLOR", "1"),
        pair("HOME", root.join("work").as_os_str()),
        pair("GLASS_HOME", root.join("glass").as_os_str()),
        text("GIT_CONFIG_NOSYSTEM", "1"),
        text("GIT_CONFIG_GLOBAL", "/dev/null"),
        text("GIT_AUTHOR_NAME", "ana"),
        text("GIT_AUTHOR_EMAIL", "ana@example.com"),
        text("GIT_COMMITTER_NAME", "ana"),
        text("GIT_COMMITTER_EMAIL", "ana@example.com"),
    ]
}

/// A word as a person types it.
fn shown(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Failed, format!("{}: {error}", escape(&path.to_string_lossy())))
}
