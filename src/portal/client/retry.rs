//! When a read is repeated, and after how long.
//!
//! Owns the numbers. A write is never repeated here.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::header::{HeaderMap, RETRY_AFTER};

/// The longest that a `Retry-After` is waited for. The portal may ask for a day; a run that
/// people wait for tries again after this, and its deadline ends it.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// How often a read is attempted.
pub(super) const MAX_ATTEMPTS: u32 = 4;

/// The pauses between the attempts at one read: three, growing, jittered.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(300))
        .with_max_delay(Duration::from_secs(8))
        .with_factor(3.0)
        .with_max_times(3)
        .with_jitter()
        .build()
}

/// What `Retry-After` asks for: seconds or an HTTP date; a date in the past is no wait at
/// all, anything else is as if it were not there.
pub(in crate::portal) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_every_form() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 12:00:00 GMT").expect("a date");
        let wait = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("a header"));
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("5"), Some(5));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait("86400"), Some(30));
        assert_eq!(wait("99999999999999999999999999"), Some(30));
        assert_eq!(wait("Sun, 22 Nov 2026 12:00:07 GMT"), Some(7));
        assert_eq!(wait("Sun, 22 Nov 2026 11:00:00 GMT"), Some(0));
        assert_eq!(wait("Tue, 22 Dec 2026 11:00:00 GMT"), Some(30));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-5"), None);
        assert_eq!(wait(""), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
