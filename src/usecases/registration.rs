//! `register`: what may be opened, and by whom, is what an admin signed (P5).

use crate::core::playbook::{Playbook, lint};
use crate::core::policy;
use crate::core::settings::Settings;
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::ledger::{Ledger, Refusal, Registered, SETTINGS};
use crate::ports::terminal::Terminal;
use crate::usecases::context::{Context, distrusted};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign, find_key};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// What `register` did.
#[derive(Debug)]
pub enum Registration {
    /// Position of the new registration, and the person who signed it.
    Done(u64, String),
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

    let roster = ledger.roster()?;
    let key = find_key(context, key, &|key| roster.person_by_key(key).is_some())?;
    let person = roster.person_by_key(key.public()).map(|person| person.name.clone()).unwrap_or_default();
    *who = Some(person.clone());
    let now = clock::now()?;
    let files: Vec<(String, String)> =
        drafts.iter().map(|draft| (draft.path.clone(), draft.sha512())).collect();
    let authorization =
        policy::authorize_registration(&roster, &files, &common(&ledger, &head, &person, &now)?)?;

    let registered = ledger.registered()?;
    let changes = changes(registered.as_ref(), &drafts);
    if changes.is_empty() {
        return Ok(Registration::Unchanged);
    }
    for line in &changes {
        terminal.say(line)?;
    }
    for playbook in &playbooks {
        let age = |path: &Path| crate::usecases::playbooks::secret_age(path, &now);
        for warning in lint::warnings(playbook, Some(&settings), now.wall, age) {
            terminal.say(&format!("warning: {warning}"))?;
        }
    }
    terminal.say(&format!("{person} registers {} as shown above.", plural(drafts.len(), "file")))?;

    let confirmed = confirm_and_sign(&mut terminal, &key, authorization)?;
    let bytes: Vec<Vec<u8>> = drafts.into_iter().map(|draft| draft.text.into_bytes()).collect();
    let recorded = ledger.record_registration(&confirmed, &bytes, &clock::now()?)?;
    Ok(Registration::Done(recorded.seq(), person))
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

/// What differs from the last registration, as lines of a unified diff, inert.
fn changes(registered: Option<&Registered>, drafts: &[Draft]) -> Vec<String> {
    let mut lines = Vec::new();
    let before = |path: &str| {
        let file = registered.into_iter().flat_map(Registered::files).find(|file| file.path == path);
        file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
    };
    for draft in drafts {
        match before(&draft.path) {
            Some(old) if old == draft.text => {}
            old => push_diff(&mut lines, &draft.path, old.as_deref(), Some(&draft.text)),
        }
    }
    for file in registered.into_iter().flat_map(Registered::files) {
        if !drafts.iter().any(|draft| draft.path == file.path) {
            push_diff(&mut lines, &file.path, Some(&String::from_utf8_lossy(&file.bytes)), None);
        }
    }
    lines
}

fn push_diff(lines: &mut Vec<String>, path: &str, old: Option<&str>, new: Option<&str>) {
    let path = escape(path);
    let (from, to) = (old.map_or("/dev/null", |_| "registered"), new.map_or("/dev/null", |_| "to register"));
    lines.push(format!("--- {path} ({from})"));
    lines.push(format!("+++ {path} ({to})"));
    let diff = TextDiff::from_lines(old.unwrap_or_default(), new.unwrap_or_default());
    let hunks = diff.unified_diff().context_radius(3).to_string();
    lines.extend(hunks.lines().map(escape));
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}
