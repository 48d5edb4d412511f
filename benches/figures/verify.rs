//! `ledger verify` against the machine's own limit: the same SHA-256 and `verify_strict`, and
//! nothing else, on all cores.

use crate::home::Scratch;
use crate::measure::{GLASS, Pair, command, peak_kib, time};
use crate::table::{Bound, Figure, note, print, seconds};
use anyhow::{Context as _, Result, ensure};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, VerifyingKey};
use glass::core::entry::{Facts, Kind, entry_leaf};
use glass::core::merkle::{Hash, node_hash};
use glass::core::sshsig::{Sshsig, Verifier, signed_data};
use glass::core::statement::{Request, Verb};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Entries that are held in memory at once, so that reading them is not timed.
const STRETCH: usize = 65_536;

/// Work on all cores has no idle one to hide what else the machine does: both sides in turn.
const ROUNDS: usize = 3;

/// An entry, with all that either side needs taken out of it beforehand.
struct Entry {
    bytes: Vec<u8>,
    signed: Option<Signed>,
}

struct Signed {
    armor: String,
    digest: [u8; 64],
    key: Verifier,
    message: Vec<u8>,
    raw: Signature,
    point: VerifyingKey,
}

/// The pass over hashes and signatures, the whole, and its memory beside a tenth of the log.
pub(crate) fn verify(history: &Scratch, tenth: &Scratch) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let verify =
        |scratch: &Scratch| time(&mut command(GLASS, &["--home", &scratch.path(), "ledger", "verify"]));
    let (mut passes, mut wholes) = (Vec::new(), Vec::new());
    let (mut entries, mut signatures) = (0, 0);
    for _ in 0..ROUNDS {
        // The whole between two limits: the machine's load may change within a round.
        let before = limits(history, threads)?;
        let whole = verify(history)?.as_secs_f64();
        let after = limits(history, threads)?;
        let limit = (before.limit + after.limit).as_secs_f64() / 2.0;
        passes.push((limit, (before.pass + after.pass).as_secs_f64() / 2.0));
        wholes.push((limit, whole));
        (entries, signatures) = (before.entries, before.signatures);
    }
    let (pass, whole) = (Pair::of(&passes), Pair::of(&wholes));
    let what = format!("{entries} entries, {signatures} signatures");
    print(&Figure {
        work: "machine's limit / hash + signature pass of ledger verify".into(),
        value: pass.ratio,
        unit: "",
        bound: Bound::AtLeast(0.85),
        detail: format!("{} : {} ({what})", seconds(pass.ours), seconds(pass.peer)),
    });
    print(&Figure {
        work: "machine's limit / the whole of ledger verify".into(),
        value: whole.ratio,
        unit: "",
        bound: Bound::AtLeast(0.45),
        detail: format!("{} : {} ({threads} cores)", seconds(whole.ours), seconds(whole.peer)),
    });
    let peak = |scratch: &Scratch| peak_kib(GLASS, &["--home", &scratch.path(), "ledger", "verify"]);
    let (long, short) = (peak(history)? as f64 / 1024.0, peak(tenth)? as f64 / 1024.0);
    print(&Figure {
        work: "ledger verify, peak memory / that of a ledger of a tenth".into(),
        value: long / short,
        unit: "",
        bound: Bound::AtMost(1.2),
        detail: format!("{long:.1} MiB : {short:.1} MiB"),
    });
    note("limit: SHA-256 of leaves and nodes and verify_strict, from memory, on all cores");
    Ok(())
}

#[derive(Default)]
struct Limits {
    entries: usize,
    signatures: usize,
    limit: Duration,
    pass: Duration,
}

/// Both sides in turn, stretch by stretch.
fn limits(history: &Scratch, threads: usize) -> Result<Limits> {
    let database = history.place().database;
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare("SELECT bytes, signature FROM entry ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut limits = Limits::default();
    loop {
        let mut stretch = Vec::with_capacity(STRETCH);
        while stretch.len() < STRETCH
            && let Some(row) = rows.next()?
        {
            stretch.push(entry(row.get(0)?, row.get(1)?)?);
        }
        if stretch.is_empty() {
            return Ok(limits);
        }
        limits.entries += stretch.len();
        limits.signatures += stretch.iter().filter(|entry| entry.signed.is_some()).count();
        // Which of them goes first changes: the second finds the memory warm.
        if (limits.entries / STRETCH).is_multiple_of(2) {
            limits.limit += on_all_cores(&stretch, threads, machine)?;
            limits.pass += on_all_cores(&stretch, threads, glass)?;
        } else {
            limits.pass += on_all_cores(&stretch, threads, glass)?;
            limits.limit += on_all_cores(&stretch, threads, machine)?;
        }
    }
}

fn entry(bytes: Vec<u8>, armor: Option<Vec<u8>>) -> Result<Entry> {
    // Registrations are few, and signed for another verb.
    let facts = Facts::from_bytes(&bytes)?;
    let Some(armor) = armor.filter(|_| facts.kind == Kind::Requested) else {
        return Ok(Entry { bytes, signed: None });
    };
    let armor = String::from_utf8(armor)?;
    let sshsig = Sshsig::from_armor(&armor)?;
    let digest = HEXLOWER.decode(facts.statement.context("no statement")?.as_bytes())?;
    let digest: [u8; 64] = digest.try_into().ok().context("no digest")?;
    let wire = data_encoding::BASE64_MIME_PERMISSIVE.decode(inner(&armor).as_bytes())?;
    let raw = Signature::from_slice(&wire[wire.len() - 64..])?;
    let signed = Signed {
        digest,
        key: Verifier::new(sshsig.key().clone()),
        message: signed_data(Request::NAMESPACE, &digest),
        raw,
        point: VerifyingKey::from_bytes(sshsig.key().point())?,
        armor,
    };
    Ok(Entry { bytes, signed: Some(signed) })
}

/// The lines between the first and the last.
fn inner(armor: &str) -> String {
    let lines: Vec<&str> = armor.lines().collect();
    lines[1..lines.len() - 1].concat()
}

fn on_all_cores(stretch: &[Entry], threads: usize, work: fn(&[Entry]) -> bool) -> Result<Duration> {
    // Small parts, dealt out in turn, so that no core waits for another.
    let parts: Vec<&[Entry]> = stretch.chunks(256).collect();
    let began = Instant::now();
    let good = std::thread::scope(|scope| {
        let share = |first: usize| {
            let parts = &parts;
            scope.spawn(move || parts.iter().skip(first).step_by(threads).all(|part| work(part)))
        };
        let shares: Vec<_> = (0..threads).map(share).collect();
        shares.into_iter().all(|share| share.join().unwrap_or(false))
    });
    let took = began.elapsed();
    ensure!(good, "a signature of the bench's own ledger is bad");
    Ok(took)
}

/// Nothing but the cryptography.
fn machine(part: &[Entry]) -> bool {
    let mut leaves = Vec::with_capacity(part.len());
    for entry in part {
        let armor = entry.signed.as_ref().map_or("", |signed| &signed.armor);
        let hash = Sha256::new()
            .chain_update([0])
            .chain_update(&entry.bytes)
            .chain_update(b"\n")
            .chain_update(armor);
        leaves.push(hash.finalize());
    }
    for pair in leaves.windows(2) {
        black_box(Sha256::new().chain_update([1]).chain_update(pair[0]).chain_update(pair[1]).finalize());
    }
    let mut signed = part.iter().filter_map(|entry| entry.signed.as_ref());
    signed.all(|signed| signed.point.verify_strict(&signed.message, &signed.raw).is_ok())
}

/// The same by glass's own functions, which read the armor first and judge what it says.
fn glass(part: &[Entry]) -> bool {
    let mut leaves: Vec<Hash> = Vec::with_capacity(part.len());
    for entry in part {
        let armor = entry.signed.as_ref().map_or("", |signed| &signed.armor);
        leaves.push(entry_leaf(&entry.bytes, armor.as_bytes()));
    }
    for pair in leaves.windows(2) {
        black_box(node_hash(&pair[0], &pair[1]));
    }
    let mut signed = part.iter().filter_map(|entry| entry.signed.as_ref());
    signed.all(|signed| {
        Sshsig::from_armor(&signed.armor).is_ok_and(|sshsig| {
            sshsig.to_armor() == signed.armor
                && sshsig.verify_by(Request::NAMESPACE, &signed.digest, &signed.key).is_ok()
        })
    })
}
