//! The lines of a journal: how one is written, and what is read of all of them.
//!
//! Owns the format, and what counts as a line at all. A line that was cut off while it was written
//! announced something that had not begun, and is no line; any other that can't be read is damage,
//! because it may hide a call whose end is not known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::OpenCall;
use crate::apply::ending::Sent;
use crate::domain::{JobId, OfferId, OfferKey, OperationId, PortalKind, PortalOrigin, ProductId, PublisherId};
use crate::outcome::Outcome;
use crate::plan::FormatVersion;
use crate::portal::CancelVerdict;
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
    pub portal: PortalKind,
    pub origin: PortalOrigin,
    pub publisher: PublisherId,
    pub offer: OfferId,
    pub product_id: Option<ProductId>,
    pub operation_id: OperationId,
    pub job_id: Option<JobId>,
    #[serde(flatten)]
    pub event: JournalEvent,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub(super) enum JournalEvent {
    /// A cancel call goes out. The guard is what keeps it from hitting another operation.
    Intent { attempt: u32, guard: Option<String> },
    /// It was answered, or is known not to have been.
    Answer {
        attempt: u32,
        http_status: Option<u16>,
        result: AnswerKind,
        location: Option<String>,
        message: Option<String>,
    },
    /// The entry ended. Where it is settled, nobody has to look again.
    Outcome {
        outcome: Outcome,
        message: Option<String>,
        #[serde(default)]
        settled: bool,
    },
}

/// What an answer says of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::apply) enum AnswerKind {
    Done,
    Accepted,
    Changed,
    Refused,
    NotSent,
    Lost,
}

impl AnswerKind {
    pub const fn of(verdict: &CancelVerdict) -> Self {
        match verdict {
            CancelVerdict::Done => Self::Done,
            CancelVerdict::Accepted { .. } => Self::Accepted,
            CancelVerdict::Changed(_) => Self::Changed,
            CancelVerdict::Refused(_) => Self::Refused,
            CancelVerdict::NotSent(_) => Self::NotSent,
            CancelVerdict::Lost(_) => Self::Lost,
        }
    }

    /// What a version-1 line says: it has the status, and whether that was an acceptance.
    const fn of_version_1(http_status: Option<u16>, accepted: bool) -> Self {
        match (http_status, accepted) {
            (Some(200), true) => Self::Done,
            (_, true) => Self::Accepted,
            (Some(412), false) => Self::Changed,
            (Some(401), false) => Self::NotSent,
            (Some(408 | 429) | None, false) => Self::Lost,
            (Some(300..=499), false) => Self::Refused,
            (Some(_), false) => Self::Lost,
        }
    }
}

/// A line of version 1, which knew one portal alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version1Line {
    at: Timestamp,
    portal: PortalOrigin,
    publisher: PublisherId,
    offer: OfferId,
    operation_id: OperationId,
    #[serde(flatten)]
    event: Version1Event,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
enum Version1Event {
    Intent { attempt: u32, if_match: String },
    Answer { attempt: u32, http_status: Option<u16>, accepted: bool, location: Option<String>, message: Option<String> },
    Outcome { outcome: Outcome, message: Option<String> },
}

impl From<Version1Line> for JournalLine {
    fn from(old: Version1Line) -> Self {
        Self {
            format_version: FormatVersion,
            at: old.at,
            portal: PortalKind::CloudPartner,
            origin: old.portal,
            publisher: old.publisher,
            offer: old.offer,
            product_id: None,
            operation_id: old.operation_id,
            job_id: None,
            event: match old.event {
                Version1Event::Intent { attempt, if_match } => {
                    JournalEvent::Intent { attempt, guard: Some(if_match).filter(|tag| tag != "*") }
                }
                Version1Event::Answer { attempt, http_status, accepted, location, message } => JournalEvent::Answer {
                    attempt,
                    http_status,
                    result: AnswerKind::of_version_1(http_status, accepted),
                    location,
                    message,
                },
                Version1Event::Outcome { outcome, message } => {
                    JournalEvent::Outcome { outcome, message, settled: false }
                }
            },
        }
    }
}

/// Reads one line, of this version or of the first.
fn parse(line: &[u8]) -> serde_json::Result<JournalLine> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    match serde_json::from_slice::<Version>(line)?.format_version {
        1 => serde_json::from_slice::<Version1Line>(line).map(Into::into),
        _ => serde_json::from_slice(line),
    }
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
            lines.whole.push(parse(line).map_err(|error| damage(error.to_string()))?);
        }
        lines.length += line.len();
    }
    Ok(lines)
}

fn is_no_line(bytes: &[u8]) -> bool {
    parse(bytes).is_err()
}

/// What the lines say of one operation.
struct Told {
    call: OpenCall,
    /// Whether an intent stands there without an answer.
    is_pending: bool,
}

impl Told {
    fn of(line: &JournalLine) -> Self {
        let key = OfferKey { portal: line.portal, publisher: line.publisher.clone(), offer: line.offer.clone() };
        let call = OpenCall {
            key,
            origin: line.origin.clone(),
            product: line.product_id.clone(),
            operation_id: line.operation_id.clone(),
            job: line.job_id.clone(),
            intents: 0,
            attempts: 0,
            http_status: None,
            sent: Sent::Nothing,
            is_guarded: false,
            location: None,
        };
        Self { call, is_pending: false }
    }

    fn hear(&mut self, event: JournalEvent) {
        let call = &mut self.call;
        match event {
            JournalEvent::Intent { attempt, guard } => {
                // The answer to the call before it never came: what this one is answered says nothing of that.
                if self.is_pending && call.sent == Sent::Nothing {
                    call.sent = Sent::Perhaps;
                }
                call.is_guarded = guard.is_some();
                call.intents = call.intents.max(attempt);
                call.attempts += 1;
                self.is_pending = true;
            }
            JournalEvent::Answer { http_status, result, location, .. } => {
                self.is_pending = false;
                call.http_status = http_status.or(call.http_status);
                call.location = location.or(call.location.take());
                match result {
                    AnswerKind::Done => call.sent = Sent::Done,
                    AnswerKind::Accepted => call.sent = Sent::Accepted,
                    AnswerKind::Lost if call.sent == Sent::Nothing => call.sent = Sent::Perhaps,
                    AnswerKind::NotSent if http_status.is_none() => call.attempts -= 1,
                    // A clear no: it is a no after a restart, too.
                    _ => {}
                }
            }
            JournalEvent::Outcome { .. } => {}
        }
    }

    /// The call, if its end is not known.
    fn open(mut self) -> Option<OpenCall> {
        if self.is_pending && self.call.sent == Sent::Nothing {
            self.call.sent = Sent::Perhaps;
        }
        (self.call.sent != Sent::Nothing).then_some(self.call)
    }
}

/// The calls whose end is in no line.
pub(super) fn open_calls(lines: Vec<JournalLine>) -> Vec<OpenCall> {
    let mut told: BTreeMap<(OfferKey, String, OperationId), Told> = BTreeMap::new();
    for line in lines {
        let fresh = Told::of(&line);
        let key = (fresh.call.key.clone(), line.origin.to_string(), line.operation_id.clone());
        if let JournalEvent::Outcome { outcome, settled, .. } = line.event {
            // Accepted and unknown are no ends.
            if settled || !matches!(outcome, Outcome::Accepted | Outcome::Unknown | Outcome::NotAttempted) {
                told.remove(&key);
            }
            continue;
        }
        told.entry(key).or_insert(fresh).hear(line.event);
    }
    told.into_values().filter_map(Told::open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: JournalEvent) -> JournalLine {
        JournalLine {
            format_version: FormatVersion,
            at: Timestamp::UNIX_EPOCH,
            portal: PortalKind::CloudPartner,
            origin: PortalOrigin::microsoft(),
            publisher: "contoso".parse().expect("an id"),
            offer: "vm".parse().expect("an id"),
            product_id: None,
            operation_id: "op".parse().expect("an id"),
            job_id: None,
            event,
        }
    }

    fn intent() -> Vec<u8> {
        line(JournalEvent::Intent { attempt: 1, guard: None }).bytes().expect("a line")
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
            result: AnswerKind::Accepted,
            location: Some("l".repeat(location)),
            // Each of these takes six characters in JSON.
            message: Some("\u{1}".repeat(100_000)),
        };
        for location in [10, MAX_LOCATION, MAX_LOCATION + 1, 1_000_000] {
            let bytes = line(event(location)).bytes().expect("a line");
            assert!(bytes.len() <= MAX_LINE);
            let open = open_calls(read(&bytes).expect("lines").whole);
            let kept = open[0].location.as_ref().map(String::len);
            assert_eq!(kept, Some(location).filter(|length| *length <= MAX_LOCATION));
        }
        assert!(line(JournalEvent::Intent { attempt: 1, guard: Some("x".repeat(MAX_LINE)) }).bytes().is_err());
    }

    /// A kill before the answer, a second run whose own call is refused, and a kill before it can say how that ended.
    #[test]
    fn a_call_without_an_answer_stays_open_whatever_the_next_one_is_answered() {
        let answer = |result| {
            let (http_status, location, message) = (Some(409), None, None);
            line(JournalEvent::Answer { attempt: 2, http_status, result, location, message }).bytes().expect("a line")
        };
        let sent = |result| {
            let lines = [intent(), intent(), answer(result)].concat();
            open_calls(read(&lines).expect("lines").whole).first().map(|call| (call.sent, call.attempts))
        };
        for result in [AnswerKind::Refused, AnswerKind::Changed, AnswerKind::NotSent, AnswerKind::Lost] {
            assert_eq!(sent(result), Some((Sent::Perhaps, 2)), "{result:?}");
        }
        assert_eq!(sent(AnswerKind::Accepted), Some((Sent::Accepted, 2)));
    }

    #[test]
    fn a_line_of_the_first_version_is_settled_as_one_of_the_cloud_partner_portal() {
        let old = |event: &str| {
            format!(
                r#"{{"formatVersion":1,"at":"2026-11-22T12:00:00Z","portal":"https://cloudpartner.azure.com","publisher":"contoso","offer":"vm","operationId":"op",{event}}}"#
            ) + "\n"
        };
        let intent = old(r#""event":"intent","attempt":1,"ifMatch":"*""#);
        let answer = |status: &str, accepted: bool| {
            old(&format!(
                r#""event":"answer","attempt":1,"httpStatus":{status},"accepted":{accepted},"location":null,"message":null"#
            ))
        };
        let sent = |text: &str| {
            let open = open_calls(read(text.as_bytes()).expect("lines").whole);
            open.first().map(|call| (call.key.portal, call.sent))
        };
        let portal = PortalKind::CloudPartner;
        assert_eq!(sent(&intent), Some((portal, Sent::Perhaps)));
        assert_eq!(sent(&(intent.clone() + &answer("202", true))), Some((portal, Sent::Accepted)));
        assert_eq!(sent(&(intent.clone() + &answer("200", true))), Some((portal, Sent::Done)));
        assert_eq!(sent(&(intent.clone() + &answer("503", false))), Some((portal, Sent::Perhaps)));
        // A refused call is a refusal after a restart, too, and not a lost answer.
        assert_eq!(sent(&(intent.clone() + &answer("409", false))), None);
        assert_eq!(sent(&(intent + &old(r#""event":"outcome","outcome":"cancelled","message":null"#))), None);
    }
}
