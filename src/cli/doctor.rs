//! `doctor`: so far only what it prints for a host.

use super::args::HostPart;
use super::{exit, screen};
use crate::usecases::doctor::{self, Part};
use crate::usecases::failure::{Failure, Kind};

/// The part that the command line asks for.
pub(super) const fn part(asked: HostPart) -> Part {
    match asked {
        HostPart::Cron => Part::Cron,
        HostPart::Systemd => Part::Systemd,
        HostPart::Sudoers => Part::Sudoers,
    }
}

pub(super) fn run(part: Option<Part>) -> anyhow::Result<u8> {
    let Some(part) = part else {
        let failure = Failure::new(Kind::Refused, "the check-up is not supported yet");
        return Err(failure.hint("`glass doctor --print cron`, `systemd` or `sudoers`").into());
    };
    screen::data(&doctor::print(part)?);
    Ok(exit::DONE)
}
