//! Threads that parse, hash and verify, while one reads and folds in order.

use super::examine::{Examined, examine};
use super::rows::Chunk;
use super::signature::{Judged, Named, Signed, judge};
use crate::ports::ledger::LedgerError;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

pub(super) enum Job {
    Examine(Chunk),
    Judge(Vec<Signed>, Vec<Named>),
}

pub(super) enum Done {
    Examined(Examined),
    Judged(Judged),
}

/// The two ends for the thread that reads and folds.
pub(super) struct Workers {
    jobs: SyncSender<Job>,
    /// `None` where a worker died; its panic comes up when the threads are joined.
    done: Receiver<Option<Done>>,
    /// Jobs that may be under way at once, so that memory is bounded.
    room: usize,
}

impl Workers {
    /// Starts the threads, runs `work` with them and waits for them to end.
    pub(super) fn with<R>(threads: usize, work: impl FnOnce(Self) -> R) -> R {
        let threads = threads.max(1);
        let room = 2 * threads + 2;
        let (jobs, queue) = sync_channel(room);
        let (sender, done) = channel();
        let queue = Mutex::new(queue);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (queue, sender) = (&queue, sender.clone());
                scope.spawn(move || serve(queue, &sender));
            }
            drop(sender);
            work(Self { jobs, done, room })
        })
    }

    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Hands a job over; never more than there is room for, so it does not wait.
    pub(super) fn give(&self, job: Job) -> Result<(), LedgerError> {
        self.jobs.send(job).map_err(|_| lost())
    }

    /// The next result, in any order.
    pub(super) fn take(&self) -> Result<Done, LedgerError> {
        self.done.recv().ok().flatten().ok_or_else(lost)
    }
}

fn lost() -> LedgerError {
    LedgerError::Refused("a thread of the verification died".to_owned())
}

fn serve(queue: &Mutex<Receiver<Job>>, sender: &Sender<Option<Done>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let guard = Alarm(sender);
        let done = match job {
            Job::Examine(chunk) => Done::Examined(examine(chunk)),
            Job::Judge(signed, named) => Done::Judged(judge(&signed, &named)),
        };
        drop(guard);
        if sender.send(Some(done)).is_err() {
            return;
        }
    }
}

/// Tells the reader that a job died, which would wait for it for ever.
struct Alarm<'a>(&'a Sender<Option<Done>>);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody left to tell means that the reader has given up already.
            let _ = self.0.send(None);
        }
    }
}
