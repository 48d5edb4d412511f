//! Sessions, followed from entry to entry: the pieces of their recordings, and the projection held
//! against them.
//!
//! A session is kept until its last entry, then compared and dropped, as grants are.

use super::super::projection::SessionLine;
use super::finding::{Finding, Findings};
use super::recordings::{Fault, Reading, RecordedFiles, shown};
use super::rows::text;
use crate::core::entry::{Facts, Kind, Piece, RECORDED};
use crate::core::text::escape;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};

/// What a scope says that is used without any recording.
pub(super) const OFF: &str = "off";

pub(super) struct Sessions<'a> {
    connection: &'a Connection,
    /// How their files are read; `None` where they are not looked at.
    recordings: Option<RecordedFiles<'a>>,
    live: HashMap<String, Live>,
    begun: u64,
    seen: Seen,
}

/// What the sessions came to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Sessions of which something is bound and not deleted.
    pub(super) bound: u64,
    /// Those of them that still run.
    pub(super) running: u64,
    /// Files that were read.
    pub(super) files: u64,
    /// Bytes of them.
    pub(super) bytes: u64,
    pub(super) deleted: Vec<Deleted>,
    /// Files that are not there: found, unless they were deleted meanwhile.
    pub(super) missing: Vec<(Finding, String)>,
}

/// A recording that was deleted, as was registered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Deleted {
    /// Its entry.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// The session.
    pub session: String,
}

/// A session that more entries may follow.
struct Live {
    line: SessionLine,
    records: bool,
    files: BTreeMap<String, Bound>,
}

/// What is bound of one file.
#[derive(Default)]
struct Bound {
    length: u64,
    reading: Option<Reading>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(connection: &'a Connection, recordings: Option<RecordedFiles<'a>>) -> Self {
        Self { connection, recordings, live: HashMap::new(), begun: 0, seen: Seen::default() }
    }

    /// Follows a session by one entry. What can follow what is the grant's fold to say, but for
    /// pieces, which are none of its entries.
    pub(super) fn follow(&mut self, facts: &Facts, findings: &mut Findings) -> rusqlite::Result<()> {
        let Some(id) = facts.session.as_deref() else {
            if facts.kind == Kind::SessionPiece {
                findings.entry(facts.seq, "it names no session");
            }
            return Ok(());
        };
        if facts.kind == Kind::SessionPiece {
            self.bind(id, facts, findings);
            return Ok(());
        }
        let live = self.live.remove(id);
        let (line, live) = match live {
            Some(live) => (Some(live.line), Some((live.records, live.files))),
            None => (None, None),
        };
        let kept = line.clone();
        let Some(line) = SessionLine::after(line, facts) else {
            if let (Some(line), Some((records, files))) = (kept, live) {
                findings.entry(facts.seq, format!("{} was started already", escape(id)));
                self.live.insert(id.to_owned(), Live { line, records, files });
            }
            return Ok(());
        };
        let mut live = match live {
            Some((records, files)) => Live { line, records, files },
            None => {
                self.begun += 1;
                let records = facts.started.as_ref().is_some_and(|started| started.recording != OFF);
                Live { line, records, files: BTreeMap::new() }
            }
        };
        match facts.kind {
            Kind::SessionEnded | Kind::SessionInterrupted => self.fix(&mut live, facts, findings),
            Kind::RecordingDeleted => {
                let (at, session) = (facts.at.clone(), id.to_owned());
                self.seen.deleted.push(Deleted { seq: facts.seq, at, session });
            }
            _ => {}
        }
        // Only the projection knows whether more entries follow, as with grants.
        let stored = SessionLine::stored(self.connection, id);
        let is_last = live.line.state != "running"
            && matches!(&stored, Ok(Some(stored)) if stored.last == live.line.last);
        match is_last {
            true => self.settle(&live, stored, findings)?,
            false => drop(self.live.insert(id.to_owned(), live)),
        }
        Ok(())
    }

    /// A piece must be of a session that runs, and begin where the piece before it ended.
    fn bind(&mut self, id: &str, facts: &Facts, findings: &mut Findings) {
        let live = self.live.get_mut(id).filter(|live| live.line.state == "running");
        let Some(live) = live.filter(|live| Some(&live.line.grant) == facts.grant.as_ref()) else {
            let what = format!("it binds a recording of {}, which does not run under its grant", escape(id));
            findings.entry(facts.seq, what);
            return;
        };
        for (end, piece) in &facts.files {
            if !live.records || !RECORDED.contains(&end.as_str()) {
                let what = format!("it binds {}, which glass does not write", shown(id, end));
                findings.entry(facts.seq, what);
                continue;
            }
            let bound = live.files.entry(end.clone()).or_default();
            if piece.from != bound.length {
                let what = format!(
                    "it binds {} from byte {} on, and {} bytes were bound before",
                    shown(id, end),
                    piece.from,
                    bound.length
                );
                findings.entry(facts.seq, what);
                continue;
            }
            bound.length = bound.length.saturating_add(piece.length);
            if let Some(recordings) = &self.recordings {
                let reading = bound.reading.get_or_insert_with(|| Reading::of(id, end));
                reading.follow(recordings, piece, facts.seq);
            }
        }
    }

    /// The end names the whole of each file of which anything was bound, no shorter than that.
    fn fix(&mut self, live: &mut Live, facts: &Facts, findings: &mut Findings) {
        let id = live.line.id.clone();
        for (end, bound) in live.files.iter().filter(|(end, _)| !facts.files.contains_key(*end)) {
            let what =
                format!("{} bytes of {} were bound, and its end names none", bound.length, shown(&id, end));
            findings.entry(facts.seq, what);
        }
        for (end, whole) in &facts.files {
            if !live.records || !RECORDED.contains(&end.as_str()) {
                let what = format!("it binds {}, which glass does not write", shown(&id, end));
                findings.entry(facts.seq, what);
                continue;
            }
            let bound = live.files.entry(end.clone()).or_default();
            if whole.length < bound.length {
                let what = format!(
                    "it binds {} bytes of {}, of which {} were bound before",
                    whole.length,
                    shown(&id, end),
                    bound.length
                );
                findings.entry(facts.seq, what);
                continue;
            }
            if let Some(recordings) = &self.recordings {
                let rest = Piece { from: bound.length, length: whole.length - bound.length, ..whole.clone() };
                let reading = bound.reading.get_or_insert_with(|| Reading::of(&id, end));
                reading.finish(recordings, &rest, facts.seq);
            }
            bound.length = whole.length;
        }
    }

    /// No more entries of a session follow.
    fn settle(
        &mut self,
        live: &Live,
        stored: rusqlite::Result<Option<SessionLine>>,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        let line = &live.line;
        let mut find = |what: &str| findings.entry(line.last, format!("{what} of {}", escape(&line.id)));
        match stored {
            Ok(Some(stored)) if stored == *line => {}
            Ok(Some(_)) => find("the row is not what the entries say, that"),
            Ok(None) => find("the row is missing"),
            Err(error @ rusqlite::Error::SqliteFailure(..)) => return Err(error),
            Err(_) => find("the row is stored in a form that glass never writes, that"),
        }
        let is_deleted = line.state == "deleted";
        self.seen.bound += u64::from(!live.files.is_empty() && !is_deleted);
        self.seen.running += u64::from(!live.files.is_empty() && line.state == "running");
        for reading in live.files.values().filter_map(|bound| bound.reading.as_ref()) {
            self.seen.files += u64::from(reading.was_there());
            self.seen.bytes += reading.bytes();
            match reading.fault() {
                None => {}
                Some(Fault::Missing(_)) if is_deleted => {}
                Some(Fault::Missing(found)) => self.seen.missing.push((found.clone(), line.id.clone())),
                Some(Fault::Other(found)) => findings.extend([found.clone()]),
            }
        }
        Ok(())
    }

    /// At the end: what is still live, and that no row stands beside what the entries gave.
    pub(super) fn finish(mut self, findings: &mut Findings) -> rusqlite::Result<Seen> {
        let mut live: Vec<Live> = std::mem::take(&mut self.live).into_values().collect();
        live.sort_unstable_by_key(|live| live.line.started);
        for live in live {
            let stored = SessionLine::stored(self.connection, &live.line.id);
            self.settle(&live, stored, findings)?;
        }
        let rows: u64 = self.connection.query_row("SELECT count(*) FROM session", [], |row| row.get(0))?;
        if rows != self.begun {
            findings.ledger(format!("{rows} sessions are listed, the entries hold {}", self.begun));
            self.name_strangers(findings)?;
        }
        Ok(self.seen)
    }

    /// Rows whose first entry is none of that session.
    fn name_strangers(&self, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(
            r#"SELECT session.id FROM session LEFT JOIN entry ON entry.seq = session.started
               WHERE CASE json_valid(CAST(entry.bytes AS TEXT))
                 WHEN 1 THEN json_extract(CAST(entry.bytes AS TEXT), '$.session') END IS NOT session.id
               LIMIT 10"#,
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = text(row.get_ref(0)?).map_or_else(|| "one without an id".to_owned(), escape);
            findings.ledger(format!("a session that no entry tells of was added: {id}"));
        }
        Ok(())
    }
}
