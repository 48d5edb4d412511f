//! What two people of a scope may mend in its playbook without an admin: how it opens, never who
//! may open it, for how long, or who looks at it afterwards (P5, P6).

use super::{ActRefusal, Circle, Denied, map};
use crate::core::authorization::Authorization;
use crate::core::playbook::{Playbook, Scope};
use crate::core::statement::{Common, Hotfix, Register, Statement, Verb};
use serde_json::json;

/// Why drafts are no hotfix, with what to do next (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HotfixRefusal {
    /// No playbook differs, or none in what it says.
    #[error("no scope of a playbook differs from what is registered: there is nothing to mend")]
    Nothing,
    /// Other files differ too.
    #[error("a hotfix mends one registered playbook and nothing else; these differ: {}", files.join(", "))]
    OtherFiles {
        /// Their paths.
        files: Vec<String>,
    },
    /// Scopes were added, taken out, renamed or put in another order.
    #[error("the scopes of {playbook} are others than are registered")]
    OtherScopes {
        /// The playbook.
        playbook: String,
    },
    /// More than one scope differs.
    #[error("a hotfix mends one scope; these differ: {}", scopes.join(", "))]
    ManyScopes {
        /// Their addresses.
        scopes: Vec<String>,
    },
    /// Something differs that only admins change.
    #[error("a hotfix leaves this of {of} as it is registered: {}", what.join(", "))]
    Kept {
        /// A playbook or a scope.
        of: String,
        /// The keys that differ.
        what: Vec<&'static str>,
    },
}

impl HotfixRefusal {
    /// The cause as entries name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing-to-mend",
            Self::OtherFiles { .. } => "other-files",
            Self::OtherScopes { .. } => "other-scopes",
            Self::ManyScopes { .. } => "many-scopes",
            Self::Kept { .. } => "not-in-a-hotfix",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Nothing => "edit the broken step of the playbook's draft first".into(),
            Self::ManyScopes { .. } => {
                "mend them one after the other; or an admin runs `glass register`".into()
            }
            Self::OtherFiles { .. } | Self::OtherScopes { .. } | Self::Kept { .. } => {
                "put it back as it was, and run this again; or an admin runs `glass register`".into()
            }
        }
    }
}

/// The one scope that a draft mends.
///
/// # Errors
/// Anything else differs, or nothing does.
pub fn judge_mend<'a>(before: &Playbook, after: &'a Playbook) -> Result<&'a Scope, HotfixRefusal> {
    let head = [
        ("name", before.name == after.name),
        ("title", before.title == after.title),
        ("owner", before.owner == after.owner),
    ];
    keeps(&before.name, &head)?;
    let names =
        |playbook: &Playbook| playbook.scopes.iter().map(|scope| scope.name.clone()).collect::<Vec<_>>();
    if names(before) != names(after) {
        return Err(HotfixRefusal::OtherScopes { playbook: before.name.clone() });
    }
    let pairs = before.scopes.iter().zip(&after.scopes);
    let changed: Vec<(&Scope, &Scope)> = pairs.filter(|(before, after)| before != after).collect();
    match changed[..] {
        [] => Err(HotfixRefusal::Nothing),
        [(scope, mended)] => keeps(&before.address(scope), &kept(scope, mended)).map(|()| mended),
        _ => {
            let scopes = changed.iter().map(|(scope, _)| before.address(scope)).collect();
            Err(HotfixRefusal::ManyScopes { scopes })
        }
    }
}

fn keeps(of: &str, parts: &[(&'static str, bool)]) -> Result<(), HotfixRefusal> {
    let what: Vec<&str> = parts.iter().filter(|(_, same)| !same).map(|(key, _)| *key).collect();
    if what.is_empty() { Ok(()) } else { Err(HotfixRefusal::Kept { of: of.to_owned(), what }) }
}

/// Each key that a hotfix must not touch, and whether it is the same.
fn kept(before: &Scope, after: &Scope) -> Vec<(&'static str, bool)> {
    // Taken apart by name, so that a new key must be thought of here.
    let Scope {
        name,
        title: _,
        opens: _,
        not_for: _,
        runbook: _,
        criteria: _,
        steps: _,
        risk,
        activate,
        approvals,
        review,
        touch,
        duration,
        limits,
        incident,
        reason_min,
        recording,
        recording_input,
        run_as,
        drill_every,
        on_call,
        suspensions,
        rotations,
        evidence,
    } = before;
    vec![
        ("name", *name == after.name),
        ("risk", *risk == after.risk),
        ("activate", *activate == after.activate),
        ("approvals", *approvals == after.approvals),
        ("review", *review == after.review),
        ("touch", *touch == after.touch),
        ("duration", *duration == after.duration),
        ("limits", *limits == after.limits),
        ("incident", *incident == after.incident),
        ("reason-min", *reason_min == after.reason_min),
        ("recording", *recording == after.recording),
        ("recording-input", *recording_input == after.recording_input),
        ("run-as", *run_as == after.run_as),
        ("drill-every", *drill_every == after.drill_every),
        ("on-call", *on_call == after.on_call),
        ("suspension", *suspensions == after.suspensions),
        ("rotation", *rotations == after.rotations),
        ("evidence", *evidence == after.evidence),
    ]
}

/// What two people mend.
#[derive(Clone, Debug)]
pub struct Mending<'a> {
    /// `playbook/scope`.
    pub address: &'a str,
    /// Path of the playbook among the registered files.
    pub path: &'a str,
    /// SHA-512 of its mended bytes.
    pub sha512: &'a str,
    /// Seq of the registration that it differs from.
    pub previous: u64,
}

/// Puts a hotfix into the words that both will sign, if this person may.
pub fn authorize_hotfix(
    circle: &Circle,
    scope: &Scope,
    mending: &Mending<'_>,
    common: &Common,
) -> Result<Authorization<Hotfix>, Denied> {
    circle.judge("", &[], &common.person)?;
    let facts = map(json!({
        "scope": mending.address,
        "path": mending.path,
        "sha512": mending.sha512,
        "previous": mending.previous,
    }));
    let texts = map(json!({"title": scope.title.as_str()}));
    Ok(Authorization::new(Statement::new(common, facts, texts)?, confirmation(Hotfix::NAME).to_owned()))
}

/// The word that is typed to confirm an act of this verb: what a hotfix changes is a registration.
pub fn confirmation(verb: &str) -> &str {
    if verb == Hotfix::NAME { Register::NAME } else { verb }
}

/// A hotfix counts beside the registration that it differs from, and no other.
pub fn judge_previous(signed: Option<u64>, latest: u64) -> Result<(), ActRefusal> {
    if signed == Some(latest) { Ok(()) } else { Err(ActRefusal::Stale) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::playbook::SAMPLE;
    use crate::core::text::Line;

    fn book() -> Playbook {
        Playbook::parse("sample.toml", SAMPLE).unwrap()
    }

    /// What is left of two equal scopes, one of them changed.
    fn changed(change: impl FnOnce(&mut Scope)) -> Result<(), HotfixRefusal> {
        let mut after = book();
        change(&mut after.scopes[0]);
        judge_mend(&book(), &after).map(|_| ())
    }

    #[test]
    fn p05_a_hotfix_mends_how_it_opens_and_nothing_else() {
        let line = |text: &str| Line::new(text).unwrap();
        assert_eq!(changed(|scope| scope.title = line("Other")), Ok(()));
        assert_eq!(changed(|scope| scope.opens = vec![line("other")]), Ok(()));
        assert_eq!(changed(|scope| scope.not_for = vec![line("other")]), Ok(()));
        assert_eq!(changed(|scope| scope.runbook = Some(line("https://other"))), Ok(()));
        assert_eq!(changed(|scope| scope.criteria.clear()), Ok(()));
        assert_eq!(changed(|scope| scope.steps.clear()), Ok(()));
        assert_eq!(changed(|_| {}), Err(HotfixRefusal::Nothing));
        let kept = |result: Result<(), HotfixRefusal>| match result {
            Err(HotfixRefusal::Kept { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(kept(changed(|scope| scope.activate.clear())), ["activate"]);
        assert_eq!(kept(changed(|scope| scope.review.by.clear())), ["review"]);
        assert_eq!(kept(changed(|scope| scope.reason_min += 1)), ["reason-min"]);
        assert_eq!(kept(changed(|scope| scope.limits.concurrent += 1)), ["limits"]);
        assert_eq!(
            kept(changed(|scope| scope.recording_input = !scope.recording_input)),
            ["recording-input"]
        );
    }

    #[test]
    fn p05_a_hotfix_mends_one_scope_of_a_playbook_that_stays() {
        let mut after = book();
        after.title = Line::new("Other").unwrap();
        assert!(
            matches!(judge_mend(&book(), &after), Err(HotfixRefusal::Kept { what, .. }) if what == ["title"])
        );
        let mut after = book();
        after.scopes.push(after.scopes[0].clone());
        assert!(matches!(judge_mend(&book(), &after), Err(HotfixRefusal::OtherScopes { .. })));
        let two = || {
            let mut two = book();
            two.scopes.push(Scope { name: "second".into(), ..two.scopes[0].clone() });
            two
        };
        let mut after = two();
        after.scopes.iter_mut().for_each(|scope| scope.steps.clear());
        assert!(
            matches!(judge_mend(&two(), &after), Err(HotfixRefusal::ManyScopes { scopes }) if scopes.len() == 2)
        );
        let mut after = two();
        after.scopes[1].steps.clear();
        assert_eq!(judge_mend(&two(), &after).unwrap().name, "second");
    }
}
