//! Acts that wait for more people.

use super::table::table;
use super::time::near;
use crate::core::entry::Facts;
use crate::core::moment::rfc3339;
use crate::core::text::escape;
use crate::ports::ledger::PendingAct;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// `acts` of `glass.status/1`, oldest first.
pub fn to_json(acts: &[PendingAct]) -> Value {
    acts.iter()
        .map(|act| {
            let signed = act.signed.iter();
            let signed: Vec<Value> =
                signed.map(|consent| json!({"person": consent.person, "at": rfc3339(consent.at)})).collect();
            json!({
                "id": act.id.as_str(),
                "verb": act.verb(),
                "person": act.person(),
                "proposed_at": act.proposed.at,
                "lapses_at": rfc3339(act.lapses().wall),
                "needed": act.circle.needed(),
                "signed": signed,
            })
        })
        .collect()
}

/// A table for people; empty where nothing waits.
pub fn to_table(acts: &[PendingAct], now: DateTime<Utc>, width: u16) -> String {
    if acts.is_empty() {
        return String::new();
    }
    let rows = acts.iter().map(|act| {
        vec![
            act.id.to_string(),
            act.verb().to_owned(),
            act.person().to_owned(),
            waits(act),
            near(act.lapses().wall, now),
        ]
    });
    "\n".to_owned() + &table(&["ACT", "VERB", "PERSON", "WAITS FOR", "UNTIL"], rows, width)
}

/// Who must still sign: so many of these.
fn waits(act: &PendingAct) -> String {
    match act.able().as_slice() {
        [] => "nobody who may".to_owned(),
        able => format!("{} of {}", act.missing(), able.join(", ")),
    }
}

/// One act, line by line.
pub fn to_lines(act: &PendingAct, now: DateTime<Utc>) -> Vec<String> {
    let signed = act.signed.iter();
    let signed: Vec<String> =
        signed.map(|consent| format!("{} {}", consent.person, near(consent.at, now))).collect();
    vec![
        format!("{}  {}, proposed by {}", act.id, escape(act.verb()), escape(act.person())),
        format!("  signed     {}", escape(&signed.join(", "))),
        format!("  waits for  {}", escape(&waits(act))),
        format!("  until      {}", near(act.lapses().wall, now)),
    ]
}

/// An admin whom nobody signed for, until the next registration is made.
pub fn recovery_line(facts: &Facts, now: DateTime<Utc>) -> String {
    let person = facts.recovered.as_ref().map_or("", |recovered| recovered.person.as_str());
    format!(
        "\nRECOVERED {}: {} was named admin, and nobody signed it (entry {}). Next: glass register\n",
        near(facts.at(), now),
        escape(person),
        facts.seq
    )
}
