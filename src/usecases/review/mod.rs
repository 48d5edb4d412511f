//! `review`: another person judges a use under signature (P6, P8).
//!
//! Refuse what can be refused; show the story; ask; have it typed and signed; record.

mod playing;
mod questions;
mod queue;

pub use queue::{Cleared, queue};

use crate::core::playbook::{Scope, Touch};
use crate::core::policy::{self, Judgement, Reviewer};
use crate::core::review::Verdict;
use crate::core::roster::Roster;
use crate::core::text::Line;
use crate::ports::clock;
use crate::ports::ledger::{GrantRow, Ledger, Refusal, Story, Which};
use crate::ports::signer::{Key, UnlockedKey};
use crate::ports::terminal::Terminal;
use crate::reading::story;
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::session::listing::command_logs;
use crate::usecases::signing::{common, confirm_and_sign_again, find_person};
use crate::usecases::texts::{incident_text, note_text};
use std::path::{Path, PathBuf};

/// What is to be judged, and what of it was given as flags.
#[derive(Debug, Default)]
pub struct Wish {
    /// The grant.
    pub grant: String,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Why.
    pub note: Option<String>,
    /// The incident, where the request said `pending`.
    pub incident: Option<String>,
    /// The key that signs.
    pub key: Option<PathBuf>,
}

/// A verdict that is in the ledger.
#[derive(Debug)]
pub struct Judged {
    /// The grant.
    pub grant: String,
    /// `playbook/scope`.
    pub scope: String,
    /// What was found.
    pub verdict: Verdict,
    /// Who judged.
    pub person: String,
    /// Whether it was their own use.
    pub self_review: bool,
}

/// What was found out before a refusal.
#[derive(Default)]
struct Known {
    person: Option<String>,
    scope: Option<String>,
}

/// Reviews one grant; what is refused or abandoned is recorded.
pub fn review(context: &Context, wish: &Wish) -> Result<Judged, Failure> {
    let mut known = Known::default();
    attempt(context, wish, &mut known).inspect_err(|failure| record_refusal(context, failure, known))
}

fn attempt(context: &Context, wish: &Wish, known: &mut Known) -> Result<Judged, Failure> {
    let terminal = Terminal::open()?;
    let ledger = context.ledger_to_open()?;
    let mut desk = Desk::open(context, terminal, ledger, wish.key.as_deref(), known)?;
    let case = desk.take(&wish.grant, known)?;
    let given = Given::judge(&case, wish)?;
    desk.show(context, &case)?;
    let verdict = match given.verdict {
        Some(verdict) => verdict,
        None => questions::verdict(context, &mut desk.terminal, &case)?,
    };
    desk.judge(&case, verdict, given)
}

fn record_refusal(context: &Context, failure: &Failure, known: Known) {
    if !failure.cause.is_empty() {
        context.record_refusal(&Refusal {
            verb: "review",
            cause: failure.cause,
            person: known.person,
            by: context.by(),
            scope: known.scope,
        });
    }
}

/// What owes its review, the longest overdue first.
pub fn owed(context: &Context) -> Result<Vec<GrantRow>, Failure> {
    Ok(context.ledger_to_read()?.grants(&Which::Owed)?)
}

/// The story of a grant; asks and records nothing.
pub fn tell(context: &Context, grant: &str) -> Result<Story, Failure> {
    find(&context.ledger_to_read()?, grant)
}

fn find(ledger: &Ledger, grant: &str) -> Result<Story, Failure> {
    ledger.story(grant)?.ok_or_else(|| {
        Failure::new(Kind::Refused, format!("there is no grant {grant}"))
            .hint("`glass review --list` shows what owes its review, `glass status --all` all there were")
            .cause("no-such-grant")
    })
}

/// A reviewer at a terminal, with a key and the ledger.
struct Desk {
    terminal: Terminal,
    ledger: Ledger,
    roster: Roster,
    person: String,
    key: Key,
    /// Once a passphrase was given, it is good for the verdicts that follow.
    unlocked: Option<UnlockedKey>,
}

/// A grant that this person may review.
struct Case {
    story: Story,
    scope: Scope,
    reviewer: Reviewer,
}

impl Desk {
    fn open(
        context: &Context,
        terminal: Terminal,
        ledger: Ledger,
        key: Option<&Path>,
        known: &mut Known,
    ) -> Result<Self, Failure> {
        ledger.check_head()?;
        let roster = ledger.roster()?;
        let (person, key) =
            find_person(context, key, &roster, Touch::Off, &clock::now()?, &mut known.person)?;
        Ok(Self { terminal, ledger, roster, person, key, unlocked: None })
    }

    /// The grant's story, if this person may judge it.
    fn take(&self, grant: &str, known: &mut Known) -> Result<Case, Failure> {
        let story = find(&self.ledger, grant)?;
        known.scope = Some(story.grant.scope.clone());
        let scope = story.scope.clone().ok_or_else(|| {
            let scope = &story.grant.scope;
            Failure::new(Kind::Refused, format!("{scope} is not registered: nobody may review it"))
                .hint("an admin registers the playbook that names who reviews it")
                .cause("not-registered")
        })?;
        let reviewer = Reviewer::of(&story.grant, &scope, &self.roster, &self.person)?;
        Ok(Case { story, scope, reviewer })
    }

    fn show(&mut self, context: &Context, case: &Case) -> Result<(), Failure> {
        self.terminal.say("")?;
        let (story, logs) = (&case.story, command_logs(context, &case.story));
        for line in story::to_lines(story, &logs, clock::now()?.wall, self.terminal.width()) {
            self.terminal.say(&line)?;
        }
        if case.reviewer.is_self_review() {
            self.terminal.say("This is your own use, and you are the only person here: a self-review.")?;
        }
        Ok(())
    }

    /// Asks for what is missing, has it typed and signed, and records it.
    fn judge(&mut self, case: &Case, verdict: Verdict, given: Given) -> Result<Judged, Failure> {
        let Case { story, scope, reviewer } = case;
        let incident = match (given.incident, case.owes_incident()) {
            (None, true) => Some(questions::incident(&mut self.terminal, scope)?),
            (incident, _) => incident,
        };
        let note = match given.note {
            Some(note) => note,
            None => note_text(&self.terminal.ask_line("Note: ")?)?,
        };
        // Everything is judged on what stands now, not on what stood before the questions.
        let (now, head) = (clock::now()?, self.ledger.check_head()?);
        let judgement = Judgement {
            grant: &story.grant,
            scope,
            playbook: story.playbook.as_deref(),
            requested_incident: story.requested("incident"),
            verdict,
            note: &note,
            incident: incident.as_ref(),
        };
        let common = common(&self.ledger, &head, &self.person, &now)?;
        let authorization = policy::authorize_review(reviewer, &judgement, &common)?;
        let confirmed = confirm_and_sign_again(
            &mut self.terminal,
            &self.key,
            &mut self.unlocked,
            Touch::Off,
            authorization,
        )?;
        self.ledger.record_review(&confirmed, &clock::now()?)?;
        Ok(Judged {
            grant: story.grant.id.to_string(),
            scope: story.grant.scope.clone(),
            verdict,
            person: self.person.clone(),
            self_review: reviewer.is_self_review(),
        })
    }
}

impl Case {
    fn owes_incident(&self) -> bool {
        policy::owes_incident(&self.story.grant, self.story.requested("incident"))
    }
}

/// What was given as flags, judged before anything is asked.
#[derive(Default)]
struct Given {
    verdict: Option<Verdict>,
    note: Option<Line>,
    incident: Option<Line>,
}

impl Given {
    fn judge(case: &Case, wish: &Wish) -> Result<Self, Failure> {
        if let Some(verdict) = wish.verdict {
            policy::judge_verdict(&case.story.grant, verdict)?;
        }
        let note = wish.note.as_deref().map(note_text).transpose()?;
        let incident = wish.incident.as_deref().map(incident_text).transpose()?;
        if let Some(incident) = &incident {
            policy::judge_incident_given(&case.story.grant, case.story.requested("incident"))?;
            policy::judge_filled_in(&case.scope, incident)?;
        }
        Ok(Self { verdict: wish.verdict, note, incident })
    }
}
