//! `man`: pages made of the same tree that parses the command line.

use super::args::Args;
use super::{completions, exit, screen};
use crate::ports::config::Environment;
use clap::Command;
use clap_mangen::Man;
use std::path::Path;

/// What clap does not know of: exit codes, variables, files.
const ENDING: &str = include_str!("man.roff");

pub(super) fn run(directory: Option<&Path>, environment: &Environment) -> anyhow::Result<u8> {
    let mut tree = Args::visible();
    tree.build();
    match directory {
        None => screen::data(&String::from_utf8_lossy(&page(&tree)?)),
        Some(directory) => {
            let mut pages = Vec::new();
            gather(&tree, &mut pages)?;
            completions::write(directory, environment, pages.into_iter())?;
        }
    }
    Ok(exit::DONE)
}

/// The page of a verb, then those of the verbs below it.
fn gather(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    pages.push((Man::new(command.clone()).get_filename(), page(command)?));
    command.get_subcommands().try_for_each(|below| gather(below, pages))
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).source(concat!("glass ", env!("CARGO_PKG_VERSION")));
    // No date, so that the same source makes the same page; quoted, as a missing one shifts the rest.
    man.date("\"\"").render(&mut page)?;
    if command.get_name() == "glass" {
        page.extend(ENDING.as_bytes());
    }
    Ok(page)
}
