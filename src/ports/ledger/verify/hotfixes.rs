//! Hotfixes, followed through the log: who signed each, and that one grant at most opened by it,
//! in its time.

use super::super::hotfix::{read, until};
use super::finding::Findings;
use super::texts::Texts;
use crate::core::entry::{Facts, Genesis, Kind};
use crate::core::grant::Mended;
use crate::core::statement::{Hotfix, Verb};
use crate::core::text::escape;
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use std::collections::HashMap;

pub(super) struct Hotfixes<'a> {
    connection: &'a Connection,
    genesis: &'a Genesis,
    /// The latest registration.
    registered: u64,
    /// The latest hotfix of each scope since then, until a grant opened by it.
    usable: HashMap<String, Usable>,
    /// The grants that ask to open by one: their hotfix, by id.
    asked: HashMap<String, Mended>,
}

/// A hotfix that no grant opened by.
struct Usable {
    facts: Facts,
    mended: Mended,
}

impl<'a> Hotfixes<'a> {
    pub(super) fn new(connection: &'a Connection, genesis: &'a Genesis) -> Self {
        Self { connection, genesis, registered: 0, usable: HashMap::new(), asked: HashMap::new() }
    }

    /// Follows the log by one entry; `floor` is the clock floor before it.
    pub(super) fn follow(
        &mut self,
        facts: &Facts,
        floor: DateTime<Utc>,
        texts: &mut Texts<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        if facts.act.is_some() && facts.signed_str("verb") == Some(Hotfix::NAME) {
            let sha512 = facts.signed_str("sha512").unwrap_or_default();
            texts.named(facts.seq, sha512, "the text of its playbook", findings)?;
        }
        match facts.kind {
            Kind::Registered => {
                self.registered = facts.seq;
                self.usable.clear();
            }
            Kind::Hotfixed => self.take(facts, findings),
            Kind::Requested => self.ask(facts, floor, findings),
            Kind::Opening => self.open(facts, floor, findings),
            // Once it ended, nothing opens by it.
            Kind::Denied | Kind::Withdrawn | Kind::Lapsed | Kind::ActivationFailed => {
                self.asked.remove(facts.grant.as_deref().unwrap_or_default());
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, facts: &Facts, findings: &mut Findings) {
        if facts.signed_u64("previous") != Some(self.registered) {
            findings.entry(facts.seq, "it was not signed for what was registered before it");
        }
        match read(self.connection, self.genesis, facts) {
            Ok(hotfix) => {
                let usable = Usable { facts: facts.clone(), mended: hotfix.mended };
                self.usable.insert(hotfix.scope, usable);
            }
            Err(error) => findings.entry(facts.seq, escape(&format!("it is no hotfix: {error}"))),
        }
    }

    fn ask(&mut self, facts: &Facts, floor: DateTime<Utc>, findings: &mut Findings) {
        match Mended::said(facts) {
            Ok(None) => {}
            Ok(Some(mended)) => {
                let scope = facts.signed_str("scope").unwrap_or_default();
                let playbook =
                    |usable: &Usable| usable.facts.signed_str("sha512") == facts.signed_str("playbook");
                if !self.counts(scope, &mended, facts, floor).is_some_and(playbook) {
                    findings.entry(facts.seq, "it names a hotfix that did not count for it");
                }
                self.asked.insert(facts.grant.clone().unwrap_or_default(), mended);
            }
            Err(what) => findings.entry(facts.seq, what),
        }
    }

    fn open(&mut self, facts: &Facts, floor: DateTime<Utc>, findings: &mut Findings) {
        let Some(mended) = self.asked.remove(facts.grant.as_deref().unwrap_or_default()) else { return };
        let named = self.usable.iter().find(|(_, usable)| usable.mended.act == mended.act);
        let scope = named.map(|(scope, _)| scope.clone()).unwrap_or_default();
        if self.counts(&scope, &mended, facts, floor).is_none() {
            findings.entry(facts.seq, "it opened by a hotfix that did not count any more");
        }
        self.usable.remove(&scope);
    }

    /// The hotfix of a scope, if it is this one, and counts when an entry is written.
    fn counts(&self, scope: &str, mended: &Mended, at: &Facts, floor: DateTime<Utc>) -> Option<&Usable> {
        let usable = self.usable.get(scope).filter(|usable| usable.mended == *mended)?;
        (!until(&usable.facts).has_passed(&at.moment(), floor)).then_some(usable)
    }
}
