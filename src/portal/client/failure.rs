//! What can go wrong with one request, told to a person.
//!
//! Owns the wording and which failures may pass by themselves. The texts may quote the
//! portal; who renders them escapes them.

use std::time::Duration;

use http::StatusCode;

use super::error_body::PortalError;
use super::token::CredentialError;
use crate::domain::PortalOrigin;

/// Why a request has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No token to send.
    #[error("signing in failed: {0}")]
    Credential(#[from] CredentialError),
    /// TLS can't be set up on this machine.
    #[error("TLS can't be set up on this machine ({0})")]
    Setup(String),
    /// There is no connection, so nothing was sent.
    #[error("could not reach {origin}{}: {cause}; {}", effort(*attempts, *took), connect_advice(cause))]
    Connect {
        /// The portal.
        origin: PortalOrigin,
        /// Why.
        cause: String,
        /// How often it was tried.
        attempts: u32,
        /// How long that took.
        took: Duration,
    },
    /// A path that no token may be sent to. Nothing was sent.
    #[error("`{0}` is not a path of this portal's API; nothing was sent to it")]
    OutOfBounds(String),
    /// No answer, or not all of it, within the time for one attempt.
    #[error("the portal did not answer within {} s; try again, or allow more time with --request-timeout", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection broke before the answer was complete.
    #[error("the connection broke before the answer was complete ({0}); try again")]
    Interrupted(String),
    /// More bytes than any answer of the API needs.
    #[error("the portal's answer is larger than {} MiB and was not read to its end", .0 / (1024 * 1024))]
    TooLarge(usize),
    /// Encoded in a way that was not asked for, and that could expand to any size.
    #[error("the portal's answer is compressed (`{0}`), which was not asked for; is a proxy in between?")]
    Compressed(String),
    /// Sent elsewhere.
    #[error("the portal answered {status} and points elsewhere{}; redirects are not followed, because the token would go along: check the address of the portal",
        .to.as_ref().map(|to| format!(" (`{to}`)")).unwrap_or_default())]
    Redirect {
        /// The HTTP status.
        status: StatusCode,
        /// Where to.
        to: Option<String>,
    },
    /// A status that is no success.
    #[error("the portal answered {status}{}{}{}", said(.error.as_deref()), advice(*.status, *.meaning, .error.as_deref()), traced(.correlation))]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What it means on this portal and what to do about it, where that is not what it means anywhere.
        meaning: Option<&'static str>,
        /// What the portal said of it.
        error: Option<Box<PortalError>>,
        /// The names by which support finds the answer again.
        correlation: Vec<(String, String)>,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A status of success that the API does not document for this call.
    #[error("the portal answered {0}, which its API does not document for this call")]
    Undocumented(StatusCode),
    /// There is no such offer, or it is not the one that was meant.
    #[error("{0}")]
    NoSuchOffer(String),
    /// A list of which not all could be read.
    #[error("the list is incomplete: {pages} {} and the next one could not ({cause})", if *pages == 1 { "page was read" } else { "pages were read" })]
    Incomplete {
        /// How many pages were read.
        pages: usize,
        /// Why the next one was not.
        cause: Box<Failure>,
    },
    /// An answer that is not what the API documents.
    #[error("the portal's answer can't be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Whether the same read may well succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout(_) | Self::Interrupted(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Incomplete { cause, .. } => cause.is_transient(),
            Self::Credential(_)
            | Self::NoSuchOffer(_)
            | Self::Setup(_)
            | Self::OutOfBounds(_)
            | Self::TooLarge(_)
            | Self::Compressed(_)
            | Self::Redirect { .. }
            | Self::Undocumented(_)
            | Self::Unreadable(_) => false,
        }
    }

    /// No connection, at the first attempt.
    pub(super) fn connect(origin: &PortalOrigin, cause: String) -> Self {
        Self::Connect { origin: origin.clone(), cause, attempts: 1, took: Duration::ZERO }
    }

    /// The same failure, after so many attempts.
    pub(super) fn after(self, attempts: u32, took: Duration) -> Self {
        match self {
            Self::Connect { origin, cause, .. } => Self::Connect { origin, cause, attempts, took },
            other => other,
        }
    }

    /// Whether the portal asks for fewer requests. A 503 does when it says for how long.
    #[must_use]
    pub fn is_throttle(&self) -> bool {
        match self {
            Self::Incomplete { cause, .. } => cause.is_throttle(),
            Self::Status { status: StatusCode::TOO_MANY_REQUESTS, .. } => true,
            Self::Status { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, .. } => retry_after.is_some(),
            _ => false,
        }
    }

    /// Whether the portal did not accept the token.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether it says nothing about an offer: any other one would fail in the same way.
    #[must_use]
    pub fn is_about_portal(&self) -> bool {
        matches!(self, Self::Credential(_) | Self::Setup(_) | Self::Connect { .. }) || self.is_unauthorized()
    }

    /// Whether another read failed for the same reason. How often each was tried, and by what name its answer
    /// can be found again, makes no difference.
    #[must_use]
    pub fn has_same_reason(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Connect { .. }, Self::Connect { .. }) => true,
            (Self::Status { status: one, .. }, Self::Status { status: other, .. }) => one == other,
            (one, other) => one == other,
        }
    }

    /// How long the portal asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Incomplete { cause, .. } => cause.retry_after(),
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Incomplete { cause, .. } => cause.status(),
            Self::Status { status, .. } | Self::Redirect { status, .. } | Self::Undocumented(status) => Some(*status),
            _ => None,
        }
    }
}

fn effort(attempts: u32, took: Duration) -> String {
    match attempts {
        0 | 1 => String::new(),
        attempts => format!(" ({attempts} attempts in {} s)", took.as_secs_f64().ceil()),
    }
}

fn connect_advice(cause: &str) -> &'static str {
    if cause.contains("UnknownIssuer") || cause.contains("certificate") {
        "if a proxy with a certificate authority of its own is in between, name that authority's file in SSL_CERT_FILE"
    } else {
        "check the address, the network, and the proxy if there is one"
    }
}

fn said(error: Option<&PortalError>) -> String {
    error.map(ToString::to_string).filter(|text| !text.is_empty()).map(|text| format!(" ({text})")).unwrap_or_default()
}

fn traced(correlation: &[(String, String)]) -> String {
    let ids: Vec<String> = correlation.iter().map(|(name, id)| format!("{name}: {id}")).collect();
    if ids.is_empty() { String::new() } else { format!(" [{}]", ids.join(", ")) }
}

fn advice(status: StatusCode, meaning: Option<&'static str>, error: Option<&PortalError>) -> String {
    if error.is_some_and(|error| error.is_html) {
        return "; this is the page of a front end or a proxy, and not the portal's own answer".to_owned();
    }
    match meaning {
        Some(meaning) => format!("; {meaning}"),
        None => usual_advice(status).to_owned(),
    }
}

const fn usual_advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "; the portal does not accept the request, its message says why",
        401 => "; the token is missing, expired, or for another audience: get a new one",
        403 => {
            "; the account may not read this publisher: check the publisher's id, and that the account was added in Partner Center \
             (an application by the object id of its service principal, not of its registration)"
        }
        404 => "; check the ids of publisher and offer",
        412 => "; the offer was changed in between",
        429 => "; it limits the rate of requests: try again later, or lower --concurrency",
        500..=599 => "; the fault is on its side: try again later",
        _ => "",
    }
}
