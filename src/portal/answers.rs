//! What an answer to a cancel call means, as far as all portals answer alike.
//!
//! Owns which failures say that nothing was done. A portal that says more by a status adds it in its own room.

use http::StatusCode;

use super::client::Failure;
use super::{CancelAnswer, CancelVerdict};

/// What a call came to that was not answered with success.
pub(super) fn failed_call(failure: Failure) -> CancelAnswer {
    let status = failure.status();
    let verdict = match (&failure, status) {
        (Failure::Connect { .. } | Failure::Credential(_) | Failure::OutOfBounds(_) | Failure::NoSuchOffer(_), _) => {
            CancelVerdict::NotSent(failure)
        }
        // Turned away before anything was looked at.
        (Failure::Status { .. }, Some(StatusCode::UNAUTHORIZED)) => CancelVerdict::NotSent(failure),
        (Failure::Status { .. }, Some(status)) if status.is_client_error() && !failure.is_transient() => {
            CancelVerdict::Refused(failure)
        }
        (Failure::Redirect { .. }, _) => CancelVerdict::Refused(failure),
        _ => CancelVerdict::Lost(failure),
    };
    CancelAnswer { status: status.map(|status| status.as_u16()), verdict }
}
