//! The bearer token: a type that prints nothing, and where the next one comes from.
//!
//! Owns secrecy. No other module sees the text of a token, except as a header marked sensitive.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A bearer token. It has no `Display`, its `Debug` says nothing, and its memory is cleared.
#[derive(Clone)]
pub struct Token(SecretString);

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialError(pub String);

impl Token {
    /// Takes a token in. White space around it is dropped: files and variables often end in a newline.
    ///
    /// # Errors
    /// When nothing is left, or something that can't stand in an HTTP header.
    pub fn new(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CredentialError("the token is empty".to_owned()));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError(
                "the token holds characters that can't stand in an HTTP header; was it copied with something else?"
                    .to_owned(),
            ));
        }
        Ok(Self(text.into()))
    }

    /// Its text, for a client that puts it into a header itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The `Authorization` header.
    pub(super) fn header(&self) -> HeaderValue {
        // `new` let nothing in that a header can't hold.
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        header.set_sensitive(true);
        header
    }

    /// Whether two are the same.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

/// A future that can be kept behind a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where tokens come from.
pub trait Credential: Send + Sync {
    /// The token to use now.
    fn token(&self) -> Pending<'_, Result<Token, CredentialError>>;

    /// Another token than the one that the portal did not accept.
    fn renew<'a>(&'a self, rejected: &'a Token) -> Pending<'a, Result<Token, CredentialError>>;
}

/// A token that was given and can't be renewed.
#[derive(Debug)]
pub struct StaticToken(pub Token);

impl Credential for StaticToken {
    fn token(&self) -> Pending<'_, Result<Token, CredentialError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn renew<'a>(&'a self, rejected: &'a Token) -> Pending<'a, Result<Token, CredentialError>> {
        let result = if self.0.same(rejected) {
            Err(CredentialError("the token in CANCEL_PENDING_TOKEN can't be renewed".to_owned()))
        } else {
            Ok(self.0.clone())
        };
        Box::pin(std::future::ready(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_prints_nothing() {
        let token = Token::new(" canary-4711\n").expect("a token");
        assert!(!format!("{token:?} {:?}", StaticToken(token.clone())).contains("canary"));
        assert!(!format!("{:?}", token.header()).contains("canary"));
        assert_eq!(token.header().as_bytes(), b"Bearer canary-4711");
    }

    #[test]
    fn a_token_fits_a_header() {
        for bad in ["", " \n", "a b", "a\nb", "schlüssel"] {
            assert!(Token::new(bad).is_err(), "{bad:?}");
        }
    }
}
