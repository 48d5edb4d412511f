//! Beside a real ssh-agent and real key files.
#![allow(clippy::disallowed_methods)]

use super::*;
use crate::core::sshsig::stock;
use crate::ports::belongings::Belongings;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const NAMESPACE: &str = "request@glass";
const DIGEST: [u8; 64] = [5; 64];

/// An ssh-agent of the test's own, ended with it.
struct StockAgent {
    process: Child,
    socket: PathBuf,
}

impl StockAgent {
    fn start(directory: &Path) -> Self {
        let socket = directory.join("agent");
        let process =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        for _ in 0..500 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, socket }
    }

    fn add(&self, key: &Path) {
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).status();
        assert!(added.unwrap().success());
    }
}

impl Drop for StockAgent {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A directory with a key `NAME` and `NAME.pub` for each name; `None` without OpenSSH.
fn ssh_dir(names: &[(&str, &str)]) -> Option<TempDir> {
    if !stock::is_installed() {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, passphrase) in names {
        stock::new_key(&directory.path().join(name), "ed25519", passphrase);
    }
    Some(directory)
}

fn own() -> Belongings {
    Belongings::of(None)
}

fn public(path: &Path) -> PublicKey {
    stock::public_beside(path)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[test]
fn p04_agent_and_file_sign_the_same_bytes() {
    let Some(directory) = ssh_dir(&[("key", "")]) else { return };
    let path = directory.path().join("key");
    let agent = StockAgent::start(directory.path());
    let known = |_: &PublicKey| true;
    let from_file = find_key(&own(), Some(&path), None, None, &known).unwrap();
    let missing = find_key(&own(), None, Some(&agent.socket), None, &known).unwrap_err();
    assert!(missing.to_string().contains("ed25519 keys in the ssh-agent: 0"), "{missing}");
    agent.add(&path);
    let from_agent = find_key(&own(), None, Some(&agent.socket), None, &known).unwrap();
    assert_eq!(from_agent.public(), from_file.public());
    assert_eq!(from_agent.needs_passphrase(), None);
    let sign = |key: Key| key.unlock(None).unwrap().sign_digest(NAMESPACE, &DIGEST).unwrap().to_armor();
    assert_eq!(sign(from_agent), sign(from_file));
}

#[test]
fn p04_an_agent_that_lost_the_key_signs_nothing() {
    let Some(directory) = ssh_dir(&[("key", ""), ("other", "")]) else { return };
    let agent = StockAgent::start(directory.path());
    agent.add(&directory.path().join("key"));
    let holder = || Means::Agent(Agent::at(&agent.socket, &own()));
    let other = UnlockedKey { public: public(&directory.path().join("other")), means: holder() };
    assert!(matches!(other.sign_digest(NAMESPACE, &DIGEST), Err(SignError::Agent(AgentError::Refused))));
}

#[test]
fn p04_a_signature_that_does_not_hold_is_not_handed_on() {
    let public = PublicKey::ed25519(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes());
    let wrong = UnlockedKey { public, means: Means::Secret(SigningKey::from_bytes(&[2; 32])) };
    assert!(matches!(wrong.sign_digest(NAMESPACE, &DIGEST), Err(SignError::Unsound(SshsigError::Bad))));
}

#[test]
fn a_passphrase_can_be_tried_again() {
    let Some(directory) = ssh_dir(&[("key", "open sesame")]) else { return };
    let path = directory.path().join("key");
    let key = find_key(&own(), Some(&path), None, None, &|_| true).unwrap();
    assert_eq!(key.needs_passphrase(), Some(path.as_path()));
    for wrong in [None, Some(secret("open"))] {
        assert!(key.unlock(wrong.as_ref()).is_err());
    }
    let unlocked = key.unlock(Some(&secret("open sesame"))).unwrap();
    assert!(unlocked.sign_digest(NAMESPACE, &DIGEST).is_ok());
    assert!(!unlocked.waits_for_touch());
    assert!(format!("{unlocked:?}").starts_with("UnlockedKey(SHA256:"));
}

#[test]
fn p04_a_named_key_outside_the_roster_is_refused() {
    let Some(directory) = ssh_dir(&[("key", "")]) else { return };
    let path = directory.path().join("key");
    for named in [path.clone(), path.with_extension("pub")] {
        let error = find_key(&own(), Some(&named), None, None, &|_| false).unwrap_err();
        assert!(
            matches!(&error, FindError::NotInRoster { fingerprint } if *fingerprint == public(&path).fingerprint())
        );
    }
}

#[test]
fn a_named_public_key_is_held_by_the_agent_or_by_the_file_beside_it() {
    let Some(directory) = ssh_dir(&[("key", ""), ("other", "")]) else { return };
    let at = |name: &str| directory.path().join(name);
    let agent = StockAgent::start(directory.path());
    let find = |name: &str| find_key(&own(), Some(&at(name)), Some(&agent.socket), None, &|_| true);
    assert!(matches!(find("key.pub").unwrap().holder, Holder::File(_)));
    agent.add(&at("other"));
    assert!(matches!(find("key.pub").unwrap().holder, Holder::File(_)));
    agent.add(&at("key"));
    let held = find("key.pub").unwrap();
    assert!(matches!(held.holder, Holder::Agent(_)));
    assert_eq!(held.public(), &public(&at("key")));

    std::fs::copy(at("key.pub"), at("stranger.pub")).unwrap();
    let without_agent = |name: &str| find_key(&own(), Some(&at(name)), None, None, &|_| true).unwrap_err();
    assert!(without_agent("stranger.pub").to_string().contains("there is no"));
    std::fs::copy(at("other"), at("stranger")).unwrap();
    assert!(without_agent("stranger.pub").to_string().contains("is another key"));
    std::fs::write(at("text"), "hello").unwrap();
    assert!(matches!(without_agent("text"), FindError::Public { .. }));
    assert!(matches!(without_agent("nothing"), FindError::Unreadable { .. }));
}

#[test]
fn without_a_name_the_first_roster_key_signs() {
    let Some(directory) = ssh_dir(&[("zulu", ""), ("a.lpha", ""), ("id_ed25519", "")]) else { return };
    let at = |name: &str| directory.path().join(name);
    let agent = StockAgent::start(directory.path());
    agent.add(&at("zulu"));
    let find = |roster: &[&str], socket: Option<&Path>| {
        let roster: Vec<PublicKey> = roster.iter().map(|name| public(&at(name))).collect();
        find_key(&own(), None, socket, Some(directory.path()), &|key| roster.contains(key))
    };
    let chosen = |roster: &[&str], socket| find(roster, socket).unwrap().public().clone();
    let all = ["zulu", "a.lpha", "id_ed25519"];
    assert_eq!(chosen(&all, Some(agent.socket.as_path())), public(&at("zulu")));
    assert_eq!(chosen(&all, None), public(&at("id_ed25519")));
    assert_eq!(chosen(&["zulu", "a.lpha"], None), public(&at("a.lpha")));
    assert_eq!(chosen(&["a.lpha"], Some(agent.socket.as_path())), public(&at("a.lpha")));
    // A dead agent is no reason to look no further.
    assert_eq!(chosen(&["a.lpha"], Some(at("nothing").as_path())), public(&at("a.lpha")));
    let message = find(&[], Some(agent.socket.as_path())).unwrap_err().to_string();
    assert!(message.contains("keys in the ssh-agent: 1, key files in "), "{message}");
    assert!(message.contains(": 3; type"), "{message}");
    assert!(message.contains("`ssh-add FILE`"), "{message}");
    std::fs::remove_file(at("id_ed25519.pub")).unwrap();
    assert!(find(&["a.lpha"], None).is_ok());
    std::fs::write(at("a.lpha"), "damaged").unwrap();
    let message = find(&["a.lpha"], None).unwrap_err().to_string();
    assert!(message.contains("a.lpha is not an OpenSSH private key"), "{message}");
}
