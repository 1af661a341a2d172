//! What an answer to a cancel call means, as far as all portals answer alike.
//!
//! Owns which failures say that nothing was done. A portal that says more by a status adds it in its own room.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::client::{Answer, Failure, retry_after};
use super::{CancelAnswer, CancelVerdict, Location};

/// What an accepted call came to. `patience`: how long to wait before it is looked at, where the portal asks for nothing.
pub(super) fn accepted_call(answer: &Answer, location: Option<Location>, patience: Option<Duration>) -> CancelAnswer {
    let retry_after = retry_after(&answer.headers, SystemTime::now()).or(patience);
    CancelAnswer { status: Some(answer.status.as_u16()), verdict: CancelVerdict::Accepted { location, retry_after } }
}

/// What a call came to that was answered with a success that is not documented.
pub(super) fn undocumented_answer(status: StatusCode) -> CancelAnswer {
    CancelAnswer { status: Some(status.as_u16()), verdict: CancelVerdict::Lost(Failure::Undocumented(status)) }
}

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
