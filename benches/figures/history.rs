//! Big ledgers, made by the real append path: every entry hashed, chained, folded and projected
//! as in daily use, every request signed. Only many grants share a commit.

use crate::home::{Scratch, object};
use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use glass::core::entry::{Facts, Kind, Run, StepState, Stream, Terms};
use glass::core::filling::planned_steps;
use glass::core::id::GrantId;
use glass::core::moment::{Moment, rfc3339};
use glass::core::plan::{ClosePlan, PlanMoment};
use glass::core::statement::{Request, Review, Seen, Statement};
use glass::ports::clock;
use glass::ports::ledger::{Batch, Registered};
use serde_json::json;
use std::collections::BTreeMap;

/// Grants in one commit.
const AT_ONCE: usize = 200;
const DURATION_S: u64 = 900;
const YEAR_S: i64 = 365 * 86_400;

/// How a grant of the history went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Requested, opened, closed: 10 entries with the refusal before it. Owes its review.
    Closed,
    /// The same, and reviewed: 10 entries, two of them signed.
    Reviewed,
    /// Still open, its time over; has its close plan. 4 entries.
    Due,
}

/// Lives through so many grants, spread over the last year; gives their ids.
pub(crate) fn live(scratch: &mut Scratch, life: Life, grants: usize) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(grants);
    let mut ledger = scratch.open()?;
    let registered = ledger.registered()?.context("nothing is registered")?;
    let now = clock::now()?;
    while ids.len() < grants {
        let seen = ledger.head()?.seen();
        let first = ids.len();
        let mut batch = Batch::begin(&mut ledger, &now)?;
        for index in first..grants.min(first + AT_ONCE) {
            let age = YEAR_S - YEAR_S * index as i64 / grants as i64;
            let wall = now.wall - TimeDelta::seconds(age + 2 * DURATION_S as i64);
            let at = Moment { wall, ..now.clone() };
            ids.push(Grant::new(scratch, life, at).append(scratch, &mut batch, &registered, seen)?);
        }
        batch.commit()?;
        if life == Life::Due {
            for id in &ids[first..] {
                let grant = ledger.grant(id)?.context("a grant is missing")?;
                ledger.plans().write(&plan(&registered, &grant, &ledger.genesis().ledger)?)?;
            }
        }
    }
    Ok(ids)
}

/// One grant to be.
struct Grant {
    id: String,
    nonce: glass::core::id::Nonce,
    review_nonce: glass::core::id::Nonce,
    life: Life,
    at: Moment,
}

impl Grant {
    fn new(scratch: &mut Scratch, life: Life, at: Moment) -> Self {
        let nonce = scratch.nonce();
        let review_nonce = scratch.nonce();
        Self { id: GrantId::of(&nonce).to_string(), nonce, review_nonce, life, at }
    }

    const fn address(&self) -> &'static str {
        if matches!(self.life, Life::Due) { "bench/waits" } else { "bench/quick" }
    }

    fn fact(&self, kind: Kind) -> Facts {
        Facts { grant: Some(self.id.clone()), ..Facts::new(kind, &self.at) }
    }

    fn append(
        self,
        scratch: &Scratch,
        batch: &mut Batch<'_>,
        registered: &Registered,
        seen: Seen,
    ) -> Result<String> {
        if self.life == Life::Closed {
            batch.append(self.refused(), "")?;
        }
        self.request(scratch, batch, registered, seen)?;
        let (_, scope) = registered.scope(self.address()).ok().context("no such scope")?;
        let steps: Vec<String> = scope.steps.iter().map(|step| step.id.clone()).collect();
        let terms = Terms {
            activation_boot_ms: self.at.boot_ms + 60_000,
            deadline_boot_ms: self.at.boot_ms + 1_000 * DURATION_S,
            expires_at: rfc3339(self.at.wall + TimeDelta::seconds(DURATION_S as i64)),
            steps: steps.clone(),
        };
        batch.append(Facts { terms: Some(terms), ..self.fact(Kind::Opening) }, "")?;
        for step in &steps {
            batch.append(self.step(Kind::StepOpened, step, StepState::Open, &["grant"]), "")?;
        }
        batch.append(self.fact(Kind::Activated), "")?;
        if self.life != Life::Due {
            batch.append(Facts { cause: Some("expired".into()), ..self.fact(Kind::Closing) }, "")?;
            for step in &steps {
                let runs = ["check", "revoke"];
                let facts = self.step(Kind::StepClosed, step, StepState::Closed, &runs);
                batch.append(Facts { proof: Some("check".into()), ..facts }, "")?;
            }
            batch.append(self.fact(Kind::Closed), "")?;
        }
        if self.life == Life::Reviewed {
            self.review(scratch, batch, registered, seen)?;
        }
        Ok(self.id)
    }

    fn refused(&self) -> Facts {
        Facts {
            verb: Some("activate".into()),
            cause: Some("short-reason".into()),
            by: Some("ana".into()),
            person: Some("ana".into()),
            scope: Some(self.address().into()),
            ..Facts::new(Kind::Refused, &self.at)
        }
    }

    fn request(
        &self,
        scratch: &Scratch,
        batch: &mut Batch<'_>,
        registered: &Registered,
        seen: Seen,
    ) -> Result<()> {
        let (playbook, scope) = registered.scope(self.address()).ok().context("no such scope")?;
        let facts = object(json!({
            "grant": self.id, "scope": self.address(), "playbook": playbook.file.sha512,
            "registered": registered.seq(), "duration_s": DURATION_S,
            "review_within_s": scope.review.within.get(), "drill": false, "os_user": "ana",
            "criteria": [],
        }))?;
        let texts = object(json!({
            "title": scope.title.as_str(), "opens": ["nothing"], "incident": "INC-1042",
            "reason": "the normal path to the target has been failing for ten minutes", "answers": [],
        }))?;
        let common = scratch.common(self.nonce, seen, self.at.wall);
        let statement = Statement::<Request>::new(&common, facts, texts)?;
        scratch.append_signed(batch, &statement, self.fact(Kind::Requested))?;
        Ok(())
    }

    /// The verdict of the only person there is, so a self-review.
    fn review(
        &self,
        scratch: &Scratch,
        batch: &mut Batch<'_>,
        registered: &Registered,
        seen: Seen,
    ) -> Result<()> {
        let (playbook, _) = registered.scope(self.address()).ok().context("no such scope")?;
        let facts = object(json!({
            "grant": self.id, "scope": self.address(), "playbook": playbook.file.sha512,
            "verdict": "justified", "self_review": true,
        }))?;
        let texts = object(json!({
            "title": "A quick one", "incident": "INC-1042", "note": "the normal path is mended",
        }))?;
        let common = scratch.common(self.review_nonce, seen, self.at.wall);
        let statement = Statement::<Review>::new(&common, facts, texts)?;
        scratch.append_signed(batch, &statement, self.fact(Kind::Reviewed))?;
        Ok(())
    }

    fn step(&self, kind: Kind, step: &str, outcome: StepState, runs: &[&str]) -> Facts {
        // SHA-256 of nothing: the steps print nothing.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let stream = || Stream { length: 0, sha256: nothing.into() };
        let run = || Run {
            elapsed_ms: 12,
            ended: "exit".into(),
            exit: Some(0),
            signal: None,
            stderr: stream(),
            stdout: stream(),
            tail: None,
        };
        let runs: BTreeMap<String, Run> = runs.iter().map(|name| ((*name).to_owned(), run())).collect();
        Facts { step: Some(step.to_owned()), outcome: Some(outcome), runs, ..self.fact(kind) }
    }
}

/// The close plan as the activation of such a grant leaves it.
fn plan(registered: &Registered, grant: &glass::core::grant::Grant, ledger: &str) -> Result<ClosePlan> {
    let (_, scope) = registered.scope(&grant.scope).ok().context("no such scope")?;
    let opened = grant.opening.as_ref().context("was never opened")?;
    let mut steps = planned_steps(scope, grant, "ana", &Default::default());
    for step in &mut steps {
        (step.state, step.grant_ended) = (StepState::Open, true);
    }
    Ok(ClosePlan {
        os_uid: None,
        v: 1,
        grant: grant.id.to_string(),
        scope: grant.scope.clone(),
        person: grant.person.clone(),
        ledger: ledger.to_owned(),
        opened: PlanMoment::new(&opened.moment),
        expires_at: opened.terms.expires_at.clone(),
        deadline_boot_ms: opened.terms.deadline_boot_ms,
        activation_boot_ms: opened.terms.activation_boot_ms,
        runtime_dir: None,
        steps,
        sessions: Vec::new(),
        closed: None,
    })
}
