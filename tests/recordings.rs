//! Recordings on a disk that fills up under them.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod support;

use glass::core::id::{Nonce, SessionId};
use glass::core::session::cast::{Encoder, Header, Reader};
use glass::ports::recordings::{Recordings, Writer};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use support::{Ran, permitted};

/// Set for the half of the test that has the small disk.
const SMALL_DISK: &str = "GLASS_TEST_SMALL_DISK";
const NAME: &str = "p13_on_a_full_disk_whole_lines_stay_and_the_rest_is_refused";

#[test]
fn p13_on_a_full_disk_whole_lines_stay_and_the_rest_is_refused() {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return fill(Path::new(&disk));
    }
    let trial = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"];
    if !permitted("mounts of one's own", &trial) {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=64k,mode=0700 tmpfs "$0" && exec "$@""#;
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(disk.path()).arg(std::env::current_exe().unwrap());
    let ran = Ran::of(command.args(["--exact", NAME, "--nocapture"]).env(SMALL_DISK, disk.path()));
    ran.exits(0).says("1 passed").says("the disk was full");
}

fn fill(disk: &Path) {
    let recordings = Recordings::open_or_make(&disk.join("recordings")).unwrap();
    let session = SessionId::of(&Nonce::new([7; 16]));
    let (mut picture, mut commands) = recordings.create(&session).unwrap();
    let header = Header { width: 80, height: 24, ..Header::default() };
    picture.append(header.to_line().as_bytes()).unwrap();
    // Several lines a time: the write that fails ends in the middle of one of them.
    let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
    (0..40).for_each(|at| encoder.output(Duration::from_millis(at), &[b'x'; 100], &mut lines));
    let mut broken = None;
    for _ in 0..100 {
        if let Err(error) = picture.append(&lines) {
            broken = Some(error);
            break;
        }
    }
    assert_eq!(broken.expect("the disk is small").kind(), ErrorKind::StorageFull);
    println!("the disk was full");
    let name = format!("{session}.cast");
    let content = fs::read(recordings.path().join(&name)).unwrap();
    assert!(content.ends_with(b"]\n"));
    assert_eq!(recordings.trim(&name).unwrap(), 0);
    // What stands there is what is bound, also where there is room again.
    let is_broken = |writer: &mut Writer| {
        let length = writer.length();
        assert!(writer.append(&lines).unwrap_err().to_string().contains("broke off"));
        assert_eq!(writer.length(), length);
    };
    is_broken(&mut picture);
    assert_eq!(commands.append(b"{}\n").unwrap_err().kind(), ErrorKind::StorageFull);
    recordings.delete(&format!("{session}.commands")).unwrap();
    drop(commands);
    is_broken(&mut picture);
    let piece = picture.cut().unwrap();
    let whole = picture.finish();
    assert_eq!((&piece, whole.length), (&whole, content.len() as u64));
    assert_eq!(recordings.hash(&name).unwrap(), whole);
    // All of it plays, and more of the last write than of the ones before it.
    let (_, reader) = Reader::begin(&*content).unwrap();
    let events = reader.map(Result::unwrap).count();
    assert!(events % 40 != 0, "{events}");
}
