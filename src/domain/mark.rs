//! The desired state: which offers are marked, by which line of which file, within which limits.
//!
//! Owns the data alone. Reading it from YAML is the `desired` module's, deciding by it the
//! `plan` module's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    EmailAddress, JobId, OfferKey, OfferPattern, OfferQuery, OperationId, PortalKind, PortalSettings, ProductId,
    PublisherId,
};

/// A place in a desired-state file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceLocation {
    /// The file, from the root of its git work tree on, with `/` between its parts.
    pub path: String,
    /// Line, counted from 1: the line of the mark, or of the offer's id where there is no mark.
    pub line: u64,
    /// Column in characters, counted from 1.
    pub column: u64,
}

/// `cancelPending: true` and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// The one operation that it is for; none: whichever runs.
    pub operation_id: Option<OperationId>,
    /// The job that a cancel call names, on the portal where it names one.
    pub job_id: Option<JobId>,
    /// From this moment on the mark does nothing.
    pub expires: Option<Timestamp>,
}

/// What marks an offer besides its own mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A freeze.
    Freeze,
}

/// One offer of a desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredOffer {
    /// Which offer it is.
    pub key: OfferKey,
    /// The product that it must be.
    pub product_id: Option<ProductId>,
    /// The mark, when there is one.
    pub mark: Option<Mark>,
    /// Whether the file says `cancelPending: false`: no freeze reaches it.
    pub is_spared: bool,
    /// What marks it besides its own mark.
    pub rule: Option<Rule>,
    /// Who is told of the cancellation's progress, in the order of the file.
    pub notification_emails: Vec<EmailAddress>,
    /// Why, in the words of the file's author.
    pub reason: Option<String>,
    /// Where it stands.
    pub source: SourceLocation,
}

/// A pattern, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedPattern {
    /// The pattern.
    pub pattern: OfferPattern,
    /// Its place.
    pub source: SourceLocation,
}

/// A freeze: for a while, whatever runs on the offers that match is to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// The portal whose offers are meant.
    pub portal: PortalKind,
    /// The publisher whose offers are meant.
    pub publisher: PublisherId,
    /// Which of them, at least one pattern.
    pub offers: Vec<LocatedPattern>,
    /// Which of those are left alone.
    pub except: Vec<LocatedPattern>,
    /// From this moment on the freeze does nothing.
    pub expires: Timestamp,
    /// Why, in the words of the file's author.
    pub reason: String,
    /// Who is told of the cancellations' progress.
    pub notification_emails: Vec<EmailAddress>,
    /// Where it stands.
    pub source: SourceLocation,
}

impl Freeze {
    /// Whether the freeze does nothing any more.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}

/// What a desired state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most cancellations that one plan may hold.
    pub max_cancels: u32,
    /// Whether the file says so; otherwise it is the default.
    pub is_written: bool,
}

impl Limits {
    /// The most cancellations of a document that sets no limit: one line that is one too short, or a
    /// pattern in somebody's generator, must not cancel a whole catalogue.
    pub const DEFAULT_MAX_CANCELS: u32 = 10;

    /// The limits of a document that says `maxCancels`.
    #[must_use]
    pub const fn at_most(max_cancels: u32) -> Self {
        Self { max_cancels, is_written: true }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_cancels: Self::DEFAULT_MAX_CANCELS, is_written: false }
    }
}

/// One YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredState {
    /// Its limits.
    pub limits: Limits,
    /// How the portals are asked.
    pub settings: PortalSettings,
    /// Its offers, in the order of the file.
    pub offers: Vec<DesiredOffer>,
    /// Its freezes, in the order of the file.
    pub freezes: Vec<Freeze>,
    /// Where the document starts.
    pub source: SourceLocation,
}

/// A file that was read, by what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// The file, from the root of its git work tree on, with `/` between its parts.
    pub path: String,
    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
}

/// All desired states of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DesiredSet {
    /// The files they came from.
    pub files: Vec<FileDigest>,
    /// The states, in the order of files and documents.
    pub states: Vec<DesiredState>,
}

impl DesiredSet {
    /// All offers of all states.
    pub fn offers(&self) -> impl Iterator<Item = &DesiredOffer> {
        self.states.iter().flat_map(|state| &state.offers)
    }

    /// All freezes of all states.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.states.iter().flat_map(|state| &state.freezes)
    }
}

impl DesiredOffer {
    /// What the portal is asked about it.
    #[must_use]
    pub fn query(&self) -> OfferQuery {
        let mark = self.mark.as_ref();
        OfferQuery {
            key: self.key.clone(),
            product: self.product_id.clone(),
            operation: mark.and_then(|mark| mark.operation_id.clone()),
            job: mark.and_then(|mark| mark.job_id.clone()),
        }
    }

    /// Whether the portal has to be asked about it at a given moment.
    #[must_use]
    pub fn needs_live_state(&self, now: Timestamp) -> bool {
        self.mark.as_ref().is_some_and(|mark| !mark.is_expired(now))
    }
}

impl Mark {
    /// Whether it is for whichever operation runs. A job works on one operation, so that it is a pin, too.
    #[must_use]
    pub const fn is_unpinned(&self) -> bool {
        self.operation_id.is_none() && self.job_id.is_none()
    }

    /// Whether the mark does nothing any more.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
