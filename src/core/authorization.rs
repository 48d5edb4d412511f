//! The first link of the order of an act: `Authorization → Confirmed → Recorded → effect`.

use crate::core::statement::{Statement, Verb};

/// Policy's consent that this statement may be put before the person who is to sign it.
///
/// Made by [`policy`](crate::core::policy) alone; consumed by the terminal's typed confirmation.
#[derive(Debug)]
pub struct Authorization<V> {
    statement: Statement<V>,
    word: String,
}

impl<V: Verb> Authorization<V> {
    /// `word` is what the person must type to confirm.
    pub(in crate::core) const fn new(statement: Statement<V>, word: String) -> Self {
        Self { statement, word }
    }

    /// What the person must type.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// What will be signed.
    pub const fn statement(&self) -> &Statement<V> {
        &self.statement
    }

    /// Hands the statement on to the signature.
    pub fn into_statement(self) -> Statement<V> {
        self.statement
    }
}
