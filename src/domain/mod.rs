//! The words of the trade as types: ids, addresses, marks, operations, what is live.
//!
//! Owns what every other module speaks in, and the rules that make a value of these types
//! valid. Must not know where a value came from or where it goes: no files, no HTTP, no
//! clock, no environment, no rendering.

mod capabilities;
mod cause;
mod digest;
mod email;
mod endpoints;
mod ids;
mod listed;
mod live;
mod mark;
mod offer_key;
mod offer_pattern;
mod origin;
mod portal_kind;
mod portal_settings;
mod words;

pub use capabilities::{CallGuard, Capabilities};
pub use cause::first_cause;
pub use digest::sha256_hex;
pub use email::{EmailAddress, EmailError};
pub use endpoints::{EndpointError, Endpoints};
pub use ids::{IdError, JobId, OfferId, OperationId, ProductId, PublisherId, is_guid};
pub use listed::{ListedOffer, OfferList};
pub use live::{
    FailureScope, Live, Observed, Operation, PinSighting, ReadFailure, RestingOperation, RunningOperation,
    product_page, trusted_product_page,
};
pub use mark::{
    DesiredOffer, DesiredSet, DesiredState, FileDigest, Freeze, Limits, LocatedPattern, Mark, Rule, SourceLocation,
};
pub use offer_key::{OfferKey, OfferQuery};
pub use offer_pattern::{OfferPattern, PatternError};
pub use origin::{OriginError, PortalOrigin, is_loopback};
pub use portal_kind::{AudienceMatch, PortalKind, UnfitOperationId, UnknownPortalKind};
pub use portal_settings::{PortalSettings, ProductType, SchemaVersion, SellerId, SettingsConflict};
pub use words::{Cancellability, Phase, StatusWord};
