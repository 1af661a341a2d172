//! The Cloud Partner Portal publishing API as a backend.
//!
//! Owns its paths and which calls answer which question: one for an offer on which nothing
//! runs, two for one on which something does; and what an answer to the cancel call means.

mod interpret;
mod location;
pub mod wire;

use std::time::SystemTime;

use http::StatusCode;
use http::header::{ETAG, HeaderMap};
use serde_json::json;

use super::client::{Answer, Failure, Transport, retry_after};
use super::{CancelAnswer, CancelPortal, Progress, ReadPortal};
pub use location::Location;
use wire::API_VERSION;

use crate::domain::{EmailAddress, Live, OfferId, OperationId, PortalOrigin, PublisherId, ReadFailure};

/// Reads the Cloud Partner Portal.
pub struct CloudPartner<'a> {
    transport: &'a Transport,
}

impl<'a> CloudPartner<'a> {
    /// A reader over a transport.
    #[must_use]
    pub const fn new(transport: &'a Transport) -> Self {
        Self { transport }
    }

    /// How many offers a publisher has; reading them is what shows whether an account may.
    ///
    /// # Errors
    /// When the portal does not tell.
    pub async fn offers(&self, publisher: &PublisherId) -> Result<usize, Failure> {
        let path = format!("/api/publishers/{publisher}/offers?api-version={API_VERSION}");
        let answer = self.transport.get(&path).await?;
        let offers: Vec<serde::de::IgnoredAny> =
            serde_json::from_slice(&answer.body).map_err(|error| Failure::Unreadable(error.to_string()))?;
        Ok(offers.len())
    }

    async fn read(&self, publisher: &PublisherId, offer: &OfferId) -> Result<Live, Failure> {
        let listed = self.transport.get(&submissions_path(publisher, offer)).await?;
        let mut running = interpret::running_submissions(&listed.body).map_err(Failure::Unreadable)?;
        let listed = match running.len() {
            0 => return Ok(Live::Nothing),
            1 => running.swap_remove(0),
            _ => return Ok(Live::Several(running.into_iter().map(|one| one.id).collect())),
        };
        let path = operation_path(publisher, offer, &listed.id);
        let answer = self.transport.get(&path).await?;
        let location = location(self.transport.portal(), &path);
        let described = interpret::operation(&answer.body, listed, location).map_err(Failure::Unreadable)?;
        if described.is_over {
            // It ended between the two calls.
            return Ok(Live::Nothing);
        }
        let etag = entity_tag(&answer.headers);
        Ok(Live::Running { operation: Box::new(described.operation), etag, message: described.message })
    }

    async fn progress(&self, path_and_query: &str) -> Result<Progress, Failure> {
        let answer = self.transport.get(path_and_query).await?;
        let retry_after = retry_after(&answer.headers, SystemTime::now());
        interpret::progress(&answer.body, retry_after).map_err(Failure::Unreadable)
    }
}

fn entity_tag(headers: &HeaderMap) -> Option<String> {
    headers.get(ETAG).and_then(|etag| etag.to_str().ok()).filter(|etag| !etag.is_empty()).map(ToOwned::to_owned)
}

impl ReadPortal for CloudPartner<'_> {
    async fn live(&self, publisher: &PublisherId, offer: &OfferId) -> Live {
        self.read(publisher, offer).await.unwrap_or_else(|failure| {
            tracing::warn!(%publisher, %offer, %failure, "the live state is not known");
            Live::Unreadable(ReadFailure { message: failure.to_string() })
        })
    }

    async fn etag(&self, publisher: &PublisherId, offer: &OfferId) -> Option<String> {
        match self.transport.get(&offer_path(publisher, offer)).await {
            Ok(answer) => entity_tag(&answer.headers),
            Err(failure) => {
                tracing::info!(%publisher, %offer, %failure, "no entity tag");
                None
            }
        }
    }

    async fn operation(&self, publisher: &PublisherId, offer: &OfferId, id: &OperationId) -> Result<Progress, Failure> {
        self.progress(&operation_path(publisher, offer, id)).await
    }

    async fn at(&self, location: &Location) -> Result<Progress, Failure> {
        match &location.callable {
            Some(path) => self.progress(path).await,
            None => Err(Failure::Unreadable("its location is not one that may be called".to_owned())),
        }
    }

    fn location(&self, told: &str) -> Location {
        Location::read(told, self.transport.portal())
    }
}

/// Cancels on the Cloud Partner Portal.
pub struct CloudPartnerCanceller<'a> {
    transport: &'a Transport,
}

impl<'a> CloudPartnerCanceller<'a> {
    /// A canceller over a transport.
    #[must_use]
    pub const fn new(transport: &'a Transport) -> Self {
        Self { transport }
    }
}

impl CancelPortal for CloudPartnerCanceller<'_> {
    async fn cancel(
        &self,
        publisher: &PublisherId,
        offer: &OfferId,
        notification_emails: &[EmailAddress],
        if_match: &str,
    ) -> CancelAnswer {
        let metadata = if notification_emails.is_empty() {
            json!({})
        } else {
            let emails: Vec<&str> = notification_emails.iter().map(EmailAddress::as_str).collect();
            json!({ "notification-emails": emails.join(",") })
        };
        let body = json!({ "metadata": metadata }).to_string().into_bytes();
        match self.transport.post(&cancel_path(publisher, offer), body, if_match).await {
            Ok(answer) => accepted(&answer, self.transport.portal()),
            Err(failure) => refused(failure),
        }
    }
}

fn accepted(answer: &Answer, portal: &PortalOrigin) -> CancelAnswer {
    match answer.status {
        StatusCode::OK => CancelAnswer::Cancelled,
        StatusCode::ACCEPTED => CancelAnswer::Accepted {
            location: Location::of(&answer.headers, portal),
            retry_after: retry_after(&answer.headers, SystemTime::now()),
        },
        status => CancelAnswer::Lost(Failure::Undocumented(status)),
    }
}

fn refused(failure: Failure) -> CancelAnswer {
    match &failure {
        Failure::Connect(_) | Failure::Credential(_) | Failure::LeftAlone(_) => CancelAnswer::NotSent(failure),
        Failure::Status { status: StatusCode::PRECONDITION_FAILED, .. } => CancelAnswer::Changed(failure),
        // A client error is a clear no, but for the two that only say "later".
        Failure::Status { status, .. } if status.is_client_error() && !failure.is_transient() => {
            CancelAnswer::Refused(failure)
        }
        Failure::Redirect { .. } => CancelAnswer::Refused(failure),
        _ => CancelAnswer::Lost(failure),
    }
}

// Ids are free of anything that means something in a URL, so paths are put together as text.

fn offer_path(publisher: &PublisherId, offer: &OfferId) -> String {
    format!("/api/publishers/{publisher}/offers/{offer}?api-version={API_VERSION}")
}

fn cancel_path(publisher: &PublisherId, offer: &OfferId) -> String {
    format!("/api/publishers/{publisher}/offers/{offer}/cancel?api-version={API_VERSION}")
}

fn submissions_path(publisher: &PublisherId, offer: &OfferId) -> String {
    // The API's page has the slash before the question mark, and the portal wants it.
    format!("/api/publishers/{publisher}/offers/{offer}/submissions/?status=running&api-version={API_VERSION}")
}

fn operation_path(publisher: &PublisherId, offer: &OfferId, id: &OperationId) -> String {
    format!("/api/publishers/{publisher}/offers/{offer}/operations/{id}?api-version={API_VERSION}")
}

fn location(portal: &PortalOrigin, path: &str) -> String {
    format!("{portal}{path}")
}
