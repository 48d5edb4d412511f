//! `record`: two people of a scope tell of an emergency that was done outside glass, because glass
//! itself had failed. It opens nothing, and owes its review like any use.

use crate::core::id::GrantId;
use crate::core::moment::Moment;
use crate::core::playbook::Touch;
use crate::core::policy::{self, Told};
use crate::core::statement::{Record, Verb};
use crate::core::text::escape;
use crate::ports::clock;
use crate::ports::ledger::{Refusal, Signed};
use crate::ports::terminal::Terminal;
use crate::reading::time::near;
use crate::usecases::activation::find_scope;
use crate::usecases::context::Context;
use crate::usecases::cosigning::{Desk, say_what_waits};
use crate::usecases::failure::{Failure, Kind};
use crate::usecases::signing::{common, confirm_and_sign, find_person};
use crate::usecases::texts::reason_text;
use chrono::{DateTime, Utc};
use std::path::PathBuf;

/// What was done.
#[derive(Debug)]
pub struct Wish {
    /// `playbook/scope`, or the bare scope name.
    pub scope: String,
    /// From when, RFC 3339.
    pub from: String,
    /// To when, RFC 3339.
    pub to: String,
    /// Why.
    pub reason: String,
    /// The key that signs.
    pub key: Option<PathBuf>,
}

/// What was found out before a refusal.
#[derive(Default)]
struct Known {
    person: Option<String>,
    scope: Option<String>,
}

/// Signs what was done, as the one who did it; another person must sign it too. What is refused
/// or abandoned is recorded.
pub fn record(context: &Context, wish: &Wish) -> Result<Signed, Failure> {
    let mut known = Known::default();
    attempt(context, wish, &mut known).inspect_err(|failure| {
        if !failure.cause.is_empty() {
            context.record_refusal(&Refusal {
                verb: Record::NAME,
                cause: failure.cause,
                person: known.person.clone(),
                by: context.by(),
                scope: known.scope.clone(),
            });
        }
    })
}

fn attempt(context: &Context, wish: &Wish, known: &mut Known) -> Result<Signed, Failure> {
    let (from, to) = (time("from", &wish.from)?, time("to", &wish.to)?);
    let reason = reason_text(&wish.reason)?;
    let mut terminal = Terminal::open()?;
    let mut ledger = context.ledger_to_open()?;
    let head = ledger.check_head()?;
    let now = clock::now()?;
    let registered = ledger.registered()?.ok_or_else(|| {
        Failure::new(Kind::Refused, "nothing is registered yet: there is no scope to record a use of")
            .hint("an admin runs `glass register`")
            .cause("nothing-registered")
    })?;
    let (playbook, scope) = find_scope(context, &registered, &wish.scope)?;
    let file = &registered.playbooks()[playbook];
    let scope = &file.playbook.scopes[scope];
    let address = file.playbook.address(scope);
    known.scope = Some(address.clone());
    let (person, key) =
        find_person(context, wish.key.as_deref(), registered.roster(), Touch::Off, &now, &mut known.person)?;

    let circle = policy::Circle::of_scope(scope, registered.roster(), now.wall);
    let common = common(&ledger, &head, &person, &now)?;
    let told = Told {
        grant: GrantId::of(&common.nonce).to_string(),
        address: &address,
        playbook: &file.file.sha512,
        registered: registered.seq(),
        from,
        to,
        reason: &reason,
    };
    let authorization = policy::authorize_record(&circle, scope, &told, &common, now.wall)?;
    terminal.say("")?;
    terminal.say(&format!("DONE OUTSIDE GLASS  {address}  (risk: {})", scope.risk.as_str()))?;
    terminal.say("  Nothing of it was checked by glass. You sign that you did it.")?;
    say_told(&mut terminal, &address, from, to, reason.as_str(), &now)?;
    say_what_waits(&mut terminal, Record::NAME, 1, &circle.others(&[], Some(&person)))?;
    let confirmed = confirm_and_sign(&mut terminal, &key, Touch::Off, authorization)?;
    Ok(ledger.sign_record(&confirmed, &clock::now()?)?)
}

/// Another person of the scope vouches for what the first told.
pub(super) fn second(desk: &mut Desk) -> Result<Signed, Failure> {
    let authorization = desk.authorize::<Record>()?;
    let now = clock::now()?;
    let (facts, texts) = (&desk.act.proposed, desk.act.texts());
    let moment = |key| facts.signed_str(key).and_then(crate::core::moment::parse_rfc3339).unwrap_or_default();
    let (from, to) = (moment("from"), moment("to"));
    let scope = facts.signed_str("scope").unwrap_or_default().to_owned();
    let text = |key: &str| texts.get(key).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    let (title, reason) = (text("title"), text("reason"));
    if let Some(terminal) = &mut desk.terminal {
        terminal.say(&format!("DONE OUTSIDE GLASS  {}", escape(&scope)))?;
        terminal.say(&format!("  {}", escape(&title)))?;
        terminal.say("  Nothing of it was checked by glass. You sign that it is true as far as you know.")?;
        say_told(terminal, &scope, from, to, &reason, &now)?;
    }
    let confirmed = desk.confirm(authorization)?;
    Ok(desk.ledger.sign_record(&confirmed, &clock::now()?)?)
}

fn say_told(
    terminal: &mut Terminal,
    scope: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    reason: &str,
    now: &Moment,
) -> Result<(), Failure> {
    let rows = [
        ("what", scope),
        ("from", &near(from, now.wall)),
        ("to", &near(to, now.wall)),
        ("reason", reason),
        ("review", "owed from the moment of recording, by somebody who did not sign this"),
    ];
    for (name, value) in rows {
        terminal.say(&format!("  {name:<9} {}", escape(value)))?;
    }
    Ok(())
}

fn time(flag: &str, text: &str) -> Result<DateTime<Utc>, Failure> {
    DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc)).map_err(|_| {
        Failure::new(Kind::Usage, format!("--{flag} is not a time: `{}`", escape(text)))
            .hint("write it like 2026-01-05T03:10:00Z, or with an offset: 2026-01-05T04:10:00+01:00")
            .cause("malformed-time")
    })
}
