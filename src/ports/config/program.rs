//! Programs that a playbook may name: absolute, or found on a fixed path (P5).

use super::judged::Judged;
use super::trust::{ReadError, Trust};
use crate::core::text::escape;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where a bare name is looked for, in this order; never `$PATH` (CONTRACT 1).
const FIXED_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const ANY_EXECUTE: u32 = 0o111;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

/// A program that was judged. Made by [`Trust::program`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The absolute path as it was named or found. Links on it stay: some programs go by the
    /// name they are called by.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why there is no such program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Neither an absolute path nor a bare name.
    #[error("`{}` is neither an absolute path nor a bare name: write the absolute path", escape(.0))]
    Relative(String),
    /// Nothing executable of that name.
    #[error("no program `{}` in {}: install it there, or write its absolute path", escape(.0), FIXED_PATH.join(":"))]
    NotFound(String),
    /// It is there, but can't be run.
    #[error("`{}` is not an executable file: `chmod +x` it, or name another", escape(.0))]
    NotExecutable(String),
    /// It could not be looked at.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Trust {
    /// Finds and judges a program. The first one of that name counts, also where it can't be
    /// trusted: going on to the next would run something else than the person meant.
    ///
    /// # Errors
    /// Where there is no such executable file.
    pub fn program(&self, name: &str) -> Result<Judged<Program>, ProgramError> {
        let path = match name {
            _ if name.starts_with('/') => PathBuf::from(name),
            "" | "." | ".." => return Err(ProgramError::Relative(name.to_owned())),
            _ if name.contains('/') => return Err(ProgramError::Relative(name.to_owned())),
            _ => search(name, &FIXED_PATH).ok_or_else(|| ProgramError::NotFound(name.to_owned()))?,
        };
        let (reached, concern) = self.walk(&path, GROUP_OR_OTHERS_WRITE)?.lenient();
        if !is_executable(&reached.metadata) {
            return Err(ProgramError::NotExecutable(name.to_owned()));
        }
        Ok(Judged::new(Program { path }, concern))
    }
}

fn search(name: &str, directories: &[&str]) -> Option<PathBuf> {
    directories
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.metadata().is_ok_and(|metadata| is_executable(&metadata)))
}

fn is_executable(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file() && metadata.mode() & ANY_EXECUTE != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn trust() -> Trust {
        Trust::new(rustix::process::geteuid().as_raw())
    }

    #[test]
    fn a_bare_name_is_found_on_the_fixed_path() {
        let (program, _) = trust().program("sh").unwrap().lenient();
        assert!(program.path().is_absolute());
        assert!(program.path().ends_with("sh"));
        let error = trust().program("no-such-program-here").unwrap_err();
        assert!(matches!(error, ProgramError::NotFound(_)));
        assert!(error.to_string().contains("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    }

    #[test]
    fn p05_a_relative_path_is_no_program() {
        for name in ["", ".", "..", "./sh", "bin/sh", "../bin/sh"] {
            assert!(matches!(trust().program(name), Err(ProgramError::Relative(_))), "{name}");
        }
    }

    #[test]
    fn the_first_executable_of_the_name_counts() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| root.path().join(name));
        for directory in [&one, &two] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("tool"), b"").unwrap();
        }
        let directories = [one.to_str().unwrap(), two.to_str().unwrap()];
        assert_eq!(search("tool", &directories), None);
        fs::set_permissions(two.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(search("tool", &directories), Some(two.join("tool")));
    }

    #[test]
    fn p05_a_program_that_others_may_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tool");
        fs::write(&path, b"").unwrap();
        let name = path.to_str().unwrap();
        assert!(matches!(trust().program(name), Err(ProgramError::NotExecutable(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(trust().program(name).unwrap().strict().unwrap().path(), path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(trust().program(name).unwrap().strict().is_err());
        assert!(matches!(trust().program("/nowhere/tool"), Err(ProgramError::Read(ReadError::Missing(_)))));
        let directory = directory.path().to_str().unwrap();
        assert!(matches!(trust().program(directory), Err(ProgramError::NotExecutable(_))));
    }
}
