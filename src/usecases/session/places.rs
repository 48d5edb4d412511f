//! Where something is in a recording: counted in events, so that the player can go there.
//!
//! Where a recording is damaged, all before that counts; the damage is told where it is played.

use super::recording::Recording;
use crate::core::session::cast::Happening;
use crate::core::session::plain::Search;
use crate::usecases::failure::Failure;

/// Where a command is marked.
#[derive(Debug)]
pub(super) struct Mark {
    /// After so many events; `None` where there are fewer commands.
    pub(super) at: Option<u64>,
    /// So many are marked, as far as was looked.
    pub(super) seen: u64,
}

/// Looks for the mark of a command, counted from 1.
pub(super) fn mark(recording: &Recording, number: u64) -> Result<Mark, Failure> {
    let mut mark = Mark { at: None, seen: 0 };
    let (_, events) = recording.events()?;
    for (index, event) in (1..).zip(events.map_while(Result::ok)) {
        if matches!(event.happening, Happening::Marker(_)) {
            mark.seen += 1;
            if mark.seen == number {
                mark.at = Some(index);
                break;
            }
        }
    }
    Ok(mark)
}

/// Where a text was seen.
#[derive(Debug)]
pub(super) struct Hits {
    /// How often, in all.
    pub(super) all: u64,
    /// After so many events the first time, past those that were passed over.
    pub(super) next: Option<u64>,
}

/// Looks for a text in all that was printed; for the next one beyond the first events, `after`.
pub(super) fn hits(recording: &Recording, wanted: &str, after: u64) -> Result<Hits, Failure> {
    let (mut hits, mut search) = (Hits { all: 0, next: None }, Search::new(wanted));
    let (_, events) = recording.events()?;
    for (index, event) in (1..).zip(events.map_while(Result::ok)) {
        if let Happening::Output(printed) = event.happening {
            let new = search.push(&printed);
            hits.all += new;
            if new > 0 && index > after {
                hits.next = hits.next.or(Some(index));
            }
        }
    }
    Ok(hits)
}
