//! The check run on a commit: a verdict, the decision that it is about, and the plan.
//!
//! Owns what the verdict is and what stands in which part. The decision document travels with
//! its digest, so that a later apply can hold its own against it entry by entry.

use super::annotations::{Annotation, AnnotationLevel, annotations};
use super::markdown::plan_markdown;
use super::outcome_markdown::outcome_markdown;
use super::{COMMENT_LIMIT, words};
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;

/// A check run's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// There is nothing to do, or what there is may be done, or was done.
    Success,
    /// The live state was not read, or something was sent whose end is not known.
    Neutral,
    /// Refused, blocked, not readable, failed.
    Failure,
}

/// What a check run shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The verdict.
    pub conclusion: Conclusion,
    /// The decision digest.
    pub digest: String,
    /// One line.
    pub title: String,
    /// The plan or what came of it, as Markdown.
    pub summary: String,
    /// The decision document, as Markdown; none where it is too long to travel.
    pub text: Option<String>,
    /// Notes on lines, at most ten of a kind.
    pub annotations: Vec<Annotation>,
}

impl Conclusion {
    /// GitHub's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Neutral => "neutral",
            Self::Failure => "failure",
        }
    }
}

impl AnnotationLevel {
    /// The word of GitHub's API for it.
    #[must_use]
    pub const fn api_word(self) -> &'static str {
        match self {
            Self::Error => "failure",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// The name of the check run. A repository with several desired states has one for each key.
#[must_use]
pub fn check_name(key: Option<&str>) -> String {
    key.map_or_else(|| "cancel-pending".to_owned(), |key| format!("cancel-pending ({key})"))
}

/// The decision document in the text of a check run, as it was written there.
#[must_use]
pub fn decision_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("\n```json\n")?;
    Some(rest.split_once("\n```")?.0)
}

/// The check run of a plan, or of what came of it.
#[must_use]
pub fn check(plan: &Plan, outcome: Option<&OutcomeDocument>) -> Check {
    let failed = plan.has_failures() || outcome.is_some_and(OutcomeDocument::has_failures);
    let conclusion = match outcome {
        _ if failed => Conclusion::Failure,
        None if plan.unread() > 0 => Conclusion::Neutral,
        Some(outcome) if outcome.has_open_ends() => Conclusion::Neutral,
        _ => Conclusion::Success,
    };
    let document = plan.decision_document().canonical_json();
    // Ids, addresses and digests hold no backtick, so the fence can't be closed from within.
    let text = format!("The decision document, whose SHA-256 is the decision digest:\n\n```json\n{document}\n```\n");
    Check {
        conclusion,
        digest: plan.decision_digest.clone(),
        title: outcome.map_or_else(|| words::headline(plan), words::outcome_headline),
        summary: match outcome {
            None => plan_markdown(plan, COMMENT_LIMIT),
            Some(outcome) => outcome_markdown(outcome, plan, COMMENT_LIMIT),
        },
        text: (text.len() <= COMMENT_LIMIT && !document.contains('`')).then_some(text),
        annotations: annotations(plan, outcome),
    }
}
