//! Consent that is signed on another machine, with nothing but OpenSSH.

use super::support::{
    Authenticator, Home, Manner, NOBODY, PIN, PRESENT, Ran, SecurityKey, bare, requires, text,
};
use super::{ONE, asks, home, whole};
use std::fs;
use std::path::PathBuf;

/// What ben takes with him: the file, and the signature that stock ssh-keygen makes of it.
fn signed(home: &Home, name: &str, message: &str, namespace: &str) -> PathBuf {
    let file = home.root().join(format!("{name}-{}", namespace.replace('@', "-")));
    fs::write(&file, message).unwrap();
    // ssh-keygen asks before it overwrites one.
    let _ = fs::remove_file(file.with_extension("sig"));
    let mut sign = bare(home, "ssh-keygen");
    sign.args(["-Y", "sign", "-n", namespace, "-f"]).arg(home.key(name)).arg(&file);
    Ran::of(&mut sign).exits(0);
    file.with_extension("sig")
}

fn approve(home: &Home, grant: &str, signature: &std::path::Path) -> Ran {
    home.run(&["approve", grant, "--signature", signature.to_str().unwrap()])
}

#[test]
fn p06_a_signature_by_stock_openssh_is_consent_and_nothing_is_asked() {
    if !requires("ssh-keygen") {
        return;
    }
    let home = home(ONE);
    let (mut ana, grant) = asks(&home);
    let message = home.run(&["request", "export", &grant]).exits(0).stdout;
    assert!(message.ends_with('\n') && message.matches('\n').count() == 1);
    assert!(message.contains("the door is stuck") && message.contains("\"requester\":\"ana\""));
    // Exported again it is the same, to the byte.
    assert_eq!(home.run(&["request", "export", &grant]).exits(0).stdout, message);
    // Without a terminal: the signature is the consent.
    approve(&home, &grant, &signed(&home, "ben", &message, "approve@glass")).exits(0).says("Signed by ben");
    ana.exits(0).saw("OPEN");
    whole(&home);
}

#[test]
fn p06_a_signature_over_anything_else_is_refused_and_recorded() {
    if !requires("ssh-keygen") {
        return;
    }
    let (home, other) = (home(ONE), super::home(ONE));
    let (_ana, grant) = asks(&home);
    let (_another, second) = asks(&home);
    let (_elsewhere, foreign) = asks(&other);
    let export = |home: &Home, grant: &str| home.run(&["request", "export", grant]).exits(0).stdout;
    let message = export(&home, &grant);
    let refused = |signature: &std::path::Path, words: &str| {
        approve(&home, &grant, signature).exits(4).says(words);
    };
    refused(&signed(&home, "ben", &message, "request@glass"), "signed for `request@glass`");
    refused(&signed(&home, "ben", &message, "deny@glass"), "signed for `deny@glass`");
    refused(&signed(&home, "ben", &export(&home, &second), "approve@glass"), "does not match");
    refused(&signed(&home, "ben", &export(&other, &foreign), "approve@glass"), "does not match");
    refused(&signed(&home, "ben", message.trim_end(), "approve@glass"), "does not match");
    home.make_key("eve", "");
    refused(&signed(&home, "eve", &message, "approve@glass"), "not in the roster");
    let good = signed(&home, "ben", &message, "approve@glass");
    let bad = home.root().join("bad.sig");
    fs::write(&bad, malleated(&fs::read_to_string(&good).unwrap())).unwrap();
    refused(&bad, "does not match");
    fs::write(&bad, "not a signature\n").unwrap();
    refused(&bad, "not an SSH signature");
    assert_eq!(home.state(&grant), "awaiting-approval");
    // The same cause of the same person counts once a minute.
    assert_eq!(home.refusals(), ["bad-signature", "key-not-in-roster", "bad-signature"]);
    // Once it is used, it is used.
    approve(&home, &grant, &good).exits(0);
    approve(&home, &grant, &good).exits(3);
    whole(&home);
}

/// The same signature with the group's order added to its scalar, which stock ssh-keygen takes.
fn malleated(armor: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let body: String = armor.lines().filter(|line| !line.starts_with('-')).collect();
    let mut blob = data_encoding::BASE64.decode(body.as_bytes()).unwrap();
    let at = blob.len() - 32;
    let mut carry = 0;
    for (byte, order) in blob[at..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        data_encoding::BASE64.encode(&blob)
    )
}

#[test]
fn p04_a_given_signature_must_assert_the_touch_that_is_demanded() {
    let (home, ben, ana) = (Home::new(), SecurityKey::new(), SecurityKey::new());
    home.add_person_with("ben", &format!("\"{}\"", ben.line()), &["security"]);
    home.add_person_with("eve", &format!("\"{}\"", ana.line()), &["oncall"]);
    let door = home.door().set("approvals", ONE).set("touch", "\"verified\"");
    home.write_playbook("doors", &text("doors", &[door]));
    home.register();
    let agent = Authenticator::holding(&home, &ana);
    agent.does(Manner::Signs(PRESENT | PIN));
    let ask = ["activate", "doors/front", "--incident", "INC-1", "--reason", "the door is stuck"];
    let mut command = home.at_terminal(&ask);
    let mut eve = super::Person::start(command.env("SSH_AUTH_SOCK", &agent.socket));
    eve.expect(super::CONFIRM).send_line("doors/front").expect("Ctrl-C leaves it waiting.");
    let grant = home.grants().pop().unwrap();
    let message = home.run(&["request", "export", &grant]).exits(0).stdout;
    let file = home.root().join("given.sig");
    for (bits, words) in [(NOBODY, "touched"), (PIN, "touched"), (PRESENT, "PIN")] {
        fs::write(&file, ben.signature("approve@glass", message.as_bytes(), bits)).unwrap();
        approve(&home, &grant, &file).exits(4).says(words);
    }
    assert_eq!(home.refusals(), ["no-touch"]);
    fs::write(&file, ben.signature("approve@glass", message.as_bytes(), PRESENT | PIN)).unwrap();
    approve(&home, &grant, &file).exits(0);
    eve.exits(0).saw("OPEN");
    let approved = home.entries().into_iter().find(|facts| facts["kind"] == "approved").unwrap();
    assert_eq!(approved["touch"], "verified");
    whole(&home);
}
