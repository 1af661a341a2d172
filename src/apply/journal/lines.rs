//! The lines of a journal: how one is written, and what is read of all of them.
//!
//! Owns the format, and what counts as a line at all. A line that was cut off while it was written
//! announced something that had not begun, and is no line; any other that can't be read is damage,
//! because it may hide a call whose end is not known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::OpenCall;
use crate::domain::{OfferId, OperationId, PortalOrigin, PublisherId};
use crate::outcome::Outcome;
use crate::plan::FormatVersion;
use crate::secrets::redact;

/// The longest line, with its end.
const MAX_LINE: usize = 64 * 1024;

/// The longest message in a line, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;

/// The longest location in a line. Half a location leads nowhere, so a longer one is left out.
const MAX_LOCATION: usize = 8 * 1024;

/// Ends a line that was cut off, where the rest of it could not be taken away. It can't stand in JSON,
/// so no line that was written whole ends like this.
pub(super) const TORN: &[u8] = b"\x18\n";

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JournalLine {
    pub format_version: FormatVersion,
    pub at: Timestamp,
    pub portal: PortalOrigin,
    pub publisher: PublisherId,
    pub offer: OfferId,
    pub operation_id: OperationId,
    #[serde(flatten)]
    pub event: JournalEvent,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub(super) enum JournalEvent {
    /// A cancel call goes out.
    Intent { attempt: u32, if_match: String },
    /// It was answered, or is known not to have been.
    Answer { attempt: u32, http_status: Option<u16>, accepted: bool, location: Option<String>, message: Option<String> },
    /// The entry ended.
    Outcome { outcome: Outcome, message: Option<String> },
}

impl JournalLine {
    /// The line as it is written, with its end, without secrets, and never longer than what is read.
    pub fn bytes(mut self) -> Result<Vec<u8>, String> {
        if let JournalEvent::Answer { message, .. } | JournalEvent::Outcome { message, .. } = &mut self.event
            && let Some(text) = message
        {
            text.truncate(text.floor_char_boundary(MAX_MESSAGE));
        }
        if let JournalEvent::Answer { location, .. } = &mut self.event {
            location.take_if(|location| location.len() > MAX_LOCATION);
        }
        let text = serde_json::to_string(&self).map_err(|error| error.to_string())?;
        let mut bytes = redact(&text).into_owned().into_bytes();
        bytes.push(b'\n');
        if bytes.len() > MAX_LINE {
            return Err("a line would be longer than 64 KiB".to_owned());
        }
        Ok(bytes)
    }
}

/// The lines of a journal, and how many of its bytes come before a torn end.
#[derive(Debug)]
pub(super) struct Lines {
    pub whole: Vec<JournalLine>,
    pub length: usize,
}

/// Why a line is none, and which.
#[derive(Debug)]
pub(super) struct Damage {
    pub line: usize,
    pub error: String,
}

/// Reads all lines.
pub(super) fn read(bytes: &[u8]) -> Result<Lines, Damage> {
    let mut lines = Lines { whole: Vec::new(), length: 0 };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = lines.length + line.len() == bytes.len();
        // A kill or a full disk leaves the first part of a line. A power loss can leave zeros in place of
        // any part, its end too, but of the last line alone: each is on the disk before the next one is begun.
        if is_last && (!line.ends_with(b"\n") || line.contains(&0)) {
            return Ok(lines);
        }
        let rest = &bytes[lines.length + line.len()..];
        // A mark by itself says the same of the line before it, whose end had been written.
        let is_marked = line.ends_with(TORN) || (rest.starts_with(TORN) && is_no_line(line));
        if !is_marked {
            let damage = |error: String| Damage { line: index + 1, error };
            if line.len() > MAX_LINE {
                return Err(damage("it is longer than 64 KiB".to_owned()));
            }
            lines.whole.push(serde_json::from_slice(line).map_err(|error| damage(error.to_string()))?);
        }
        lines.length += line.len();
    }
    Ok(lines)
}

fn is_no_line(bytes: &[u8]) -> bool {
    serde_json::from_slice::<JournalLine>(bytes).is_err()
}

/// The calls whose end is in no line, each with its portal.
pub(super) fn open_calls(lines: Vec<JournalLine>) -> Vec<(PortalOrigin, OpenCall)> {
    let mut open: BTreeMap<(String, String, String, String), (PortalOrigin, OpenCall)> = BTreeMap::new();
    for line in lines {
        let fold = |text: &str| text.to_ascii_lowercase();
        let key = (
            line.portal.to_string(),
            fold(line.publisher.as_str()),
            fold(line.offer.as_str()),
            fold(line.operation_id.as_str()),
        );
        if let JournalEvent::Outcome { outcome, .. } = line.event {
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
            JournalEvent::Intent { attempt, .. } => call.attempts = call.attempts.max(attempt),
            JournalEvent::Answer { http_status, accepted, location, .. } => {
                call.http_status = http_status.or(call.http_status);
                call.accepted |= accepted;
                call.location = location.or(call.location.take());
            }
            JournalEvent::Outcome { .. } => {}
        }
    }
    open.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: JournalEvent) -> JournalLine {
        JournalLine {
            format_version: FormatVersion,
            at: Timestamp::UNIX_EPOCH,
            portal: PortalOrigin::microsoft(),
            publisher: "contoso".parse().expect("an id"),
            offer: "vm".parse().expect("an id"),
            operation_id: "op".parse().expect("an id"),
            event,
        }
    }

    fn intent() -> Vec<u8> {
        line(JournalEvent::Intent { attempt: 1, if_match: "*".to_owned() }).bytes().expect("a line")
    }

    /// How many whole lines there are and the length before a torn end, or which line is damaged.
    fn shape(bytes: &[u8]) -> Result<(usize, usize), usize> {
        read(bytes).map(|lines| (lines.whole.len(), lines.length)).map_err(|damage| damage.line)
    }

    #[test]
    fn what_was_cut_off_is_no_line() {
        let whole = intent();
        let length = whole.len();
        assert_eq!(shape(b""), Ok((0, 0)));
        assert_eq!(shape(&whole.repeat(2)), Ok((2, 2 * length)));
        for cut in 0..length {
            assert_eq!(shape(&[&whole, &whole[..cut]].concat()), Ok((1, length)), "cut at {cut}");
        }
        let zeros = vec![0; 200 * 1024];
        for tail in
            [zeros.clone(), [&whole[..50], &zeros].concat(), [&whole[..50], b"\0\0\n"].concat(), vec![b'x'; 200 * 1024]]
        {
            assert_eq!(shape(&[&whole[..], &tail].concat()), Ok((1, length)));
        }
    }

    #[test]
    fn what_was_marked_as_cut_off_is_passed_over() {
        let whole = intent();
        let bytes = [&whole, &whole[..50], TORN, &whole, TORN, &whole].concat();
        assert_eq!(shape(&bytes), Ok((3, bytes.len())));
        let zeros = [&whole[..50], b"\0\0\n", TORN, &whole].concat();
        assert_eq!(shape(&[&whole, &zeros[..]].concat()).map(|(lines, _)| lines), Ok(2));
        // Cut off once more, in the mark.
        assert_eq!(shape(&[&whole, &whole[..50], &TORN[..1]].concat()), Ok((1, whole.len())));
    }

    #[test]
    fn everything_else_is_damage() {
        let whole = intent();
        for (bytes, number) in [
            ([&whole, &b"what is this\n"[..]].concat(), 2),
            ([&whole[..50], b"\n", &whole].concat(), 1),
            // Fused with the next.
            ([&whole[..50], &whole[..], &whole].concat(), 1),
            ([&whole, &b"\0\0\n"[..], &whole].concat(), 2),
            ([&whole, &b"\n"[..]].concat(), 2),
            ([&b"x".repeat(MAX_LINE)[..], b"\n", &whole].concat(), 1),
        ] {
            assert_eq!(shape(&bytes), Err(number), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_line_is_never_longer_than_what_is_read() {
        let event = |location: usize| JournalEvent::Answer {
            attempt: 1,
            http_status: Some(202),
            accepted: true,
            location: Some("l".repeat(location)),
            // Each of these takes six characters in JSON.
            message: Some("\u{1}".repeat(100_000)),
        };
        for location in [10, MAX_LOCATION, MAX_LOCATION + 1, 1_000_000] {
            let bytes = line(event(location)).bytes().expect("a line");
            assert!(bytes.len() <= MAX_LINE);
            let open = open_calls(read(&bytes).expect("lines").whole);
            let kept = open[0].1.location.as_ref().map(String::len);
            assert_eq!(kept, Some(location).filter(|length| *length <= MAX_LOCATION));
        }
        assert!(line(JournalEvent::Intent { attempt: 1, if_match: "x".repeat(MAX_LINE) }).bytes().is_err());
    }
}
