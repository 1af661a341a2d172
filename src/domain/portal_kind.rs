//! The kinds of portal: the APIs that cancel operations.
//!
//! Owns their names, where Microsoft runs them and what their tokens are for. What a kind can do
//! is its backend's to say. A new kind adds a match arm to each table here.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OperationId, PortalOrigin, is_guid};

/// An API of Microsoft's by which operations of offers are read and cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortalKind {
    /// The Cloud Partner Portal publishing API.
    #[default]
    CloudPartner,
    /// The submission API of Partner Center.
    PartnerCenter,
    /// The Product Ingestion API.
    ProductIngestion,
}

/// Why a text is not the name of a portal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown portal `{0}`; {hint}", hint = PortalKind::hint(.0))]
pub struct UnknownPortalKind(pub String);

/// Why an id can't be that of an operation on a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitOperationId {
    /// A number, where the ids of operations are GUIDs.
    #[error("is a number, and no operation of `{0}` has one: numbers are the ids of Partner Center's submissions")]
    Number(PortalKind),
    /// Anything but a number, where the ids of submissions are numbers.
    #[error("is not the id of a submission, and on `{0}` nothing else can be pinned")]
    NoSubmission(PortalKind),
}

impl UnfitOperationId {
    /// What to write instead.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Number(_) => {
                "write the operation's id, a GUID like `5a63deb5-925b-4ee0-938b-7c86fbf287c5`; a plan shows it"
            }
            Self::NoSubmission(_) => {
                "write the submission's id in quotes, a number like `\"1152921505700000004\"`; a plan shows it"
            }
        }
    }
}

/// Whether a token's audience is a portal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudienceMatch {
    /// It is.
    Same,
    /// It is another's.
    Other,
    /// It is the ID of an application, and whose that is is not known: tokens of version 2 name their
    /// audience by it, and Microsoft documents no ID for these APIs.
    Undecided,
}

/// Audiences that have an application ID which is documented (source: Microsoft's list of its own
/// applications). A token for one of them is a common mistake: the Azure CLI makes them by default.
const KNOWN_APPLICATIONS: &[(&str, &str)] = &[
    ("00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"),
    ("00000002-0000-0000-c000-000000000000", "https://graph.windows.net"),
    ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "https://management.azure.com"),
];

impl PortalKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::CloudPartner, Self::PartnerCenter, Self::ProductIngestion];

    /// The name in files, documents and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudPartner => "cloud-partner",
            Self::PartnerCenter => "partner-center",
            Self::ProductIngestion => "product-ingestion",
        }
    }

    /// Where Microsoft runs it (source: Microsoft's pages on each API).
    #[must_use]
    pub fn microsoft(self) -> PortalOrigin {
        match self {
            Self::CloudPartner => PortalOrigin::microsoft(),
            Self::PartnerCenter => PortalOrigin::partner_center(),
            Self::ProductIngestion => PortalOrigin::graph(),
        }
    }

    /// The scope to ask Entra for (source: Microsoft's pages on each API).
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::CloudPartner => "https://cloudpartner.azure.com/.default",
            Self::PartnerCenter => "https://api.partner.microsoft.com/.default",
            Self::ProductIngestion => "https://graph.microsoft.com/.default",
        }
    }

    /// The audience of its tokens, as it is shown.
    #[must_use]
    pub fn audience(self) -> String {
        self.scope().trim_end_matches("/.default").to_owned()
    }

    /// Whether a token for this audience is one for this portal.
    ///
    /// ```
    /// use cancel_pending::domain::{AudienceMatch, PortalKind};
    /// let portal = PortalKind::CloudPartner;
    /// assert_eq!(portal.matches_audience("https://cloudpartner.azure.com/"), AudienceMatch::Same);
    /// assert_eq!(portal.matches_audience("https://graph.microsoft.com"), AudienceMatch::Other);
    /// ```
    #[must_use]
    pub fn matches_audience(self, audience: &str) -> AudienceMatch {
        let folded = audience.trim_end_matches('/').to_ascii_lowercase();
        let known = KNOWN_APPLICATIONS.iter().find(|(id, _)| *id == folded).map(|(_, url)| *url);
        if known.unwrap_or(&folded) == self.audience() {
            AudienceMatch::Same
        } else if known.is_none() && is_guid(&folded) {
            AudienceMatch::Undecided
        } else {
            AudienceMatch::Other
        }
    }

    /// The variable that holds a token for this portal only.
    ///
    /// ```
    /// use cancel_pending::domain::PortalKind;
    /// assert_eq!(PortalKind::CloudPartner.token_variable(), "CANCEL_PENDING_TOKEN_CLOUD_PARTNER");
    /// ```
    #[must_use]
    pub fn token_variable(self) -> String {
        format!("CANCEL_PENDING_TOKEN_{}", self.as_str().to_ascii_uppercase().replace('-', "_"))
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

    /// Whether an operation of this portal can have such an id. For the Cloud Partner Portal the documentation shows
    /// GUIDs alone, without promising that nothing else will come; so only what is known to be something else is
    /// refused. The ids of submissions are decimal numbers (source: every client of Partner Center, and its pages).
    ///
    /// ```
    /// use cancel_pending::domain::PortalKind;
    /// let check = |id: &str| PortalKind::CloudPartner.check_operation_id(&id.parse().unwrap());
    /// assert!(check("5a63deb5-925b-4ee0-938b-7c86fbf287c5").is_ok());
    /// assert!(check("1152921505700000004").is_err());
    /// assert!(PortalKind::PartnerCenter.check_operation_id(&"1152921505700000004".parse().unwrap()).is_ok());
    /// ```
    ///
    /// # Errors
    /// When the id is known to be that of something else.
    pub fn check_operation_id(self, id: &OperationId) -> Result<(), UnfitOperationId> {
        let is_number = id.as_str().bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::CloudPartner if is_number => Err(UnfitOperationId::Number(self)),
            Self::PartnerCenter | Self::ProductIngestion if !is_number => Err(UnfitOperationId::NoSubmission(self)),
            Self::CloudPartner | Self::PartnerCenter | Self::ProductIngestion => Ok(()),
        }
    }

    /// Whether an offer of this portal can name its product.
    #[must_use]
    pub const fn has_products(self) -> bool {
        match self {
            Self::CloudPartner => false,
            Self::PartnerCenter | Self::ProductIngestion => true,
        }
    }

    /// Whether an offer of this portal can name the job that is to be cancelled.
    #[must_use]
    pub const fn has_jobs(self) -> bool {
        match self {
            Self::CloudPartner | Self::PartnerCenter => false,
            Self::ProductIngestion => true,
        }
    }

    /// Whether its cancel call needs nothing that only a mark can give, so that a freeze can make one.
    #[must_use]
    pub const fn takes_freezes(self) -> bool {
        !self.has_jobs()
    }

    /// Whether its requests say which version of the documents they are about.
    #[must_use]
    pub const fn takes_schema_version(self) -> bool {
        match self {
            Self::CloudPartner | Self::PartnerCenter => false,
            Self::ProductIngestion => true,
        }
    }

    /// Whether its requests may say in whose name they are made.
    #[must_use]
    pub const fn takes_seller(self) -> bool {
        match self {
            Self::CloudPartner | Self::ProductIngestion => false,
            Self::PartnerCenter => true,
        }
    }

    /// All names, for messages.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
    }

    /// What to write in place of a name that is none: the nearest one, and all there are.
    #[must_use]
    pub fn hint(name: &str) -> String {
        let folded = name.to_ascii_lowercase().replace(['_', ' '], "-");
        let nearest = Self::ALL
            .iter()
            .map(|kind| (strsim::damerau_levenshtein(&folded, kind.as_str()), kind))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, kind)| *distance <= 1 + kind.as_str().len() / 4);
        let (noun, list) = (if Self::ALL.len() == 1 { "portal is" } else { "portals are" }, Self::list());
        match nearest {
            Some((_, kind)) => format!("did you mean `{kind}`? The {noun} {list}"),
            None => format!("the {noun} {list}"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_from_every_other() {
        for kind in PortalKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
            assert_eq!(kind.matches_audience(&kind.audience()), AudienceMatch::Same);
            for other in PortalKind::ALL.iter().filter(|other| *other != kind) {
                assert_ne!(kind.microsoft(), other.microsoft());
                assert_ne!(kind.token_variable(), other.token_variable());
                assert_eq!(kind.matches_audience(&other.audience()), AudienceMatch::Other);
            }
        }
    }

    #[test]
    fn audiences() {
        let matches = |audience: &str| PortalKind::CloudPartner.matches_audience(audience);
        for same in
            ["https://cloudpartner.azure.com", "https://cloudpartner.azure.com/", "HTTPS://CloudPartner.azure.com"]
        {
            assert_eq!(matches(same), AudienceMatch::Same, "{same}");
        }
        for other in [
            "https://management.azure.com/",
            "https://management.core.windows.net/",
            "00000003-0000-0000-c000-000000000000",
            "api://5a63deb5-4711-4711-4711-112233445566",
            "https://cloudpartner.azure.com.example",
            "",
        ] {
            assert_eq!(matches(other), AudienceMatch::Other, "{other}");
        }
        assert_eq!(matches("5a63deb5-4711-4711-4711-112233445566"), AudienceMatch::Undecided);
    }

    #[test]
    fn a_misspelled_name_is_recognised() {
        for name in ["clod-partner", "Cloud-Partner", "cloud_partner", "cloudpartner"] {
            assert!(UnknownPortalKind(name.to_owned()).to_string().contains("did you mean `cloud-partner`?"), "{name}");
        }
        let far = UnknownPortalKind("azure".to_owned()).to_string();
        assert!(far.starts_with("unknown portal `azure`; the portal") && far.contains("`cloud-partner`"), "{far}");
    }
}
