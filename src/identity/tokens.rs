//! Tokens that are given in variables, and which portal each is for.
//!
//! Owns the names of the variables and what keeps a token from a portal that it is not for. Pure: it looks
//! at settings and asks nobody.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Claims, Settings};
use crate::domain::{AudienceMatch, PortalKind, PortalOrigin};
use crate::portal::{CredentialError, Token};

/// The variable that is enough while one portal is in use.
const PLAIN: &str = "CANCEL_PENDING_TOKEN";

/// A portal that is to be signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInTarget {
    /// Which portal.
    pub kind: PortalKind,
    /// Where it is.
    pub origin: PortalOrigin,
    /// All portals that are in use, with this one.
    pub in_use: Vec<PortalKind>,
}

/// A token that is given, and the variable that holds it.
#[derive(Clone)]
pub struct GivenToken {
    /// The variable.
    pub variable: String,
    /// The token.
    pub secret: SecretString,
}

impl GivenToken {
    /// The token, read.
    pub(super) fn token(&self) -> Result<Token, CredentialError> {
        Token::new(self.secret.expose_secret()).map_err(|error| CredentialError(format!("{}: {error}", self.variable)))
    }
}

impl SignInTarget {
    /// Whether no other portal is in use.
    fn is_only(&self) -> bool {
        self.in_use.len() == 1
    }

    /// Whether it is where Microsoft runs it.
    pub(super) fn is_microsoft(&self) -> bool {
        self.origin == self.kind.microsoft()
    }

    /// What it is called in messages: where it is the only one, its name says nothing.
    pub(super) fn name(&self) -> String {
        if self.is_only() { "the portal".to_owned() } else { self.kind.to_string() }
    }

    /// The variable to set for it.
    pub(super) fn variable(&self) -> String {
        if self.is_only() { PLAIN.to_owned() } else { self.kind.token_variable() }
    }

    /// The token that is given for it. One that can be read and is for another audience is refused, where
    /// the portal is Microsoft's: what others take is theirs to say.
    pub(super) fn given(&self, settings: &Settings) -> Result<Option<GivenToken>, CredentialError> {
        let own = settings.portal_tokens.get(&self.kind).map(|secret| (self.kind.token_variable(), secret));
        let plain = settings.token.as_ref().map(|secret| (PLAIN.to_owned(), secret));
        let Some((variable, secret)) = own.or_else(|| plain.filter(|_| self.is_only())) else {
            if settings.token.is_some() {
                let missing = self.in_use.iter().filter(|kind| !settings.portal_tokens.contains_key(kind));
                return Err(CredentialError(format!(
                    "{} portals are in use, and {PLAIN} holds a token for one; set {} instead",
                    self.in_use.len(),
                    missing.map(|kind| kind.token_variable()).collect::<Vec<_>>().join(" and ")
                )));
            }
            return Ok(None);
        };
        let given = GivenToken { variable, secret: secret.clone() };
        let claims = Claims::of(&given.token()?).unwrap_or_default();
        if self.is_microsoft() && is_for_another(self.kind, &claims.audiences) {
            return Err(CredentialError(format!(
                "the token in {} is for {}, and {} needs one for {}",
                given.variable,
                claims.audiences.join(", "),
                self.kind,
                self.kind.audience()
            )));
        }
        Ok(Some(given))
    }
}

/// Whether a token for these audiences is certainly not for this portal.
fn is_for_another(kind: PortalKind, audiences: &[String]) -> bool {
    !audiences.is_empty() && audiences.iter().all(|audience| kind.matches_audience(audience) == AudienceMatch::Other)
}

/// What to say of variables whose token is used for nothing.
#[must_use]
pub fn unused_tokens(settings: &Settings, in_use: &BTreeSet<PortalKind>) -> Vec<String> {
    let unused = settings
        .portal_tokens
        .keys()
        .filter(|kind| !in_use.contains(kind))
        .map(|kind| format!("{} is set, but {kind} is not in use", kind.token_variable()));
    let unknown = settings.unknown_tokens.iter().map(|name| {
        let names: Vec<String> = PortalKind::ALL.iter().map(|kind| kind.token_variable()).collect();
        format!("{name} is set, but it names no portal (use {PLAIN} or {})", names.join(", "))
    });
    unused.chain(unknown).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const KIND: PortalKind = PortalKind::CloudPartner;

    /// The portal of Microsoft, as one of so many in use.
    pub fn target(in_use: usize) -> SignInTarget {
        SignInTarget { kind: KIND, origin: KIND.microsoft(), in_use: vec![KIND; in_use] }
    }

    fn settings(plain: Option<&str>, own: Option<&str>) -> Settings {
        Settings {
            token: plain.map(SecretString::from),
            portal_tokens: own.map(|own| (KIND, SecretString::from(own))).into_iter().collect(),
            ..Settings::default()
        }
    }

    fn given(target: &SignInTarget, plain: Option<&str>, own: Option<&str>) -> Result<Option<String>, String> {
        let given = target.given(&settings(plain, own)).map_err(|error| error.to_string())?;
        Ok(given.map(|given| format!("{}={}", given.variable, given.secret.expose_secret())))
    }

    #[test]
    fn the_plain_variable_is_enough_for_one_portal_and_not_for_several() {
        let own = Ok(Some("CANCEL_PENDING_TOKEN_CLOUD_PARTNER=b".to_owned()));
        assert_eq!(given(&target(1), Some("a"), None), Ok(Some("CANCEL_PENDING_TOKEN=a".to_owned())));
        for in_use in [1, 2] {
            assert_eq!(given(&target(in_use), Some("a"), Some("b")), own);
            assert_eq!(given(&target(in_use), None, Some("b")), own);
            assert_eq!(given(&target(in_use), None, None), Ok(None));
        }
        assert_eq!(
            given(&target(2), Some("a"), None),
            Err("2 portals are in use, and CANCEL_PENDING_TOKEN holds a token for one; set \
                 CANCEL_PENDING_TOKEN_CLOUD_PARTNER and CANCEL_PENDING_TOKEN_CLOUD_PARTNER instead"
                .to_owned())
        );
    }

    #[test]
    fn a_token_for_another_audience_is_refused_where_the_portal_is_microsofts() {
        let token = |audience: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(format!(r#"{{"aud":{audience}}}"#)));
        let elsewhere = SignInTarget { origin: "http://127.0.0.1:8787".parse().expect("an origin"), ..target(1) };
        for other in [r#""https://graph.microsoft.com""#, r#"["https://management.azure.com/","x"]"#] {
            let error = given(&target(1), Some(&token(other)), None).expect_err("another audience");
            assert!(error.starts_with("the token in CANCEL_PENDING_TOKEN is for https://"), "{error}");
            assert!(error.ends_with(", and cloud-partner needs one for https://cloudpartner.azure.com"), "{error}");
            let error = given(&target(2), None, Some(&token(other))).expect_err("another audience");
            assert!(error.starts_with("the token in CANCEL_PENDING_TOKEN_CLOUD_PARTNER is for"), "{error}");
            assert!(given(&elsewhere, Some(&token(other)), None).is_ok(), "others say for themselves what they take");
        }
        for good in [
            r#""https://cloudpartner.azure.com""#,
            r#""https://cloudpartner.azure.com/""#,
            r#"["x","https://cloudpartner.azure.com"]"#,
            "null",
            r#""5a63deb5-4711-4711-4711-112233445566""#,
        ] {
            assert!(given(&target(1), Some(&token(good)), None).is_ok(), "{good}");
        }
        assert!(given(&target(1), Some("opaque"), None).is_ok());
    }

    #[test]
    fn a_token_that_is_used_for_nothing_is_said() {
        let mut settings = settings(Some("a"), Some("b"));
        assert_eq!(unused_tokens(&settings, &BTreeSet::from([KIND])), Vec::<String>::new());
        assert_eq!(
            unused_tokens(&settings, &BTreeSet::new()),
            ["CANCEL_PENDING_TOKEN_CLOUD_PARTNER is set, but cloud-partner is not in use"]
        );
        settings.unknown_tokens.push("CANCEL_PENDING_TOKEN_CLOUD".to_owned());
        let unused = unused_tokens(&settings, &BTreeSet::from([KIND]));
        assert!(unused[0].starts_with("CANCEL_PENDING_TOKEN_CLOUD is set, but it names no portal"), "{unused:?}");
    }
}
