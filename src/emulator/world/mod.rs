//! What the emulated portals hold, for all APIs.
//!
//! Owns the state that calls read and change, and how it moves with the clock. Knows nothing of HTTP.

mod jobs;
mod operations;
mod products;
mod reads;

pub(super) use jobs::{ConfigureJob, ConfigureRequest, ConfiguredProduct, ConfiguredProducts};
pub(super) use operations::{EmulatedOffer, EmulatedOffers, EmulatedOperation, STEPS};
pub(super) use products::{EmulatedProduct, EmulatedProducts, EmulatedSubmission};

use jiff::Timestamp;

use super::scenario::{EmulatedPortal, OfferSpec, PartnerCenterSpec, ProductIngestionSpec};

/// How the APIs behave.
#[derive(Debug)]
pub(super) struct WorldSettings {
    pub partner_center: PartnerCenterSpec,
    pub product_ingestion: ProductIngestionSpec,
}

/// The offers of each API.
#[derive(Debug)]
pub(super) struct World {
    /// Of the Cloud Partner API.
    pub offers: EmulatedOffers,
    /// Of Partner Center.
    pub products: EmulatedProducts,
    /// Of the Product Ingestion API.
    pub configured: ConfiguredProducts,
}

/// What a call that starts or ends something answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StartAnswer {
    /// Done, or taken note of.
    Done,
    /// Begun: the id of the operation.
    Accepted(String),
    /// Refused: status, code and message.
    Refused(u16, String, String),
}

impl World {
    pub fn new(settings: WorldSettings, offers: &[OfferSpec], now: Timestamp) -> Self {
        let of = |portal| offers.iter().filter(|offer| offer.portal == portal).cloned().collect();
        Self {
            offers: EmulatedOffers::new(of(EmulatedPortal::CloudPartner), now),
            products: EmulatedProducts::new(settings.partner_center, of(EmulatedPortal::PartnerCenter), now),
            configured: ConfiguredProducts::new(settings.product_ingestion, of(EmulatedPortal::ProductIngestion), now),
        }
    }

    /// Moves everything on to this moment.
    pub fn advance(&mut self, now: Timestamp) {
        self.offers.advance(now);
        self.products.advance(now);
        self.configured.advance(now);
    }
}
