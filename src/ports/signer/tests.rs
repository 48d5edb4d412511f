//! Beside a real ssh-agent and real key files.
#![allow(clippy::disallowed_methods)]

use super::*;
use crate::core::sshsig::stock;
use crate::ports::belongings::Belongings;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const NAMESPACE: &str = "request@glass";
const LINE: &str = r#"{"signed":{},"texts":{}}"#;

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

/// The finder, on a host without `ssh-keygen`.
fn find(
    named: Option<&Path>,
    agent_socket: Option<&Path>,
    ssh_dir: Option<&Path>,
    wanted: &dyn Fn(&PublicKey) -> bool,
) -> Result<Key, FindError> {
    let keygen = &|| Err("there is no ssh-keygen".to_owned());
    find_key(&Keyring { belongings: &own(), agent_socket, ssh_dir, keygen }, named, wanted)
}

/// Signs, and waits for it however long it takes.
fn sign(key: &UnlockedKey) -> Result<Sshsig, SignError> {
    Ok(key.sign_line(NAMESPACE, LINE, &mut |_| ControlFlow::Continue(()))?.0)
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
    let from_file = find(Some(&path), None, None, &known).unwrap();
    let missing = find(None, Some(&agent.socket), None, &known).unwrap_err();
    assert!(missing.to_string().contains("ed25519 keys in the ssh-agent: 0"), "{missing}");
    agent.add(&path);
    let from_agent = find(None, Some(&agent.socket), None, &known).unwrap();
    assert_eq!(from_agent.public(), from_file.public());
    assert_eq!(from_agent.needs_passphrase(), None);
    let signed = |key: Key| sign(&key.unlock(None).unwrap()).unwrap().to_armor();
    assert_eq!(signed(from_agent), signed(from_file));
}

#[test]
fn p04_an_agent_that_lost_the_key_signs_nothing() {
    let Some(directory) = ssh_dir(&[("key", ""), ("other", "")]) else { return };
    let agent = StockAgent::start(directory.path());
    agent.add(&directory.path().join("key"));
    let holder = || Means::Agent(Agent::at(&agent.socket, &own()));
    let other = UnlockedKey { public: public(&directory.path().join("other")), means: holder() };
    assert!(matches!(sign(&other), Err(SignError::Agent(AgentError::Refused))));
}

#[test]
fn p04_a_signature_that_does_not_hold_is_not_handed_on() {
    let public = PublicKey::ed25519(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes());
    let wrong = UnlockedKey { public, means: Means::Secret(SigningKey::from_bytes(&[2; 32])) };
    assert!(matches!(sign(&wrong), Err(SignError::Unsound(SshsigError::Bad))));
}

#[test]
fn a_passphrase_can_be_tried_again() {
    let Some(directory) = ssh_dir(&[("key", "open sesame")]) else { return };
    let path = directory.path().join("key");
    let key = find(Some(&path), None, None, &|_| true).unwrap();
    assert_eq!(key.needs_passphrase(), Some(path.as_path()));
    for wrong in [None, Some(secret("open"))] {
        assert!(key.unlock(wrong.as_ref()).is_err());
    }
    let unlocked = key.unlock(Some(&secret("open sesame"))).unwrap();
    assert!(sign(&unlocked).is_ok());
    assert_eq!(unlocked.gesture(), Gesture::None);
    assert!(format!("{unlocked:?}").starts_with("UnlockedKey(SHA256:"));
}

#[test]
fn p04_a_named_key_outside_the_roster_is_refused() {
    let Some(directory) = ssh_dir(&[("key", "")]) else { return };
    let path = directory.path().join("key");
    for named in [path.clone(), path.with_extension("pub")] {
        let error = find(Some(&named), None, None, &|_| false).unwrap_err();
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
    let named = |name: &str| find(Some(&at(name)), Some(&agent.socket), None, &|_| true);
    assert!(matches!(named("key.pub").unwrap().holder, Holder::File(_)));
    agent.add(&at("other"));
    assert!(matches!(named("key.pub").unwrap().holder, Holder::File(_)));
    agent.add(&at("key"));
    let held = named("key.pub").unwrap();
    assert!(matches!(held.holder, Holder::Agent(_)));
    assert_eq!(held.public(), &public(&at("key")));

    std::fs::copy(at("key.pub"), at("stranger.pub")).unwrap();
    let without_agent = |name: &str| find(Some(&at(name)), None, None, &|_| true).unwrap_err();
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
    let among = |roster: &[&str], socket: Option<&Path>| {
        let roster: Vec<PublicKey> = roster.iter().map(|name| public(&at(name))).collect();
        find(None, socket, Some(directory.path()), &|key| roster.contains(key))
    };
    let chosen = |roster: &[&str], socket| among(roster, socket).unwrap().public().clone();
    let all = ["zulu", "a.lpha", "id_ed25519"];
    assert_eq!(chosen(&all, Some(agent.socket.as_path())), public(&at("zulu")));
    assert_eq!(chosen(&all, None), public(&at("id_ed25519")));
    assert_eq!(chosen(&["zulu", "a.lpha"], None), public(&at("a.lpha")));
    assert_eq!(chosen(&["a.lpha"], Some(agent.socket.as_path())), public(&at("a.lpha")));
    // A dead agent is no reason to look no further.
    assert_eq!(chosen(&["a.lpha"], Some(at("nothing").as_path())), public(&at("a.lpha")));
    let message = among(&[], Some(agent.socket.as_path())).unwrap_err().to_string();
    assert!(message.contains("keys in the ssh-agent: 1, key files in "), "{message}");
    assert!(message.contains(": 3; type"), "{message}");
    assert!(message.contains("`ssh-add FILE`"), "{message}");
    std::fs::remove_file(at("id_ed25519.pub")).unwrap();
    assert!(among(&["a.lpha"], None).is_ok());
    std::fs::write(at("a.lpha"), "damaged").unwrap();
    let message = among(&["a.lpha"], None).unwrap_err().to_string();
    assert!(message.contains("a.lpha is not an OpenSSH private key"), "{message}");
}

#[test]
fn p04_a_security_key_that_nothing_can_reach_says_what_to_do() {
    use ssh_key::private::{KeypairData, SkEd25519};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("id_ed25519_sk");
    let point = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    let public = ssh_key::public::SkEd25519::new(ssh_key::public::Ed25519PublicKey(point), "ssh:");
    let pair = KeypairData::SkEd25519(SkEd25519::new(public, 1, [7; 16]).unwrap());
    let key = ssh_key::PrivateKey::new(pair, "a security key").unwrap();
    std::fs::write(&path, key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_bytes()).unwrap();
    let message = find(Some(&path), None, None, &|_| true).unwrap_err().to_string();
    for words in ["lives on a security key that no agent holds", "there is no ssh-keygen", "`ssh-add "] {
        assert!(message.contains(words), "{message}");
    }
    // Nor is it passed over in silence where it is looked for.
    let message = find(None, None, Some(directory.path()), &|_| true).unwrap_err().to_string();
    assert!(message.contains("found no key of the roster"), "{message}");
}
