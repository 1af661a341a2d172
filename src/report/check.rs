//! The check run on a commit: a verdict, the plan, and where it may be one an approval.
//!
//! Owns what the verdict is and what stands in which part. The decision document travels with
//! its digest, so that a later apply can hold its own against it entry by entry.

use super::annotations::{Annotation, AnnotationLevel, annotations};
use super::approval_text::approval_text;
use super::links::Links;
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
    /// The decision digest; none: nothing is approved by this check run.
    pub digest: Option<String>,
    /// One line.
    pub title: String,
    /// The plan or what came of it, as Markdown.
    pub summary: String,
    /// The decision document, as Markdown; none: nothing is approved by this check run.
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

/// The check run of a plan, or of what came of it.
#[must_use]
pub fn check(plan: &Plan, outcome: Option<&OutcomeDocument>, links: Links<'_>) -> Check {
    let is_troubled = plan.has_failures();
    let conclusion = match outcome {
        Some(outcome) if is_troubled || outcome.has_failures() => Conclusion::Failure,
        Some(outcome) if outcome.has_open_ends() => Conclusion::Neutral,
        // What is blocked or can't be read keeps nobody from approving the rest.
        None if is_troubled && plan.failed.is_none() && plan.refused.is_none() && plan.summary.cancel > 0 => {
            Conclusion::Neutral
        }
        None if is_troubled => Conclusion::Failure,
        None if plan.unread() > 0 => Conclusion::Neutral,
        _ => Conclusion::Success,
    };
    Check {
        conclusion,
        digest: None,
        title: outcome.map_or_else(|| words::headline(plan), words::outcome_headline),
        summary: match outcome {
            None => plan_markdown(plan, links, COMMENT_LIMIT),
            Some(outcome) => outcome_markdown(outcome, plan, links, COMMENT_LIMIT),
        },
        text: None,
        annotations: annotations(plan, outcome, links),
    }
}

impl Check {
    /// Makes it an approval of what the plan decides. False: the decision document is too long to travel.
    pub fn approve(&mut self, plan: &Plan) -> bool {
        self.text = approval_text(&plan.decision_document());
        self.digest = self.text.as_ref().map(|_| plan.decision_digest.clone());
        self.text.is_some()
    }
}
