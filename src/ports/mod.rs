//! The outside world, one thing a room: they never use each other, but for the tokens
//! [`Typed`](terminal::Typed), [`Confirmed`](signer::Confirmed) and the ledger's permits.

pub mod clock;
pub mod config;
pub mod effect;
pub mod ledger;
pub mod signer;
pub mod terminal;
