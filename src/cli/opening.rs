//! `init`, `register`, `activate`.

use super::{exit, screen};
use crate::core::text::escape;
use crate::ports::config::Environment;
use crate::usecases::activation::{self, Wish};
use crate::usecases::context::Context;
use crate::usecases::registration::{self, Registration};
use crate::usecases::setup;
use chrono::Local;
use std::path::Path;

pub(super) fn init(
    flag: Option<&Path>,
    environment: &Environment,
    person: &str,
    key: &Path,
) -> anyhow::Result<u8> {
    let founded = setup::init(flag, environment, person, key)?;
    let shown = |path: &Path| escape(&path.to_string_lossy());
    screen::data(&format!(
        "Made the ledger {}.\n\
         \n\
         Keep this elsewhere; an auditor needs it to tell this ledger from a forged one:\n  {}\n\
         First admin: {person}, key {}\n\
         \n\
         Next:\n  \
         1. look at {}\n     and {}\n  \
         2. glass register      (an admin signs what may be opened)\n  \
         3. glass activate demo-file\n",
        founded.origin,
        founded.vkey,
        founded.fingerprint,
        shown(&founded.settings),
        shown(&founded.playbook),
    ));
    Ok(exit::DONE)
}

pub(super) fn recover(context: &Context, person: &str, key: &Path) -> anyhow::Result<u8> {
    let rescued = setup::recover(context, person, key)?;
    screen::data(&format!(
        "RECOVERED: {person}, key {}, is an admin now, entry {}. Nobody signed this: you could because \
         you own the files.\n\
         It stays in the record, and `glass ledger verify` always names it.\n\
         \n\
         The next registration needs one signature, by {person} or an admin whose key is left; until then \
         what was registered stays in effect.\n\
         Next:\n  \
         1. put {person} and the key into {}, and take lost keys out\n  \
         2. glass register\n",
        rescued.fingerprint,
        rescued.seq,
        escape(&rescued.settings.to_string_lossy()),
    ));
    Ok(exit::DONE)
}

pub(super) fn register(context: &Context, key: Option<&Path>) -> anyhow::Result<u8> {
    match registration::register(context, key)? {
        Registration::Done(seq, person) => {
            screen::data(&format!(
                "Registered by {person}, entry {seq}. `glass playbook list` shows what can be opened.\n"
            ));
        }
        Registration::Waits(act) => screen::data(&super::act::waits(&act)),
        Registration::Unchanged => screen::data("Nothing changed since the last registration.\n"),
    }
    Ok(exit::DONE)
}

pub(super) fn activate(context: &Context, wish: &Wish) -> anyhow::Result<u8> {
    let activated = activation::activate(context, wish)?;
    screen::data(&format!(
        "{}  {} until {} ({}); to end it early: glass revoke {}\n",
        if activated.drill { "DRILL OPEN" } else { "OPEN" },
        activated.scope,
        activated.expires_at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S"),
        activated.length,
        activated.grant,
    ));
    Ok(exit::DONE)
}
