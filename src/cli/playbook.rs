//! `playbook list / show / lint`.

use super::args::{Format, PlaybookVerb};
use super::{exit, screen};
use crate::ports::clock;
use crate::ports::config::Environment;
use crate::reading::playbooks as reading;
use crate::usecases::context::Context;
use crate::usecases::failure::Kind;
use crate::usecases::playbooks;
use std::path::Path;

pub(super) fn run(
    verb: PlaybookVerb,
    flag: Option<&Path>,
    environment: Environment,
    format: Format,
) -> anyhow::Result<u8> {
    match verb {
        PlaybookVerb::List => {
            let now = clock::now()?.wall;
            let scopes = playbooks::list(&Context::find(flag, environment, screen::talk)?)?;
            match format {
                Format::Json => screen::json(&reading::list_to_json(&scopes, now)),
                _ => screen::data(&reading::list_to_table(&scopes, now, screen::width())),
            }
            Ok(exit::DONE)
        }
        PlaybookVerb::Show { scope, card } => {
            let context = Context::find(flag, environment, screen::talk)?;
            screen::data(&playbooks::show(&context, &scope, card)?);
            Ok(exit::DONE)
        }
        PlaybookVerb::Lint { files } => {
            let linted = playbooks::lint(flag, environment, &files, screen::talk)?;
            match format {
                Format::Json => screen::json(&reading::lint_to_json(&linted)),
                _ => screen::data(&reading::lint_to_text(&linted)),
            }
            let faulty = linted.iter().any(|file| file.faults.is_some());
            Ok(if faulty { exit::code(Kind::Usage) } else { exit::DONE })
        }
    }
}
