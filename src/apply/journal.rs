//! The journal: what a killed run leaves behind.
//!
//! Owns the file: JSON lines, each on the disk before the next thing happens. An `intent`
//! stands before each cancel call and an `answer` after it, an `outcome` ends the entry. What
//! has an intent and no ending is open, and the next run settles it. The file is locked for
//! the length of a run, so that two runs with one journal follow one another.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{OfferId, OperationId, PortalOrigin, PublisherId};
use crate::outcome::Outcome;
use crate::plan::FormatVersion;

/// Past this size a journal in which nothing is open is set aside as `….old`, in place of the
/// one set aside before it.
const MAX_BYTES: u64 = 1024 * 1024;

/// The longest line that is read.
const MAX_LINE: u64 = 64 * 1024;

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
        error: serde_json::Error,
    },
}

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    format_version: FormatVersion,
    at: Timestamp,
    portal: PortalOrigin,
    publisher: PublisherId,
    offer: OfferId,
    operation_id: OperationId,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
enum Event {
    /// A cancel call goes out.
    Intent { attempt: u32, if_match: String },
    /// It was answered, or is known not to have been.
    Answer { attempt: u32, http_status: Option<u16>, accepted: bool, location: Option<String>, message: Option<String> },
    /// The entry ended.
    Outcome { outcome: Outcome, message: Option<String> },
}

/// A cancel call of an earlier run whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// The operation.
    pub operation_id: OperationId,
    /// How many calls were sent.
    pub attempts: u32,
    /// The HTTP status of the last answer.
    pub http_status: Option<u16>,
    /// Whether the portal said that it cancelled, or that it is cancelling.
    pub accepted: bool,
    /// The location that the portal told.
    pub location: Option<String>,
}

/// An open, locked journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    portal: PortalOrigin,
}

/// What a line is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub publisher: &'a PublisherId,
    pub offer: &'a OfferId,
    pub operation_id: &'a OperationId,
}

/// An answer, for the journal.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub http_status: Option<u16>,
    pub accepted: bool,
    pub location: Option<String>,
    pub message: Option<String>,
}

impl Journal {
    /// Opens a journal, locks it, and reads what earlier runs left open on this portal.
    ///
    /// # Errors
    /// When another run holds it, when it can't be written, when it is damaged.
    pub fn open(path: &Path, portal: &PortalOrigin) -> Result<(Self, Vec<OpenCall>), JournalError> {
        let failed = |error| JournalError::File { path: path.to_owned(), error };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            prepare(parent).map_err(failed)?;
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        // A device or a pipe keeps nothing, and may never end.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let (lines, end) = read(&mut file, path)?;
        // A torn last line is one whose write a kill cut short. What it announced had not
        // begun: nothing happens before its line is on the disk.
        file.set_len(end).map_err(failed)?;
        let all = open_calls(lines);
        if all.is_empty() && end > MAX_BYTES {
            fs::copy(path, path.with_extension("jsonl.old")).map_err(failed)?;
            file.set_len(0).map_err(failed)?;
        }
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self { file, path: path.to_owned(), portal: portal.clone() };
        // That it can be written is known before anything is sent.
        journal.append(b"")?;
        let here = all.into_iter().filter(|(own, _)| own == portal).map(|(_, call)| call).collect();
        Ok((journal, here))
    }

    /// A call is about to go out.
    pub(super) fn intent(&mut self, subject: Subject<'_>, attempt: u32, if_match: &str) -> Result<(), JournalError> {
        self.write(subject, Event::Intent { attempt, if_match: if_match.to_owned() })
    }

    /// A call was answered.
    pub(super) fn answer(
        &mut self,
        subject: Subject<'_>,
        attempt: u32,
        answered: &Answered,
    ) -> Result<(), JournalError> {
        let Answered { http_status, accepted, location, message } = answered.clone();
        self.write(subject, Event::Answer { attempt, http_status, accepted, location, message })
    }

    /// An entry ended.
    pub(super) fn outcome(
        &mut self,
        subject: Subject<'_>,
        outcome: Outcome,
        message: Option<&str>,
    ) -> Result<(), JournalError> {
        self.write(subject, Event::Outcome { outcome, message: message.map(str::to_owned) })
    }

    fn write(&mut self, subject: Subject<'_>, event: Event) -> Result<(), JournalError> {
        let line = Line {
            format_version: FormatVersion,
            at: super::now(),
            portal: self.portal.clone(),
            publisher: subject.publisher.clone(),
            offer: subject.offer.clone(),
            operation_id: subject.operation_id.clone(),
            event,
        };
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| JournalError::File { path: self.path.clone(), error: error.into() })?;
        bytes.push(b'\n');
        self.append(&bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        // One write, so that lines of entries side by side can't mix, and then to the disk.
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| JournalError::File { path: self.path.clone(), error })
    }
}

/// Makes the directory of a journal, and keeps it out of version control.
fn prepare(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    fs::write(directory.join(".gitignore"), "*\n")
}

/// The whole lines, and where the last of them ends.
fn read(file: &mut File, path: &Path) -> Result<(Vec<Line>, u64), JournalError> {
    let mut reader = BufReader::new(file);
    let (mut lines, mut end, mut number) = (Vec::new(), 0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let count = (&mut reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| JournalError::File { path: path.to_owned(), error })?;
        number += 1;
        if !bytes.ends_with(b"\n") && (count as u64) < MAX_LINE {
            return Ok((lines, end));
        }
        match serde_json::from_slice(&bytes) {
            Ok(line) => lines.push(line),
            Err(error) => return Err(JournalError::Damaged { path: path.to_owned(), line: number, error }),
        }
        end += count as u64;
    }
}

fn open_calls(lines: Vec<Line>) -> Vec<(PortalOrigin, OpenCall)> {
    let mut open: BTreeMap<(String, String, String, String), (PortalOrigin, OpenCall)> = BTreeMap::new();
    for line in lines {
        let fold = |text: &str| text.to_ascii_lowercase();
        let key = (
            line.portal.to_string(),
            fold(line.publisher.as_str()),
            fold(line.offer.as_str()),
            fold(line.operation_id.as_str()),
        );
        if let Event::Outcome { outcome, .. } = line.event {
            // Accepted and unknown are no ends.
            if !matches!(outcome, Outcome::Accepted | Outcome::Unknown | Outcome::NotAttempted) {
                open.remove(&key);
            }
            continue;
        }
        let (_, call) = open.entry(key).or_insert_with(|| {
            let call = OpenCall {
                publisher: line.publisher,
                offer: line.offer,
                operation_id: line.operation_id,
                attempts: 0,
                http_status: None,
                accepted: false,
                location: None,
            };
            (line.portal, call)
        });
        match line.event {
            Event::Intent { attempt, .. } => call.attempts = call.attempts.max(attempt),
            Event::Answer { http_status, accepted, location, .. } => {
                call.http_status = http_status.or(call.http_status);
                call.accepted |= accepted;
                call.location = location.or(call.location.take());
            }
            Event::Outcome { .. } => {}
        }
    }
    open.into_values().collect()
}
