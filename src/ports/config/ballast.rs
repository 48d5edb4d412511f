//! Disk space kept in reserve, so that an emergency on a full disk can still be recorded.

use super::home::Home;
use super::writing::{WriteError, write_new};
use std::io;

/// How much is kept.
const BYTES: usize = 1 << 20;
/// With less than this free, an append may fail half-way through a grant.
const TIGHT: u64 = 512 << 10;
/// With this much free, the reserve can be laid in again.
const AMPLE: u64 = 64 << 20;

impl Home {
    /// Lays in the reserve, if it is missing and there is room to spare.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn lay_in_ballast(&self) -> Result<(), WriteError> {
        if self.ballast().exists() || self.free_bytes().is_none_or(|free| free < AMPLE) {
            return Ok(());
        }
        // Zeroes may be stored without taking space (compression): these can't be compressed away.
        let filling: Vec<u8> =
            (0..BYTES).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
        write_new(&self.ballast(), &filling, 0o600)
    }

    /// Gives the reserve up where the disk is all but full; says whether it did.
    ///
    /// # Errors
    /// The file can't be removed.
    pub fn drop_ballast_if_tight(&self) -> io::Result<bool> {
        if self.free_bytes().is_none_or(|free| free >= TIGHT) || !self.ballast().exists() {
            return Ok(false);
        }
        std::fs::remove_file(self.ballast())?;
        Ok(true)
    }

    /// What this user may still write there; `None` where the system does not say.
    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(self.state()).ok()?;
        stat.f_bavail.checked_mul(stat.f_frsize)
    }
}
