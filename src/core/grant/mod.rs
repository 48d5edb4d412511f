//! A grant's life as one pure function: [`apply`] is the only transition (DESIGN 3).

mod apply;
mod mended;
mod session;

pub use apply::{ATTESTATIONS, ATTESTED, Corrupt, apply};
pub use mended::{Mended, Signer};
pub use session::{Gap, GrantSession, SessionEnd};

use crate::core::deadline::Deadline;
use crate::core::duration::Seconds;
use crate::core::entry::{Facts, StepState, Terms, Touched};
use crate::core::id::GrantId;
use crate::core::moment::{Moment, parse_rfc3339, rfc3339};
use crate::core::review::Reviewed;
use chrono::{DateTime, TimeDelta, Utc};

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for; other people must sign first.
    AwaitingApproval,
    /// Another person said no.
    Denied,
    /// The requester took it back.
    Withdrawn,
    /// Nobody signed in time, or nobody went on in time.
    Lapsed,
    /// Asked for and confirmed; its steps are being opened.
    Activating,
    /// Rolled back and proved closed; never active.
    ActivationFailed,
    /// Open.
    Active,
    /// Being closed.
    Closing,
    /// Closing ended without proof; retried until there is one.
    Unrevoked,
    /// Every step is proved closed.
    Closed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::AwaitingApproval,
        Self::Denied,
        Self::Withdrawn,
        Self::Lapsed,
        Self::Activating,
        Self::ActivationFailed,
        Self::Active,
        Self::Closing,
        Self::Unrevoked,
        Self::Closed,
    ];

    /// The word in JSON, tables and projections.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting-approval",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Activating => "activating",
            Self::ActivationFailed => "activation-failed",
            Self::Active => "active",
            Self::Closing => "closing",
            Self::Unrevoked => "unrevoked",
            Self::Closed => "closed",
        }
    }

    /// Whether nothing can be open any more.
    pub const fn is_ended(self) -> bool {
        match self {
            Self::Denied | Self::Withdrawn | Self::Lapsed | Self::ActivationFailed | Self::Closed => true,
            Self::AwaitingApproval | Self::Activating | Self::Active | Self::Closing | Self::Unrevoked => {
                false
            }
        }
    }

    /// Whether it ended before anything was opened, by what people did or left undone.
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Denied | Self::Withdrawn | Self::Lapsed)
    }
}

/// One step of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantStep {
    /// Its id in the scope.
    pub id: String,
    /// How it stands.
    pub state: StepState,
}

/// The permit's record: when opening began, and its terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedOn {
    /// Both clocks when it was recorded.
    pub moment: Moment,
    /// What it fixed.
    pub terms: Terms,
}

/// Another person's signature under a grant: an approval, or an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who signed.
    pub person: String,
    /// Fingerprint of the key that signed.
    pub key: Option<String>,
    /// What that key asserted.
    pub touch: Option<Touched>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Seq of its entry.
    pub seq: u64,
}

impl Consent {
    /// What an entry says of its signature.
    pub fn said(facts: &Facts) -> Self {
        Self {
            person: facts.person.clone().unwrap_or_default(),
            key: facts.key.clone(),
            touch: facts.touch,
            at: facts.at(),
            seq: facts.seq,
        }
    }
}

/// What a request waits for before it may open; fixed by the signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many other people must sign.
    pub needed: usize,
    /// How long they may take, and after the last of them the requester, in seconds.
    pub within_s: u64,
    /// After how many seconds the requester may go on alone; `None` for never.
    pub alone_after_s: Option<u64>,
    /// When it was asked for, by both clocks.
    pub asked: Moment,
    /// From when `within_s` counts: the request, or the last signature that it needed.
    pub since: Moment,
}

/// A grant, folded from its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// `playbook/scope`.
    pub scope: String,
    /// Who asked.
    pub person: String,
    /// Fingerprint of the key that asked.
    pub key: Option<String>,
    /// What that key asserted.
    pub touch: Option<Touched>,
    /// Where it stands.
    pub state: State,
    /// A rehearsal.
    pub drill: bool,
    /// Digest of the request's statement, where there is one.
    pub statement: Option<String>,
    /// Seq of the registration that it runs by.
    pub registered: Option<u64>,
    /// Seq of the request entry; of its first entry, where the request was lost.
    pub requested: u64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// How long it is to be open, in seconds.
    pub duration_s: u64,
    /// It is never open for longer, extended or not, in seconds.
    pub max_s: u64,
    /// How many times it may be extended.
    pub extensions: u64,
    /// How many times it was.
    pub extended: u64,
    /// How long the review may take after closing, in seconds.
    pub review_within_s: u64,
    /// Whose consent it needs; `None` where it needs none.
    pub waiting: Option<Waiting>,
    /// Who consented, in order.
    pub approvals: Vec<Consent>,
    /// The requester went on alone, after the wait.
    pub alone: bool,
    /// The overdue reviews that it was opened in spite of.
    pub overrides: Vec<String>,
    /// The hotfix that it runs by, in place of what was registered.
    pub mended: Option<Mended>,
    /// The emergency was done outside glass, and told of afterwards.
    pub outside: bool,
    /// From when its review is owed, where that is not its closing.
    pub told_at: Option<DateTime<Utc>>,
    /// Who vouched that it was closed by hand, since a check last proved it open.
    pub attested: Vec<Consent>,
    /// Set once the permit to open was recorded.
    pub opening: Option<OpenedOn>,
    /// When every step was open.
    pub activated_at: Option<DateTime<Utc>>,
    /// When it was proved closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Its steps, in the scope's order.
    pub steps: Vec<GrantStep>,
    /// How it was used through glass, in order.
    pub sessions: Vec<GrantSession>,
    /// The verdict, once given.
    pub review: Option<Reviewed>,
    /// Seq of its latest entry.
    pub last: u64,
}

impl Grant {
    /// Its end on both clocks, once opening began.
    pub fn deadline(&self) -> Option<Deadline> {
        let opening = self.opening.as_ref()?;
        Some(Deadline {
            wall: parse_rfc3339(&opening.terms.expires_at)?,
            boot_id: opening.moment.boot_id.clone(),
            boot_ms: opening.terms.deadline_boot_ms,
        })
    }

    /// The same grant with the end that it had when it opened: what its commands were filled in
    /// with stays, however often it is extended.
    #[must_use]
    pub fn as_opened(&self) -> Self {
        let mut grant = self.clone();
        if let Some(opening) = &mut grant.opening {
            let end = opening.moment.wall + Seconds::new(grant.duration_s).delta();
            opening.terms.expires_at = rfc3339(end);
            opening.terms.deadline_boot_ms =
                opening.moment.boot_ms.saturating_add(grant.duration_s.saturating_mul(1_000));
        }
        grant
    }

    /// By when its review is owed; `None` before closing, and where nothing was ever active.
    pub fn review_due_at(&self) -> Option<DateTime<Utc>> {
        let closed_at = self.closed_at.filter(|_| self.state == State::Closed)?;
        let within = TimeDelta::seconds(i64::try_from(self.review_within_s).ok()?);
        self.told_at.unwrap_or(closed_at).checked_add_signed(within)
    }

    /// When it lapses, on both clocks; `None` once it no longer waits.
    pub fn lapses(&self) -> Option<Deadline> {
        let waiting = self.waiting.as_ref().filter(|_| self.state == State::AwaitingApproval)?;
        let within = TimeDelta::seconds(i64::try_from(waiting.within_s).ok()?);
        Some(Deadline {
            wall: waiting.since.wall.checked_add_signed(within)?,
            boot_id: waiting.since.boot_id.clone(),
            boot_ms: waiting.since.boot_ms.saturating_add(waiting.within_s.saturating_mul(1_000)),
        })
    }

    /// How many people must still sign.
    pub fn missing(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.needed.saturating_sub(self.approvals.len()))
    }

    /// Whether everyone signed whom it waits for, or the requester went on alone.
    pub fn has_consent(&self) -> bool {
        self.alone || self.missing() == 0
    }

    /// How long the requester must still wait to go on alone, by the slower clock; `None` for ever.
    pub fn alone_in(&self, now: &Moment) -> Option<TimeDelta> {
        let waiting = self.waiting.as_ref()?;
        let after = TimeDelta::seconds(i64::try_from(waiting.alone_after_s?).ok()?);
        Some(after - now.waited_since(&waiting.asked))
    }

    /// The session of this id.
    pub fn session(&self, id: &str) -> Option<&GrantSession> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The step of this id.
    pub fn step(&self, id: &str) -> Option<&GrantStep> {
        self.steps.iter().find(|step| step.id == id)
    }
}

#[cfg(test)]
pub(crate) mod tests;
