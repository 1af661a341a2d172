//! The location of a long-running operation: what the portal said, and whether it may be called.
//!
//! Owns the rule: a location is called only when it is on the portal's origin and its path is
//! one of the two documented forms. Anything else is shown to people and never called: the
//! token would go with it. Which operation it describes decides nothing; what runs does.

use http::header::{HeaderMap, LOCATION};
use url::{Position, Url};

use super::wire::API_VERSION;
use crate::domain::{OfferId, OperationId, PortalOrigin, PublisherId};
use crate::portal::Location;
use crate::secrets::redact;

/// The longest location that is kept, in characters.
const MAX_LENGTH: usize = 2_000;

/// Reads the location in an answer's headers: `Operation-Location` before `Location`.
pub(super) fn in_headers(headers: &HeaderMap, portal: &PortalOrigin) -> Option<Location> {
    let header = headers.get("operation-location").or_else(|| headers.get(LOCATION))?;
    let raw = String::from_utf8_lossy(header.as_bytes());
    Some(location(&redact(&raw), portal))
}

/// Reads a location that a portal told.
///
/// ```
/// use cancel_pending::domain::PortalOrigin;
/// use cancel_pending::portal::cloud_partner::location;
///
/// let read = |raw| location(raw, &PortalOrigin::microsoft());
/// assert!(read("/api/publishers/contoso/offers/vm/operations/1").may_be_called());
/// assert!(read("/api/operations/contoso$vm$2$preview").may_be_called());
/// assert!(!read("https://evil.example/api/publishers/contoso/offers/vm/operations/1").may_be_called());
/// assert!(!read("//evil.example/api/operations/contoso$vm$2$preview").may_be_called());
/// ```
#[must_use]
pub fn location(raw: &str, portal: &PortalOrigin) -> Location {
    let raw: String = raw.trim().chars().take(MAX_LENGTH).collect();
    let callable = callable(&raw, portal);
    let shown = match &callable {
        Some(path) => format!("{portal}{path}"),
        None => raw,
    };
    Location { shown, callable }
}

fn callable(raw: &str, portal: &PortalOrigin) -> Option<String> {
    // What a URL parser repairs (backslashes, tabs, dots) two parsers may repair differently.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?=&$%[]".contains(&byte);
    if raw.is_empty() || !raw.bytes().all(plain) {
        return None;
    }
    let base = Url::parse(portal.as_str()).ok()?;
    let url = base.join(raw).ok()?;
    let path = url.path();
    let as_written = match raw.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => raw,
    };
    let unchanged = as_written.split(['?', '#']).next() == Some(path);
    if !portal.holds(&url) || !url.username().is_empty() || url.password().is_some() || !unchanged {
        return None;
    }
    if !is_documented(path) {
        return None;
    }
    let has_version = url.query_pairs().any(|(key, _)| key == "api-version");
    let target = &url[Position::BeforePath..Position::AfterQuery];
    Some(match (has_version, url.query()) {
        (true, _) => target.to_owned(),
        (false, Some(_)) => format!("{target}&api-version={API_VERSION}"),
        (false, None) => format!("{target}?api-version={API_VERSION}"),
    })
}

fn is_documented(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["", "api", "publishers", publisher, "offers", offer, "operations", id] => {
            publisher.parse::<PublisherId>().is_ok()
                && offer.parse::<OfferId>().is_ok()
                && id.parse::<OperationId>().is_ok()
        }
        ["", "api", "operations", name] => match name.split('$').collect::<Vec<_>>().as_slice() {
            [publisher, offer, rest @ ..] => {
                let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
                publisher.parse::<PublisherId>().is_ok() && offer.parse::<OfferId>().is_ok() && rest.iter().all(plain)
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Location {
        location(raw, &PortalOrigin::microsoft())
    }

    #[test]
    fn every_documented_form_may_be_called() {
        let version = "?api-version=2017-10-31";
        let new = "/api/publishers/contoso/offers/vm/operations/56615b67-2185-49fe-80d2-c4ddf77bb2e8";
        let old = "/api/operations/contoso$vm$2$preview";
        for (raw, callable) in [
            (new.to_owned(), format!("{new}{version}")),
            (format!("{new}{version}"), format!("{new}{version}")),
            (format!("https://cloudpartner.azure.com{new}"), format!("{new}{version}")),
            (format!("https://cloudpartner.azure.com{new}{version}"), format!("{new}{version}")),
            (format!("https://CloudPartner.azure.com:443{new}"), format!("{new}{version}")),
            (format!("{new}?a=b"), format!("{new}?a=b&api-version=2017-10-31")),
            (old.to_owned(), format!("{old}{version}")),
            (format!("  {old}{version} "), format!("{old}{version}")),
        ] {
            let location = read(&raw);
            assert_eq!(location.shown, format!("https://cloudpartner.azure.com{callable}"));
            assert_eq!(location.callable, Some(callable), "{raw}");
        }
    }

    #[test]
    fn nothing_else_may() {
        let path = "/api/publishers/contoso/offers/vm/operations/1";
        for raw in [
            String::new(),
            format!("https://evil.example{path}"),
            format!("http://cloudpartner.azure.com{path}"),
            format!("https://cloudpartner.azure.com:8443{path}"),
            format!("https://user@cloudpartner.azure.com{path}"),
            format!("https://user:pass@cloudpartner.azure.com{path}"),
            format!("https://cloudpartner.azure.com.evil.example{path}"),
            format!("https://cloudpartner.azure.com@evil.example{path}"),
            format!("//evil.example{path}"),
            format!("\\\\evil.example{path}"),
            format!("/\\evil.example{path}"),
            format!("https:evil.example{path}"),
            format!("/api/../..{path}"),
            "/api/./publishers/contoso/offers/vm/operations/1".to_owned(),
            "/api/publishers/contoso/offers/vm/operations/..".to_owned(),
            "/api/publishers/contoso/offers/vm/operations/%2e%2e".to_owned(),
            "/api/publishers/contoso/offers/vm/operations/1/../../cancel".to_owned(),
            "/api/publishers/contoso/offers/vm/operations/".to_owned(),
            "/api/operations/contoso$vm$..$preview".to_owned(),
            "/api/operations/contoso".to_owned(),
            "/api/publishers/contoso/offers/vm/cancel".to_owned(),
            format!("{path}\u{7}"),
            format!("{path}\t"),
            "javascript:alert(1)".to_owned(),
            "x".repeat(100_000),
        ] {
            // A tab at the end is white space around it, and no part of it.
            let expected = raw.trim() == path;
            assert_eq!(read(&raw).may_be_called(), expected, "{raw:?}");
        }
    }
}
