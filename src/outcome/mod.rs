//! The outcome document, `outcome.json`: what an apply did, entry by entry, as it was seen.
//!
//! Owns names and order of its fields, and what an outcome means for the exit status. Pure:
//! what happened is found out in `apply`.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{OfferId, OfferKey, OperationId, PortalKind, ProductId, PublisherId, StatusWord};
use crate::plan::{FormatVersion, PlannedPortal};

/// How it ended for one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was cancelled: the portal confirmed it, and it is no longer running.
    Cancelled,
    /// The portal accepted the cancellation, and it was not (yet) confirmed.
    Accepted,
    /// It had ended by a cancellation before a call was needed.
    AlreadyDone,
    /// It ended by itself, and was not cancelled.
    Completed,
    /// Another operation is running in its place, and was left alone.
    Superseded,
    /// It was not cancelled.
    Failed,
    /// It is not known how it ended.
    Unknown,
    /// Nothing was sent: the run ended before, or the mark no longer holds.
    NotAttempted,
}

impl Outcome {
    /// All of them, what needs attention first.
    pub const ALL: [Self; 8] = [
        Self::Failed,
        Self::Completed,
        Self::Unknown,
        Self::NotAttempted,
        Self::Accepted,
        Self::Superseded,
        Self::Cancelled,
        Self::AlreadyDone,
    ];

    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Accepted => "accepted",
            Self::AlreadyDone => "already-done",
            Self::Completed => "completed",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotAttempted => "not-attempted",
        }
    }
}

/// How many entries ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutcomeSummary {
    /// Entries with the outcome `cancelled`.
    pub cancelled: usize,
    /// Entries with the outcome `accepted`.
    pub accepted: usize,
    /// Entries with the outcome `already-done`.
    pub already_done: usize,
    /// Entries with the outcome `completed`.
    pub completed: usize,
    /// Entries with the outcome `superseded`.
    pub superseded: usize,
    /// Entries with the outcome `failed`.
    pub failed: usize,
    /// Entries with the outcome `unknown`.
    pub unknown: usize,
    /// Entries with the outcome `not-attempted`.
    pub not_attempted: usize,
}

impl OutcomeSummary {
    /// Counts entries.
    #[must_use]
    pub fn of(entries: &[OutcomeEntry]) -> Self {
        let mut summary = Self::default();
        for entry in entries {
            *match entry.outcome {
                Outcome::Cancelled => &mut summary.cancelled,
                Outcome::Accepted => &mut summary.accepted,
                Outcome::AlreadyDone => &mut summary.already_done,
                Outcome::Completed => &mut summary.completed,
                Outcome::Superseded => &mut summary.superseded,
                Outcome::Failed => &mut summary.failed,
                Outcome::Unknown => &mut summary.unknown,
                Outcome::NotAttempted => &mut summary.not_attempted,
            } += 1;
        }
        summary
    }

    /// The entries with one outcome.
    #[must_use]
    pub const fn count(&self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Cancelled => self.cancelled,
            Outcome::Accepted => self.accepted,
            Outcome::AlreadyDone => self.already_done,
            Outcome::Completed => self.completed,
            Outcome::Superseded => self.superseded,
            Outcome::Failed => self.failed,
            Outcome::Unknown => self.unknown,
            Outcome::NotAttempted => self.not_attempted,
        }
    }
}

/// An operation that started on an offer after one was cancelled there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Follower {
    /// The operation. It was left alone.
    pub id: OperationId,
    /// When it was first seen (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub seen_at: Timestamp,
}

/// What came of one entry of the plan, or of a call that an earlier run left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutcomeEntry {
    /// The portal that the offer is on.
    pub portal: PortalKind,
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// The product, on a portal whose cancel call names it.
    pub product_id: Option<ProductId>,
    /// The operation that was to be cancelled.
    pub operation_id: OperationId,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status of the last answer to a cancel call; null when there was none.
    pub http_status: Option<u16>,
    /// The location of the cancellation as the portal told it; null when it told none. It may
    /// lie anywhere, and is called only where it is known to belong to the portal.
    pub location: Option<String>,
    /// The last status word that was seen of the cancellation, or of the operation where the
    /// cancellation has no document.
    pub final_status: Option<StatusWord>,
    /// How many cancel calls left this machine, those of earlier runs included.
    pub attempts: u32,
    /// The operation that started on the offer after this one was cancelled; null when none was seen.
    pub followed_by: Option<Follower>,
    /// What there is to say about it. Plain text; it may quote the portal and is not safe to
    /// render as it is.
    pub message: Option<String>,
    /// When work on it began (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: Timestamp,
    /// When its outcome was known (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished_at: Timestamp,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "cancel-pending outcome")]
pub struct OutcomeDocument {
    /// The version of this format.
    pub format_version: FormatVersion,
    /// Name and version of the program.
    #[schemars(example = "cancel-pending 0.1.0")]
    pub tool: String,
    /// When the apply began (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: Timestamp,
    /// When it ended (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished_at: Timestamp,
    /// The portals, each once, sorted.
    pub portals: Vec<PlannedPortal>,
    /// The decision digest of the plan that was applied.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub decision_digest: String,
    /// How many entries ended how.
    pub summary: OutcomeSummary,
    /// One entry a `cancel` and `wait` entry of the plan, and a call that an earlier run left
    /// open; sorted by portal, publisher and offer.
    pub entries: Vec<OutcomeEntry>,
}

impl OutcomeEntry {
    /// The offer that it is about.
    #[must_use]
    pub fn key(&self) -> OfferKey {
        OfferKey { portal: self.portal, publisher: self.publisher.clone(), offer: self.offer.clone() }
    }
}

impl OutcomeDocument {
    /// The entries with one outcome, in order.
    pub fn entries_with(&self, outcome: Outcome) -> impl Iterator<Item = &OutcomeEntry> {
        self.entries.iter().filter(move |entry| entry.outcome == outcome)
    }

    /// The entries by their offer; of several, the first.
    #[must_use]
    pub fn by_offer(&self) -> HashMap<OfferKey, &OutcomeEntry> {
        let mut entries = HashMap::with_capacity(self.entries.len());
        for entry in &self.entries {
            entries.entry(entry.key()).or_insert(entry);
        }
        entries
    }

    /// Whether something was not cancelled that should have been.
    #[must_use]
    pub const fn has_failures(&self) -> bool {
        self.summary.failed > 0 || self.summary.completed > 0 || self.summary.not_attempted > 0
    }

    /// Whether something was sent whose end is not known.
    #[must_use]
    pub const fn has_open_ends(&self) -> bool {
        self.summary.accepted > 0 || self.summary.unknown > 0
    }
}
