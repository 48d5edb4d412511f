//! All that can be refused before a person is asked anything.

use super::{Known, Wish};
use crate::core::duration::Seconds;
use crate::core::grant::{Grant, Mended};
use crate::core::hints::{Hint, hints};
use crate::core::moment::Moment;
use crate::core::playbook::step::{Given, Run, Step, StepKind, Surroundings};
use crate::core::playbook::{Scope, Touch};
use crate::core::policy::{self, Refusal};
use crate::core::text::{Line, escape};
use crate::ports::ancestry;
use crate::ports::clock;
use crate::ports::config::Judged;
use crate::ports::effect::RuntimeDir;
use crate::ports::ledger::{Ledger, NoSuchScope, Registered};
use crate::ports::signer::Key;
use crate::usecases::context::{Context, distrusted};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::registration::{playbook_files, read_drafts};
use crate::usecases::signing::find_person;
use crate::usecases::texts::{incident_text, reason_text};
use chrono::{DateTime, TimeDelta, Utc};

/// A wish that nothing stands against, as far as can be told without asking.
pub(super) struct Ready {
    /// What is registered; mended where a hotfix counts.
    pub(super) registered: Registered,
    /// That hotfix.
    pub(super) mended: Option<Mended>,
    pub(super) address: String,
    pub(super) playbook_sha512: String,
    pub(super) person: String,
    pub(super) key: Key,
    pub(super) length: Seconds,
    pub(super) drill: bool,
    /// The grants whose overdue reviews it is opened in spite of.
    pub(super) overrides: Vec<String>,
    /// Who could sign it, besides the requester.
    pub(super) able: Vec<String>,
    pub(super) incident: Option<Line>,
    pub(super) reason: Option<Line>,
    pub(super) runtime: Option<RuntimeDir>,
    /// Signs that no person is at the terminal: noted, and no reason to refuse (P4).
    pub(super) hints: Vec<Hint>,
    /// The clock floor, where the wall clock is too far behind it to be believed.
    pub(super) clock_floor: Option<DateTime<Utc>>,
    position: (usize, usize),
}

impl Ready {
    pub(super) fn scope(&self) -> &Scope {
        &self.registered.playbooks()[self.position.0].playbook.scopes[self.position.1]
    }
}

/// A wall clock this far behind the ledger is still taken for drift (P11).
const DRIFT: TimeDelta = TimeDelta::seconds(60);

/// Judges a wish, or going on with a request that waits.
pub(super) fn refuse(
    context: &Context,
    ledger: &Ledger,
    wish: &Wish,
    resumed: Option<&Grant>,
    known: &mut Known,
) -> Result<Ready, Failure> {
    let head = ledger.check_head()?;
    let now = clock::now()?;
    let registered = ledger.registered()?.ok_or_else(|| {
        Failure::new(Kind::Refused, "nothing is registered yet: no playbook can be activated")
            .hint("an admin runs `glass register`")
            .cause("nothing-registered")
    })?;
    let position = find_scope(context, &registered, &wish.scope)?;
    let (registered, mended) = mend(ledger, registered, position, resumed, &now)?;
    let file = &registered.playbooks()[position.0];
    let scope = &file.playbook.scopes[position.1];
    let address = file.playbook.address(scope);
    known.scope = Some(address.clone());
    warn_of_drafts(context, &registered);

    let roster = registered.roster();
    if scope.touch == Touch::Hardware {
        return Err(policy::TouchRefusal::Hardware.into());
    }
    let standing = ledger.standing(&registered, &address, scope, &now)?;
    let overrides = match resumed {
        Some(grant) => grant.overrides.clone(),
        None if wish.overriding => match standing.overdue(&now) {
            none if none.is_empty() => return Err(Refusal::NothingToOverride(address).into()),
            overdue => overdue,
        },
        None => Vec::new(),
    };
    let alone = resumed.is_some_and(|grant| grant.missing() > 0 && policy::judge_alone(grant, &now).is_ok());
    let demanded = resumed.map_or(scope.touch, |grant| policy::touch_to_resume(scope, grant, alone));
    let (person, key) = find_person(context, wish.key.as_deref(), roster, demanded, &now, &mut known.person)?;
    let (incident, reason) = texts(scope, wish)?;
    let (length, drill) = match resumed {
        Some(grant) => (Seconds::new(grant.duration_s), grant.drill),
        None => (wish.length.unwrap_or(scope.duration.default), wish.drill),
    };
    let wanted = policy::Wanted { person: &person, duration: length, drill, overrides: &overrides };
    policy::may_open(scope, roster, &wanted, &standing, &now)?;
    let able = match resumed {
        Some(grant) => policy::able_to_approve(grant, scope, roster, &now),
        None => policy::able_besides(scope, roster, &person, &overrides, &now),
    };
    let runtime = policy::has_secrets(scope).then(|| runtime(context, &address)).transpose()?;
    judge_commands(context, scope)?;
    Ok(Ready {
        clock_floor: (head.clock_floor - now.wall > DRIFT).then_some(head.clock_floor),
        playbook_sha512: file.file.sha512.clone(),
        address,
        person,
        key,
        length,
        drill,
        overrides,
        able,
        incident,
        reason,
        runtime,
        hints: hints(&context.environment.hinting, &ancestry::names()),
        position,
        registered,
        mended,
    })
}

/// What the scope opens by: the hotfix of two of its people where one counts, else what is
/// registered. A request that waits keeps to what it named.
fn mend(
    ledger: &Ledger,
    registered: Registered,
    (playbook, scope): (usize, usize),
    resumed: Option<&Grant>,
    now: &Moment,
) -> Result<(Registered, Option<Mended>), Failure> {
    let book = &registered.playbooks()[playbook].playbook;
    let hotfix = ledger.hotfix(&registered, &book.address(&book.scopes[scope]), now)?;
    let named = resumed.map(|grant| grant.mended.as_ref());
    let hotfix = hotfix.filter(|hotfix| named.is_none_or(|named| named == Some(&hotfix.mended)));
    match (hotfix, named.flatten()) {
        (Some(hotfix), _) => {
            let mended = hotfix.mended.clone();
            Ok((registered.mended(hotfix), Some(mended)))
        }
        (None, Some(mended)) => Err(Refusal::HotfixOver(mended.act.clone()).into()),
        (None, None) => Ok((registered, None)),
    }
}

/// The registered scope of this name, as positions of playbook and scope.
pub(in crate::usecases) fn find_scope(
    context: &Context,
    registered: &Registered,
    wanted: &str,
) -> Result<(usize, usize), Failure> {
    let shown = escape(wanted);
    registered.position(wanted).map_err(|error| match error {
        NoSuchScope::Ambiguous(names) => {
            Failure::new(Kind::Usage, format!("`{shown}` names more than one scope: {}", names.join(", ")))
                .hint("give the playbook too, as in `playbook/scope`")
        }
        NoSuchScope::Unknown(names) => {
            let playbook = wanted.split('/').next().unwrap_or_default();
            let drafted = playbook_files(context).unwrap_or_default();
            let is_draft = drafted
                .iter()
                .any(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy() == playbook));
            let hint = match (is_draft, names.is_empty()) {
                (true, _) => "its playbook is only a draft: an admin runs `glass register`".to_owned(),
                (false, true) => "no scope is registered: an admin runs `glass register`".to_owned(),
                (false, false) => format!("registered are: {}", names.join(", ")),
            };
            Failure::new(Kind::Refused, format!("no registered scope is called `{shown}`"))
                .hint(hint)
                .cause("not-registered")
        }
    })
}

/// The registered bytes run, whatever the drafts say: a difference only warns (P5).
fn warn_of_drafts(context: &Context, registered: &Registered) {
    let drafts = match read_drafts(context) {
        Ok(drafts) => drafts,
        Err(failure) => {
            return (context.talk)(&format!("WARNING: {failure}\n  the registered files count"));
        }
    };
    for draft in drafts {
        let sha512 = draft.sha512();
        if !registered.files().any(|file| file.path == draft.path && file.sha512 == sha512) {
            (context.talk)(&format!(
                "warning: {} on disk differs from what is registered; the registered one counts",
                escape(&draft.path)
            ));
        }
    }
}

/// Texts given as flags are judged before anything is asked.
fn texts(scope: &Scope, wish: &Wish) -> Result<(Option<Line>, Option<Line>), Failure> {
    let incident = wish.incident.as_deref().map(incident_text).transpose()?;
    if let Some(incident) = &incident {
        policy::judge_incident(scope, incident)?;
    }
    let reason = wish.reason.as_deref().map(reason_text).transpose()?;
    if let Some(reason) = &reason {
        policy::judge_reason(scope, reason)?;
    }
    Ok((incident, reason))
}

fn runtime(context: &Context, address: &str) -> Result<RuntimeDir, Failure> {
    RuntimeDir::choose(context.environment.euid).map_err(|error| {
        Failure::new(
            Kind::Refused,
            format!("{address} hands out secrets, and there is no safe place for them: {error}"),
        )
        .hint("mount a tmpfs at one of these places")
        .cause("no-tmpfs")
    })
}

/// Every program and every file that the steps and probes need must be there, and nobody
/// else's to write: found out now, not half-way through.
fn judge_commands(context: &Context, scope: &Scope) -> Result<(), Failure> {
    for step in &scope.steps {
        for run in runs(step) {
            judge_program(context, &step.id, run)?;
        }
        judge_files(context, &step.id, &step.surroundings)?;
    }
    for criterion in &scope.criteria {
        if let Some(probe) = &criterion.probe {
            judge_program(context, &criterion.id, &probe.run)?;
            judge_files(context, &criterion.id, &probe.surroundings)?;
        }
    }
    Ok(())
}

fn runs(step: &Step) -> Vec<&Run> {
    match &step.kind {
        StepKind::Command(command) => {
            let end = command.end.as_ref().map(|end| &end.run);
            [&command.grant.run, &command.revoke.run, &command.check.run].into_iter().chain(end).collect()
        }
        StepKind::SshCert(_) | StepKind::SealedSecret(_) => Vec::new(),
    }
}

/// A program is never a placeholder: its template is its name.
fn judge_program(context: &Context, of: &str, run: &Run) -> Result<(), Failure> {
    let Some(program) = run.first() else { return Ok(()) };
    strict(context.trust.program(&program.to_string()).map_err(|error| unready(of, &error))?).map(|_| ())
}

fn judge_files(context: &Context, of: &str, around: &Surroundings) -> Result<(), Failure> {
    for given in around.env.values() {
        if let Given::File(path) = given {
            strict(context.trust.secret(path).map_err(|error| unready(of, &error))?)?;
        }
    }
    if let Some(Given::File(path)) = &around.stdin {
        strict(context.trust.check(path).map_err(|error| unready(of, &error))?)?;
    }
    Ok(())
}

fn strict<T>(judged: Judged<T>) -> Result<T, Failure> {
    judged.strict().map_err(distrusted)
}

fn unready(of: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Refused, format!("`{of}` can't run: {error}")).cause("not-ready")
}
