//! The status words of the Cloud Partner Portal, and what they mean.
//!
//! Owns which words are known. The portal spells them in any letter case and with or without
//! spaces; a word that is not known here never means that something is over, or that it may be
//! cancelled. Sources: Microsoft's pages on the publishing API, and clients that ran against it.

use crate::domain::{Cancellability, Phase, StatusWord};

fn folded(word: &StatusWord) -> String {
    let letters = word.as_str().chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The status of an operation, a submission or a step.
pub(super) fn phase(word: &StatusWord) -> Phase {
    match folded(word).as_str() {
        "notstarted" | "pending" | "queued" => Phase::Queued,
        "running" | "inprogress" | "blocked" | "rejected" | "waitingforpublisherreview" | "waitingforapproval" => {
            Phase::Running
        }
        "canceling"
        | "cancelling"
        | "cancelrequested"
        | "cancellationrequested"
        | "cancelpending"
        | "cancelinprogress" => Phase::Cancelling,
        "canceled" | "cancelled" => Phase::Cancelled,
        "complete" | "completed" | "succeeded" | "success" | "published" => Phase::Completed,
        "failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}

/// Whether the status of an offer in a list says for certain that nothing runs on it: an operation has ended, and none was
/// ever begun. `NotStarted` may be said of an operation that is queued, and what waits for somebody may go on, so that
/// these offers are read like those whose word is not known.
pub(super) fn is_idle(word: &StatusWord) -> bool {
    folded(word) == "neverpublished" || phase(word).is_over()
}

/// What `cancellationRequestState` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestState {
    /// The cancellation was requested already.
    Requested,
    /// Whether it can be requested.
    Can(Cancellability),
}

/// Reads a `cancellationRequestState`. Only `canCancel` is documented; the others are the words
/// that its name suggests, and none of them leads to a call.
pub(super) fn request_state(word: &StatusWord) -> RequestState {
    match folded(word).as_str() {
        "cancancel" => RequestState::Can(Cancellability::Allowed),
        "requested"
        | "cancelrequested"
        | "cancellationrequested"
        | "canceling"
        | "cancelling"
        | "cancelpending"
        | "cancellationpending"
        | "cancelinprogress"
        | "cancellationinprogress"
        | "inprogress"
        | "pending"
        | "accepted"
        | "canceled"
        | "cancelled" => RequestState::Requested,
        "cannotcancel" | "cantcancel" | "cannotbecancelled" | "cannotbecanceled" | "notcancellable"
        | "notcancelable" | "notallowed" | "notsupported" => RequestState::Can(Cancellability::Refused),
        _ => RequestState::Can(Cancellability::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_is_known_in_every_spelling() {
        let phase = |word: &str| phase(&StatusWord::new(word));
        for word in ["not started", "NotStarted"] {
            assert_eq!(phase(word), Phase::Queued, "{word}");
        }
        for word in [
            "running",
            "Running",
            "InProgress",
            "inProgress",
            "WaitingForPublisherReview",
            "Waiting For Approval",
            "Blocked",
            "Rejected",
        ] {
            assert_eq!(phase(word), Phase::Running, "{word}");
        }
        for word in ["completed", "complete", "Succeeded", "published"] {
            assert_eq!(phase(word), Phase::Completed, "{word}");
        }
        assert_eq!(phase("Failed"), Phase::Failed);
        for word in ["canceled", "Canceled", "cancelled"] {
            assert_eq!(phase(word), Phase::Cancelled, "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_never_an_end() {
        for word in ["", "finalizing", "done", "\u{1b}[31m", "compl\u{e9}ted", "NeverPublished"] {
            assert_eq!(phase(&StatusWord::new(word)), Phase::Unknown, "{word}");
        }
    }

    #[test]
    fn an_offer_is_left_unread_only_where_its_word_is_certain() {
        let is_idle = |word: &str| is_idle(&StatusWord::new(word));
        for word in ["NeverPublished", "never published", "Succeeded", "published", "Canceled", "Failed"] {
            assert!(is_idle(word), "{word}");
        }
        for word in
            ["Running", "NotStarted", "WaitingForPublisherReview", "waiting for approval", "canceling", "new", ""]
        {
            assert!(!is_idle(word), "{word}");
        }
    }

    #[test]
    fn only_the_documented_word_allows_a_cancellation() {
        let state = |word: &str| request_state(&StatusWord::new(word));
        assert_eq!(state("canCancel"), RequestState::Can(Cancellability::Allowed));
        assert_eq!(state("cancelRequested"), RequestState::Requested);
        assert_eq!(state("cannotCancel"), RequestState::Can(Cancellability::Refused));
        assert_eq!(state("perhaps"), RequestState::Can(Cancellability::Unknown));
    }
}
