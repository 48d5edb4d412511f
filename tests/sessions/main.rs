//! Sessions under a grant: what they are, and what is recorded of them (promise 13), driven as a
//! person drives them.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod codes;
mod cut;
mod endings;
mod environment;
mod pipes;
mod recorded;
mod terminal;

use support::{Home, Scope, text};

/// The secret that `doors/vault` hands out, as `TOKEN`.
const CANARY: &str = "hvs.CANARY-7Qm2x";

/// A home whose only scope, `doors/vault`, hands out the canary; the scope as `change` has it.
fn vault(change: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    home.target.does("grant", &format!("echo '{CANARY}'"));
    let output = "output = { token = { line = 1, env = \"TOKEN\" } }";
    let scope = Scope::new("vault").with(home.target.step_named("one", "{grant.id}", "10s", output));
    home.write_playbook("doors", &text("doors", &[change(scope)]));
    home.register();
    home
}

/// A vault that is open: the home, and its grant.
fn open_vault() -> (Home, String) {
    let home = vault(|scope| scope);
    let grant = home.activate_ok("vault", &[]);
    (home, grant)
}
