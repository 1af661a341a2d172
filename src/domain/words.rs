//! The status words of the portal, and the little that may be concluded from them.
//!
//! Owns which words are known. The portal spells them in any letter case and with or without
//! spaces; a word that is not known here is kept as it came and never read as "finished".
//! Sources: Microsoft's pages on the publishing API, and clients that ran against it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A status word as the portal wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StatusWord(String);

/// What a status word says about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not finished: it has not started, is running, or waits for somebody.
    Pending,
    /// Its cancellation has begun.
    Cancelling,
    /// It ended because it was cancelled.
    Cancelled,
    /// It ended in another way.
    Finished,
    /// A word that is not known.
    Unknown,
}

/// What the portal says about whether an operation can be cancelled (`cancellationRequestState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationWord {
    /// It can be.
    Can,
    /// It already is being cancelled.
    Requested,
    /// It can't be.
    Cannot,
    /// A word that is not known.
    Unknown,
}

impl StatusWord {
    /// Keeps a word as it came.
    #[must_use]
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> String {
        self.0.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
    }

    /// Read as the status of an operation, a submission or a step.
    ///
    /// ```
    /// use cancel_pending::domain::{Phase, StatusWord};
    /// assert_eq!(StatusWord::new("Not Started").phase(), Phase::Pending);
    /// assert_eq!(StatusWord::new("complete").phase(), Phase::Finished);
    /// assert_eq!(StatusWord::new("thawing").phase(), Phase::Unknown);
    /// ```
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.folded().as_str() {
            "notstarted"
            | "pending"
            | "queued"
            | "running"
            | "inprogress"
            | "blocked"
            | "rejected"
            | "waitingforpublisherreview"
            | "waitingforapproval" => Phase::Pending,
            "canceling"
            | "cancelling"
            | "cancelrequested"
            | "cancellationrequested"
            | "cancelpending"
            | "cancelinprogress" => Phase::Cancelling,
            "canceled" | "cancelled" => Phase::Cancelled,
            "complete" | "completed" | "succeeded" | "success" | "published" | "failed" => Phase::Finished,
            _ => Phase::Unknown,
        }
    }

    /// Whether the word says that nothing more will happen.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.phase(), Phase::Cancelled | Phase::Finished)
    }

    /// Read as a `cancellationRequestState`. Only `canCancel` is documented; the others are
    /// the words that its name suggests, and none of them leads to a call.
    ///
    /// ```
    /// use cancel_pending::domain::{CancellationWord, StatusWord};
    /// assert_eq!(StatusWord::new("canCancel").cancellation(), CancellationWord::Can);
    /// assert_eq!(StatusWord::new("perhaps").cancellation(), CancellationWord::Unknown);
    /// ```
    #[must_use]
    pub fn cancellation(&self) -> CancellationWord {
        match self.folded().as_str() {
            "cancancel" => CancellationWord::Can,
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
            | "cancelled" => CancellationWord::Requested,
            "cannotcancel" | "cantcancel" | "cannotbecancelled" | "cannotbecanceled" | "notcancellable"
            | "notcancelable" | "notallowed" | "notsupported" => CancellationWord::Cannot,
            _ => CancellationWord::Unknown,
        }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_is_known_in_every_spelling() {
        let phase = |word: &str| StatusWord::new(word).phase();
        for word in [
            "not started",
            "NotStarted",
            "running",
            "Running",
            "InProgress",
            "inProgress",
            "WaitingForPublisherReview",
            "Waiting For Approval",
            "Blocked",
            "Rejected",
        ] {
            assert_eq!(phase(word), Phase::Pending, "{word}");
        }
        for word in ["completed", "complete", "Succeeded", "Failed", "published"] {
            assert_eq!(phase(word), Phase::Finished, "{word}");
        }
        for word in ["canceled", "Canceled", "cancelled"] {
            assert_eq!(phase(word), Phase::Cancelled, "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_kept_and_not_final() {
        for word in ["", "finalizing", "done", "\u{1b}[31m", "compléted", "NeverPublished"] {
            let kept = StatusWord::new(word);
            assert_eq!(kept.as_str(), word);
            assert_eq!(kept.phase(), Phase::Unknown, "{word}");
            assert!(!kept.is_final(), "{word}");
        }
    }
}
