//! What is believed, and what is not: as root and, where it matters, as a plain user.

use super::*;
use secrecy::ExposeSecret;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};

const NOBODY: u32 = 65534;

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn trust() -> Trust {
    Trust::new(me())
}

/// A directory that only its owner can write, below the sticky `/tmp`.
fn place() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(trust().check(directory.path()).unwrap().strict(), Ok(()), "the tests need a trusted TMPDIR");
    directory
}

fn file(path: &Path, mode: u32) {
    fs::write(path, b"content\n").unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What speaks against the path, and where.
fn concern(path: &Path) -> Option<(PathBuf, Concern)> {
    trust().check(path).unwrap().strict().err().map(|distrust| (distrust.path, distrust.concern))
}

/// Only root can give files away; others skip that part and say so.
#[allow(clippy::disallowed_macros)]
fn given_to_nobody(path: &Path) -> bool {
    if me() == 0 {
        lchown(path, Some(NOBODY), None).unwrap();
    } else {
        eprintln!("skipped: only root can give `{}` to another user", path.display());
    }
    me() == 0
}

#[test]
fn a_file_that_anyone_else_may_write_is_distrusted() {
    let place = place();
    for (mode, fine) in
        [(0o644, true), (0o600, true), (0o755, true), (0o664, false), (0o646, false), (0o666, false)]
    {
        let path = place.path().join(format!("{mode:o}"));
        file(&path, mode);
        let expected = (!fine).then(|| (path.clone(), Concern::WritableByOthers));
        assert_eq!(concern(&path), expected, "{mode:o}");
    }
}

#[test]
fn a_file_of_another_user_is_distrusted() {
    let place = place();
    let path = place.path().join("theirs");
    file(&path, 0o644);
    if given_to_nobody(&path) {
        let foreign = Concern::ForeignOwner { rightful: me(), link: false };
        assert_eq!(concern(&path), Some((path.clone(), foreign)));
        assert!(Trust::new(NOBODY).check(&path).unwrap().strict().is_ok(), "it is theirs");
    }
}

#[test]
fn roots_own_files_are_trusted_in_every_home() {
    assert_eq!(Trust::new(NOBODY).check(Path::new("/etc/passwd")).unwrap().strict(), Ok(()));
}

#[test]
fn a_directory_on_the_way_that_others_may_write_is_distrusted_unless_sticky() {
    let place = place();
    for (mode, fine) in [(0o755, true), (0o777, false), (0o775, false), (0o1777, true), (0o1775, true)] {
        let between = place.path().join(format!("{mode:o}"));
        directory(&between, mode);
        let path = between.join("file");
        file(&path, 0o644);
        let expected = (!fine).then(|| (between.clone(), Concern::WritableByOthers));
        assert_eq!(concern(&path), expected, "{mode:o}");
        assert_eq!(concern(&between), expected, "{mode:o}");
    }
}

#[test]
fn a_directory_of_another_user_on_the_way_is_distrusted() {
    let place = place();
    let between = place.path().join("theirs");
    directory(&between, 0o755);
    file(&between.join("file"), 0o644);
    if given_to_nobody(&between) {
        let foreign = Concern::ForeignOwner { rightful: me(), link: false };
        assert_eq!(concern(&between.join("file")), Some((between.clone(), foreign)));
        let around = between.join("../theirs/file");
        assert_eq!(concern(&around), Some((between, foreign)));
    }
}

#[test]
fn a_link_of_ours_is_followed_and_its_target_judged() {
    let place = place();
    let [real, link] = ["real", "link"].map(|name| place.path().join(name));
    directory(&real, 0o755);
    symlink("./real", &link).unwrap();
    file(&real.join("file"), 0o644);
    assert_eq!(concern(&link.join("file")), None);
    assert_eq!(concern(&link.join("../real/file")), None);
    fs::set_permissions(&real, Permissions::from_mode(0o777)).unwrap();
    assert_eq!(concern(&link.join("file")), Some((real, Concern::WritableByOthers)));
    let absolute = place.path().join("absolute");
    symlink("/etc/passwd", &absolute).unwrap();
    assert_eq!(concern(&absolute), None);
}

#[test]
fn a_link_that_another_user_controls_is_refused() {
    let place = place();
    let sticky = place.path().join("sticky");
    directory(&sticky, 0o1777);
    let target = place.path().join("file");
    file(&target, 0o644);
    let link = sticky.join("link");
    symlink(&target, &link).unwrap();
    assert_eq!(concern(&link), None);
    if given_to_nobody(&link) {
        assert_eq!(concern(&link), Some((link, Concern::ForeignOwner { rightful: me(), link: true })));
    }
}

#[test]
fn links_that_lead_nowhere_end() {
    let place = place();
    let [dangling, one, two] = ["dangling", "one", "two"].map(|name| place.path().join(name));
    symlink("nowhere", &dangling).unwrap();
    assert!(matches!(trust().read(&dangling, 10), Err(ReadError::Missing(path)) if path == dangling));
    symlink(&one, &two).unwrap();
    symlink(&two, &one).unwrap();
    assert!(matches!(trust().read(&one, 10), Err(ReadError::Loop(path)) if path == one));
}

#[test]
fn only_a_regular_file_is_read() {
    let place = place();
    let fifo = place.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // A FIFO must not keep glass waiting for a writer.
    for path in [&fifo, place.path(), Path::new("/dev/null")] {
        assert!(matches!(trust().read(path, 10), Err(ReadError::WrongKind { .. })), "{}", path.display());
    }
    assert!(matches!(trust().check(&fifo), Err(ReadError::WrongKind { .. })));
    let below_a_file = place.path().join("file");
    file(&below_a_file, 0o644);
    assert!(matches!(trust().read(&below_a_file.join("x"), 10), Err(ReadError::Refused { .. })));
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let place = place();
    let path = place.path().join("file");
    file(&path, 0o644);
    assert_eq!(trust().read(&path, 8).unwrap().strict().unwrap(), b"content\n");
    assert!(matches!(trust().read(&path, 7), Err(ReadError::TooLarge { cap: 7, .. })));
    fs::write(&path, b"").unwrap();
    assert_eq!(trust().read(&path, 8).unwrap().strict().unwrap(), b"");
    assert!(matches!(trust().read(&place.path().join("none"), 8), Err(ReadError::Missing(_))));
}

#[test]
fn a_distrusted_file_is_still_there_for_who_only_wants_a_warning() {
    let place = place();
    let path = place.path().join("file");
    file(&path, 0o666);
    let (bytes, distrust) = trust().read(&path, 8).unwrap().lenient();
    assert_eq!(bytes, b"content\n");
    assert_eq!(distrust.unwrap().concern, Concern::WritableByOthers);
}

#[test]
fn p09_a_secret_is_for_its_owner_alone() {
    let place = place();
    let path = place.path().join("secret");
    file(&path, 0o600);
    let secret = trust().secret(&path).unwrap().strict().unwrap();
    assert_eq!(secret.expose_secret(), b"content");
    for (mode, concern) in [
        (0o400, None),
        (0o640, Some(Concern::OpenToOthers)),
        (0o604, Some(Concern::OpenToOthers)),
        (0o660, Some(Concern::WritableByOthers)),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let judged = trust().secret(&path).unwrap().strict();
        assert_eq!(judged.err().map(|distrust| distrust.concern), concern, "{mode:o}");
    }
}

#[test]
fn p09_only_one_line_feed_is_taken_off_a_secret() {
    let place = place();
    let path = place.path().join("secret");
    for (content, secret) in [(&b"a\n\n"[..], &b"a\n"[..]), (b"a", b"a"), (b"a\r\n", b"a\r"), (b"", b"")] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(trust().secret(&path).unwrap().strict().unwrap().expose_secret(), secret);
    }
}

#[test]
fn a_link_through_which_a_secret_is_read_is_judged_too() {
    let place = place();
    let [open, path] = ["open", "secret"].map(|name| place.path().join(name));
    directory(&open, 0o777);
    file(&open.join("real"), 0o600);
    symlink(open.join("real"), &path).unwrap();
    let distrust = trust().secret(&path).unwrap().strict().err().unwrap();
    assert_eq!((distrust.path, distrust.concern), (open, Concern::WritableByOthers));
}
