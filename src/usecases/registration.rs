//! `register`: what may be opened, and by whom, is what an admin signed (P5).

mod attestation;
mod changes;
pub mod hotfix;

use crate::core::playbook::{Playbook, Touch};
use crate::core::policy::{self, ActRefusal};
use crate::core::settings::Settings;
use crate::core::statement::{Register, Verb};
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::ledger::{Ledger, PendingAct, Refusal, SETTINGS, Signed};
use crate::ports::terminal::Terminal;
use crate::usecases::context::{Context, distrusted};
use crate::usecases::cosigning::{Desk, say_what_waits};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign, find_person};
use attestation::read_attestations;
use changes::Whole;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};
use std::path::{Path, PathBuf};

/// What `register` did.
#[derive(Debug)]
pub enum Registration {
    /// Position of the new registration, and the person who signed it.
    Done(u64, String),
    /// More admins must sign it.
    Waits(Box<PendingAct>),
    /// The drafts are what is registered already.
    Unchanged,
}

/// A file as it is on disk.
pub struct Draft {
    /// Its path in the home.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Draft {
    /// SHA-512 of its bytes, lower-case hex.
    pub fn sha512(&self) -> String {
        HEXLOWER.encode(&Sha512::digest(self.text.as_bytes()))
    }
}

/// Most bytes of a playbook or of glass.toml.
pub(super) const LONGEST: usize = 1 << 20;

/// Registers the drafts; what is refused is recorded.
pub fn register(context: &Context, key: Option<&Path>) -> Result<Registration, Failure> {
    let mut person = None;
    attempt(context, key, &mut person).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb: "register",
                cause: failure.cause,
                person: person.clone(),
                by: context.by(),
                scope: None,
            });
        }
    })
}

fn attempt(context: &Context, key: Option<&Path>, who: &mut Option<String>) -> Result<Registration, Failure> {
    let mut terminal = Terminal::open()?;
    let mut ledger = context.ledger_to_open()?;
    let head = ledger.check_head()?;
    let drafts = read_drafts(context)?;
    let (settings, playbooks) = parse(&drafts)?;
    judge(&ledger, &settings)?;
    let attestations = read_attestations(context, &settings)?;
    let whole = Whole { drafts, attestations, settings, playbooks };

    let registrars = ledger.registrars()?;
    let now = clock::now()?;
    let (person, key) = find_person(context, key, &registrars.roster, Touch::Off, &now, who)?;
    let circle = registrars.circle(now.wall);
    let common = common(&ledger, &head, &person, &now)?;
    let authorization =
        policy::authorize_registration(&circle, &whole.files(), registrars.previous, &common)?;
    let registered = ledger.registered()?;
    whole.judge(registered.as_ref(), &now)?;

    let changes = whole.changes(registered.as_ref());
    // After a recovery the same files can be registered again: it ends the exception.
    let is_latest = registered.as_ref().is_some_and(|last| last.seq() == registrars.previous);
    if changes.is_empty() && is_latest {
        return Ok(Registration::Unchanged);
    }
    for line in &changes {
        terminal.say(line)?;
    }
    whole.warn(&mut terminal, &ledger, &now)?;
    terminal.say(&format!("{person} registers {} as shown above.", plural(whole.files().len(), "file")))?;
    if circle.needed() > 1 {
        let others = circle.others(&[], Some(&person));
        say_what_waits(&mut terminal, Register::NAME, circle.needed() - 1, &others)?;
    }

    let confirmed = confirm_and_sign(&mut terminal, &key, Touch::Off, authorization)?;
    match ledger.sign_registration(&confirmed, &whole.into_bytes(), &clock::now()?)? {
        Signed::Done { seq, .. } => Ok(Registration::Done(seq, person)),
        Signed::Waits(act) => Ok(Registration::Waits(act)),
    }
}

/// A registration that waits counts only beside what was registered when it was proposed.
pub(super) fn judge_fresh(ledger: &Ledger, act: &PendingAct) -> Result<(), Failure> {
    match act.proposed.signed_u64("previous") == Some(ledger.registrars()?.previous) {
        true => Ok(()),
        false => Err(ActRefusal::Stale.into()),
    }
}

/// One more admin signs what another proposed, after the same look at it.
pub(super) fn second(desk: &mut Desk) -> Result<Signed, Failure> {
    let now = clock::now()?;
    let whole = Whole::kept(&desk.ledger.to_register(&desk.act)?)?;
    let registered = desk.ledger.registered()?;
    whole.judge(registered.as_ref(), &now)?;
    let authorization = desk.authorize::<Register>()?;
    if let Some(terminal) = &mut desk.terminal {
        for line in whole.changes(registered.as_ref()) {
            terminal.say(&line)?;
        }
        whole.warn(terminal, &desk.ledger, &now)?;
        let files = plural(whole.files().len(), "file");
        terminal.say(&format!("{} registers {files} as shown above.", desk.act.person()))?;
    }
    let confirmed = desk.confirm(authorization)?;
    Ok(desk.ledger.sign_registration(&confirmed, &[], &clock::now()?)?)
}

/// `glass.toml` and `playbooks/*.toml`, settings first; refused where others may write them.
pub fn read_drafts(context: &Context) -> Result<Vec<Draft>, Failure> {
    let mut drafts = vec![read_draft(context, &context.home.settings(), SETTINGS.to_owned())?];
    for path in playbook_files(context)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        drafts.push(read_draft(context, &path, format!("playbooks/{name}"))?);
    }
    Ok(drafts)
}

/// The playbook drafts, sorted by name.
pub fn playbook_files(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let directory = context.home.playbooks();
    let unreadable = |error: std::io::Error| {
        Failure::new(Kind::Failed, format!("{}: {error}", escape(&directory.to_string_lossy())))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_draft(context: &Context, path: &Path, name: String) -> Result<Draft, Failure> {
    let bytes = context.trust.read(path, LONGEST)?.strict().map_err(distrusted)?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::new(Kind::Usage, format!("{}: {error}", escape(&name))))?;
    Ok(Draft { path: name, text })
}

fn parse(drafts: &[Draft]) -> Result<(Settings, Vec<Playbook>), Failure> {
    let (settings, playbooks) =
        drafts.split_first().ok_or_else(|| Failure::new(Kind::Usage, "there is no glass.toml"))?;
    let settings = Settings::parse(&settings.path, &settings.text)?;
    let playbooks = playbooks
        .iter()
        .map(|draft| Playbook::parse(&draft.path, &draft.text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = playbooks.iter().map(|playbook| playbook.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::new(Kind::Usage, format!("two playbooks are named `{}`", pair[0])));
    }
    Ok((settings, playbooks))
}

fn judge(ledger: &Ledger, settings: &Settings) -> Result<(), Failure> {
    let unsupported = settings.unsupported();
    if !unsupported.is_empty() {
        let what = unsupported.join(", ");
        return Err(Failure::new(
            Kind::Refused,
            format!("glass.toml uses what is not supported yet: {what}"),
        )
        .hint("remove it, and register again")
        .cause("not-supported-yet"));
    }
    if settings.origin != ledger.genesis().origin {
        return Err(Failure::new(
            Kind::Refused,
            format!("`origin` is {}, but this ledger is {}", settings.origin, ledger.genesis().origin),
        )
        .hint("the origin is fixed when a ledger is made: put it back as it was")
        .cause("other-origin"));
    }
    Ok(())
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}
