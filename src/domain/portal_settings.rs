//! How portals want to be asked, as a desired state says it.
//!
//! Owns what may be said and how it is written. What it does to a request is the portal's own business.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PortalKind;

/// The number that Partner Center knows a publisher's account by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SellerId(#[schemars(range(min = 1))] pub u64);

impl fmt::Display for SellerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A type of product, in Partner Center's word (`AzureApplication`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ProductType(#[schemars(regex(pattern = "^[A-Za-z][A-Za-z0-9]{0,99}$"))] String);

impl ProductType {
    /// Reads a type. None: not one word of letters and digits.
    ///
    /// ```
    /// use cancel_pending::domain::ProductType;
    /// assert!(ProductType::new("AzureApplication").is_some());
    /// assert!(ProductType::new("a' or 'b").is_none());
    /// ```
    #[must_use]
    pub fn new(word: &str) -> Option<Self> {
        let is_word = word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.len() <= 100
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_word.then(|| Self(word.to_owned()))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a desired state says of how portals are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalSettings {
    /// The account in whose name Partner Center is asked.
    pub seller: Option<SellerId>,
    /// The types of product among which offers are looked for; empty: all.
    pub product_types: Vec<ProductType>,
}

impl PortalSettings {
    /// The account in whose name a portal is asked, where it can be asked in anybody's.
    #[must_use]
    pub fn seller_for(&self, kind: PortalKind) -> Option<SellerId> {
        self.seller.filter(|_| kind.takes_seller())
    }

    /// The settings of several documents together. None: they ask in the name of two accounts.
    #[must_use]
    pub fn joined<'a>(all: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut joined = Self::default();
        for one in all {
            if let (Some(first), Some(second)) = (joined.seller, one.seller)
                && first != second
            {
                return None;
            }
            joined.seller = joined.seller.or(one.seller);
            joined.product_types.extend(one.product_types.iter().cloned());
        }
        joined.product_types.sort();
        joined.product_types.dedup();
        Some(joined)
    }
}
