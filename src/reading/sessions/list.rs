//! Sessions for people, oldest first: a line each below its grant, and what must be seen below it.

use super::{command, cut, deleted, ended, length, marks};
use crate::core::text::escape;
use crate::ports::ledger::SessionRow;
use crate::reading::time::local;
use crate::reading::wrap::hang;
use chrono::{DateTime, Utc};

/// The least that is shown of a command.
const LEAST: usize = 12;

/// Lines for a screen of this width, 80 columns at least.
pub fn to_table(rows: &[SessionRow], now: DateTime<Utc>, width: u16) -> String {
    if rows.is_empty() {
        return "No session of glass was used.\n".to_owned();
    }
    let width = usize::from(width);
    let began: Vec<String> = rows.iter().map(|row| local(row.session.at, now)).collect();
    let column = began.iter().map(String::len).max().unwrap_or_default();
    let line = |id: &str, began: &str, length: &str, ended: &str, command: &str| {
        let before = format!("  {id:<12}  {began:<column$}  {length:<7} {ended:<12} ");
        let room = width.saturating_sub(before.chars().count()).max(LEAST);
        format!("{before}{}", cut(command, room)).trim_end().to_owned()
    };
    let mut lines = vec![line("SESSION", "BEGAN", "FOR", "ENDED", "COMMAND")];
    let mut grant = "";
    for (row, began) in rows.iter().zip(&began) {
        if row.grant != grant {
            lines.push(escape(&format!("{}  {}  {}", row.grant, row.scope, row.person)));
            grant = &row.grant;
        }
        let session = &row.session;
        let ran = length(session, now).unwrap_or_else(|| "?".to_owned());
        lines.push(line(&escape(&session.id), began, &ran, &ended(session), &command(row)));
        let deleted = deleted(session, now).map(|words| format!("recording {words}"));
        for mark in marks(session).into_iter().chain(deleted) {
            lines.extend(hang("                ", &escape(&mark), width));
        }
    }
    lines.join("\n") + "\n"
}
