//! Hotfixes by which a scope can still open.

use super::table::table;
use super::time::near;
use crate::core::moment::rfc3339;
use crate::ports::ledger::Hotfix;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// `hotfixes` of `glass.status/1`, by scope.
pub fn to_json(hotfixes: &[Hotfix]) -> Value {
    hotfixes
        .iter()
        .map(|hotfix| {
            let signed = hotfix.signed.iter();
            let signed: Vec<Value> =
                signed.map(|consent| json!({"person": consent.person, "at": rfc3339(consent.at)})).collect();
            json!({
                "id": hotfix.mended.act,
                "scope": hotfix.scope,
                "signed": signed,
                "until": rfc3339(hotfix.until.wall),
            })
        })
        .collect()
}

/// A table for people; empty where there is none.
pub fn to_table(hotfixes: &[Hotfix], now: DateTime<Utc>, width: u16) -> String {
    if hotfixes.is_empty() {
        return String::new();
    }
    let rows = hotfixes.iter().map(|hotfix| {
        let people: Vec<&str> = hotfix.signed.iter().map(|consent| consent.person.as_str()).collect();
        vec![hotfix.mended.act.clone(), hotfix.scope.clone(), people.join(", "), near(hotfix.until.wall, now)]
    });
    "\n".to_owned() + &table(&["HOTFIX", "SCOPE", "SIGNED BY", "UNTIL"], rows, width)
}
