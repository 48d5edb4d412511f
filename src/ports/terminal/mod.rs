//! The controlling terminal: the only place where a person is asked anything.

mod typed;

pub use typed::Typed;
