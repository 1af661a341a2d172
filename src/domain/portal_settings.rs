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

/// A version of the documents of the Product Ingestion API (`2022-03-01-preview2`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9.-]{0,49}$"))]
pub struct SchemaVersion(String);

/// Why a text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a version: 1 to 50 letters, digits, `.` and `-`")]
pub struct UnfitSchemaVersion;

impl Default for SchemaVersion {
    /// The version that Microsoft's pages show.
    fn default() -> Self {
        Self("2022-03-01-preview2".to_owned())
    }
}

impl TryFrom<String> for SchemaVersion {
    type Error = UnfitSchemaVersion;

    /// ```
    /// use cancel_pending::domain::SchemaVersion;
    /// assert!(SchemaVersion::try_from("2022-07-01".to_owned()).is_ok());
    /// assert!(SchemaVersion::try_from("1&externalId=x".to_owned()).is_err());
    /// ```
    fn try_from(word: String) -> Result<Self, UnfitSchemaVersion> {
        let is_word = word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.len() <= 50
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if is_word { Ok(Self(word)) } else { Err(UnfitSchemaVersion) }
    }
}

impl From<SchemaVersion> for String {
    fn from(version: SchemaVersion) -> Self {
        version.0
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Two documents of one run that ask in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsConflict {
    /// In the names of two accounts.
    #[error("the files name two accounts under `partnerCenter.publisherId`; plan each in a run of its own")]
    Sellers,
    /// About two versions of documents.
    #[error("the files name two versions under `productIngestion.version`; plan each in a run of its own")]
    SchemaVersions,
}

/// What a desired state says of how portals are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalSettings {
    /// The account in whose name Partner Center is asked.
    pub seller: Option<SellerId>,
    /// The types of product among which offers are looked for; empty: all.
    pub product_types: Vec<ProductType>,
    /// The version of the documents that Product Ingestion is asked about; none: the usual one.
    pub schema_version: Option<SchemaVersion>,
}

impl PortalSettings {
    /// The account in whose name a portal is asked, where it can be asked in anybody's.
    #[must_use]
    pub fn seller_for(&self, kind: PortalKind) -> Option<SellerId> {
        self.seller.filter(|_| kind.takes_seller())
    }

    /// The version that a portal is asked about, where it can be asked about several and it is not the usual one.
    #[must_use]
    pub fn schema_version_for(&self, kind: PortalKind) -> Option<SchemaVersion> {
        self.schema_version.clone().filter(|_| kind.takes_schema_version())
    }

    /// The settings of several documents together.
    ///
    /// # Errors
    /// When they ask in the name of two accounts, or about two versions.
    pub fn joined<'a>(all: impl IntoIterator<Item = &'a Self>) -> Result<Self, SettingsConflict> {
        let mut joined = Self::default();
        for one in all {
            if let (Some(first), Some(second)) = (joined.seller, one.seller)
                && first != second
            {
                return Err(SettingsConflict::Sellers);
            }
            if let (Some(first), Some(second)) = (&joined.schema_version, &one.schema_version)
                && first != second
            {
                return Err(SettingsConflict::SchemaVersions);
            }
            joined.seller = joined.seller.or(one.seller);
            joined.schema_version = joined.schema_version.or_else(|| one.schema_version.clone());
            joined.product_types.extend(one.product_types.iter().cloned());
        }
        joined.product_types.sort();
        joined.product_types.dedup();
        Ok(joined)
    }
}
