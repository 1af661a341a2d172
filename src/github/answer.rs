//! What an answer of GitHub means where it is not the one that was asked for.
//!
//! Owns the reading of status, message and headers. GitHub says 403 for a rate limit, a locked
//! conversation and a missing permission alike; only its words tell them apart.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

use crate::domain::first_cause;

/// How long GitHub's documentation says to wait after a secondary rate limit that names no time.
const UNNAMED_WAIT: Duration = Duration::from_mins(1);

/// What GitHub says of comments that come one after the other, among the details of a validation.
const TOO_QUICKLY: &str = "was submitted too quickly";

/// Why GitHub did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// It was not asked: the address, the token or the repository is not one.
    #[error("{0}")]
    Settings(String),
    /// It said no.
    #[error("GitHub answered {status} ({message}){}", advice(*.status, .cause))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// GitHub's message.
        message: String,
        /// What kind of refusal it is.
        cause: RefusalCause,
    },
    /// Nothing was written, because the repository has another name now.
    #[error(
        "nothing was written: the repository {from} has moved to {to}. Start a new workflow run there, or set GITHUB_REPOSITORY to the new name"
    )]
    Moved {
        /// The name that was used.
        from: String,
        /// The name that it has, or its address where GitHub does not say the name.
        to: String,
    },
    /// It said nothing, or nothing that could be read.
    #[error("no answer from GitHub ({0})")]
    NoAnswer(String),
    /// There is not exactly one pull request.
    #[error("{0}")]
    NoPullRequest(String),
    /// It can't be told that this was approved.
    #[error("{0}")]
    NotApproved(String),
}

/// What kind of refusal it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalCause {
    /// Too many requests. Nothing was done, and this long nothing will be.
    RateLimit(Duration),
    /// The conversation is locked.
    Locked,
    /// The token lacks this permission, as it is written in a workflow.
    Permission(String),
    /// It is at another address.
    Moved(String),
    /// Anything else.
    Other,
}

impl GitHubError {
    /// Whether it is not known if the request was carried out.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// What an answer with a status of failure, or none, means.
    pub(super) fn of(error: &octocrab::Error, method: &Method, path: &str) -> Self {
        let octocrab::Error::GitHub { source, .. } = error else {
            return Self::NoAnswer(first_cause(error).chars().take(300).collect());
        };
        let status = source.status_code.as_u16();
        let said = said(source);
        let no_headers = HeaderMap::new();
        let headers = source.headers.as_ref().unwrap_or(&no_headers);
        let cause = cause(status, &said, headers, (method, path), Timestamp::now());
        Self::Refused { status, message: shown(&said, source.status_code), cause }
    }
}

/// What GitHub says: "Validation Failed" stands beside a list that says what.
fn said(error: &octocrab::GitHubError) -> String {
    let detail = |detail: &serde_json::Value| Some(detail.as_str().or(detail["message"].as_str())?.to_owned());
    let details = error.errors.iter().flatten().filter_map(detail);
    std::iter::once(error.message.clone()).chain(details).collect::<Vec<_>>().join(": ")
}

/// The same for a log, in one line. Servers in front of GitHub's answer with pages for people.
fn shown(said: &str, status: StatusCode) -> String {
    let is_page = said.trim_start().starts_with('<');
    let text = if is_page { status.canonical_reason().unwrap_or("a page for people") } else { said };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

fn advice(status: u16, cause: &RefusalCause) -> String {
    match (cause, status) {
        (RefusalCause::RateLimit(wait), _) => {
            let wait = Duration::from_secs(wait.as_secs());
            format!("; rate limited, retry after {}; a run waits 60 s in all", humantime::format_duration(wait))
        }
        (RefusalCause::Locked, _) => "; unlock the conversation to have the report there".to_owned(),
        (RefusalCause::Permission(needed), _) => {
            format!("; the job needs `permissions: {needed}`, which a pull request from a fork never has")
        }
        (RefusalCause::Moved(to), _) => format!("; it is at {to} now"),
        (RefusalCause::Other, 401) => "; the token is missing or not valid".to_owned(),
        (RefusalCause::Other, 404) => "; it does not exist, or the token may not see it".to_owned(),
        (RefusalCause::Other, _) => String::new(),
    }
}

/// Reads a refusal. Words come first: the last request of an hour can lack a permission too.
fn cause(
    status: u16,
    message: &str,
    headers: &HeaderMap,
    (method, path): (&Method, &str),
    now: Timestamp,
) -> RefusalCause {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
    let words = message.to_ascii_lowercase();
    match status {
        301 | 302 | 307 | 308 => {
            return text("location").map_or(RefusalCause::Other, |to| RefusalCause::Moved(to.to_owned()));
        }
        403 if words.contains("is locked") => return RefusalCause::Locked,
        403 if ["not accessible by", "must have", "not granted"].iter().any(|part| words.contains(part)) => {
            let accepted = text("x-accepted-github-permissions").and_then(accepted_permission);
            return RefusalCause::Permission(accepted.unwrap_or_else(|| needed_permission(method, path).to_owned()));
        }
        403 | 429 => {}
        422 if words.contains(TOO_QUICKLY) => {}
        _ => return RefusalCause::Other,
    }
    let (asked, remaining) = (number("retry-after"), number("x-ratelimit-remaining"));
    let is_said = ["rate limit", "abuse", TOO_QUICKLY].iter().any(|part| words.contains(part));
    let is_spent = remaining == Some(0);
    if status == 403 && asked.is_none() && !is_said && !is_spent {
        return RefusalCause::Other;
    }
    // By the clock that the time of the reset is of.
    let now = text("date").and_then(|date| httpdate::parse_http_date(date).ok()?.try_into().ok()).unwrap_or(now);
    let until_reset = number("x-ratelimit-reset").filter(|_| is_spent).map(|reset| {
        let seconds = i64::try_from(reset).unwrap_or(i64::MAX).saturating_sub(now.as_second());
        // One more: the reset is a whole second.
        Duration::from_secs(u64::try_from(seconds).map_or(0, |seconds| seconds.saturating_add(1)))
    });
    RefusalCause::RateLimit(asked.map(Duration::from_secs).or(until_reset).unwrap_or(UNNAMED_WAIT))
}

/// `issues=write; pull_requests=write` as a workflow writes it. Sets that would each do stand between semicolons.
fn accepted_permission(header: &str) -> Option<String> {
    let sets: Vec<&str> = header.split(';').map(str::trim).collect();
    let set = sets.iter().find(|set| set.contains("pull_requests")).or(sets.first())?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let one = |part: &str| {
        let (name, access) = part.trim().split_once('=')?;
        (plain(name) && plain(access)).then(|| format!("{}: {access}", name.replace('_', "-")))
    };
    let all: Option<Vec<String>> = set.split(',').map(one).collect();
    all.map(|all| all.join(", "))
}

fn needed_permission(method: &Method, path: &str) -> &'static str {
    match (method == Method::GET, path) {
        (true, path) if path.contains("/check-runs") => "checks: read",
        (false, path) if path.contains("/check-runs") => "checks: write",
        (true, path) if path.contains("/contents/") => "contents: read",
        (true, _) => "pull-requests: read",
        (false, _) => "pull-requests: write",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(status: u16, message: &str, headers: &[(&'static str, &'static str)]) -> RefusalCause {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let now = Timestamp::from_second(1_000).expect("a time");
        cause(status, message, &headers.collect(), (&Method::POST, "/repos/o/n/check-runs"), now)
    }

    /// The messages are GitHub's own, from its documentation ("Rate limits for the REST API", "Troubleshooting
    /// the REST API") and from reports of those who met them.
    #[test]
    fn refusals_by_example() {
        let limit = |seconds| RefusalCause::RateLimit(Duration::from_secs(seconds));
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let abuse = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.";
        let primary = "API rate limit exceeded for installation ID 4711.";
        let too_quickly = "Validation Failed: was submitted too quickly";
        let page = "<!DOCTYPE html><p>You have exceeded a secondary rate limit.</p>";
        let locked = "Unable to create comment because issue is locked.";
        let missing = "Resource not accessible by integration";
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        for (status, message, headers, expected) in [
            (403, secondary, &[("retry-after", "7")][..], limit(7)),
            (429, secondary, &[("retry-after", "7")], limit(7)),
            (403, secondary, &[], limit(60)),
            (429, "", &[], limit(60)),
            (403, abuse, &[("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", "1030")], limit(60)),
            (403, primary, &spent, limit(31)),
            (429, primary, &[spent[0], ("x-ratelimit-reset", "10")], limit(0)),
            (403, primary, &[spent[0], spent[1], ("date", "Thu, 01 Jan 1970 00:16:50 GMT")], limit(21)),
            (403, locked, &[], RefusalCause::Locked),
            (403, missing, &[], RefusalCause::Permission("checks: write".to_owned())),
            (403, missing, &spent, RefusalCause::Permission("checks: write".to_owned())),
            (
                403,
                missing,
                &[("x-accepted-github-permissions", "issues=write; pull_requests=write")],
                RefusalCause::Permission("pull-requests: write".to_owned()),
            ),
            (
                403,
                missing,
                &[("x-accepted-github-permissions", "checks=write,contents=read")],
                RefusalCause::Permission("checks: write, contents: read".to_owned()),
            ),
            (403, "Repository was archived so is read-only.", &[], RefusalCause::Other),
            (301, "Moved Permanently", &[("location", "https://x/y")], RefusalCause::Moved("https://x/y".to_owned())),
            (422, secondary, &[], RefusalCause::Other),
            (422, too_quickly, &[("retry-after", "7")], limit(7)),
            (403, too_quickly, &[], limit(60)),
            (403, page, &[], limit(60)),
            (502, "Bad Gateway", &[("retry-after", "7")], RefusalCause::Other),
        ] {
            assert_eq!(read(status, message, headers), expected, "{status} {message} {headers:?}");
        }
    }
}
