//! `sessions list`: how grants were used through glass; asks and records nothing.

use crate::core::grant::GrantSession;
use crate::core::id::{GrantId, SessionId};
use crate::core::session::commands::{self, Source};
use crate::core::text::escape;
use crate::ports::ledger::{SessionRow, Story};
use crate::ports::recordings::{COMMANDS, Recordings};
use crate::reading::sessions::{Logged, Logs};
use crate::usecases::context::Context;
use crate::usecases::failure::{Failure, Kind};
use chrono::TimeDelta;
use std::io::BufReader;
use std::time::Duration;

/// What is to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every session that there was.
    All,
    /// Those of a grant.
    Of(GrantId),
    /// This one.
    One(SessionId),
}

impl Wanted {
    /// Takes `g-…` or `s-…`.
    pub fn read(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self::All) };
        match (text.parse(), text.parse()) {
            (Ok(grant), _) => Ok(Self::Of(grant)),
            (_, Ok(session)) => Ok(Self::One(session)),
            _ => Err(Failure::new(Kind::Usage, format!("`{}` names no grant and no session", escape(text)))
                .hint("a grant looks like `g-k3q7x2m5ab`, a session like `s-k3q7x2m5ab`; `glass sessions list` shows them all")),
        }
    }
}

/// The sessions that are wanted, oldest first.
pub fn list(context: &Context, wanted: &Wanted) -> Result<Vec<SessionRow>, Failure> {
    let ledger = context.ledger_to_read()?;
    match wanted {
        Wanted::All => Ok(ledger.sessions(None)?),
        Wanted::Of(grant) => {
            let sessions = ledger.sessions(Some(grant.as_str()))?;
            if sessions.is_empty() && ledger.grant(grant.as_str())?.is_none() {
                return Err(Failure::new(Kind::Refused, format!("there is no grant {grant}"))
                    .hint("`glass status --all` lists them"));
            }
            Ok(sessions)
        }
        Wanted::One(session) => {
            let unknown = || {
                Failure::new(Kind::Refused, format!("there is no session {session}"))
                    .hint("`glass sessions list` shows them all")
            };
            let grant = ledger.grant_of_session(session.as_str())?.ok_or_else(unknown)?;
            let mut sessions = ledger.sessions(Some(&grant))?;
            sessions.retain(|row| row.session.id == session.as_str());
            if sessions.is_empty() {
                return Err(unknown());
            }
            Ok(sessions)
        }
    }
}

/// The commands of a session, by its command log; `None` where that can't be read.
pub fn command_log(context: &Context, session: &GrantSession) -> Option<Vec<Logged>> {
    let recordings = Recordings::open(&context.home.recordings()).ok()?;
    let content = recordings.content(&format!("{}.{COMMANDS}", session.id)).ok()?;
    let log = commands::read(BufReader::new(content.lines())).ok()?;
    let began = |at: Duration| TimeDelta::from_std(at).ok().map(|at| session.at + at);
    let logged = commands::fold(&log.lines).into_iter().filter_map(|command| {
        Some(Logged {
            at: began(command.at)?,
            text: if command.cut { format!("{} …", command.text) } else { command.text },
            cwd: Some(command.cwd).filter(|cwd| !cwd.is_empty()),
            exit: command.exit,
            took: command.took.and_then(|took| TimeDelta::from_std(took).ok()),
            source: match (command.source, command.within) {
                (Source::Prompt, _) => "prompt",
                (Source::Process, None) => "process",
                (Source::Process, Some(_)) => "started by it",
            }
            .to_owned(),
        })
    });
    Some(logged.collect())
}

/// The command logs of a story's sessions, as far as they can be read.
pub fn command_logs(context: &Context, story: &Story) -> Logs {
    let sessions = story.sessions.iter().map(|row| &row.session);
    sessions.filter_map(|session| Some((session.id.clone(), command_log(context, session)?))).collect()
}
