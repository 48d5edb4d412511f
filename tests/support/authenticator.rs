//! A security key in software: behind an ssh-agent of the test's own, which can lie about touch,
//! or behind the real `ssh-keygen`, by a library that stands for the device.

use super::Home;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256, Sha512};
use ssh_key::private::{KeypairData, SkEd25519};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{LineEnding, PrivateKey};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Nobody was there.
pub const NOBODY: u8 = 0x00;
/// The key was touched.
pub const PRESENT: u8 = 0x01;
/// The key was given its PIN.
pub const PIN: u8 = 0x04;

const KIND: &str = "sk-ssh-ed25519@openssh.com";

/// A key on a device that is none.
#[derive(Clone)]
pub struct SecurityKey(SigningKey);

impl SecurityKey {
    /// A new one.
    pub fn new() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        Self(SigningKey::from_bytes(&seed))
    }

    /// The line of its `.pub`.
    pub fn line(&self) -> String {
        format!("{KIND} {} made-by-a-test", data_encoding::BASE64.encode(&self.blob()))
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, KIND.as_bytes());
        put(&mut blob, self.0.verifying_key().as_bytes());
        put(&mut blob, b"ssh:");
        blob
    }

    /// The file with its handle, and the `.pub` beside it, as `ssh-keygen` enrols them: `asks` are
    /// the bits that it is made to ask for, `asserts` those that the device will sign.
    pub fn write(&self, path: &Path, asks: u8, asserts: u8) {
        let point = Ed25519PublicKey(self.0.verifying_key().to_bytes());
        let public = ssh_key::public::SkEd25519::new(point, "ssh:");
        let handle = [self.0.as_bytes().as_slice(), &[asserts]].concat();
        let pair = SkEd25519::new(public, asks, handle).unwrap();
        let key = PrivateKey::new(KeypairData::SkEd25519(pair), "made-by-a-test").unwrap();
        assert!(matches!(key.public_key().key_data(), KeyData::SkEd25519(_)));
        fs::write(path, key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(format!("{}.pub", path.display()), self.line() + "\n").unwrap();
    }

    /// The armor of a signature over a message, as `ssh-keygen -Y sign` makes it, with these bits.
    pub fn signature(&self, namespace: &str, message: &[u8], flags: u8) -> String {
        let mut data = b"SSHSIG".to_vec();
        for part in [namespace.as_bytes(), b"", b"sha512", &Sha512::digest(message)] {
            put(&mut data, part);
        }
        let mut blob = b"SSHSIG".to_vec();
        blob.extend(1u32.to_be_bytes());
        for part in [&self.blob(), namespace.as_bytes(), b"", b"sha512", &self.sign(&data, flags, false)] {
            put(&mut blob, part);
        }
        let body = data_encoding::BASE64.encode(&blob);
        format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n")
    }

    /// The signature in wire form, over the data of SSHSIG.
    fn sign(&self, data: &[u8], flags: u8, malleate: bool) -> Vec<u8> {
        let counter = 7u32.to_be_bytes();
        let mut message = Sha256::digest(b"ssh:").to_vec();
        message.push(flags);
        message.extend(counter);
        message.extend(Sha256::digest(data));
        let mut signature = self.0.sign(&message).to_bytes();
        if malleate {
            add_order(&mut signature[32..]);
        }
        let mut blob = Vec::new();
        put(&mut blob, KIND.as_bytes());
        put(&mut blob, &signature);
        blob.push(flags);
        blob.extend(counter);
        blob
    }
}

/// Adds the order of the group to a scalar: the same signature to a lenient reader.
fn add_order(scalar: &mut [u8]) {
    let order = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14";
    let order = order.into_iter().chain([0; 15]).chain([0x10]);
    let mut carry = 0;
    for (byte, order) in scalar.iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// What the agent does when it is asked to sign.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Signs with these flags.
    Signs(u8),
    /// The same, after so many milliseconds.
    Late(u8, u64),
    /// Signs in the malleated form that stock OpenSSH takes.
    Malleates,
    /// Signs the same message for another namespace.
    Renames,
    /// Signs what it signed first, whatever it is asked.
    Replays,
    /// Says no.
    Refuses,
    /// Hangs up.
    HangsUp,
}

/// An ssh-agent in a thread.
pub struct Authenticator {
    /// For `SSH_AUTH_SOCK`.
    pub socket: PathBuf,
    manner: Arc<Mutex<Manner>>,
    signed: Arc<AtomicUsize>,
}

impl Authenticator {
    /// Holds a security key, and signs as nobody would who is away.
    pub fn holding(home: &Home, key: &SecurityKey) -> Self {
        let socket = home.root().join("authenticator");
        let listener = UnixListener::bind(&socket).unwrap();
        let (manner, signed) = (Arc::new(Mutex::new(Manner::Signs(NOBODY))), Arc::default());
        let agent = Self { socket, manner, signed };
        let (manner, signed, key) = (Arc::clone(&agent.manner), Arc::clone(&agent.signed), key.clone());
        // Ends with the test's process, as it waits for its next caller.
        thread::spawn(move || {
            let mut first = None;
            for stream in listener.incoming() {
                // Who gives up is gone; the next one is served.
                let _ = serve(&mut stream.unwrap(), &key, &manner, &signed, &mut first);
            }
        });
        agent
    }

    /// From now on it does this.
    pub fn does(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// How many signatures it was asked for.
    pub fn asked(&self) -> usize {
        self.signed.load(Ordering::SeqCst)
    }
}

fn serve(
    stream: &mut UnixStream,
    key: &SecurityKey,
    manner: &Mutex<Manner>,
    signed: &AtomicUsize,
    first: &mut Option<Vec<u8>>,
) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut request)?;
    let mut answer = Vec::new();
    if request[0] == 11 {
        answer.push(12);
        answer.extend(1u32.to_be_bytes());
        put(&mut answer, &key.blob());
        put(&mut answer, b"a security key");
    } else {
        signed.fetch_add(1, Ordering::SeqCst);
        let (_, rest) = take(&request[1..]);
        let (data, _) = take(rest);
        let manner = *manner.lock().unwrap();
        let signature = match manner {
            Manner::Signs(flags) => key.sign(data, flags, false),
            Manner::Late(flags, milliseconds) => {
                thread::sleep(Duration::from_millis(milliseconds));
                key.sign(data, flags, false)
            }
            Manner::Malleates => key.sign(data, PRESENT, true),
            Manner::Renames => key.sign(&renamed(data), PRESENT, false),
            Manner::Replays => first.clone().expect("it has signed before"),
            Manner::Refuses => return send(stream, &[5]),
            Manner::HangsUp => return Ok(()),
        };
        first.get_or_insert_with(|| signature.clone());
        answer.push(14);
        put(&mut answer, &signature);
    }
    send(stream, &answer)
}

/// The data of SSHSIG for the same message and another namespace.
fn renamed(data: &[u8]) -> Vec<u8> {
    let (_, rest) = take(&data[6..]);
    let mut renamed = b"SSHSIG".to_vec();
    put(&mut renamed, b"approve@glass");
    renamed.extend(rest);
    renamed
}

fn send(stream: &mut UnixStream, message: &[u8]) -> std::io::Result<()> {
    let mut framed = Vec::new();
    put(&mut framed, message);
    stream.write_all(&framed)
}

fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    to.extend(bytes);
}

fn take(from: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = from.split_at(4);
    rest.split_at(u32::from_be_bytes(length.try_into().unwrap()) as usize)
}

/// Builds the library that stands for the device behind `ssh-keygen` (`SSH_SK_PROVIDER`).
pub fn device(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("device.c"), directory.join("device.so"));
    fs::write(&source, include_str!("device.c")).unwrap();
    let mut build = Command::new("cc");
    let built = build.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}
