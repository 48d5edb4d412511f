//! Where everything is (CONTRACT 2, DESIGN 4): one directory, the host's two, or XDG's two.

use super::environment::Environment;
use super::writing::{WriteError, sync_directory_of};
use crate::core::text::escape;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The two directories of a home: what people write, and what glass writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
}

/// Why there is no home to work in.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Nothing was set up there.
    #[error("no glass home at `{}`: run `glass init --person NAME --key FILE.pub`", escape(&.0.to_string_lossy()))]
    Missing(PathBuf),
    /// `init` on a home that is in use.
    #[error("`{}` exists: this home is set up; `glass doctor` says how it is doing", escape(&.0.to_string_lossy()))]
    AlreadyThere(PathBuf),
    /// No variable says where a user's files are.
    #[error("HOME is not set to an absolute path: give `--home DIR`")]
    Nowhere,
    /// Under sudo the home is the host's: glass is nobody's deputy.
    #[error("under sudo the home is fixed (/etc/glass, /var/lib/glass): run it without {0}")]
    FixedUnderSudo(&'static str),
    /// The working directory of a relative path is gone.
    #[error("cannot tell where `{}` is: {source}", escape(&path.to_string_lossy()))]
    Relative {
        /// What was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The home is there, but out of reach.
    #[error("cannot look at the glass home `{}`: {source}", escape(&path.to_string_lossy()))]
    OutOfReach {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory could not be made.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Home {
    /// Decides where the home is; looks at no file. `flag` is `--home`, which goes before
    /// `GLASS_HOME`, then root's host layout, then XDG.
    ///
    /// # Errors
    /// Under sudo with `--home` or `GLASS_HOME`; without any directory to go by.
    pub fn locate(flag: Option<&Path>, environment: &Environment) -> Result<Self, HomeError> {
        let variable = environment.glass_home.as_deref();
        if environment.sudo.is_some() {
            match (flag, variable) {
                (Some(_), _) => return Err(HomeError::FixedUnderSudo("--home")),
                (None, Some(_)) => return Err(HomeError::FixedUnderSudo("GLASS_HOME")),
                (None, None) => {}
            }
        }
        if let Some(given) = flag.or(variable) {
            let directory = std::path::absolute(given)
                .map_err(|source| HomeError::Relative { path: given.to_owned(), source })?;
            return Ok(Self { config: directory.clone(), state: directory });
        }
        if environment.euid == 0 {
            return Ok(Self { config: "/etc/glass".into(), state: "/var/lib/glass".into() });
        }
        let below = |xdg: &Option<PathBuf>, default: &str| {
            let base = xdg.clone().or_else(|| Some(environment.home.as_ref()?.join(default)));
            base.map(|base| base.join("glass")).ok_or(HomeError::Nowhere)
        };
        Ok(Self {
            config: below(&environment.xdg_config_home, ".config")?,
            state: below(&environment.xdg_data_home, ".local/share")?,
        })
    }

    /// The home of these two directories: how a watchdog, which has no environment, is told.
    pub fn at(config: PathBuf, state: PathBuf) -> Self {
        Self { config, state }
    }

    /// The directory of what people write.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The directory of what glass writes.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The draft of roster and settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("glass.toml")
    }

    /// The directory of the drafts of playbooks.
    pub fn playbooks(&self) -> PathBuf {
        self.config.join("playbooks")
    }

    /// The ledger.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.db")
    }

    /// The key that signs checkpoints.
    pub fn ledger_key(&self) -> PathBuf {
        self.state.join("ledger.key")
    }

    /// The directory of close plans.
    pub fn open(&self) -> PathBuf {
        self.state.join("open")
    }

    /// The directory of grants' locks.
    pub fn locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// The directory of recorded sessions.
    pub fn recordings(&self) -> PathBuf {
        self.state.join("recordings")
    }

    /// The directory of people's own proofs.
    pub fn receipts(&self) -> PathBuf {
        self.state.join("receipts")
    }

    /// The file whose time is that of the last `expire`.
    pub fn heartbeat(&self) -> PathBuf {
        self.state.join("heartbeat")
    }

    /// The file that is given up for room when the disk is full.
    pub fn ballast(&self) -> PathBuf {
        self.state.join("ballast")
    }

    /// Makes the directories, 0700, for `init`. Those that stand already are left as they are.
    ///
    /// # Errors
    /// Where a ledger is there already, or the system refuses.
    pub fn create(&self) -> Result<(), HomeError> {
        let ledger = self.ledger();
        match ledger.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(HomeError::OutOfReach { path: self.state.clone(), source }),
            Ok(_) => return Err(HomeError::AlreadyThere(ledger)),
        }
        for path in [self.playbooks(), self.open(), self.locks(), self.recordings(), self.receipts()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(|source| WriteError { path: path.clone(), source })?;
            sync_directory_of(&path)?;
        }
        for directory in [&self.config, &self.state] {
            sync_directory_of(directory)?;
        }
        Ok(())
    }

    /// The user id that owns the state, beside root the one to be trusted.
    ///
    /// # Errors
    /// [`HomeError::Missing`] where nothing was set up.
    pub fn owner_uid(&self) -> Result<u32, HomeError> {
        match std::fs::metadata(&self.state) {
            Ok(metadata) => Ok(metadata.uid()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(HomeError::Missing(self.state.clone()))
            }
            Err(source) => Err(HomeError::OutOfReach { path: self.state.clone(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::Sudo;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ana() -> Environment {
        Environment { home: Some("/home/ana".into()), uid: 1000, euid: 1000, ..Environment::default() }
    }

    fn sudo() -> Option<Sudo> {
        Some(Sudo { uid: "1000".into() })
    }

    #[test]
    fn each_layout_has_its_places() {
        let both = |home: &Home| (home.settings(), home.ledger());
        let xdg = Home::locate(None, &ana()).unwrap();
        assert_eq!(
            both(&xdg),
            ("/home/ana/.config/glass/glass.toml".into(), "/home/ana/.local/share/glass/ledger.db".into())
        );
        let moved = Environment { xdg_data_home: Some("/data".into()), ..ana() };
        assert_eq!(Home::locate(None, &moved).unwrap().open(), Path::new("/data/glass/open"));
        let root = Environment { euid: 0, ..ana() };
        let host = Home::locate(None, &root).unwrap();
        assert_eq!(both(&host), ("/etc/glass/glass.toml".into(), "/var/lib/glass/ledger.db".into()));
        let variable = Environment { glass_home: Some("/g".into()), ..root };
        assert_eq!(
            both(&Home::locate(None, &variable).unwrap()),
            ("/g/glass.toml".into(), "/g/ledger.db".into())
        );
        let flag = Home::locate(Some(Path::new("/f")), &variable).unwrap();
        assert_eq!(both(&flag), ("/f/glass.toml".into(), "/f/ledger.db".into()));
        assert!(Home::locate(Some(Path::new("here")), &ana()).unwrap().state().is_absolute());
    }

    #[test]
    fn under_sudo_the_home_is_fixed() {
        let root = Environment { euid: 0, sudo: sudo(), ..ana() };
        assert_eq!(Home::locate(None, &root).unwrap().state(), Path::new("/var/lib/glass"));
        assert!(matches!(
            Home::locate(Some(Path::new("/f")), &root),
            Err(HomeError::FixedUnderSudo("--home"))
        ));
        let variable = Environment { glass_home: Some("/g".into()), ..root };
        assert!(matches!(Home::locate(None, &variable), Err(HomeError::FixedUnderSudo("GLASS_HOME"))));
    }

    #[test]
    fn no_directory_to_go_by_says_what_to_type() {
        let error = Home::locate(None, &Environment { home: None, ..ana() }).unwrap_err();
        assert!(error.to_string().contains("--home DIR"), "{error}");
    }

    #[test]
    fn init_makes_private_directories_and_refuses_a_ledger() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::locate(Some(&directory.path().join("a/b")), &ana()).unwrap();
        let missing = home.owner_uid().unwrap_err();
        assert!(missing.to_string().contains("glass init --person NAME --key FILE.pub"), "{missing}");
        home.create().unwrap();
        for path in [home.state(), &home.open(), &home.playbooks(), &home.locks(), &home.recordings()] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o700, "{}", path.display());
        }
        assert_eq!(home.owner_uid().unwrap(), rustix::process::geteuid().as_raw());
        home.create().unwrap();
        std::fs::write(home.ledger(), b"").unwrap();
        assert!(matches!(home.create(), Err(HomeError::AlreadyThere(_))));
    }
}
