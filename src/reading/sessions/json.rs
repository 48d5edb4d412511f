//! Sessions for programs: `glass.sessions/1`, oldest first, absent values `null`.

use super::{argv, state};
use crate::core::moment::rfc3339;
use crate::ports::ledger::SessionRow;
use serde_json::{Value, json};

/// All of these.
pub fn to_json(rows: &[SessionRow]) -> Value {
    json!({"schema": "glass.sessions/1", "sessions": rows.iter().map(session).collect::<Vec<_>>()})
}

/// One of them.
pub(in crate::reading) fn session(row: &SessionRow) -> Value {
    let (session, started) = (&row.session, &row.session.started);
    let end = session.end.as_ref();
    let files = end.into_iter().flat_map(|end| &end.files).map(|(suffix, whole)| {
        json!({
            "name": format!("{}.{suffix}", session.id),
            "length": whole.length,
            "sha256": whole.sha256,
        })
    });
    json!({
        "id": session.id,
        "grant": row.grant,
        "scope": row.scope,
        "person": row.person,
        "by": session.by,
        "run_as": started.run_as,
        "started_at": rfc3339(session.at),
        "ended_at": end.map(|end| rfc3339(end.at)),
        "state": state(session),
        "cause": end.map(|end| &end.cause),
        "exit": end.and_then(|end| end.ending.exit),
        "signal": end.and_then(|end| end.ending.signal),
        "command": argv(row),
        "terminal": started.terminal,
        "recording": started.recording,
        "contained": started.contained.as_str(),
        "gone": end.map(|end| end.ending.gone),
        "gap": session.gap.as_ref().map(|gap| json!({"at": rfc3339(gap.at), "cause": gap.cause})),
        "deleted_at": session.deleted_at.map(rfc3339),
        "files": files.collect::<Vec<_>>(),
    })
}
