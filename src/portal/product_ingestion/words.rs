//! The words of submissions and jobs, and what they mean.
//!
//! Owns which pairs of status and result are known (source: Microsoft's schemas of submissions and of jobs, which share
//! their words). A pair that is not known never means that something is over, or that it may be cancelled.

use crate::domain::{Phase, StatusWord};

/// What a submission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetType {
    Draft,
    Preview,
    Live,
    Unknown,
}

fn word_of(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Reads a target.
pub(super) fn target_type(word: Option<&str>) -> TargetType {
    match word_of(word).unwrap_or_default().to_ascii_lowercase().as_str() {
        "draft" => TargetType::Draft,
        "preview" => TargetType::Preview,
        "live" => TargetType::Live,
        _ => TargetType::Unknown,
    }
}

/// What a status with its result comes to, of a submission or of a job.
pub(super) fn phase(status: Option<&str>, result: Option<&str>) -> Phase {
    let folded = |word| word_of(word).map(str::to_ascii_lowercase);
    match (folded(status).as_deref(), folded(result).as_deref()) {
        (Some("notstarted"), Some("pending") | None) => Phase::Queued,
        (Some("running"), Some("pending") | None) => Phase::Running,
        (Some("completed"), Some("succeeded")) => Phase::Completed,
        (Some("completed"), Some("failed")) => Phase::Failed,
        (Some("completed"), Some("cancelled" | "canceled")) => Phase::Cancelled,
        _ => Phase::Unknown,
    }
}

/// Status and result as one word, as they came. None: there are none.
pub(super) fn word(status: Option<&str>, result: Option<&str>) -> Option<StatusWord> {
    match (word_of(status), word_of(result)) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(StatusWord::new(one)),
        (Some(status), Some(result)) => Some(StatusWord::new(format!("{status}/{result}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_words() {
        for (status, result, expected) in [
            ("notStarted", "pending", Phase::Queued),
            ("running", "pending", Phase::Running),
            ("Running", "", Phase::Running),
            ("completed", "succeeded", Phase::Completed),
            ("completed", "failed", Phase::Failed),
            ("completed", "cancelled", Phase::Cancelled),
            ("completed", "canceled", Phase::Cancelled),
            ("completed", "pending", Phase::Unknown),
            ("completed", "", Phase::Unknown),
            ("running", "cancelled", Phase::Unknown),
            ("thawing", "pending", Phase::Unknown),
            ("", "succeeded", Phase::Unknown),
            ("", "", Phase::Unknown),
        ] {
            assert_eq!(phase(Some(status), Some(result)), expected, "{status}/{result}");
        }
        assert_eq!(phase(None, None), Phase::Unknown);
    }
}
