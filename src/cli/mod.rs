//! argv in, exit code out. Each verb is read here, done by its use case, and shown.

mod act;
mod approval;
mod args;
mod closing;
mod completions;
mod doctor;
mod exit;
mod granted;
mod ledger;
mod man;
mod opening;
mod playbook;
mod review;
mod screen;
mod session;
mod sessions;
mod status;

use crate::core::text::escape;
use crate::ports::config::{Environment, Home};
use crate::ports::{belongings, effect, pseudoterminal};
use crate::usecases::closing::watchdog;
use crate::usecases::context::Context;
use crate::usecases::demo;
use crate::usecases::extension;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::outside;
use crate::usecases::review::Wish;
use crate::usecases::session::run;
use anyhow::Context as _;
use args::{Args, Format, Verb};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs glass with this command line.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    if args.get(1).is_some_and(|first| first == effect::SPAWN) {
        return effect::become_command();
    }
    if args.get(1).is_some_and(|first| first == effect::session::KEEPER) {
        return effect::session::become_keeper();
    }
    if args.get(1).is_some_and(|first| first == effect::session::COMMAND) {
        return effect::session::become_session_command();
    }
    if args.get(1).is_some_and(|first| first == belongings::AS_PERSON) {
        return belongings::become_person();
    }
    if args.get(1).is_some_and(|first| first == belongings::KEYGEN) {
        return belongings::become_keygen(args.into_iter().skip(2));
    }
    if args.get(1).is_some_and(|first| first == pseudoterminal::ON_TERMINAL) {
        return pseudoterminal::become_program(args.into_iter().skip(2));
    }
    std::panic::set_hook(Box::new(|panic| {
        // The payload may hold anything, a secret too: only the place is told.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        screen::error(&format!(
            "glass: a bug at {place}; what was recorded stands, and `glass expire` closes what is due"
        ));
    }));
    let typed = args.clone();
    let code = std::panic::catch_unwind(|| run(args)).unwrap_or_else(|_| own(&typed, exit::BUG));
    ExitCode::from(code)
}

fn run(typed: Vec<OsString>) -> u8 {
    let args = match Args::try_parse_from(&typed) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            screen::error(usage(&typed, &error).trim_end());
            return own(&typed, exit::USAGE);
        }
        Err(help) => {
            screen::data(&help.render().to_string());
            return exit::DONE;
        }
    };
    if args.quiet {
        screen::be_quiet();
    }
    screen::set_color(args.color);
    match dispatch(args) {
        Ok(exit::DONE) if screen::is_incomplete() => exit::code(Kind::Failed),
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<Failure>() {
            Some(failure) => {
                show(failure);
                own(&typed, exit::code(failure.kind))
            }
            None => {
                screen::error(&format!("{} {error:#}", screen::alarm("glass:")));
                own(&typed, exit::code(Kind::Failed))
            }
        },
    }
}

/// The code of a failure of glass's own: where a session was asked for, one that can't be taken
/// for its command's.
fn own(typed: &[OsString], code: u8) -> u8 {
    let known = Args::command().ignore_errors(true).try_get_matches_from(typed);
    let verb = known.ok().and_then(|known| known.subcommand_name().map(str::to_owned));
    match verb.as_deref() {
        Some("exec" | "shell") => run::NOT_THE_COMMANDS,
        _ => code,
    }
}

/// What is wrong with the command line. clap repeats arguments as they are: what it says of
/// the same arguments made inert can be shown (P10).
fn usage(args: &[OsString], error: &clap::Error) -> String {
    let inert = args.iter().map(|arg| escape(&arg.to_string_lossy()));
    match Args::try_parse_from(inert) {
        Err(same) if same.use_stderr() => same.render().to_string(),
        _ => escape(&error.render().to_string()),
    }
}

/// What, and the next thing to type.
fn show(failure: &Failure) {
    screen::error(&format!("{} {}", screen::alarm("glass:"), failure.what));
    if let Some(hint) = &failure.hint {
        screen::error(&format!("  next: {hint}"));
    }
}

fn dispatch(args: Args) -> anyhow::Result<u8> {
    effect::bar_core_dumps().context("core dumps can't be barred")?;
    let format = format(&args)?;
    let environment = Environment::read();
    let flag = args.home.as_deref();
    let verbose = args.verbose > 0;
    let find = |environment| {
        let context = Context::find(flag, environment, screen::talk)?;
        if verbose {
            screen::talk(&format!("home: {}", escape(&context.home.state().to_string_lossy())));
        }
        Ok::<_, Failure>(context)
    };
    match args.verb {
        Verb::Init { person, key, recover: false } => opening::init(flag, &environment, &person, &key),
        Verb::Init { person, key, recover: true } => opening::recover(&find(environment)?, &person, &key),
        Verb::Playbook { verb } => playbook::run(verb, flag, environment, format),
        Verb::Register { hotfix: true, key } => act::hotfix(&find(environment)?, key.as_deref()),
        Verb::Register { hotfix: false, key } => opening::register(&find(environment)?, key.as_deref()),
        Verb::Approve { id, key, signature } => {
            approval::approve(&find(environment)?, &id, key.as_deref(), signature.as_deref())
        }
        Verb::Deny { grant, key } => approval::deny(&find(environment)?, &grant, key.as_deref()),
        Verb::Withdraw { grant, key } => approval::withdraw(&find(environment)?, &grant, key.as_deref()),
        Verb::Request { verb } => approval::request(&find(environment)?, &verb),
        Verb::Record { scope, from, to, reason, key } => {
            act::record(&find(environment)?, &outside::Wish { scope, from, to, reason, key })
        }
        Verb::Activate { scope, incident, reason, length, drill, r#override, resume, key, receipt } => {
            let overriding = r#override;
            let wish = crate::usecases::activation::Wish {
                scope,
                incident,
                reason,
                length,
                drill,
                overriding,
                resume,
                key,
                receipt,
            };
            opening::activate(&find(environment)?, &wish)
        }
        Verb::Status { grant, all, watch, check } => {
            let context = find(environment)?;
            let which = status::which(grant, all);
            if watch {
                status::watch(&context, &which, format)
            } else {
                status::run(&context, &which, check, format)
            }
        }
        Verb::Review { grant, list, verdict, note, incident, key } => {
            let context = find(environment)?;
            match grant {
                _ if list => review::list(&context, format),
                None => review::queue(&context, key.as_deref(), format),
                Some(grant) => {
                    let grant = grant.to_string();
                    review::run(&context, Wish { grant, verdict, note, incident, key }, format)
                }
            }
        }
        Verb::Exec { grant, command } => Ok(session::run(find(environment), &run::Wish { grant, command })),
        Verb::Shell { grant } => {
            Ok(session::run(find(environment), &run::Wish { grant, command: Vec::new() }))
        }
        Verb::Extend { grant, length, key } => {
            granted::extend(&find(environment)?, &extension::Wish { grant, length, key })
        }
        Verb::Revoke { grant, key, .. } => closing::revoke(&find(environment)?, grant, key.as_deref()),
        Verb::Attest { grant, key } => closing::attest(&find(environment)?, &grant, key.as_deref()),
        Verb::Expire { dry_run } => closing::expire(&find(environment)?, dry_run),
        Verb::Sessions { verb } => sessions::run(&find(environment)?, verb, format),
        Verb::Ledger { verb } => ledger::run(&find(environment)?, verb, format),
        Verb::Doctor { print } => doctor::run(print.map(doctor::part)),
        // A watchdog closes by what it finds in the directory that it is given, with all its
        // rights: nobody may have sudo start one.
        Verb::Watchdog { .. } if environment.sudo.is_some() => {
            Err(Failure::new(Kind::Refused, "a watchdog is not started under sudo").into())
        }
        Verb::Completions { shell, all } => completions::run(shell, all.as_deref(), &environment),
        Verb::Man { directory } => man::run(directory.as_deref(), &environment),
        Verb::Complete { words } => Ok(completions::complete(&words, environment)),
        Verb::Demo { keep } => {
            demo::demo(&environment, keep.as_deref(), screen::data)?;
            Ok(exit::DONE)
        }
        Verb::Watchdog { config, state, grant } => {
            let context = Context::at(Home::at(config, state), environment, screen::talk)?;
            watchdog::watch(&context, &grant)?;
            Ok(exit::DONE)
        }
    }
}

/// The format asked for, if the verb takes it.
fn format(args: &Args) -> Result<Format, Failure> {
    let taken = args.verb.formats();
    match args.format {
        None => Ok(taken[0]),
        Some(format) if taken.contains(&format) => Ok(format),
        Some(_) => {
            let names: Vec<String> =
                taken.iter().map(|format| format!("{format:?}").to_lowercase()).collect();
            Err(Failure::new(Kind::Usage, "this verb can't be shown in that format")
                .hint(format!("use --format {}", names.join(" or "))))
        }
    }
}
