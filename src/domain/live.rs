//! The live state of an offer: what was seen running in the portal.
//!
//! Owns the data alone. Reading it is the `portal` module's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cancellability, JobId, OperationId, Phase, ProductId, StatusWord};

/// A pending operation, as the portal describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The job that a cancel call names, on the portal where it names one.
    pub job_id: Option<JobId>,
    /// The address of its document in the portal.
    pub location: String,
    /// The page of its offer for people; null where the portal did not tell which product it is.
    pub link: Option<String>,
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
    /// The portal's word on whether it can be cancelled; null when it said nothing about it.
    pub cancellation: Option<StatusWord>,
}

/// Returns the page of a product for people (source: the addresses that Partner Center shows).
///
/// ```
/// use cancel_pending::domain::product_page;
/// let product = "0d5c0a4e-1111-4222-8333-944455566677".parse().unwrap();
/// let page = "https://partner.microsoft.com/dashboard/commercial-marketplace/offers/0d5c0a4e-1111-4222-8333-944455566677/overview";
/// assert_eq!(product_page(&product), page);
/// ```
#[must_use]
pub fn product_page(product: &ProductId) -> String {
    format!("https://partner.microsoft.com/dashboard/commercial-marketplace/offers/{}/overview", product.lower())
}

/// Makes a link to a product's page anew from one that came in a document: none where it is not of that form.
#[must_use]
pub fn trusted_product_page(link: &str) -> Option<String> {
    let rest = link.strip_prefix("https://partner.microsoft.com/dashboard/commercial-marketplace/offers/")?;
    rest.strip_suffix("/overview")?.parse().ok().map(|product| product_page(&product))
}

/// Why the live state of an offer is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadFailure {
    /// What went wrong, what the portal said of it, and what to do: plain text.
    pub message: String,
    /// What it is about.
    pub scope: FailureScope,
}

/// How much could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureScope {
    /// This offer, as far as anybody knows.
    Offer,
    /// Not one of the portal's offers, all for one reason: it is one failure, and not one for each.
    Portal,
}

/// An operation that has not ended, with what its portal's words come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningOperation {
    /// The operation.
    pub operation: Operation,
    /// Where it is in its life; not one of the phases of an end.
    pub phase: Phase,
    /// Whether it can be cancelled.
    pub cancellability: Cancellability,
    /// What the portal says about it: plain text, white space folded.
    pub message: Option<String>,
    /// What there is to know about cancelling it, or about its state, besides what the portal says.
    pub caveat: Option<String>,
    /// The entity tag that came with its document, if one did.
    pub guard: Option<String>,
}

/// An operation that neither runs nor is over: somebody has to do something about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestingOperation {
    /// Its id.
    pub id: OperationId,
    /// Where it is in its life: a draft, waiting for go-live, or failed.
    pub phase: Phase,
    /// The portal's word for that.
    pub word: StatusWord,
    /// What the portal says about it: plain text, white space folded.
    pub message: Option<String>,
}

/// What was seen of one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// No operation is running or queued.
    Nothing,
    /// One operation is running or queued.
    Running(Box<RunningOperation>),
    /// More than one operation is running or queued, which the portal's own rules exclude.
    Several(Vec<OperationId>),
    /// More than one product has this offer's id, and nothing says which one is meant.
    SeveralProducts(Vec<ProductId>),
    /// It could not be read.
    Unreadable(ReadFailure),
}

/// What was seen of an operation that is pinned and is not the one that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSighting {
    /// Nobody looked: nothing is pinned, or what is pinned runs.
    NotLooked,
    /// The portal knows it.
    Known {
        /// Where it is in its life.
        phase: Phase,
        /// The portal's word for that.
        word: Option<StatusWord>,
    },
    /// The portal does not know it.
    Unknown,
    /// The portal did not tell.
    Unreadable(ReadFailure),
}

/// What was seen of an offer and of what is pinned of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What runs.
    pub live: Live,
    /// What rests on it, where nothing runs.
    pub resting: Option<RestingOperation>,
    /// What became of the pinned operation, where another one runs or none.
    pub pin: PinSighting,
    /// The product, on portals whose cancel call names it.
    pub product: Option<ProductId>,
}

impl Observed {
    /// Nothing runs, and nothing was looked for.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::of(Live::Nothing)
    }

    /// The offer could not be read.
    #[must_use]
    pub const fn unreadable(message: String, scope: FailureScope) -> Self {
        Self::of(Live::Unreadable(ReadFailure { message, scope }))
    }

    /// This alone was seen.
    #[must_use]
    pub const fn of(live: Live) -> Self {
        Self { live, resting: None, pin: PinSighting::NotLooked, product: None }
    }
}
