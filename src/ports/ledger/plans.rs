//! The close plans on disk: `open/GRANT.json`, replaced by fsync and rename.

use super::LedgerError;
use super::genesis::sync_directory;
use crate::core::id::GrantId;
use crate::core::plan::ClosePlan;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The directory of close plans.
#[derive(Clone, Debug)]
pub struct Plans(PathBuf);

impl Plans {
    pub(super) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The plans of a home whose ledger can't be opened.
    pub fn without_ledger(directory: &Path) -> Self {
        Self::new(directory)
    }

    /// Replaces a plan durably: the old one, or the new one, whatever happens.
    pub fn write(&self, plan: &ClosePlan) -> Result<(), LedgerError> {
        let path = self.path(&plan.grant);
        // The name holds the writer's pid: a late activation must not share the file.
        let fresh = self.0.join(format!(".{}.{}", plan.grant, std::process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(plan)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            File::open(&self.0)?.sync_all()
        })();
        written.map_err(|cause| {
            // Half a plan is of no use; the old one still stands.
            let _ = std::fs::remove_file(&fresh);
            LedgerError::File { path, cause }
        })
    }

    /// A grant's plan; `None` where there is none.
    pub fn read(&self, grant: &str) -> Result<Option<ClosePlan>, LedgerError> {
        let path = self.path(grant);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LedgerError::file(&path)(error)),
        };
        let plan: ClosePlan = serde_json::from_slice(&bytes)
            .map_err(|error| LedgerError::Corrupt(format!("{}: {error}", path.display())))?;
        if plan.v != 1 || plan.grant != grant {
            return Err(LedgerError::Corrupt(format!("{} is not the plan of {grant}", path.display())));
        }
        Ok(Some(plan))
    }

    /// Removes the plan of a grant whose end is recorded, and what an interrupted write left.
    pub fn remove(&self, grant: &str) -> Result<(), LedgerError> {
        let begun = format!(".{grant}.");
        for file in std::fs::read_dir(&self.0).map_err(LedgerError::file(&self.0))? {
            let file = file.map_err(LedgerError::file(&self.0))?;
            if file.file_name().to_string_lossy().starts_with(&begun) {
                std::fs::remove_file(file.path()).map_err(LedgerError::file(&file.path()))?;
            }
        }
        match std::fs::remove_file(self.path(grant)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(LedgerError::file(&self.path(grant))(error))
            }
            Err(_) => Ok(()),
            Ok(()) => sync_directory(&self.0),
        }
    }

    /// The grants that have a plan, sorted.
    pub fn grants(&self) -> Result<Vec<String>, LedgerError> {
        let mut grants = Vec::new();
        for file in std::fs::read_dir(&self.0).map_err(LedgerError::file(&self.0))? {
            let name = file.map_err(LedgerError::file(&self.0))?.file_name();
            let grant = name.to_str().and_then(|name| name.strip_suffix(".json"));
            grants.extend(grant.filter(|grant| grant.parse::<GrantId>().is_ok()).map(str::to_owned));
        }
        grants.sort_unstable();
        Ok(grants)
    }

    /// The grants that have a file here, be it half-written.
    pub fn named(&self) -> Result<Vec<String>, LedgerError> {
        let mut grants = Vec::new();
        for file in std::fs::read_dir(&self.0).map_err(LedgerError::file(&self.0))? {
            let name = file.map_err(LedgerError::file(&self.0))?.file_name();
            let grant = name.to_str().and_then(|name| name.trim_start_matches('.').split('.').next());
            grants.extend(grant.filter(|grant| grant.parse::<GrantId>().is_ok()).map(str::to_owned));
        }
        Ok(grants)
    }

    /// Where a grant's plan is, if there is one.
    pub fn path(&self, grant: &str) -> PathBuf {
        self.0.join(format!("{grant}.json"))
    }
}
