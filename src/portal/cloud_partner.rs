//! The Cloud Partner Portal publishing API as a backend.
//!
//! Owns its paths and which calls answer which question: one for an offer on which nothing
//! runs, two for one on which something does.

use reqwest::header::ETAG;

use super::failure::Failure;
use super::transport::Transport;
use super::wire::API_VERSION;
use super::{ReadPortal, interpret};
use crate::domain::{Live, OfferId, OperationId, PortalOrigin, PublisherId, ReadFailure};

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
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(ToOwned::to_owned);
        Ok(Live::Running { operation: Box::new(described.operation), etag, message: described.message })
    }
}

impl ReadPortal for CloudPartner<'_> {
    async fn live(&self, publisher: &PublisherId, offer: &OfferId) -> Live {
        self.read(publisher, offer).await.unwrap_or_else(|failure| {
            tracing::warn!(%publisher, %offer, %failure, "the live state is not known");
            Live::Unreadable(ReadFailure { message: failure.to_string() })
        })
    }
}

// Ids are free of anything that means something in a URL, so paths are put together as text.

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
