//! What an auditor does with stock tools alone: the `sqlite3` shell and `ssh-keygen` (P7).
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::{Home, Ran, bare, requires};

/// A home with one registration, and one grant that was asked for and ended.
struct Audit {
    home: Home,
    grant: String,
}

impl Audit {
    fn new() -> Self {
        let home = Home::with_door();
        let grant = home.activate_ok("doors/front", &["--for", "1h"]);
        home.run(&["revoke", &grant]).exits(0);
        Self { home, grant }
    }

    fn seq(&self, kind: &str) -> u64 {
        let entries = self.home.entries();
        entries.iter().find(|entry| entry["kind"] == kind).unwrap()["seq"].as_u64().unwrap()
    }

    /// What CONTRACT 4 has an auditor type, into a file.
    fn shell(&self, column: &str, seq: u64, file: &str) -> PathBuf {
        let query = format!("select {column} from statement where seq = {seq}");
        let mut sqlite3 = bare(&self.home, "sqlite3");
        let ran = Ran::of(sqlite3.arg(self.home.ledger()).arg(query)).exits(0);
        let path = self.home.root().join(file);
        fs::write(&path, ran.stdout).unwrap();
        path
    }

    fn allowed_signers(&self) -> PathBuf {
        let path = self.home.root().join("allowed_signers");
        let line = fs::read_to_string(self.home.public_key("ana")).unwrap();
        fs::write(&path, format!("ana {line}")).unwrap();
        path
    }

    fn stock_verify(&self, namespace: &str, signature: &Path, message: &Path) -> Ran {
        let mut keygen = bare(&self.home, "ssh-keygen");
        keygen.args(["-Y", "verify", "-I", "ana", "-n", namespace, "-f"]).arg(self.allowed_signers());
        keygen.arg("-s").arg(signature).stdin(Stdio::from(fs::File::open(message).unwrap()));
        Ran::of(&mut keygen)
    }
}

#[test]
fn p07_statements_verify_with_sqlite3_and_ssh_keygen() {
    if !requires("sqlite3") {
        return;
    }
    let audit = Audit::new();
    for (kind, namespace) in [("registered", "register@glass"), ("requested", "request@glass")] {
        let seq = audit.seq(kind);
        let (statement, signature) = (audit.shell("text", seq, "text"), audit.shell("signature", seq, "sig"));
        audit.stock_verify(namespace, &signature, &statement).exits(0).says("Good");
        audit.stock_verify("approve@glass", &signature, &statement).exits(255);

        let mut changed = fs::read(&statement).unwrap();
        changed[10] ^= 1;
        fs::write(&statement, changed).unwrap();
        audit.stock_verify(namespace, &signature, &statement).exits(255);
    }
}

#[test]
fn p07_a_signature_by_glass_is_the_one_by_ssh_keygen() {
    if !requires("sqlite3") {
        return;
    }
    let audit = Audit::new();
    let seq = audit.seq("requested");
    let (statement, signature) = (audit.shell("text", seq, "text"), audit.shell("signature", seq, "sig"));
    let mut keygen = bare(&audit.home, "ssh-keygen");
    keygen.args(["-Y", "sign", "-n", "request@glass", "-f"]).arg(audit.home.key("ana")).arg(&statement);
    Ran::of(&mut keygen).exits(0);
    let stock = fs::read(statement.with_extension("sig")).unwrap();
    let shown = fs::read(signature).unwrap();
    // The shell ends what it prints with a line feed of its own.
    assert_eq!(shown.strip_suffix(b"\n").unwrap(), stock, "of {}", audit.grant);
}

/// Changes the database as its owner can, and gives what `ledger verify` then says.
fn verify_after(audit: &Audit, sql: &str) -> Ran {
    audit.home.tampered().execute_batch(sql).unwrap();
    audit.home.run(&["ledger", "verify"])
}

#[test]
fn p07_an_owner_who_edits_is_found_out_and_the_entry_named() {
    let cases = [
        ("replace(cast(bytes as text), 'ana', 'eve')", "bytes", "requested"),
        ("replace(cast(signature as text), 'A', 'B')", "signature", "requested"),
        (
            "replace(cast(bytes as text), '\"outcome\":\"open\"', '\"outcome\":\"failed\"')",
            "bytes",
            "step-opened",
        ),
        ("replace(cast(bytes as text), 'revoked', 'expired')", "bytes", "closing"),
    ];
    for (value, column, kind) in cases {
        let audit = Audit::new();
        let seq = audit.seq(kind);
        let sql = format!("update entry set {column} = cast({value} as blob) where seq = {seq}");
        verify_after(&audit, &sql).exits(5).says(&format!("entry {seq}"));
    }
}

#[test]
fn p07_rows_that_are_dropped_swapped_or_added_are_found() {
    let audit = Audit::new();
    let last = audit.home.entries().len() as u64 - 1;
    verify_after(&audit, &format!("delete from entry where seq = {last}")).exits(5);
    let audit = Audit::new();
    verify_after(&audit, "delete from entry where seq = 2").exits(5).says("entry 2");
    let audit = Audit::new();
    let swap = "update entry set seq = -1 where seq = 3; update entry set seq = 3 where seq = 4;
                update entry set seq = 4 where seq = -1;";
    verify_after(&audit, swap).exits(5).says("entry 3");
    let audit = Audit::new();
    let add = "insert into entry select max(seq) + 1, bytes, signature, leaf_hash from entry";
    verify_after(&audit, add).exits(5);
    let audit = Audit::new();
    verify_after(&audit, "update \"grant\" set state = 'active'").exits(5).says(&audit.grant);
    let audit = Audit::new();
    let reason = "update text set bytes = cast(replace(cast(bytes as text), 'reason', 'raison') as blob)";
    verify_after(&audit, reason).exits(5).says("entry");
}

#[test]
fn p07_an_older_copy_is_found_by_a_checkpoint_kept_elsewhere() {
    let audit = Audit::new();
    let copy = audit.home.root().join("older.db");
    audit.home.run(&["ledger", "backup", copy.to_str().unwrap()]).exits(0);
    let grant = audit.home.activate_ok("doors/front", &["--for", "1h"]);
    audit.home.run(&["revoke", &grant]).exits(0);
    let anchor = audit.home.root().join("checkpoint");
    fs::write(&anchor, audit.home.run(&["ledger", "checkpoint"]).exits(0).stdout).unwrap();
    let anchor = anchor.to_str().unwrap();
    audit.home.run(&["ledger", "verify", "--anchors", anchor]).exits(0);

    for leftover in ["ledger.db-wal", "ledger.db-shm"] {
        let path = audit.home.path().join(leftover);
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::copy(&copy, audit.home.ledger()).unwrap();
    // By itself the copy is a whole ledger: what can't be excluded is said.
    audit.home.run(&["ledger", "verify"]).exits(0).says("can't be excluded");
    audit.home.run(&["ledger", "verify", "--anchors", anchor]).exits(5).says("checkpoint");
}

#[test]
fn p07_a_receipt_proves_its_request_later() {
    let home = Home::with_door();
    let receipt = home.root().join("receipt");
    let receipt = receipt.to_str().unwrap();
    let grant = home.activate_ok("doors/front", &["--for", "1h", "--receipt", receipt]);
    assert!(fs::read_to_string(receipt).unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    home.run(&["revoke", &grant]).exits(0);
    home.run(&["ledger", "verify", "--anchors", receipt]).exits(0);
}
