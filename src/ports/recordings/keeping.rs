//! What lies in the directory of recordings: named for `ledger verify`, and deleted once the ledger
//! says that it is.

use super::Recordings;
use crate::core::entry::RECORDED;
use crate::ports::ledger::Deletable;
use rustix::fs::{AtFlags, Dir, FileType};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

impl Recordings {
    /// Goes through every name in it, in no order, and says whether it is a regular file.
    ///
    /// # Errors
    /// As the system refuses.
    pub fn each_name(&self, each: &mut dyn FnMut(&OsStr, bool)) -> io::Result<()> {
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system says so in its directory.
                FileType::Unknown => {
                    let found = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(found.st_mode)
                }
                kind => kind,
            };
            each(OsStr::from_bytes(name.to_bytes()), kind == FileType::RegularFile);
        }
        Ok(())
    }

    /// Deletes a recording for good. What is gone already is as good.
    ///
    /// # Errors
    /// As the system refuses.
    pub fn discard(&self, deletable: &Deletable) -> io::Result<()> {
        for end in RECORDED {
            match self.delete(&format!("{}.{end}", deletable.session())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn p13_a_recording_is_deleted_whole_and_no_other_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["s-aaaaaaaaaa.cast", "s-aaaaaaaaaa.commands", "s-bbbbbbbbbb.cast"] {
            fs::write(path(name), b"x").unwrap();
        }
        symlink(path("s-bbbbbbbbbb.cast"), path("link")).unwrap();
        let recordings = Recordings::open(directory.path()).unwrap();
        let deletable = Deletable::for_tests("s-aaaaaaaaaa".parse().unwrap());
        recordings.discard(&deletable).unwrap();
        let mut left = BTreeMap::new();
        recordings.each_name(&mut |name, is_file| left.extend([(name.to_owned(), is_file)])).unwrap();
        assert_eq!(left, BTreeMap::from([("s-bbbbbbbbbb.cast".into(), true), ("link".into(), false)]));
        // As after a crash.
        recordings.discard(&deletable).unwrap();
    }
}
