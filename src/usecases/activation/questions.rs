//! What the person sees and is asked: one screen, then at most a handful of questions.

use super::preflight::Ready;
use crate::core::filling::probe_command;
use crate::core::grant::Mended;
use crate::core::playbook::Criterion;
use crate::core::policy::{self, Answer, Refusal};
use crate::core::proof::Ended;
use crate::core::text::Line;
use crate::ports::clock;
use crate::ports::effect::probe;
use crate::ports::effect::session::containment;
use crate::ports::terminal::Terminal;
use crate::reading::summary::Summary;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::invocation::{Judgement, ready, stdin_of};
use crate::usecases::texts::{incident_text, reason_text};
use chrono::{NaiveTime, TimeDelta};

/// Shows what opens, for whom, until when, what is recorded, when review is due.
pub(super) fn summary(context: &Context, terminal: &mut Terminal, ready: &Ready) -> Result<(), Failure> {
    let key = ready.key.public().fingerprint();
    let hints: Vec<String> = ready.hints.iter().map(ToString::to_string).collect();
    let summary = Summary {
        address: &ready.address,
        scope: ready.scope(),
        person: &ready.person,
        key: key.as_str(),
        length: ready.length,
        drill: ready.drill,
        hints: &hints,
        overrides: &ready.overrides,
        hotfix: ready.mended.as_ref().map(Mended::to_words),
        able: &ready.able,
        contained: containment(),
        os_uid: Some(context.os_uid().into()),
        until: clock::now()?.wall + ready.length.delta(),
    };
    terminal.say("")?;
    for line in summary.to_lines() {
        terminal.say(&line)?;
    }
    terminal.say("").map_err(Failure::from)
}

/// Every criterion must hold: by its probe, or by the person's word.
pub(super) fn criteria(
    context: &Context,
    terminal: &mut Terminal,
    ready: &Ready,
) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::new();
    for criterion in &ready.scope().criteria {
        let probe_exit = run_probe(context, ready, criterion);
        match probe_exit {
            Some(0) => terminal.say(&format!("{} yes (its probe says so)", criterion.ask))?,
            Some(1) => return Err(not_met(criterion)),
            _ if terminal.ask_yes(&criterion.ask)? => {}
            _ => return Err(not_met(criterion)),
        }
        let asked = probe_exit != Some(0);
        answers.push(Answer { id: criterion.id.clone(), ask: criterion.ask.clone(), probe_exit, asked });
    }
    Ok(answers)
}

fn not_met(criterion: &Criterion) -> Failure {
    Refusal::Criterion { id: criterion.id.clone(), ask: criterion.ask.to_string() }.into()
}

/// The exit code of a criterion's probe; `None` where it has none, or gave no answer.
fn run_probe(context: &Context, of: &Ready, criterion: &Criterion) -> Option<i32> {
    let probe_of = criterion.probe.as_ref()?;
    let os_user = context.os_user();
    let command = probe_command(probe_of, &of.address, &of.person, &os_user).ok()?;
    let stdin = stdin_of(context, probe_of.surroundings.stdin.as_ref(), |_| None, Judgement::Strict).ok()?;
    let prepared = ready(context, &command, stdin, Judgement::Strict).ok()?;
    match probe(&of.registered, &prepared.invocation).ended {
        Ended::Exit(code) => Some(code),
        _ => None,
    }
}

/// The incident: a flag's, or asked for.
pub(super) fn incident(terminal: &mut Terminal, ready: &Ready) -> Result<Line, Failure> {
    if let Some(incident) = &ready.incident {
        return Ok(incident.clone());
    }
    let incident = incident_text(&terminal.ask_line("Incident: ")?)?;
    policy::judge_incident(ready.scope(), &incident)?;
    Ok(incident)
}

/// The reason: a flag's, or asked for.
pub(super) fn reason(terminal: &mut Terminal, ready: &Ready) -> Result<Line, Failure> {
    if let Some(reason) = &ready.reason {
        return Ok(reason.clone());
    }
    let reason = reason_text(&terminal.ask_line("Reason: ")?)?;
    policy::judge_reason(ready.scope(), &reason)?;
    Ok(reason)
}

/// How far a person's own clock may be from this host's.
const TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Where the clock is behind the ledger, the person says what time it is (P11).
pub(super) fn time(terminal: &mut Terminal, ready: &Ready) -> Result<Option<String>, Failure> {
    let Some(floor) = ready.clock_floor else { return Ok(None) };
    let clock = clock::now()?.wall;
    terminal.say(&format!(
        "This host's clock says {} UTC, but the ledger has an entry of {} UTC.",
        clock.format("%Y-%m-%d %H:%M"),
        floor.format("%Y-%m-%d %H:%M")
    ))?;
    let answer = terminal.ask_line("Time now (UTC, HH:MM): ")?;
    let given = NaiveTime::parse_from_str(answer.trim(), "%H:%M").map_err(|_| {
        Failure::new(Kind::Usage, "that is not a time: write it as HH:MM, in UTC").cause("malformed-time")
    })?;
    let clock = clock::now()?.wall;
    if minutes_apart(given, clock.time()) > TOLERANCE {
        return Err(Failure::new(
            Kind::Refused,
            format!(
                "this host's clock ({} UTC) is more than 10 minutes from the time you gave ({} UTC)",
                clock.format("%H:%M"),
                given.format("%H:%M")
            ),
        )
        .hint("set the clock first: `timedatectl set-ntp true`, or `date -u -s 'YYYY-MM-DD HH:MM'`; then activate again")
        .cause("clock-mismatch"));
    }
    Ok(Some(given.format("%H:%M").to_string()))
}

/// How far apart two times of day are, the short way round midnight.
fn minutes_apart(a: NaiveTime, b: NaiveTime) -> TimeDelta {
    let apart = (a - b).abs();
    apart.min(TimeDelta::days(1) - apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_midnight_does_not_make_a_day_of_a_minute() {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        assert_eq!(minutes_apart(time(23, 58), time(0, 3)), TimeDelta::minutes(5));
        assert_eq!(minutes_apart(time(12, 0), time(13, 0)), TimeDelta::minutes(60));
        assert_eq!(minutes_apart(time(0, 0), time(12, 0)), TimeDelta::hours(12));
    }
}
