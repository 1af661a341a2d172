//! The portal: reading what runs on an offer, over HTTP.
//!
//! Owns the wire format, the bounds on what an answer may cost, retries of reads, and the
//! one connection pool. A backend is one file that implements [`ReadPortal`];
//! [`CloudPartner`] is the one for the Cloud Partner Portal publishing API. Deciding
//! anything is not its business: what it could not read it says, and goes on.

mod cloud_partner;
mod failure;
mod interpret;
mod retry;
mod token;
mod transport;
pub mod wire;

use std::future::Future;

pub use cloud_partner::CloudPartner;
pub use failure::Failure;
pub use token::{Credential, CredentialError, StaticToken, Token};
pub use transport::{Transport, TransportSettings};

use crate::domain::{Live, OfferId, PublisherId};

/// Reads the live state of offers.
pub trait ReadPortal: Sync {
    /// What runs on an offer. What went wrong is part of the answer, not an error: one
    /// offer that can't be read must not keep others from being planned.
    fn live(&self, publisher: &PublisherId, offer: &OfferId) -> impl Future<Output = Live> + Send;
}
