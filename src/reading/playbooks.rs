//! `playbook list` and `playbook lint` as tables and JSON.

use super::drills::Freshness;
use super::table::table;
use crate::core::playbook::lint::Warning;
use crate::core::source::{Faults, SourceError};
use crate::core::text::escape;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A registered scope, in a line.
#[derive(Debug)]
pub struct Listed {
    /// `playbook/scope`.
    pub scope: String,
    /// What it is for.
    pub title: String,
    /// `low`, `high` or `critical`.
    pub risk: &'static str,
    /// Who may activate.
    pub activate: Vec<String>,
    /// The default length.
    pub default: String,
    /// The longest.
    pub max: String,
    /// How fresh its rehearsal is, where it must be rehearsed.
    pub drill: Option<Freshness>,
    /// What this version can't do yet; empty where it can be activated.
    pub unsupported: Vec<String>,
    /// That nobody could activate, approve or review it tonight.
    pub warnings: Vec<Warning>,
}

/// What `lint` found in one file.
#[derive(Debug)]
pub struct Linted {
    /// The file as it was named.
    pub file: String,
    /// Errors: they block registration.
    pub faults: Option<Faults>,
    /// Warnings: they never do.
    pub warnings: Vec<Warning>,
    /// What this version can't do yet, scope by scope.
    pub unsupported: Vec<String>,
}

/// `glass.playbook-list/1`.
pub fn list_to_json(scopes: &[Listed], now: DateTime<Utc>) -> Value {
    let scopes: Vec<Value> = scopes
        .iter()
        .map(|scope| {
            json!({
                "scope": scope.scope,
                "title": scope.title,
                "risk": scope.risk,
                "activate": scope.activate,
                "default": scope.default,
                "max": scope.max,
                "drill": scope.drill.as_ref().map(|drill| drill.to_json(now)),
                "unsupported": scope.unsupported,
                "warnings": warnings_to_json(&scope.warnings),
            })
        })
        .collect();
    json!({"schema": "glass.playbook-list/1", "scopes": scopes})
}

fn warnings_to_json(warnings: &[Warning]) -> Vec<Value> {
    let to_json =
        |warning: &Warning| json!({"scope": warning.scope, "text": warning.text, "hint": warning.hint});
    warnings.iter().map(to_json).collect()
}

/// A table for people, and below it what would go wrong tonight.
pub fn list_to_table(scopes: &[Listed], now: DateTime<Utc>, width: u16) -> String {
    if scopes.is_empty() {
        return "No playbook is registered. An admin runs `glass register`.\n".to_owned();
    }
    // A column that says nothing takes the place of one that does.
    let with_drills = scopes.iter().any(|scope| scope.drill.is_some());
    let rows = scopes.iter().map(|scope| {
        let mut title = scope.title.clone();
        if !scope.unsupported.is_empty() {
            title = format!("{title} [not supported yet: {}]", scope.unsupported.join(", "));
        }
        let mut cells = vec![
            scope.scope.clone(),
            title,
            scope.risk.to_owned(),
            scope.activate.join(", "),
            format!("{} (max {})", scope.default, scope.max),
        ];
        if with_drills {
            cells.push(scope.drill.as_ref().map_or_else(String::new, |drill| drill.words(now)));
        }
        cells
    });
    let heading = ["SCOPE", "TITLE", "RISK", "WHO MAY", "OPEN FOR", "DRILL"];
    let warnings = scopes.iter().flat_map(|scope| &scope.warnings);
    let below: String =
        warnings.map(|warning| format!("WARNING {}\n", escape(&warning.to_string()))).collect();
    table(&heading[..if with_drills { 6 } else { 5 }], rows, width) + &below
}

/// `glass.playbook-lint/1`.
pub fn lint_to_json(files: &[Linted]) -> Value {
    let error = |fault: &SourceError| json!({"line": fault.line, "column": fault.column, "message": fault.message, "hint": fault.hint});
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            let errors: Vec<Value> = file.faults.iter().flat_map(|faults| faults.0.iter().map(error)).collect();
            json!({"file": file.file, "errors": errors, "warnings": warnings_to_json(&file.warnings), "unsupported": file.unsupported})
        })
        .collect();
    json!({"schema": "glass.playbook-lint/1", "files": files})
}

/// Text for people: errors with their place, then warnings.
pub fn lint_to_text(files: &[Linted]) -> String {
    let mut text = String::new();
    for file in files {
        match &file.faults {
            Some(faults) => text.push_str(&format!("{faults}\n")),
            None if file.warnings.is_empty() && file.unsupported.is_empty() => {
                text.push_str(&format!("{}: ok\n", file.file));
            }
            None => {
                for warning in &file.warnings {
                    text.push_str(&format!("{}: warning: {warning}\n", file.file));
                }
                for unsupported in &file.unsupported {
                    text.push_str(&format!("{}: {unsupported}\n", file.file));
                }
            }
        }
    }
    text
}
