//! Acts that several people sign: who may, and when they are enough (P6: by person, not by key).

use super::{Denied, Refusal, judge_reason, map};
use crate::core::authorization::Authorization;
use crate::core::entry::Facts;
use crate::core::grant::Consent;
use crate::core::id::{GrantId, Nonce};
use crate::core::moment::{parse_rfc3339, rfc3339};
use crate::core::playbook::{Playbook, Scope};
use crate::core::roster::{Person, Roster, Who};
use crate::core::settings::Settings;
use crate::core::statement::{Common, Record, Register, Statement, Verb};
use crate::core::text::Line;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

/// An act lapses so long after its first signature (CONTRACT 3).
pub const ACT_WITHIN: TimeDelta = TimeDelta::hours(24);
/// So many people of a scope sign what concerns it.
pub const TWO_PEOPLE: usize = 2;

/// Why a signature under an act does not count, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActRefusal {
    /// Not among those who may sign.
    #[error("{person} may not sign this: that is for {}", names(able))]
    NotASigner {
        /// Who wants to sign.
        person: String,
        /// Who may.
        able: Vec<String>,
    },
    /// One person is one signature, whatever keys and names they have.
    #[error("{person} signed {act} already: another person must")]
    Twice {
        /// The act.
        act: String,
        /// Who wants to sign again.
        person: String,
        /// Who may.
        able: Vec<String>,
    },
    /// One who signed before counts no longer.
    #[error("{person}, who signed {act}, may not any more")]
    Gone {
        /// The act.
        act: String,
        /// Who signed it.
        person: String,
    },
    /// There are not as many people as must sign.
    #[error("{needed} people must sign this, and there is only {}", names(able))]
    TooFew {
        /// How many must.
        needed: usize,
        /// Who could.
        able: Vec<String>,
    },
    /// It waits for nobody.
    #[error("{act} waits for nobody: it is {state}")]
    NotPending {
        /// The act.
        act: String,
        /// How it stands.
        state: &'static str,
    },
    /// Another registration came first.
    #[error("another registration came first: what was shown is no longer what would change")]
    Stale,
    /// The times of what was done outside glass.
    #[error("what was done must have ended after it began, and by now")]
    Span,
    /// Facts that glass works out were worked out differently.
    #[error("what was signed is not as glass would have written it")]
    Unlike,
    /// Nobody would be left to judge a use.
    #[error("after this registration nobody could review {scope}: until now {} could", names(people))]
    NobodyReviews {
        /// `playbook/scope`.
        scope: String,
        /// Who could until now.
        people: Vec<String>,
    },
    /// Not enough admins would be left to register.
    #[error(
        "after this registration the next one needs {admins} admins to sign, and there is {}",
        names(able)
    )]
    TooFewAdmins {
        /// `admins` of the new settings.
        admins: usize,
        /// Who could sign.
        able: Vec<String>,
    },
}

fn names(people: &[String]) -> String {
    if people.is_empty() { "nobody".to_owned() } else { people.join(", ") }
}

impl ActRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotASigner { .. } => "not-a-signer",
            Self::Twice { .. } => "signed-already",
            Self::Gone { .. } => "signer-gone",
            Self::TooFew { .. } => "too-few-people",
            Self::NotPending { .. } => "not-pending",
            Self::Stale => "registration-changed",
            Self::Span => "bad-times",
            Self::Unlike => "unlike",
            Self::NobodyReviews { .. } => "nobody-reviews",
            Self::TooFewAdmins { .. } => "too-few-admins",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotASigner { able, .. } if able.is_empty() => {
                "an admin gives somebody a group that may, and registers".into()
            }
            Self::NotASigner { able, .. } => format!("ask {}", able.join(" or ")),
            Self::Twice { act, able, .. } if able.is_empty() => {
                format!("there is nobody else who may sign {act}: it lapses by itself")
            }
            Self::Twice { act, able, .. } => {
                format!("send this to {}: glass approve {act}", able.join(" or "))
            }
            Self::Gone { .. } => "begin anew with the same command as at first; this one lapses".into(),
            Self::TooFew { .. } => {
                "another person needs a valid key and a group that may; where admins lost their keys, \
                 the owner of the files runs `glass init --recover`"
                    .into()
            }
            Self::NotPending { .. } => "`glass status` lists what waits".into(),
            Self::Stale => {
                "look at what is registered now, and run `glass register` again, with `--hotfix` where it was one".into()
            }
            Self::Span => "give `--from` and `--to` in this order, both in the past".into(),
            Self::Unlike => "begin anew with `glass record`".into(),
            Self::NobodyReviews { .. } => {
                "keep one of them, give somebody else a group of its `review.by`, or name others there".into()
            }
            Self::TooFewAdmins { .. } => {
                "lower `admins`, or give more people the group `admin` and a key that is still valid".into()
            }
        }
    }
}

/// The people whose signatures an act counts now, and how many it needs.
#[derive(Clone, Debug)]
pub struct Circle {
    needed: usize,
    able: Vec<Person>,
    at: DateTime<Utc>,
}

impl Circle {
    /// Of a registration: the admins, as many as the settings before it demand.
    pub fn of_admins(roster: &Roster, needed: usize, at: DateTime<Utc>) -> Self {
        Self { needed, able: people(roster, at, |person| roster.is_admin(person)), at }
    }

    /// Of what concerns one scope: two of those who activate, approve or review it.
    pub fn of_scope(scope: &Scope, roster: &Roster, at: DateTime<Utc>) -> Self {
        let approvers = scope.approvals.iter().flat_map(|approvals| &approvals.from);
        let whom: Vec<Who> =
            scope.activate.iter().chain(approvers).chain(&scope.review.by).cloned().collect();
        Self { needed: TWO_PEOPLE, able: people(roster, at, |person| roster.is_any(person, &whom)), at }
    }

    /// How many must sign.
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// Who of them has not signed yet, but for `besides`.
    pub fn others(&self, signed: &[Consent], besides: Option<&str>) -> Vec<String> {
        let has_signed = |person: &&Person| signed.iter().any(|consent| is_theirs(consent, person));
        let others = self.able.iter().filter(|person| !has_signed(person));
        let names = others.map(|person| person.name.clone());
        names.filter(|name| Some(name.as_str()) != besides).collect()
    }

    /// Whether this person's signature counts beside those that there are.
    pub fn judge(&self, act: &str, signed: &[Consent], person: &str) -> Result<(), ActRefusal> {
        let able = || self.able.iter().map(|person| person.name.clone()).collect();
        let person = self
            .able
            .iter()
            .find(|other| other.name == person)
            .ok_or_else(|| ActRefusal::NotASigner { person: person.to_owned(), able: able() })?;
        if signed.iter().any(|consent| is_theirs(consent, person)) {
            let able = self.others(signed, Some(&person.name));
            return Err(ActRefusal::Twice { act: act.to_owned(), person: person.name.clone(), able });
        }
        if let Some(gone) = signed.iter().find(|consent| !self.still_counts(consent)) {
            return Err(ActRefusal::Gone { act: act.to_owned(), person: gone.person.clone() });
        }
        if self.able.len() < self.needed {
            return Err(ActRefusal::TooFew { needed: self.needed, able: able() });
        }
        Ok(())
    }

    /// An earlier signature is judged by the roster of now.
    fn still_counts(&self, consent: &Consent) -> bool {
        self.able.iter().filter(|person| person.name == consent.person).any(|person| {
            let mut valid = person.keys.iter().filter(|key| key.valid_at(self.at));
            valid.any(|key| Some(key.key.fingerprint().as_str()) == consent.key.as_deref())
        })
    }
}

/// By name; and by key, lest a new name make somebody else of them.
fn is_theirs(consent: &Consent, person: &Person) -> bool {
    let has_signed = |fingerprint: &str| consent.key.as_deref() == Some(fingerprint);
    consent.person == person.name || person.keys.iter().any(|key| has_signed(key.key.fingerprint().as_str()))
}

/// Everyone who fits, has a valid key, and is no automation.
fn people(roster: &Roster, at: DateTime<Utc>, fits: impl Fn(&Person) -> bool) -> Vec<Person> {
    let counts = |person: &&Person| fits(person) && person.valid_at(at) && !roster.is_automation(person);
    roster.people().iter().filter(counts).cloned().collect()
}

/// What a registration replaces, and what it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Succession<'a> {
    /// The people and playbooks until now; none before the first registration.
    pub before: Option<(&'a Roster, &'a [&'a Playbook])>,
    /// The settings from now on.
    pub settings: &'a Settings,
    /// The playbooks from now on.
    pub playbooks: &'a [&'a Playbook],
}

/// A registration must leave enough admins for the next one, and for each scope that had a
/// possible reviewer one who is.
pub fn judge_succession(succession: &Succession<'_>, at: DateTime<Utc>) -> Result<(), ActRefusal> {
    let Succession { before, settings, playbooks } = succession;
    let able = Circle::of_admins(&settings.roster, settings.admins, at).others(&[], None);
    if able.len() < settings.admins {
        return Err(ActRefusal::TooFewAdmins { admins: settings.admins, able });
    }
    let Some((roster, earlier)) = before else { return Ok(()) };
    let reviewers = |roster: &Roster, scope: &Scope| -> Vec<String> {
        let able = people(roster, at, |person| roster.is_any(person, &scope.review.by));
        able.into_iter().map(|person| person.name).collect()
    };
    for playbook in *playbooks {
        for scope in &playbook.scopes {
            let address = playbook.address(scope);
            let was = earlier
                .iter()
                .find_map(|earlier| earlier.scopes.iter().find(|scope| earlier.address(scope) == address));
            let people = was.map(|was| reviewers(roster, was)).unwrap_or_default();
            if !people.is_empty() && reviewers(&settings.roster, scope).is_empty() {
                return Err(ActRefusal::NobodyReviews { scope: address, people });
            }
        }
    }
    Ok(())
}

/// Judges a registration and puts it into the words that will be signed, by all who sign it.
/// `files` are paths and SHA-512 digests; `previous` is the entry that says who registers now.
pub fn authorize_registration(
    circle: &Circle,
    files: &[(String, String)],
    previous: u64,
    common: &Common,
) -> Result<Authorization<Register>, Denied> {
    circle.judge("", &[], &common.person).map_err(|refusal| match refusal {
        ActRefusal::NotASigner { person, .. } => Denied::from(Refusal::NotAnAdmin(person)),
        refusal => refusal.into(),
    })?;
    let files: Vec<Value> =
        files.iter().map(|(path, sha512)| json!({"path": path, "sha512": sha512})).collect();
    let facts = map(json!({"files": files, "previous": previous}));
    Ok(Authorization::new(Statement::new(common, facts, Map::new())?, Register::NAME.to_owned()))
}

/// What two people tell of an emergency that was done outside glass.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The id of the grant that it will be.
    pub grant: String,
    /// `playbook/scope`.
    pub address: &'a str,
    /// SHA-512 of the registered playbook.
    pub playbook: &'a str,
    /// Seq of the registration.
    pub registered: u64,
    /// From when.
    pub from: DateTime<Utc>,
    /// To when.
    pub to: DateTime<Utc>,
    /// Why.
    pub reason: &'a Line,
}

/// Judges what is told and puts it into the words that both will sign; the first is the one who
/// acted.
pub fn authorize_record(
    circle: &Circle,
    scope: &Scope,
    told: &Told<'_>,
    common: &Common,
    at: DateTime<Utc>,
) -> Result<Authorization<Record>, Denied> {
    circle.judge("", &[], &common.person)?;
    judge_span(told.from, told.to, at)?;
    judge_reason(scope, told.reason)?;
    let facts = map(json!({
        "grant": told.grant,
        "scope": told.address,
        "playbook": told.playbook,
        "registered": told.registered,
        "from": rfc3339(told.from),
        "to": rfc3339(told.to),
        "review_within_s": scope.review.within.get(),
    }));
    let opens: Vec<Value> = scope.opens.iter().map(|line| json!(line.as_str())).collect();
    let texts = map(json!({
        "title": scope.title.as_str(),
        "opens": opens,
        "reason": told.reason.as_str(),
    }));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, Record::NAME.to_owned()))
}

/// Judges the signed facts of what is told once more.
pub fn judge_told(scope: &Scope, facts: &Facts, at: DateTime<Utc>) -> Result<(), ActRefusal> {
    let time = |key| facts.signed_str(key).and_then(parse_rfc3339).ok_or(ActRefusal::Span);
    judge_span(time("from")?, time("to")?, at)?;
    let nonce: Option<Nonce> = facts.signed_str("nonce").and_then(|nonce| nonce.parse().ok());
    let is_own = nonce.map(|nonce| GrantId::of(&nonce).to_string()).as_deref() == facts.signed_str("grant");
    // Both follow from the rest: a statement in which they don't was not made by glass.
    match is_own && facts.signed_u64("review_within_s") == Some(scope.review.within.get()) {
        true => Ok(()),
        false => Err(ActRefusal::Unlike),
    }
}

fn judge_span(from: DateTime<Utc>, to: DateTime<Utc>, at: DateTime<Utc>) -> Result<(), ActRefusal> {
    if from < to && to <= at { Ok(()) } else { Err(ActRefusal::Span) }
}

/// Judges one more signature under an act, and takes the very line that was signed before.
pub fn authorize_another<V: Verb>(
    circle: &Circle,
    act: &str,
    line: &str,
    signed: &[Consent],
    person: &str,
) -> Result<Authorization<V>, Denied> {
    circle.judge(act, signed, person)?;
    let statement = Statement::read(line)?;
    let state = "another act than it says";
    let statement = statement.ok_or_else(|| ActRefusal::NotPending { act: act.to_owned(), state })?;
    Ok(Authorization::new(statement, super::confirmation(V::NAME).to_owned()))
}

#[cfg(test)]
mod tests;
