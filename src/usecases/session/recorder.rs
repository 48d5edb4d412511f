//! What is written down of a session while it runs: masked, encoded, hashed, and bound piece by
//! piece. Where that fails, the session goes on with a gap or ends, as its scope asks.

use super::notary::{Notary, Pieces};
use super::outcome::Why;
use crate::core::playbook::Recording;
use crate::core::session::cast::{Encoder, Header};
use crate::core::session::commands::Line;
use crate::core::session::mask::{Mask, Masking};
use crate::ports::recordings::{CAST, COMMANDS, Writer};
use std::io;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The files of a recording that go on growing.
struct Files {
    cast: Writer,
    commands: Writer,
    notary: Option<Notary>,
}

/// The recorder of one session.
pub(super) struct Recorder {
    wanted: Recording,
    records_input: bool,
    began: Instant,
    files: Option<Files>,
    broken: Option<String>,
    encoder: Encoder,
    mask: Mask,
    printed: Masking,
    typed: Masking,
    clear: Zeroizing<Vec<u8>>,
    lines: Vec<u8>,
}

impl Recorder {
    /// Of a session that is not recorded.
    pub(super) fn none(wanted: Recording, mask: &Mask) -> Self {
        Self {
            wanted,
            records_input: false,
            began: Instant::now(),
            files: None,
            broken: None,
            encoder: Encoder::new(),
            mask: mask.clone(),
            printed: mask.stream(),
            typed: mask.stream(),
            clear: Zeroizing::default(),
            lines: Vec::new(),
        }
    }

    /// Of one whose files are fresh; the header, with nothing secret in it, is their first line.
    pub(super) fn begin(
        (cast, commands): (Writer, Writer),
        header: &Header,
        wanted: Recording,
        records_input: bool,
        mask: &Mask,
    ) -> Self {
        let mut recorder = Self::none(wanted, mask);
        recorder.records_input = records_input;
        recorder.files = Some(Files { cast, commands, notary: None });
        recorder.lines = header.to_line().into_bytes();
        recorder.write();
        recorder
    }

    /// What makes the files durable, for the notary.
    pub(super) fn to_sync(&self) -> io::Result<Vec<std::fs::File>> {
        let Some(files) = &self.files else { return Ok(Vec::new()) };
        Ok(vec![files.cast.to_sync()?, files.commands.to_sync()?])
    }

    /// From now on its pieces are bound.
    pub(super) fn bind_by(&mut self, notary: Notary) {
        if let Some(files) = &mut self.files {
            files.notary = Some(notary);
        }
    }

    /// What the session printed, wherever it went.
    pub(super) fn printed(&mut self, bytes: &[u8]) {
        if self.is_on() {
            self.clear.clear();
            self.printed.push(bytes, &mut self.clear);
            self.encoder.output(self.began.elapsed(), &self.clear, &mut self.lines);
            self.write();
        }
    }

    /// What the person typed: only where the scope asks for it, and never unseen.
    pub(super) fn typed(&mut self, bytes: &[u8], echoes: bool) {
        if self.is_on() && self.records_input && echoes {
            self.clear.clear();
            self.typed.push(bytes, &mut self.clear);
            self.encoder.input(self.began.elapsed(), &self.clear, &mut self.lines);
            self.write();
        }
    }

    /// The window has another size.
    pub(super) fn resized(&mut self, columns: u16, rows: u16) {
        if self.is_on() {
            self.encoder.resize(self.began.elapsed(), columns, rows, &mut self.lines);
            self.write();
        }
    }

    /// A place to jump to.
    pub(super) fn mark(&mut self, label: &str) {
        if self.is_on() {
            let label = self.mask.text(label);
            self.encoder.marker(self.began.elapsed(), &label, &mut self.lines);
            self.write();
        }
    }

    /// A line of the command log.
    pub(super) fn log(&mut self, line: &Line) {
        let Some(files) = self.files.as_mut().filter(|_| self.broken.is_none()) else { return };
        if let Err(error) = files.commands.append(&line.to_json_line(&mut |text| self.mask.text(text))) {
            self.broken = Some(error.to_string());
        }
    }

    /// The time since the session began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether something is written down, or was until it broke off.
    pub(super) const fn has_files(&self) -> bool {
        self.files.is_some()
    }

    /// Why recording broke off, if it did.
    pub(super) fn gap(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn is_on(&self) -> bool {
        self.files.is_some() && self.broken.is_none()
    }

    fn write(&mut self) {
        if let Some(files) = &mut self.files
            && let Err(error) = files.cast.append(&self.lines)
        {
            self.broken = Some(error.to_string());
        }
        self.lines.clear();
    }

    /// Whether the session may go on.
    pub(super) fn check(&mut self) -> Result<(), Why> {
        let notary = self.files.as_ref().and_then(|files| files.notary.as_ref());
        // What can't be bound now is bound later, or at the end; whoever insists does not wait.
        let unbound = notary.and_then(Notary::problem).filter(|_| self.wanted == Recording::Required);
        self.broken = self.broken.take().or(unbound);
        match self.broken.is_some() && self.wanted == Recording::Required {
            true => Err(Why::Recording),
            false => Ok(()),
        }
    }

    /// Ends a piece, and has it bound.
    pub(super) fn cut(&mut self) {
        let Some(Files { cast, commands, notary: Some(notary) }) = &mut self.files else { return };
        let named = |name: &str, piece| Some((name.to_owned(), piece?));
        let pieces: Pieces =
            [named(CAST, cast.cut()), named(COMMANDS, commands.cut())].into_iter().flatten().collect();
        if !pieces.is_empty() {
            notary.bind(pieces);
        }
    }

    /// The whole of its files, all of it on disk; nothing where there are none. Then why recording
    /// broke off, if it did.
    ///
    /// # Errors
    /// What could not be made durable, beside the files as they were written.
    pub(super) fn finish(mut self) -> (Pieces, Option<String>, io::Result<()>) {
        if self.is_on() {
            self.clear.clear();
            self.printed.finish(&mut self.clear);
            self.encoder.output(self.began.elapsed(), &self.clear, &mut self.lines);
            self.clear.clear();
            self.typed.finish(&mut self.clear);
            self.encoder.input(self.began.elapsed(), &self.clear, &mut self.lines);
            self.encoder.finish(self.began.elapsed(), &mut self.lines);
            self.write();
        }
        let gap = self.broken;
        let Some(Files { cast, commands, notary }) = self.files else {
            return (Pieces::new(), gap, Ok(()));
        };
        if let Some(notary) = notary {
            notary.finish();
        }
        let durable = [&cast, &commands].into_iter().try_for_each(|writer| writer.to_sync()?.sync_all());
        let pieces = [(CAST.to_owned(), cast.finish()), (COMMANDS.to_owned(), commands.finish())];
        (pieces.into_iter().collect(), gap, durable)
    }
}
