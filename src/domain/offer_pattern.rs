//! Patterns by which a freeze says which offers it is for.
//!
//! Owns what a pattern may hold and what it matches: the whole id, without regard to letter case, as ids are compared
//! everywhere. It holds what an id may hold, `*` and `?`, so that it can stand in a terminal or in Markdown code as it is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::OfferId;

/// The longest pattern, in characters.
const MAX_LENGTH: usize = 100;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// There is no character at all.
    #[error("is empty")]
    Empty,
    /// More than 100 characters.
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// A character that stands in no id.
    #[error("holds a character that is in no id: only letters, digits, `.`, `_`, `-`, `*` and `?` are allowed")]
    Character,
}

/// An offer's id in which `*` stands for any number of characters, and `?` for one.
///
/// ```
/// use cancel_pending::domain::OfferPattern;
/// let matches = |pattern: &str, offer: &str| {
///     OfferPattern::try_from(pattern.to_owned()).unwrap().matches(&offer.parse().unwrap())
/// };
/// assert!(matches("contoso-*", "Contoso-VM"));
/// assert!(matches("contoso-v?", "contoso-vm"));
/// assert!(!matches("contoso", "contoso-vm"), "a pattern is about the whole id");
/// assert!(OfferPattern::try_from("contoso/*".to_owned()).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfferPattern(String);

impl OfferPattern {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches an offer.
    #[must_use]
    pub fn matches(&self, offer: &OfferId) -> bool {
        WildMatch::new_case_insensitive(&self.0).matches(offer.as_str())
    }

    /// How many characters an id differs in from what the pattern says besides its wildcards.
    #[must_use]
    pub fn distance(&self, offer: &OfferId) -> usize {
        let wanted = self.0.replace(['*', '?'], "").to_ascii_lowercase();
        strsim::damerau_levenshtein(&wanted, offer.lower().as_str())
    }

    /// The one offer that it matches, where it is an id.
    #[must_use]
    pub fn only_offer(&self) -> Option<OfferId> {
        self.0.parse().ok()
    }

    /// Whether it matches every offer.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }
}

impl TryFrom<String> for OfferPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*?".contains(&byte);
        if text.is_empty() {
            Err(PatternError::Empty)
        } else if !text.bytes().all(is_allowed) {
            Err(PatternError::Character)
        } else if text.len() > MAX_LENGTH {
            Err(PatternError::TooLong)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<OfferPattern> for String {
    fn from(pattern: OfferPattern) -> Self {
        pattern.0
    }
}

impl JsonSchema for OfferPattern {
    fn schema_name() -> Cow<'static, str> {
        "OfferPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An offer's id, or a pattern for several: `*` stands for any number of characters, `?` for one.",
            "type": "string",
            "pattern": "^[A-Za-z0-9._*?-]{1,100}$",
            "examples": ["contoso-*"],
        })
    }
}
