//! The story for programs: `glass.review/1`, absent values `null`.

use super::{criteria, findings, last, not_recorded, of_kind, of_step, review_state, signed};
use crate::core::entry::{Facts, Kind, Touched};
use crate::core::moment::rfc3339;
use crate::core::unusual::open_for;
use crate::ports::ledger::Story;
use crate::reading::sessions::{Logs, commands_to_json, session_to_json};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// One grant's story; `logs` are the command logs of its sessions that can be read.
pub fn to_json(story: &Story, logs: &Logs, now: DateTime<Utc>) -> Value {
    let (grant, request) = (&story.grant, story.request_facts());
    let signed_str = |key| request.and_then(|facts| facts.signed_str(key));
    let text = |key| story.request.as_ref().and_then(|texts| texts.get(key));
    let expires_at = grant.opening.as_ref().map(|opening| &opening.terms.expires_at);
    json!({
        "schema": "glass.review/1",
        "grant": {
            "id": grant.id.as_str(),
            "scope": grant.scope,
            "title": text("title"),
            "opens": text("opens"),
            "state": grant.state.as_str(),
            "drill": grant.drill,
            "outside": grant.outside,
            "person": grant.person,
            "key": grant.key,
            "touch": grant.touch.map(Touched::as_str),
            "attestation": story.attestation,
            "os_user": signed_str("os_user"),
            "os_uid": signed(story, "os_uid"),
            "by_sudo": request.map(|_| signed(story, "by_sudo").is_some()),
            "approvals_needed": grant.waiting.as_ref().map_or(0, |waiting| waiting.needed),
            "approvals": grant.approvals.iter().map(|given| json!({
                "person": given.person,
                "at": rfc3339(given.at),
                "touch": given.touch.map(Touched::as_str),
            })).collect::<Vec<_>>(),
            "alone": grant.alone,
            "overrides": grant.overrides,
            "hotfix": grant.mended.as_ref().map(|mended| json!({
                "id": mended.act,
                "signed": mended.by.iter().map(|signer| &signer.person).collect::<Vec<_>>(),
            })),
            "incident": text("incident"),
            "reason": text("reason"),
            "playbook": story.playbook,
            "registered": grant.registered,
            "requested_at": rfc3339(grant.requested_at),
            "activated_at": grant.activated_at.map(rfc3339),
            "expires_at": expires_at,
            "closed_at": grant.closed_at.map(rfc3339),
            "granted_s": grant.duration_s,
            "open_s": open_for(grant).map(|open| open.num_seconds()),
        },
        "criteria": criteria(story).iter().map(|criterion| json!({
            "id": criterion.id,
            "ask": criterion.ask,
            "holds": true,
            "asked": criterion.asked,
            "probe_exit": criterion.probe_exit,
        })).collect::<Vec<_>>(),
        "steps": grant.steps.iter().map(|step| json!({
            "id": step.id,
            "state": step.state.as_str(),
            "entries": of_step(story, &step.id).map(|facts| entry(story, facts)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "sessions": story.sessions.iter().map(|row| {
            let mut session = session_to_json(row);
            session["commands"] = json!(logs.get(&row.session.id).map(|log| commands_to_json(log)));
            session
        }).collect::<Vec<_>>(),
        "extensions": of_kind(story, Kind::Extended).map(|facts| json!({
            "at": facts.at,
            "by_s": facts.signed_u64("extend_s"),
            "expires_at": facts.signed_str("expires_at"),
        })).collect::<Vec<_>>(),
        "closing": closing(story),
        "unusual": findings(story)
            .iter()
            .map(|finding| json!({"id": finding.id, "text": finding.text}))
            .collect::<Vec<_>>(),
        "not_recorded": not_recorded(story, logs),
        "review": review(story, now),
    })
}

/// An entry of a step, its errors in words where they are there.
fn entry(story: &Story, facts: &Facts) -> Value {
    let runs: serde_json::Map<String, Value> = facts
        .runs
        .iter()
        .map(|(name, run)| {
            let tail = run.tail.as_ref().and_then(|tail| story.tails.get(tail));
            let run = json!({
                "ended": run.ended,
                "exit": run.exit,
                "signal": run.signal,
                "elapsed_ms": run.elapsed_ms,
                "errors": tail,
            });
            (name.clone(), run)
        })
        .collect();
    json!({
        "at": facts.at,
        "kind": facts.kind.as_str(),
        "outcome": facts.outcome.map(|outcome| outcome.as_str()),
        "proof": facts.proof,
        "runs": runs,
    })
}

fn closing(story: &Story) -> Value {
    let began = last(story, Kind::Closing);
    let from_plan = last(story, Kind::ClosedFromPlan);
    let unproved: Vec<&str> = of_kind(story, Kind::Unrevoked).map(|facts| facts.at.as_str()).collect();
    let signed = |kind| of_kind(story, kind).map(|facts| json!({"person": facts.person, "at": facts.at}));
    json!({
        "began_at": began.map(|facts| &facts.at),
        "cause": began.and_then(|facts| facts.cause.as_ref()),
        "by": began.and_then(|facts| facts.by.as_ref()),
        "unproved_at": unproved,
        "revoked": signed(Kind::Revoked).collect::<Vec<_>>(),
        "attested": signed(Kind::Attested).collect::<Vec<_>>(),
        "from_plan": from_plan.is_some(),
    })
}

fn review(story: &Story, now: DateTime<Utc>) -> Value {
    let review = story.grant.review.as_ref();
    json!({
        "state": review_state(story, now),
        "due_at": story.grant.review_due_at().map(rfc3339),
        "verdict": review.map(|review| review.verdict.as_str()),
        "person": review.map(|review| &review.person),
        "at": review.map(|review| rfc3339(review.at)),
        "self_review": review.map(|review| review.self_review),
        "note": story.reviewed("note"),
        "incident": story.reviewed("incident"),
    })
}
