//! The decision document in the text of a check run: as it is, or compressed where it is long.
//!
//! Owns both forms, and that reading one back is bounded: a few bytes can stand for gigabytes.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::COMMENT_LIMIT;
use crate::plan::DecisionDocument;

const PLAIN: &str = "\n```json\n";
const COMPRESSED: &str = "\n```deflate-base64\n";
const END: &str = "\n```";

/// The most bytes of a decision document that are read back.
const MAX_INFLATED: u64 = 8 * 1024 * 1024;

/// The text of a check run that approves a decision. None: it is too long even so.
#[must_use]
pub fn approval_text(document: &DecisionDocument) -> Option<String> {
    let json = document.canonical_json();
    // Ids, addresses and digests hold no backtick, so the fence can't be closed from within.
    if json.contains('`') || json.len() as u64 > MAX_INFLATED {
        return None;
    }
    let plain = format!("The decision document, whose SHA-256 is the decision digest:\n{PLAIN}{json}{END}\n");
    if plain.len() <= COMMENT_LIMIT {
        return Some(plain);
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(json.as_bytes()).ok()?;
    let bytes = BASE64.encode(encoder.finish().ok()?);
    let text = format!(
        "The decision document, whose SHA-256 is the decision digest. It is long, so it is compressed (raw deflate) \
         and written in base64:\n{COMPRESSED}{bytes}{END}\n"
    );
    (text.len() <= COMMENT_LIMIT).then_some(text)
}

/// The decision document in the text of a check run. None: there is none, or it is not what it says it is.
#[must_use]
pub fn decision_in(text: &str) -> Option<Cow<'_, str>> {
    let between = |start: &str| Some(text.split_once(start)?.1.split_once(END)?.0);
    if let Some(json) = between(PLAIN) {
        return Some(json.into());
    }
    let bytes = BASE64.decode(between(COMPRESSED)?).ok()?;
    let mut json = String::new();
    let read = DeflateDecoder::new(bytes.as_slice()).take(MAX_INFLATED + 1).read_to_string(&mut json).ok()?;
    (read as u64 <= MAX_INFLATED).then_some(json.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(count: usize) -> DecisionDocument {
        let entries: Vec<String> = (0..count)
            .map(|number| {
                let id = crate::domain::sha256_hex(&number.to_be_bytes());
                format!(
                    r#"{{"jobId":null,"notificationEmails":["a@contoso.com"],"offer":"offer-{number}","operationId":"{}","origin":"https://cloudpartner.azure.com","portal":"cloud-partner","productId":null,"publisher":"contoso"}}"#,
                    &id[..36]
                )
            })
            .collect();
        let text = format!(r#"{{"entries":[{}],"formatVersion":2}}"#, entries.join(","));
        serde_json::from_str(&text).expect("a document")
    }

    #[test]
    fn it_travels_both_ways() {
        for (count, form) in [(3, PLAIN), (200, PLAIN), (900, COMPRESSED), (1_500, COMPRESSED)] {
            let document = document(count);
            let text = approval_text(&document).expect("it fits");
            assert!(text.contains(form) && text.len() <= COMMENT_LIMIT, "{count}: {}", text.len());
            assert_eq!(decision_in(&text).as_deref(), Some(document.canonical_json().as_str()), "{count}");
        }
        assert_eq!(approval_text(&document(20_000)), None);
    }

    #[test]
    fn a_bomb_and_nonsense_are_refused() {
        let compressed = |bytes: &[u8]| {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(bytes).expect("it compresses");
            format!("{COMPRESSED}{}{END}", BASE64.encode(encoder.finish().expect("it compresses")))
        };
        let bomb = compressed(&vec![b'0'; 64 * 1024 * 1024]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        assert_eq!(decision_in(&bomb), None);
        assert_eq!(decision_in(&compressed(b"{}")).as_deref(), Some("{}"));
        assert_eq!(decision_in(&compressed(&[0xff, 0xfe])), None);
        for text in
            ["", "no document", "\n```deflate-base64\n!!!\n```", "\n```deflate-base64\nAAAA\n```", "\n```json\n{"]
        {
            assert_eq!(decision_in(text), None, "{text}");
        }
    }
}
