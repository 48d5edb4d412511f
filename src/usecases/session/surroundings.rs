//! What a session finds around it: its user, the variables that were there, the grant's outputs,
//! and nothing else.

use super::failed;
use crate::core::grant::Grant;
use crate::core::playbook::Scope;
use crate::core::playbook::output::Output;
use crate::core::playbook::step::StepKind;
use crate::core::text::escape;
use crate::ports::config::inherited;
use crate::ports::effect::RuntimeDir;
use crate::ports::effect::session::User;
use crate::ports::ledger::Ledger;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What a session's processes see.
pub(super) struct Surroundings {
    /// Whom they become; `None` for who runs glass.
    pub(super) user: Option<User>,
    /// Variables.
    pub(super) env: Vec<(OsString, SecretString)>,
    /// Those that were there and are no text.
    pub(super) odd_env: Vec<(OsString, OsString)>,
    /// What is secret of the grant, to be masked in its recording.
    pub(super) secrets: Vec<SecretString>,
}

/// Of a session under this grant.
pub(super) fn of(
    context: &Context,
    ledger: &Ledger,
    grant: &Grant,
    scope: &Scope,
    runtime: Option<PathBuf>,
) -> Result<Surroundings, Failure> {
    let user = user(context, scope)?;
    let mut variables: BTreeMap<OsString, OsString> = inherited().into_iter().collect();
    if let Some(user) = &user {
        become_theirs(&mut variables, user);
    }
    let recorded = ledger.outputs(grant)?;
    let runtime = runtime.as_deref().and_then(|of_grant| of_grant.parent());
    let runtime = runtime.map(|path| RuntimeDir::at(path, context.environment.euid));
    let (mut outputs, mut secrets) = (BTreeMap::new(), Vec::new());
    for (step, name, output) in declared(scope) {
        let gone = |why: &str| {
            Failure::new(Kind::Refused, format!("the output `{name}` of step `{step}` is gone ({why})"))
                .hint(format!(
                    "close it and open it anew: glass revoke {}, glass activate {}",
                    grant.id, grant.scope
                ))
                .cause("output-gone")
        };
        let value = if output.record {
            let value = recorded.get(&(step.to_owned(), name.to_owned()));
            SecretString::from(value.ok_or_else(|| gone("its text was removed"))?.as_str())
        } else {
            let place = match &runtime {
                Some(Ok(place)) => place,
                Some(Err(error)) => return Err(gone(&error.to_string())),
                None => return Err(gone("there is no place for it")),
            };
            let value = place.read(&grant.id, step, name).map_err(|error| gone(&error.to_string()))?;
            let value = value.ok_or_else(|| gone("was the host restarted?"))?;
            secrets.push(value.clone());
            value
        };
        if let Some(variable) = &output.env {
            outputs.insert(OsString::from(variable), value);
        }
    }
    let (mut env, mut odd_env) = (Vec::new(), Vec::new());
    for (name, value) in variables.into_iter().filter(|(name, _)| !outputs.contains_key(name)) {
        match value.into_string() {
            Ok(value) => env.push((name, SecretString::from(value))),
            Err(value) => odd_env.push((name, value)),
        }
    }
    env.extend(outputs);
    Ok(Surroundings { user, env, odd_env, secrets })
}

impl Surroundings {
    /// The value of a variable, where it is text and no secret.
    pub(super) fn plain(&self, name: &str) -> Option<String> {
        use secrecy::ExposeSecret;
        let (_, value) = self.env.iter().find(|(known, _)| known == name)?;
        let value = value.expose_secret();
        let secret = self.secrets.iter().any(|secret| value.contains(secret.expose_secret()));
        (!secret).then(|| value.to_owned())
    }
}

/// The operator, or whom the scope names: root only where it is root who activated.
fn user(context: &Context, scope: &Scope) -> Result<Option<User>, Failure> {
    let user = match &scope.run_as {
        Some(name) => Some(User::named(name).map_err(|error| failed(&error))?),
        None if context.environment.sudo.is_some() => {
            Some(User::numbered(context.os_uid()).map_err(|error| failed(&error))?)
        }
        None => None,
    };
    let Some(user) = user.filter(|user| !user.is_here()) else { return Ok(None) };
    if context.environment.euid != 0 {
        let (name, here) = (escape(&user.name), context.os_user());
        return Err(Failure::new(
            Kind::Refused,
            format!("sessions of this scope run as {name}, and only root can start one; you are {here}"),
        )
        .hint("use the host layout: sudo glass …")
        .cause("not-that-user"));
    }
    Ok(Some(user))
}

/// What names the user is the session's user's; what sudo added is gone.
fn become_theirs(variables: &mut BTreeMap<OsString, OsString>, user: &User) {
    variables.retain(|name, _| !name.to_string_lossy().starts_with("SUDO_") && name != "MAIL");
    let theirs = [
        ("HOME", user.home.clone().into_os_string()),
        ("LOGNAME", OsString::from(&user.name)),
        ("SHELL", user.shell.clone().into_os_string()),
        ("USER", OsString::from(&user.name)),
    ];
    variables.extend(theirs.map(|(name, value)| (OsString::from(name), value)));
}

fn declared(scope: &Scope) -> impl Iterator<Item = (&str, &str, &Output)> {
    scope.steps.iter().flat_map(|step| {
        let outputs = match &step.kind {
            StepKind::Command(command) => Some(&command.outputs),
            StepKind::SshCert(_) | StepKind::SealedSecret(_) => None,
        };
        let named = outputs.into_iter().flatten();
        named.map(|(name, output)| (step.id.as_str(), name.as_str(), output))
    })
}
