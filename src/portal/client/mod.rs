//! Requests to a portal, whichever API it speaks: bounded, paced, repeated where that is safe.
//!
//! Owns what keeps a request from costing more than it may. Knows no path, no header and no
//! status word of any one API.

mod error_body;
mod exchange;
mod failure;
mod json;
mod pace;
mod pages;
mod path;
mod reachability;
mod retry;
mod slots;
mod text;
mod token;
mod transport;

pub use error_body::{PortalError, correlation_ids};
pub use exchange::{Exchange, HttpExchange, Incoming, Outgoing, Wanted};
pub use failure::Failure;
pub(super) use json::{MAX_WORD, cut, cut_text, cut_word, folded, json, shown_text, timestamp};
pub(super) use pages::Pages;
pub(super) use retry::retry_after;
pub use slots::Turn;
pub(super) use text::plain_text;
pub use token::{Credential, CredentialError, Pending, StaticToken, Token};
pub use transport::{
    Answer, Call, Requests, RetryListener, Retrying, Slot, StatusMeaning, Transport, TransportSettings,
};
