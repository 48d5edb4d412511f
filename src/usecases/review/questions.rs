//! What a reviewer is asked, after the story.

use super::Case;
use super::playing::{self, Wanted};
use crate::core::playbook::Scope;
use crate::core::policy;
use crate::core::review::Verdict;
use crate::core::text::Line;
use crate::ports::terminal::Terminal;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::texts::incident_text;

/// A typing error costs nothing; input without end is no person.
const TRIES: usize = 3;

/// What is typed at the verdict's prompt while there is a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The verdict.
    Verdict(Verdict),
    /// Leave this one, and go on.
    Skip,
    /// To the one before.
    Back,
    /// Leave all the rest.
    Quit,
}

/// The verdict on one grant.
pub(super) fn verdict(context: &Context, terminal: &mut Terminal, case: &Case) -> Result<Verdict, Failure> {
    playing::announce(terminal, case)?;
    for _ in 0..TRIES {
        let answer = ask(context, terminal, case)?;
        if let Some(verdict) = read_verdict(terminal, case, &answer)? {
            return Ok(verdict);
        }
    }
    Err(no_verdict())
}

/// The same in a queue, where it can be passed over.
pub(super) fn verdict_or_move(
    context: &Context,
    terminal: &mut Terminal,
    case: &Case,
) -> Result<Answer, Failure> {
    terminal.say("A verdict; or s to skip it, b to go back, q to quit.")?;
    playing::announce(terminal, case)?;
    for _ in 0..TRIES {
        let answer = ask(context, terminal, case)?;
        match answer.as_str() {
            "s" => return Ok(Answer::Skip),
            "b" => return Ok(Answer::Back),
            "q" => return Ok(Answer::Quit),
            word => {
                if let Some(verdict) = read_verdict(terminal, case, word)? {
                    return Ok(Answer::Verdict(verdict));
                }
            }
        }
    }
    Err(no_verdict())
}

/// What is answered once nothing more is to be played: that is no try.
fn ask(context: &Context, terminal: &mut Terminal, case: &Case) -> Result<String, Failure> {
    loop {
        let answer = terminal.ask_line("Verdict (justified, unjustified, misuse, drill): ")?;
        match Wanted::read(answer.trim()) {
            Some(wanted) if playing::has_any(case) => playing::play_wanted(context, terminal, case, &wanted)?,
            _ => return Ok(answer.trim().to_owned()),
        }
    }
}

/// The verdict that was typed; `None`, and says why, where it is none or does not fit.
fn read_verdict(terminal: &mut Terminal, case: &Case, word: &str) -> Result<Option<Verdict>, Failure> {
    let Ok(verdict) = word.parse() else {
        terminal.say("That is not one of them.")?;
        return Ok(None);
    };
    match policy::judge_verdict(&case.story.grant, verdict) {
        Ok(()) => Ok(Some(verdict)),
        Err(refusal) => {
            terminal.say(&format!("{refusal}; {}.", refusal.hint()))?;
            Ok(None)
        }
    }
}

fn no_verdict() -> Failure {
    Failure::new(Kind::Usage, "no verdict was given")
        .hint("it is one of justified, unjustified, misuse, drill")
        .cause("no-verdict")
}

/// The incident that a `pending` one turned out to be.
pub(super) fn incident(terminal: &mut Terminal, scope: &Scope) -> Result<Line, Failure> {
    let incident = incident_text(&terminal.ask_line("Incident: ")?)?;
    policy::judge_filled_in(scope, &incident)?;
    Ok(incident)
}
