//! Ids of publishers, offers and operations, and the one rule they all follow.
//!
//! Owns the rule alone. An id that passed it can stand in a URL path, a terminal line, a
//! Markdown code span or a file without any escaping; nothing here escapes anything.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest id that is accepted, in characters.
pub const MAX_ID_LENGTH: usize = 100;

/// The rule as a regular expression, for JSON Schemas and messages (`..` is refused besides).
pub const ID_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// There is no character at all.
    #[error("is empty")]
    Empty,
    /// More than 100 characters.
    #[error("is longer than 100 characters")]
    TooLong,
    /// The first character is none of `A-Z a-z 0-9`.
    #[error("starts with {}, it must start with a letter or a digit", name(*.0))]
    FirstCharacter(char),
    /// A later character is none of `A-Z a-z 0-9 . _ -`.
    #[error("holds {}, only letters, digits, `.`, `_` and `-` are allowed", name(*.0))]
    Character(char),
    /// Two dots in a row, which a URL path would read as a step up.
    #[error("holds `..`")]
    DotDot,
}

/// A character as a message can show it: itself when it is harmless, its code point otherwise.
fn name(character: char) -> String {
    if character.is_ascii_graphic() && character != '`' {
        format!("`{character}`")
    } else {
        format!("the character U+{:04X}", u32::from(character))
    }
}

fn check(text: &str) -> Result<(), IdError> {
    let mut characters = text.chars();
    let first = characters.next().ok_or(IdError::Empty)?;
    if !first.is_ascii_alphanumeric() {
        return Err(IdError::FirstCharacter(first));
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(character) = characters.find(|c| !allowed(c)) {
        return Err(IdError::Character(character));
    }
    if text.contains("..") {
        return Err(IdError::DotDot);
    }
    if text.len() > MAX_ID_LENGTH {
        return Err(IdError::TooLong);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $description:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether two ids name the same thing: letter case carries no meaning in them.
            #[must_use]
            pub fn same(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $description,
                    "pattern": ID_PATTERN,
                    "not": { "pattern": r"\.\." },
                    "examples": [$example],
                })
            }
        }
    };
}

id!(
    /// A publisher's id, the `{publisherId}` of the portal's paths.
    ///
    /// ```
    /// use cancel_pending::domain::PublisherId;
    /// assert!("contoso".parse::<PublisherId>().is_ok());
    /// assert!("../contoso".parse::<PublisherId>().is_err());
    /// ```
    PublisherId,
    "A publisher's id, as in the addresses of the portal.",
    "contoso"
);
id!(
    /// An offer's id, the `{offerId}` of the portal's paths (not the offer's GUID).
    OfferId,
    "An offer's id, as in the addresses of the portal (not the GUID of the offer).",
    "contoso-virtualmachineoffer"
);
id!(
    /// The id of one operation (a publish, a go-live, a cancellation) of an offer.
    OperationId,
    "The id of one operation of an offer.",
    "5a63deb5-925b-4ee0-938b-7c86fbf287c5"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_by_example() {
        for good in ["a", "A9", "contoso.vm_offer-1", "5a63deb5-925b-4ee0-938b-7c86fbf287c5"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", IdError::Empty),
            ("..", IdError::FirstCharacter('.')),
            ("a..b", IdError::DotDot),
            ("-a", IdError::FirstCharacter('-')),
            ("a/b", IdError::Character('/')),
            ("a%2e", IdError::Character('%')),
            ("a\r", IdError::Character('\r')),
            ("a\n", IdError::Character('\n')),
            ("offér", IdError::Character('é')),
            ("a b", IdError::Character(' ')),
        ] {
            assert_eq!(check(bad), Err(why), "{bad:?}");
        }
        assert_eq!(check(&"a".repeat(100)), Ok(()));
        assert_eq!(check(&"a".repeat(101)), Err(IdError::TooLong));
    }

    #[test]
    fn a_message_never_repeats_a_dangerous_character() {
        assert_eq!(
            IdError::Character('\u{1b}').to_string(),
            "holds the character U+001B, only letters, digits, `.`, `_` and `-` are allowed"
        );
    }
}
