//! Permits: the only values that let the effect room act. Made here, inside
//! `BEGIN IMMEDIATE`, after folding the grant again; never cloned, never read from anywhere.

use super::registered::Registered;
use super::{Batch, GrantLock, Intent, Ledger, LedgerError, Plans, Recorded, hotfix};
use crate::core::entry::{Facts, Kind, StepState, Terms, Touched};
use crate::core::grant::{Grant, State};
use crate::core::moment::{Moment, rfc3339};
use crate::core::plan::{Began, ClosePlan, PlanMoment, ProcessGroup};
use crate::core::policy;
use crate::core::sshsig::Sshsig;
use crate::core::statement::{Request, Verb};
use data_encoding::HEXLOWER;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Leave to run the `grant` commands of one grant's steps.
#[derive(Debug)]
pub struct Opening {
    grant: Grant,
    lock: GrantLock,
}

impl Opening {
    /// The grant as it stood when the permit was made.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Whether nobody took the grant over because this activation was late.
    pub fn is_held(&self) -> bool {
        !self.lock.is_lost()
    }
}

/// Leave to run the closing commands of one grant.
#[derive(Debug)]
pub struct Closing {
    /// What to run; its step states are brought up to date as closing goes on.
    pub plan: ClosePlan,
    lock: GrantLock,
}

impl Closing {
    /// From the close plan alone: the ledger is gone, or does not know the grant.
    ///
    /// The caller has seen that the plan is due, or that a person revoked it.
    pub const fn from_plan(plan: ClosePlan, lock: GrantLock) -> Self {
        Self { plan, lock }
    }

    /// Sets by when this closing must be through.
    pub fn extend(&mut self, now: &Moment, until_boot_ms: u64) -> Result<(), LedgerError> {
        self.lock.extend(now, until_boot_ms)
    }

    /// Lets go of the grant; where it has ended, its lock file goes too.
    pub fn release(self, ended: bool) -> Result<(), LedgerError> {
        if ended { self.lock.discard() } else { Ok(()) }
    }
}

/// The answer to who asks for the permit to close.
#[derive(Debug)]
pub enum ClosingPermit {
    /// It is to be closed, with this.
    Granted(Box<Closing>),
    /// Nothing of it can be open.
    NothingOpen,
    /// Its time is not over.
    NotDue,
    /// The ledger does not know it: its plan alone can tell.
    Unknown(GrantLock),
}

/// Why a grant is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its deadline passed.
    Expired,
    /// A person ended it.
    Revoked,
    /// Its activation died.
    HalfOpen,
    /// A step of its activation failed.
    Failed,
}

impl Cause {
    /// The word in the facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::HalfOpen => "half-open",
            Self::Failed => "failed",
        }
    }
}

impl Ledger {
    /// Turns a recorded intent into the permit to open, judging all of it once more, and puts
    /// the close plan on disk before the permit exists.
    ///
    /// A refusal leaves the request as `activation-failed`: nothing was opened. One that still
    /// waits for people goes on waiting.
    pub fn open_grant<V: Intent>(
        &mut self,
        recorded: &Recorded<V>,
        mut lock: GrantLock,
        runtime_dir: Option<PathBuf>,
        now: &Moment,
    ) -> Result<(Opening, ClosePlan), LedgerError> {
        let registered = self.registered()?;
        let mut batch = Batch::begin(self, now)?;
        let id = recorded.facts().grant.clone().unwrap_or_default();
        let grant = batch.grant(&id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} has no request")))?;
        policy::judge_consent(&grant, now).map_err(policy::Denied::from)?;
        let (registered, terms) = match batch.judge_opening(&grant, registered)? {
            Ok(judged) => judged,
            Err(refusal) => {
                let cause = Some(refusal.code().to_owned());
                batch.append(
                    Facts { grant: Some(id), cause, ..Facts::new(Kind::ActivationFailed, now) },
                    "",
                )?;
                batch.commit()?;
                lock.discard()?;
                return Err(policy::Denied::from(refusal).into());
            }
        };
        batch.append(
            Facts { grant: Some(id.clone()), terms: Some(terms), ..Facts::new(Kind::Opening, now) },
            "",
        )?;
        let grant = batch.grant(&id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} is gone")))?;
        let plan = batch.plan(&grant, &registered, runtime_dir, &BTreeMap::new())?;
        Plans::new(batch.open_directory()).write(&plan)?;
        batch.commit()?;
        lock.extend(now, plan.activation_boot_ms)?;
        Ok((Opening { grant, lock }, plan))
    }

    /// Whether the activation may go on: nobody revoked or took over, and it is in time.
    pub fn still_opening(&self, opening: &Opening, now: &Moment) -> Result<bool, LedgerError> {
        let grant = super::projection::fold(&self.connection, opening.grant.id.as_str())?;
        let terms = opening.grant.opening.as_ref().map(|opened| &opened.terms);
        Ok(grant.is_some_and(|grant| grant.state == State::Activating)
            && !opening.lock.is_lost()
            && terms.is_some_and(|terms| now.boot_ms <= terms.activation_boot_ms))
    }

    /// Ends an activation: every step is open, the grant is active.
    pub fn activated(&mut self, opening: Opening, now: &Moment) -> Result<Grant, LedgerError> {
        let id = opening.grant.id.to_string();
        if !self.still_opening(&opening, now)? {
            return Err(LedgerError::Refused(format!("{id} was ended by someone else, or took too long")));
        }
        let mut batch = Batch::begin(self, now)?;
        batch.append(Facts { grant: Some(id.clone()), ..Facts::new(Kind::Activated, now) }, "")?;
        let grant = batch.grant(&id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} is gone")))?;
        batch.commit()?;
        Ok(grant)
    }

    /// Asks for the permit to close a grant. Needs no person.
    ///
    /// The first time it records that closing began, and why.
    pub fn close_grant(
        &mut self,
        id: &str,
        lock: GrantLock,
        cause: Cause,
        by: Option<&str>,
        now: &Moment,
    ) -> Result<ClosingPermit, LedgerError> {
        let plans = self.plans();
        let mut batch = Batch::begin(self, now)?;
        let Some(grant) = batch.grant(id)? else { return Ok(ClosingPermit::Unknown(lock)) };
        let nothing_open = |lock: GrantLock| {
            plans.remove(id)?;
            lock.discard()?;
            Ok(ClosingPermit::NothingOpen)
        };
        match (grant.state, &grant.opening) {
            (state, _) if state.is_ended() => {
                drop(batch);
                return nothing_open(lock);
            }
            // A ledger put back from before the opening: only the plan knows what opened.
            (State::AwaitingApproval | State::Activating, None)
                if plans.read(id)?.is_some_and(|plan| plan.may_be_open()) =>
            {
                return Ok(ClosingPermit::Unknown(lock));
            }
            (State::AwaitingApproval, _) => return Ok(ClosingPermit::NotDue),
            (State::Activating, None) => {
                batch.append(closing_facts(Kind::ActivationFailed, id, cause, by, now), "")?;
                batch.commit()?;
                return nothing_open(lock);
            }
            (State::Activating | State::Active, _) => {
                // An activation that was taken for half-open may have come through since.
                let came_through = cause == Cause::HalfOpen && grant.state == State::Active;
                if (cause == Cause::Expired || came_through) && !batch.is_due(&grant)? {
                    return Ok(ClosingPermit::NotDue);
                }
                batch.append(closing_facts(Kind::Closing, id, cause, by, now), "")?;
            }
            _ => {}
        }
        batch.commit()?;
        // Read only now: an activation that was given up writes its plan, then asks whether it
        // may go on, then acts. Either it sees the entry above, or this sees what it began.
        let plan = match plans.read(id) {
            Ok(Some(plan)) => plan,
            // Gone or damaged: made anew from what was registered.
            _ => Batch::begin(self, now)?.rebuild(&grant)?,
        };
        Ok(ClosingPermit::Granted(Box::new(Closing { plan, lock })))
    }

    /// A grant's plan as the ledger alone tells it, whatever lies in `open/`.
    pub fn plan_anew(&mut self, id: &str, now: &Moment) -> Result<ClosePlan, LedgerError> {
        let batch = Batch::begin(self, now)?;
        let grant = batch.grant(id)?.ok_or_else(|| LedgerError::Corrupt(format!("{id} is gone")))?;
        batch.rebuild(&grant)
    }

    /// Tells a running activation to stop: it finds out before its next step, and rolls back.
    pub fn stop_activation(&mut self, id: &str, by: &str, now: &Moment) -> Result<(), LedgerError> {
        let mut batch = Batch::begin(self, now)?;
        let grant = batch.grant(id)?;
        if grant.is_some_and(|grant| grant.state == State::Activating && grant.opening.is_some()) {
            batch.append(closing_facts(Kind::Closing, id, Cause::Revoked, Some(by), now), "")?;
            batch.commit()?;
        }
        Ok(())
    }
}

fn closing_facts(kind: Kind, id: &str, cause: Cause, by: Option<&str>, now: &Moment) -> Facts {
    Facts {
        grant: Some(id.to_owned()),
        cause: Some(cause.as_str().to_owned()),
        by: by.map(str::to_owned),
        ..Facts::new(kind, now)
    }
}

impl Batch<'_> {
    /// Judges a request for the last time, against what is registered and open right now; gives
    /// what it opens by, mended where it names a hotfix.
    fn judge_opening(
        &self,
        grant: &Grant,
        registered: Option<Registered>,
    ) -> Result<Result<(Registered, Terms), policy::Refusal>, LedgerError> {
        let Some(registered) = registered.filter(|registered| Some(registered.seq()) == grant.registered)
        else {
            return Ok(Err(policy::Refusal::RegistrationChanged));
        };
        let request = super::projection::facts(self.connection(), grant.requested)?;
        let registered =
            match hotfix::named_by(self.connection(), self.genesis(), registered, &request, self.now())? {
                Ok(registered) => registered,
                Err(refusal) => return Ok(Err(refusal)),
            };
        let Ok((_, scope)) = registered.scope(&grant.scope) else {
            return Ok(Err(policy::Refusal::RegistrationChanged));
        };
        if grant.waiting.is_some() && !grant.alone {
            if self.has_lapsed(grant)? {
                return Ok(Err(policy::ApprovalRefusal::Lapsed(grant.id.to_string()).into()));
            }
            if let Err(refusal) = self.judge_consents(grant, &registered)? {
                return Ok(Err(refusal.into()));
            }
        }
        let touched = self.requested_touch(grant, &registered)?;
        if let Err(refusal) = policy::judge_touch(scope.touch, touched) {
            return Ok(Err(refusal.into()));
        }
        let standing = super::standing::standing(
            self.connection(),
            self.genesis(),
            &registered,
            &grant.scope,
            scope,
            Some(grant.id.as_str()),
            self.now(),
        )?;
        let duration = crate::core::duration::Seconds::new(grant.duration_s);
        let wanted = policy::Wanted {
            person: &grant.person,
            duration,
            drill: grant.drill,
            overrides: &grant.overrides,
        };
        if let Err(refusal) = policy::may_open(scope, registered.roster(), &wanted, &standing, self.now()) {
            return Ok(Err(refusal));
        }
        let boot_ms = |seconds: u64| self.now().boot_ms + 1_000 * seconds;
        let terms = Terms {
            activation_boot_ms: boot_ms(policy::activation_seconds(scope)),
            deadline_boot_ms: boot_ms(grant.duration_s),
            expires_at: rfc3339(self.now().wall + duration.delta()),
            steps: scope.steps.iter().map(|step| step.id.clone()).collect(),
        };
        Ok(Ok((registered, terms)))
    }

    /// What the signature under a request asserts: read from its stored armor and verified once
    /// more, because here something opens.
    fn requested_touch(
        &self,
        grant: &Grant,
        registered: &Registered,
    ) -> Result<Option<Touched>, LedgerError> {
        let corrupt = |what: &str| LedgerError::Corrupt(format!("the request of {}: {what}", grant.id));
        let armor: Option<Vec<u8>> = self
            .connection()
            .prepare_cached("SELECT signature FROM entry WHERE seq = ?1")?
            .query_row([grant.requested], |row| row.get(0))?;
        let armor = armor.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let sshsig = Sshsig::from_armor(&armor).map_err(|error| corrupt(&error.to_string()))?;
        let person = registered.roster().person_by_key(sshsig.key());
        if person.is_none_or(|person| person.name != grant.person) {
            return Err(corrupt("it was not signed by the one who asked"));
        }
        let digest = grant.statement.as_deref().and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
        let digest = digest.and_then(|bytes| bytes.try_into().ok());
        let digest: [u8; 64] = digest.ok_or_else(|| corrupt("it names no statement"))?;
        let asserted = sshsig
            .verify(Request::NAMESPACE, &digest, sshsig.key())
            .map_err(|error| corrupt(&error.to_string()))?;
        Ok(asserted.touched())
    }

    pub(super) fn is_due(&self, grant: &Grant) -> Result<bool, LedgerError> {
        let last_entry = super::head::read(self.connection())?.clock_floor;
        Ok(grant.deadline().is_none_or(|deadline| deadline.has_passed(self.now(), last_entry)))
    }

    /// Makes a grant's plan from its scope.
    fn plan(
        &self,
        grant: &Grant,
        registered: &Registered,
        runtime_dir: Option<PathBuf>,
        outputs: &BTreeMap<(String, String), String>,
    ) -> Result<ClosePlan, LedgerError> {
        let corrupt = |what: &str| LedgerError::Corrupt(format!("{}: {what}", grant.id));
        let opened = grant.opening.as_ref().ok_or_else(|| corrupt("was never opened"))?;
        let (_, scope) =
            registered.scope(&grant.scope).map_err(|_| corrupt("its scope is not registered"))?;
        let request = super::projection::facts(self.connection(), grant.requested)?;
        let os_user = request.signed_str("os_user").unwrap_or_default();
        Ok(ClosePlan {
            v: 1,
            grant: grant.id.to_string(),
            scope: grant.scope.clone(),
            person: grant.person.clone(),
            os_uid: request.signed_u64("os_uid"),
            ledger: self.genesis().ledger.clone(),
            opened: PlanMoment::new(&opened.moment),
            expires_at: opened.terms.expires_at.clone(),
            deadline_boot_ms: opened.terms.deadline_boot_ms,
            activation_boot_ms: opened.terms.activation_boot_ms,
            runtime_dir,
            steps: crate::core::filling::planned_steps(scope, &grant.as_opened(), os_user, outputs),
            sessions: Vec::new(),
            closed: None,
        })
    }

    /// Makes a lost plan anew: from the registration, mended or not, that the grant runs by, the recorded
    /// outputs, and the step states of the ledger. What secrets there were can't be told.
    fn rebuild(&self, grant: &Grant) -> Result<ClosePlan, LedgerError> {
        let seq =
            grant.registered.ok_or_else(|| LedgerError::Corrupt(format!("{} has no plan", grant.id)))?;
        let registered = hotfix::ran_by(self.connection(), self.genesis(), grant, seq)?;
        let outputs = super::read::outputs(self.connection(), grant)?;
        let mut plan = self.plan(grant, &registered, None, &outputs)?;
        for step in &mut plan.steps {
            step.state = grant.step(&step.id).map_or(step.state, |folded| folded.state);
            // Whether its command was started is lost with the plan: it may have been, at the
            // latest when the activation had to be through, by a process that nobody knows.
            if step.state == StepState::Pending {
                let boot_ms = plan.activation_boot_ms.min(self.now().boot_ms);
                let moment = PlanMoment { boot_ms, ..plan.opened.clone() };
                step.began = Some(Began { moment, group: ProcessGroup { id: 0, start: 0 } });
                step.state = StepState::Unknown;
            }
        }
        Ok(plan)
    }
}
