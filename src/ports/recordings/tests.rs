//! Recordings on a real disk, also on one that is full.

use super::*;
use crate::core::entry::Piece;
use crate::core::id::Nonce;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

fn session() -> SessionId {
    SessionId::of(&Nonce::new([7; 16]))
}

fn cast() -> String {
    format!("{}.cast", session())
}

fn recordings() -> (TempDir, Recordings) {
    let directory = tempfile::tempdir().unwrap();
    let recordings = Recordings::open_or_make(&directory.path().join("recordings")).unwrap();
    (directory, recordings)
}

fn piece(from: u64, bytes: &[u8]) -> Piece {
    Piece { from, length: bytes.len() as u64, sha256: HEXLOWER.encode(&Sha256::digest(bytes)) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_session_has_two_private_files_that_are_never_written_over() {
    let (_directory, recordings) = recordings();
    assert_eq!(mode(recordings.path()), 0o700);
    let (mut picture, _commands) = recordings.create(&session()).unwrap();
    picture.append(b"one\n").unwrap();
    assert_eq!(recordings.names().unwrap(), [cast(), format!("{}.commands", session())]);
    for name in recordings.names().unwrap() {
        assert_eq!(mode(&recordings.path().join(name)), 0o600);
    }
    let again = recordings.create(&session()).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(recordings.path().join(cast())).unwrap(), b"one\n");
    // With one of them in the way the other is not begun either.
    recordings.delete(&cast()).unwrap();
    assert!(recordings.create(&session()).is_err());
    assert_eq!(recordings.names().unwrap(), [format!("{}.commands", session())]);
}

#[test]
fn p13_pieces_and_the_whole_are_bound_by_what_was_written() {
    let (_directory, recordings) = recordings();
    let (mut picture, _commands) = recordings.create(&session()).unwrap();
    assert_eq!(picture.cut(), None);
    picture.append(b"one\n").unwrap();
    picture.append(b"two\n").unwrap();
    let first = picture.cut().unwrap();
    assert_eq!(first, piece(0, b"one\ntwo\n"));
    assert_eq!(picture.cut(), None);
    picture.append(b"three\n").unwrap();
    picture.to_sync().unwrap().sync_data().unwrap();
    let second = picture.cut().unwrap();
    assert_eq!(second, piece(8, b"three\n"));
    assert_eq!(picture.length(), 14);
    let whole = picture.finish();
    assert_eq!(whole, piece(0, b"one\ntwo\nthree\n"));
    assert_eq!(recordings.hash(&cast()).unwrap(), whole);

    let pieces = [first, second];
    let file = recordings.path().join(cast());
    let now = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        recordings.hash_prefix(&cast(), &pieces).unwrap()
    };
    let prefix = |pieces, held, beyond| Prefix { pieces, held, beyond };
    assert_eq!(now(b"one\ntwo\nthree\n"), prefix(2, Held::Whole, 0));
    assert_eq!(now(b"one\ntwo\nthree\nfour\n"), prefix(2, Held::Whole, 5));
    assert_eq!(now(b"one\ntwo\nthreE\n"), prefix(1, Held::Changed, 6));
    assert_eq!(now(b"onE\ntwo\nthree\n"), prefix(0, Held::Changed, 14));
    assert_eq!(now(b"one\ntwo\nthr"), prefix(1, Held::Cut, 3));
    assert_eq!(now(b""), prefix(0, Held::Cut, 0));
    let gap = [pieces[0].clone(), Piece { from: 9, ..pieces[1].clone() }];
    fs::write(&file, b"one\ntwo\nthree\n").unwrap();
    assert_eq!(recordings.hash_prefix(&cast(), &gap).unwrap(), prefix(1, Held::Changed, 6));
}

#[test]
fn p13_a_cut_line_is_trimmed_and_nothing_else() {
    let (_directory, recordings) = recordings();
    let long = "x".repeat(300_000);
    for (content, cut) in [
        ("", 0),
        ("one\n", 0),
        ("one\ntw", 2),
        ("on", 2),
        (&*format!("one\n{long}"), 300_000),
        (&*format!("{long}\n{long}\n"), 0),
    ] {
        fs::write(recordings.path().join(cast()), content).unwrap();
        let opened = recordings.content(&cast()).unwrap();
        assert_eq!(opened.cut(), cut as u64);
        for _ in 0..2 {
            let mut read = String::new();
            opened.lines().read_to_string(&mut read).unwrap();
            assert_eq!(read, content[..content.len() - cut]);
        }
        assert_eq!(recordings.trim(&cast()).unwrap(), cut as u64);
        let left = fs::read_to_string(recordings.path().join(cast())).unwrap();
        assert_eq!(left, content[..content.len() - cut]);
    }
}

#[test]
fn p13_links_and_what_is_no_file_are_refused() {
    let (directory, recordings) = recordings();
    let elsewhere = directory.path().join("elsewhere");
    fs::write(&elsewhere, "kept\npart").unwrap();
    symlink(&elsewhere, recordings.path().join(cast())).unwrap();
    fs::create_dir(recordings.path().join("below")).unwrap();
    rustix::fs::mkfifoat(&recordings.directory, "fifo", PRIVATE_FILE).unwrap();
    for name in [&*cast(), "below", "fifo", "missing", "../elsewhere", "below/../../elsewhere", ".", ""] {
        assert!(recordings.read(name).is_err(), "{name}");
        assert!(recordings.hash(name).is_err(), "{name}");
        assert!(recordings.trim(name).is_err(), "{name}");
    }
    assert!(recordings.create(&session()).is_err());
    assert!(recordings.delete("../elsewhere").is_err());
    // The link goes, not what it leads to.
    recordings.delete(&cast()).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"kept\npart");
}

#[test]
fn a_directory_that_is_none_or_others_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recordings");
    assert!(matches!(Recordings::open(&path), Err(RecordingsError::Missing(_))));
    symlink(directory.path(), &path).unwrap();
    for refused in [Recordings::open(&path), Recordings::open_or_make(&path)] {
        assert!(matches!(refused, Err(RecordingsError::NotADirectory(_))));
    }
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(Recordings::open_or_make(&path), Err(RecordingsError::NotADirectory(_))));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
    let error = Recordings::open(&path).unwrap_err();
    assert!(matches!(error, RecordingsError::WritableByOthers { mode: 0o770, .. }), "{error}");
    assert!(error.to_string().contains("chmod 0700"), "{error}");
}
