//! Reads a playbook file: every rule of CONTRACT 1, all faults at once, each with its place.

mod command;
mod scene;
mod step;
#[cfg(test)]
mod tests;

use crate::core::duration::Seconds;
use crate::core::playbook::{
    Approvals, Criterion, Durations, Extension, Incident, Limits, Playbook, Probe, Recording, Review, Risk,
    Routine, Scope, Touch,
};
use crate::core::roster::Who;
use crate::core::source::Faults;
use crate::core::source::reader::{Read, Table, Value, read_file};
use crate::core::source::values::{is_handle, line, name, one_of, os_user, schema, seconds};
use regex_lite::Regex;
use scene::{Catalog, Scene};
use std::collections::BTreeSet;
use step::Around;

/// When a request lapses where the playbook is silent.
const APPROVAL_WITHIN: Seconds = Seconds::new(15 * 60);
/// Short enough to type at 03:00, long enough for a word and its object.
const REASON_MIN: usize = 10;
/// A reason is at most 1,000 characters (CONTRACT 4).
const REASON_MAX: i64 = 1_000;

impl Playbook {
    /// Reads a playbook; `file` is its name in messages.
    ///
    /// # Errors
    /// Every fault of the file, each with line and column; a syntax error comes alone.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        read_file(file, text, playbook)
    }
}

/// Names that were used already.
type Seen = BTreeSet<String>;

/// A name that no other `what` has.
fn unique(value: Value<'_>, seen: &mut Seen, what: &str) -> Read<String> {
    let name = name(value)?;
    match seen.insert(name.clone()) {
        true => Ok(name),
        false => Err(value.fault(&format!("a second {what} `{name}`: each needs its own name"))),
    }
}

fn playbook(table: &mut Table<'_>) -> Read<Playbook> {
    let version = table.required("schema", schema);
    let head = table.required("playbook", |value| {
        value.table(|table| {
            let name = table.required("name", name);
            let title = table.required("title", line);
            let owner = table.optional("owner", line);
            Ok((name?, title?, owner?))
        })
    });
    let mut seen = Seen::new();
    let scopes = table.required("scope", |value| value.filled_list(|value| scope(value, &mut seen)));
    version?;
    let (name, title, owner) = head?;
    Ok(Playbook { name, title, owner, scopes: scopes? })
}

fn scope(value: Value<'_>, seen: &mut Seen) -> Read<Scope> {
    value.table(|table| {
        let name = table.required("name", |value| unique(value, seen, "scope"));
        let title = table.required("title", line);
        let opens = table.list("opens", line);
        let not_for = table.list("not-for", line);
        let runbook = table.optional("runbook", line);
        let risk = table.or("risk", Risk::High, |value| one_of(value, &RISKS));
        let activate = table.required("activate", people);
        let approvals = table.optional("approvals", approvals);
        let review = table.required("review", review);
        let touch = table.optional("touch", |value| one_of(value, &TOUCHES));
        let duration = table.required("duration", durations);
        let limits = table.or("limits", NO_LIMITS, limits);
        let incident = table.optional("incident", incident);
        let reason_min = table.optional("reason-min", |value| value.integer(0..=REASON_MAX));
        let recording = table.or("recording", Recording::BestEffort, |value| one_of(value, &RECORDINGS));
        let recording_input = table.or("recording-input", false, Value::boolean);
        let run_as = table.optional("run-as", os_user);
        let drill_every = table.optional("drill-every", seconds);
        let on_call = table.optional("on-call", |value| {
            let hours = line(value)?;
            hours.as_str().parse().map_err(|e: super::on_call::OnCallError| value.fault(&e.to_string()))
        });

        let catalog = Catalog::of(table.get("step"));
        let rotation_ids = ids(table.get("rotation"));
        let around = Around {
            catalog: &catalog,
            rotations: &rotation_ids,
            concurrent: limits.as_ref().map_or(1, |limits| limits.concurrent),
        };
        let mut names = Seen::new();
        let criteria = table.list("criterion", |value| criterion(value, &mut names, &catalog));
        let (mut names, mut index) = (Seen::new(), 0..);
        let steps = table
            .list("step", |value| step::step(value, index.next().unwrap_or(usize::MAX), &mut names, &around));
        let mut names = Seen::new();
        let suspensions = table.list("suspension", |value| step::suspension(value, &mut names, &catalog));
        let mut names = Seen::new();
        let rotations = table.list("rotation", |value| step::rotation(value, &mut names, &catalog));
        let mut names = Seen::new();
        let evidence = table.list("evidence", |value| step::evidence(value, &mut names, &catalog));

        let (steps, suspensions, risk) = (steps?, suspensions?, risk?);
        if steps.is_empty() && suspensions.is_empty() {
            return Err(table.fault("a scope needs a `[[scope.step]]` or a `[[scope.suspension]]`"));
        }
        let default_touch = if risk == Risk::Critical { Touch::Required } else { Touch::Off };
        let reason_min = reason_min?.and_then(|count| usize::try_from(count).ok());
        Ok(Scope {
            name: name?,
            title: title?,
            opens: opens?,
            not_for: not_for?,
            runbook: runbook?,
            risk,
            activate: activate?,
            approvals: approvals?,
            review: review?,
            touch: touch?.unwrap_or(default_touch),
            duration: duration?,
            limits: limits?,
            incident: incident?,
            reason_min: reason_min.unwrap_or(REASON_MIN),
            recording: recording?,
            recording_input: recording_input?,
            run_as: run_as?,
            drill_every: drill_every?,
            on_call: on_call?,
            criteria: criteria?,
            steps,
            suspensions,
            rotations: rotations?,
            evidence: evidence?,
        })
    })
}

const RISKS: [(&str, Risk); 3] = [("low", Risk::Low), ("high", Risk::High), ("critical", Risk::Critical)];
const TOUCHES: [(&str, Touch); 4] = [
    ("off", Touch::Off),
    ("required", Touch::Required),
    ("verified", Touch::Verified),
    ("hardware", Touch::Hardware),
];
const RECORDINGS: [(&str, Recording); 3] =
    [("off", Recording::Off), ("best-effort", Recording::BestEffort), ("required", Recording::Required)];
const NO_LIMITS: Limits = Limits { concurrent: 1, cool_off: None, routine: None };

fn ids(tables: Option<Value<'_>>) -> Vec<String> {
    let id = |table: Value<'_>| table.peek("id").and_then(Value::peek_text).map(str::to_owned);
    tables.map(|tables| tables.peek_items().filter_map(id).collect()).unwrap_or_default()
}

fn people(value: Value<'_>) -> Read<Vec<Who>> {
    value.filled_list(|value| {
        let text = value.text()?;
        match text.split_once(':') {
            Some(("group", name)) if is_handle(name) => Ok(Who::Group(name.to_owned())),
            Some(("person", name)) if is_handle(name) => Ok(Who::Person(name.to_owned())),
            _ => {
                Err(value
                    .fault_hint(&format!("`{text}` names nobody"), "write `group:NAME` or `person:NAME`"))
            }
        }
    })
}

fn count(value: Value<'_>) -> Read<u32> {
    value.integer(1..=1_000).map(|count| u32::try_from(count).unwrap_or(1))
}

fn approvals(value: Value<'_>) -> Read<Approvals> {
    value.table(|table| {
        let needed = table.required("needed", count);
        let from = table.required("from", people);
        let within = table.or("within", APPROVAL_WITHIN, seconds);
        let alone_after = table.optional("alone-after", seconds);
        let (within, alone_after) = (within?, alone_after?);
        if alone_after.is_some_and(|alone| alone >= within) {
            let message =
                format!("`alone-after` must be shorter than `within` ({within}), when the request lapses");
            return Err(table.fault_at("alone-after", &message));
        }
        Ok(Approvals { needed: needed? as usize, from: from?, within, alone_after })
    })
}

fn review(value: Value<'_>) -> Read<Review> {
    value.table(|table| {
        let by = table.required("by", people);
        let within = table.required("within", seconds);
        Ok(Review { by: by?, within: within? })
    })
}

fn durations(value: Value<'_>) -> Read<Durations> {
    value.table(|table| {
        let default = table.required("default", seconds);
        let max = table.required("max", seconds);
        let extend = table.optional("extend", seconds);
        let extensions = table.optional("extensions", count);
        let (default, max) = (default?, max?);
        if default > max {
            return Err(table.fault_at("default", &format!("`default` {default} is over `max` {max}")));
        }
        let extension = match (extend?, extensions?) {
            (None, None) => None,
            (Some(length), Some(times)) => Some(Extension { length, times }),
            (Some(_), None) => {
                return Err(table.fault_at("extend", "`extend` needs `extensions`: how many times"));
            }
            (None, Some(_)) => {
                return Err(table.fault_at("extensions", "`extensions` needs `extend`: how much at a time"));
            }
        };
        Ok(Durations { default, max, extension })
    })
}

fn limits(value: Value<'_>) -> Read<Limits> {
    value.table(|table| {
        let concurrent = table.or("concurrent", 1, count);
        let cool_off = table.optional("cool-off", seconds);
        let routine = table.optional("routine", |value| {
            value.table(|table| {
                let uses = table.required("uses", count);
                let within = table.required("within", seconds);
                let block = table.or("block", false, Value::boolean);
                Ok(Routine { uses: uses?, within: within?, block: block? })
            })
        });
        Ok(Limits { concurrent: concurrent?, cool_off: cool_off?, routine: routine? })
    })
}

fn incident(value: Value<'_>) -> Read<Incident> {
    let pattern = line(value)?;
    Regex::new(pattern.as_str())
        .map(Incident)
        .map_err(|error| value.fault(&format!("not a regular expression: {error}")))
}

fn criterion(value: Value<'_>, seen: &mut Seen, catalog: &Catalog) -> Read<Criterion> {
    let scene = Scene::probe(catalog);
    value.table(|table| {
        let id = table.required("id", |value| unique(value, seen, "criterion"));
        let ask = table.required("ask", line);
        let probe = table.get("probe");
        let probe = match probe {
            None => Ok(None),
            Some(value) => {
                let run = command::run(value, scene);
                let surroundings = command::surroundings(table, scene);
                run.and_then(|run| Ok(Some(Probe { run, surroundings: surroundings? })))
            }
        };
        Ok(Criterion { id: id?, ask: ask?, probe: probe? })
    })
}
