//! What can go wrong with one request, told to a person.
//!
//! Owns the wording and which failures may pass by themselves. The texts may quote the
//! portal; who renders them escapes them.

use std::time::Duration;

use http::StatusCode;

use super::error_body::PortalError;
use super::token::CredentialError;

/// Why a request has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No token to send.
    #[error("signing in failed: {0}")]
    Credential(#[from] CredentialError),
    /// No connection.
    #[error("no connection to the portal ({0}); check the address and the network")]
    Connect(String),
    /// Not sent, because the portal wants to be left alone for this long.
    #[error("the portal asks to be left alone for {} s, so nothing was sent", .0.as_secs_f64().ceil())]
    LeftAlone(Duration),
    /// No answer, or not all of it, within the time for one attempt.
    #[error("the portal did not answer within {} s; try again, or give it longer with --request-timeout", .0.as_secs_f64())]
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
    #[error("the portal answered {status}{}{}", said(.error.as_ref()), advice(*.status))]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What the portal said of it.
        error: Option<PortalError>,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A status of success that the API does not document for this call.
    #[error("the portal answered {0}, which its API does not document for this call")]
    Undocumented(StatusCode),
    /// An answer that is not what the API documents.
    #[error("the portal's answer can't be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Whether the same read may well succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) | Self::LeftAlone(_) | Self::Timeout(_) | Self::Interrupted(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Credential(_)
            | Self::TooLarge(_)
            | Self::Compressed(_)
            | Self::Redirect { .. }
            | Self::Undocumented(_)
            | Self::Unreadable(_) => false,
        }
    }

    /// How long the portal asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::LeftAlone(wait) => Some(*wait),
            _ => None,
        }
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } | Self::Redirect { status, .. } | Self::Undocumented(status) => Some(*status),
            _ => None,
        }
    }
}

fn said(error: Option<&PortalError>) -> String {
    match error {
        None => String::new(),
        Some(PortalError { code: Some(code), message: Some(message) }) => format!(" ({code}: {message})"),
        Some(PortalError { code, message }) => {
            code.as_ref().or(message.as_ref()).map(|text| format!(" ({text})")).unwrap_or_default()
        }
    }
}

fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "; the portal does not accept the request, its message says why",
        401 => "; the token is missing, expired, or for another audience: get a new one",
        403 => {
            "; the account may not read this publisher: check the publisher's id, and that the account was added in Partner Center \
             (an application by the object id of its service principal, not of its registration)"
        }
        404 => "; check the ids of publisher and offer",
        412 => "; the offer was changed in between",
        429 => "; it asks for fewer requests: try again later, or lower --concurrency",
        500..=599 => "; the fault is on its side: try again later",
        _ => "",
    }
}
