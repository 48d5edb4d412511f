//! The beginning of a session: its record comes first, and where that or its recording fails, the
//! scope says whether it begins at all.

use super::failed;
use super::notary::Notary;
use super::recorder::Recorder;
use super::run::Case;
use crate::core::entry::{Containment, Started};
use crate::core::id::SessionId;
use crate::core::playbook::Recording;
use crate::core::session::cast::Header;
use crate::ports::clock;
use crate::ports::ledger::{Attendance, Attending, Ledger, LedgerError};
use crate::ports::recordings::Recordings;
use crate::usecases::failure::{Failure, Kind};

impl Case<'_> {
    /// Records that the session begins. Where that can't be, the scope decides.
    pub(super) fn begin(
        &self,
        ledger: &mut Ledger,
        session: SessionId,
        has_cell: bool,
        uid: u64,
    ) -> Result<Attending, Failure> {
        let argv: Vec<String> = std::iter::once(&self.program)
            .chain(&self.args)
            .map(|part| self.mask.text(&part.to_string_lossy()))
            .collect();
        let argv = serde_json::Value::from(argv).to_string();
        let run_as = match &self.surroundings.user {
            Some(user) => user.name.clone(),
            None => self.context.environment.os_user().unwrap_or_else(|| self.context.os_user()),
        };
        let started = Started {
            command: String::new(),
            contained: if has_cell { Containment::Cgroup } else { Containment::Subreaper },
            recording: self.scope.recording.as_str().to_owned(),
            run_as,
            terminal: self.terminals.any(),
        };
        let grant = self.grant.id.as_str();
        let attendance = Attendance {
            grant,
            session: session.clone(),
            uid,
            by: self.context.by(),
            command: &argv,
            started,
        };
        match ledger.start_session(attendance, &clock::now()?) {
            Err(LedgerError::Denied(denied)) => Err((*denied).into()),
            Err(error) if self.scope.recording == Recording::Required => Err(Failure::from(error)
                .hint("this scope is used in recorded sessions only: free disk space, or mend the ledger")
                .cause("not-recorded")),
            Err(error) => {
                let attending = ledger.attend_unrecorded(grant, session, uid, &clock::now()?)?;
                (self.context.talk)(&format!("WARNING: this session is NOT RECORDED: {error}"));
                Ok(attending)
            }
            started => Ok(started?),
        }
    }

    /// The files of its recording, where it has one.
    pub(super) fn recorder(&self, ledger: &mut Ledger, attending: &Attending) -> Result<Recorder, Failure> {
        let wanted = self.scope.recording;
        if wanted == Recording::Off || !attending.is_recorded() {
            return Ok(Recorder::none(wanted, &self.mask));
        }
        match self.make_files(attending) {
            Ok(recorder) => Ok(recorder),
            Err(failure) if wanted == Recording::Required => Err(Failure::new(
                Kind::Failed,
                format!("{failure}: this scope is used in recorded sessions only"),
            )
            .hint("free disk space, or mend the directory, and try again")),
            Err(failure) => {
                (self.context.talk)(&format!("WARNING: this session is NOT RECORDED: {failure}"));
                self.try_to(ledger.record_gap(&self.of, &failure.to_string(), &clock::now()?));
                Ok(Recorder::none(wanted, &self.mask))
            }
        }
    }

    fn make_files(&self, attending: &Attending) -> Result<Recorder, Failure> {
        let directory = self.context.home.recordings();
        self.context.believe(&directory)?;
        let files = Recordings::open_or_make(&directory)?
            .create(attending.session())
            .map_err(|error| failed(&format!("no recording can be begun: {error}")))?;
        let size = self.size();
        let header = Header {
            width: size.0,
            height: size.1,
            timestamp: Some(clock::now()?.wall.timestamp()),
            title: Some(format!("{} of {} ({})", self.of.session, self.of.grant, self.grant.scope)),
            command: Some(self.mask.text(&self.program.to_string_lossy())),
            term: self.surroundings.plain("TERM"),
            shell: self.surroundings.plain("SHELL"),
        };
        let (wanted, input) = (self.scope.recording, self.scope.recording_input);
        let mut recorder = Recorder::begin(files, &header, wanted, input, &self.mask);
        if let Some(why) = recorder.gap() {
            return Err(failed(&format!("no recording can be begun: {why}")));
        }
        let files = recorder.to_sync().map_err(|error| failed(&error))?;
        let notary = Notary::start(self.context.ledger_to_close()?, self.of.clone(), files);
        recorder.bind_by(notary.map_err(|error| failed(&error))?);
        Ok(recorder)
    }
}
