//! Reads `glass.toml`: every rule of CONTRACT 2, all faults at once, each with its place.

use crate::core::public_key::{PublicKey, PublicKeyError};
use crate::core::roster::{ADMIN, Person, Roster, RosterKey};
use crate::core::settings::{Anchor, Event, Notify, NotifyTarget, Settings, is_origin};
use crate::core::source::Faults;
use crate::core::source::reader::{Read, Table, Value, read_file};
use crate::core::source::values::{absolute_path, file, handle, line, one_of, os_user, schema, seconds};
use chrono::NaiveDate;

impl Settings {
    /// Reads the settings; `file` is their name in messages.
    ///
    /// # Errors
    /// Every fault of the file, each with line and column; a syntax error comes alone.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        read_file(file, text, settings)
    }
}

fn settings(table: &mut Table<'_>) -> Read<Settings> {
    let version = table.required("schema", schema);
    let admins = table.or("admins", 1, |value| value.integer(1..=100));
    let origin = table.required("ledger", |value| value.table(|table| table.required("origin", origin)));
    let mut roster = Roster::default();
    let people = table.required("person", |value| value.filled_list(|value| person(value, &mut roster)));
    let automation = table.list("group", group);
    let notify = table.list("notify", notify);
    let anchors = table.list("anchor", anchor);
    let keep_recordings =
        table.optional("recordings", |value| value.table(|table| table.required("keep", seconds)));
    version?;
    people?;
    for group in automation?.into_iter().flatten() {
        roster.mark_automation(&group);
    }
    let admins = usize::try_from(admins?).unwrap_or(usize::MAX);
    // Automation never signs: it does not count.
    let registers = |person: &&Person| roster.is_admin(person) && !roster.is_automation(person);
    match roster.people().iter().filter(registers).count() {
        0 => {
            let message = format!("nobody is in group `{ADMIN}`, so nothing could ever be registered again");
            return Err(table.fault_at("person", &message));
        }
        there if admins > there => {
            let message = format!("`admins` asks for {admins} signatures, but group `{ADMIN}` has {there}");
            return Err(table.fault_at("admins", &message));
        }
        _ => {}
    }
    Ok(Settings {
        admins,
        origin: origin?,
        roster,
        notify: notify?,
        anchors: anchors?,
        keep_recordings: keep_recordings?,
    })
}

fn origin(value: Value<'_>) -> Read<String> {
    let text = value.text()?;
    match is_origin(text) {
        true => Ok(text.to_owned()),
        false => Err(value.fault_hint(
            "an origin is not empty and holds no white space and no `+`",
            "write it like \"bastion-1.example.com/glass\"",
        )),
    }
}

fn person(value: Value<'_>, roster: &mut Roster) -> Read<()> {
    value.table(|table| {
        let name = table.required("name", handle);
        let groups = table.list("groups", handle);
        let keys = table.required("keys", |value| value.filled_list(key));
        let os_user = table.optional("os-user", os_user);
        let groups = groups?.into_iter().collect();
        let person = Person { name: name?, groups, keys: keys?, os_user: os_user? };
        roster.add(person).map_err(|error| {
            let place = match error {
                crate::core::roster::RosterError::SameName(_) => "name",
                crate::core::roster::RosterError::SharedKey { .. } => "keys",
            };
            table.fault_at(place, &error.to_string())
        })
    })
}

fn key(value: Value<'_>) -> Read<RosterKey> {
    if !value.is_table() {
        return public_key(value).map(RosterKey::new);
    }
    value.table(|table| {
        let key = table.required("key", public_key);
        let valid_before = table.optional("valid-before", date);
        let attestation = table.optional("attestation", line);
        Ok(RosterKey {
            key: key?,
            valid_before: valid_before?,
            attestation: attestation?.map(|line| line.as_str().to_owned()),
        })
    })
}

fn public_key(value: Value<'_>) -> Read<PublicKey> {
    let line = line(value)?;
    PublicKey::parse_line(line.as_str()).map_err(|error: PublicKeyError| value.fault(&error.to_string()))
}

fn date(value: Value<'_>) -> Read<NaiveDate> {
    let text = value.text()?;
    // chrono takes `2027-1-1` too; one date has one form here.
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|date| date.to_string() == text)
        .ok_or_else(|| value.fault(&format!("`{text}` is not a date like \"2027-01-01\"")))
}

/// The group's name, if it is for automation.
fn group(value: Value<'_>) -> Read<Option<String>> {
    value.table(|table| {
        let name = table.required("name", handle);
        let automation = table.or("automation", false, Value::boolean);
        let name = name?;
        Ok(automation?.then_some(name))
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Webhook,
    File,
    Command,
    Syslog,
    Witness,
}

const EVENTS: [(&str, Event); 5] = [
    ("requested", Event::Requested),
    ("activated", Event::Activated),
    ("closed", Event::Closed),
    ("unrevoked", Event::Unrevoked),
    ("review-overdue", Event::ReviewOverdue),
];

fn notify(value: Value<'_>) -> Read<Notify> {
    let kinds = [("webhook", Kind::Webhook), ("command", Kind::Command), ("syslog", Kind::Syslog)];
    value.table(|table| {
        let kind = kind_of(table, &kinds);
        let events = table.required("events", |value| value.filled_list(|value| one_of(value, &EVENTS)));
        let target = match kind? {
            Kind::Webhook => {
                let url = table.required("url", url);
                let secret = table.optional("secret", file);
                NotifyTarget::Webhook { url: url?, secret: secret? }
            }
            Kind::Command => NotifyTarget::Command(table.required("run", program)?),
            _ => NotifyTarget::Syslog,
        };
        Ok(Notify { target, events: events? })
    })
}

fn anchor(value: Value<'_>) -> Read<Anchor> {
    let kinds = [
        ("file", Kind::File),
        ("command", Kind::Command),
        ("syslog", Kind::Syslog),
        ("witness", Kind::Witness),
    ];
    value.table(|table| match kind_of(table, &kinds)? {
        Kind::File => table.required("path", absolute_path).map(Anchor::File),
        Kind::Command => table.required("run", program).map(Anchor::Command),
        Kind::Witness => table.required("url", url).map(Anchor::Witness),
        _ => Ok(Anchor::Syslog),
    })
}

/// Which keys a table may have depends on its kind: without it none is called unknown.
fn kind_of(table: &mut Table<'_>, kinds: &[(&'static str, Kind)]) -> Read<Kind> {
    let kind = table.required("kind", |value| one_of(value, kinds));
    if kind.is_err() {
        table.forgive_unknown();
    }
    kind
}

fn url(value: Value<'_>) -> Read<String> {
    let url = line(value)?;
    match url.as_str().starts_with("https://") || url.as_str().starts_with("http://") {
        true => Ok(url.as_str().to_owned()),
        false => Err(value.fault("expected a URL that begins with `https://`")),
    }
}

/// An argument vector whose program is an absolute path.
fn program(value: Value<'_>) -> Read<Vec<String>> {
    let run = value.filled_list(|value| line(value).map(|line| line.as_str().to_owned()))?;
    match run[0].starts_with('/') {
        true => Ok(run),
        false => Err(value.fault("the program must be an absolute path")),
    }
}
