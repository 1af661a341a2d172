//! Requests to a portal, whichever API it speaks: bounded, paced, repeated where that is safe.
//!
//! Owns what keeps a request from costing more than it may. Knows no path, no header and no
//! status word of any one API.

mod contact;
mod error_body;
mod failure;
mod gate;
mod pace;
mod retry;
mod text;
mod token;
mod transport;

pub use error_body::PortalError;
pub use failure::Failure;
pub(super) use retry::retry_after;
pub(super) use text::plain_text;
pub use token::{Credential, CredentialError, Pending, StaticToken, Token};
pub(super) use transport::Answer;
pub use transport::{Transport, TransportSettings};
