//! What the emulated portals hold, for all APIs.
//!
//! Owns the state that calls read and change, and how it moves with the clock. Knows nothing of HTTP.

mod operations;
mod products;
mod reads;

pub(super) use operations::{EmulatedOffer, EmulatedOffers, EmulatedOperation, STEPS};
pub(super) use products::{EmulatedProduct, EmulatedProducts, EmulatedSubmission};

use jiff::Timestamp;

use super::scenario::{EmulatedPortal, OfferSpec, PartnerCenterSpec};

/// The offers of each API.
#[derive(Debug)]
pub(super) struct World {
    /// Of the Cloud Partner API.
    pub offers: EmulatedOffers,
    /// Of Partner Center.
    pub products: EmulatedProducts,
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
    pub fn new(partner_center: PartnerCenterSpec, offers: Vec<OfferSpec>, now: Timestamp) -> Self {
        let (products, offers) = offers.into_iter().partition(|offer| offer.portal == EmulatedPortal::PartnerCenter);
        Self {
            offers: EmulatedOffers::new(offers, now),
            products: EmulatedProducts::new(partner_center, products, now),
        }
    }

    /// Moves everything on to this moment.
    pub fn advance(&mut self, now: Timestamp) {
        self.offers.advance(now);
        self.products.advance(now);
    }
}
