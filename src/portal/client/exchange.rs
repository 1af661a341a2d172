//! One exchange of a request for an answer, and nothing that judges it.
//!
//! Owns the way over HTTP: the headers that every request has, the time and the size that an
//! answer may take, and what each kind of failure is called. [`Exchange`] is the seam at which a
//! simulated portal stands in for a real one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use reqwest::Request;
use tokio::time::timeout;
use url::Url;

use super::failure::Failure;
use super::token::{Pending, Token};
use crate::domain::{PortalOrigin, first_cause};
use crate::http_client::{self, BodyError, CONNECT_TIME, Departure, Route, Security, read_body};

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How long the body of an error answer is waited for.
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

/// How much of a successful answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Body,
    /// Status and headers. What they say stands, whatever becomes of the body.
    Head,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The HTTP method.
    pub method: Method,
    /// Where to, on the portal's origin.
    pub url: Url,
    /// Headers besides those that every request has.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The token.
    pub token: Token,
    /// How much of the answer is needed.
    pub wanted: Wanted,
    /// By which it is known whether it has left.
    pub departure: Departure,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as far as it was needed.
    pub body: Bytes,
}

/// Exchanges requests for answers.
pub trait Exchange: Send + Sync {
    /// Sends a request once, and returns what was answered.
    fn exchange(&self, request: Outgoing) -> Pending<'_, Result<Incoming, Failure>>;
}

/// Exchanges over HTTP.
pub struct HttpExchange {
    client: reqwest::Client,
    origin: PortalOrigin,
    time: Duration,
}

impl HttpExchange {
    /// Opens no connection yet. `idle` is how many unused connections are kept.
    ///
    /// # Errors
    /// When TLS can't be set up on this machine.
    pub fn new(origin: PortalOrigin, route: &Route, time: Duration, idle: usize) -> Result<Arc<Self>, Failure> {
        // Less than an attempt may take: where there is no connection, nothing was sent, and that is to be known.
        let security = if origin.is_plain() { Security::Plain } else { Security::Tls };
        let client = http_client::client(route, security, CONNECT_TIME.min(time / 2), idle)
            .map_err(|error| Failure::Setup(first_cause(&error)))?;
        Ok(Arc::new(Self { client, origin, time }))
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming, Failure> {
        let Outgoing { method, url, mut headers, body, token, wanted, departure } = request;
        headers.insert(AUTHORIZATION, token.header());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // A POST without a body still needs its length.
        let body = (!body.is_empty() || method == Method::POST).then(|| body.into());
        let mut request = Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = body;
        let response = departure.follow(self.client.execute(request)).await.map_err(|error| {
            let cause = first_cause(&error);
            if error.is_connect() || error.is_builder() {
                Failure::connect(&self.origin, cause)
            } else {
                Failure::Interrupted(cause)
            }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if status.is_success() {
            match wanted {
                Wanted::Head => Bytes::new(),
                Wanted::Body => plain_body(response).await?,
            }
        } else {
            // The status stands by itself; what the portal says of it is read if it comes.
            timeout(ERROR_BODY_TIME, plain_body(response)).await.unwrap_or(Ok(Bytes::new())).unwrap_or_default()
        };
        Ok(Incoming { status, headers, body })
    }
}

impl Exchange for HttpExchange {
    fn exchange(&self, request: Outgoing) -> Pending<'_, Result<Incoming, Failure>> {
        Box::pin(
            async move { timeout(self.time, self.send(request)).await.unwrap_or(Err(Failure::Timeout(self.time))) },
        )
    }
}

async fn plain_body(response: reqwest::Response) -> Result<Bytes, Failure> {
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Failure::Compressed(String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect()));
    }
    read_body(response, MAX_ANSWER_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge => Failure::TooLarge(MAX_ANSWER_BYTES),
        BodyError::Broken(cause) => Failure::Interrupted(cause),
    })
}
