//! Hotfixes: one playbook, mended by two people of its scope for one grant, within 24 hours.
//!
//! It counts beside the registration that it differs from, until a grant was opened by it. Whether
//! it was is told by the grants' own entries.

use super::chain::{chain, consent};
use super::registered::{self, Registered, RegisteredFile};
use super::{Batch, Ledger, LedgerError, PendingAct, Signed, projection};
use crate::core::deadline::Deadline;
use crate::core::entry::{Facts, Genesis, Kind};
use crate::core::grant::{Consent, Grant, Mended};
use crate::core::moment::Moment;
use crate::core::playbook::{Playbook, Scope};
use crate::core::policy::{self, ACT_WITHIN, Circle, Denied, Refusal};
use crate::core::statement::Hotfix as Verb;
use crate::core::text::escape;
use crate::ports::signer::Confirmed;
use rusqlite::Connection;

/// A mended playbook that two people signed, their signatures verified.
#[derive(Debug)]
pub struct Hotfix {
    /// `playbook/scope`.
    pub scope: String,
    /// Which act, and who signed it.
    pub mended: Mended,
    /// Who signed it, and when.
    pub signed: Vec<Consent>,
    /// Until when it can be used, on both clocks.
    pub until: Deadline,
    /// The playbook's mended bytes.
    pub file: RegisteredFile,
    playbook: Playbook,
}

impl Registered {
    /// What counts for the grant that opens by this hotfix.
    #[must_use]
    pub fn mended(mut self, hotfix: Hotfix) -> Self {
        let Hotfix { file, playbook, .. } = hotfix;
        self.replace(file, playbook);
        self
    }
}

impl Ledger {
    /// The hotfix by which the next grant of a scope opens, if there is one.
    pub fn hotfix(
        &self,
        registered: &Registered,
        address: &str,
        now: &Moment,
    ) -> Result<Option<Hotfix>, LedgerError> {
        usable(&self.connection, &self.genesis, registered, address, now)
    }

    /// Every hotfix that can be used now, by scope.
    pub fn hotfixes(&self, now: &Moment) -> Result<Vec<Hotfix>, LedgerError> {
        // Hardly ever is there one: then nothing of the registration is read.
        let any = "SELECT 1 FROM act WHERE verb = 'hotfix' AND state = 'done'";
        if !self.connection.prepare_cached(any)?.exists([])? {
            return Ok(Vec::new());
        }
        let Some(registered) = self.registered()? else { return Ok(Vec::new()) };
        let books = registered.books().into_iter();
        let addresses = books.flat_map(|book| book.scopes.iter().map(|scope| book.address(scope)));
        let hotfixes = addresses.map(|address| self.hotfix(&registered, &address, now));
        hotfixes.filter_map(Result::transpose).collect()
    }

    /// The playbook that a hotfix which waits would mend, as its first person signed it.
    pub fn to_mend(&self, act: &PendingAct) -> Result<RegisteredFile, LedgerError> {
        let registered = latest(&self.connection, &self.genesis, &act.proposed)?;
        Ok(draft(&self.connection, &act.proposed, &registered)?.0)
    }

    /// Records a signature under a hotfix; the first comes with the mended bytes.
    pub fn sign_hotfix(
        &mut self,
        confirmed: &Confirmed<Verb>,
        bytes: Option<&[u8]>,
        now: &Moment,
    ) -> Result<Signed, LedgerError> {
        let batch = Batch::begin(self, now)?;
        if let Some(bytes) = bytes {
            batch.text(bytes)?;
        }
        let signed = Some(confirmed.statement().signed().clone());
        let facts = Facts { signed, ..Facts::new(Kind::Hotfixed, now) };
        let registered = latest(batch.connection(), batch.genesis(), &facts)?;
        draft(batch.connection(), &facts, &registered)?;
        let roster = registered.roster();
        let circle = Circle::of_scope(scope(&facts, &registered)?, roster, now.wall);
        let recorded = batch.sign(confirmed, roster, &circle)?;
        self.signed(&recorded, now)
    }
}

/// The latest registration, which must be the one that was signed for.
fn latest(connection: &Connection, genesis: &Genesis, facts: &Facts) -> Result<Registered, LedgerError> {
    let last = chain(connection, genesis, u64::MAX)?.last.ok_or_else(|| nowhere(facts))?;
    policy::judge_previous(facts.signed_u64("previous"), last.seq).map_err(Denied::from)?;
    registered::load(connection, &last)
}

/// The registered scope that a hotfix mends.
pub(super) fn scope<'a>(facts: &Facts, registered: &'a Registered) -> Result<&'a Scope, LedgerError> {
    let address = facts.signed_str("scope").unwrap_or_default();
    registered.scope(address).map(|(_, scope)| scope).map_err(|_| nowhere(facts))
}

fn nowhere(facts: &Facts) -> LedgerError {
    let address = facts.signed_str("scope").unwrap_or_default();
    LedgerError::Refused(format!("{} is not registered", escape(address)))
}

/// The mended playbook, its text held against its digest and against what is registered.
fn draft(
    connection: &Connection,
    facts: &Facts,
    registered: &Registered,
) -> Result<(RegisteredFile, Playbook), LedgerError> {
    let text = |key| facts.signed_str(key).unwrap_or_default().to_owned();
    let (file, playbook) = registered::playbook(connection, facts.seq, text("path"), text("sha512"))?;
    let before = registered.playbooks().iter().find(|before| before.file.path == file.path);
    let before = before.ok_or_else(|| nowhere(facts))?;
    let mended = policy::judge_mend(&before.playbook, &playbook).map_err(Denied::from)?;
    match facts.signed_str("scope") == Some(&playbook.address(mended)) {
        true => Ok((file, playbook)),
        false => Err(nowhere(facts)),
    }
}

/// Until when a hotfix can be used.
pub(super) fn until(facts: &Facts) -> Deadline {
    let moment = facts.moment();
    let within = u64::try_from(ACT_WITHIN.num_milliseconds()).unwrap_or(0);
    Deadline {
        wall: moment.wall + ACT_WITHIN,
        boot_ms: moment.boot_ms.saturating_add(within),
        boot_id: moment.boot_id,
    }
}

/// A hotfix as its last entry tells it: all that it stands on is judged once more, because
/// something opens by it.
pub(super) fn read(connection: &Connection, genesis: &Genesis, facts: &Facts) -> Result<Hotfix, LedgerError> {
    let corrupt = |what: &str| LedgerError::Corrupt(format!("hotfix {}: {what}", facts.seq));
    let act = facts.act.as_deref().filter(|_| facts.kind == Kind::Hotfixed);
    let act = act.ok_or_else(|| corrupt("it is none"))?;
    let previous = facts.signed_u64("previous").ok_or_else(|| corrupt("it names no registration"))?;
    let registered = registered::at(connection, genesis, previous)?;
    let (file, playbook) = draft(connection, facts, &registered)?;
    let circle = Circle::of_scope(scope(facts, &registered)?, registered.roster(), facts.at());
    let mut signed: Vec<Consent> = Vec::new();
    for entry in facts.cosigned.iter().copied().chain([facts.seq]) {
        let consent = consent::<Verb>(connection, entry, facts, registered.roster())?;
        circle
            .judge(act, &signed, &consent.person)
            .map_err(|refusal| corrupt(&format!("the signature of entry {entry}: {refusal}")))?;
        signed.push(consent);
    }
    if signed.len() < circle.needed() {
        return Err(corrupt("not enough people signed it"));
    }
    Ok(Hotfix {
        scope: facts.signed_str("scope").unwrap_or_default().to_owned(),
        mended: Mended::of(act, &signed),
        signed,
        until: until(facts),
        file,
        playbook,
    })
}

/// The hotfix by which the next grant of a scope opens. A later one takes the place of an earlier.
fn usable(
    connection: &Connection,
    genesis: &Genesis,
    registered: &Registered,
    address: &str,
    now: &Moment,
) -> Result<Option<Hotfix>, LedgerError> {
    let mut later = connection.prepare_cached(
        "SELECT last FROM act WHERE verb = 'hotfix' AND state = 'done' AND last > ?1 ORDER BY last DESC",
    )?;
    let seqs =
        later.query_map([registered.seq()], |row| row.get::<_, u64>(0))?.collect::<Result<Vec<_>, _>>()?;
    for seq in seqs {
        let facts = projection::facts(connection, seq)?;
        if facts.signed_str("scope") != Some(address) {
            continue;
        }
        let floor = super::head::read(connection)?.clock_floor;
        let counts = facts.signed_u64("previous") == Some(registered.seq())
            && !until(&facts).has_passed(now, floor)
            && !is_used(connection, &facts)?;
        return counts.then(|| read(connection, genesis, &facts)).transpose();
    }
    Ok(None)
}

/// Whether a grant began to open by it: each is folded anew.
fn is_used(connection: &Connection, facts: &Facts) -> Result<bool, LedgerError> {
    let mut later = connection
        .prepare_cached(r#"SELECT id, requested FROM "grant" WHERE scope = ?1 AND requested > ?2"#)?;
    let rows = later.query_map((facts.signed_str("scope"), facts.seq), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?))
    })?;
    for row in rows {
        let (id, requested) = row?;
        let names_it = projection::facts(connection, requested)?.signed_str("hotfix") == facts.act.as_deref();
        if names_it && projection::fold(connection, &id)?.is_some_and(|grant| grant.opening.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a request is to open by: the hotfix that it names, if it counts, and is as it says.
pub(super) fn named_by(
    connection: &Connection,
    genesis: &Genesis,
    registered: Registered,
    request: &Facts,
    now: &Moment,
) -> Result<Result<Registered, Refusal>, LedgerError> {
    let mended = Mended::said(request).map_err(|what| LedgerError::Refused(what.to_owned()))?;
    let Some(mended) = mended else { return Ok(Ok(registered)) };
    let address = request.signed_str("scope").unwrap_or_default();
    let hotfix = usable(connection, genesis, &registered, address, now)?;
    let is_meant = |hotfix: &Hotfix| {
        hotfix.mended == mended && request.signed_str("playbook") == Some(&hotfix.file.sha512)
    };
    Ok(match hotfix.filter(is_meant) {
        Some(hotfix) => Ok(registered.mended(hotfix)),
        None => Err(Refusal::HotfixOver(mended.act)),
    })
}

/// What a grant ran by: what was registered when it was asked for, mended where it says so.
pub(super) fn ran_by(
    connection: &Connection,
    genesis: &Genesis,
    grant: &Grant,
    registered: u64,
) -> Result<Registered, LedgerError> {
    let registered = registered::at(connection, genesis, registered)?;
    let Some(mended) = &grant.mended else { return Ok(registered) };
    let last = connection
        .prepare_cached("SELECT last FROM act WHERE id = ?1 AND verb = 'hotfix' AND state = 'done'")?
        .query_row([&mended.act], |row| row.get(0));
    let last = last.map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => {
            LedgerError::Corrupt(format!("{}: its hotfix {} is gone", grant.id, escape(&mended.act)))
        }
        error => error.into(),
    })?;
    Ok(registered.mended(read(connection, genesis, &projection::facts(connection, last)?)?))
}
