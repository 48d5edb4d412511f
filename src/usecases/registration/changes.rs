//! What is shown to everyone who signs a registration: what it changes, and what to mind.

use super::attestation::{self, Attestation};
use super::{Draft, parse};
use crate::core::moment::Moment;
use crate::core::playbook::{Playbook, lint};
use crate::core::policy::{self, Succession};
use crate::core::settings::Settings;
use crate::core::text::escape;
use crate::ports::ledger::{Ledger, Registered, SETTINGS, Which, is_playbook};
use crate::ports::terminal::Terminal;
use crate::usecases::failure::Failure;
use similar::TextDiff;
use std::path::Path;

/// All files of one registration, read and parsed.
pub(super) struct Whole {
    pub(super) drafts: Vec<Draft>,
    pub(super) attestations: Vec<Attestation>,
    pub(super) settings: Settings,
    pub(super) playbooks: Vec<Playbook>,
}

impl Whole {
    /// As it was kept when the first of its people signed.
    pub(super) fn kept(registered: &Registered) -> Result<Self, Failure> {
        let (texts, others): (Vec<_>, Vec<_>) =
            registered.files().partition(|file| file.path == SETTINGS || is_playbook(&file.path));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let drafts = texts.into_iter().map(|file| Draft { path: file.path.clone(), text: text(&file.bytes) });
        let drafts: Vec<Draft> = drafts.collect();
        let attestations = others
            .into_iter()
            .map(|file| Attestation { path: file.path.clone(), bytes: file.bytes.clone() })
            .collect();
        let (settings, playbooks) = parse(&drafts)?;
        Ok(Self { drafts, attestations, settings, playbooks })
    }

    /// Paths and digests, settings first.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let drafts = self.drafts.iter().map(|draft| (draft.path.clone(), draft.sha512()));
        drafts.chain(self.attestations.iter().map(|file| (file.path.clone(), file.sha512()))).collect()
    }

    /// What the ledger is to keep, in the same order.
    pub(super) fn into_bytes(self) -> Vec<Vec<u8>> {
        let drafts = self.drafts.into_iter().map(|draft| draft.text.into_bytes());
        drafts.chain(self.attestations.into_iter().map(|file| file.bytes)).collect()
    }

    /// It must leave people who can go on.
    pub(super) fn judge(&self, registered: Option<&Registered>, now: &Moment) -> Result<(), Failure> {
        let books = registered.map(Registered::books);
        let playbooks: Vec<&Playbook> = self.playbooks.iter().collect();
        let succession = Succession {
            before: registered.map(Registered::roster).zip(books.as_deref()),
            settings: &self.settings,
            playbooks: &playbooks,
        };
        Ok(policy::judge_succession(&succession, now.wall)?)
    }

    /// What differs from what is registered, as lines that are inert.
    pub(super) fn changes(&self, registered: Option<&Registered>) -> Vec<String> {
        let mut changes = changes(registered, &self.drafts);
        changes.extend(attestation::changes(registered, &self.attestations));
        changes
    }

    /// Warns of what would be missed at 03:00, and of what people who leave have open.
    pub(super) fn warn(&self, terminal: &mut Terminal, ledger: &Ledger, now: &Moment) -> Result<(), Failure> {
        for playbook in &self.playbooks {
            let age = |path: &Path| crate::usecases::playbooks::secret_age(path, now);
            for warning in lint::warnings(playbook, Some(&self.settings), now.wall, age) {
                terminal.say(&format!("warning: {warning}"))?;
            }
        }
        let may_be_open = |state: &str| ["activating", "active", "closing", "unrevoked"].contains(&state);
        for grant in ledger.grants(&Which::Current)? {
            if self.settings.roster.person(&grant.person).is_none() && may_be_open(&grant.state) {
                terminal.say(&format!(
                    "warning: {} is no longer on the roster, and has {} open: glass revoke {}",
                    escape(&grant.person),
                    escape(&grant.scope),
                    escape(&grant.id)
                ))?;
            }
        }
        Ok(())
    }
}

/// What differs from the last registration, as lines of a unified diff, inert.
pub(super) fn changes(registered: Option<&Registered>, drafts: &[Draft]) -> Vec<String> {
    let mut lines = Vec::new();
    let before = |path: &str| {
        let file = registered.into_iter().flat_map(Registered::files).find(|file| file.path == path);
        file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
    };
    for draft in drafts {
        match before(&draft.path) {
            Some(old) if old == draft.text => {}
            old => push_diff(&mut lines, &draft.path, old.as_deref(), Some(&draft.text)),
        }
    }
    for file in registered.into_iter().flat_map(Registered::files) {
        if is_playbook(&file.path) && !drafts.iter().any(|draft| draft.path == file.path) {
            push_diff(&mut lines, &file.path, Some(&String::from_utf8_lossy(&file.bytes)), None);
        }
    }
    lines
}

pub(super) fn push_diff(lines: &mut Vec<String>, path: &str, old: Option<&str>, new: Option<&str>) {
    let path = escape(path);
    let (from, to) = (old.map_or("/dev/null", |_| "registered"), new.map_or("/dev/null", |_| "to register"));
    lines.push(format!("--- {path} ({from})"));
    lines.push(format!("+++ {path} ({to})"));
    let diff = TextDiff::from_lines(old.unwrap_or_default(), new.unwrap_or_default());
    let hunks = diff.unified_diff().context_radius(3).to_string();
    lines.extend(hunks.lines().map(escape));
}
