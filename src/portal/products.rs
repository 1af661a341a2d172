//! Which product an offer is, on the portals whose calls name products.
//!
//! Owns what is known of that in one run. Ids of products are durable (source: the pages on both APIs), so what was
//! read once is not read again; what was not read is never taken for "there is none".

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::client::Failure;
use super::each_once::each_once;
use crate::domain::{ListedOffer, OfferId, OfferList, ProductId};

/// A product as a portal lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedProduct {
    pub id: ProductId,
    /// The ids of the offer that it is: one, on every product that was seen so far.
    pub offers: Vec<OfferId>,
    /// Its type, in the portal's word.
    pub kind: Option<String>,
    /// Its name, which is free text.
    pub name: Option<String>,
}

impl ListedProduct {
    fn is(&self, offer: &OfferId) -> bool {
        self.offers.contains(offer)
    }

    /// Its name, where that says more than the offer's id.
    pub fn telling_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| self.offers.iter().all(|offer| *offer != **name))
    }
}

/// What is known of products.
#[derive(Debug, Default)]
pub(super) struct ProductDirectory {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// All products of an offer's id.
    by_offer: HashMap<OfferId, Vec<ListedProduct>>,
    /// Products that were read by their own id.
    by_id: HashMap<ProductId, ListedProduct>,
    /// Whether what is not in `by_offer` is nowhere.
    is_whole: bool,
}

/// Which product an offer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProductMatch {
    One(ListedProduct),
    /// Several have its id.
    Several(Vec<ProductId>),
}

impl ProductDirectory {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The product that an offer is, by its own id if that is pinned. None: nothing is known yet.
    pub fn find(&self, offer: &OfferId, pin: Option<&ProductId>) -> Option<Result<ProductMatch, Failure>> {
        let known = self.known();
        if let Some(pin) = pin {
            let of_offer = known.by_offer.get(offer).and_then(|all| all.iter().find(|product| product.id == *pin));
            return of_offer.or_else(|| known.by_id.get(pin)).map(|product| fit(product.clone(), offer));
        }
        match known.by_offer.get(offer).map(Vec::as_slice) {
            Some([]) => Some(Err(no_such_offer(offer))),
            Some([one]) => Some(Ok(ProductMatch::One(one.clone()))),
            Some(several) => {
                Some(Ok(ProductMatch::Several(several.iter().map(|product| product.id.clone()).collect())))
            }
            None if known.is_whole => Some(Err(no_such_offer(offer))),
            None => None,
        }
    }

    /// Whether all products are known.
    pub fn is_whole(&self) -> bool {
        self.known().is_whole
    }

    /// Keeps a product that was read by its own id.
    pub fn keep_one(&self, product: ListedProduct) {
        self.known().by_id.insert(product.id.clone(), product);
    }

    /// Keeps the products that a look-up of an offer brought. Those that are something else are left out: not every
    /// portal honours every filter.
    pub fn keep_found(&self, offer: &OfferId, products: Vec<ListedProduct>) {
        let own = products.into_iter().filter(|product| product.is(offer));
        let own = each_once(own, |product| product.id.clone(), |_, _| false);
        self.known().by_offer.insert(offer.clone(), own);
    }

    /// Keeps a whole list of products.
    pub fn keep_all(&self, products: &[ListedProduct]) {
        let mut by_offer: HashMap<OfferId, Vec<ListedProduct>> = HashMap::new();
        for product in each_once(products, |product| &product.id, |_, _| false) {
            for offer in &product.offers {
                by_offer.entry(offer.clone()).or_default().push(product.clone());
            }
        }
        let mut known = self.known();
        known.by_offer = by_offer;
        known.is_whole = true;
    }
}

/// A product that was asked for by its id must be the offer's: its submission would be cancelled.
fn fit(product: ListedProduct, offer: &OfferId) -> Result<ProductMatch, Failure> {
    if product.is(offer) {
        return Ok(ProductMatch::One(product));
    }
    let is = match product.offers.first() {
        Some(other) => format!("is the offer `{other}`"),
        None => "names no offer".to_owned(),
    };
    Err(Failure::NoSuchOffer(format!(
        "the product {} {is}, and not `{offer}`: correct its `productId`, or remove it",
        product.id
    )))
}

/// The offers that products are. Two products of one offer are told apart when the offer is read.
pub(super) fn offer_list(products: Vec<ListedProduct>) -> OfferList {
    let mut list = OfferList::default();
    for product in each_once(products, |product| product.id.clone(), |_, _| false) {
        if product.offers.is_empty() {
            list.unnamed.push(product.id);
        }
        list.offers.extend(product.offers.into_iter().map(|id| ListedOffer {
            id,
            kind: product.kind.clone(),
            name: product.name.clone(),
            status: None,
            is_idle: false,
            is_nameless: false,
        }));
    }
    list.offers = each_once(list.offers, |offer| offer.id.clone(), |_, _| false);
    list
}

/// Whether a text has the form of a submission's id: a decimal number.
pub(super) fn is_submission_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn no_such_offer(offer: &OfferId) -> Failure {
    Failure::NoSuchOffer(format!(
        "no product of this account has the offer id `{offer}`: check the id, and that the account was added in Partner Center"
    ))
}
