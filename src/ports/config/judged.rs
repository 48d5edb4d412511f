//! A verdict on who else could have written a file, kept beside what was read from it.
//!
//! Opening is strict, closing lenient (P3: a bad mode must never keep access open), so the
//! one who leans on a value decides, and can't get at it without deciding.

use crate::core::text::escape;
use std::path::PathBuf;

/// What was read, and what speaks against leaning on it.
#[derive(Debug)]
#[must_use = "decide: `strict` or `lenient`"]
pub struct Judged<T> {
    value: T,
    concern: Option<Distrust>,
}

impl<T> Judged<T> {
    pub(super) const fn new(value: T, concern: Option<Distrust>) -> Self {
        Self { value, concern }
    }

    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Judged<U> {
        Judged { value: change(self.value), concern: self.concern }
    }

    /// The value, only if nothing speaks against it: for what an act leans on.
    ///
    /// # Errors
    /// The concern, where there is one.
    pub fn strict(self) -> Result<T, Distrust> {
        match self.concern {
            None => Ok(self.value),
            Some(distrust) => Err(distrust),
        }
    }

    /// The value in any case, and the concern as a warning.
    pub fn lenient(self) -> (T, Option<Distrust>) {
        (self.value, self.concern)
    }
}

/// A file, directory or link that someone else controls: which one, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {concern} (owner uid {owner}, mode {:04o}): {}", escape(&path.to_string_lossy()), mode, self.remedy())]
pub struct Distrust {
    /// The component of the way that is at fault.
    pub path: PathBuf,
    /// Its owner.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
    /// What is wrong with it.
    pub concern: Concern,
}

/// What is wrong with a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Concern {
    /// Neither root nor the home's owner owns it.
    #[error("belongs to someone else than root or the home's owner")]
    ForeignOwner {
        /// Who should own it.
        rightful: u32,
        /// `chown` needs `-h` for a link.
        link: bool,
    },
    /// Group or others may write; for a directory, without the sticky bit.
    #[error("can be written by others")]
    WritableByOthers,
    /// A secret that group or others have any right to.
    #[error("is a secret that is open to others")]
    OpenToOthers,
}

impl Distrust {
    fn remedy(&self) -> String {
        let path = quoted(&self.path.to_string_lossy());
        match self.concern {
            Concern::ForeignOwner { rightful, link: false } => format!("`chown {rightful} {path}`"),
            Concern::ForeignOwner { rightful, link: true } => format!("`chown -h {rightful} {path}`"),
            Concern::WritableByOthers => format!("`chmod go-w {path}`"),
            Concern::OpenToOthers => format!("`chmod 600 {path}`"),
        }
    }
}

/// A path as a shell takes it, for a command that a person copies.
fn quoted(path: &str) -> String {
    let shown = escape(path);
    if shown.chars().all(|c| c.is_alphanumeric() || "/._-+@:".contains(c)) {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distrust(path: &str, concern: Concern) -> Distrust {
        Distrust { path: path.into(), owner: 1000, mode: 0o666, concern }
    }

    #[test]
    fn strict_refuses_and_lenient_warns() {
        let concern = distrust("/x", Concern::WritableByOthers);
        assert_eq!(Judged::new(1, Some(concern.clone())).strict(), Err(concern.clone()));
        assert_eq!(Judged::new(1, Some(concern.clone())).lenient(), (1, Some(concern)));
        assert_eq!(Judged::new(1, None).strict(), Ok(1));
    }

    #[test]
    fn each_concern_says_what_to_type() {
        let told = |path, concern| distrust(path, concern).to_string();
        assert_eq!(
            told("/etc/glass/glass.toml", Concern::WritableByOthers),
            "`/etc/glass/glass.toml` can be written by others (owner uid 1000, mode 0666): \
             `chmod go-w /etc/glass/glass.toml`"
        );
        assert!(told("/s", Concern::OpenToOthers).ends_with("`chmod 600 /s`"));
        let foreign = |link| Concern::ForeignOwner { rightful: 0, link };
        assert!(told("/s", foreign(false)).ends_with("`chown 0 /s`"));
        assert!(told("/s", foreign(true)).ends_with("`chown -h 0 /s`"));
    }

    #[test]
    fn p10_a_hostile_path_is_inert_and_quoted() {
        let told = distrust("/a b/\u{1b}[2J'x", Concern::WritableByOthers).to_string();
        assert!(told.ends_with(r"`chmod go-w '/a b/\u{1b}[2J'\''x'`"), "{told}");
    }
}
