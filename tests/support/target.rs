//! A target that a playbook opens: a directory with a file for each grant, behind a script
//! whose behaviour tests steer.

use super::{LONG, wait_until};
use std::fs;
use std::path::{Path, PathBuf};

/// `sh SCRIPT VERB NAME`: what it does for a verb can be put in its way as lines of shell.
#[derive(Debug)]
pub struct Target {
    directory: PathBuf,
}

const SCRIPT: &str = r#"
verb=$1 name=$2 file=$TARGET/open/$2
echo "$verb $name" >> "$TARGET/calls"
if [ -e "$TARGET/knobs/$verb" ]; then . "$TARGET/knobs/$verb"; fi
case $verb in
  grant) if [ -e "$file" ]; then echo "there already" >&2; exit 9; fi; : > "$file" ;;
  revoke) rm -f "$file" ;;
  end) : ;;
  check) if [ -e "$file" ]; then echo "is open"; else echo "is gone" >&2; exit 2; fi ;;
esac
"#;

impl Target {
    /// Makes one in this directory.
    pub fn new(directory: &Path) -> Self {
        for part in ["open", "knobs"] {
            fs::create_dir_all(directory.join(part)).unwrap();
        }
        fs::write(directory.join("script"), SCRIPT).unwrap();
        Self { directory: directory.to_owned() }
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// The file that stands for access under this name: a grant id, or `ID-STEP`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join("open").join(name)
    }

    /// Whether access is open under this name.
    pub fn is_open(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    /// The names that are open, sorted.
    pub fn open(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.join("open")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Waits until nothing is open.
    #[track_caller]
    pub fn shuts(&self) {
        assert!(wait_until(|| self.open().is_empty(), LONG), "still open: {:?}", self.open());
    }

    /// How often it was called with this verb.
    pub fn calls(&self, verb: &str) -> usize {
        let calls = fs::read_to_string(self.directory.join("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.split(' ').next() == Some(verb)).count()
    }

    /// Puts lines of shell in the way of a verb; `$name`, `$file` and `$TARGET` are set.
    pub fn does(&self, verb: &str, shell: &str) {
        let knob = self.directory.join("knobs").join(verb);
        let written = knob.with_extension("new");
        fs::write(&written, shell).unwrap();
        // At once, as a script may be reading it.
        fs::rename(written, knob).unwrap();
    }

    /// It fails without doing anything.
    pub fn fails(&self, verb: &str) {
        self.does(verb, "echo 'it is broken' >&2; exit 1");
    }

    /// It refuses, as the step's `refused` proves.
    pub fn refuses(&self, verb: &str) {
        self.does(verb, "echo 'connection refused' >&2; exit 3");
    }

    /// It hangs until it is ended.
    pub fn hangs(&self, verb: &str) {
        self.does(verb, "sleep 1000");
    }

    /// It takes its time, then works.
    pub fn takes(&self, verb: &str, seconds: f32) {
        self.does(verb, &format!("sleep {seconds}"));
    }

    /// It says nothing that proves anything.
    pub fn says_nothing(&self, verb: &str) {
        self.does(verb, "exit 0");
    }

    /// It works again.
    pub fn works(&self, verb: &str) {
        // It may have worked all along.
        let _ = fs::remove_file(self.directory.join("knobs").join(verb));
    }

    /// A vector of arguments for a playbook, quotes and all.
    pub fn command(&self, verb: &str, name: &str) -> String {
        let script = self.directory.join("script");
        format!("[\"sh\", \"{}\", \"{verb}\", \"{name}\"]", script.display())
    }

    /// A whole `[[scope.step]]` that opens the file named after the grant.
    pub fn step(&self, id: &str) -> String {
        self.step_named(id, "{grant.id}", "10s", "")
    }

    /// A step that opens another name, such as `{grant.id}-two`, with a time-out of its own
    /// and further lines.
    pub fn step_named(&self, id: &str, name: &str, timeout: &str, more: &str) -> String {
        let [grant, revoke, check] = ["grant", "revoke", "check"].map(|verb| self.command(verb, name));
        format!(
            "[[scope.step]]\n\
             id = \"{id}\"\n\
             timeout = \"{timeout}\"\n\
             grant = {{ run = {grant}, already = {{ exit = 9, stderr = \"there already\" }}, refused = {{ exit = 3, stderr = \"connection refused\" }} }}\n\
             revoke = {revoke}\n\
             check = {{ run = {check}, open = {{ exit = 0, stdout = \"is open\" }}, closed = {{ exit = 2, stderr = \"is gone\" }} }}\n\
             env = {{ TARGET = \"{}\" }}\n\
             {more}\n",
            self.directory.display()
        )
    }
}
