//! What `status` has found, as data.
//!
//! Owns names and order of the fields, and what counts as running.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{OfferId, Operation, PortalKind, ProductId, PublisherId, SourceLocation, StatusWord};
use crate::plan::PlannedPortal;

/// The version of this document. It is of its own: nothing reads the document back.
pub const STATUS_FORMAT_VERSION: u32 = 1;

/// What an offer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatusState {
    /// An operation is running.
    Running,
    /// An operation waits for its turn.
    Queued,
    /// An operation is being cancelled.
    Cancelling,
    /// An operation is running, and it is too late to cancel it.
    TooLate,
    /// There is an operation in a state that is not known. It is taken for running.
    Unknown,
    /// More than one operation is running or queued.
    SeveralOperations,
    /// Several products have this offer's id.
    SeveralProducts,
    /// It could not be read.
    Unreadable,
    /// A preview is done and waits for go-live. Nothing is running.
    AwaitsGoLive,
    /// There is a draft that was not submitted. Nothing is running.
    Draft,
    /// The last operation failed. Nothing is running.
    Failed,
    /// No operation is running or queued.
    Idle,
}

impl StatusState {
    /// All of them, what needs attention first.
    pub const ALL: [Self; 12] = [
        Self::Running,
        Self::Queued,
        Self::Cancelling,
        Self::TooLate,
        Self::Unknown,
        Self::SeveralOperations,
        Self::SeveralProducts,
        Self::Unreadable,
        Self::AwaitsGoLive,
        Self::Draft,
        Self::Failed,
        Self::Idle,
    ];

    /// Whether an operation goes on, or may go on.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::Running | Self::Queued | Self::Cancelling | Self::TooLate | Self::Unknown | Self::SeveralOperations
        )
    }

    /// Whether it is not known what the offer is doing.
    #[must_use]
    pub const fn is_unclear(self) -> bool {
        matches!(self, Self::SeveralProducts | Self::Unreadable)
    }
}

/// What the files say of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatusMark {
    /// It is marked: whatever runs on it is to be cancelled.
    Marked,
    /// It is marked, and pinned to the operation that runs, or to one that is not known to be over.
    Pinned,
    /// It is marked, and pinned to another operation than the one that runs, which is left alone.
    PinnedElsewhere,
    /// It is marked, and the operation that it is pinned to is over.
    Spent,
    /// Its mark has expired.
    Expired,
    /// A freeze is for it.
    Frozen,
    /// A freeze may be for it: the portal lists it by a GUID alone, so that its name is not known.
    FreezeUnclear,
    /// It is listed with `cancelPending: false`.
    Spared,
    /// It is listed, and not marked.
    Unmarked,
    /// No file names it.
    InNoFile,
}

impl StatusMark {
    /// Whether a file wants what runs on the offer to be cancelled.
    #[must_use]
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::Marked | Self::Pinned | Self::Frozen)
    }
}

/// Which offers were asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusSelection {
    /// The files and directories that were read, relative to the root of the work tree.
    pub paths: Vec<String>,
    /// The publishers that were named; empty: those of the files.
    pub publishers: Vec<String>,
    /// The portal that was named; null: those of the files, or the default.
    pub portal: Option<PortalKind>,
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferStatus {
    /// The portal that the offer is on.
    pub portal: PortalKind,
    /// Whose offer it is; null where the portal names no publisher and the files name several.
    pub publisher: Option<PublisherId>,
    /// The offer. It is a GUID where the portal lists the offer by that alone.
    pub offer: OfferId,
    /// The product that the offer is, where that was read.
    pub product_id: Option<ProductId>,
    /// What kind of offer it is, in the portal's word.
    pub kind: Option<String>,
    /// Its name for people. Plain text from the portal.
    pub name: Option<String>,
    /// What it is doing.
    pub state: StatusState,
    /// Its status in the portal's list of offers, as the portal wrote it.
    pub listed_status: Option<StatusWord>,
    /// The operation that is running.
    pub operation: Option<Box<Operation>>,
    /// What there is to say about that. Plain text; it may quote the portal.
    pub message: Option<String>,
    /// What the files say of it.
    pub mark: StatusMark,
    /// The reason that the file gives.
    pub reason: Option<String>,
    /// From when on the mark or the freeze does nothing (RFC 3339, UTC).
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires: Option<Timestamp>,
    /// Where it stands in the files: its mark, its freeze, or its id; null where no file names it.
    pub source: Option<SourceLocation>,
}

/// Something that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusFailure {
    /// The portal.
    pub portal: PortalKind,
    /// The publisher, where it is about one.
    pub publisher: Option<PublisherId>,
    /// What went wrong. Plain text; it may quote the portal.
    pub message: String,
    /// Where it stands in the files; null where it is not about a file.
    pub source: Option<SourceLocation>,
}

/// A product without the id of an offer: no file can name it, and it was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnnamedProduct {
    /// The portal.
    pub portal: PortalKind,
    /// The product.
    pub product_id: ProductId,
}

/// How many offers are doing what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusSummary {
    /// All offers.
    pub offers: usize,
    /// Offers on which an operation goes on, or may go on.
    pub active: usize,
    /// Of these, those that a file wants stopped.
    pub wanted: usize,
    /// Of these, those that are in no file.
    pub in_no_file: usize,
    /// Offers in the state `running`.
    pub running: usize,
    /// Offers in the state `queued`.
    pub queued: usize,
    /// Offers in the state `cancelling`.
    pub cancelling: usize,
    /// Offers in the state `too-late`.
    pub too_late: usize,
    /// Offers in the state `unknown`.
    pub unknown: usize,
    /// Offers in the state `several-operations`.
    pub several_operations: usize,
    /// Offers in the state `several-products`.
    pub several_products: usize,
    /// Offers in the state `unreadable`.
    pub unreadable: usize,
    /// Offers in the state `awaits-go-live`.
    pub awaits_go_live: usize,
    /// Offers in the state `draft`.
    pub draft: usize,
    /// Offers in the state `failed`.
    pub failed: usize,
    /// Offers in the state `idle`.
    pub idle: usize,
}

impl StatusSummary {
    /// Counts offers.
    #[must_use]
    pub fn of(offers: &[OfferStatus]) -> Self {
        let mut summary = Self { offers: offers.len(), ..Self::default() };
        for offer in offers {
            *match offer.state {
                StatusState::Running => &mut summary.running,
                StatusState::Queued => &mut summary.queued,
                StatusState::Cancelling => &mut summary.cancelling,
                StatusState::TooLate => &mut summary.too_late,
                StatusState::Unknown => &mut summary.unknown,
                StatusState::SeveralOperations => &mut summary.several_operations,
                StatusState::SeveralProducts => &mut summary.several_products,
                StatusState::Unreadable => &mut summary.unreadable,
                StatusState::AwaitsGoLive => &mut summary.awaits_go_live,
                StatusState::Draft => &mut summary.draft,
                StatusState::Failed => &mut summary.failed,
                StatusState::Idle => &mut summary.idle,
            } += 1;
            if offer.state.is_active() {
                summary.active += 1;
                summary.wanted += usize::from(offer.mark.is_wanted());
                summary.in_no_file += usize::from(offer.mark == StatusMark::InNoFile);
            }
        }
        summary
    }
}

/// What runs on the offers of publishers, and which file wants it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "cancel-pending status")]
pub struct StatusDocument {
    /// The version of this format.
    #[schemars(extend("const" = STATUS_FORMAT_VERSION))]
    pub format_version: u32,
    /// Name and version of the program.
    #[schemars(example = "cancel-pending 0.2.0")]
    pub tool: String,
    /// When it was read (RFC 3339, UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// Which offers were asked about.
    pub selection: StatusSelection,
    /// The portals that were read, each once, sorted.
    pub portals: Vec<PlannedPortal>,
    /// The offers, sorted by portal, publisher and offer.
    pub offers: Vec<OfferStatus>,
    /// Products without the id of an offer.
    pub unnamed_products: Vec<UnnamedProduct>,
    /// What could not be found out, besides offers that could not be read.
    pub failures: Vec<StatusFailure>,
    /// How many offers are doing what.
    pub summary: StatusSummary,
}

impl StatusDocument {
    /// Whether something could not be found out.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        !self.failures.is_empty() || self.summary.unreadable > 0 || self.summary.several_products > 0
    }

    /// Whether another look saw the same, whenever that was.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.offers == other.offers
            && self.failures == other.failures
            && self.unnamed_products == other.unnamed_products
    }

    /// The offers in one state, in order.
    pub fn offers_in(&self, state: StatusState) -> impl Iterator<Item = &OfferStatus> {
        self.offers.iter().filter(move |offer| offer.state == state)
    }
}
