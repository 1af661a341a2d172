//! The plan document, `plan.json`: the plan itself and its stable form in one.
//!
//! Owns names and order of its fields. What the fields say is decided in `decide`.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::{
    EmailAddress, FileDigest, OfferId, OfferKey, OfferPattern, OfferQuery, Operation, OperationId, PortalKind,
    PortalOrigin, ProductId, PublisherId, Rule, SchemaVersion, SellerId, SourceLocation,
};

/// The version of the document formats that this program writes and reads.
pub const FORMAT_VERSION: u32 = 2;

/// The version of a document: [`FORMAT_VERSION`], and nothing else can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FormatVersion;

impl TryFrom<u32> for FormatVersion {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == FORMAT_VERSION { Ok(Self) } else { Err(unreadable_version(version)) }
    }
}

/// Says what to do about a document of another version.
fn unreadable_version(version: u32) -> String {
    if version < FORMAT_VERSION {
        format!("it was made by an older release (format version {version}); run `cancel-pending plan` again")
    } else {
        format!(
            "it was made by a newer release (format version {version}, and this one reads {FORMAT_VERSION}); \
             use the same release for all steps"
        )
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

/// What there is to say about a mark, or about what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// The mark is not pinned: while it stays in the file, every future operation is cancelled too.
    Unpinned,
    /// The mark is pinned to an operation that was seen to be over: it can be removed.
    Spent,
    /// The mark is pinned to an operation that the portal does not know.
    UnknownPin,
    /// The operation is past the point where it could be cancelled.
    TooLate,
    /// What is there is a draft that was not submitted: nothing runs.
    Draft,
    /// What is there is a preview that waits for the publisher to go live: nothing runs.
    AwaitsGoLive,
    /// The portal was not asked.
    NotRead,
    /// No offer of the portal could be read, each for this one reason.
    PortalUnreadable,
}

impl Note {
    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unpinned => "unpinned",
            Self::Spent => "spent",
            Self::UnknownPin => "unknown-pin",
            Self::TooLate => "too-late",
            Self::Draft => "draft",
            Self::AwaitsGoLive => "awaits-go-live",
            Self::NotRead => "not-read",
            Self::PortalUnreadable => "portal-unreadable",
        }
    }
}

/// A portal that a plan was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedPortal {
    /// Which API it speaks.
    pub portal: PortalKind,
    /// Where it is.
    pub origin: PortalOrigin,
    /// The account in whose name it is asked; absent where the files name none.
    #[serde(rename = "publisherId", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SellerId")]
    pub seller: Option<SellerId>,
    /// The version of the documents that it is asked about; absent where the files name none, or the usual one.
    #[serde(rename = "version", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SchemaVersion")]
    pub schema_version: Option<SchemaVersion>,
}

/// Which offers a plan is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanSelection {
    /// The files and directories that were named, relative to the root of the work tree.
    pub paths: Vec<String>,
    /// Offers of these publishers alone; empty: of all.
    pub publishers: Vec<String>,
    /// These offers alone; empty: all.
    pub offers: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFailure {
    /// What kind of mistake it is.
    pub code: String,
    /// What is wrong. Plain text; it may quote a file or the portal.
    pub message: String,
    /// The file, where the mistake is in one.
    pub path: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u64>,
    /// The column in characters, counted from 1.
    pub column: Option<u64>,
    /// What to do about it.
    pub help: Option<String>,
}

/// An operation that runs on an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoveredOperation {
    /// The offer.
    pub offer: OfferId,
    /// The operation.
    pub operation: Box<Operation>,
}

/// What runs on the offers of a publisher and is in no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The portal.
    pub portal: PortalKind,
    /// The publisher.
    pub publisher: PublisherId,
    /// How many offers were looked at.
    pub offers: usize,
    /// What runs and is in no file.
    pub running: Vec<CoveredOperation>,
    /// Offers in no file of which it is not known what runs, each with the reason; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclear: Vec<UncoveredOffer>,
    /// Why the offers could not be listed, so that nothing is known; absent where they could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub error: Option<String>,
}

/// An offer in no file of which it is not known what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UncoveredOffer {
    /// The offer.
    pub offer: OfferId,
    /// Why. Plain text; it may quote the portal.
    pub message: String,
}

/// A freeze, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedFreeze {
    /// The portal whose offers it is for.
    pub portal: PortalKind,
    /// The publisher whose offers it is for.
    pub publisher: PublisherId,
    /// Which of them.
    pub offers: Vec<OfferPattern>,
    /// Which of those are left alone.
    pub except: Vec<OfferPattern>,
    /// From when on the freeze does nothing (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires: Timestamp,
    /// The reason that the file gives.
    pub reason: String,
    /// Where it is in the file.
    pub source: SourceLocation,
    /// How many offers it is for; null where they were not listed.
    pub matched: Option<usize>,
    /// `spent`: it has expired and can be removed. `not-read`: the offers were not listed.
    pub note: Option<Note>,
    /// What there is to say about it. Plain text; it may quote the portal.
    pub message: Option<String>,
    /// Why it does nothing, although it holds: the offers could not be listed whole. Plain text; it may quote the portal.
    pub error: Option<String>,
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
    /// The portal that the offer is on.
    pub portal: PortalKind,
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// The product that the offer is, on a portal that has products.
    pub product_id: Option<ProductId>,
    /// What is to be done.
    pub decision: Decision,
    /// What there is to say about the mark, or about what it is for.
    pub note: Option<Note>,
    /// What marks the offer; null: its own mark, or nothing.
    pub rule: Option<Rule>,
    /// The reason that the file gives.
    pub reason: Option<String>,
    /// From when on the mark does nothing (RFC 3339, UTC).
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires: Option<Timestamp>,
    /// For `cancel` and `wait` what the portal says of the operation, for every other decision
    /// why it was taken. Plain text; it may quote the portal and is not safe to render as it is.
    pub message: Option<String>,
    /// Where the mark is in the file.
    pub source: SourceLocation,
    /// Who is told of the cancellation's progress, on a portal that takes addresses.
    pub notification_emails: Vec<EmailAddress>,
    /// The entity tag that came with the operation's document, if one did. For information: the
    /// guard of a call is read right before it.
    pub guard: Option<String>,
    /// The operation that is running. In an `in-sync` entry it is another one than the pinned one, and left alone.
    pub operation: Option<Box<Operation>>,
}

/// A plan: which operations would be cancelled, and why others would not.
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
    /// Which offers the plan is about.
    pub selection: PlanSelection,
    /// The portals that the live state was read from, each once, sorted.
    pub portals: Vec<PlannedPortal>,
    /// The files of the desired state.
    pub desired: Vec<FileDigest>,
    /// SHA-256 of the decision document, in lower-case hexadecimal digits. Two plans with one
    /// digest do the same thing.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub decision_digest: String,
    /// Why the plan can't be applied; null when it can.
    pub refused: Option<String>,
    /// Why there is no plan; null when there is one.
    pub failed: Option<Vec<PlanFailure>>,
    /// How many entries have which decision.
    pub summary: Summary,
    /// One entry an offer, sorted by portal, publisher and offer.
    pub entries: Vec<Entry>,
    /// The freezes of the files; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<PlannedFreeze>,
    /// What is running and is in no file; null when nobody looked.
    pub coverage: Option<Vec<Coverage>>,
}

/// Why no offer of a portal could be read: one error, however many offers it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalFailure<'a> {
    /// Which portal.
    pub portal: PortalKind,
    /// Where it is, where the plan says that.
    pub origin: Option<&'a PortalOrigin>,
    /// What went wrong, as the first entry has it. Plain text; it may quote the portal.
    pub message: &'a str,
    /// The entries that could not be read, at least one.
    pub entries: Vec<&'a Entry>,
}

impl Coverage {
    /// Whether it does not tell of every offer.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.error.is_some() || !self.unclear.is_empty()
    }
}

impl Entry {
    /// The offer that it is about.
    #[must_use]
    pub fn key(&self) -> OfferKey {
        OfferKey { portal: self.portal, publisher: self.publisher.clone(), offer: self.offer.clone() }
    }

    /// What the portal is asked about its operation.
    #[must_use]
    pub fn query(&self, operation: OperationId) -> OfferQuery {
        let job = self.operation.as_ref().and_then(|own| own.job_id.clone());
        OfferQuery { key: self.key(), product: self.product_id.clone(), operation: Some(operation), job }
    }

    /// Whether a freeze marks it.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.rule == Some(Rule::Freeze)
    }

    /// Whether nothing is known of the live state because nobody asked for it.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.note == Some(Note::NotRead)
    }

    /// Whether it could not be read for a reason that it shares with every other offer of its portal.
    #[must_use]
    pub fn is_portal_unreadable(&self) -> bool {
        self.decision == Decision::Error && self.note == Some(Note::PortalUnreadable)
    }
}

impl Plan {
    /// The entries with one decision, in order.
    pub fn entries_with(&self, decision: Decision) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.decision == decision)
    }

    /// Where one of its portals is.
    #[must_use]
    pub fn origin(&self, portal: PortalKind) -> Option<&PortalOrigin> {
        self.portals.iter().find(|planned| planned.portal == portal).map(|planned| &planned.origin)
    }

    /// An entry whose offer another entry has too. A plan that was made has none.
    #[must_use]
    pub fn offer_twice(&self) -> Option<&Entry> {
        let mut seen = std::collections::HashSet::new();
        self.entries.iter().find(|entry| !seen.insert(entry.key()))
    }

    /// An entry that is to be cancelled or waited for and names no operation, or no portal that
    /// the plan knows. A plan that was made has none.
    #[must_use]
    pub fn entry_without_target(&self) -> Option<&Entry> {
        let acts = |entry: &&Entry| matches!(entry.decision, Decision::Cancel | Decision::Wait);
        let aimless = |entry: &&Entry| entry.operation.is_none() || self.origin(entry.portal).is_none();
        self.entries.iter().filter(acts).find(aimless)
    }

    /// Whether anything in it keeps it from being called a success: a refusal, an entry that
    /// is blocked, one whose live state could not be read.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.failed.is_some()
            || self.refused.is_some()
            || self.summary.blocked > 0
            || self.summary.error > self.unread()
            || self.unlisted_freezes().next().is_some()
            || self.incomplete_coverage().next().is_some()
    }

    /// What a freeze reaches.
    pub fn entries_of<'a>(&'a self, freeze: &'a PlannedFreeze) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.is_frozen() && entry.source == freeze.source)
    }

    /// The freezes that hold, and of which it is not known what they reach, each with the reason.
    pub fn unlisted_freezes(&self) -> impl Iterator<Item = (&PlannedFreeze, &str)> {
        self.freezes.iter().filter_map(|freeze| Some((freeze, freeze.error.as_deref()?)))
    }

    /// The publishers whose coverage is not known, or not of every offer.
    pub fn incomplete_coverage(&self) -> impl Iterator<Item = &Coverage> {
        self.coverage.iter().flatten().filter(|one| one.is_incomplete())
    }

    /// The portals of which no offer could be read, each once, in order. Their entries are told by
    /// [`Entry::is_portal_unreadable`].
    #[must_use]
    pub fn portal_failures(&self) -> Vec<PortalFailure<'_>> {
        let mut failures: Vec<PortalFailure<'_>> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is_portal_unreadable()) {
            match failures.iter_mut().find(|failure| failure.portal == entry.portal) {
                Some(failure) => failure.entries.push(entry),
                None => failures.push(PortalFailure {
                    portal: entry.portal,
                    origin: self.origin(entry.portal),
                    message: entry.message.as_deref().unwrap_or("it could not be read"),
                    entries: vec![entry],
                }),
            }
        }
        failures
    }

    /// How many marked offers the portal was not asked about. All of them, or none.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_unread()).count()
    }
}
