//! Binds the pieces of a recording into the ledger while the session runs, in a thread of its
//! own: a disk that is slow to make things durable must not be felt at the keyboard.

use crate::core::entry::Piece;
use crate::ports::clock;
use crate::ports::ledger::{Ledger, OfSession};
use crate::usecases::failure::Failure;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The whole of what was added to a recording since the last time.
pub(super) type Pieces = BTreeMap<String, Piece>;

/// The thread, and the way to it.
pub(super) struct Notary {
    pieces: Sender<Pieces>,
    problems: Receiver<String>,
    thread: JoinHandle<()>,
}

impl Notary {
    /// Starts it. `files` are those that must be durable before what they hold is bound.
    pub(super) fn start(mut ledger: Ledger, of: OfSession, files: Vec<File>) -> std::io::Result<Self> {
        let (pieces, incoming) = channel();
        let (problem, problems) = channel();
        let work = move || {
            // What could not be bound is bound with the next: the order stays.
            let mut waiting: Vec<Pieces> = Vec::new();
            for pieces in incoming {
                waiting.push(pieces);
                if let Err(failure) = bind(&mut ledger, &of, &files, &mut waiting) {
                    // Whoever listened may be gone by now.
                    let _ = problem.send(failure.to_string());
                }
            }
        };
        let thread = std::thread::Builder::new().name("notary".into()).spawn(work)?;
        Ok(Self { pieces, problems, thread })
    }

    /// Has pieces bound; never waits.
    pub(super) fn bind(&self, pieces: Pieces) {
        // The thread ends only with its sender.
        let _ = self.pieces.send(pieces);
    }

    /// Why some could not be bound, if that happened since the last time.
    pub(super) fn problem(&self) -> Option<String> {
        self.problems.try_iter().last()
    }

    /// Waits until all of them are bound, or were tried.
    pub(super) fn finish(self) {
        drop(self.pieces);
        // A thread that panicked bound nothing more; the end of the session binds it all.
        let _ = self.thread.join();
    }
}

fn bind(
    ledger: &mut Ledger,
    of: &OfSession,
    files: &[File],
    waiting: &mut Vec<Pieces>,
) -> Result<(), Failure> {
    for file in files {
        file.sync_data().map_err(|error| super::failed(&format!("the recording is not durable: {error}")))?;
    }
    while let Some(pieces) = waiting.first() {
        ledger.record_pieces(of, pieces.clone(), &clock::now()?)?;
        waiting.remove(0);
    }
    Ok(())
}
