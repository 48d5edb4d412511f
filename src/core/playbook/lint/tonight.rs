//! A scope that nobody could activate, approve or review tonight, whatever its playbook says.
//!
//! Nobody is who has no valid key, or belongs to an automation group; where touch is demanded, to
//! activate or approve, also who has no valid security key. It is by person (P6): who asks does
//! not approve, and neither of them reviews, but for the home of one person.

use super::Warning;
use crate::core::playbook::{Playbook, Risk, Scope, Touch};
use crate::core::public_key::SK_ED25519;
use crate::core::roster::{Person, Roster, Who};
use chrono::{DateTime, Utc};

/// What is missing for a whole use of the scope, at most one warning for each of the three acts.
///
/// With none, there is a requester, as many approvers as it takes, and a reviewer.
pub fn tonight(playbook: &Playbook, scope: &Scope, roster: &Roster, now: DateTime<Utc>) -> Vec<Warning> {
    let night = Night { scope, roster, now };
    let mut warnings = Vec::new();
    let mut warn = |(text, hint): (String, String)| {
        warnings.push(Warning { scope: playbook.address(scope), text, hint });
    };

    let activators = night.there(&scope.activate, Act::Activate);
    if activators.is_empty() {
        warn(night.nobody("activate", &scope.activate, Act::Activate, "", "`activate`"));
    }
    // The other acts are judged on their own where nobody could ask.
    let requesters: Vec<Option<&Person>> = match activators.as_slice() {
        [] => vec![None],
        people => people.iter().copied().map(Some).collect(),
    };

    let (mut needed, mut approvers) = (0, Vec::new());
    if let Some(approvals) = &scope.approvals {
        (needed, approvers) = (approvals.needed, night.there(&approvals.from, Act::Approve));
        if !requesters.iter().any(|requester| others(&approvers, &[*requester]) >= needed) {
            let why = format!("it needs {needed} besides who asks, and there is {}", only(&approvers));
            warn(night.nobody("approve", &approvals.from, Act::Approve, &why, "`approvals.from`"));
            needed = 0;
        }
    }

    let reviewers = night.there(&scope.review.by, Act::Review);
    let is_reviewable = requesters.iter().any(|requester| {
        reviewers.iter().any(|reviewer| {
            let is_another = requester.is_none_or(|requester| requester.name != reviewer.name);
            is_another && others(&approvers, &[*requester, Some(reviewer)]) >= needed
        })
    });
    // A home of one person may review its own non-critical use (P6).
    let is_alone = roster.people().len() == 1 && scope.risk != Risk::Critical && !reviewers.is_empty();
    if !is_reviewable && !is_alone {
        let why = format!("who asks or approves may not, and there is {}", only(&reviewers));
        warn(night.nobody("review", &scope.review.by, Act::Review, &why, "`review.by`"));
    }
    warnings
}

/// How many of these there are besides some.
fn others(people: &[&Person], besides: &[Option<&Person>]) -> usize {
    let is_taken = |person: &Person| besides.iter().flatten().any(|taken| taken.name == person.name);
    people.iter().filter(|person| !is_taken(person)).count()
}

fn only(people: &[&Person]) -> String {
    match people {
        [] => "nobody".to_owned(),
        people => format!("only {}", people.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ")),
    }
}

/// What a person would do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Activate,
    Approve,
    Review,
}

/// Why a person is nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absence {
    Automation,
    NoKey,
    NoSecurityKey,
    /// No vendor's attestation can be checked yet.
    NoAttestedKey,
}

impl Absence {
    const fn words(self) -> &'static str {
        match self {
            Self::Automation => "is in an automation group",
            Self::NoKey => "has no valid key",
            Self::NoSecurityKey => "has no valid security key",
            Self::NoAttestedKey => "has no key whose attestation glass can check",
        }
    }
}

struct Night<'a> {
    scope: &'a Scope,
    roster: &'a Roster,
    now: DateTime<Utc>,
}

impl<'a> Night<'a> {
    fn named(&self, whom: &[Who]) -> impl Iterator<Item = &'a Person> {
        self.roster.people().iter().filter(|person| self.roster.is_any(person, whom))
    }

    fn there(&self, whom: &[Who], act: Act) -> Vec<&'a Person> {
        self.named(whom).filter(|person| self.absence(person, act).is_none()).collect()
    }

    fn absence(&self, person: &Person, act: Act) -> Option<Absence> {
        let mut valid = person.keys.iter().filter(|key| key.valid_at(self.now)).peekable();
        if self.roster.is_automation(person) {
            return Some(Absence::Automation);
        }
        if valid.peek().is_none() {
            return Some(Absence::NoKey);
        }
        match self.scope.touch {
            _ if act == Act::Review => None,
            Touch::Off => None,
            Touch::Hardware => Some(Absence::NoAttestedKey),
            Touch::Required | Touch::Verified if valid.any(|key| key.key.kind() == SK_ED25519) => None,
            Touch::Required | Touch::Verified => Some(Absence::NoSecurityKey),
        }
    }

    /// The warning about one act: why, who of those named is not there, and what to do.
    fn nobody(&self, verb: &str, whom: &[Who], act: Act, why: &str, field: &str) -> (String, String) {
        let unknown = whom.iter().filter(|who| self.roster.members(who).is_empty()).map(|who| match who {
            Who::Group(_) => format!("nobody is in {who}"),
            Who::Person(_) => format!("{who} is not on the roster"),
        });
        let absent: Vec<(&str, Absence)> = self
            .named(whom)
            .filter_map(|person| Some((person.name.as_str(), self.absence(person, act)?)))
            .collect();
        let missing = absent.iter().map(|(name, absence)| format!("{name} {}", absence.words()));
        let why = Some(why.to_owned()).filter(|why| !why.is_empty());
        let whys: Vec<String> = why.into_iter().chain(unknown).chain(missing).collect();

        let with = |wanted: Absence| -> Option<String> {
            let names: Vec<&str> =
                absent.iter().filter(|(_, absence)| *absence == wanted).map(|(name, _)| *name).collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        let mut hint = format!("add people to {field}, or to its groups in glass.toml");
        if let Some(names) = with(Absence::NoKey) {
            hint += &format!(", or renew a key of {names}");
        }
        if let Some(names) = with(Absence::NoSecurityKey) {
            hint += &format!(", or give {names} a security key (`ssh-keygen -t ed25519-sk`)");
        }
        if with(Absence::NoAttestedKey).is_some() {
            hint = "say `touch = \"verified\"` until glass can check attestations".to_owned();
        }
        (format!("nobody could {verb} it tonight: {}", whys.join("; ")), hint)
    }
}

#[cfg(test)]
mod tests;
