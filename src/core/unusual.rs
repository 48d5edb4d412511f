//! What was unusual about a use, worked out from its entries alone (pure).
//!
//! A false alarm costs trust: a rule points out what a reviewer would want to ask about, and
//! says nothing where it can't know. What a person did while it was open is known here only as
//! far as sessions go; that a use had none is a finding where the scope's outputs are of use
//! nowhere else.

use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Kind, StepState};
use crate::core::grant::{ATTESTED, Grant, GrantSession};
use crate::core::playbook::{Recording, Scope};
use crate::core::policy::Use;
use crate::core::text::escape;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// A closing this long after its deadline is late: cron's minute, and time for the commands.
const LATE: TimeDelta = TimeDelta::minutes(2);
/// How far back earlier attempts belong to a use.
pub const ATTEMPTS_BACK: TimeDelta = TimeDelta::hours(1);
/// How far back earlier uses are looked at, where the scope sets no limit of its own.
pub const USES_BACK: TimeDelta = TimeDelta::days(30);
/// On so many different days within that time, one person's use of one scope is repeated.
const DAYS: usize = 3;
/// From this share of the maximum on, a grant was open near it.
const NEAR_PERCENT: i64 = 90;

/// Something that a reviewer should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A word that stays the same.
    pub id: &'static str,
    /// In words; holds nothing that glass did not let in.
    pub text: String,
}

/// How an earlier attempt at the same scope by the same person ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A criterion was answered with no.
    NotMet,
    /// It was broken off while a question stood.
    Abandoned,
    /// It was confirmed, failed, and was rolled back.
    Failed,
}

/// All that the rules look at.
#[derive(Debug)]
pub struct History<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// Its entries, oldest first.
    pub entries: &'a [Facts],
    /// Its scope, as registered when it ran.
    pub scope: Option<&'a Scope>,
    /// The reason, while its text is there.
    pub reason: Option<&'a str>,
    /// Earlier uses of the scope by anyone; drills are not among them.
    pub uses: &'a [Use],
    /// Attempts within [`ATTEMPTS_BACK`] before the request, by the same person.
    pub attempts: &'a [Attempt],
}

/// Everything unusual, in the order of a grant's life. A drill is held only against how it
/// opened, was recorded and closed: it is neither routine nor an emergency, and need not be used.
pub fn unusual(history: &History<'_>) -> Vec<Finding> {
    let emergency: [fn(&History<'_>) -> Option<Finding>; 5] =
        [off_hours, repeated, attempts, generic_reason, no_session];
    let always: [fn(&History<'_>) -> Option<Finding>; 16] = [
        outside,
        hotfix,
        alone,
        overridden,
        no_request,
        automation_hint,
        clock_behind,
        pre_existing,
        extended,
        recording_gap,
        session_interrupted,
        session_not_gone,
        near_maximum,
        closed_late,
        closed_by_retry,
        attested,
    ];
    let emergency = emergency.iter().filter(|_| !history.grant.drill);
    emergency.chain(&always).filter_map(|rule| rule(history)).collect()
}

fn finding(id: &'static str, text: String) -> Option<Finding> {
    Some(Finding { id, text })
}

fn off_hours(history: &History<'_>) -> Option<Finding> {
    let hours = history.scope?.on_call.as_ref()?;
    if hours.covers(history.grant.requested_at) {
        return None;
    }
    finding("outside-on-call", format!("asked for outside its on-call hours ({hours})"))
}

/// The scope's own limit goes before glass's idea of too often.
fn repeated(history: &History<'_>) -> Option<Finding> {
    let grant = history.grant;
    let at = grant.activated_at.unwrap_or(grant.requested_at);
    if let Some(limit) = history.scope.and_then(|scope| scope.limits.routine.as_ref()) {
        let text =
            || format!("routine: {} earlier uses within {}", limit.count(history.uses, at), limit.within);
        return limit.is_reached(history.uses, at).then(text).and_then(|text| finding("routine", text));
    }
    let own = history.uses.iter().filter(|used| used.person == grant.person && used.at + USES_BACK > at);
    // Days, not uses: one long incident may take several grants.
    let days: BTreeSet<_> = own.map(|used| used.at.date_naive()).chain([at.date_naive()]).collect();
    if days.len() < DAYS {
        return None;
    }
    finding(
        "repeated",
        format!("the same person opened the same scope on {} days of the last 30", days.len()),
    )
}

fn attempts(history: &History<'_>) -> Option<Finding> {
    let count = |kind| history.attempts.iter().filter(|attempt| **attempt == kind).count();
    let words = [
        (count(Attempt::NotMet), "answered a criterion with no"),
        (count(Attempt::Abandoned), "broken off"),
        (count(Attempt::Failed), "failed and rolled back"),
    ];
    let told: Vec<String> = words
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what} ({count})"))
        .collect();
    match told.is_empty() {
        true => None,
        false => finding("earlier-attempts", format!("tried within the hour before: {}", told.join(", "))),
    }
}

/// Words that say nothing about what is broken.
const GENERIC: [&str; 34] = [
    "test",
    "tests",
    "testing",
    "tested",
    "fix",
    "fixes",
    "fixing",
    "fixed",
    "asdf",
    "qwer",
    "qwerty",
    "foo",
    "bar",
    "baz",
    "abc",
    "debug",
    "debugging",
    "emergency",
    "urgent",
    "asap",
    "access",
    "need",
    "needed",
    "stuff",
    "work",
    "temp",
    "tmp",
    "todo",
    "tbd",
    "none",
    "reason",
    "because",
    "na",
    "xyz",
];

/// The whole reason, never a part of one: "fix the broken signer" says what is broken.
fn is_generic(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let mut words = reason.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    // White space and full stops are no reason either.
    words.peek().is_none() || words.all(says_nothing)
}

fn says_nothing(word: &str) -> bool {
    let one_letter = word.chars().all(|c| word.starts_with(c));
    let count = word.chars().count();
    one_letter
        || GENERIC
            .iter()
            .any(|known| count.is_multiple_of(known.len()) && known.repeat(count / known.len()) == word)
}

fn generic_reason(history: &History<'_>) -> Option<Finding> {
    let generic = is_generic(history.reason?);
    generic.then(|| finding("generic-reason", "the reason says nothing about what is broken".into()))?
}

fn outside(history: &History<'_>) -> Option<Finding> {
    let outside = history.grant.outside;
    outside.then(|| finding("outside", "it was done outside glass, and told afterwards".into()))?
}

fn hotfix(history: &History<'_>) -> Option<Finding> {
    let words = history.grant.mended.as_ref()?.to_words();
    finding("hotfix", format!("opened by the hotfix {words}, not by what admins registered"))
}

fn alone(history: &History<'_>) -> Option<Finding> {
    let grant = history.grant;
    let missing = || format!("opened ALONE, without {} of the signatures that it needs", grant.missing());
    grant.alone.then(|| finding("alone", missing()))?
}

fn overridden(history: &History<'_>) -> Option<Finding> {
    let overrides = &history.grant.overrides;
    let text = || format!("opened in spite of the overdue review of {}", escape(&overrides.join(", ")));
    (!overrides.is_empty()).then(|| finding("override", text()))?
}

fn no_request(history: &History<'_>) -> Option<Finding> {
    let lost = history.grant.statement.is_none();
    lost.then(|| {
        finding("no-request", "its request is not in the ledger, which was put back from before it".into())
    })?
}

/// Not evidence either way: an agent can hide, and a person can work in its terminal.
fn automation_hint(history: &History<'_>) -> Option<Finding> {
    let request = history.entries.first().filter(|facts| facts.kind == Kind::Requested)?;
    let signed = request.signed.as_ref()?;
    let hints: Vec<&str> = signed.get("hints")?.as_array()?.iter().filter_map(|hint| hint.as_str()).collect();
    let noted = || format!("a hint of an agent or CI runner at its terminal: {}", escape(&hints.join(", ")));
    (!hints.is_empty()).then(|| finding("automation-hint", noted()))?
}

fn clock_behind(history: &History<'_>) -> Option<Finding> {
    let request = history.entries.first()?;
    let given = request.signed_str("time_given")?;
    finding(
        "clock-behind",
        format!("the host's clock was behind the ledger; the person gave the time as {given} UTC"),
    )
}

fn pre_existing(history: &History<'_>) -> Option<Finding> {
    let steps: Vec<&str> = history
        .entries
        .iter()
        .filter(|facts| facts.kind == Kind::StepOpened && facts.outcome == Some(StepState::PreExisting))
        .filter_map(|facts| facts.step.as_deref())
        .collect();
    match steps.is_empty() {
        true => None,
        false => finding("pre-existing", format!("the access was there before it: {}", steps.join(", "))),
    }
}

fn extended(history: &History<'_>) -> Option<Finding> {
    let by_s: Vec<u64> = history
        .entries
        .iter()
        .filter(|facts| facts.kind == Kind::Extended)
        .filter_map(|facts| facts.signed_u64("extend_s"))
        .collect();
    let by = Seconds::new(by_s.iter().fold(0, |sum, by_s| sum.saturating_add(*by_s)));
    match by_s.len() {
        0 => None,
        1 => finding("extended", format!("extended once, by {by}")),
        times => finding("extended", format!("extended {times} times, by {by} in all")),
    }
}

/// Where outputs can be used in sessions only, it was opened for nothing, or used around glass.
fn no_session(history: &History<'_>) -> Option<Finding> {
    let (grant, required) = (history.grant, history.scope?.recording == Recording::Required);
    let used_otherwise = grant.outside || grant.activated_at.is_none() || grant.closed_at.is_none();
    if !required || used_otherwise || !grant.sessions.is_empty() {
        return None;
    }
    finding("no-session", "opened, and never used through glass".into())
}

fn recording_gap(history: &History<'_>) -> Option<Finding> {
    let gaps = history.grant.sessions.iter().filter_map(|session| {
        let gap = session.gap.as_ref()?;
        Some(format!("{} ({})", escape(&session.id), escape(&gap.cause)))
    });
    let told: Vec<String> = gaps.collect();
    let text = || format!("the recording broke off: {}", told.join(", "));
    (!told.is_empty()).then(|| finding("recording-gap", text()))?
}

fn session_interrupted(history: &History<'_>) -> Option<Finding> {
    let was = |session: &GrantSession| session.end.as_ref().is_some_and(|end| end.interrupted);
    let told = sessions_that(history.grant, was)?;
    finding("session-interrupted", format!("glass died under a session, and nobody saw its end: {told}"))
}

/// A closed grant whose session has no end in the record is no better.
fn session_not_gone(history: &History<'_>) -> Option<Finding> {
    let closed = history.grant.closed_at.is_some();
    let lives = |session: &GrantSession| session.end.as_ref().map_or(closed, |end| !end.ending.gone);
    let told = sessions_that(history.grant, lives)?;
    finding("session-not-gone", format!("nothing proves that all which a session started is gone: {told}"))
}

fn sessions_that(grant: &Grant, is_so: impl Fn(&GrantSession) -> bool) -> Option<String> {
    let ids: Vec<String> =
        grant.sessions.iter().filter(|session| is_so(session)).map(|session| escape(&session.id)).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

/// Only where the person asked for more than the default: else the scope itself says so long.
fn near_maximum(history: &History<'_>) -> Option<Finding> {
    let (grant, durations) = (history.grant, &history.scope?.duration);
    let open = open_for(grant)?;
    let near = open.num_seconds() * 100 >= durations.max.delta().num_seconds() * NEAR_PERCENT;
    if !near || grant.duration_s <= durations.default.get() {
        return None;
    }
    finding(
        "near-maximum",
        format!("open for {}, near the maximum of {}", whole_seconds(open), durations.max),
    )
}

fn closed_late(history: &History<'_>) -> Option<Finding> {
    let late = late_by(history.grant).filter(|late| *late > LATE)?;
    finding("closed-late", format!("proved closed {} after its end", whole_seconds(late)))
}

fn closed_by_retry(history: &History<'_>) -> Option<Finding> {
    let rounds = history.entries.iter().filter(|facts| facts.kind == Kind::Unrevoked).count();
    if rounds == 0 || history.grant.closed_at.is_none() || was_attested(history.entries) {
        return None;
    }
    finding("closed-by-retry", "its first closing proved nothing; only a later try did".into())
}

fn attested(history: &History<'_>) -> Option<Finding> {
    if !was_attested(history.entries) {
        return None;
    }
    let who: Vec<&str> = history.grant.attested.iter().map(|consent| consent.person.as_str()).collect();
    finding(
        "attested",
        format!("no check proved it closed: {} signed that it was closed by hand", who.join(" and ")),
    )
}

/// Whether people, and no check, saw to the closing of a step.
pub fn was_attested(entries: &[Facts]) -> bool {
    entries.iter().any(|facts| facts.proof.as_deref() == Some(ATTESTED))
}

/// How long a grant was open; `None` where it never was, or still is.
pub fn open_for(grant: &Grant) -> Option<TimeDelta> {
    Some(grant.closed_at? - grant.activated_at?)
}

fn late_by(grant: &Grant) -> Option<TimeDelta> {
    let end: DateTime<Utc> = grant.deadline()?.wall;
    Some(grant.closed_at? - end)
}

fn whole_seconds(span: TimeDelta) -> Seconds {
    Seconds::new(u64::try_from(span.num_seconds()).unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests;
