//! Terminals that glass makes itself: for the programs of a session, and for `demo`.

mod pair;
mod stage;

pub use pair::Pair;
pub use stage::{ON_TERMINAL, Performed, Stage, StageError, become_program};
