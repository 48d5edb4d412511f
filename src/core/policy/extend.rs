//! Who may have a grant end later, and by how much: never past what was registered for it.

use super::{Denied, Refusal, map};
use crate::core::authorization::Authorization;
use crate::core::duration::Seconds;
use crate::core::grant::{Grant, State};
use crate::core::moment::{Moment, rfc3339};
use crate::core::playbook::{Extension, Scope};
use crate::core::roster::Roster;
use crate::core::statement::{Common, Extend, Statement};
use chrono::{DateTime, Utc};
use serde_json::json;

/// Why a grant is not extended, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtendRefusal {
    /// Only what is open can be open for longer.
    #[error("{grant} is {}: only an active grant is extended", state.as_str())]
    NotActive {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// Where it stands.
        state: State,
    },
    /// Its end has come, whether or not it is closed yet.
    #[error("the time of {grant} is over: it is closed, and no longer extended")]
    Over {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
    },
    /// Somebody else's grant.
    #[error("{grant} is {requester}'s: only who asked for it extends it")]
    NotYours {
        /// The grant.
        grant: String,
        /// Who asked for it.
        requester: String,
    },
    /// The scope has no `duration.extend`.
    #[error("{scope} allows no extension")]
    None {
        /// Its scope.
        scope: String,
    },
    /// As many times as the scope says.
    #[error("{grant} was extended as often as {scope} allows ({times})")]
    TooOften {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// How often it was.
        times: u64,
    },
    /// More at once than the scope says.
    #[error("{asked} is longer than {scope} allows at a time: at most {length}")]
    TooLong {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// What was asked for.
        asked: Seconds,
        /// What is registered.
        length: Seconds,
        /// What would be granted.
        possible: Seconds,
    },
    /// Longer in all than the scope says.
    #[error("{grant} may be open for {max} in all: {}", left.map_or("that is used up".into(), |left| format!("{left} is left, and {asked} was asked for")))]
    Maximum {
        /// The grant.
        grant: String,
        /// Its scope.
        scope: String,
        /// What was asked for.
        asked: Seconds,
        /// What is registered.
        max: Seconds,
        /// What is left of it.
        left: Option<Seconds>,
    },
}

impl ExtendRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotActive { .. } => "not-active",
            Self::Over { .. } => "over",
            Self::NotYours { .. } => "not-the-requester",
            Self::None { .. } => "no-extension",
            Self::TooOften { .. } => "extended-too-often",
            Self::TooLong { .. } => "extension-too-long",
            Self::Maximum { .. } => "duration-over-maximum",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotYours { grant, requester } => {
                format!("{requester} types: glass extend {grant} --for DURATION")
            }
            Self::TooLong { grant, possible, .. } => format!("glass extend {grant} --for {possible}"),
            Self::Maximum { grant, left: Some(left), .. } => format!("glass extend {grant} --for {left}"),
            Self::NotActive { scope, .. }
            | Self::Over { scope, .. }
            | Self::None { scope }
            | Self::TooOften { scope, .. }
            | Self::Maximum { scope, .. } => {
                format!("once it has closed, open it anew, with a reason of its own: glass activate {scope}")
            }
        }
    }
}

/// Judges an extension by the scope as it was registered when the grant ran, and by who exists
/// now; gives the new end. Whether the old one has come is for who knows the time to say.
pub fn judge_extension(
    grant: &Grant,
    scope: &Scope,
    roster: &Roster,
    person: &str,
    by: Seconds,
) -> Result<DateTime<Utc>, Denied> {
    let (id, address) = (|| grant.id.to_string(), || grant.scope.clone());
    let opening = match (&grant.opening, grant.state) {
        (Some(opening), State::Active) => opening,
        (_, state) => {
            return Err(ExtendRefusal::NotActive { grant: id(), scope: address(), state }.into());
        }
    };
    if person != grant.person {
        return Err(ExtendRefusal::NotYours { grant: id(), requester: grant.person.clone() }.into());
    }
    match roster.person(person) {
        Some(known) if roster.is_automation(known) => {
            return Err(Refusal::Automation(person.to_owned()).into());
        }
        Some(known) if roster.may_activate(known, &scope.activate) => {}
        _ => {
            let who = scope.activate.iter().map(ToString::to_string).collect();
            let person = person.to_owned();
            return Err(Refusal::NotAllowed { person, scope: scope.name.clone(), who }.into());
        }
    }
    let Some(Extension { length, times }) = &scope.duration.extension else {
        return Err(ExtendRefusal::None { scope: address() }.into());
    };
    if grant.extended >= grant.extensions.min(u64::from(*times)) {
        return Err(ExtendRefusal::TooOften { grant: id(), scope: address(), times: grant.extended }.into());
    }
    let max = scope.duration.max.min(Seconds::new(grant.max_s));
    let end = grant.deadline().map_or(opening.moment.wall, |deadline| deadline.wall);
    let left = (opening.moment.wall + max.delta() - end).num_seconds();
    let left = u64::try_from(left).ok().filter(|left| *left > 0).map(Seconds::new);
    let possible = left.map(|left| left.min(*length));
    match possible {
        Some(possible) if by <= possible => Ok(end + by.delta()),
        Some(possible) if by > *length => Err(ExtendRefusal::TooLong {
            grant: id(),
            scope: address(),
            asked: by,
            length: *length,
            possible,
        }
        .into()),
        _ => Err(ExtendRefusal::Maximum { grant: id(), scope: address(), asked: by, max, left }.into()),
    }
}

/// The end that it has must not have come, by either clock.
pub fn judge_in_time(grant: &Grant, now: &Moment, last_entry: DateTime<Utc>) -> Result<(), ExtendRefusal> {
    match grant.deadline().is_none_or(|deadline| deadline.has_passed(now, last_entry)) {
        false => Ok(()),
        true => Err(ExtendRefusal::Over { grant: grant.id.to_string(), scope: grant.scope.clone() }),
    }
}

/// Judges an extension and puts it into the words that will be signed.
pub fn authorize_extension(
    grant: &Grant,
    scope: &Scope,
    playbook: Option<&str>,
    roster: &Roster,
    by: Seconds,
    common: &Common,
) -> Result<Authorization<Extend>, Denied> {
    let end = judge_extension(grant, scope, roster, &common.person, by)?;
    let mut facts = map(json!({
        "grant": grant.id.as_str(),
        "scope": grant.scope,
        "extend_s": by.get(),
        "expires_at": rfc3339(end),
    }));
    if let Some(playbook) = playbook {
        facts.insert("playbook".into(), json!(playbook));
    }
    let texts = map(json!({"title": scope.title.as_str()}));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, grant.id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::playbook::{Playbook, SAMPLE};
    use crate::core::public_key::PublicKey;
    use crate::core::unusual::tests::closed;

    fn seconds(minutes: u64) -> Seconds {
        Seconds::new(60 * minutes)
    }

    /// Open for 10 of 25 minutes, extended this often; each time by 10 at most, twice.
    fn judge(change: impl FnOnce(&mut Grant, &mut Scope), by: u64) -> Result<i64, &'static str> {
        let mut scope = Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0);
        scope.duration.max = seconds(25);
        scope.duration.extension = Some(Extension { length: seconds(10), times: 2 });
        let mut grant = Grant {
            state: State::Active,
            closed_at: None,
            max_s: 1_500,
            extensions: 2,
            duration_s: 600,
            ..closed()
        };
        let opening = grant.opening.as_mut().unwrap();
        opening.terms.expires_at = rfc3339(opening.moment.wall + seconds(10).delta());
        change(&mut grant, &mut scope);
        let roster = Roster::founder("ana", PublicKey::ed25519([1; 32]));
        let person = grant.person.clone();
        let opened = grant.opening.as_ref().unwrap().moment.wall;
        judge_extension(&grant, &scope, &roster, &person, seconds(by))
            .map(|end| (end - opened).num_minutes())
            .map_err(|denied| match denied {
                Denied::Extension(refusal) => {
                    assert!(refusal.hint().contains("glass "), "{}", refusal.hint());
                    refusal.code()
                }
                Denied::Refused(refusal) => refusal.code(),
                other => panic!("{other}"),
            })
    }

    #[test]
    fn p02_an_extension_keeps_to_length_count_and_maximum() {
        assert_eq!(judge(|_, _| {}, 10), Ok(20));
        assert_eq!(judge(|_, _| {}, 11), Err("extension-too-long"));
        let once_more = |grant: &mut Grant, _: &mut Scope| {
            let opening = grant.opening.as_mut().unwrap();
            opening.terms.expires_at = rfc3339(opening.moment.wall + seconds(20).delta());
            grant.extended = 1;
        };
        assert_eq!(judge(once_more, 5), Ok(25));
        assert_eq!(judge(once_more, 6), Err("duration-over-maximum"));
        assert_eq!(judge(|grant, _| grant.extended = 2, 1), Err("extended-too-often"));
        assert_eq!(judge(|_, scope| scope.duration.extension = None, 1), Err("no-extension"));
        assert_eq!(judge(|grant, _| grant.max_s = 600, 1), Err("duration-over-maximum"));
        assert_eq!(judge(|grant, _| grant.state = State::Closing, 1), Err("not-active"));
        assert_eq!(judge(|_, scope| scope.activate = Vec::new(), 1), Err("not-in-activate"));
    }
}
