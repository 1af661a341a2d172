//! The portal: reading what runs on an offer and cancelling it, over HTTP.
//!
//! Owns the wire format, the bounds on what an answer may cost, retries of reads, and the
//! one connection pool. A backend is one file that implements [`ReadPortal`] and
//! [`CancelPortal`], by two types, so that who is handed the reader can't cancel;
//! `cloud_partner` is the one for the Cloud Partner Portal publishing API. Deciding
//! anything is not its business: what it could not read it says, and goes on.

mod client;
pub mod cloud_partner;

use std::future::Future;
use std::time::Duration;

pub use client::{
    Credential, CredentialError, Failure, Pending, PortalError, StaticToken, Token, Transport, TransportSettings,
};
pub use cloud_partner::{CloudPartner, CloudPartnerCanceller, Location};

use crate::domain::{EmailAddress, Live, OfferId, OperationId, PublisherId, StatusWord};

/// What a long-running operation's document says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its status word.
    pub status: Option<StatusWord>,
    /// The step that it is in.
    pub step: Option<String>,
    /// How far that step has come, in percent.
    pub percent: Option<u8>,
    /// How long the portal asks to wait before it is read again.
    pub retry_after: Option<Duration>,
}

/// Reads a portal. What goes wrong with one offer is part of the answer, so that it can't
/// keep others from being read.
pub trait ReadPortal: Sync {
    /// What runs on an offer.
    fn live(&self, publisher: &PublisherId, offer: &OfferId) -> impl Future<Output = Live> + Send;

    /// The entity tag of an offer, where the portal gives one.
    fn etag(&self, publisher: &PublisherId, offer: &OfferId) -> impl Future<Output = Option<String>> + Send;

    /// What an operation's document says of it, running or over.
    fn operation(
        &self,
        publisher: &PublisherId,
        offer: &OfferId,
        id: &OperationId,
    ) -> impl Future<Output = Result<Progress, Failure>> + Send;

    /// What the document at a location says. A location that may not be called is not, and is a failure.
    fn at(&self, location: &Location) -> impl Future<Output = Result<Progress, Failure>> + Send;

    /// Reads a location that the portal told in an earlier run.
    fn location(&self, told: &str) -> Location;
}

/// What came of a cancel call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelAnswer {
    /// 200: cancelled, the portal says.
    Cancelled,
    /// 202: being cancelled.
    Accepted {
        /// Where that can be followed.
        location: Option<Location>,
        /// How long the portal asks to wait before it is read.
        retry_after: Option<Duration>,
    },
    /// 412: the offer changed since its entity tag was read. Nothing was done.
    Changed(Failure),
    /// Any other clear no: nothing was done.
    Refused(Failure),
    /// It never left: there was no connection, or no token.
    NotSent(Failure),
    /// Anything else: it may have been done.
    Lost(Failure),
}

/// Cancels operations. Only an apply is handed one.
pub trait CancelPortal: Sync {
    /// Cancels whatever runs on an offer: the call can't name an operation. Sent once.
    fn cancel(
        &self,
        publisher: &PublisherId,
        offer: &OfferId,
        notification_emails: &[EmailAddress],
        if_match: &str,
    ) -> impl Future<Output = CancelAnswer> + Send;
}
