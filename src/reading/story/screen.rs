//! The story for a person: 80 columns, and 24 lines as far as it fits.

use super::sessions::sessions;
use super::{Criterion, criteria, findings, last, not_recorded, of_kind, of_step, review_state, signed};
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, Kind, Run, Touched};
use crate::core::grant::Consent;
use crate::core::moment::parse_rfc3339;
use crate::core::text::escape;
use crate::core::unusual::{open_for, was_attested};
use crate::ports::ledger::Story;
use crate::reading::sessions::Logs;
use crate::reading::time::near;
use crate::reading::wrap::hang;
use chrono::{DateTime, Local, TimeDelta, Utc};

/// Where the text begins that follows a heading.
const MARGIN: usize = 13;
const REDACTED: &str = "(its text is not there)";

/// Lines of at most `width` columns, each inert (P10). `logs` are the command logs of its sessions
/// that can be read.
pub fn to_lines(story: &Story, logs: &Logs, now: DateTime<Utc>, width: usize) -> Vec<String> {
    let mut sheet = Sheet { lines: Vec::new(), width };
    head(story, &mut sheet);
    for criterion in criteria(story) {
        sheet.row("criterion", &met(&criterion));
    }
    sheet.row("time", &time(story));
    for facts in of_kind(story, Kind::Extended) {
        let by = Seconds::new(facts.signed_u64("extend_s").unwrap_or(0));
        sheet.row("", &format!("extended by {by}, at {}", clock(facts)));
    }
    steps(story, &mut sheet);
    sessions(story, logs, now, &mut sheet);
    sheet.row("closing", &closing(story));
    for facts in of_kind(story, Kind::Revoked) {
        sheet.row(
            "",
            &format!("revoked by {}, signed, at {}", facts.person.as_deref().unwrap_or("-"), clock(facts)),
        );
    }
    for facts in of_kind(story, Kind::Attested) {
        let steps = facts.signed_list("steps").join(", ");
        let person = facts.person.as_deref().unwrap_or("-");
        sheet.row("", &format!("{person} signed at {} that it was closed by hand: {steps}", clock(facts)));
    }
    let found = findings(story);
    for finding in &found {
        sheet.row("UNUSUAL", &finding.text);
    }
    if found.is_empty() {
        sheet.row("unusual", "nothing that glass can tell");
    }
    for gap in not_recorded(story, logs) {
        sheet.row("NOT RECORDED", &gap);
    }
    review(story, now, &mut sheet);
    sheet.lines
}

/// Its steps alone: how each opened, and how it was last heard of.
pub fn steps_to_lines(story: &Story, width: usize) -> Vec<String> {
    let mut sheet = Sheet { lines: Vec::new(), width };
    steps(story, &mut sheet);
    sheet.lines
}

fn steps(story: &Story, sheet: &mut Sheet) {
    for step in &story.grant.steps {
        sheet.row("step", &format!("{}: {}", step.id, step_story(story, &step.id, step.state.as_str())));
        for said in errors(story, &step.id) {
            sheet.row("", &said);
        }
    }
}

pub(super) struct Sheet {
    lines: Vec<String>,
    width: usize,
}

impl Sheet {
    pub(super) fn row(&mut self, name: &str, text: &str) {
        self.lines.extend(hang(&format!("{name:<MARGIN$}"), &escape(text), self.width));
    }
}

fn head(story: &Story, sheet: &mut Sheet) {
    let grant = &story.grant;
    let drill = if grant.drill { "DRILL  " } else { "" };
    let title = story.requested("title").or(story.scope.as_ref().map(|scope| scope.title.as_str()));
    let first = format!("{drill}{}  {}  {}", grant.id, grant.scope, grant.state.as_str());
    sheet.lines.extend(hang("", &escape(&first), sheet.width));
    let os_user = os_user(story).map_or_else(String::new, |os_user| format!(", as OS user {os_user}"));
    sheet.row("what", title.unwrap_or(REDACTED));
    let opens = story.request.as_ref().and_then(|texts| texts.get("opens")?.as_array());
    let opens: Vec<&str> = opens.into_iter().flatten().filter_map(|opens| opens.as_str()).collect();
    if !opens.is_empty() {
        sheet.row("opened", &opens.join("; "));
    }
    let incident = story.requested("incident").unwrap_or(REDACTED);
    if grant.outside {
        let vouched: Vec<&str> = grant.approvals.iter().map(|consent| consent.person.as_str()).collect();
        sheet.row("OUTSIDE", "done outside glass; nothing was checked: this is what was told afterwards");
        sheet.row("who", &format!("{}; vouched for by {}", grant.person, vouched.join(", ")));
    } else {
        sheet.row("who", &format!("{}{os_user}; incident {incident}; {}", grant.person, assertion(story)));
        if let (Some(_), Some(seq)) = (&story.attestation, grant.registered) {
            let stored = format!("stored with registration {seq}; glass does not check it yet");
            sheet.row("", &format!("its enrolment attestation is {stored}"));
        }
    }
    if let Some(mended) = &grant.mended {
        sheet.row("HOTFIX", &format!("{}: differs from what admins registered", mended.to_words()));
    }
    sheet.row("why", story.requested("reason").unwrap_or(REDACTED));
    if let Some(waiting) = &grant.waiting {
        let touched =
            |given: &Consent| given.touch.map_or_else(String::new, |touch| format!(" ({})", touch.as_str()));
        let signed: Vec<String> =
            grant.approvals.iter().map(|given| format!("{}{}", given.person, touched(given))).collect();
        let signed = if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
        sheet.row("signed by", &format!("{signed}; {} needed", waiting.needed));
    }
}

/// Whose terminal it was, in the words in which entries say who acts.
fn os_user(story: &Story) -> Option<String> {
    let name = story.request_facts()?.signed_str("os_user")?;
    let id = signed(story, "os_uid").map_or_else(String::new, |id| format!(" (uid {id})"));
    let by_sudo = if signed(story, "by_sudo").is_some() { " by sudo" } else { "" };
    Some(format!("{name}{id}{by_sudo}"))
}

/// What the signature under the request says of the person at the key.
const fn assertion(story: &Story) -> &'static str {
    match story.grant.touch {
        None => "no touch",
        Some(Touched::Present) => "touch asserted",
        Some(Touched::Verified) => "touch and PIN asserted",
    }
}

fn met(criterion: &Criterion<'_>) -> String {
    let ask = criterion.ask.unwrap_or(criterion.id);
    match (criterion.asked, criterion.probe_exit) {
        (false, _) => format!("{ask} yes, by its probe"),
        (true, None) => format!("{ask} yes, the person said"),
        (true, Some(exit)) => format!("{ask} yes, the person said; its probe gave no answer (exit {exit})"),
    }
}

fn time(story: &Story) -> String {
    let grant = &story.grant;
    let granted = Seconds::new(grant.duration_s);
    if grant.outside {
        let day = |time: Option<DateTime<Utc>>| time.map_or_else(|| "-".to_owned(), local);
        let (from, to) = (day(grant.activated_at), day(grant.closed_at));
        return format!("from {from} to {to}; told {}", local(grant.requested_at));
    }
    let asked = grant.requested_at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
    let Some(open) = open_for(grant) else { return format!("asked for {asked}, {granted} granted") };
    let max = story.scope.as_ref().map_or_else(String::new, |scope| format!(", max {}", scope.duration.max));
    let (from, until) = (clock_of(grant.activated_at), clock_of(grant.closed_at));
    format!("asked for {asked}; open {from} to {until}: {} of {granted} granted{max}", span(open))
}

fn local(time: DateTime<Utc>) -> String {
    time.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn span(open: TimeDelta) -> Seconds {
    Seconds::new(u64::try_from(open.num_seconds()).unwrap_or(0))
}

fn clock_of(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.with_timezone(&Local).format("%H:%M:%S").to_string())
}

fn clock(facts: &Facts) -> String {
    clock_of(parse_rfc3339(&facts.at))
}

/// How a step opened, and how it was last heard of.
fn step_story(story: &Story, step: &str, state: &str) -> String {
    let mut words = Vec::new();
    let opened = of_step(story, step).find(|facts| facts.kind == Kind::StepOpened);
    if let Some(facts) = opened {
        let outcome = facts.outcome.map_or("", |outcome| outcome.as_str());
        words.push(format!("{outcome} {}{}", clock(facts), runs(facts)));
    }
    if let Some(facts) = of_step(story, step).filter(|facts| facts.kind == Kind::StepClosed).last() {
        let outcome = facts.outcome.map_or("", |outcome| outcome.as_str());
        let proof = facts.proof.as_ref().map_or_else(String::new, |proof| format!(" by {proof}"));
        words.push(format!("{outcome} {}{proof}{}", clock(facts), runs(facts)));
    }
    if words.is_empty() { state.to_owned() } else { words.join("; ") }
}

fn runs(facts: &Facts) -> String {
    let ended = |(name, run): (&String, &Run)| match (run.exit, run.signal) {
        (Some(exit), _) => format!("{name} exit {exit}"),
        (None, Some(signal)) => format!("{name} ended by signal {signal}"),
        (None, None) => format!("{name} {}", run.ended),
    };
    // In the order in which they ran.
    let phases = ["grant", "revoke", "end", "check"];
    let ran = phases.iter().filter_map(|phase| facts.runs.get_key_value(*phase));
    let told: Vec<String> = ran.map(ended).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// The last words of each command that failed, once each.
fn errors(story: &Story, step: &str) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for (name, run) in of_step(story, step).flat_map(|facts| &facts.runs) {
        let said = run.tail.as_ref().and_then(|tail| story.tails.get(tail)).filter(|said| !said.is_empty());
        let said = said.map(|said| format!("{name} said: {said}"));
        told.extend(said.filter(|said| !told.contains(said)));
    }
    told
}

fn closing(story: &Story) -> String {
    if story.grant.outside {
        return "by hand, they say; no check proved it".to_owned();
    }
    if last(story, Kind::ClosedFromPlan).is_some() {
        return "closed from its plan, while the ledger could not be written".to_owned();
    }
    let began = [Kind::Closing, Kind::Revoked].into_iter().find_map(|kind| last(story, kind));
    let Some(began) = began else { return "not closed".to_owned() };
    let cause = match began.kind {
        Kind::Revoked => "revoked",
        _ => began.cause.as_deref().unwrap_or("closed"),
    };
    let by = match (&began.by, &began.person) {
        (Some(os_user), _) => format!(" by OS user {os_user}"),
        (None, Some(person)) => format!(" by {person}"),
        (None, None) => String::new(),
    };
    let tries = of_kind(story, Kind::Unrevoked).count();
    let proved = match (story.grant.closed_at.is_some(), tries) {
        (false, _) => "not proved closed yet".to_owned(),
        (true, _) if was_attested(&story.entries) => "closed by hand, as two people signed".to_owned(),
        (true, 0) => "proved closed at the first try".to_owned(),
        (true, _) => "proved closed by a later try".to_owned(),
    };
    format!("{cause}{by} at {}; {proved}", clock(began))
}

fn review(story: &Story, now: DateTime<Utc>, sheet: &mut Sheet) {
    let due = story.grant.review_due_at().map(|due_at| near(due_at, now));
    match (&story.grant.review, review_state(story, now), due) {
        (Some(review), ..) => {
            let whose = if review.self_review { " (self-review)" } else { "" };
            let at = near(review.at, now);
            sheet.row("review", &format!("{} by {}{whose}, {at}", review.verdict, review.person));
            sheet.row("note", story.reviewed("note").unwrap_or(REDACTED));
            if let Some(incident) = story.reviewed("incident") {
                sheet.row("", &format!("incident filled in: {incident}"));
            }
        }
        (None, Some("overdue"), Some(due)) => sheet.row("review", &format!("OVERDUE since {due}")),
        (None, Some(state), Some(due)) => sheet.row("review", &format!("{state} {due}")),
        _ => {}
    }
}
