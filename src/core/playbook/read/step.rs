//! Reads steps of every kind, suspensions, rotations and evidence.

use crate::core::duration::Seconds;
use crate::core::playbook::output::{Output, OutputSource};
use crate::core::playbook::placeholder::RESERVED;
use crate::core::playbook::read::command::{
    check, command, grant, run, surroundings, surroundings_of_step, timeout, two_proofs, variable,
};
use crate::core::playbook::read::scene::{Catalog, Scene};
use crate::core::playbook::read::{Seen, unique};
use crate::core::playbook::step::{
    Ca, CommandStep, Delivery, Evidence, Given, Identity, Rotation, SealedSecret, SshCert, Step, StepKind,
    Subject, Surroundings, Suspension,
};
use crate::core::source::nearest;
use crate::core::source::reader::{Read, Table, Value};
use crate::core::source::values::{absolute_path, file, is_name, line, name, one_of, seconds};
use std::collections::BTreeMap;

/// What a step must know of its scope.
pub(super) struct Around<'s> {
    pub(super) catalog: &'s Catalog,
    pub(super) rotations: &'s [String],
    pub(super) concurrent: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Command,
    SshCert,
    SealedSecret,
}

const KINDS: [(&str, Kind); 3] =
    [("command", Kind::Command), ("ssh-cert", Kind::SshCert), ("sealed-secret", Kind::SealedSecret)];

/// The step at `index` of its scope.
pub(super) fn step(value: Value<'_>, index: usize, seen: &mut Seen, around: &Around<'_>) -> Read<Step> {
    value.table(|table| {
        let id = table.required("id", |value| step_id(value, seen));
        let kind = table.or("kind", Kind::Command, |value| one_of(value, &KINDS));
        if kind.is_err() {
            table.forgive_unknown();
        }
        let kind = kind?;
        let (kind, surroundings, native) = match kind {
            Kind::Command => command_step(table, index, around)?,
            Kind::SshCert => ssh_cert(table, index, around)?,
            Kind::SealedSecret => sealed_secret(table, around)?,
        };
        Ok(Step { id: id?, kind, surroundings, native_expiry: native })
    })
}

fn step_id(value: Value<'_>, seen: &mut Seen) -> Read<String> {
    match value.text()? {
        reserved if RESERVED.contains(&reserved) => {
            Err(value.fault(&format!("no step may be called `{reserved}`: placeholders begin with it")))
        }
        _ => unique(value, seen, "step"),
    }
}

type Parts = (StepKind, Surroundings, bool);

fn command_step(table: &mut Table<'_>, index: usize, around: &Around<'_>) -> Read<Parts> {
    let opening = Scene::opening(around.catalog, index);
    let closing = Scene::closing(around.catalog, index);
    let granted = table.required("grant", |value| grant(value, opening));
    let revoke = table.required("revoke", |value| command(value, closing));
    let end = table.optional("end", |value| command(value, closing));
    let checked = table.required("check", |value| check(value, closing));
    let idle = table.optional("idle", |value| check(value, Scene::idle(around.catalog)));
    let outputs = table.optional("output", |value| value.map(output_name, |_, value| output(value)));
    let surroundings = surroundings_of_step(table, opening, opening.with_secrets());
    let native = table.or("native-expiry", false, Value::boolean);
    let (revoke, surroundings, idle) = (revoke?, surroundings?, idle?);

    let in_env = || {
        surroundings.env.values().filter_map(|given| match given {
            Given::Text(text) => Some(text),
            Given::File(_) => None,
        })
    };
    if around.concurrent > 1 && !surroundings.names_grant(&revoke.run) {
        let message = "with `concurrent` over 1, `revoke` must name the grant (`{grant.id}`, `{grant.serial}` \
                       or an output), or it takes away the access of other grants too";
        return Err(table.fault_at("revoke", message));
    }
    if let Some(placeholder) = in_env().flat_map(|text| text.placeholders()).next().filter(|_| idle.is_some())
    {
        let message = format!("`idle` runs without a grant, but `env` of this step holds `{placeholder}`");
        return Err(table.fault_at("idle", &message));
    }
    let (granted, refused) = granted?;
    let step = CommandStep {
        grant: granted,
        refused,
        revoke,
        end: end?,
        check: checked?,
        idle,
        outputs: outputs?.unwrap_or_default(),
    };
    Ok((StepKind::Command(Box::new(step)), surroundings, native?))
}

fn output_name(name: &str) -> Result<String, String> {
    match is_name(name) {
        true => Ok(name.to_owned()),
        false => Err(format!("`{name}` is not a name: use lower-case letters, digits and `-`")),
    }
}

fn output(value: Value<'_>) -> Read<Output> {
    value.table(|table| {
        let json = table.optional("json", pointer);
        let line = table.optional("line", |value| value.integer(1..=1_000_000));
        let stdout = table.optional("stdout", Value::boolean);
        let record = table.or("record", false, Value::boolean);
        let env = table.optional("env", variable);
        let source = match (json?, line?, stdout?) {
            (Some(pointer), None, None) => OutputSource::Json(pointer),
            (None, Some(line), None) => OutputSource::Line(usize::try_from(line).unwrap_or(usize::MAX)),
            (None, None, Some(true)) => OutputSource::Stdout,
            _ => {
                let message =
                    "an output has one source: `json = \"/pointer\"`, `line = 1` or `stdout = true`";
                return Err(table.fault(message));
            }
        };
        Ok(Output { source, record: record?, env: env? })
    })
}

fn pointer(value: Value<'_>) -> Read<String> {
    let pointer = line(value)?;
    match pointer.as_str().starts_with('/') {
        true => Ok(pointer.as_str().to_owned()),
        false => Err(value.fault("a JSON pointer begins with `/`, like `/auth/accessor`")),
    }
}

fn ssh_cert(table: &mut Table<'_>, index: usize, around: &Around<'_>) -> Read<Parts> {
    let opening = Scene::opening(around.catalog, index);
    let closing = Scene::closing(around.catalog, index);
    let ca = table.required("ca", ca);
    let subjects = [("signer", Subject::Signer), ("fresh", Subject::Fresh)];
    let subject = table.or("subject", Subject::Signer, |value| one_of(value, &subjects));
    let principals = table.required("principals", |value| {
        value.filled_list(|item| {
            line(item)?;
            opening.template(item)
        })
    });
    let critical =
        table.optional("critical", |value| value.map(output_name, |_, value| opening.template(value)));
    let extensions = table.list("extensions", |value| line(value).map(|line| line.as_str().to_owned()));
    let backdate = table.or("backdate", Seconds::new(30), seconds);
    let krl = table.required("krl", absolute_path);
    let principals_file = table.optional("principals-file", absolute_path);
    let publish = table.optional("publish", |value| command(value, closing));
    let end = table.optional("end", |value| command(value, closing));
    let check = table.optional("check", |value| check(value, closing));
    let surroundings = surroundings_of_step(table, opening, opening);
    table.or("native-expiry", true, Value::boolean)?;
    let surroundings = surroundings?;
    if surroundings.stdin.is_some() {
        return Err(table.fault_at("stdin", "an `ssh-cert` step has no command that reads `stdin`"));
    }
    let cert = SshCert {
        ca: ca?,
        subject: subject?,
        principals: principals?,
        critical: critical?.unwrap_or_default(),
        extensions: extensions?,
        backdate: backdate?,
        krl: krl?,
        principals_file: principals_file?,
        publish: publish?,
        end: end?,
        check: check?,
    };
    Ok((StepKind::SshCert(Box::new(cert)), surroundings, true))
}

fn ca(value: Value<'_>) -> Read<Ca> {
    value.table(|table| {
        let file = table.optional("file", absolute_path);
        let agent = table.optional("agent", line);
        match (file?, agent?) {
            (Some(file), None) => Ok(Ca::File(file)),
            (None, Some(agent)) if agent.as_str().starts_with("SHA256:") => {
                Ok(Ca::Agent(agent.as_str().to_owned()))
            }
            (None, Some(_)) => Err(table.fault_at("agent", "expected a fingerprint: `SHA256:…`")),
            _ => Err(table.fault("a CA is either `{ file = \"…\" }` or `{ agent = \"SHA256:…\" }`")),
        }
    })
}

fn sealed_secret(table: &mut Table<'_>, around: &Around<'_>) -> Read<Parts> {
    let file = table.required("file", absolute_path);
    let identity = table.required("identity", identity);
    let env = table.optional("env", variable);
    let path = table.optional("path", name);
    let rotation = table.required("rotation", |value| known_rotation(value, around.rotations));
    let timeout = timeout(table);
    let native = table.or("native-expiry", false, Value::boolean);
    let delivery = match (env?, path?) {
        (Some(variable), None) => Delivery::Env(variable),
        (None, Some(file)) => Delivery::Path(file),
        _ => return Err(table.fault("a sealed secret is given to sessions by either `env` or `path`")),
    };
    let secret = SealedSecret { file: file?, identity: identity?, delivery, rotation: rotation? };
    let surroundings = Surroundings { env: BTreeMap::new(), run_as: None, stdin: None, timeout: timeout? };
    Ok((StepKind::SealedSecret(secret), surroundings, native?))
}

fn identity(value: Value<'_>) -> Read<Identity> {
    value.table(|table| {
        let file = table.optional("file", absolute_path);
        let plugin = table.optional("plugin", name);
        match (file?, plugin?) {
            (Some(file), None) => Ok(Identity::File(file)),
            (None, Some(plugin)) => Ok(Identity::Plugin(plugin)),
            _ => Err(table.fault("an identity is either `{ file = \"…\" }` or `{ plugin = \"…\" }`")),
        }
    })
}

fn known_rotation(value: Value<'_>, rotations: &[String]) -> Read<String> {
    let wanted = name(value)?;
    if rotations.contains(&wanted) {
        return Ok(wanted);
    }
    let message = format!("no `[[scope.rotation]]` of this scope has the id `{wanted}`");
    Err(match nearest(&wanted, rotations.iter().map(String::as_str)) {
        Some(near) => value.fault_hint(&message, &format!("did you mean `{near}`?")),
        None => value.fault(&message),
    })
}

/// One `[[scope.suspension]]`.
pub(super) fn suspension(value: Value<'_>, seen: &mut Seen, catalog: &Catalog) -> Read<Suspension> {
    let scene = Scene::around(catalog);
    value.table(|table| {
        let id = table.required("id", |value| unique(value, seen, "suspension"));
        let suspend = table.required("suspend", |value| command(value, scene));
        let restore = table.required("restore", |value| command(value, scene));
        let check = table.required("check", |value| two_proofs(value, scene, "suspended", "running"));
        let surroundings = surroundings(table, scene);
        let (check, suspended, running) = check?;
        Ok(Suspension {
            id: id?,
            suspend: suspend?,
            restore: restore?,
            check,
            suspended,
            running,
            surroundings: surroundings?,
        })
    })
}

/// One `[[scope.rotation]]`.
pub(super) fn rotation(value: Value<'_>, seen: &mut Seen, catalog: &Catalog) -> Read<Rotation> {
    let scene = Scene::around(catalog);
    value.table(|table| {
        let id = table.required("id", |value| unique(value, seen, "rotation"));
        let run = table.required("run", |value| run(value, scene));
        // Both forms that the schema uses for a secret's place are understood.
        let secret = table.optional("secret", |value| match value.is_table() {
            true => file(value),
            false => absolute_path(value),
        });
        let every = table.optional("every", seconds);
        let surroundings = surroundings(table, scene);
        let (secret, every) = (secret?, every?);
        if every.is_some() && secret.is_none() {
            return Err(table.fault_at("every", "`every` is the age of a `secret`: name its file"));
        }
        Ok(Rotation { id: id?, run: run?, secret, every, surroundings: surroundings? })
    })
}

/// One `[[scope.evidence]]`.
pub(super) fn evidence(value: Value<'_>, seen: &mut Seen, catalog: &Catalog) -> Read<Evidence> {
    let scene = Scene::evidence(catalog);
    value.table(|table| {
        let id = table.required("id", |value| unique(value, seen, "evidence"));
        let run = table.required("run", |value| run(value, scene));
        let surroundings = surroundings(table, scene);
        Ok(Evidence { id: id?, run: run?, surroundings: surroundings? })
    })
}
