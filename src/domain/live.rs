//! The live state of an offer: what was seen running in the portal.
//!
//! Owns the data alone. Reading it is the `portal` module's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CancellationWord, OperationId, Phase, StatusWord};

/// A pending operation, as the portal describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The address of its document in the portal.
    pub location: String,
    /// What it does, in the portal's word (`publish`, `golive`); null when the portal gave none.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its status word as the portal wrote it.
    pub state: Option<StatusWord>,
    /// When the portal last changed it (RFC 3339, UTC).
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub changed_at: Option<Timestamp>,
    /// The step that it is in.
    pub step: Option<String>,
    /// That step's status word as the portal wrote it.
    pub step_status: Option<StatusWord>,
    /// The number of that step, counted from 1.
    pub step_number: Option<u32>,
    /// How many steps the operation has.
    pub step_count: Option<u32>,
    /// How long the portal says that step takes, in its own words (`< 5 day`).
    pub step_estimate: Option<String>,
    /// How far that step has come, in percent.
    #[schemars(range(max = 100))]
    pub progress: Option<u8>,
    /// The portal's `cancellationRequestState`; null when it said nothing about it.
    pub cancellation: Option<StatusWord>,
}

impl Operation {
    /// Whether the portal says, in either of its words for it, that it is being cancelled.
    #[must_use]
    pub fn is_being_cancelled(&self) -> bool {
        self.cancellation.as_ref().map(StatusWord::cancellation) == Some(CancellationWord::Requested)
            || self.state.as_ref().map(StatusWord::phase) == Some(Phase::Cancelling)
    }
}

/// Why the live state of an offer is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadFailure {
    /// What went wrong, what the portal said of it, and what to do: plain text.
    pub message: String,
}

/// What was seen of one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Nothing runs.
    Nothing,
    /// One operation runs.
    Running {
        /// The operation.
        operation: Box<Operation>,
        /// The entity tag that came with its document, if one did.
        etag: Option<String>,
        /// What the portal says about it: plain text, white space folded.
        message: Option<String>,
    },
    /// More than one operation runs, which the portal's own rules exclude.
    Several(Vec<OperationId>),
    /// It could not be read.
    Unreadable(ReadFailure),
}
