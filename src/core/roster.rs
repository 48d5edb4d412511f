//! Who exists, with which public keys (P6: separation of duties is by person, not by key).
//!
//! Invariant: one name is one person, and one key belongs to one person only.

use crate::core::public_key::{Fingerprint, PublicKey};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::collections::BTreeSet;
use std::fmt;

/// The group whose members register.
pub const ADMIN: &str = "admin";
/// The group that the first person is in too, so that the sample can be tried at once.
pub const ONCALL: &str = "oncall";

/// One of those whom a scope names: `group:NAME` or `person:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Every member of a group.
    Group(String),
    /// One person.
    Person(String),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Person(name) => write!(f, "person:{name}"),
        }
    }
}

/// A person and their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Unique in the roster.
    pub name: String,
    /// The groups that the person is in.
    pub groups: BTreeSet<String>,
    /// Never empty in registered settings.
    pub keys: Vec<RosterKey>,
    /// The only OS user that may act as this person; absent means any.
    pub os_user: Option<String>,
}

/// A key of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterKey {
    /// The key.
    pub key: PublicKey,
    /// The first day (UTC) on which it is no longer valid.
    pub valid_before: Option<NaiveDate>,
    /// The file with the attestation of its enrolment, relative to the home unless absolute.
    pub attestation: Option<String>,
}

impl RosterKey {
    /// A key without an end.
    pub const fn new(key: PublicKey) -> Self {
        Self { key, valid_before: None, attestation: None }
    }

    /// Whether a signature made at `now` counts.
    pub fn valid_at(&self, now: DateTime<Utc>) -> bool {
        self.valid_before.is_none_or(|day| now < day.and_time(NaiveTime::MIN).and_utc())
    }
}

impl Person {
    /// Whether any key of the person is valid.
    pub fn valid_at(&self, now: DateTime<Utc>) -> bool {
        self.keys.iter().any(|key| key.valid_at(now))
    }
}

/// Everyone, and the groups that are for automation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    people: Vec<Person>,
    automation: BTreeSet<String>,
}

/// Why a person can't be on the roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Two people of one name.
    #[error("a second person `{0}`: each needs their own name")]
    SameName(String),
    /// One key of two people, or twice of one.
    #[error("key {key} belongs to `{owner}` already: one key belongs to one person, once")]
    SharedKey {
        /// The key.
        key: Fingerprint,
        /// Who has it.
        owner: String,
    },
}

impl Roster {
    /// The roster of a new home: one person, who is admin and on call.
    pub fn founder(name: &str, key: PublicKey) -> Self {
        let groups = [ADMIN, ONCALL].map(str::to_owned).into();
        let founder =
            Person { name: name.to_owned(), groups, keys: vec![RosterKey::new(key)], os_user: None };
        Self { people: vec![founder], automation: BTreeSet::new() }
    }

    /// Takes one more person in.
    ///
    /// # Errors
    /// A name or a key that the roster has already.
    pub fn add(&mut self, person: Person) -> Result<(), RosterError> {
        if self.person(&person.name).is_some() {
            return Err(RosterError::SameName(person.name));
        }
        for (index, entry) in person.keys.iter().enumerate() {
            let twice = person.keys[..index].iter().any(|other| other.key == entry.key);
            let owner = self.person_by_key(&entry.key).or(twice.then_some(&person));
            if let Some(owner) = owner {
                let owner = owner.name.clone();
                return Err(RosterError::SharedKey { key: entry.key.fingerprint(), owner });
            }
        }
        self.people.push(person);
        Ok(())
    }

    /// Makes this key's holder an admin, because every admin key was lost: a new person, or one
    /// that is there. The key counts without an end.
    ///
    /// # Errors
    /// Another person's key.
    pub fn recover(&mut self, name: &str, key: PublicKey) -> Result<(), RosterError> {
        if let Some(owner) = self.person_by_key(&key).filter(|owner| owner.name != name) {
            return Err(RosterError::SharedKey { key: key.fingerprint(), owner: owner.name.clone() });
        }
        match self.people.iter_mut().find(|person| person.name == name) {
            None => self.people.push(Person {
                name: name.to_owned(),
                groups: BTreeSet::from([ADMIN.to_owned()]),
                keys: vec![RosterKey::new(key)],
                os_user: None,
            }),
            Some(person) => {
                person.groups.insert(ADMIN.to_owned());
                person.keys.retain(|entry| entry.key != key);
                person.keys.push(RosterKey::new(key));
            }
        }
        Ok(())
    }

    /// Says that a group is for automation: its members never activate.
    pub fn mark_automation(&mut self, group: &str) {
        self.automation.insert(group.to_owned());
    }

    /// Everyone, in the order of the file.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The person of this name.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// The person whose key this is; whether it is still valid is [`RosterKey::valid_at`].
    pub fn person_by_key(&self, key: &PublicKey) -> Option<&Person> {
        self.people.iter().find(|person| person.keys.iter().any(|entry| entry.key == *key))
    }

    /// Whether this key is on the roster and valid at `now`.
    pub fn valid_at(&self, key: &PublicKey, now: DateTime<Utc>) -> bool {
        let mut keys = self.people.iter().flat_map(|person| &person.keys);
        keys.any(|entry| entry.key == *key && entry.valid_at(now))
    }

    /// Everyone whom this names; nobody for an unknown name (P6).
    pub fn members(&self, who: &Who) -> Vec<&Person> {
        self.people.iter().filter(|person| self.is_member(person, who)).collect()
    }

    /// Whether the person is among those whom this names.
    pub fn is_member(&self, person: &Person, who: &Who) -> bool {
        match who {
            Who::Group(group) => person.groups.contains(group),
            Who::Person(name) => person.name == *name,
        }
    }

    /// Whether the person is among any of those.
    pub fn is_any(&self, person: &Person, whom: &[Who]) -> bool {
        whom.iter().any(|who| self.is_member(person, who))
    }

    /// Whether the person is in a group that is for automation: such never activate (P4).
    pub fn is_automation(&self, person: &Person) -> bool {
        !person.groups.is_disjoint(&self.automation)
    }

    /// Whether the person may activate a scope that names these.
    pub fn may_activate(&self, person: &Person, activate: &[Who]) -> bool {
        self.is_any(person, activate) && !self.is_automation(person)
    }

    /// Whether the person registers.
    pub fn is_admin(&self, person: &Person) -> bool {
        person.groups.contains(ADMIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey::ed25519([byte; 32])
    }

    fn person(name: &str, groups: &[&str], keys: &[u8]) -> Person {
        Person {
            name: name.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            keys: keys.iter().map(|byte| RosterKey::new(key(*byte))).collect(),
            os_user: None,
        }
    }

    #[test]
    fn p06_one_key_is_one_person() {
        let mut roster = Roster::founder("ana", key(1));
        assert!(matches!(roster.add(person("ana", &[], &[2])), Err(RosterError::SameName(_))));
        for keys in [&[2, 1][..], &[2, 2]] {
            let error = roster.add(person("bo", &[], keys)).unwrap_err();
            assert!(matches!(error, RosterError::SharedKey { .. }), "{error}");
        }
        assert_eq!(roster.add(person("bo", &[], &[2, 3])), Ok(()));
        assert_eq!(roster.person_by_key(&key(3)).map(|p| p.name.as_str()), Some("bo"));
        assert_eq!(roster.person_by_key(&key(4)), None);
    }

    #[test]
    fn p06_a_recovered_key_is_still_one_persons() {
        let mut roster = Roster::founder("ana", key(1));
        roster.add(person("bo", &["oncall"], &[2])).unwrap();
        let error = roster.recover("cem", key(2)).unwrap_err();
        assert!(matches!(error, RosterError::SharedKey { owner, .. } if owner == "bo"));
        roster.recover("bo", key(3)).unwrap();
        roster.recover("cem", key(4)).unwrap();
        for (name, keys) in [("bo", 2), ("cem", 1)] {
            let person = roster.person(name).unwrap();
            assert!(roster.is_admin(person));
            assert_eq!(person.keys.len(), keys);
        }
        // Its end, if it had one, is over: that may be why it is recovered.
        let day = NaiveDate::from_ymd_opt(2027, 1, 1);
        roster.people[1].keys[1].valid_before = day;
        roster.recover("bo", key(3)).unwrap();
        assert!(roster.person("bo").unwrap().keys.iter().all(|key| key.valid_before.is_none()));
    }

    #[test]
    fn p06_an_unknown_group_has_no_members() {
        let roster = Roster::founder("ana", key(1));
        let names = |who: Who| roster.members(&who).iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(Who::Group("admin".into())), ["ana"]);
        assert_eq!(names(Who::Person("ana".into())), ["ana"]);
        assert_eq!(names(Who::Group("ana".into())), [""; 0]);
        assert_eq!(names(Who::Person("admin".into())), [""; 0]);
        assert!(roster.is_admin(&roster.people()[0]));
    }

    #[test]
    fn p04_automation_never_activates() {
        let mut roster = Roster::founder("ana", key(1));
        roster.add(person("robot", &["oncall", "bots"], &[2])).unwrap();
        roster.mark_automation("bots");
        let oncall = [Who::Group("oncall".into()), Who::Person("robot".into())];
        let may = |name: &str| roster.may_activate(roster.person(name).unwrap(), &oncall);
        assert!(may("ana"));
        assert!(!may("robot"));
    }

    #[test]
    fn a_key_ends_with_the_start_of_its_day() {
        let entry = RosterKey { valid_before: NaiveDate::from_ymd_opt(2027, 1, 1), ..RosterKey::new(key(1)) };
        assert!(entry.valid_at("2026-12-31T23:59:59Z".parse().unwrap()));
        assert!(!entry.valid_at("2027-01-01T00:00:00Z".parse().unwrap()));
        assert!(RosterKey::new(key(1)).valid_at("2999-01-01T00:00:00Z".parse().unwrap()));
    }
}
