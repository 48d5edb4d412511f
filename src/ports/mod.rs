//! The outside world, one thing a room: they never use each other, but for the tokens
//! [`Typed`](terminal::Typed), [`Confirmed`](signer::Confirmed), the ledger's permits, and
//! [`Belongings`](belongings::Belongings), without which nobody can open a person's files.

pub mod ancestry;
pub mod belongings;
pub mod clock;
pub mod config;
pub mod effect;
pub mod ledger;
pub mod pseudoterminal;
pub mod recordings;
pub mod signer;
pub mod streams;
pub mod terminal;
