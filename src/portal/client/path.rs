//! Which paths a token may be sent to.
//!
//! Owns the check: below the portal's prefix, written the way in which a server will read it.

use url::Url;

use crate::domain::PortalOrigin;

/// Whether a path and query lies below a prefix, and is what a URL parser makes of it.
pub(super) fn is_below(path_and_query: &str, prefix: &str, origin: &PortalOrigin) -> bool {
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    // What one side decodes and the other does not would be two different paths.
    let is_encoded = ["%2e", "%2f", "%5c", "%25"].iter().any(|code| lower.contains(code));
    let is_plain = path_and_query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    if is_encoded || !is_plain || !path.starts_with(prefix) {
        return false;
    }
    Url::parse(origin.as_str())
        .and_then(|base| base.join(path_and_query))
        .is_ok_and(|url| origin.holds(&url) && url.path() == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_below_its_prefix() {
        let below = |path: &str| is_below(path, "/api/", &PortalOrigin::microsoft());
        for good in [
            "/api/publishers/contoso/offers?api-version=2017-10-31",
            "/api/operations/contoso$vm$2$preview?api-version=2017-10-31",
            "/api/a?next=https://evil.example/..",
        ] {
            assert!(below(good), "{good}");
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
            assert!(!below(bad), "{bad}");
        }
    }
}
