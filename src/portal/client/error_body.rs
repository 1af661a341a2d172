//! What a portal says of a request that it refuses.
//!
//! Owns the forms that error bodies come in. What it reads is untrusted text.

use super::text::plain_text;

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalError {
    /// The portal's own code.
    pub code: Option<String>,
    /// What it says of it.
    pub message: Option<String>,
}

impl PortalError {
    /// The longest message that is kept, in characters.
    const MAX_MESSAGE: usize = 500;

    /// Reads `{"error": {"code": …, "message": …}}`, with or without the outer object. A
    /// body of any other kind (a proxy's HTML page, say) is not the portal's word.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let document: serde_json::Value = serde_json::from_slice(body).ok()?;
        let error = document.get("error").filter(|inner| inner.is_object()).unwrap_or(&document);
        let text = |key: &str, most: usize| {
            let text = error.get(key).or_else(|| error.get(key[..1].to_uppercase() + &key[1..]))?.as_str()?;
            let text: String = plain_text(text).chars().take(most).collect();
            (!text.is_empty()).then_some(text)
        };
        let read = Self { code: text("code", 100), message: text("message", Self::MAX_MESSAGE) };
        (read != Self::default()).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_in_every_wrapping() {
        let read = |text: &str| PortalError::read(text.as_bytes());
        let expected = |code: &str, message: &str| {
            Some(PortalError { code: Some(code.to_owned()), message: Some(message.to_owned()) })
        };
        assert_eq!(read(r#"{"error": {"code": "A", "message": "b"}}"#), expected("A", "b"));
        assert_eq!(read(r#"{"code": "A", "message": "b"}"#), expected("A", "b"));
        assert_eq!(read(r#"{"Code": "A", "Message": "<b>b</b>"}"#), expected("A", "b"));
        assert_eq!(read("<html>"), None);
        assert_eq!(read("{}"), None);
        assert_eq!(read(""), None);
        assert_eq!(read("[]"), None);
    }
}
