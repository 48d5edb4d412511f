//! Who started glass: the names of its ancestors, as `/proc` has them.
//!
//! The walk goes past the session leader, up to init: an agent that types on a
//! pseudo-terminal stands beyond it. Under sudo, which resets the environment, ancestors still
//! show. Where `/proc` hides or garbles one, the walk ends there: this only ever feeds a hint,
//! and fails to none.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No terminal is so deep.
const DEEPEST: usize = 64;
/// Bytes of a command line that are looked at.
const LONGEST: u64 = 4096;
/// Programs whose first argument that is no option is the program that a person knows.
const INTERPRETERS: [&str; 9] = ["bash", "bun", "dash", "deno", "env", "node", "nodejs", "sh", "zsh"];

/// The names of all ancestors of this process, the nearest first; several for each: what the
/// kernel calls it, and the base names of its program and of the script that it interprets.
pub fn names() -> Vec<String> {
    names_in(Path::new("/proc"), "self")
}

fn names_in(proc: &Path, process: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut parent = stat(&proc.join(process)).map(|(_, parent)| parent);
    for _ in 0..DEEPEST {
        let Some(id) = parent.filter(|id| *id > 0) else { break };
        let ancestor = proc.join(id.to_string());
        let Some((comm, next)) = stat(&ancestor) else { break };
        names.push(comm);
        names.extend(programs(&arguments(&ancestor)));
        parent = Some(next);
    }
    names
}

/// What the kernel calls a process, and its parent's id. The name may hold anything, brackets too.
fn stat(process: &Path) -> Option<(String, u32)> {
    let text = String::from_utf8_lossy(&read(&process.join("stat"))?).into_owned();
    let (before, after) = text.rsplit_once(')')?;
    let (_, comm) = before.split_once('(')?;
    Some((comm.to_owned(), after.split_ascii_whitespace().nth(1)?.parse().ok()?))
}

fn arguments(process: &Path) -> Vec<String> {
    let bytes = read(&process.join("cmdline")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The base names of a command line's program, and of its script.
fn programs(arguments: &[String]) -> Vec<String> {
    let Some((program, rest)) = arguments.split_first() else { return Vec::new() };
    let program = base(program);
    let interprets = INTERPRETERS.contains(&program) || program.starts_with("python");
    let options = rest.iter().take_while(|argument| argument.starts_with('-')).count();
    // After `-c` or `-e` comes no name but a text.
    let is_text =
        rest[..options].iter().any(|option| option.ends_with(['c', 'e']) && !option.starts_with("--"));
    let script = rest.get(options).filter(|_| interprets && !is_text);
    script.map(|script| base(script).to_owned()).into_iter().chain([program.to_owned()]).collect()
}

/// A login shell's name begins with a dash.
fn base(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_prefix('-').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A `/proc` of these: id, name, parent, command line.
    fn proc(processes: &[(&str, &str, u32, &str)]) -> TempDir {
        let proc = tempfile::tempdir().unwrap();
        for (id, comm, parent, command) in processes {
            let directory = proc.path().join(id);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("stat"), format!("7 ({comm}) S {parent} 7 7 0 -1")).unwrap();
            fs::write(directory.join("cmdline"), command.replace(' ', "\0")).unwrap();
        }
        proc
    }

    #[test]
    fn the_walk_goes_up_to_init_and_names_scripts() {
        let proc = proc(&[
            ("self", "glass", 40, "glass activate x"),
            ("40", "sudo", 30, "sudo glass activate x"),
            ("30", "bash", 20, "-bash"),
            ("20", "MainThread", 10, "node --no-warnings /usr/bin/claude --resume x"),
            ("10", "ansible-playboo", 5, "/usr/bin/python3.11 /usr/bin/ansible-playbook site.yml"),
            ("5", "a) S 9 (b", 4, ""),
            ("4", "sh", 1, "sh -lc cd/srv/codex"),
            ("1", "systemd", 0, "/sbin/init"),
        ]);
        let names = names_in(proc.path(), "self");
        for name in ["sudo", "bash", "claude", "node", "ansible-playbook", "a) S 9 (b", "systemd", "init"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        // Neither glass itself, nor arguments, are ancestors.
        for name in ["glass", "activate", "x", "site.yml", "codex", "-bash"] {
            assert!(!names.iter().any(|found| found == name), "{name}: {names:?}");
        }
    }

    #[test]
    fn what_is_hidden_garbled_or_endless_ends_the_walk() {
        let hidden = proc(&[("self", "glass", 40, ""), ("40", "claude", 30, "claude")]);
        assert_eq!(names_in(hidden.path(), "self"), ["claude", "claude"]);
        let garbled = proc(&[("self", "glass", 40, ""), ("40", "x", 30, "x"), ("30", "y", 1, "y")]);
        fs::write(garbled.path().join("30/stat"), b"\xff\xfe no brackets").unwrap();
        assert_eq!(names_in(garbled.path(), "self"), ["x", "x"]);
        let circle = proc(&[("self", "glass", 40, ""), ("40", "x", 40, "")]);
        assert_eq!(names_in(circle.path(), "self").len(), DEEPEST * 2);
        assert_eq!(names_in(&circle.path().join("nowhere"), "self"), [""; 0]);
    }

    #[test]
    fn this_process_has_ancestors() {
        assert!(!names().is_empty());
    }
}
