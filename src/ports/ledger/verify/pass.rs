//! The one pass over the log: chunks go out to be examined, come back in any order, and are
//! folded in the order of the log.

use super::acts::Acts;
use super::examine::{Examined, Parsed};
use super::finding::Findings;
use super::granted::Granted;
use super::grants::Grants;
use super::hotfixes::Hotfixes;
use super::people::{People, registers};
use super::recordings::RecordedFiles;
use super::rows::Reader;
use super::sessions::Sessions;
use super::signature::{Judged, Named};
use super::texts::Texts;
use super::tree::Tree;
use super::workers::{Done, Job, Workers};
use crate::core::entry::{Facts, Genesis, Kind};
use crate::ports::ledger::LedgerError;
use crate::ports::ledger::append::clock_floor_after;
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use std::collections::BTreeMap;

pub(super) struct Pass<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) people: People<'a>,
    pub(super) grants: Grants<'a>,
    pub(super) sessions: Sessions<'a>,
    granted: Granted<'a>,
    pub(super) acts: Acts<'a>,
    hotfixes: Hotfixes<'a>,
    pub(super) texts: Texts<'a>,
    pub(super) findings: Findings,
    pub(super) clock_floor: DateTime<Utc>,
    /// Good signatures.
    pub(super) good: u64,
    /// The largest earlier head that a good signature covers, and its entry.
    pub(super) vouched: Option<(u64, u64)>,
    /// Signatures of entries before this one were verified before.
    since: u64,
    named: Vec<Named>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        genesis: &'a Genesis,
        since: u64,
        recordings: Option<RecordedFiles<'a>>,
    ) -> Self {
        let mut findings = Findings::default();
        Self {
            tree: Tree::new(connection),
            people: People::new(connection, genesis, &mut findings),
            grants: Grants::new(connection),
            sessions: Sessions::new(connection, recordings),
            granted: Granted::new(connection, genesis),
            acts: Acts::new(connection),
            hotfixes: Hotfixes::new(connection, genesis),
            texts: Texts::new(connection),
            findings,
            clock_floor: DateTime::UNIX_EPOCH,
            good: 0,
            vouched: None,
            since,
            named: Vec::new(),
        }
    }

    /// Reads, examines and folds every entry.
    pub(super) fn run(&mut self, mut reader: Reader<'_>, workers: &Workers) -> Result<(), LedgerError> {
        let mut early: BTreeMap<u64, Examined> = BTreeMap::new();
        let (mut under_way, mut next, mut more) = (0, 0, true);
        loop {
            while more && under_way < workers.room() {
                match reader.next()? {
                    Some(chunk) => {
                        workers.give(Job::Examine(chunk))?;
                        under_way += 1;
                    }
                    None => more = false,
                }
            }
            if under_way == 0 {
                return Ok(());
            }
            match workers.take()? {
                Done::Judged(judged) => {
                    under_way -= 1;
                    self.count(judged);
                }
                Done::Examined(examined) => {
                    early.insert(examined.number, examined);
                    while let Some(examined) = early.remove(&next) {
                        next += 1;
                        match self.fold(examined)? {
                            Some(job) => workers.give(job)?,
                            None => under_way -= 1,
                        }
                    }
                }
            }
        }
    }

    fn count(&mut self, judged: Judged) {
        self.good += judged.good;
        self.vouched = self.vouched.max(judged.vouched);
        self.findings.extend(judged.findings);
    }

    fn fold(&mut self, mut chunk: Examined) -> Result<Option<Job>, LedgerError> {
        self.findings.extend(std::mem::take(&mut chunk.findings));
        self.tree.take(&mut chunk, &mut self.findings)?;
        let mut signed = Vec::new();
        for Parsed { facts, armor } in chunk.entries {
            let floor = self.clock_floor;
            self.hotfixes.follow(&facts, floor, &mut self.texts, &mut self.findings)?;
            self.clock_floor = clock_floor_after(floor, &facts);
            if Granted::concerns(&facts)
                && let Some(before) = self.grants.before(&facts)
            {
                self.granted.judge(before, &facts, &self.people, floor, &mut self.findings);
            }
            self.grants.follow(&facts, &mut self.findings)?;
            self.sessions.follow(&facts, &mut self.findings)?;
            self.name_texts(&facts)?;
            let signers = self.acts.follow(&facts, self.people.needed(), &mut self.findings)?;
            let Self { people, tree, texts, findings, .. } = self;
            if facts.kind == Kind::Recovered {
                people.recover(&facts, findings)?;
            }
            if !facts.kind.is_signed() {
                continue;
            }
            let (registers, is_last) = (registers(&facts), facts.kind == Kind::Registered);
            let verify = registers || facts.seq >= self.since;
            let entry = people.judge(facts, armor, verify, tree, texts, findings)?;
            let judged = match (registers, is_last) {
                (true, true) => people.register(&entry, &signers, texts, findings)?,
                (true, false) => people.propose(&entry),
                _ => {
                    signed.push(entry);
                    continue;
                }
            };
            self.count(judged);
        }
        let named = std::mem::take(&mut self.named);
        Ok((!signed.is_empty() || !named.is_empty()).then_some(Job::Judge(signed, named)))
    }

    /// The texts of a step's outputs and errors, and of a session's command.
    fn name_texts(&mut self, facts: &Facts) -> rusqlite::Result<()> {
        let outputs = facts.outputs.iter().map(|(name, key)| (format!("the output `{name}`"), key));
        let tails = facts.runs.iter().filter_map(|(name, run)| {
            run.tail.as_ref().map(|key| (format!("the error text of `{name}`"), key))
        });
        let command =
            facts.started.as_ref().map(|started| ("the session's command".to_owned(), &started.command));
        for (what, key) in outputs.chain(tails).chain(command) {
            let what = crate::core::text::escape(&what);
            if let Some(bytes) = self.texts.named(facts.seq, key, &what, &mut self.findings)? {
                self.named.push(Named { seq: facts.seq, what, key: key.clone(), bytes });
            }
        }
        Ok(())
    }
}
