//! `completions`: what makes shells complete glass's words.
//!
//! `clap_complete` knows the verbs and options. Scopes and grants are read from the ledger by
//! `glass __complete`, which a few lines for bash, zsh and fish call: its own way to ask the
//! program (`unstable-dynamic`) may change with any release, and would sit in what people trust.

mod names;

pub(super) use names::complete;

use super::args::Args;
use super::{exit, screen};
use crate::core::text::escape;
use crate::ports::config::Environment;
use crate::usecases::failure::{Failure, Kind};
use anyhow::Context as _;
use clap::ValueEnum;
use clap_complete::{Generator, Shell};
use std::path::Path;

pub(super) fn run(shell: Option<Shell>, all: Option<&Path>, environment: &Environment) -> anyhow::Result<u8> {
    if let Some(shell) = shell {
        screen::data(&script(shell));
    }
    if let Some(directory) = all {
        let scripts = Shell::value_variants().iter();
        write(
            directory,
            environment,
            scripts.map(|shell| (shell.file_name("glass"), script(*shell).into())),
        )?;
    }
    Ok(exit::DONE)
}

/// The whole of a shell's completions.
fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Args::visible(), "glass", &mut bytes);
    let words = String::from_utf8_lossy(&bytes);
    match shell {
        Shell::Bash => format!("{words}\n{}", include_str!("hook.bash")),
        Shell::Fish => {
            let hook = include_str!("hook.fish");
            // To fish the value of an option is a matter of that option alone.
            let options = names::options(&Args::visible()).into_iter().map(|option| {
                format!("complete -c glass -n __glass_finds_names -l {option} -x -a '$__glass_names'\n")
            });
            format!("{words}\n{hook}{}", options.collect::<String>())
        }
        Shell::Zsh => {
            // The last lines call `_glass` when it is first loaded, which the hook is to do.
            let body = words.rsplit_once("\nif [ ").map_or(&*words, |(body, _)| body);
            format!("{body}\n{}", include_str!("hook.zsh"))
        }
        _ => words.into_owned(),
    }
}

/// Writes generated files, over those that stand there.
pub(super) fn write(
    directory: &Path,
    environment: &Environment,
    files: impl Iterator<Item = (String, Vec<u8>)>,
) -> anyhow::Result<()> {
    if environment.sudo.is_some() {
        // A link in a directory of the caller's choice would let root overwrite anything.
        let failure = Failure::new(Kind::Refused, "under sudo glass writes no files for others");
        return Err(failure.hint("run it without sudo, and copy the files").into());
    }
    for (name, bytes) in files {
        let path = directory.join(name);
        std::fs::write(&path, bytes)
            .with_context(|| format!("can't write {}", escape(&path.to_string_lossy())))?;
    }
    Ok(())
}
