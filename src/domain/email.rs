//! A notification address, as far as the portal's comma-separated list needs it to be sound.
//!
//! Owns one check. It does not decide whether a mailbox exists, only that the address can't
//! break out of the list it is sent in.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest address that is accepted, in bytes (RFC 5321, section 4.5.3.1.3, less the brackets).
const MAX_LENGTH: usize = 254;

/// An e-mail address that is told of a cancellation's progress.
///
/// ```
/// use cancel_pending::domain::EmailAddress;
/// let address = EmailAddress::try_from("release@contoso.com".to_owned())?;
/// assert_eq!(address.host(), "contoso.com");
/// assert!(EmailAddress::try_from("a@contoso.com,b@contoso.com".to_owned()).is_err());
/// # Ok::<(), cancel_pending::domain::EmailError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a text is not an address that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// No text at all.
    #[error("is empty")]
    Empty,
    /// A comma separates addresses in what is sent to the portal.
    #[error("holds a comma, write one address an item")]
    Comma,
    /// A control character, white space, or one that never stands in an unquoted address.
    #[error("holds a character that no address may hold (U+{:04X})", u32::from(*.0))]
    Character(char),
    /// Not `somebody@somewhere`.
    #[error("is not of the form `name@example.com`")]
    Form,
    /// Longer than mail systems accept.
    #[error("is longer than 254 bytes")]
    TooLong,
}

impl EmailAddress {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`. Reports show this instead of people's addresses.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, host)| host)
    }
}

fn check(text: &str) -> Result<(), EmailError> {
    if text.is_empty() {
        return Err(EmailError::Empty);
    }
    if text.contains(',') {
        return Err(EmailError::Comma);
    }
    let refused = |c: &char| {
        c.is_control() || c.is_whitespace() || matches!(c, ';' | '<' | '>' | '(' | ')' | '"' | '\\' | '`' | '|')
    };
    if let Some(character) = text.chars().find(refused) {
        return Err(EmailError::Character(character));
    }
    if text.len() > MAX_LENGTH {
        return Err(EmailError::TooLong);
    }
    let host_is_plain = |host: &str| {
        !host.is_empty()
            && !host.starts_with(['.', '-'])
            && !host.ends_with(['.', '-'])
            && !host.contains("..")
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
    };
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && host_is_plain(host) => Ok(()),
        _ => Err(EmailError::Form),
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        check(&text).map(|()| Self(text))
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for EmailAddress {
    fn schema_name() -> Cow<'static, str> {
        "EmailAddress".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An e-mail address that the portal tells of the cancellation's progress. One address an item, no commas.",
            "format": "email",
            "pattern": "^[^\\s,;<>()\"\\\\`|@]+@[^\\s,;<>()\"\\\\`|@]+$",
            "maxLength": MAX_LENGTH,
            "examples": ["release@contoso.com"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_by_example() {
        assert_eq!(check("jondoe@contoso.com"), Ok(()));
        assert_eq!(check("jon.doe+release@mail.contoso.com"), Ok(()));
        assert_eq!(check(""), Err(EmailError::Empty));
        assert_eq!(check("a@b.com,c@d.com"), Err(EmailError::Comma));
        assert_eq!(check("a@b.com\u{7}"), Err(EmailError::Character('\u{7}')));
        assert_eq!(check("a b@c.com"), Err(EmailError::Character(' ')));
        for bad in ["jondoe", "@contoso.com", "a@", "a@@b", "a@b..c", "a@.b", "a@b-"] {
            assert_eq!(check(bad), Err(EmailError::Form), "{bad}");
        }
        assert_eq!(check(&format!("{}@contoso.com", "a".repeat(250))), Err(EmailError::TooLong));
    }
}
