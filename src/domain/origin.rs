//! The origin of a portal: the one place that a token may be sent to.
//!
//! Owns what makes an origin acceptable (https, or http to loopback) and how an absolute
//! address is held against it. Sends nothing.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Scheme, host and port of a portal, without a trailing slash.
///
/// ```
/// use cancel_pending::domain::PortalOrigin;
/// let portal: PortalOrigin = "https://cloudpartner.azure.com/".parse()?;
/// assert_eq!(portal.to_string(), "https://cloudpartner.azure.com");
/// assert!("http://cloudpartner.azure.com".parse::<PortalOrigin>().is_err());
/// assert!("http://127.0.0.1:8787".parse::<PortalOrigin>().is_ok());
/// # Ok::<(), cancel_pending::domain::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortalOrigin(String);

/// Why a text is not the origin of a portal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL.
    // The cause is part of the text, and so it is no source: it would be told twice.
    #[error("is not a URL ({0})")]
    Url(url::ParseError),
    /// Neither https nor http to loopback.
    #[error("must start with https:// (http:// is accepted for loopback addresses only)")]
    Scheme,
    /// A user name or a password. Who shows this error must not show the text.
    #[error("must not contain user info (a user name or password)")]
    UserInfo,
    /// Something besides scheme, host and port.
    #[error("must be scheme, host and port only, without path, query or fragment")]
    MoreThanOrigin,
}

impl PortalOrigin {
    /// The portal that Microsoft runs (source: the pages on the publishing API).
    pub const MICROSOFT: &str = "https://cloudpartner.azure.com";

    /// The newer portal that Microsoft runs (source: the pages on the submission API).
    const PARTNER_CENTER: &str = "https://api.partner.microsoft.com";

    /// Where Microsoft runs the Product Ingestion API (source: its pages).
    const GRAPH: &str = "https://graph.microsoft.com";

    /// The name of an emulator that runs inside the process. Its port changes from run to run,
    /// while a plan made on it must be recognised by the next run: hence a name without one.
    pub const EMULATOR: &str = "http://emulator.localhost";

    /// The host in that name.
    pub const EMULATOR_HOST: &str = "emulator.localhost";

    /// The portal that Microsoft runs.
    #[must_use]
    pub fn microsoft() -> Self {
        Self(Self::MICROSOFT.to_owned())
    }

    /// Partner Center, that Microsoft runs.
    #[must_use]
    pub fn partner_center() -> Self {
        Self(Self::PARTNER_CENTER.to_owned())
    }

    /// Microsoft Graph, which the Product Ingestion API is a part of.
    #[must_use]
    pub fn graph() -> Self {
        Self(Self::GRAPH.to_owned())
    }

    /// The emulator inside the process.
    #[must_use]
    pub fn emulator() -> Self {
        Self(Self::EMULATOR.to_owned())
    }

    /// The origin as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin as an address, to which paths are joined.
    ///
    /// # Panics
    /// Never: an origin is made of an address.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&self.0).expect("an origin is an address")
    }

    /// Whether requests to it go in plain text.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.starts_with("http://")
    }

    /// Whether requests to it stay on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.0 == Self::EMULATOR || Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// Whether an absolute address lies on this origin (scheme, host and port all the same).
    #[must_use]
    pub fn holds(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.0
    }
}

/// Whether the host of an address is this machine by its very name, so that plain http to it is
/// seen by nobody else.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl FromStr for PortalOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == Self::EMULATOR {
            return Ok(Self::emulator());
        }
        let url = Url::parse(text).map_err(OriginError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::UserInfo);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(OriginError::Scheme),
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::MoreThanOrigin);
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl TryFrom<String> for PortalOrigin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<PortalOrigin> for String {
    fn from(origin: PortalOrigin) -> Self {
        origin.0
    }
}

impl fmt::Display for PortalOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for PortalOrigin {
    fn schema_name() -> Cow<'static, str> {
        "PortalOrigin".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Scheme, host and port of the portal, without a trailing slash.",
            "pattern": "^https?://[^/?#@\\s]+$",
            "examples": [Self::MICROSOFT],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_http_on_loopback_only() {
        for (text, origin) in [
            ("https://cloudpartner.azure.com", "https://cloudpartner.azure.com"),
            ("https://CloudPartner.azure.com:443/", "https://cloudpartner.azure.com"),
            ("https://portal.example:8443", "https://portal.example:8443"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://127.9.9.9:1", "http://127.9.9.9:1"),
            ("http://[::1]:8787", "http://[::1]:8787"),
            ("http://localhost:8787", "http://localhost:8787"),
            ("http://emulator.localhost", "http://emulator.localhost"),
        ] {
            assert_eq!(text.parse::<PortalOrigin>().map(|o| o.to_string()), Ok(origin.to_owned()));
        }
        for bad in [
            "http://cloudpartner.azure.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://0.0.0.0:80",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
        ] {
            assert_eq!(bad.parse::<PortalOrigin>(), Err(OriginError::Scheme), "{bad}");
        }
        for bad in ["https://user@portal.example", "https://:secret@portal.example", "http://user:secret@10.0.0.1"] {
            assert_eq!(bad.parse::<PortalOrigin>(), Err(OriginError::UserInfo), "{bad}");
        }
        for bad in ["https://portal.example/api", "https://portal.example/?a=b", "https://portal.example/#a"] {
            assert_eq!(bad.parse::<PortalOrigin>(), Err(OriginError::MoreThanOrigin), "{bad}");
        }
        assert!("portal".parse::<PortalOrigin>().is_err());
        assert!("".parse::<PortalOrigin>().is_err());
    }

    #[test]
    fn an_address_is_held_by_its_own_origin_alone() {
        let portal = PortalOrigin::microsoft();
        let holds = |text: &str| portal.holds(&Url::parse(text).expect("a URL"));
        assert!(holds("https://cloudpartner.azure.com/api/x"));
        assert!(holds("https://cloudpartner.azure.com:443/api/x"));
        assert!(!holds("https://cloudpartner.azure.com:8443/api/x"));
        assert!(!holds("http://cloudpartner.azure.com/api/x"));
        assert!(!holds("https://cloudpartner.azure.com.example/api/x"));
    }
}
