//! Commands with every placeholder filled in: what a close plan keeps and what is run.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An argument vector and its surroundings. Holds no secret, only where secrets lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilledCommand {
    /// Program and arguments; never a shell line.
    pub run: Vec<String>,
    /// Variables beside the fixed `PATH`, `HOME` and `LANG`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvValue>,
    /// The OS user it runs as; absent means the user who runs glass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// After so many seconds its whole process group is ended.
    pub timeout_s: u64,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvValue {
    /// Written in the playbook: no secret.
    Text(String),
    /// The content of a file without its last line feed, read when the command starts.
    File(PathBuf),
}
