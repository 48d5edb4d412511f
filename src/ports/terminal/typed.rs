//! The proof that a person typed the confirming word.

use crate::core::authorization::Authorization;
use crate::core::statement::{Statement, Verb};

/// An authorization whose word was typed on the controlling terminal.
///
/// Made by [`Terminal::confirm`](super::Terminal::confirm) alone; consumed by the signer.
#[derive(Debug)]
pub struct Typed<V>(Authorization<V>);

impl<V: Verb> Typed<V> {
    pub(super) const fn new(authorization: Authorization<V>) -> Self {
        Self(authorization)
    }

    /// Hands the statement on to the signature.
    pub fn into_statement(self) -> Statement<V> {
        self.0.into_statement()
    }
}
