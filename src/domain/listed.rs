//! The offers of a publisher, as a portal lists them.
//!
//! Owns the data alone. Reading it is the `portal` module's.

use super::{OfferId, ProductId, StatusWord};

/// An offer as a portal lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOffer {
    /// The id by which it is listed. It may be another one than that of its address.
    pub id: OfferId,
    /// What kind of offer it is, in the portal's word.
    pub kind: Option<String>,
    /// Its name for people: plain text.
    pub name: Option<String>,
    /// Its status in the portal's word.
    pub status: Option<StatusWord>,
    /// Whether that word is known to mean that nothing runs on it. Where it is not, the offer has to be read.
    pub is_idle: bool,
    /// Whether its readable id is not known: it was listed by a GUID. No name can be held against that.
    pub is_nameless: bool,
}

/// All offers of a publisher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferList {
    /// The offers, each once.
    pub offers: Vec<ListedOffer>,
    /// Products without the id of an offer, by their own ids: no file can name them.
    pub unnamed: Vec<ProductId>,
}
