//! Where a verb acts: the home, who owns it, and what may be believed of it.

use crate::core::text::escape;
use crate::ports::belongings::Belongings;
use crate::ports::clock;
use crate::ports::config::{Distrust, Environment, Home, Judged, ReadError, Trust};
use crate::ports::ledger::{Ledger, LedgerError, Place, Refusal};
use crate::usecases::failure::{Failure, Kind};
use std::path::Path;

/// The home of this run.
pub struct Context {
    /// Where everything is.
    pub home: Home,
    /// The variables and ids that count.
    pub environment: Environment,
    /// The person's own files and agent.
    pub belongings: Belongings,
    /// Judges owners and modes by the home's owner.
    pub trust: Trust,
    /// The ledger's files.
    pub place: Place,
    /// Says something to the person while a verb is at work; safe text only.
    pub talk: fn(&str),
}

impl Context {
    /// Finds an existing home.
    pub fn find(flag: Option<&Path>, environment: Environment, talk: fn(&str)) -> Result<Self, Failure> {
        Self::at(Home::locate(flag, &environment)?, environment, talk)
    }

    /// The existing home of these directories.
    pub fn at(home: Home, environment: Environment, talk: fn(&str)) -> Result<Self, Failure> {
        let trust = Trust::new(home.owner_uid()?);
        let belongings = belongings(&environment);
        Ok(Self { place: place(&home), home, environment, belongings, trust, talk })
    }

    /// The name of the OS user at work: the caller of sudo, where there is one, by the system's
    /// user database.
    pub fn os_user(&self) -> String {
        match (self.belongings.caller(), &self.environment.sudo) {
            (Some((name, _)), _) => name.to_owned(),
            (None, Some(sudo)) => format!("uid {}", sudo.uid),
            (None, None) => {
                self.environment.os_user().unwrap_or_else(|| format!("uid {}", self.environment.uid))
            }
        }
    }

    /// The user id of the OS user at work.
    pub fn os_uid(&self) -> u32 {
        self.belongings.caller().map_or(self.environment.uid, |(_, uid)| uid)
    }

    /// Who acts, as entries that nobody signs record it.
    pub fn by(&self) -> String {
        match self.belongings.caller() {
            Some((name, uid)) => format!("{name} (uid {uid}) by sudo"),
            None => self.os_user(),
        }
    }

    /// Opens the ledger to read it, if its file may be believed.
    pub fn ledger_to_read(&self) -> Result<Ledger, Failure> {
        self.believe(&self.place.database)?;
        match Ledger::open_read(&self.place) {
            // SQLite makes an index beside the log, and that takes a little space too.
            Err(LedgerError::Sqlite(_)) if matches!(self.home.drop_ballast_if_tight(), Ok(true)) => {
                Ok(Ledger::open_read(&self.place)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Opens the ledger for an act that opens something: its key and `open/` count too.
    pub fn ledger_to_open(&self) -> Result<Ledger, Failure> {
        for path in [&self.place.database, &self.place.key, &self.place.open] {
            self.believe(path)?;
        }
        self.open_to_write()
    }

    /// Opens the ledger for closing, which leans on it or on `open/` alone.
    pub fn ledger_to_close(&self) -> Result<Ledger, Failure> {
        self.believe(&self.place.database)?;
        self.open_to_write()
    }

    fn open_to_write(&self) -> Result<Ledger, Failure> {
        match self.home.drop_ballast_if_tight() {
            Ok(false) => {}
            Ok(true) => (self.talk)("WARNING: the disk is all but full; glass gave up its reserve to go on"),
            Err(error) => {
                (self.talk)(&format!("WARNING: the disk is all but full, and the reserve stays: {error}"))
            }
        }
        let ledger = Ledger::open_write(&self.place)?;
        self.warn_if_unsigned(&ledger);
        Ok(ledger)
    }

    fn warn_if_unsigned(&self, ledger: &Ledger) {
        if !ledger.signs_heads() {
            (self.talk)(&format!(
                "WARNING: unsigned-head: {} is missing or not this ledger's key; entries are recorded, \
                 but no checkpoint signs them until it is back",
                escape(&self.place.key.to_string_lossy())
            ));
        }
    }

    /// Refuses a file that others may write. A file that is missing is not judged here.
    pub fn believe(&self, path: &Path) -> Result<(), Failure> {
        match self.trust.check(path) {
            Ok(judged) => judged.strict().map_err(distrusted),
            Err(ReadError::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what closing needs, with a warning where others may write it.
    pub fn despite<T>(&self, judged: Judged<T>) -> T {
        let (value, concern) = judged.lenient();
        if let Some(distrust) = concern {
            (self.talk)(&format!("WARNING: {distrust}"));
        }
        value
    }

    /// Records what was refused or abandoned, as far as the ledger can be written; whatever
    /// happens here, the refusal itself stands.
    pub fn record_refusal(&self, refusal: &Refusal) {
        let recorded = self.ledger_to_close().and_then(|mut ledger| {
            ledger.record_refusal(refusal, &clock::now()?)?;
            Ok(())
        });
        if let Err(failure) = recorded {
            (self.talk)(&format!("this refusal could not be recorded: {failure}"));
        }
    }
}

/// The refusal of a file that others may write.
pub fn distrusted(distrust: Distrust) -> Failure {
    Failure::new(Kind::Refused, distrust.to_string()).cause("writable-by-others")
}

/// What belongs to the person at work: under sudo, to its caller.
pub fn belongings(environment: &Environment) -> Belongings {
    Belongings::of(environment.sudo.as_ref().map(|sudo| sudo.uid.as_str()))
}

/// The ledger's files in a home.
pub fn place(home: &Home) -> Place {
    Place { database: home.ledger(), key: home.ledger_key(), open: home.open(), locks: home.locks() }
}
