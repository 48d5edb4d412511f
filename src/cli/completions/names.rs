//! `__complete`: the scopes, grants or sessions that a half-typed word may become.
//!
//! It reads, never fails, and says nothing but names: no home, no right to read it or a broken
//! ledger means no names. A name holds only letters, digits, `-` and `/`: no shell is at risk.

use super::super::args::Args;
use super::super::{exit, screen};
use crate::core::id::GrantId;
use crate::core::text::escape;
use crate::ports::config::Environment;
use crate::ports::ledger::Which;
use crate::usecases::context::Context;
use crate::usecases::failure::Failure;
use crate::usecases::playbooks;
use crate::usecases::session::recording;
use clap::{Arg, Command};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

/// What an argument names, by the word that its help has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Scope,
    Grant,
    Session,
}

impl Named {
    fn by(arg: &Arg) -> Option<Self> {
        match arg.get_value_names()?.first()?.as_str() {
            "SCOPE" => Some(Self::Scope),
            "GRANT" => Some(Self::Grant),
            "SESSION" => Some(Self::Session),
            _ => None,
        }
    }
}

/// Prints `NAME<TAB>WHAT IT IS` for each name that the last word may become, given the words
/// before it; the first word is the one after `glass`.
pub(in crate::cli) fn complete(words: &[OsString], environment: Environment) -> u8 {
    let Some((last, before)) = words.split_last() else { return exit::DONE };
    // bash cuts `--grant=g-` into three words.
    let typed = last.to_str().map(|last| last.strip_prefix('=').unwrap_or(last));
    let (named, home) = place(&Args::visible(), before);
    let (Some(typed), Some(named)) = (typed, named) else { return exit::DONE };
    let found = Context::find(home.as_deref(), environment, |_| ()).and_then(|context| match named {
        Named::Scope => scopes(&context, typed),
        Named::Grant => grants(&context, typed),
        Named::Session => sessions(&context, typed),
    });
    for (name, what) in found.unwrap_or_default() {
        screen::data(&format!("{name}\t{}\n", escape(&what)));
    }
    exit::DONE
}

/// What the word after these ones names, and the home that they choose.
fn place(tree: &Command, words: &[OsString]) -> (Option<Named>, Option<PathBuf>) {
    let mut tree = tree.clone();
    // Hands the global options down.
    tree.build();
    let (mut verb, mut position, mut home) = (&tree, 0, None);
    let mut words = words.iter().filter(|word| *word != "=");
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            return (None, home); // what follows is another program's
        } else if let Some(option) = text.strip_prefix("--") {
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let Some(arg) = verb.get_arguments().find(|arg| arg.get_long() == Some(name)) else { continue };
            if !arg.get_action().takes_values() {
                continue;
            }
            let Some(value) = value.map(OsString::from).or_else(|| words.next().cloned()) else {
                return (Named::by(arg), home);
            };
            if name == "home" {
                home = Some(value.into());
            }
        } else if text.starts_with('-') {
            // Short options take no values.
        } else if let Some(below) = verb.find_subcommand(text.as_ref()) {
            (verb, position) = (below, 0);
        } else {
            position += 1;
        }
    }
    (verb.get_positionals().nth(position).and_then(Named::by), home)
}

/// The long options whose values are scopes or grants.
pub(super) fn options(tree: &Command) -> BTreeSet<String> {
    let own = tree.get_opts().filter(|arg| Named::by(arg).is_some()).filter_map(Arg::get_long);
    let below = tree.get_subcommands().flat_map(options);
    own.map(str::to_owned).chain(below).collect()
}

/// The registered scopes by address; where no address fits, by the bare name that is unique.
fn scopes(context: &Context, typed: &str) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<_> =
        playbooks::list(context)?.into_iter().map(|listed| (listed.scope, listed.title)).collect();
    let by_address: Vec<_> = all.iter().filter(|(address, _)| address.starts_with(typed)).cloned().collect();
    if !by_address.is_empty() {
        return Ok(by_address);
    }
    let bare = |address: &str| address.rsplit('/').next().unwrap_or_default().to_owned();
    let is_unique = |name: &str| all.iter().filter(|(address, _)| bare(address) == name).count() == 1;
    let by_name = all.iter().map(|(address, title)| (bare(address), title.clone()));
    Ok(by_name.filter(|(name, _)| name.starts_with(typed) && is_unique(name)).collect())
}

/// The grants that are open or owe something.
fn grants(context: &Context, typed: &str) -> Result<Vec<(String, String)>, Failure> {
    let rows = context.ledger_to_read()?.grants(&Which::Current)?;
    // Someone may have edited the rows.
    let fit = rows.into_iter().filter(|row| row.id.starts_with(typed) && row.id.parse::<GrantId>().is_ok());
    Ok(fit.map(|row| (row.id, format!("{}, {}, {}", row.scope, row.state, row.person))).collect())
}

/// The sessions that can be played.
fn sessions(context: &Context, typed: &str) -> Result<Vec<(String, String)>, Failure> {
    let all = recording::all(context)?.into_iter().map(|session| session.to_string());
    Ok(all.filter(|session| session.starts_with(typed)).map(|session| (session, "recorded".into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(line: &str) -> (Option<Named>, Option<PathBuf>) {
        place(&Args::visible(), &line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_place_of_a_word_says_what_it_names() {
        for (line, expected) in [
            ("", None),
            ("activate", Some(Named::Scope)),
            ("--home /h -v activate", Some(Named::Scope)),
            ("activate --reason status --for 1h", Some(Named::Scope)),
            ("activate --reason", None),
            ("activate front", None),
            ("playbook", None),
            ("playbook show", Some(Named::Scope)),
            ("playbook show --card", Some(Named::Scope)),
            ("playbook lint", None),
            ("status", Some(Named::Grant)),
            ("status --format json", Some(Named::Grant)),
            ("status --format", None),
            ("status g-aaaaaaaaaa", None),
            ("sessions list", Some(Named::Grant)),
            ("revoke --", None),
            ("ledger log", None),
            ("ledger log --grant", Some(Named::Grant)),
            ("ledger log --grant =", Some(Named::Grant)),
            ("ledger log --grant=g-aaaaaaaaaa", None),
            ("sessions", None),
            ("sessions play", Some(Named::Session)),
            ("sessions play --speed 2", Some(Named::Session)),
            ("sessions play --search", None),
            ("sessions export s-aaaaaaaaaa", None),
            ("frobnicate", None),
            ("__watchdog a b", None),
        ] {
            assert_eq!(named(line).0, expected, "{line}");
        }
    }

    #[test]
    fn the_home_is_the_one_that_the_words_choose() {
        for line in ["--home /h status", "status --home=/h", "status --home = /h", "status --home /h -q"] {
            assert_eq!(named(line), (Some(Named::Grant), Some("/h".into())), "{line}");
        }
        assert_eq!(named("status --home"), (None, None));
    }
}
