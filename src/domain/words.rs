//! Status words as a portal writes them, and what can be concluded from them.
//!
//! Owns the phases of an operation. Which word means which phase is decided by the portal's own
//! backend, once, where the answer is read; a word that it does not know is kept as it came.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A status word as the portal wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StatusWord(String);

/// Where an operation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its turn.
    Queued,
    /// It is running, or waits for somebody.
    Running,
    /// Its cancellation has begun.
    Cancelling,
    /// It ended because it was cancelled.
    Cancelled,
    /// It ended by itself, as intended.
    Completed,
    /// It ended by itself, with an error.
    Failed,
    /// It is a draft that nobody has submitted, or that could not be submitted. Nothing runs.
    Draft,
    /// Its preview is done and waits for the publisher to go live. Nothing runs.
    AwaitsGoLive,
    /// The portal describes it by a word that is not known.
    Unknown,
}

/// Whether the portal lets an operation be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellability {
    /// It says that it can be.
    Allowed,
    /// It has no word on that.
    Unsaid,
    /// It no longer can be: the operation is past the point.
    TooLate,
    /// It says that it can't be.
    Refused,
    /// It says something that is not known.
    Unknown,
    /// It has no word on that, and what would keep a call from hitting another operation is missing or does not hold.
    Unguarded,
}

impl Phase {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Failed)
    }

    /// Whether it came to rest without having been cancelled.
    #[must_use]
    pub const fn has_ended_by_itself(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Draft | Self::AwaitsGoLive)
    }

    /// Whether something goes on or may go on: it is neither over nor at rest.
    #[must_use]
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Cancelling | Self::Unknown)
    }
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
}

impl fmt::Display for StatusWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
