//! Where the portals are: endpoints that replace Microsoft's.
//!
//! Owns how they are written (`[KIND=]URL`) and which one counts. An endpoint that was refused is shown
//! only if it can hold no secret.

use std::collections::BTreeMap;

use super::{OriginError, PortalKind, PortalOrigin, UnknownPortalKind};

/// An origin for each portal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoints {
    any: Option<PortalOrigin>,
    own: BTreeMap<PortalKind, PortalOrigin>,
}

/// Why endpoints are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The part before `=` is the name of no portal.
    #[error("{0}")]
    Kind(UnknownPortalKind),
    /// Not the origin of a portal.
    #[error("{shown} {reason}")]
    Origin {
        /// What was written, or words in its place.
        shown: String,
        /// Why not.
        reason: OriginError,
    },
    /// The name of the emulator inside the process, which only `--emulate` starts.
    #[error("`{}` is the emulator inside the process; use --emulate STATE.yaml", PortalOrigin::EMULATOR)]
    Emulator,
    /// Two origins for one portal.
    #[error("two endpoints {}: {first} and {second}; give one", for_whom(*.kind))]
    Twice {
        /// Which portal; none: those without an endpoint of their own.
        kind: Option<PortalKind>,
        /// The one.
        first: PortalOrigin,
        /// The other.
        second: PortalOrigin,
    },
}

fn for_whom(kind: Option<PortalKind>) -> String {
    kind.map_or_else(|| "without a portal's name".to_owned(), |kind| format!("for {kind}"))
}

impl Endpoints {
    /// Reads endpoints, each written as `[KIND=]URL`.
    ///
    /// ```
    /// use cancel_pending::domain::{Endpoints, PortalKind};
    /// let endpoints = Endpoints::read(["http://127.0.0.1:1", "cloud-partner=https://portal.example"])?;
    /// assert_eq!(endpoints.origin(PortalKind::CloudPartner).as_str(), "https://portal.example");
    /// # Ok::<(), cancel_pending::domain::EndpointError>(())
    /// ```
    ///
    /// # Errors
    /// When one names an unknown portal or is no origin, or when two are for one portal.
    pub fn read<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, EndpointError> {
        let mut endpoints = Self::default();
        for text in written {
            let (kind, url) = split(text.trim())?;
            let origin: PortalOrigin =
                url.parse().map_err(|reason| EndpointError::Origin { shown: shown(url, &reason), reason })?;
            if origin == PortalOrigin::emulator() {
                return Err(EndpointError::Emulator);
            }
            let before = match kind {
                Some(kind) => endpoints.own.insert(kind, origin.clone()),
                None => endpoints.any.replace(origin.clone()),
            };
            if let Some(first) = before.filter(|before| *before != origin) {
                return Err(EndpointError::Twice { kind, first, second: origin });
            }
        }
        Ok(endpoints)
    }

    /// Where a portal is: its own endpoint, else the one for all, else Microsoft's.
    #[must_use]
    pub fn origin(&self, kind: PortalKind) -> PortalOrigin {
        self.own.get(&kind).or(self.any.as_ref()).cloned().unwrap_or_else(|| kind.microsoft())
    }
}

/// The name of a portal before the first `=`, and the rest. A URL has a colon or a slash before any `=`.
fn split(text: &str) -> Result<(Option<PortalKind>, &str), EndpointError> {
    match text.split_once('=') {
        Some((name, url)) if !name.contains([':', '/', '@', '?', '#']) => {
            Ok((Some(name.trim().parse().map_err(EndpointError::Kind)?), url.trim()))
        }
        _ => Ok((None, text)),
    }
}

/// What to call a text that was refused. A secret can stand before an `@`, and in a query.
fn shown(url: &str, reason: &OriginError) -> String {
    if url.is_empty() {
        return "an endpoint that is empty".to_owned();
    }
    if *reason == OriginError::UserInfo || url.contains('@') {
        return "an endpoint, which is not shown because it contains `@`,".to_owned();
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let rest = if end < url.len() { "…" } else { "" };
    format!("`{}{rest}`", &url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: PortalKind = PortalKind::CloudPartner;

    fn origin(written: &[&str]) -> Result<String, String> {
        match Endpoints::read(written.iter().copied()) {
            Ok(endpoints) => Ok(endpoints.origin(KIND).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_kind_wins_over_none_and_anything_over_microsoft() {
        for (written, expected) in [
            (&[][..], "https://cloudpartner.azure.com"),
            (&["https://a.example"], "https://a.example"),
            (&["cloud-partner=https://b.example"], "https://b.example"),
            (&["https://a.example", "cloud-partner=https://b.example"], "https://b.example"),
            (&["cloud-partner=https://b.example", "https://a.example"], "https://b.example"),
            (&[" cloud-partner = https://b.example/ "], "https://b.example"),
            (&["https://a.example", "https://a.example/"], "https://a.example"),
            (&["http://127.0.0.1:8787"], "http://127.0.0.1:8787"),
        ] {
            assert_eq!(origin(written).as_deref(), Ok(expected), "{written:?}");
        }
    }

    #[test]
    fn mistakes_are_told_once() {
        for (written, expected) in [
            (&["foo"][..], "`foo` is not a URL (relative URL without a base)"),
            (&[""], "an endpoint that is empty is not a URL (relative URL without a base)"),
            (&["cloud-partner="], "an endpoint that is empty is not a URL (relative URL without a base)"),
            (&["foo=https://a.example"], "unknown portal `foo`; the portal"),
            (&["cloudpartner=https://a.example"], "unknown portal `cloudpartner`; did you mean `cloud-partner`?"),
            (
                &["http://a.example"],
                "`http://a.example` must start with https:// (http:// is accepted for loopback addresses only)",
            ),
            (&["https://a.example/api"], "`https://a.example/api` must be scheme, host and port only"),
            (&["http://emulator.localhost"], "use --emulate STATE.yaml"),
            (
                &["https://a.example", "https://b.example"],
                "two endpoints without a portal's name: https://a.example and https://b.example; give one",
            ),
            (
                &["cloud-partner=https://a.example", "cloud-partner=https://b.example"],
                "two endpoints for cloud-partner: https://a.example and https://b.example; give one",
            ),
        ] {
            let error = origin(written).expect_err("a mistake");
            assert!(error.contains(expected), "{written:?}: {error}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_never_shown() {
        for written in [
            "https://user:canary@a.example",
            "https://canary@a.example",
            "http://user:canary@10.0.0.1",
            "user:canary@a.example",
            "https://user:can/canary@a.example",
            "cloud-partner=https://user:canary@a.example",
            "canary@a=https://a.example",
            "https://a.example/?sig=canary",
            "https://a.example/#canary",
        ] {
            let error = origin(&[written]).expect_err("a mistake");
            assert!(!error.contains("canary"), "{error}");
            assert!(!format!("{:?}", Endpoints::read([written])).contains("canary"), "{written}");
        }
    }
}
