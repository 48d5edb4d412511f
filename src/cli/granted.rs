//! `extend`: what people sign about a grant while it lives.

use super::{exit, screen};
use crate::usecases::context::Context;
use crate::usecases::extension::{self, Wish};
use chrono::Local;

pub(super) fn extend(context: &Context, wish: &Wish) -> anyhow::Result<u8> {
    let extended = extension::extend(context, wish)?;
    screen::data(&format!(
        "EXTENDED  {} by {}: open until {}; to end it early: glass revoke {}\n",
        extended.scope,
        extended.length,
        extended.expires_at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S"),
        extended.grant,
    ));
    Ok(exit::DONE)
}
