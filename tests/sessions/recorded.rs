//! What is written down of a session, and what never is.

use crate::environment::keeps_nothing;
use crate::support::{Home, Ran, permitted, requires, wait_until};
use crate::{CANARY, open_vault, vault};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const PASSWORD: &str = "correct-Horse-9battery";

fn hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

#[test]
fn p13_the_recording_is_what_was_shown_bound_by_its_hash() {
    let (home, grant) = open_vault();
    let mut person =
        home.person(&["exec", &grant, "--", "sh", "-c", "echo 'it begins ü'; read x; echo \"got $x\""]);
    person.expect("it begins ü").send_line("one line").exits(0);
    let cast = home.only_cast();
    assert_eq!(cast.all("o"), person.screen());
    assert_eq!(
        (&cast.header["version"], &cast.header["width"], &cast.header["height"]),
        (&2.into(), &400.into(), &50.into())
    );
    assert_eq!(cast.header["command"], "sh");
    let session = &home.sessions()[0];
    let ended = home.last_end();
    for (name, file) in ended["files"].as_object().unwrap() {
        let path = home.recordings().join(format!("{session}.{name}"));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(
            (file["length"].as_u64(), file["sha256"].as_str()),
            (Some(bytes.len() as u64), Some(hash(&bytes).as_str()))
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert_eq!(ended["files"].as_object().unwrap().len(), 2);
    let started = &home.of_kind("session-started")[0]["started"];
    assert_eq!((&started["terminal"], &started["recording"]), (&true.into(), &"best-effort".into()));
    home.run(&["sessions", "export", session]).exits(0).says("it begins ü");
}

#[test]
fn p09_a_secret_of_the_grant_is_masked_however_it_is_printed_but_not_for_the_person() {
    let (home, grant) = open_vault();
    let byte_by_byte =
        "for c in $(echo \"$TOKEN\" | sed 's/./& /g'); do printf %s \"$c\"; sleep 0.02; done; echo";
    let across = "yes x | head -c 65530; echo \"$TOKEN\"";
    let script = format!(
        "echo \"<$TOKEN>\"; {byte_by_byte}; {across}; echo \"$TOKEN$TOKEN\" >&2; printf %s \"$TOKEN\""
    );
    let mut person = home.person(&["exec", &grant, "--", "sh", "-c", &script]);
    person.exits(0);
    assert_eq!(person.screen().matches(CANARY).count(), 6);
    let told = home.only_cast().all("o");
    assert_eq!(told.matches("[masked]").count(), 6);
    assert!(told.contains("<[masked]>\r\n"));
    // Typed at a prompt of one's own: on the screen by its echo.
    let mut person = home.person(&["exec", &grant, "--", "cat"]);
    person.send_line(CANARY).expect(CANARY).expect(CANARY).send("\x04").exits(0);
    assert_eq!(home.cast(&home.sessions()[1]).all("o").matches("[masked]").count(), 2);
    home.run(&["revoke", &grant]).exits(0);
    keeps_nothing(&home, CANARY);
}

/// Types a password at a prompt of a command in a session, once with `recording-input` and once
/// without; it is nowhere. A line typed in the open before that is recorded only where asked for.
fn types_unseen(command: &str, prompt: &str, good: bool) {
    for input in [false, true] {
        let home = vault(|scope| scope.set("recording-input", if input { "true" } else { "false" }));
        let grant = home.activate_ok("vault", &[]);
        let script = format!(
            "echo ready; read x; echo \"got $x\"; {command}; echo \"ended $?\"; read y; echo \"then $y\""
        );
        let mut person = home.person(&["exec", &grant, "--", "bash", "-c", &script]);
        person.expect("ready").send_line("in the open").expect("got in the open");
        person.expect(prompt);
        for key in PASSWORD.chars() {
            person.send(key.to_string());
        }
        person.send("\r").expect("ended ").send_line("again").expect("then again").exits(0);
        if good {
            person.saw("ended 0\r");
        }
        let cast = home.only_cast();
        let typed = cast.all("i");
        assert_eq!(
            typed.replace('\r', ";"),
            if input { "in the open;again;" } else { "" },
            "{:?}",
            cast.events
        );
        assert!(!person.screen().contains(PASSWORD));
        keeps_nothing(&home, PASSWORD);
        keeps_nothing(&home, &PASSWORD[..8]);
    }
}

#[test]
fn p09_a_password_typed_at_read_s_is_nowhere() {
    types_unseen("read -s -p 'Secret: ' p; echo \"${#p}\"; test ${#p} = 22", "Secret: ", true);
}

#[test]
fn p09_a_passphrase_typed_at_ssh_keygen_is_nowhere() {
    if !requires("ssh-keygen") {
        return;
    }
    types_unseen(
        &format!(
            "rm -f k; ssh-keygen -q -t ed25519 -f k -N '{}'; ssh-keygen -y -f k > /dev/null",
            "other-one"
        ),
        "passphrase",
        false,
    );
}

#[test]
fn p13_a_scope_may_want_no_recording_and_then_there_is_none() {
    let home = vault(|scope| scope.set("recording", "\"off\""));
    let grant = home.activate_ok("vault", &[]);
    home.exec_ran(&grant, &["sh", "-c", "exit 4"]).exits(4);
    home.person(&["exec", &grant, "--", "echo", "seen"]).exits(0).saw("seen");
    assert_eq!(home.recorded_files(), [] as [&str; 0]);
    assert_eq!(home.of_kind("session-started")[0]["started"]["recording"], "off");
    let ended = home.of_kind("session-ended");
    assert_eq!((ended.len(), &ended[0]["ended"]["exit"], &ended[0]["files"]), (2, &4.into(), &().into()));
    assert_eq!(home.of_kind("recording-gap").len(), 0);
}

/// What may be wrong with the directory of recordings.
fn spoil(home: &Home, how: &str) {
    let path = home.recordings();
    if how == "open to all" {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        return;
    }
    fs::remove_dir(&path).unwrap();
    match how {
        "file" => fs::write(path, "").unwrap(),
        _ => std::os::unix::fs::symlink("/tmp", path).unwrap(),
    }
}

#[test]
fn p13_without_a_recording_that_is_required_nothing_runs() {
    for how in ["file", "link", "open to all"] {
        let home = vault(|scope| scope.set("recording", "\"required\""));
        let grant = home.activate_ok("vault", &[]);
        spoil(&home, how);
        let ran = home.exec_ran(&grant, &["sh", "-c", "echo ran; touch ran"]).exits(125);
        assert!(
            ran.stderr.contains("recordings") && ran.stderr.contains("recorded sessions only"),
            "{how}: {ran:?}"
        );
        assert!(ran.stdout.is_empty() && !home.user().join("ran").exists(), "{how}");
        let ended = home.last_end();
        assert_eq!(
            (ended["cause"].as_str(), &ended["ended"]["gone"]),
            (Some("never-began"), &true.into()),
            "{how}"
        );
        let session = home.sessions()[0].clone();
        home.run(&["sessions", "list"]).exits(0).says(&session);
        home.run(&["revoke", &grant]).exits(0);
        home.settled();
    }
}

#[test]
fn p13_where_recording_is_tried_only_the_gap_is_loud_and_an_entry() {
    for how in ["file", "link", "open to all"] {
        let home = vault(|scope| scope);
        let grant = home.activate_ok("vault", &[]);
        spoil(&home, how);
        let ran = home.exec_ran(&grant, &["sh", "-c", "echo ran; exit 5"]).exits(5);
        assert!(ran.stderr.contains("WARNING: this session is NOT RECORDED"), "{how}: {ran:?}");
        assert_eq!(ran.stdout, "ran\n");
        let gaps = home.of_kind("recording-gap");
        assert_eq!((gaps.len(), &gaps[0]["session"]), (1, &home.sessions()[0].as_str().into()), "{how}");
        assert!(gaps[0]["cause"].as_str().unwrap().contains("recordings"), "{gaps:?}");
        assert_eq!(home.last_end()["ended"]["exit"], 5);
        home.run(&["revoke", &grant]).exits(0);
        home.settled();
    }
}

/// A session that goes on for a while has its pieces bound meanwhile, and each to its last byte.
#[test]
fn p13_pieces_of_the_recording_are_bound_while_it_runs() {
    let (home, grant) = open_vault();
    let mut person =
        home.person(&["exec", &grant, "--", "sh", "-c", "echo first; read x; echo second; read x"]);
    person.expect("first");
    let bound = || home.of_kind("session-piece");
    assert!(wait_until(|| !bound().is_empty(), Duration::from_secs(18)), "nothing was bound in time");
    assert!(home.of_kind("session-ended").is_empty());
    person.send_line("").expect("second").send_line("").exits(0);
    let session = &home.sessions()[0];
    let whole = fs::read(home.recordings().join(format!("{session}.cast"))).unwrap();
    let mut from = 0;
    for entry in bound() {
        let piece = &entry["files"]["cast"];
        let [at, length] = ["from", "length"].map(|key| piece[key].as_u64().unwrap() as usize);
        assert_eq!((at, piece["sha256"].as_str().unwrap()), (from, hash(&whole[at..at + length]).as_str()));
        assert_eq!(whole[at + length - 1], b'\n');
        from = at + length;
    }
    assert!(from > 0 && from < whole.len());
}

/// Another writer that holds the ledger for seconds is not felt at the keyboard.
#[test]
fn p13_a_ledger_that_is_locked_keeps_nobody_from_typing() {
    let (home, grant) = open_vault();
    let mut person = home.person(&["exec", &grant, "--", "cat"]);
    person.send_line("before").expect("before").expect("before");
    let database = rusqlite::Connection::open(home.ledger()).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let since = std::time::Instant::now();
    let mut slowest = Duration::ZERO;
    let mut number = 0;
    // Over the time at which a piece is bound.
    while since.elapsed() < Duration::from_secs(12) {
        let typed = std::time::Instant::now();
        let word = format!("word-{number}");
        person.send_line(&word).expect(&word).expect(&word);
        slowest = slowest.max(typed.elapsed());
        number += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    database.execute_batch("ROLLBACK").unwrap();
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    person.send("\x04").exits(0);
    assert!(!home.of_kind("session-piece").is_empty());
    assert_eq!(home.last_end()["ended"]["exit"], 0);
    home.run(&["ledger", "verify"]).exits(0);
}

fn can_mount() -> bool {
    permitted("mounts of one's own", &["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
}

/// A home whose recordings are on a small disk of their own, or the whole home is; what runs in
/// `inside` sees it. The session prints until it is full, and once more.
fn fills_the_disk(recording: &str, whole_home: bool) {
    if !can_mount() {
        return;
    }
    let home = vault(|scope| scope.set("recording", &format!("\"{recording}\"")));
    let grant = home.activate_ok("vault", &[]);
    let (path, size) = if whole_home { (home.path(), "24m") } else { (home.recordings(), "1m") };
    let kept = home.root().join("kept");
    fs::create_dir(&kept).unwrap();
    let (path, kept) = (path.display(), kept.display());
    let mount = format!(
        "mkdir {kept}/old && cp -a {path}/. {kept}/old && mount -t tmpfs -o size={size},mode=700 tmpfs {path} \
         && cp -a {kept}/old/. {path}"
    );
    let fill =
        if whole_home { "yes 0123456789 | head -c 60000000" } else { "yes 0123456789 | head -c 3000000" };
    let script = format!(
        "{mount} && {{ \"$@\" exec {grant} -- sh -c '{fill}; echo; echo after; exit 6' > {kept}/out 2> {kept}/err; \
         echo $? > {kept}/code; df -k {path} > {kept}/df; ls -l {path}/ > {kept}/ls; mkdir {kept}/new; cp -a {path}/. {kept}/new; \
         \"$@\" revoke {grant}; echo $? > {kept}/revoked; \"$@\" ledger verify > {kept}/verified 2>&1; echo $? >> {kept}/verified; \
         cp -a {home}/. {kept}/new; }}",
        home = if whole_home { home.path() } else { home.recordings() }.display(),
    );
    let mut command = crate::support::bare(&home, "unshare");
    command
        .args(["-m", "setsid", "sh", "-c", &script, "sh", crate::support::GLASS, "--home"])
        .arg(home.path());
    let ran = Ran::of(command.stdin(std::process::Stdio::null()));
    let kept = home.root().join("kept");
    let read = |name: &str| fs::read_to_string(kept.join(name)).unwrap_or_default();
    let told = format!("{ran:?}\n{}\n{}\n{}", read("err"), read("df"), read("verified"));
    let required = recording == "required";
    assert_eq!(read("code").trim(), if required { "125" } else { "6" }, "{told}");
    assert_eq!(read("out").ends_with("\nafter\n"), !required, "{told}");
    assert!(read("err").contains("No space left"), "{told}");
    let loud = if required {
        "this session was ended: doors/vault is used in recorded sessions only"
    } else {
        "WARNING: the recording of s-"
    };
    assert!(read("err").contains(loud), "{told}");
    // The record, on whichever disk it is by now.
    let home_then = if whole_home { kept.join("new") } else { home.path() };
    let recordings = if whole_home { home_then.join("recordings") } else { kept.join("new") };
    let entries = entries_of(&home_then);
    let of_kind = |kind: &str| entries.iter().filter(|facts| facts["kind"] == kind).collect::<Vec<_>>();
    let (ended, gaps) = (of_kind("session-ended"), of_kind("recording-gap"));
    assert_eq!((ended.len(), gaps.len()), (1, 1), "{told}");
    assert!(gaps[0]["cause"].as_str().unwrap().contains("No space left"), "{gaps:?}");
    assert_eq!(ended[0]["cause"], if required { "recording-failed" } else { "command-ended" });
    // What there is of it is whole lines, and bound.
    let session = ended[0]["session"].as_str().unwrap();
    let bytes = fs::read(recordings.join(format!("{session}.cast"))).unwrap();
    assert_eq!(ended[0]["files"]["cast"]["sha256"], hash(&bytes).as_str(), "{told}");
    assert!(bytes.len() > 100_000 && bytes.ends_with(b"\n"), "{} bytes: {told}", bytes.len());
    // And the grant closes.
    assert_eq!(read("revoked").trim(), "0", "{told}");
    assert!(read("verified").ends_with("0\n"), "{told}");
    assert_eq!(home.target.open(), [] as [&str; 0]);
}

fn entries_of(home: &Path) -> Vec<serde_json::Value> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(home.join("ledger.db"), flags).unwrap();
    let mut query = database.prepare("SELECT bytes FROM entry ORDER BY seq").unwrap();
    let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(|bytes| serde_json::from_slice(&bytes.unwrap()).unwrap()).collect()
}

#[test]
fn p13_a_full_disk_ends_a_session_that_must_be_recorded() {
    fills_the_disk("required", false);
}

#[test]
fn p13_a_full_disk_of_the_whole_home_ends_a_session_that_must_be_recorded() {
    fills_the_disk("required", true);
}

#[test]
fn p13_a_full_disk_leaves_a_gap_in_a_session_that_need_not_be_recorded() {
    fills_the_disk("best-effort", false);
}

#[test]
fn p13_a_full_disk_of_the_whole_home_leaves_a_gap_likewise() {
    fills_the_disk("best-effort", true);
}
