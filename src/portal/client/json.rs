//! JSON documents of a portal: read whole, and cut to what is kept of them.
//!
//! Owns the bounds on texts and words, and the times by which portals say "never".

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

/// The longest text of a portal that is kept, in characters.
pub(in crate::portal) const MAX_TEXT: usize = 1_000;

/// The longest word of a portal that is kept, in characters.
pub(in crate::portal) const MAX_WORD: usize = 100;

/// Times before this are a portal's way to say "never": they write the years 1 and 1601.
const FIRST_YEAR: i16 = 1970;

/// Reads a document, without the byte order mark that some front ends put before JSON.
pub(in crate::portal) fn json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

/// A word as it is kept; none where there is none.
pub(in crate::portal) fn cut_word(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| cut(text, MAX_WORD))
}

/// A text as it is kept; none where there is none.
pub(in crate::portal) fn cut_text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| cut(text, MAX_TEXT))
}

pub(in crate::portal) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A time of a portal: RFC 3339, or without an offset, which then is UTC. The times by which it
/// says "never" are none.
pub(in crate::portal) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time: Timestamp = text.parse().ok().or_else(|| {
        let time: DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    (time.to_zoned(TimeZone::UTC).year() >= FIRST_YEAR).then_some(time)
}
