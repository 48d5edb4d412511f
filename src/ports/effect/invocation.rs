//! What is to be run, with everything resolved, and how it is put to the waiting half.

use super::request::{Identity, Request};
use crate::core::text::escape;
use nix::unistd::{Uid, User, geteuid};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use zeroize::Zeroizing;

/// The only `PATH` that a command ever sees.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command, all resolved. No `Debug`: it holds secrets.
pub struct Invocation {
    /// Absolute path; whether it may be trusted was judged before.
    pub program: PathBuf,
    /// Arguments after the program's name. Everyone on the host can read them: no secrets.
    pub args: Vec<String>,
    /// Variables beside the fixed `PATH`, `HOME` and `LANG`; a name of those replaces it.
    pub env: BTreeMap<String, SecretString>,
    /// What it reads.
    pub stdin: Stdin,
    /// The OS user to become; absent: the user who runs glass.
    pub run_as: Option<String>,
    /// Counted from the opening of the gate; then the whole process group is ended.
    pub timeout: Duration,
}

/// Standard input of a command.
pub enum Stdin {
    /// `/dev/null`.
    Empty,
    /// These bytes, as if read from a file.
    Bytes(Zeroizing<Vec<u8>>),
}

/// No process of the target program was ever started: proof that nothing was opened by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotStarted(String);

impl NotStarted {
    /// What stood in the way, made inert.
    pub(super) fn because(reason: impl AsRef<str>) -> Self {
        Self(escape(reason.as_ref()))
    }
}

/// Who a command runs as.
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

/// What every process that glass starts finds in its environment.
pub(super) fn environment(home: &Path) -> [(&[u8], &[u8]); 3] {
    [(b"HOME", home.as_os_str().as_encoded_bytes()), (b"LANG", b"C.UTF-8"), (b"PATH", PATH.as_bytes())]
}

/// Home of the user who runs glass, asked once: a thousand closings must not ask a directory service each.
pub(super) fn own_home() -> &'static PathBuf {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| match User::from_uid(geteuid()) {
        Ok(Some(user)) => user.dir,
        // A uid without an entry, or a directory service that is down: no home is no reason to stop.
        Ok(None) | Err(_) => PathBuf::from("/"),
    })
}

fn account(run_as: Option<&str>) -> Result<Option<Account>, NotStarted> {
    let Some(name) = run_as else { return Ok(None) };
    let user = User::from_name(name)
        .map_err(|e| NotStarted::because(format!("user {name} can't be looked up: {e}")))?
        .ok_or_else(|| {
            NotStarted::because(format!("there is no user {name}; create it or change `run-as`"))
        })?;
    let own = geteuid();
    if !own.is_root() && user.uid != own {
        return Err(NotStarted::because(format!(
            "only root can run a command as {name}; use the host layout"
        )));
    }
    Ok(Some(Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir }))
}

impl Invocation {
    /// The frame for the waiting half.
    pub(super) fn encode(&self, bound: bool) -> Result<Zeroizing<Vec<u8>>, NotStarted> {
        let program = self.program.as_os_str().as_encoded_bytes();
        let account = account(self.run_as.as_deref())?;
        let home = account.as_ref().map_or(own_home(), |account| &account.home);
        let mut env: BTreeMap<&[u8], &[u8]> = environment(home).into_iter().collect();
        env.extend(self.env.iter().map(|(name, value)| (name.as_bytes(), value.expose_secret().as_bytes())));
        let request = Request {
            // Nobody but root can set groups; a user who stays the same keeps them.
            identity: account.as_ref().filter(|_| Uid::effective().is_root()).map(|account| Identity {
                name: account.name.as_bytes(),
                uid: account.uid,
                gid: account.gid,
            }),
            bound,
            program,
            args: self.args.iter().map(String::as_bytes).collect(),
            env: env.into_iter().collect(),
            stdin: match &self.stdin {
                Stdin::Empty => None,
                Stdin::Bytes(bytes) => Some(bytes),
            },
        };
        lint(&request).map_err(|what| NotStarted::because(format!("{}: {what}", self.program.display())))?;
        Ok(request.encode())
    }
}

/// What no process can be given. The message never quotes a value: it may be a secret.
fn lint(request: &Request<'_>) -> Result<(), &'static str> {
    let names = || request.env.iter().map(|(name, _)| *name);
    if !request.program.starts_with(b"/") {
        return Err("the program is not an absolute path");
    }
    if names().any(|name| name.is_empty() || name.contains(&b'=')) {
        return Err("the name of a variable is empty or holds `=`");
    }
    let mut texts = request.args.iter().copied().chain(request.env.iter().flat_map(|(n, v)| [*n, *v]));
    if request.program.contains(&0) || texts.any(|text| text.contains(&0)) {
        return Err("the program, an argument or a variable holds a NUL byte");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(program: &str) -> Invocation {
        Invocation {
            program: program.into(),
            args: vec!["a".into()],
            env: BTreeMap::from([("TOKEN".to_owned(), SecretString::from("s3cret"))]),
            stdin: Stdin::Empty,
            run_as: None,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn p10_the_environment_is_exactly_what_is_written() {
        let frame = invocation("/bin/true").encode(true).unwrap();
        let request = Request::decode(&frame[4..]).unwrap();
        let home = own_home().as_os_str().as_encoded_bytes();
        let expected: Vec<(&[u8], &[u8])> =
            vec![(b"HOME", home), (b"LANG", b"C.UTF-8"), (b"PATH", PATH.as_bytes()), (b"TOKEN", b"s3cret")];
        assert_eq!(request.env, expected);
    }

    #[test]
    fn p09_what_no_process_can_be_given_is_named_without_its_value() {
        let mut nul = invocation("/bin/true");
        nul.env.insert("TOKEN".into(), SecretString::from("s3cret\0"));
        let mut name = invocation("/bin/true");
        name.env.insert("A=B".into(), SecretString::from("s3cret"));
        for (bad, word) in [(nul, "NUL"), (name, "`=`"), (invocation("bin/true"), "absolute")] {
            let error = bad.encode(true).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_unknown_user_is_proof_that_nothing_started() {
        let unknown = Invocation { run_as: Some("no-such-user\u{202e}".into()), ..invocation("/bin/true") };
        let error = unknown.encode(true).unwrap_err().to_string();
        assert!(error.contains("no-such-user\\u{202e}"), "{error}");
    }
}
