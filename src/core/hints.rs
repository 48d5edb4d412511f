//! Signs that no person is at the terminal: variables and processes of known agents and CI
//! runners (P4).
//!
//! A hint is noted for the reviewer and refuses nothing: any program can drop a variable or
//! choose a name, and a person may well work in the terminal of an agent. The evidence is touch.
//! What is noted are words of these tables alone, never text from outside.

use std::fmt;

/// Variables that CI runners and AI agents set for the commands that they run.
///
/// Left out is what also stands in the terminals that people type in (`CURSOR_TRACE_ID`,
/// `TERM_PROGRAM`), what people set themselves (`CODEX_HOME`, keys), and `AGENT`, which may be
/// anything.
pub const VARIABLES: [&str; 29] = [
    // CI runners.
    "APPVEYOR",
    "BITBUCKET_COMMIT",
    "BUILDKITE",
    "CI",
    "CIRCLECI",
    "CIRRUS_CI",
    "CODEBUILD_BUILD_ARN",
    "CODEBUILD_BUILD_ID",
    "DRONE",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "SEMAPHORE",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
    // AI agents; the first is the one that several share.
    "AI_AGENT",
    "AUGMENT_AGENT",
    "CLAUDECODE",
    "CLINE_ACTIVE",
    "CODEX_CI",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "GOOSE_TERMINAL",
    "OPENCODE",
    "QWEN_CODE",
];

/// Programs of AI agents, CI runners and what types for a person.
const PROGRAMS: [&str; 17] = [
    "Runner.Listener",
    "Runner.Worker",
    "aider",
    "ansible",
    "ansible-playbook",
    "auggie",
    "buildkite-agent",
    "claude",
    "codex",
    "copilot",
    "cursor-agent",
    "expect",
    "gemini",
    "gitlab-runner",
    "goose",
    "opencode",
    "qwen",
];

/// Longest name of a process that the kernel keeps, in bytes.
const COMM: usize = 15;

/// One sign; reads `environment: CI` or `process: claude`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// This variable of the table is set.
    Environment(&'static str),
    /// A process of this name in the table is an ancestor of glass.
    Process(&'static str),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Process(name) => write!(f, "process: {name}"),
        }
    }
}

/// Whether a variable of the table says something by this value: `CI=false` does not.
pub fn is_telling(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no")
}

/// The hints of the variables of the table that are set, and of the names of ancestors; each
/// once, in the order of the tables.
pub fn hints(set: &[&'static str], ancestors: &[String]) -> Vec<Hint> {
    let variables = VARIABLES.iter().filter(|name| set.contains(name)).map(|name| Hint::Environment(name));
    let programs = PROGRAMS.iter().filter(|program| ancestors.iter().any(|name| is_named(name, program)));
    variables.chain(programs.map(|name| Hint::Process(name))).collect()
}

/// By its whole name, also where the kernel cut it or a script's ending stands behind it.
fn is_named(name: &str, program: &str) -> bool {
    let stem = [".js", ".mjs", ".cjs", ".py"].iter().find_map(|ending| name.strip_suffix(ending));
    name == program
        || stem == Some(program)
        || (name.len() == COMM && program.len() > COMM && program.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(set: &[&'static str], ancestors: &[&str]) -> Vec<String> {
        let ancestors: Vec<String> = ancestors.iter().map(|name| (*name).to_owned()).collect();
        hints(set, &ancestors).iter().map(Hint::to_string).collect()
    }

    #[test]
    fn p04_what_is_known_is_named_once_in_fixed_words() {
        assert_eq!(
            words(&["CLAUDECODE", "CI"], &["bash", "claude", "node", "claude", "sshd"]),
            ["environment: CI", "environment: CLAUDECODE", "process: claude"]
        );
        assert_eq!(words(&[], &["codex.js"]), ["process: codex"]);
        // The kernel keeps 15 bytes.
        assert_eq!(words(&[], &["ansible-playboo"]), ["process: ansible-playbook"]);
    }

    #[test]
    fn p04_people_are_not_taken_for_agents() {
        let people =
            ["bash", "zsh", "sshd", "tmux: server", "login", "sudo", "su", "systemd", "node", "code"];
        assert_eq!(words(&[], &people), [""; 0]);
        // Another program whose name only begins or ends like a known one.
        for name in ["claude-notes", "my-claude", "Claude", "expected", "ansible-play", "codex.sh", ""] {
            assert_eq!(words(&[], &[name]), [""; 0], "{name}");
        }
    }

    #[test]
    fn a_variable_can_say_no() {
        for value in ["", "0", "false", "FALSE", "no", " "] {
            assert!(!is_telling(value), "{value:?}");
        }
        for value in ["1", "true", "seatbelt", "goose@1"] {
            assert!(is_telling(value), "{value:?}");
        }
    }

    #[test]
    fn the_tables_name_everything_once() {
        let mut names: Vec<&str> = VARIABLES.into_iter().chain(PROGRAMS).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_graphic())));
    }
}
