//! `doctor --print`: the lines that a host needs around glass, with the path of this very binary.
//!
//! Each of them has root run that path: one that others may write is refused.

use crate::ports::config::{Trust, own_binary};
use crate::usecases::context::distrusted;
use crate::usecases::failure::{Failure, Kind};

/// What a host needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A file for `/etc/cron.d`.
    Cron,
    /// A service and its timer, each below a line that names its file.
    Systemd,
    /// A file for `/etc/sudoers.d`.
    Sudoers,
}

impl Part {
    const fn template(self) -> &'static str {
        match self {
            Self::Cron => include_str!("cron"),
            Self::Systemd => include_str!("systemd"),
            Self::Sudoers => include_str!("sudoers"),
        }
    }
}

/// The part for this host.
pub fn print(part: Part) -> Result<String, Failure> {
    let binary = own_binary().map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
    let path = binary.to_str().filter(|path| is_plain(path)).ok_or_else(|| {
        let shown = crate::core::text::escape(&binary.to_string_lossy());
        Failure::new(Kind::Refused, format!("`{shown}` means something else in such a file")).hint(INSTALL)
    })?;
    let judged = Trust::new(0).check(&binary)?;
    judged.strict().map_err(|distrust| distrusted(distrust).hint(INSTALL))?;
    Ok(part.template().replace("{glass}", path))
}

const INSTALL: &str = "`install -o root -g root -m 755 glass /usr/local/bin/glass`, and run it from there";

/// Every character stands for itself in crontabs, units and sudoers files.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_means_something_else_is_not_printed() {
        assert!(is_plain("/usr/local/bin/glass-0.1_x+y"));
        for path in ["glass", "/a b/glass", "/a,b", "/a%b", "/a*b", "/a\\b", "/a$b", "/a:b", "/a\nb", "/ä"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn every_part_names_the_binary_and_nothing_is_left_to_fill_in() {
        for part in [Part::Cron, Part::Systemd, Part::Sudoers] {
            let text = part.template();
            assert!(text.contains("{glass} ") && text.ends_with('\n'), "{part:?}");
            assert!(!text.replace("{glass}", "").contains(['{', '}']), "{part:?}");
        }
    }
}
