//! The words of the trade as types: ids, addresses, marks, operations, what is live.
//!
//! Owns what every other module speaks in, and the rules that make a value of these types
//! valid. Must not know where a value came from or where it goes: no files, no HTTP, no
//! clock, no environment, no rendering.

mod cause;
mod digest;
mod email;
mod ids;
mod live;
mod mark;
mod origin;
mod portal_kind;
mod words;

pub use cause::first_cause;
pub use digest::sha256_hex;
pub use email::{EmailAddress, EmailError};
pub use ids::{IdError, OfferId, OperationId, PublisherId};
pub use live::{Live, Operation, ReadFailure};
pub use mark::{DesiredOffer, DesiredSet, DesiredState, FileDigest, Limits, Mark, SourceLocation};
pub use origin::{OriginError, PortalOrigin, is_loopback};
pub use portal_kind::{PortalKind, UnknownPortalKind};
pub use words::{CancellationWord, Phase, StatusWord};
