//! What names an offer for this program: its portal, its publisher and its id.
//!
//! Owns the key under which everything about an offer is found again.

use std::fmt;

use super::{JobId, OfferId, OperationId, PortalKind, ProductId, PublisherId};

/// An offer on a portal. Keys are equal and ordered without regard to letter case, as the ids in them are.
///
/// ```
/// use cancel_pending::domain::{OfferKey, PortalKind};
/// let key = |offer: &str| OfferKey {
///     portal: PortalKind::CloudPartner,
///     publisher: "contoso".parse().unwrap(),
///     offer: offer.parse().unwrap(),
/// };
/// assert_eq!(key("Contoso-VM"), key("contoso-vm"));
/// assert_eq!(key("Contoso-VM").to_string(), "contoso/Contoso-VM");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OfferKey {
    /// The portal.
    pub portal: PortalKind,
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
}

impl fmt::Display for OfferKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.publisher, self.offer)
    }
}

/// An offer, and what is pinned of it: what a portal is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferQuery {
    /// The offer.
    pub key: OfferKey,
    /// The product that it must be.
    pub product: Option<ProductId>,
    /// The operation that is pinned.
    pub operation: Option<OperationId>,
    /// The job that is to be cancelled.
    pub job: Option<JobId>,
}

impl OfferQuery {
    /// A question about an offer of which nothing is pinned.
    #[must_use]
    pub const fn unpinned(key: OfferKey) -> Self {
        Self { key, product: None, operation: None, job: None }
    }
}
