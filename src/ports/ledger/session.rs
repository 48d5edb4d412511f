//! Sessions in the ledger (P13): each is recorded before it begins, its recording bound while it
//! runs, and its end fixed by whoever sees it.

use super::standing::scope_of;
use super::{Batch, GrantLock, Ledger, LedgerError, head};
use crate::core::entry::{Ending, Facts, Kind, Piece, Started};
use crate::core::grant::{Grant, GrantSession};
use crate::core::id::SessionId;
use crate::core::moment::Moment;
use crate::core::plan::PlannedSession;
use crate::core::playbook::{Recording, Scope};
use crate::core::policy::{self, Denied};
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, BTreeSet};

/// Leave to run one session under one grant.
#[derive(Debug)]
pub struct Attending {
    grant: Grant,
    session: SessionId,
    recorded: bool,
}

impl Attending {
    /// The grant as it stood when the permit was made.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The session's id.
    pub const fn session(&self) -> &SessionId {
        &self.session
    }

    /// Whether the ledger knows of it: always, but where it could not be written and the scope
    /// does not insist.
    pub const fn is_recorded(&self) -> bool {
        self.recorded
    }
}

/// Who wants to use a grant, and how.
#[derive(Debug)]
pub struct Attendance<'a> {
    /// The grant.
    pub grant: &'a str,
    /// The new session's id.
    pub session: SessionId,
    /// The OS user.
    pub uid: u64,
    /// The same in words, as the entry names them.
    pub by: String,
    /// The argument vector as JSON, with nothing secret in it.
    pub command: &'a str,
    /// What the entry fixes; its `command` is filled in here.
    pub started: Started,
}

/// What a session does to the record, said of one session.
#[derive(Clone, Debug)]
pub struct OfSession {
    /// The grant.
    pub grant: String,
    /// The session.
    pub session: String,
}

impl OfSession {
    pub(super) fn facts(&self, kind: Kind, now: &Moment) -> Facts {
        Facts {
            grant: Some(self.grant.clone()),
            session: Some(self.session.clone()),
            ..Facts::new(kind, now)
        }
    }
}

/// A session for people, with what the ledger alone knows of it.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The grant.
    pub grant: String,
    /// `playbook/scope`.
    pub scope: String,
    /// Whose grant it is.
    pub person: String,
    /// How it was used.
    pub session: GrantSession,
    /// The argument vector as JSON, while its text is there.
    pub command: Option<String>,
}

impl Ledger {
    /// Who may use a grant: judged on what stands now, nothing is written.
    ///
    /// # Errors
    /// A refusal, or no such grant.
    pub fn judge_session(
        &self,
        grant: &str,
        uid: u64,
        now: &Moment,
    ) -> Result<(Grant, Option<Scope>), LedgerError> {
        let grant = self.grant(grant)?;
        let grant = grant.ok_or_else(|| LedgerError::Refused("the ledger knows no such grant".into()))?;
        let last_entry = head::read(&self.connection)?.clock_floor;
        let asked = self.asked_by(grant.id.as_str())?;
        policy::judge_session(&grant, asked, uid, now, last_entry).map_err(Denied::from)?;
        let registered = self.registered()?;
        let scope = scope_of(&self.connection, &self.genesis, &grant, registered.as_ref())?;
        Ok((grant, scope))
    }

    /// The recorded outputs of a grant's steps, by step and name.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn outputs(&self, grant: &Grant) -> Result<BTreeMap<(String, String), String>, LedgerError> {
        super::read::outputs(&self.connection, grant)
    }

    /// Records that a session begins, and gives the permit to begin it.
    ///
    /// # Errors
    /// A refusal; or it can't be recorded.
    pub fn start_session(&mut self, wanted: Attendance<'_>, now: &Moment) -> Result<Attending, LedgerError> {
        let asked = self.asked_by(wanted.grant)?;
        let mut batch = Batch::begin(self, now)?;
        let grant = batch.grant(wanted.grant)?;
        let grant = grant.ok_or_else(|| LedgerError::Refused("the ledger knows no such grant".into()))?;
        let last_entry = head::read(batch.connection())?.clock_floor;
        policy::judge_session(&grant, asked, wanted.uid, now, last_entry).map_err(Denied::from)?;
        let of = OfSession { grant: grant.id.to_string(), session: wanted.session.to_string() };
        let command = batch.text(wanted.command.as_bytes())?;
        let facts = Facts {
            by: Some(wanted.by),
            person: Some(grant.person.clone()),
            started: Some(Started { command, ..wanted.started }),
            ..of.facts(Kind::SessionStarted, now)
        };
        batch.append(facts, "")?;
        batch.commit()?;
        Ok(Attending { grant, session: wanted.session, recorded: true })
    }

    /// The permit for a session that can't be recorded, under a scope that does not insist (P12).
    ///
    /// # Errors
    /// A refusal, by what the ledger says; or the scope insists.
    pub fn attend_unrecorded(
        &self,
        grant: &str,
        session: SessionId,
        uid: u64,
        now: &Moment,
    ) -> Result<Attending, LedgerError> {
        let (grant, scope) = self.judge_session(grant, uid, now)?;
        if scope.is_none_or(|scope| scope.recording == Recording::Required) {
            return Err(LedgerError::Refused(format!("{} is used in recorded sessions only", grant.scope)));
        }
        Ok(Attending { grant, session, recorded: false })
    }

    /// Writes a session into its grant's plan, whose lock the caller holds, and says whether it
    /// may begin.
    ///
    /// Either this sees that a closing began, or that one finds in the plan what it has to end.
    pub fn plan_session(
        &self,
        attending: &Attending,
        planned: PlannedSession,
        lock: &GrantLock,
        now: &Moment,
    ) -> Result<bool, LedgerError> {
        let (plans, id) = (self.plans(), attending.grant.id.as_str());
        let Some(mut plan) = plans.read(id)?.filter(|plan| plan.closed.is_none()) else { return Ok(false) };
        plan.sessions.push(planned);
        if lock.is_lost() {
            return Ok(false);
        }
        plans.write(&plan)?;
        let last_entry = head::read(&self.connection)?.clock_floor;
        let usable = |grant: Grant| policy::judge_usable(&grant, now, last_entry).is_ok();
        Ok(self.grant(id)?.is_some_and(usable) && !lock.is_lost())
    }

    /// Takes a session that has ended out of its grant's plan, and lets go of the grant; where
    /// that has ended too, no lock of it stays.
    pub fn unplan_session(&self, of: &OfSession, lock: GrantLock) -> Result<(), LedgerError> {
        let plans = self.plans();
        let Some(mut plan) = plans.read(&of.grant)? else { return lock.discard() };
        let before = plan.sessions.len();
        plan.sessions.retain(|planned| planned.id != of.session);
        if lock.is_lost() || plan.sessions.len() == before {
            return Ok(());
        }
        plans.write(&plan)
    }

    /// Binds what was added to a recording.
    pub fn record_pieces(
        &mut self,
        of: &OfSession,
        files: BTreeMap<String, Piece>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.append_one(Facts { files, ..of.facts(Kind::SessionPiece, now) }, now)
    }

    /// Records that a session is no longer recorded, and why.
    pub fn record_gap(&mut self, of: &OfSession, cause: &str, now: &Moment) -> Result<(), LedgerError> {
        self.append_one(Facts { cause: Some(cause.to_owned()), ..of.facts(Kind::RecordingGap, now) }, now)
    }

    /// Records how a session ended, and fixes its recording.
    pub fn end_session(
        &mut self,
        of: &OfSession,
        ending: Ending,
        cause: &str,
        files: BTreeMap<String, Piece>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let facts = Facts {
            ended: Some(ending),
            cause: Some(cause.to_owned()),
            files,
            ..of.facts(Kind::SessionEnded, now)
        };
        self.append_one(facts, now)
    }

    /// Records that a session's glass died, and fixes what there is of its recording. Nothing
    /// where its end is recorded already.
    pub fn interrupt_session(
        &mut self,
        of: &OfSession,
        gone: bool,
        files: BTreeMap<String, Piece>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        let grant = batch.grant(&of.grant)?;
        let session = grant.as_ref().and_then(|grant| grant.session(&of.session));
        if session.is_none_or(|session| session.end.is_some()) {
            return Ok(());
        }
        let facts = Facts {
            ended: Some(Ending { gone, ..Ending::default() }),
            cause: Some("glass-died".to_owned()),
            files,
            ..of.facts(Kind::SessionInterrupted, now)
        };
        batch.append(facts, "")?;
        batch.commit()?;
        Ok(())
    }

    fn append_one(&mut self, facts: Facts, now: &Moment) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        batch.append(facts, "")?;
        batch.commit()?;
        Ok(())
    }

    /// The sessions of one grant, or all there ever were; in the order of their start.
    pub fn sessions(&self, grant: Option<&str>) -> Result<Vec<SessionRow>, LedgerError> {
        let _snapshot = self.connection.unchecked_transaction()?;
        let mut statement = self.connection.prepare_cached(
            r#"SELECT "grant" FROM session WHERE ?1 IS NULL OR "grant" = ?1 GROUP BY "grant" ORDER BY min(started)"#,
        )?;
        let grants: Vec<String> =
            statement.query_map([grant], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for id in grants {
            if let Some(grant) = self.grant(&id)? {
                rows.extend(self.sessions_of(&grant)?);
            }
        }
        rows.sort_by_key(|row| row.session.at);
        Ok(rows)
    }

    /// The sessions of a grant that was folded, with their commands.
    pub(super) fn sessions_of(&self, grant: &Grant) -> Result<Vec<SessionRow>, LedgerError> {
        let row = |session: &GrantSession| {
            Ok(SessionRow {
                grant: grant.id.to_string(),
                scope: grant.scope.clone(),
                person: grant.person.clone(),
                command: self.text(&session.started.command)?,
                session: session.clone(),
            })
        };
        grant.sessions.iter().map(row).collect()
    }

    /// The same of those whose end is not recorded: history is never looked at.
    pub fn running(&self) -> Result<Vec<SessionRow>, LedgerError> {
        let _snapshot = self.connection.unchecked_transaction()?;
        let grants: BTreeSet<String> = self.running_sessions()?.into_iter().map(|of| of.grant).collect();
        let mut rows = Vec::new();
        for id in grants {
            if let Some(grant) = self.grant(&id)? {
                rows.extend(self.sessions_of(&grant)?.into_iter().filter(|row| row.session.end.is_none()));
            }
        }
        rows.sort_by_key(|row| row.session.at);
        Ok(rows)
    }

    /// The grant of a session; `None` where the ledger does not know it.
    pub fn grant_of_session(&self, session: &str) -> Result<Option<String>, LedgerError> {
        let grant = self
            .connection
            .prepare_cached(r#"SELECT "grant" FROM session WHERE id = ?1"#)?
            .query_row([session], |row| row.get(0))
            .optional()?;
        Ok(grant)
    }

    /// The sessions whose end is not recorded.
    pub fn running_sessions(&self) -> Result<Vec<OfSession>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            r#"SELECT "grant", id FROM session INDEXED BY session_running WHERE state = 'running'"#,
        )?;
        let rows =
            statement.query_map([], |row| Ok(OfSession { grant: row.get(0)?, session: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn text(&self, digest: &str) -> Result<Option<String>, LedgerError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM text WHERE sha512 = ?1")?
            .query_row([digest], |row| row.get(0))
            .optional()?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
