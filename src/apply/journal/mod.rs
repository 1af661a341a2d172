//! The journal: what a killed run leaves behind.
//!
//! Owns the order: each line is on the disk before the next thing happens. An `intent` stands before each
//! cancel call and an `answer` after it, an `outcome` ends the entry. What has an intent and no ending is
//! open, and the next run settles it. A line that was cut off never fuses with the next one.

mod lines;
mod store;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use store::JournalStore;

use super::Clock;
use super::ending::Sent;
use crate::domain::{JobId, OfferKey, OperationId, PortalOrigin, ProductId};
use crate::outcome::Outcome;
use crate::plan::FormatVersion;
use crate::portal::{CancelAnswer, CancelVerdict, Guard};
use lines::{AnswerKind, JournalEvent, JournalLine, TORN};
use store::{FileStore, OpenedFile};

/// Past this size a journal in which nothing is open is set aside as `….old`, in place of the
/// one set aside before it.
const MAX_BYTES: usize = 1024 * 1024;

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another run holds it.
    #[error("another run is using the journal")]
    InUse,
    /// It can't be opened, locked, read or written.
    #[error("the journal `{}` can't be used: {error}; without a journal nothing is sent", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line in the middle of it is none.
    #[error("the journal `{}` is damaged in line {line}: {error}; it tells which cancellations are open, so look at it before you move it away", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// Why.
        error: String,
    },
}

/// A cancel call of an earlier run whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// The offer.
    pub key: OfferKey,
    /// Where its portal is.
    pub origin: PortalOrigin,
    /// The product, where the call named it.
    pub product: Option<ProductId>,
    /// The operation.
    pub operation_id: OperationId,
    /// The job, where the call named it.
    pub job: Option<JobId>,
    /// How many calls were announced.
    pub intents: u32,
    /// How many of them left, or may have.
    pub attempts: u32,
    /// The HTTP status of the last answer.
    pub http_status: Option<u16>,
    /// What is known of them.
    pub sent: Sent,
    /// Whether the last of them could hit no other operation.
    pub is_guarded: bool,
    /// The location that the portal told.
    pub location: Option<String>,
}

/// A journal, with what earlier runs left in it.
#[derive(Debug)]
pub struct OpenedJournal {
    /// The journal.
    pub journal: Journal,
    /// The calls whose end is not known.
    pub open_calls: Vec<OpenCall>,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    store: Box<dyn JournalStore>,
    path: PathBuf,
    /// Lines that wait for the next write.
    waiting: Vec<u8>,
    /// How many lines were handed in, and how many of them are on the disk, or are known not to be.
    handed_in: u64,
    written: u64,
    /// Writes that failed: up to which line, from which one on, and why.
    failures: BTreeMap<u64, (u64, io::ErrorKind, String)>,
    /// How long it is when all of its lines are whole; none: it is not known any more.
    length: Option<u64>,
    /// Whether the first part of a line may stand at its end.
    is_torn: bool,
}

/// What a line is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalSubject<'a> {
    pub key: &'a OfferKey,
    pub origin: &'a PortalOrigin,
    pub operation: &'a OperationId,
    pub product: Option<&'a ProductId>,
    pub job: Option<&'a JobId>,
}

/// An answer, for the journal.
#[derive(Debug, Clone)]
pub(super) struct JournalAnswer {
    http_status: Option<u16>,
    result: AnswerKind,
    location: Option<String>,
    message: Option<String>,
}

impl JournalAnswer {
    pub fn of(answer: &CancelAnswer) -> Self {
        let location = match &answer.verdict {
            CancelVerdict::Accepted { location: Some(location), .. } => Some(location.shown.clone()),
            _ => None,
        };
        Self {
            http_status: answer.status,
            result: AnswerKind::of(&answer.verdict),
            location,
            message: answer.failure().map(ToString::to_string),
        }
    }
}

impl Journal {
    /// Opens a journal, locks it, and reads what earlier runs left open.
    ///
    /// # Errors
    /// When another run holds it, when it can't be written, when it is damaged.
    pub fn open(path: &Path) -> Result<OpenedJournal, JournalError> {
        let failed = |error| JournalError::File { path: path.to_owned(), error };
        let mut store = match FileStore::open(path).map_err(failed)? {
            OpenedFile::Own(store) => store,
            OpenedFile::InUse => return Err(JournalError::InUse),
        };
        let mut bytes = store.read().map_err(failed)?;
        if bytes.len() > MAX_BYTES && lines::open_calls(read(path, &bytes)?.whole).is_empty() {
            store.set_aside(&bytes).map_err(failed)?;
            bytes.clear();
        }
        Self::over(Box::new(store), &bytes, path)
    }

    /// A journal in any store, which holds these bytes. The path is what it is called in messages.
    ///
    /// # Errors
    /// When it can't be written, and when it is damaged.
    pub fn over(store: Box<dyn JournalStore>, existing: &[u8], path: &Path) -> Result<OpenedJournal, JournalError> {
        let lines = read(path, existing)?;
        let mut journal = Self {
            store,
            path: path.to_owned(),
            waiting: Vec::new(),
            handed_in: 0,
            written: 0,
            failures: BTreeMap::new(),
            length: Some(lines.length as u64),
            is_torn: lines.length < existing.len(),
        };
        // That it can be written is known before anything is sent.
        journal.append(b"").map_err(|error| journal.failed(error))?;
        Ok(OpenedJournal { journal, open_calls: lines::open_calls(lines.whole) })
    }

    /// Hands a line in, and returns its number.
    fn hand_in(&mut self, subject: &JournalSubject<'_>, event: JournalEvent) -> Result<u64, JournalError> {
        let line = JournalLine {
            format_version: FormatVersion,
            at: Clock::SYSTEM.now(),
            portal: subject.key.portal,
            origin: subject.origin.clone(),
            publisher: subject.key.publisher.clone(),
            offer: subject.key.offer.clone(),
            product_id: subject.product.cloned(),
            operation_id: subject.operation.clone(),
            job_id: subject.job.cloned(),
            event,
        };
        let bytes = line.bytes().map_err(|error| self.failed(io::Error::other(error)))?;
        self.waiting.extend(bytes);
        self.handed_in += 1;
        Ok(self.handed_in)
    }

    /// Returns when a line is on the disk, and with it all others that were handed in.
    fn settle(&mut self, number: u64) -> Result<(), JournalError> {
        if self.written < number {
            let bytes = std::mem::take(&mut self.waiting);
            let from = self.written + 1;
            self.written = self.handed_in;
            if let Err(error) = self.append(&bytes) {
                self.failures.insert(self.written, (from, error.kind(), error.to_string()));
            }
        }
        match self.failures.range(number..).next() {
            Some((_, (from, kind, error))) if *from <= number => Err(self.failed(io::Error::new(*kind, error.clone()))),
            _ => Ok(()),
        }
    }

    /// Adds whole lines. What those before them may have left of themselves is taken away first, or, where that can't be
    /// done either, marked as cut off.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_torn && self.length.is_some_and(|length| self.store.truncate(length).is_ok()) {
            self.is_torn = false;
        }
        let marked = [TORN, bytes].concat();
        let written = self.store.append(if self.is_torn { &marked } else { bytes });
        self.length = match &written {
            // How much is there of what was cut off is not known, and nothing may be taken away any more.
            Ok(()) if self.is_torn => None,
            Ok(()) => self.length.map(|length| length + bytes.len() as u64),
            Err(_) => self.length,
        };
        self.is_torn = written.is_err();
        written
    }

    fn failed(&self, error: io::Error) -> JournalError {
        JournalError::File { path: self.path.clone(), error }
    }
}

/// A journal that several entries write, side by side.
#[derive(Debug)]
pub(super) struct SharedJournal(Mutex<Journal>);

impl SharedJournal {
    pub const fn new(journal: Journal) -> Self {
        Self(Mutex::new(journal))
    }

    /// A call is about to go out. Returns when that is on the disk.
    pub async fn intent(&self, subject: &JournalSubject<'_>, attempt: u32, guard: &Guard) -> Result<(), JournalError> {
        let guard = match guard {
            Guard::Tag(tag) => Some(tag.clone()),
            Guard::Unguarded | Guard::NotNeeded => None,
        };
        self.write(subject, JournalEvent::Intent { attempt, guard }).await
    }

    /// A call was answered.
    pub async fn answer(
        &self,
        subject: &JournalSubject<'_>,
        attempt: u32,
        answered: JournalAnswer,
    ) -> Result<(), JournalError> {
        let JournalAnswer { http_status, result, location, message } = answered;
        self.write(subject, JournalEvent::Answer { attempt, http_status, result, location, message }).await
    }

    /// An entry ended. One that is settled is not looked at again, whatever its outcome.
    pub async fn outcome(
        &self,
        subject: &JournalSubject<'_>,
        outcome: Outcome,
        message: Option<&str>,
        settled: bool,
    ) -> Result<(), JournalError> {
        self.write(subject, JournalEvent::Outcome { outcome, message: message.map(str::to_owned), settled }).await
    }

    async fn write(&self, subject: &JournalSubject<'_>, event: JournalEvent) -> Result<(), JournalError> {
        let number = self.lock().hand_in(subject, event)?;
        // While one waits for the disk, answers for others arrive. What they write then goes to the disk at once, and not
        // one after the other: meanwhile what they have read would age.
        tokio::task::yield_now().await;
        self.lock().settle(number)
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path, bytes: &[u8]) -> Result<lines::Lines, JournalError> {
    lines::read(bytes).map_err(|damage| JournalError::Damaged {
        path: path.to_owned(),
        line: damage.line,
        error: damage.error,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a disk does at the next writes.
    #[derive(Debug, Default)]
    struct Disk {
        bytes: Vec<u8>,
        writes: usize,
        /// The next write stops after so many bytes.
        stops_after: Option<usize>,
        keeps_its_length: bool,
    }

    #[derive(Debug, Clone, Default)]
    struct Memory(Arc<Mutex<Disk>>);

    impl Memory {
        fn with(&self, change: impl FnOnce(&mut Disk)) {
            change(&mut self.0.lock().expect("a lock"));
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.lock().expect("a lock").bytes.clone()
        }
    }

    impl JournalStore for Memory {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let mut disk = self.0.lock().expect("a lock");
            let stop = disk.stops_after.take();
            disk.writes += 1;
            disk.bytes.extend(&bytes[..stop.unwrap_or(bytes.len()).min(bytes.len())]);
            if stop.is_some() { Err(io::Error::other("the disk is full")) } else { Ok(()) }
        }

        fn truncate(&mut self, length: u64) -> io::Result<()> {
            let mut disk = self.0.lock().expect("a lock");
            if disk.keeps_its_length {
                return Err(io::Error::other("it keeps its length"));
            }
            disk.bytes.truncate(usize::try_from(length).expect("a length"));
            Ok(())
        }
    }

    fn open(memory: &Memory) -> Result<(Journal, Vec<String>), JournalError> {
        let existing = memory.bytes();
        let OpenedJournal { journal, open_calls: open } =
            Journal::over(Box::new(memory.clone()), &existing, Path::new("memory"))?;
        Ok((journal, open.iter().map(|call| call.operation_id.to_string()).collect()))
    }

    fn key() -> OfferKey {
        OfferKey {
            portal: crate::domain::PortalKind::CloudPartner,
            publisher: "contoso".parse().expect("an id"),
            offer: "vm".parse().expect("an id"),
        }
    }

    fn hand_in(journal: &mut Journal, operation: &str) -> u64 {
        let (key, origin, operation) = (key(), PortalOrigin::microsoft(), operation.parse().expect("an id"));
        let subject = JournalSubject { key: &key, origin: &origin, operation: &operation, product: None, job: None };
        journal.hand_in(&subject, JournalEvent::Intent { attempt: 1, guard: None }).expect("a line")
    }

    fn intent(journal: &mut Journal, operation: &str) -> Result<(), JournalError> {
        let number = hand_in(journal, operation);
        journal.settle(number)
    }

    /// A write that fails half-way, with or without the means to take the half away, in one run and in the next.
    #[test]
    fn no_line_fuses_with_what_is_left_of_another() {
        let whole = {
            let memory = Memory::default();
            intent(&mut open(&memory).expect("it opens").0, "one").expect("it is written");
            memory.bytes().len()
        };
        for keeps_its_length in [false, true] {
            for cut in 0..=whole + 2 {
                let memory = Memory::default();
                let (mut journal, _) = open(&memory).expect("it opens");
                intent(&mut journal, "one").expect("it is written");
                memory.with(|disk| (disk.stops_after, disk.keeps_its_length) = (Some(cut), keeps_its_length));
                intent(&mut journal, "two").expect_err("it is cut off");
                // A kill here is followed by a run that finds the torn end.
                let killed = Memory::default();
                killed.with(|disk| (disk.bytes, disk.keeps_its_length) = (memory.bytes(), keeps_its_length));
                // Without a kill, the next line may be cut off too.
                memory.with(|disk| disk.stops_after = Some(cut / 2));
                intent(&mut journal, "three").expect_err("it is cut off");
                intent(&mut journal, "four").expect("it is written");
                intent(&mut journal, "five").expect("it is written");
                let (_, found) = open(&memory).expect("it is sound");
                let is_there = |own: &&str| found.contains(&(*own).to_owned());
                assert!(["one", "four", "five"].iter().all(is_there), "{cut} {keeps_its_length}: {found:?}");
                let (mut journal, _) = open(&killed).expect("it is sound");
                intent(&mut journal, "six").expect("it is written");
                let (_, found) = open(&killed).expect("it is sound");
                assert!(
                    ["one", "six"].iter().all(|own| found.contains(&(*own).to_owned())),
                    "{cut} {keeps_its_length}"
                );
            }
        }
    }

    /// Those who write side by side wait for the disk once, together.
    #[tokio::test]
    async fn lines_of_many_go_to_the_disk_together() {
        let memory = Memory::default();
        let shared = &SharedJournal::new(open(&memory).expect("it opens").0);
        memory.with(|disk| disk.writes = 0);
        let ids: Vec<OperationId> = (0..32).map(|number| format!("op{number}").parse().expect("an id")).collect();
        let (key, origin) = (&key(), &PortalOrigin::microsoft());
        let writes = ids.iter().map(|operation| {
            let subject = JournalSubject { key, origin, operation, product: None, job: None };
            async move { shared.intent(&subject, 1, &Guard::Unguarded).await }
        });
        assert!(futures_util::future::join_all(writes).await.iter().all(Result::is_ok));
        memory.with(|disk| assert_eq!(disk.writes, 1));
        assert_eq!(open(&memory).expect("it is sound").1.len(), 32);
    }

    /// A write that fails does so for each line of it, and for no other.
    #[test]
    fn what_is_not_on_the_disk_is_told_to_each_who_wrote_it() {
        let memory = Memory::default();
        let (mut journal, _) = open(&memory).expect("it opens");
        let one = hand_in(&mut journal, "one");
        journal.settle(one).expect("it is written");
        let (two, three) = (hand_in(&mut journal, "two"), hand_in(&mut journal, "three"));
        memory.with(|disk| disk.stops_after = Some(5));
        journal.settle(three).expect_err("it is cut off");
        let four = hand_in(&mut journal, "four");
        journal.settle(four).expect("it is written");
        journal.settle(two).expect_err("it was cut off");
        journal.settle(three).expect_err("it was cut off");
        journal.settle(one).expect("it was written before");
        assert_eq!(open(&memory).expect("it is sound").1, ["four", "one"]);
    }

    #[test]
    fn a_journal_that_can_not_be_written_is_none() {
        let memory = Memory::default();
        memory.with(|disk| disk.stops_after = Some(0));
        assert!(matches!(open(&memory), Err(JournalError::File { .. })));
    }
}
