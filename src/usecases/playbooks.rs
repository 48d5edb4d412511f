//! `playbook list / show / lint`: reading playbooks; opens and records nothing.

use crate::core::moment::Moment;
use crate::core::playbook::lint;
use crate::core::playbook::{Playbook, card};
use crate::core::settings::Settings;
use crate::core::source::Faults;
use crate::core::text::escape;
use crate::ports::belongings::Belongings;
use crate::ports::clock;
use crate::ports::config::Environment;
use crate::ports::ledger::{Ledger, NoSuchScope, Registered};
use crate::reading::drills::Freshness;
use crate::reading::playbooks::{Linted, Listed};
use crate::usecases::context::{Context, belongings};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::registration::{LONGEST, playbook_files};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The registered scopes.
pub fn list(context: &Context) -> Result<Vec<Listed>, Failure> {
    let ledger = context.ledger_to_read()?;
    let registered = ledger.registered()?;
    let fresh = freshness(&ledger, registered.as_ref())?;
    let drill = |address: &str| fresh.iter().find(|fresh| fresh.scope == address).cloned();
    let now = clock::now()?.wall;
    let Some(registered) = &registered else { return Ok(Vec::new()) };
    let playbooks = registered.playbooks().iter().map(|file| &file.playbook);
    Ok(playbooks
        .flat_map(|playbook| playbook.scopes.iter().map(move |scope| (playbook, scope)))
        .map(|(playbook, scope)| Listed {
            drill: drill(&playbook.address(scope)),
            warnings: lint::tonight(playbook, scope, registered.roster(), now),
            scope: playbook.address(scope),
            title: scope.title.to_string(),
            risk: scope.risk.as_str(),
            activate: scope.activate.iter().map(ToString::to_string).collect(),
            default: scope.duration.default.to_string(),
            max: scope.duration.max.to_string(),
            unsupported: scope.unsupported(),
        })
        .collect())
}

/// The scopes that must be rehearsed, and when they last were.
pub fn drills(context: &Context) -> Result<Vec<Freshness>, Failure> {
    let ledger = context.ledger_to_read()?;
    freshness(&ledger, ledger.registered()?.as_ref())
}

fn freshness(ledger: &Ledger, registered: Option<&Registered>) -> Result<Vec<Freshness>, Failure> {
    let files = registered.into_iter().flat_map(Registered::playbooks);
    let scopes = files.flat_map(|file| file.playbook.scopes.iter().map(|scope| (&file.playbook, scope)));
    let mut fresh = Vec::new();
    for (playbook, scope) in scopes {
        if let Some(every) = scope.drill_every {
            let scope = playbook.address(scope);
            fresh.push(Freshness { last_at: ledger.last_drill(&scope)?, scope, every });
        }
    }
    Ok(fresh)
}

/// What a registered scope says: a summary, or the card to print beforehand.
///
/// Where the ledger can't be read, the drafts are shown: the card is for that very hour.
pub fn show(context: &Context, wanted: &str, as_card: bool) -> Result<String, Failure> {
    let sheet = if as_card { card::card } else { card::summary };
    match context.ledger_to_read().and_then(|ledger| Ok(ledger.registered()?)) {
        Ok(Some(registered)) => match registered.scope(wanted) {
            Ok((file, scope)) => {
                let roster = registered.roster();
                let warnings = lint::tonight(&file.playbook, scope, roster, clock::now()?.wall);
                let mut text = sheet(&file.playbook, scope);
                for warning in warnings.iter().map(|warning| escape(&warning.to_string())) {
                    match as_card {
                        // It is printed for another night.
                        true => (context.talk)(&format!("WARNING: {warning}")),
                        false => text += &format!("WARNING {warning}\n"),
                    }
                }
                Ok(text)
            }
            Err(NoSuchScope::Unknown(names) | NoSuchScope::Ambiguous(names)) => {
                let wanted = escape(wanted);
                Err(Failure::new(
                    Kind::Refused,
                    format!("`{wanted}` is not the name of one registered scope"),
                )
                .hint(format!("registered are: {}", names.join(", "))))
            }
        },
        Ok(None) => show_draft(context, wanted, sheet, "nothing is registered yet"),
        Err(failure) => show_draft(context, wanted, sheet, &failure.to_string()),
    }
}

fn show_draft(
    context: &Context,
    wanted: &str,
    sheet: fn(&Playbook, &crate::core::playbook::Scope) -> String,
    why: &str,
) -> Result<String, Failure> {
    (context.talk)(&format!("WARNING: {why}; this is the draft on disk, which nobody signed"));
    for path in playbook_files(context)? {
        let Ok(playbook) = read(&Belongings::of(None), &path)? else { continue };
        let found =
            playbook.scopes.iter().find(|scope| scope.name == wanted || playbook.address(scope) == wanted);
        if let Some(scope) = found {
            return Ok(sheet(&playbook, scope));
        }
    }
    Err(Failure::new(Kind::Refused, format!("no draft has a scope `{}`", escape(wanted))))
}

/// Lints files; with none named, the drafts of the home. Needs no home where files are named.
pub fn lint(
    flag: Option<&Path>,
    environment: Environment,
    files: &[PathBuf],
    talk: fn(&str),
) -> Result<Vec<Linted>, Failure> {
    // What a person names is theirs; the drafts are the home's.
    let is_named = !files.is_empty();
    let (owner, is_under_sudo) = match is_named {
        true => (belongings(&environment), environment.sudo.is_some()),
        false => (Belongings::of(None), false),
    };
    let context = Context::find(flag, environment, talk);
    let settings = context.as_ref().ok().and_then(|context| {
        let text = std::fs::read_to_string(context.home.settings()).ok()?;
        Settings::parse("glass.toml", &text).ok()
    });
    let drafts;
    let files = if is_named {
        files
    } else {
        drafts = playbook_files(&context?)?;
        &drafts
    };
    let now = clock::now()?;
    files
        .iter()
        .map(|path| {
            let file = escape(&path.to_string_lossy());
            Ok(match read(&owner, path)? {
                Err(faults) => {
                    Linted { file, faults: Some(faults), warnings: Vec::new(), unsupported: Vec::new() }
                }
                Ok(playbook) => {
                    // Anyone can write a playbook that names any file: root tells them nothing of it.
                    let age = |path: &Path| (!is_under_sudo).then(|| secret_age(path, &now)).flatten();
                    let warnings = lint::warnings(&playbook, settings.as_ref(), now.wall, age);
                    let unsupported = playbook.scopes.iter().filter_map(|scope| {
                        let what = scope.unsupported();
                        (!what.is_empty()).then(|| {
                            format!("{}: not supported yet: {}", playbook.address(scope), what.join(", "))
                        })
                    });
                    Linted { file, faults: None, unsupported: unsupported.collect(), warnings }
                }
            })
        })
        .collect()
}

fn read(owner: &Belongings, path: &Path) -> Result<Result<Playbook, Faults>, Failure> {
    let name = path.to_string_lossy();
    let unreadable = |why: String| Failure::new(Kind::Usage, format!("can't read {}: {why}", escape(&name)));
    let bytes = owner.read(path, LONGEST).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("it is not UTF-8".into()))?;
    Ok(Playbook::parse(&name, &text))
}

/// How long ago a file was written; `None` where that can't be told.
pub(crate) fn secret_age(path: &Path, now: &Moment) -> Option<Duration> {
    let modified = chrono::DateTime::<chrono::Utc>::from(std::fs::metadata(path).ok()?.modified().ok()?);
    (now.wall - modified).to_std().ok()
}
