//! How a scope stands: what its live and earlier grants hold against one more.

use super::{Refusal, Wanted};
use crate::core::duration::Seconds;
use crate::core::grant::State;
use crate::core::moment::Moment;
use crate::core::playbook::{Routine, Scope};
use chrono::{DateTime, Utc};

/// Another grant of the same scope: live, or the last one that ended.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its id.
    pub grant: String,
    /// Where it stands.
    pub state: State,
    /// Whether a permit to open was recorded for it.
    pub opened: bool,
    /// When it came to where it stands.
    pub last: Moment,
}

/// An overdue review of the scope (P8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    /// The grant that nobody reviewed.
    pub grant: String,
    /// Since when it is overdue.
    pub due_at: DateTime<Utc>,
    /// The people who may review it.
    pub able: Vec<String>,
}

/// An earlier use of the scope; a drill is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its grant.
    pub grant: String,
    /// Who used it.
    pub person: String,
    /// When every step was open.
    pub at: DateTime<Utc>,
}

/// How a scope stands: what counts against one more grant of it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Its live grants, and the last one that ended.
    pub others: Vec<Other>,
    /// Its overdue reviews, the oldest first.
    pub debts: Vec<Debt>,
    /// Its uses within `limits.routine`, oldest first; empty without such a limit.
    pub uses: Vec<Use>,
}

impl Standing {
    /// The grants whose reviews are overdue now.
    pub fn overdue(&self, now: &Moment) -> Vec<String> {
        let overdue = self.debts.iter().filter(|debt| debt.due_at <= now.wall);
        overdue.map(|debt| debt.grant.clone()).collect()
    }

    /// Whether one more grant of the scope may be opened next to what there is.
    pub(super) fn allows(&self, scope: &Scope, wanted: &Wanted<'_>, now: &Moment) -> Result<(), Refusal> {
        in_use(scope, &self.others)?;
        cool_off(scope, &self.others, now)?;
        debt(scope, &self.debts, wanted.overrides, now)?;
        // A rehearsal is no use: it is never routine.
        if wanted.drill { Ok(()) } else { routine(scope, &self.uses, now) }
    }
}

impl Routine {
    /// How many of these uses lie within the time before `at`.
    pub fn count(&self, uses: &[Use], at: DateTime<Utc>) -> usize {
        uses.iter().filter(|used| used.at <= at && used.at + self.within.delta() > at).count()
    }

    /// Whether a use at `at` is one too many to be an emergency.
    pub fn is_reached(&self, uses: &[Use], at: DateTime<Utc>) -> bool {
        self.count(uses, at) >= usize::try_from(self.uses).unwrap_or(usize::MAX)
    }
}

/// A grant that is not proved closed takes the place of a live one, unless closing names the
/// grant: then a late closing of the one can't touch the other.
fn in_use(scope: &Scope, others: &[Other]) -> Result<(), Refusal> {
    let counts = |other: &&Other| match other.state {
        State::Activating => other.opened,
        State::Active => true,
        State::Closing | State::Unrevoked => !scope.names_grant(),
        // Nothing opens before its people have signed; then it is judged once more.
        State::AwaitingApproval => false,
        State::Denied | State::Withdrawn | State::Lapsed | State::Closed | State::ActivationFailed => false,
    };
    let grants: Vec<String> = others.iter().filter(counts).map(|other| other.grant.clone()).collect();
    if grants.len() < usize::try_from(scope.limits.concurrent).unwrap_or(usize::MAX) {
        return Ok(());
    }
    Err(Refusal::InUse { scope: scope.name.clone(), concurrent: scope.limits.concurrent, grants })
}

fn cool_off(scope: &Scope, others: &[Other], now: &Moment) -> Result<(), Refusal> {
    let Some(cool_off) = scope.limits.cool_off else { return Ok(()) };
    for other in others.iter().filter(|other| other.state == State::Closed) {
        let left = cool_off.delta() - now.waited_since(&other.last);
        if left > chrono::TimeDelta::zero() {
            let left = Seconds::new(u64::try_from(left.num_seconds()).unwrap_or(0) + 1);
            return Err(Refusal::CoolOff { scope: scope.name.clone(), grant: other.grant.clone(), left });
        }
    }
    Ok(())
}

/// A review that is overdue keeps its scope closed (P8), for drills too.
/// Those that a request names are overridden; one that became overdue since is not.
fn debt(scope: &Scope, debts: &[Debt], overrides: &[String], now: &Moment) -> Result<(), Refusal> {
    let holds = |debt: &&Debt| debt.due_at <= now.wall && !overrides.contains(&debt.grant);
    match debts.iter().find(holds) {
        None => Ok(()),
        Some(Debt { grant, due_at, able }) => Err(Refusal::Overdue {
            scope: scope.name.clone(),
            grant: grant.clone(),
            due_at: *due_at,
            able: able.clone(),
        }),
    }
}

fn routine(scope: &Scope, uses: &[Use], now: &Moment) -> Result<(), Refusal> {
    match &scope.limits.routine {
        Some(limit) if limit.block && limit.is_reached(uses, now.wall) => Err(Refusal::Routine {
            scope: scope.name.clone(),
            uses: limit.count(uses, now.wall),
            limit: limit.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::moment::parse_rfc3339;
    use crate::core::playbook::{Playbook, SAMPLE};

    fn now() -> Moment {
        let wall = parse_rfc3339("2026-01-05T09:00:00.000Z").unwrap();
        Moment { wall, boot_id: "b".into(), boot_ms: 5 }
    }

    fn scope() -> Scope {
        Playbook::parse("sample.toml", SAMPLE).unwrap().scopes.remove(0)
    }

    const fn wanted(drill: bool, overrides: &[String]) -> Wanted<'_> {
        Wanted { person: "ana", duration: Seconds::new(60), drill, overrides }
    }

    #[test]
    fn p08_an_overdue_review_keeps_the_scope_closed_for_drills_too() {
        let debt = |seconds| Debt {
            grant: "g-aaaaaaaaaa".into(),
            due_at: now().wall + chrono::TimeDelta::seconds(seconds),
            able: vec!["ben".into(), "cem".into()],
        };
        let standing = |debts| Standing { debts, ..Standing::default() };
        for drill in [false, true] {
            assert_eq!(standing(vec![debt(1)]).allows(&scope(), &wanted(drill, &[]), &now()), Ok(()));
            let refusal =
                standing(vec![debt(1), debt(0)]).allows(&scope(), &wanted(drill, &[]), &now()).unwrap_err();
            assert_eq!(refusal.code(), "review-overdue");
            let named = ["g-aaaaaaaaaa".to_owned()];
            let overridden = standing(vec![debt(0)]).allows(&scope(), &wanted(drill, &named), &now());
            assert_eq!(overridden, Ok(()));
            let another = ["g-bbbbbbbbbb".to_owned()];
            let refused = standing(vec![debt(0)]).allows(&scope(), &wanted(drill, &another), &now());
            assert_eq!(refused.map_err(|refusal| refusal.code()), Err("review-overdue"));
            assert!(refusal.hint().starts_with("send this to ben or cem: glass review g-aaaaaaaaaa; "));
            assert!(refusal.to_string().contains("the review of g-aaaaaaaaaa is overdue"), "{refusal}");
        }
    }

    #[test]
    fn routine_use_is_refused_only_where_the_scope_says_so() {
        let used = |days| Use {
            grant: "g-aaaaaaaaaa".into(),
            person: "ben".into(),
            at: now().wall - chrono::TimeDelta::days(days),
        };
        let allows = |uses: Vec<Use>, block, drill| {
            let mut scope = scope();
            scope.limits.routine = Some(Routine { uses: 2, within: Seconds::new(10 * 86_400), block });
            Standing { uses, ..Standing::default() }
                .allows(&scope, &wanted(drill, &[]), &now())
                .map_err(|r| r.code())
        };
        assert_eq!(allows(vec![used(9), used(1)], true, false), Err("routine"));
        assert_eq!(allows(vec![used(10), used(1)], true, false), Ok(()));
        assert_eq!(allows(vec![used(9), used(1)], false, false), Ok(()));
        // A rehearsal is never routine.
        assert_eq!(allows(vec![used(9), used(1)], true, true), Ok(()));
    }
}
