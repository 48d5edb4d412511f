//! A session under a grant, as far as it needs no file, terminal or process (P13).

pub mod ansi;
pub mod cast;
pub mod commands;
pub mod hook;
pub mod mask;
pub mod plain;
pub mod safe;
pub mod screen;
pub mod warning;
