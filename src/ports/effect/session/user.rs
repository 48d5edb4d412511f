//! The OS user that a session runs as, by the system's user database.

use super::NotStarted;
use crate::core::text::escape;
use nix::unistd::{Uid, User as Known, geteuid};
use std::path::PathBuf;

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

impl User {
    /// The user of this name.
    ///
    /// # Errors
    /// There is none, or they can't be looked up.
    pub fn named(name: &str) -> Result<Self, NotStarted> {
        let shown = escape(name);
        match Known::from_name(name) {
            Ok(Some(user)) => Ok(Self::of(user)),
            Ok(None) => Err(NotStarted::because(format!("there is no user {shown}"))),
            Err(error) => Err(NotStarted::because(format!("user {shown} can't be looked up: {error}"))),
        }
    }

    /// The user of this id.
    ///
    /// # Errors
    /// There is none, or they can't be looked up.
    pub fn numbered(uid: u32) -> Result<Self, NotStarted> {
        match Known::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => Ok(Self::of(user)),
            Ok(None) => Err(NotStarted::because(format!("there is no user with id {uid}"))),
            Err(error) => Err(NotStarted::because(format!("user id {uid} can't be looked up: {error}"))),
        }
    }

    fn of(user: Known) -> Self {
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        Self { name: user.name, uid, gid, home: user.dir, shell: user.shell }
    }

    /// Whether that is who runs glass.
    pub fn is_here(&self) -> bool {
        geteuid().as_raw() == self.uid
    }
}
