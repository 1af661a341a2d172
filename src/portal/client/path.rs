//! Which paths a token may be sent to.
//!
//! Owns the check: below the portal's prefix, written the way in which a server will read it.

use url::{Position, Url};

/// The address of a path and query, if it lies below a prefix and is what a URL parser makes of it.
pub(super) fn address_below(path_and_query: &str, prefix: &str, origin: &Url) -> Option<Url> {
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    // What one side decodes and the other does not would be two different paths.
    let is_encoded = ["%2e", "%2f", "%5c", "%25"].iter().any(|code| lower.contains(code));
    let is_plain = path_and_query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    if is_encoded || !is_plain || !path.starts_with(prefix) {
        return None;
    }
    let address = origin.join(path_and_query).ok()?;
    let is_same = address[..Position::BeforePath] == origin[..Position::BeforePath];
    (is_same && address.path() == path).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PortalOrigin;

    #[test]
    fn a_token_stays_below_its_prefix() {
        let origin = PortalOrigin::microsoft();
        let below = |path: &str| address_below(path, "/api/", &origin.url());
        for good in [
            "/api/publishers/contoso/offers?api-version=2017-10-31",
            "/api/operations/contoso$vm$2$preview?api-version=2017-10-31",
            "/api/a?next=https://evil.example/..",
        ] {
            assert_eq!(below(good).map(String::from), Some(format!("{origin}{good}")));
        }
        for bad in [
            "/apis/a",
            "/other/api/a",
            "/api/../admin",
            "/api/./a",
            "/api/%2e%2e/admin",
            "/api/%2E%2E/admin",
            "/api/..%2fadmin",
            "/api/a%5c..%5cb",
            "/api/%252e%252e/admin",
            "/api/a\\..\\b",
            "//evil.example/api/",
            "https://evil.example/api/a",
            "/api/a b",
            "/api/a\r\nX: y",
            "/api/a#b",
            "",
        ] {
            assert_eq!(below(bad), None, "{bad}");
        }
    }
}
