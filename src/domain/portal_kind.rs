//! The kinds of portal: the APIs that cancel operations.
//!
//! Owns their names and where Microsoft runs them. What a kind can do is its backend's to say.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PortalOrigin;

/// An API of Microsoft's by which operations of offers are read and cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortalKind {
    /// The Cloud Partner Portal publishing API.
    #[default]
    CloudPartner,
}

/// Why a text is not the name of a portal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a portal; use {list}", list = PortalKind::list())]
pub struct UnknownPortalKind(pub String);

impl PortalKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::CloudPartner];

    /// The name in files, documents and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudPartner => "cloud-partner",
        }
    }

    /// Where Microsoft runs it (source: Microsoft's pages on each API).
    #[must_use]
    pub fn microsoft(self) -> PortalOrigin {
        match self {
            Self::CloudPartner => PortalOrigin::microsoft(),
        }
    }

    /// Reads a name. Letter case carries meaning.
    ///
    /// ```
    /// use cancel_pending::domain::PortalKind;
    /// assert_eq!(PortalKind::named("cloud-partner"), Some(PortalKind::CloudPartner));
    /// assert_eq!(PortalKind::named("Cloud-Partner"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// All names, for messages.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for PortalKind {
    type Err = UnknownPortalKind;

    fn from_str(name: &str) -> Result<Self, UnknownPortalKind> {
        Self::named(name).ok_or_else(|| UnknownPortalKind(name.to_owned()))
    }
}

impl fmt::Display for PortalKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
