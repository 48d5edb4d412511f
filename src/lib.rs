//! `glass` opens emergency ("break-glass") access, makes sure that it closes again,
//! and proves afterwards what happened.
//!
//! The rooms, outermost first; each may use only what stands below it
//! (`tests/rooms.rs` holds every `use crate::` line against this picture):
//!
//! | room | concern |
//! |---|---|
//! | `cli` | argv in, exit code out; clap never leaves it |
//! | `usecases` | one file reads as the story of one verb |
//! | `reading` | rows to table and JSON |
//! | [`ports`] | one outside thing each; never each other, but for the tokens below |
//! | [`core`] | pure: no file, clock, terminal, SQL, process |
//!
//! The order of every act is typed:
//! [`Authorization`](core::authorization::Authorization) →
//! [`Confirmed`](ports::signer::Confirmed) →
//! `Recorded` → a permit → an effect.

pub mod cli;
pub mod core;
pub mod ports;
pub mod reading;
pub mod usecases;
