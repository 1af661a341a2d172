//! What a token says of itself.
//!
//! Owns the reading of a JWT's claims. Nothing is verified: that is the portal's business. They are shown,
//! and keep a token from being sent to a portal that it is not for; nothing else is decided by them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::portal::Token;

/// The claims of a token that people can check a set-up by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The tenant.
    #[serde(rename = "tid")]
    pub tenant: Option<String>,
    /// The application, by its client id.
    #[serde(alias = "azp")]
    pub appid: Option<String>,
    /// The object that signed in: a service principal, a managed identity, a person.
    #[serde(rename = "oid")]
    pub object: Option<String>,
    /// What it is for.
    #[serde(rename = "aud", deserialize_with = "audiences")]
    pub audiences: Vec<String>,
    exp: Option<i64>,
}

/// The standard permits one audience and several.
fn audiences<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audiences {
        One(String),
        Several(Vec<String>),
        None(()),
    }
    Ok(match Audiences::deserialize(deserializer)? {
        Audiences::One(audience) => vec![audience],
        Audiences::Several(audiences) => audiences,
        Audiences::None(()) => Vec::new(),
    })
}

impl Claims {
    /// Reads a token; none where it is not a JWT.
    #[must_use]
    pub fn of(token: &Token) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.exp?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_by_example() {
        let token = |payload: &str| Token::new(&format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload))).expect("a token");
        let claims = Claims::of(&token(r#"{"tid":"t","appid":"a","oid":"o","aud":"x","exp":1796083200,"more":[1]}"#));
        let claims = claims.expect("claims");
        assert_eq!((claims.tenant.as_deref(), claims.object.as_deref()), (Some("t"), Some("o")));
        assert_eq!(claims.expires().map(|at| at.to_string()).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(claims.audiences, ["x"]);
        let several = Claims::of(&token(r#"{"aud":["x","y"]}"#)).expect("claims");
        assert_eq!(several.audiences, ["x", "y"]);
        assert_eq!(Claims::of(&token(r#"{"aud":null}"#)), Some(Claims::default()));
        assert_eq!(Claims::of(&token("not JSON")), None);
        assert_eq!(Claims::of(&Token::new("opaque").expect("a token")), None);
    }
}
