//! Which product an offer is, on the portals whose calls name products.
//!
//! Owns what is known of that in one run. Ids of products are durable (source: the pages on both APIs), so what was
//! read once is not read again; what was not read is never taken for "there is none".

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::client::{Failure, Pages, Requests};
use super::each_once::each_once;
use super::{ListWatch, ListedSoFar};
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
    /// One that has two names is neither for certain.
    fn is(&self, offer: &OfferId) -> bool {
        matches!(self.offers.as_slice(), [only] if only == offer)
    }

    /// Whether its document says which offer it is.
    pub const fn names_offer(&self) -> bool {
        !self.offers.is_empty()
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
        let Some(pin) = pin else { return self.find_listed(offer, None) };
        let known = self.known();
        let of_offer = known.by_offer.get(offer).and_then(|all| all.iter().find(|product| product.id == *pin));
        of_offer.or_else(|| known.by_id.get(pin)).map(|product| fit(product.clone(), offer))
    }

    /// The product that an offer is by the lists alone, which name the offer of each. None: nothing is known yet.
    pub fn find_listed(&self, offer: &OfferId, pin: Option<&ProductId>) -> Option<Result<ProductMatch, Failure>> {
        let known = self.known();
        let all = match known.by_offer.get(offer) {
            Some(all) => all.as_slice(),
            None if known.is_whole => &[],
            None => return None,
        };
        Some(match (all, pin) {
            ([], _) => Err(no_such_offer(offer)),
            (all, Some(pin)) => match all.iter().find(|product| product.id == *pin) {
                Some(product) => Ok(ProductMatch::One(product.clone())),
                None => Err(Failure::NoSuchOffer(format!(
                    "the product {pin} is not the offer `{offer}`: correct its `productId`, or remove it"
                ))),
            },
            ([one], None) => Ok(ProductMatch::One(one.clone())),
            (several, None) => Ok(ProductMatch::Several(several.iter().map(|product| product.id.clone()).collect())),
        })
    }

    /// Reads whole lists of products, and keeps them. `wanted`: only as long as that promises fewer calls than a look-up
    /// for each of these, which is while there is one of them on each page. None: it no longer did, and nothing is kept.
    pub async fn read_lists<R: Requests>(
        &self,
        lists: Vec<Pages<'_, R>>,
        wanted: Option<&HashSet<&OfferId>>,
        read: impl Fn(Value) -> Result<Option<ListedProduct>, String>,
        watch: ListWatch<'_>,
    ) -> Result<Option<Vec<ListedProduct>>, Failure> {
        let (mut all, mut count, mut found) = (Vec::new(), 0, 0);
        for mut pages in lists {
            while let Some(products) = pages.next("products", &read).await? {
                let products: Vec<ListedProduct> = products.into_iter().flatten().collect();
                count += 1;
                if let Some(wanted) = wanted {
                    let is_wanted =
                        |product: &&ListedProduct| product.offers.iter().any(|offer| wanted.contains(offer));
                    found += products.iter().filter(is_wanted).count();
                    if pages.has_more() && found < count {
                        return Ok(None);
                    }
                }
                all.extend(products);
                watch(ListedSoFar { pages: count, offers: all.len() });
            }
        }
        self.keep_all(&all);
        Ok(Some(all))
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
    pub fn keep_found(&self, offer: &OfferId, products: impl IntoIterator<Item = ListedProduct>) {
        let own = products.into_iter().filter(|product| product.is(offer));
        let own = each_once(own, |product| product.id.clone(), |_, _| false);
        self.known().by_offer.insert(offer.clone(), own);
    }

    /// Keeps a whole list of products.
    fn keep_all(&self, products: &[ListedProduct]) {
        let mut by_offer: HashMap<OfferId, Vec<ListedProduct>> = HashMap::new();
        for product in each_once(products, |product| &product.id, |_, _| false) {
            if let [offer] = product.offers.as_slice() {
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
    let is = match product.offers.as_slice() {
        [] => "names no offer".to_owned(),
        [other] => format!("is the offer `{other}`"),
        _ => "names several offers".to_owned(),
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

/// What was looked for is kept as found or as not found. That it is neither can't be.
pub(super) fn not_found() -> Result<ProductMatch, Failure> {
    Err(Failure::Unreadable("the product was not found where it was looked for".to_owned()))
}

fn no_such_offer(offer: &OfferId) -> Failure {
    Failure::NoSuchOffer(format!(
        "no product of this account has the offer id `{offer}`: check the id, and that the account was added in Partner Center"
    ))
}
