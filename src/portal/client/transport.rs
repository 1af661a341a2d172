//! Requests to one portal: one connection pool, one gate, bounded answers, repeated reads.
//!
//! Owns what keeps a request from costing more than it may: no redirects, the token to the
//! portal's origin alone, time for connecting, for an attempt and for all attempts, the size
//! of an answer. Knows nothing of offers.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use backon::Retryable;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH, LOCATION, USER_AGENT,
};
use http::uri::{Parts, PathAndQuery};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio::time::{Instant, timeout};

use super::contact::Contact;
use super::error_body::PortalError;
use super::failure::Failure;
use super::gate::{Gate, Passage};
use super::pace::Verdict;
use super::retry;
use super::token::{Credential, Token};
use crate::domain::{PortalOrigin, first_cause};
use crate::http_client::{self, BodyError, CONNECT_TIME, Client, Way, read_body};

/// The most bytes of an answer that are read.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How long the body of an error answer is waited for.
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

/// How requests are made.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// The most requests that are under way at once. Fewer are where the portal asks for that.
    pub concurrency: usize,
    /// The time for one attempt, from connecting to the last byte.
    pub request_timeout: Duration,
    /// Where an in-process emulator listens: the portal's name then stands for this address.
    pub emulator: Option<SocketAddr>,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self { concurrency: 16, request_timeout: Duration::from_secs(20), emulator: None }
    }
}

/// The way to a portal.
pub struct Transport {
    client: Client<Full<Bytes>>,
    portal: PortalOrigin,
    /// The same as an address, which is read once and not for each request.
    address: Parts,
    credential: Arc<dyn Credential>,
    gate: Arc<Gate>,
    contact: Contact,
    request_timeout: Duration,
}

/// An answer with a status of success. That to a read has been read to its end.
#[derive(Debug)]
pub(in crate::portal) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// How much of a successful answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// All of it.
    Body,
    /// Status and headers. What they say stands, whatever becomes of the body.
    Head,
}

impl Transport {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// When the portal's origin is not an address.
    pub fn new(
        portal: PortalOrigin,
        credential: Arc<dyn Credential>,
        settings: &TransportSettings,
    ) -> Result<Self, Failure> {
        let way = match settings.emulator {
            Some(address) => Way::To(address),
            // A proxy could not reach loopback.
            None if portal.is_loopback() => Way::Direct,
            None => Way::Proxied,
        };
        // Less than an attempt may take: where there is no connection, nothing was sent, and that is to be known.
        let client = http_client::client(way, CONNECT_TIME.min(settings.request_timeout / 2), settings.concurrency);
        let gate = Gate::new(settings.concurrency);
        let address: Uri = portal.as_str().parse().map_err(|error| Failure::Connect(format!("{error}")))?;
        let address = address.into_parts();
        Ok(Self {
            client,
            portal,
            address,
            credential,
            gate,
            contact: Contact::default(),
            request_timeout: settings.request_timeout,
        })
    }

    /// The portal it leads to.
    #[must_use]
    pub const fn portal(&self) -> &PortalOrigin {
        &self.portal
    }

    /// Reads, again where a failure may pass, unless the portal was just found to be out of reach.
    /// No attempt begins later than three times the time of one after the first, which itself may
    /// have waited for its turn.
    pub(in crate::portal) async fn get(&self, path_and_query: &str) -> Result<Answer, Failure> {
        let came = Instant::now();
        if let Some(failure) = self.contact.lost(came) {
            return Err(failure);
        }
        let begun = OnceLock::new();
        let turn = || async {
            let passage = self.gate.read().await;
            begun.get_or_init(Instant::now);
            Ok(passage)
        };
        let read = (|| self.authorized(Method::GET, path_and_query, Wanted::Body, turn, |_| {}))
            .retry(retry::pauses())
            .when(|failure: &Failure| failure.is_transient())
            .adjust(|failure: &Failure, pause: Option<Duration>| {
                let pause = failure.retry_after().map_or(pause, |asked| pause.map(|pause| pause.max(asked)))?;
                let begun = *begun.get_or_init(Instant::now);
                (Instant::now() + pause < begun + 3 * self.request_timeout).then_some(pause)
            })
            .notify(|failure: &Failure, pause: Duration| {
                tracing::info!(path = path_and_query, wait_ms = pause.as_millis(), %failure, "reading again");
            })
            .await;
        if let Err(failure @ Failure::Connect(_)) = &read {
            self.contact.lose(came, Instant::now(), failure);
        }
        read
    }

    /// Writes, once. Only where the portal does not accept the token, and so has done nothing,
    /// it is sent again with another one.
    pub(in crate::portal) async fn post(
        &self,
        path_and_query: &str,
        body: Vec<u8>,
        if_match: &str,
    ) -> Result<Answer, Failure> {
        let if_match = HeaderValue::try_from(if_match)
            .map_err(|_| Failure::Connect("the offer's entity tag can't stand in an HTTP header".to_owned()))?;
        let body = Bytes::from(body);
        let finish = move |request: &mut Request<Full<Bytes>>| {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.headers_mut().insert(IF_MATCH, if_match.clone());
            *request.body_mut() = Full::new(body.clone());
        };
        let turn = || async { self.gate.write().await.map_err(Failure::LeftAlone) };
        self.authorized(Method::POST, path_and_query, Wanted::Head, turn, finish).await
    }

    /// One attempt with a token; once more with another one where the portal does not accept the first.
    async fn authorized<T: Future<Output = Result<Passage, Failure>> + Send>(
        &self,
        method: Method,
        path_and_query: &str,
        wanted: Wanted,
        turn: impl Fn() -> T + Send + Sync,
        finish: impl Fn(&mut Request<Full<Bytes>>) + Send + Sync,
    ) -> Result<Answer, Failure> {
        let token = self.credential.token().await?;
        let first = self.attempt(method.clone(), path_and_query, wanted, &token, turn().await?, &finish).await;
        match first {
            Err(Failure::Status { status: StatusCode::UNAUTHORIZED, .. }) => {
                match self.credential.renew(&token).await {
                    Ok(renewed) => self.attempt(method, path_and_query, wanted, &renewed, turn().await?, &finish).await,
                    Err(error) => {
                        tracing::info!(%error, "no other token");
                        first
                    }
                }
            }
            other => other,
        }
    }

    async fn attempt(
        &self,
        method: Method,
        path_and_query: &str,
        wanted: Wanted,
        token: &Token,
        passage: Passage,
        finish: &(impl Fn(&mut Request<Full<Bytes>>) + Send + Sync),
    ) -> Result<Answer, Failure> {
        let mut request = self.request(method.clone(), path_and_query, token)?;
        finish(&mut request);
        let started = Instant::now();
        let time = self.request_timeout;
        let result = timeout(time, self.exchange(request, wanted)).await.unwrap_or(Err(Failure::Timeout(time)));
        passage.end(verdict(&result));
        if !matches!(result, Err(Failure::Connect(_) | Failure::Timeout(_))) {
            self.contact.heard(Instant::now());
        }
        let milliseconds = started.elapsed().as_millis();
        match &result {
            Ok(answer) => {
                tracing::debug!(%method, path = path_and_query, bytes = answer.body.len(), milliseconds, "answered");
            }
            Err(failure) => tracing::debug!(%method, path = path_and_query, milliseconds, %failure, "failed"),
        }
        result
    }

    fn request(&self, method: Method, path_and_query: &str, token: &Token) -> Result<Request<Full<Bytes>>, Failure> {
        let invalid = |error: http::Error| Failure::Connect(format!("`{path_and_query}` is no path: {error}"));
        let mut parts = Parts::default();
        parts.scheme.clone_from(&self.address.scheme);
        parts.authority.clone_from(&self.address.authority);
        let path = PathAndQuery::try_from(path_and_query).map_err(|error| invalid(error.into()))?;
        parts.path_and_query = Some(path);
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| invalid(error.into()))?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.header());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(http_client::USER_AGENT));
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, wanted: Wanted) -> Result<Answer, Failure> {
        let mut response = self.client.request(request).await.map_err(|error| {
            let cause = first_cause(&error);
            if error.is_connect() { Failure::Connect(cause) } else { Failure::Interrupted(cause) }
        })?;
        let status = response.status();
        if status.is_redirection() {
            let to = response
                .headers()
                .get(LOCATION)
                .map(|to| String::from_utf8_lossy(to.as_bytes()).chars().take(200).collect());
            return Err(Failure::Redirect { status, to });
        }
        if !status.is_success() {
            // The status stands by itself; what the portal says of it is read if it comes.
            let body = timeout(ERROR_BODY_TIME, plain_body(&mut response)).await.unwrap_or(Ok(Bytes::new()));
            let retry_after = retry::retry_after(response.headers(), SystemTime::now());
            let error = PortalError::read(&body.unwrap_or_default());
            return Err(Failure::Status { status, error, retry_after });
        }
        let body = match wanted {
            Wanted::Head => Bytes::new(),
            Wanted::Body => plain_body(&mut response).await?,
        };
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body })
    }
}

/// What an answer says of how many requests there may be. A 503 says it when it says for how long.
fn verdict(result: &Result<Answer, Failure>) -> Verdict {
    match result {
        Err(Failure::Status { status: StatusCode::TOO_MANY_REQUESTS, retry_after, .. }) => {
            Verdict::Throttled(*retry_after)
        }
        Err(Failure::Status {
            status: StatusCode::SERVICE_UNAVAILABLE, retry_after: retry_after @ Some(_), ..
        }) => Verdict::Throttled(*retry_after),
        Err(Failure::Status { status, .. }) if status.is_server_error() => Verdict::Nothing,
        Ok(_) | Err(Failure::Status { .. } | Failure::Redirect { .. }) => Verdict::Served,
        Err(_) => Verdict::Nothing,
    }
}

async fn plain_body(response: &mut Response<Incoming>) -> Result<Bytes, Failure> {
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Failure::Compressed(String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect()));
    }
    read_body(response, MAX_ANSWER_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge => Failure::TooLarge(MAX_ANSWER_BYTES),
        BodyError::Broken(cause) => Failure::Interrupted(cause),
    })
}
