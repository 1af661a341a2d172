//! The portals: reading what runs on an offer and cancelling it, over HTTP.
//!
//! Owns what every portal has in common: the traits that a backend implements, and the answers
//! that they give. A portal is one folder; who is handed a [`ReadPortal`] can't cancel.
//! `client` is the way to any of them, `backend` the one place that tells them apart. Deciding
//! anything is not their business: what could not be read is said.

mod answers;
mod backend;
mod client;
pub mod cloud_partner;
mod each_once;
mod partner_center;
mod product_ingestion;
mod products;

use std::future::Future;
use std::time::Duration;

pub use backend::{Backend, BackendReader, BackendSlot, Backends, capabilities, documented_address};
pub use client::{
    Credential, CredentialError, Exchange, Failure, HttpExchange, Incoming, Outgoing, Pending, PortalError,
    RetryListener, StaticToken, Token, TransportSettings, Wanted, correlation_ids,
};

use crate::domain::{
    EmailAddress, JobId, Observed, OfferId, OfferKey, OfferList, OfferQuery, OperationId, Phase, ProductId,
    PublisherId, StatusWord,
};

/// A location of a long-running operation as the portal told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// For people: absolute where that is certain, else as it came.
    pub shown: String,
    /// Path and query, where it may be called.
    callable: Option<String>,
}

impl Location {
    /// One that is only shown, on a portal that tells none.
    pub(in crate::portal) fn only_shown(told: &str) -> Self {
        Self { shown: told.to_owned(), callable: None }
    }

    /// Whether it may be called: it has a documented form and lies on the portal's origin.
    #[must_use]
    pub const fn may_be_called(&self) -> bool {
        self.callable.is_some()
    }
}

/// What keeps a cancel call from hitting another operation than the one that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// A tag that changes with the offer. The portal itself refuses a call with an outdated one.
    Tag(String),
    /// The portal has no tag for this offer: nothing but the read right before the call guards it.
    Unguarded,
    /// The call names its operation, and needs no other guard.
    NotNeeded,
}

/// What the document of a cancellation says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationProgress {
    /// Where the cancellation itself is in its life.
    pub phase: Phase,
    /// The portal's word for that.
    pub status: Option<StatusWord>,
    /// The step that it is in.
    pub step: Option<String>,
    /// How far that step has come, in percent.
    pub percent: Option<u8>,
}

/// One look at an operation that is being cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// What runs, and what became of the operation.
    pub observed: Observed,
    /// What the cancellation's own document says, where it has one that could be read.
    pub progress: Option<CancellationProgress>,
    /// How long the portal asks to wait before it is read again.
    pub retry_after: Option<Duration>,
}

/// Reads a portal.
pub trait ReadPortal: Sync {
    /// What runs on an offer, and what became of the pinned operation if that is not what runs.
    fn live(&self, query: &OfferQuery) -> impl Future<Output = Result<Observed, Failure>> + Send;

    /// What guards a cancel call on an offer. That it can't be read is a failure, and not "no guard".
    fn guard(&self, query: &OfferQuery) -> impl Future<Output = Result<Guard, Failure>> + Send;

    /// Looks at an operation (the one that is pinned) that is being cancelled.
    fn follow(
        &self,
        query: &OfferQuery,
        location: Option<&Location>,
    ) -> impl Future<Output = Result<Followed, Failure>> + Send;

    /// What a cancelled operation has changed before it ended, in names for people. Most portals do not tell.
    fn left_changed(&self, _: &OfferQuery) -> impl Future<Output = Result<Vec<String>, Failure>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Reads a location that the portal told in an earlier run.
    fn resume(&self, told: &str) -> Location;
}

/// How far a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedSoFar {
    /// Pages.
    pub pages: usize,
    /// What was on them.
    pub offers: usize,
}

/// Hears after each page of a list how far it was read.
pub type ListWatch<'a> = &'a (dyn Fn(ListedSoFar) + Send + Sync);

/// For who does not want to hear of it.
pub const UNWATCHED: ListWatch<'static> = &|_| {};

/// Lists offers.
pub trait ListOffers: Sync {
    /// The offers of a publisher, all of them or a failure.
    fn list(
        &self,
        publisher: &PublisherId,
        watch: ListWatch<'_>,
    ) -> impl Future<Output = Result<OfferList, Failure>> + Send;

    /// The id by which an offer is listed, where that may be another one than the id in its address. None: it is listed
    /// by the id in its address, or there is no such offer.
    fn listed_id(&self, _: &OfferKey) -> impl Future<Output = Result<Option<OfferId>, Failure>> + Send {
        async { Ok(None) }
    }
}

/// A cancel call: everything that it is about, whether or not the portal's call can name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelCall {
    /// The offer.
    pub offer: OfferKey,
    /// The product.
    pub product: Option<ProductId>,
    /// The operation that is to be cancelled, and no other.
    pub operation: OperationId,
    /// The job.
    pub job: Option<JobId>,
    /// What was read right before.
    pub guard: Guard,
    /// Who is told of its progress.
    pub notify: Vec<EmailAddress>,
}

/// What came of a cancel call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelVerdict {
    /// Cancelled, the portal says.
    Done,
    /// Being cancelled.
    Accepted {
        /// Where that can be followed.
        location: Option<Location>,
        /// How long the portal asks to wait before it is read.
        retry_after: Option<Duration>,
    },
    /// The offer changed since its guard was read. Nothing was done.
    Changed(Failure),
    /// A clear no. Nothing was done.
    Refused(Failure),
    /// It did not take effect: it never left, or the portal turned it away before looking at it.
    NotSent(Failure),
    /// Anything else: it may have been carried out.
    Lost(Failure),
}

/// The answer to a cancel call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelAnswer {
    /// Its HTTP status; none: there was no answer.
    pub status: Option<u16>,
    /// What it means.
    pub verdict: CancelVerdict,
}

impl CancelAnswer {
    /// Whether the call left this machine, or may have.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.status.is_some() || !matches!(self.verdict, CancelVerdict::NotSent(_))
    }

    /// What went wrong, where something did.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            CancelVerdict::Done | CancelVerdict::Accepted { .. } => None,
            CancelVerdict::Changed(failure)
            | CancelVerdict::Refused(failure)
            | CancelVerdict::NotSent(failure)
            | CancelVerdict::Lost(failure) => Some(failure),
        }
    }
}

/// Cancels operations. Only an apply is handed one.
pub trait CancelPortal: Sync {
    /// Sends one cancel call, once.
    fn cancel(&self, call: &CancelCall) -> impl Future<Output = CancelAnswer> + Send;
}
