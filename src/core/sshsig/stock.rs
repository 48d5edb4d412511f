//! Stock OpenSSH, for tests: what glass writes and reads is held against it.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::core::public_key::PublicKey;
use crate::core::wire::put_string;
use data_encoding::BASE64;
use ed25519_dalek::SigningKey;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Whether stock OpenSSH is there; says so where a test must be skipped.
pub(crate) fn is_installed() -> bool {
    let there = Command::new("ssh-keygen").arg("-?").stderr(Stdio::null()).status().is_ok();
    if !there {
        println!("skipped: ssh-keygen is not installed");
    }
    there
}

/// Runs `ssh-keygen` to its end.
pub(crate) fn keygen(arguments: &[&str], stdin: Option<&Path>) -> Output {
    let stdin = stdin.map_or(Stdio::null(), |path| File::open(path).unwrap().into());
    Command::new("ssh-keygen").args(arguments).stdin(stdin).output().unwrap()
}

/// Makes a key file and the `.pub` beside it.
pub(crate) fn new_key(path: &Path, kind: &str, passphrase: &str) {
    let path = path.to_str().unwrap();
    let made = keygen(&["-q", "-t", kind, "-N", passphrase, "-C", "ana@laptop", "-a", "1", "-f", path], None);
    assert!(made.status.success(), "{made:?}");
}

/// The public key in `PATH.pub`.
pub(crate) fn public_beside(path: &Path) -> PublicKey {
    let line = fs::read_to_string(format!("{}.pub", path.display())).unwrap();
    PublicKey::parse_line(&line).unwrap()
}

/// Writes a private key in OpenSSH's own form, without a passphrase.
pub(crate) fn write_key(path: &Path, key: &SigningKey) -> PublicKey {
    let point = key.verifying_key().to_bytes();
    let public = PublicKey::ed25519(point);
    let mut secret = vec![7; 8];
    put_string(&mut secret, public.kind().as_bytes());
    put_string(&mut secret, &point);
    put_string(&mut secret, &key.to_keypair_bytes());
    put_string(&mut secret, b"ana@laptop");
    let padding = secret.len().next_multiple_of(8) - secret.len();
    secret.extend((1..=8).take(padding));
    let mut bytes = b"openssh-key-v1\0".to_vec();
    for field in [b"none".as_slice(), b"none", b""] {
        put_string(&mut bytes, field);
    }
    bytes.extend(1u32.to_be_bytes());
    put_string(&mut bytes, &public.blob());
    put_string(&mut bytes, &secret);
    let base64 = BASE64.encode(&bytes);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let (begin, end) = ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----");
    fs::write(path, format!("{begin}\n{}\n{end}\n", lines.join("\n"))).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    public
}

/// The armor of `ssh-keygen -Y sign`.
pub(crate) fn sign(
    directory: &Path,
    key: &Path,
    namespace: &str,
    options: &[&str],
    message: &[u8],
) -> String {
    let file = directory.join("message");
    fs::write(&file, message).unwrap();
    let mut arguments = vec!["-q", "-Y", "sign", "-n", namespace, "-f", key.to_str().unwrap()];
    arguments.extend(options);
    let signed = keygen(&arguments, Some(&file));
    assert!(signed.status.success(), "{signed:?}");
    String::from_utf8(signed.stdout).unwrap()
}

/// Whether `ssh-keygen -Y verify` takes the signature for that of `key`.
pub(crate) fn verifies(
    directory: &Path,
    key: &PublicKey,
    namespace: &str,
    armor: &str,
    message: &[u8],
) -> bool {
    let file = |name: &str, content: &[u8]| -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let signers = file("allowed_signers", format!("ana {key}\n").as_bytes());
    let signature = file("signature", armor.as_bytes());
    let message = file("message", message);
    let (signers, signature) = (signers.to_str().unwrap(), signature.to_str().unwrap());
    let arguments = ["-Y", "verify", "-n", namespace, "-f", signers, "-I", "ana", "-s", signature];
    keygen(&arguments, Some(&message)).status.success()
}
