//! The variables and user ids that glass starts with; the only place that reads either.
//!
//! No variable answers for a person (P4) or shifts time (P11): they say where things are
//! and how to colour them.

use crate::core::hints::{VARIABLES, is_telling};
use crate::core::text::escape;
use nix::unistd::{Uid, User};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// What was set when glass started. Empty variables count as absent, as do relative
/// directories where an absolute one is asked for (XDG Base Directory Specification).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `GLASS_HOME`; may be relative.
    pub glass_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub xdg_data_home: Option<PathBuf>,
    /// `SSH_AUTH_SOCK`: the agent's socket.
    pub ssh_auth_sock: Option<PathBuf>,
    /// `SSH_SK_PROVIDER`: the library by which `ssh-keygen` speaks to a security key.
    pub ssh_sk_provider: Option<OsString>,
    /// `NO_COLOR` is set to anything.
    pub no_color: bool,
    /// `TMPDIR`, else `/tmp`: where `demo` plays.
    pub temporary: PathBuf,
    /// The real user id.
    pub uid: u32,
    /// The effective user id: whose rights glass has.
    pub euid: u32,
    /// Who called `sudo`, if this runs under it.
    pub sudo: Option<Sudo>,
    /// Those of [`VARIABLES`] that are set. Under sudo, which resets the environment, they are
    /// gone unless its rules keep them.
    pub hinting: Vec<&'static str>,
}

/// Who called `sudo`, as inert text: whose files and agent are reached. It never says who a
/// person is (DESIGN 4), and `SUDO_USER` says nothing: the user database has the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sudo {
    /// `SUDO_UID` as it stood.
    pub uid: String,
}

impl Environment {
    /// Reads everything once; called at the start.
    pub fn read() -> Self {
        Self::from_variables(variable, Uid::current().as_raw(), Uid::effective().as_raw())
    }

    fn from_variables(get: impl Fn(&str) -> Option<OsString>, uid: u32, euid: u32) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let absolute = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let telling = |name: &str| get(name).is_some_and(|value| is_telling(&value.to_string_lossy()));
        let inert = |value: OsString| escape(&value.to_string_lossy());
        Self {
            home: absolute("HOME"),
            glass_home: set("GLASS_HOME").map(PathBuf::from),
            xdg_config_home: absolute("XDG_CONFIG_HOME"),
            xdg_data_home: absolute("XDG_DATA_HOME"),
            ssh_auth_sock: set("SSH_AUTH_SOCK").map(PathBuf::from),
            ssh_sk_provider: set("SSH_SK_PROVIDER"),
            no_color: set("NO_COLOR").is_some(),
            temporary: absolute("TMPDIR").unwrap_or_else(|| "/tmp".into()),
            uid,
            euid,
            // Only sudo itself makes another user of us: without root this is a stray variable.
            sudo: get("SUDO_UID").filter(|_| euid == 0).map(|caller| Sudo { uid: inert(caller) }),
            hinting: VARIABLES.into_iter().filter(|name| telling(name)).collect(),
        }
    }

    /// The name of the real user id; `None` where the system has none for it.
    ///
    /// Asked only when needed: with the identity provider down, name services can be slow.
    pub fn os_user(&self) -> Option<String> {
        User::from_uid(Uid::from_raw(self.uid)).ok().flatten().map(|user| user.name)
    }

    /// Where a person's own keys are looked for.
    pub fn ssh_directory(&self) -> Option<PathBuf> {
        self.home.as_deref().map(|home| Path::join(home, ".ssh"))
    }
}

/// Every variable that glass was started with: a session has them too.
pub fn inherited() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

// The one reading of variables.
#[allow(clippy::disallowed_methods)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Where the binary of this process is.
///
/// # Errors
/// The system does not say.
pub fn own_binary() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The host's name as the kernel has it; `localhost` where it can't name a ledger.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !name.is_empty() && name.chars().all(is_fit) {
        true => name.to_owned(),
        false => "localhost".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(variables: &[(&str, &str)], euid: u32) -> Environment {
        Environment::from_variables(
            |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()),
            1000,
            euid,
        )
    }

    #[test]
    fn empty_and_relative_variables_count_as_absent() {
        let variables = [
            ("HOME", "home/ana"),
            ("XDG_DATA_HOME", "data"),
            ("GLASS_HOME", ""),
            ("NO_COLOR", ""),
            ("TMPDIR", "t"),
        ];
        let absent =
            Environment { uid: 1000, euid: 1000, temporary: "/tmp".into(), ..Environment::default() };
        assert_eq!(given(&variables, 1000), absent);
        let environment = given(&[("HOME", "/home/ana"), ("GLASS_HOME", "here"), ("NO_COLOR", "1")], 1000);
        assert_eq!(environment.ssh_directory(), Some("/home/ana/.ssh".into()));
        assert_eq!(environment.glass_home, Some("here".into()));
        assert!(environment.no_color);
    }

    #[test]
    fn p04_variables_of_agents_and_runners_are_noted_by_name_alone() {
        let variables = [("CLAUDECODE", "1"), ("CI", "false"), ("GITHUB_ACTIONS", "true"), ("SHELL", "x")];
        assert_eq!(given(&variables, 1000).hinting, ["GITHUB_ACTIONS", "CLAUDECODE"]);
    }

    #[test]
    fn sudo_counts_for_root_alone_and_is_inert() {
        let variables = [("SUDO_UID", "1000\u{1b}[31m"), ("SUDO_USER", "ana")];
        assert_eq!(given(&variables, 1000).sudo, None);
        let sudo = given(&variables, 0).sudo.unwrap();
        assert_eq!(sudo, Sudo { uid: "1000\\u{1b}[31m".into() });
        // A garbled or empty SUDO_UID is still sudo: absence fails closed.
        assert!(given(&[("SUDO_UID", "")], 0).sudo.is_some());
    }

    #[test]
    fn the_running_user_has_the_name_that_the_system_gives() {
        let environment = Environment::read();
        let expected = User::from_uid(Uid::current()).unwrap().map(|user| user.name);
        assert_eq!(environment.os_user(), expected);
        assert_eq!(environment.euid, rustix::process::geteuid().as_raw());
    }
}
