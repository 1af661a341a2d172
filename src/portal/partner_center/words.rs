//! The states of submissions, and what they mean.
//!
//! Owns which pairs of state and substate are known (source: Microsoft's description of the API, and reports of those who
//! use it). A pair that is not known never means that something is over, or that it may be cancelled.

use crate::domain::{Cancellability, Phase, StatusWord};

/// What a submission says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub state: &'a str,
    pub substate: &'a str,
    /// The status of its pending update.
    pub update: Option<&'a str>,
}

/// What that comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub phase: Phase,
    pub cancellability: Cancellability,
    /// In words that a publisher knows.
    pub words: Option<&'static str>,
}

impl Meaning {
    const fn new(phase: Phase, words: &'static str) -> Self {
        Self { phase, cancellability: Cancellability::Unsaid, words: Some(words) }
    }
}

fn folded(word: &str) -> String {
    word.trim().to_ascii_lowercase()
}

/// Whether a state is the one of everything that is not published, failed submissions included.
pub(super) fn is_in_progress(state: &str) -> bool {
    folded(state) == "inprogress"
}

/// What a submission's words come to.
pub(super) fn meaning(said: Said<'_>) -> Meaning {
    let (state, substate, update) = (folded(said.state), folded(said.substate), said.update.map(folded));
    match (state.as_str(), substate.as_str(), update.as_deref()) {
        ("inprogress", "submitted", _) => Meaning::new(Phase::Running, "submitted: validation and certification"),
        ("inprogress", "indraft", Some("running")) => Meaning::new(Phase::Running, "being taken over from the draft"),
        ("inprogress", "indraft", Some("failed")) => Meaning::new(Phase::Draft, "a draft, whose last update failed"),
        ("inprogress", "indraft", _) => Meaning {
            phase: Phase::Unknown,
            cancellability: Cancellability::Unsaid,
            words: Some("it is a draft, or between two steps: Partner Center does not say which"),
        },
        ("inprogress", "failed", _) => Meaning::new(Phase::Failed, "failed"),
        ("inprogress", "failedincertification", _) => Meaning::new(Phase::Failed, "failed in certification"),
        ("inprogress", "cancelled" | "canceled", _) | ("cancelled" | "canceled" | "deleted", ..) => {
            Meaning::new(Phase::Cancelled, "cancelled")
        }
        ("published", "instore" | "published", _) => Meaning::new(Phase::Completed, "in the store"),
        ("archived", ..) => Meaning::new(Phase::Completed, "archived"),
        ("published", "readytopublish", _) => {
            Meaning::new(Phase::AwaitsGoLive, "the preview waits for the publisher to go live")
        }
        ("published", "publishing", _) => {
            Meaning { phase: Phase::Running, cancellability: Cancellability::TooLate, words: Some("going live") }
        }
        _ => Meaning { phase: Phase::Unknown, cancellability: Cancellability::Unsaid, words: None },
    }
}

/// A submission's words as one, as they came.
pub(super) fn word(said: Said<'_>) -> StatusWord {
    let update = match said.update.map(str::trim).filter(|update| !update.is_empty()) {
        // While a submission is under way, its update is the draft's, which is done.
        Some(update) if folded(said.substate) == "indraft" => format!(" (update: {update})"),
        _ => String::new(),
    };
    StatusWord::new(format!("{}/{}{update}", said.state.trim(), said.substate.trim()))
}

/// Whether cancelling is proven for a type of product (source: clients that do it, and Microsoft's own command line, in
/// which it is switched off for others).
pub(super) fn is_proven_for(product_type: Option<&str>) -> bool {
    product_type.is_some_and(|word| word.eq_ignore_ascii_case("AzureDynamics365BusinessCentral"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (state, substate, update, phase, may_be_cancelled) in [
            ("InProgress", "Submitted", Some("Completed"), Phase::Running, true),
            ("inprogress", "SUBMITTED", None, Phase::Running, true),
            ("InProgress", "InDraft", Some("Running"), Phase::Running, true),
            ("InProgress", "InDraft", Some("Failed"), Phase::Draft, false),
            ("InProgress", "InDraft", Some("Completed"), Phase::Unknown, false),
            ("InProgress", "InDraft", Some("PendingConfirmation"), Phase::Unknown, false),
            ("InProgress", "InDraft", None, Phase::Unknown, false),
            ("InProgress", "Failed", None, Phase::Failed, false),
            ("InProgress", "FailedInCertification", None, Phase::Failed, false),
            ("InProgress", "ReadyToPublish", None, Phase::Unknown, false),
            ("InProgress", "Publishing", None, Phase::Unknown, false),
            ("InProgress", "Cancelled", None, Phase::Cancelled, false),
            ("Published", "ReadyToPublish", None, Phase::AwaitsGoLive, false),
            ("Published", "Publishing", None, Phase::Running, false),
            ("Published", "InStore", None, Phase::Completed, false),
            ("Published", "Published", None, Phase::Completed, false),
            ("Published", "Submitted", None, Phase::Unknown, false),
            ("Cancelled", "Cancelled", None, Phase::Cancelled, false),
            ("Canceled", "", None, Phase::Cancelled, false),
            ("Deleted", "", None, Phase::Cancelled, false),
            ("Archived", "", None, Phase::Completed, false),
            ("RolledBack", "", None, Phase::Unknown, false),
            ("", "", None, Phase::Unknown, false),
        ] {
            let meaning = meaning(Said { state, substate, update });
            assert_eq!(meaning.phase, phase, "{state}/{substate} {update:?}");
            let allowed = meaning.phase == Phase::Running && meaning.cancellability == Cancellability::Unsaid;
            assert_eq!(allowed, may_be_cancelled, "{state}/{substate} {update:?}");
        }
    }
}
