//! Links: which addresses of a document people may follow.
//!
//! Owns that nothing else becomes one. A document may be a stranger's. So the page of an offer is made anew from the
//! product's GUID, and the address of an operation is a link only in a form that its portal documents, on an origin
//! that is not the stranger's own.

use std::fmt;

use crate::domain::{Operation, PortalKind, PortalOrigin, ProductId, product_page, trusted_product_page};
use crate::plan::PlannedPortal;

/// Returns an address in the form to link, where it is one that a portal of that kind documents, on that origin.
pub type DocumentedAddress = fn(PortalKind, &PortalOrigin, &str) -> Option<String>;

/// The links of a plan and its outcome.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    portals: &'a [PlannedPortal],
    is_own: bool,
    documented: DocumentedAddress,
}

impl fmt::Debug for Links<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Links").field("portals", &self.portals).field("is_own", &self.is_own).finish()
    }
}

impl<'a> Links<'a> {
    /// Links to the portals of a document. One that was made in this job was made on the portals that the job asked
    /// for (`is_own`); of any other only Microsoft's own and this machine are linked to.
    #[must_use]
    pub fn to(portals: &'a [PlannedPortal], is_own: bool, documented: DocumentedAddress) -> Self {
        Self { portals, is_own, documented }
    }

    /// The page of an offer for people.
    pub(super) fn page(operation: Option<&Operation>, product: Option<&ProductId>) -> Option<String> {
        let told = operation.and_then(|operation| operation.link.as_deref()).and_then(trusted_product_page);
        told.or_else(|| product.map(product_page))
    }

    /// An address that a portal told.
    pub(super) fn told(self, portal: PortalKind, address: &str) -> Option<String> {
        let origin = &self.portals.iter().find(|planned| planned.portal == portal)?.origin;
        let is_known = self.is_own || *origin == portal.microsoft() || origin.is_loopback();
        if is_known { (self.documented)(portal, origin, address) } else { None }
    }
}
