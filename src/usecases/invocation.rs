//! From a filled command to one that can be run: programs and files are looked up and judged.

use crate::core::command::{EnvValue, FilledCommand};
use crate::core::playbook::placeholder::Placeholder;
use crate::core::playbook::step::Given;
use crate::core::text::escape;
use crate::ports::config::Judged;
use crate::ports::effect::{Invocation, Stdin};
use crate::usecases::context::Context;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// How much a bad mode matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Opening refuses it.
    Strict,
    /// Closing warns and goes on.
    Lenient,
}

/// Why a command can't be started at all. Nothing was run.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct NotReady {
    /// What is wrong, inert.
    pub what: String,
    /// Whether it is a matter of who may write a file.
    pub distrusted: bool,
}

/// A command that can be run.
pub(super) struct Ready {
    /// All that the effect room needs.
    pub invocation: Invocation,
    /// The secrets among its variables, to be masked in what it says.
    pub secrets: Vec<SecretString>,
}

/// Resolves a command.
pub(super) fn ready(
    context: &Context,
    command: &FilledCommand,
    stdin: Stdin,
    judgement: Judgement,
) -> Result<Ready, NotReady> {
    let (name, args) = command.run.split_first().ok_or_else(|| not_ready("the command is empty"))?;
    let program = judge(context, context.trust.program(name).map_err(not_ready)?, judgement)?;
    let (mut env, mut secrets) = (BTreeMap::new(), Vec::new());
    for (variable, value) in &command.env {
        let value = match value {
            EnvValue::Text(text) => SecretString::from(text.clone()),
            EnvValue::File(path) => {
                let secret = judge(context, context.trust.secret(path).map_err(not_ready)?, judgement)?;
                let text = std::str::from_utf8(secret.expose_secret())
                    .map_err(|_| not_ready(format!("{} is not UTF-8", escape(&path.to_string_lossy()))))?;
                secrets.push(SecretString::from(text.to_owned()));
                SecretString::from(text.to_owned())
            }
        };
        env.insert(variable.clone(), value);
    }
    let invocation = Invocation {
        program: program.path().to_owned(),
        args: args.to_vec(),
        env,
        stdin,
        run_as: command.run_as.clone(),
        timeout: Duration::from_secs(command.timeout_s),
    };
    Ok(Ready { invocation, secrets })
}

/// Most bytes that a command is given to read.
const STDIN_MOST: usize = 16 << 20;

/// What a command reads: a filled text, or a file.
pub(super) fn stdin_of(
    context: &Context,
    given: Option<&Given>,
    lookup: impl Fn(&Placeholder) -> Option<Zeroizing<String>>,
    judgement: Judgement,
) -> Result<Stdin, NotReady> {
    match given {
        None => Ok(Stdin::Empty),
        Some(Given::Text(template)) => {
            let text =
                template.fill(lookup).map_err(|missing| not_ready(format!("{missing} has no value")))?;
            Ok(Stdin::Bytes(Zeroizing::new(text.as_bytes().to_vec())))
        }
        Some(Given::File(path)) => {
            let judged = context.trust.read(path, STDIN_MOST).map_err(not_ready)?;
            Ok(Stdin::Bytes(Zeroizing::new(judge(context, judged, judgement)?)))
        }
    }
}

fn judge<T>(context: &Context, judged: Judged<T>, judgement: Judgement) -> Result<T, NotReady> {
    match judgement {
        Judgement::Strict => {
            judged.strict().map_err(|distrust| NotReady { what: distrust.to_string(), distrusted: true })
        }
        Judgement::Lenient => Ok(context.despite(judged)),
    }
}

fn not_ready(what: impl ToString) -> NotReady {
    NotReady { what: what.to_string(), distrusted: false }
}
