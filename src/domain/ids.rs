//! Ids of publishers, offers and operations, and the one rule they all follow.
//!
//! Owns the rule, and that letter case carries no meaning: ids are equal, ordered and hashed
//! without regard to it, and kept as they came. An id that passed the rule can stand in a URL
//! path, a terminal line, a Markdown code span or a file without any escaping.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest id that is accepted, in characters.
pub const MAX_ID_LENGTH: usize = 100;

/// The rule as a regular expression, for JSON Schemas and messages (`..` is refused besides).
pub const ID_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";

/// The form of a GUID as a regular expression, for JSON Schemas.
pub const GUID_PATTERN: &str = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";

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
    /// Not 32 hexadecimal digits in five groups.
    #[error("is not a GUID, like `0d5c0a4e-1111-4222-8333-944455566677`")]
    Guid,
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

fn check_guid(text: &str) -> Result<(), IdError> {
    if is_guid(text) { Ok(()) } else { Err(IdError::Guid) }
}

/// Whether a text is a GUID: 32 hexadecimal digits in five groups.
///
/// ```
/// use cancel_pending::domain::is_guid;
/// assert!(is_guid("5A63DEB5-925b-4ee0-938b-7c86fbf287c5"));
/// assert!(!is_guid("5a63deb5"));
/// ```
#[must_use]
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
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
    ($(#[$doc:meta])* $name:ident, $check:path, $pattern:expr, $description:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text, in the letter case in which it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id in lower case, for documents that are compared as bytes.
            #[must_use]
            pub fn lower(&self) -> Self {
                Self(self.0.to_ascii_lowercase())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                let folded = |id: &Self| id.0.to_ascii_lowercase();
                // Almost always both are in lower case, and nothing has to be made.
                let is_lower = |id: &Self| !id.0.bytes().any(|byte| byte.is_ascii_uppercase());
                if is_lower(self) && is_lower(other) { self.0.cmp(&other.0) } else { folded(self).cmp(&folded(other)) }
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for byte in self.0.bytes() {
                    state.write_u8(byte.to_ascii_lowercase());
                }
                state.write_u8(0xff);
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0.eq_ignore_ascii_case(other)
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
                $check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                $check(&text).map(|()| Self(text))
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
                    "pattern": $pattern,
                    "not": { "type": "string", "pattern": r"\.\." },
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
    check,
    ID_PATTERN,
    "A publisher's id, as in the addresses of the portal.",
    "contoso"
);
id!(
    /// An offer's id, the `{offerId}` of the portal's paths (not the offer's GUID).
    OfferId,
    check,
    ID_PATTERN,
    "An offer's id, as in the addresses of the portal (not the GUID of the offer).",
    "contoso-virtualmachineoffer"
);
id!(
    /// The id of one operation (a publish, a go-live, a cancellation) of an offer.
    OperationId,
    check,
    ID_PATTERN,
    "The id of one operation of an offer.",
    "5a63deb5-925b-4ee0-938b-7c86fbf287c5"
);

id!(
    /// The GUID of a product, which is what an offer is called inside of Partner Center.
    ///
    /// ```
    /// use cancel_pending::domain::ProductId;
    /// assert!("0d5c0a4e-1111-4222-8333-944455566677".parse::<ProductId>().is_ok());
    /// assert!("contoso-app".parse::<ProductId>().is_err());
    /// ```
    ProductId,
    check_guid,
    GUID_PATTERN,
    "The GUID of the product that an offer is in Partner Center.",
    "0d5c0a4e-1111-4222-8333-944455566677"
);
id!(
    /// The GUID of a configure job of the Product Ingestion API.
    JobId,
    check_guid,
    GUID_PATTERN,
    "The GUID of a configure job.",
    "7a1b2c3d-0000-4000-8000-00000000c0de"
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
    fn letter_case_carries_no_meaning_and_is_kept() {
        let id = |text: &str| text.parse::<OfferId>().expect("an id");
        assert_eq!(id("Contoso-VM"), id("contoso-vm"));
        assert_eq!(id("Contoso-VM").as_str(), "Contoso-VM");
        assert!(id("B") > id("a") && id("b") > id("A"));
        let set: std::collections::HashSet<OfferId> = ["VM", "vm", "Vm"].map(id).into();
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_message_never_repeats_a_dangerous_character() {
        assert_eq!(
            IdError::Character('\u{1b}').to_string(),
            "holds the character U+001B, only letters, digits, `.`, `_` and `-` are allowed"
        );
    }
}
