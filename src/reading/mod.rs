//! From rows to what people and programs read: tables and JSON. Pure: writes nothing itself.

pub mod acts;
pub mod drills;
pub mod hotfixes;
pub mod log;
pub mod playbooks;
pub mod reviews;
pub mod sessions;
pub mod status;
pub mod story;
pub mod summary;
mod table;
pub mod time;
pub mod verification;
mod wrap;
