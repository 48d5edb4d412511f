//! Reads commands, checks, proofs and what a command finds around it.

use crate::core::duration::Seconds;
use crate::core::playbook::placeholder::{Part, Template};
use crate::core::playbook::read::scene::Scene;
use crate::core::playbook::step::{Check, Command, Given, Run, Surroundings};
use crate::core::proof::Match;
use crate::core::source::reader::{Read, Table, Value};
use crate::core::source::values::{absolute_path, os_user, seconds};

/// How long a command may take where the playbook is silent.
const TIMEOUT: Seconds = Seconds::new(30);

/// What every command gets: `env` may not change it.
const FIXED_ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// An argument vector.
pub(super) fn run(value: Value<'_>, scene: Scene<'_>) -> Read<Run> {
    if !value.is_list() {
        let hint =
            "write each argument by itself, like [\"/usr/bin/touch\", \"/run/file\"]; no shell reads it";
        return Err(value.fault_hint("a command is a list of arguments", hint));
    }
    let mut program = Ok(());
    let mut first = true;
    let run = value.list(|argument| {
        let template = scene.template(argument)?;
        if std::mem::take(&mut first) {
            program = check_program(argument, &template);
        }
        Ok(template)
    })?;
    program?;
    match run.is_empty() {
        true => Err(value.fault("a command needs a program")),
        false => Ok(run),
    }
}

fn check_program(value: Value<'_>, template: &Template) -> Read<()> {
    let [Part::Text(program)] = template.parts() else {
        return Err(value.fault("the program must be written out: no placeholder, not empty"));
    };
    if program.contains('/') && !program.starts_with('/') {
        let message = format!("program `{program}` must be an absolute path or a bare name");
        return Err(value.fault(&message));
    }
    if program.contains(char::is_whitespace) {
        let hint = "write each argument by itself: [\"program\", \"argument\"]";
        return Err(value.fault_hint("a program's name holds no white space", hint));
    }
    Ok(())
}

/// An argument vector, or a table with `run` and `already`.
pub(super) fn command(value: Value<'_>, scene: Scene<'_>) -> Read<Command> {
    if !value.is_table() {
        return run(value, scene).map(|run| Command { run, already: None });
    }
    value.table(|table| {
        let run = table.required("run", |value| run(value, scene));
        let already = table.optional("already", proof);
        Ok(Command { run: run?, already: already? })
    })
}

/// `grant`: a command, and what proves that it opened nothing.
pub(super) fn grant(value: Value<'_>, scene: Scene<'_>) -> Read<(Command, Option<Match>)> {
    if !value.is_table() {
        return Ok((command(value, scene)?, None));
    }
    value.table(|table| {
        let run = table.required("run", |value| run(value, scene));
        let already = table.optional("already", proof);
        let refused = table.optional("refused", proof);
        Ok((Command { run: run?, already: already? }, refused?))
    })
}

/// A check with both of its proofs.
pub(super) fn check(value: Value<'_>, scene: Scene<'_>) -> Read<Check> {
    let (run, open, closed) = two_proofs(value, scene, "open", "closed")?;
    Ok(Check { run, open, closed })
}

/// A command and two proofs of opposite states.
pub(super) fn two_proofs(
    value: Value<'_>,
    scene: Scene<'_>,
    one: &'static str,
    other: &'static str,
) -> Read<(Run, Match, Match)> {
    if !value.is_table() {
        let hint = format!(
            "write {{ run = [\"…\"], {one} = {{ exit = 0 }}, {other} = {{ exit = 1, stderr = \"…\" }} }}"
        );
        let message = format!("a check says what proves `{one}` and what proves `{other}`");
        return Err(value.fault_hint(&message, &hint));
    }
    value.table(|table| {
        let run = table.required("run", |value| run(value, scene));
        let first = table.required(one, proof);
        let second = table.required(other, proof);
        let (run, first, second) = (run?, first?, second?);
        if first == second {
            let message =
                format!("`{one}` and `{other}` are the same, so this check can never prove anything");
            return Err(table.fault_at(other, &message));
        }
        Ok((run, first, second))
    })
}

/// `{ exit = 2, stderr = "…" }`.
pub(super) fn proof(value: Value<'_>) -> Read<Match> {
    value.table(|table| {
        let exit = table.optional("exit", |value| value.integer(0..=255));
        let stdout = table.optional("stdout", part_of_output);
        let stderr = table.optional("stderr", part_of_output);
        let (exit, stdout, stderr) = (exit?, stdout?, stderr?);
        if exit.is_none() && stdout.is_none() && stderr.is_none() {
            return Err(table.fault("an empty match proves nothing: give `exit`, `stdout` or `stderr`"));
        }
        let exit = exit.and_then(|code| i32::try_from(code).ok());
        Ok(Match { exit, stdout, stderr })
    })
}

fn part_of_output(value: Value<'_>) -> Read<String> {
    match value.text()? {
        "" => Err(value.fault("an empty text is part of every output, so it proves nothing")),
        text => Ok(text.to_owned()),
    }
}

/// `env`, `run-as`, `stdin`, `timeout`, for commands that all run in one scene.
pub(super) fn surroundings(table: &mut Table<'_>, scene: Scene<'_>) -> Read<Surroundings> {
    surroundings_of_step(table, scene, scene)
}

/// `env`, `run-as`, `stdin`, `timeout` of a step, whose `stdin` may hold more than its `env`.
pub(super) fn surroundings_of_step(
    table: &mut Table<'_>,
    env: Scene<'_>,
    stdin: Scene<'_>,
) -> Read<Surroundings> {
    let env = table.optional("env", |value| value.map(variable_key, |_, value| given(value, env)));
    let run_as = table.optional("run-as", os_user);
    let stdin = table.optional("stdin", |value| given(value, stdin));
    let timeout = timeout(table);
    Ok(Surroundings { env: env?.unwrap_or_default(), run_as: run_as?, stdin: stdin?, timeout: timeout? })
}

/// `timeout`, with its default.
pub(super) fn timeout(table: &mut Table<'_>) -> Read<Seconds> {
    table.or("timeout", TIMEOUT, seconds)
}

fn given(value: Value<'_>, scene: Scene<'_>) -> Read<Given> {
    match value.is_table() {
        true => value.table(|table| table.required("file", absolute_path)).map(Given::File),
        false => scene.template(value).map(Given::Text),
    }
}

fn variable_key(name: &str) -> Result<String, String> {
    if !is_variable(name) {
        return Err(format!("`{name}` is not the name of a variable: use letters, digits and `_`"));
    }
    match FIXED_ENVIRONMENT.contains(&name) {
        true => Err(format!("`{name}` is the same for every command: it can't be set here")),
        false => Ok(name.to_owned()),
    }
}

/// The name of a variable that sessions get.
pub(super) fn variable(value: Value<'_>) -> Read<String> {
    variable_key(value.text()?).map_err(|message| value.fault(&message))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
