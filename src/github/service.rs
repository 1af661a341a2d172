//! reqwest as the HTTP service that octocrab sends its requests by.
//!
//! Owns the translation between the two. One client library speaks all HTTP of the program.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use octocrab::OctoBody;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// A client as a service.
#[derive(Debug, Clone)]
pub(super) struct ReqwestService(pub reqwest::Client);

impl Service<http::Request<OctoBody>> for ReqwestService {
    type Response = http::Response<reqwest::Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = reqwest::Request::try_from(http::Request::from_parts(parts, body))?;
            Ok(client.execute(request).await?.into())
        })
    }
}
