//! What the emulated portals hold, for all APIs.
//!
//! Owns the state that calls read and change, and how it moves with the clock. Knows nothing of HTTP.

mod operations;
mod reads;

pub(super) use operations::{EmulatedOffer, EmulatedOffers, EmulatedOperation, STEPS, StartAnswer};

use jiff::Timestamp;

use super::scenario::OfferSpec;

/// The offers of each API.
#[derive(Debug)]
pub(super) struct World {
    pub offers: EmulatedOffers,
}

impl World {
    pub fn new(offers: Vec<OfferSpec>, now: Timestamp) -> Self {
        Self { offers: EmulatedOffers::new(offers, now) }
    }

    /// Moves everything on to this moment.
    pub fn advance(&mut self, now: Timestamp) {
        self.offers.advance(now);
    }
}
