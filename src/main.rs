//! The `glass` binary: everything is in the library.

fn main() {}
