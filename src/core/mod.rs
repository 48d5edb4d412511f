//! The rules, as pure functions and values: no file, clock, terminal, SQL or process.

pub mod authorization;
pub mod backoff;
pub mod canonical;
pub mod command;
pub mod deadline;
pub mod duration;
pub mod entry;
pub mod filling;
pub mod grant;
pub mod id;
pub mod merkle;
pub mod moment;
pub mod note;
pub mod plan;
pub mod playbook;
pub mod policy;
pub mod proof;
pub mod public_key;
pub mod roster;
pub mod settings;
pub mod source;
pub mod sshsig;
pub mod statement;
pub mod text;
pub mod wire;
