//! From rows to what people and programs read: tables and JSON. Pure: writes nothing itself.

pub mod log;
pub mod playbooks;
pub mod status;
mod table;
pub mod time;
pub mod verification;
