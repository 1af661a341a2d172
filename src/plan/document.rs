//! The plan document, `plan.json`: the plan itself and its stable form in one.
//!
//! Owns names and order of its fields. What the fields say is decided in `decide`.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::{EmailAddress, FileDigest, OfferId, Operation, PortalOrigin, PublisherId, SourceLocation};

/// The version of the document formats that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The version of a document: [`FORMAT_VERSION`], and nothing else can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FormatVersion;

impl TryFrom<u32> for FormatVersion {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == FORMAT_VERSION {
            Ok(Self)
        } else {
            Err(format!("format version {version} is not known, this program reads version {FORMAT_VERSION}"))
        }
    }
}

impl From<FormatVersion> for u32 {
    fn from(_: FormatVersion) -> Self {
        FORMAT_VERSION
    }
}

impl JsonSchema for FormatVersion {
    fn schema_name() -> Cow<'static, str> {
        "FormatVersion".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": FORMAT_VERSION })
    }
}

/// What is to be done about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Its running operation will be cancelled.
    Cancel,
    /// Its running operation is being cancelled already.
    Wait,
    /// Its running operation can't be cancelled, or it is not certain that it can.
    Blocked,
    /// Nothing of it has to be cancelled.
    InSync,
    /// Its mark has expired.
    Expired,
    /// It is not marked.
    Ignored,
    /// Its live state is not known.
    Error,
}

impl Decision {
    /// All of them, the gravest first.
    pub const ALL: [Self; 7] =
        [Self::Cancel, Self::Wait, Self::Blocked, Self::Error, Self::InSync, Self::Expired, Self::Ignored];

    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Wait => "wait",
            Self::Blocked => "blocked",
            Self::InSync => "in-sync",
            Self::Expired => "expired",
            Self::Ignored => "ignored",
            Self::Error => "error",
        }
    }
}

/// What there is to say about a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// It is not pinned: left in the file it cancels every later operation too.
    Unpinned,
    /// It is pinned to an operation that is over: it can be taken out.
    Spent,
}

impl Note {
    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unpinned => "unpinned",
            Self::Spent => "spent",
        }
    }
}

/// How many entries have which decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Summary {
    /// Entries with the decision `cancel`.
    pub cancel: usize,
    /// Entries with the decision `wait`.
    pub wait: usize,
    /// Entries with the decision `blocked`.
    pub blocked: usize,
    /// Entries with the decision `in-sync`.
    pub in_sync: usize,
    /// Entries with the decision `expired`.
    pub expired: usize,
    /// Entries with the decision `ignored`.
    pub ignored: usize,
    /// Entries with the decision `error`.
    pub error: usize,
}

impl Summary {
    /// Counts entries.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut summary = Self::default();
        for entry in entries {
            *match entry.decision {
                Decision::Cancel => &mut summary.cancel,
                Decision::Wait => &mut summary.wait,
                Decision::Blocked => &mut summary.blocked,
                Decision::InSync => &mut summary.in_sync,
                Decision::Expired => &mut summary.expired,
                Decision::Ignored => &mut summary.ignored,
                Decision::Error => &mut summary.error,
            } += 1;
        }
        summary
    }

    /// The entries with one decision.
    #[must_use]
    pub const fn count(&self, decision: Decision) -> usize {
        match decision {
            Decision::Cancel => self.cancel,
            Decision::Wait => self.wait,
            Decision::Blocked => self.blocked,
            Decision::InSync => self.in_sync,
            Decision::Expired => self.expired,
            Decision::Ignored => self.ignored,
            Decision::Error => self.error,
        }
    }

    /// All entries that are marked.
    #[must_use]
    pub const fn marked(&self) -> usize {
        self.cancel + self.wait + self.blocked + self.in_sync + self.expired + self.error
    }
}

/// One offer of the desired state, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// What is to be done.
    pub decision: Decision,
    /// What there is to say about the mark.
    pub note: Option<Note>,
    /// The reason that the file gives.
    pub reason: Option<String>,
    /// For `cancel` and `wait` what the portal says of the operation, for every other decision
    /// why it was taken. Plain text; it may quote the portal and is not safe to render as it is.
    pub message: Option<String>,
    /// Where the mark stands.
    pub source: SourceLocation,
    /// Who will be told of the cancellation's progress.
    pub notification_emails: Vec<EmailAddress>,
    /// The entity tag that came with the operation's document, if one did.
    pub etag: Option<String>,
    /// The operation that runs. In an `in-sync` entry it is another than the pinned one, and left alone.
    pub operation: Option<Box<Operation>>,
}

/// A plan: which cancel calls would be made, and why no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "cancel-pending plan")]
pub struct Plan {
    /// The version of this format.
    pub format_version: FormatVersion,
    /// Name and version of the program that made the plan.
    #[schemars(example = "cancel-pending 0.1.0")]
    pub tool: String,
    /// When the live state was read (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// The portal that the live state was read from.
    pub portal: PortalOrigin,
    /// The files of the desired state.
    pub desired: Vec<FileDigest>,
    /// SHA-256 of the decision document, in lower-case hexadecimal digits. Two plans with one
    /// digest do the same thing.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub decision_digest: String,
    /// Why the plan can't be applied; null when it can.
    pub refused: Option<String>,
    /// How many entries have which decision.
    pub summary: Summary,
    /// One entry an offer, sorted by publisher and offer.
    pub entries: Vec<Entry>,
}

impl Plan {
    /// The entries with one decision, in order.
    pub fn entries_with(&self, decision: Decision) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.decision == decision)
    }

    /// An entry whose offer another entry has too. A plan that was made has none.
    #[must_use]
    pub fn offer_twice(&self) -> Option<&Entry> {
        let mut seen = std::collections::HashSet::new();
        self.entries.iter().find(|entry| {
            let fold = |text: &str| text.to_ascii_lowercase();
            !seen.insert((fold(entry.publisher.as_str()), fold(entry.offer.as_str())))
        })
    }

    /// An entry that is to be cancelled or waited for and names no operation. A plan that was made has none.
    #[must_use]
    pub fn entry_without_target(&self) -> Option<&Entry> {
        let acts = |entry: &&Entry| matches!(entry.decision, Decision::Cancel | Decision::Wait);
        self.entries.iter().filter(acts).find(|entry| entry.operation.is_none())
    }

    /// Whether anything in it keeps it from being called a success: a refusal, an entry that
    /// is blocked, one whose live state could not be read.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.refused.is_some() || self.summary.blocked > 0 || self.summary.error > self.unread()
    }

    /// How many marked offers the portal was not asked about. All of them, or none.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_unread()).count()
    }
}
