//! JSON documents of a portal: read whole, and cut to what is kept of them.
//!
//! Owns the bounds on texts and words, the times by which portals say "never", and what the letter case of a key means,
//! which is nothing: descriptions and the wire spell some of them in two ways.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};

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

/// Reads a document whose keys are declared in lower case, whatever their letter case is. Two keys that differ in nothing
/// else must not contradict each other.
pub(in crate::portal) fn folded<T: DeserializeOwned>(document: Value) -> Result<T, String> {
    serde_json::from_value(fold(document)?).map_err(|error| error.to_string())
}

fn fold(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| Ok((key, fold(value)?)));
            fold_keys(fields.collect::<Result<Map<_, _>, String>>()?).map(Value::Object)
        }
        Value::Array(items) => items.into_iter().map(fold).collect::<Result<_, _>>().map(Value::Array),
        other => Ok(other),
    }
}

/// The same fields under keys in lower case. Where two become one, nothing that either says is lost: null says nothing,
/// and lists are joined.
pub(super) fn fold_keys(fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut folded = Map::new();
    for (key, value) in fields {
        let key = key.to_ascii_lowercase();
        let both = match (folded.remove(&key), value) {
            (None | Some(Value::Null), value) => value,
            (Some(first), Value::Null) => first,
            (Some(first), second) if first == second => first,
            (Some(Value::Array(mut first)), Value::Array(second)) => {
                first.extend(second);
                Value::Array(first)
            }
            _ => return Err(format!("two keys that are spelled like `{key}` say different things")),
        };
        folded.insert(key, both);
    }
    Ok(folded)
}

/// Reads a text that is only shown: a number is as good as one, and anything else is none. What is decided by must be text.
pub(in crate::portal) fn shown_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Document {
        state: Option<String>,
        #[serde(default)]
        values: Vec<u32>,
        #[serde(default, deserialize_with = "shown_text")]
        name: Option<String>,
    }

    #[test]
    fn keys_are_read_in_any_letter_case_and_may_not_contradict_each_other() {
        let read = |document: Value| folded::<Document>(document);
        let document = |state: &str, values: &[u32]| Document {
            state: Some(state.to_owned()),
            values: values.to_vec(),
            name: None,
        };
        assert_eq!(read(json!({"State": "a", "VALUES": [1]})), Ok(document("a", &[1])));
        assert_eq!(read(json!({"State": "a", "state": "a", "sTATE": null})), Ok(document("a", &[])));
        assert_eq!(read(json!({"state": "a", "values": [1], "Values": [2]})), Ok(document("a", &[1, 2])));
        assert!(read(json!({"state": "a", "State": "b"})).is_err());
        assert!(read(json!({"values": [1], "Values": "b"})).is_err());
    }

    #[test]
    fn what_is_only_shown_may_be_anything() {
        let name = |name: Value| folded::<Document>(json!({ "name": name })).expect("a document").name;
        assert_eq!(name(json!("a")).as_deref(), Some("a"));
        assert_eq!(name(json!(4)).as_deref(), Some("4"));
        assert_eq!((name(json!({})), name(json!([])), name(json!(null))), (None, None, None));
        assert!(folded::<Document>(json!({"state": 4})).is_err(), "what is decided by is not guessed");
    }
}
