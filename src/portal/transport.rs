//! Requests to one portal: one connection pool, one gate, bounded answers, repeated reads.
//!
//! Owns what keeps a request from costing more than it may: no redirects, the token to the
//! portal's origin alone, time for connecting, for an attempt and for all attempts, the size
//! of an answer. Knows nothing of offers.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use backon::Retryable;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, IF_MATCH, LOCATION};
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use tokio::time::{Instant, timeout};
use url::Url;

use super::failure::Failure;
use super::gate::{Gate, Passage};
use super::pace::Verdict;
use super::token::{Credential, Token};
use super::{retry, wire};
use crate::domain::{PortalOrigin, first_cause};

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
    client: reqwest::Client,
    portal: PortalOrigin,
    /// The same as an address: reading it once, and not for each request, is a tenth of its cost.
    address: Url,
    credential: Arc<dyn Credential>,
    gate: Arc<Gate>,
    request_timeout: Duration,
}

/// An answer with a status of success. That to a read has been read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
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
    /// When TLS can't be set up on this machine (no trusted root certificates, for instance).
    pub fn new(
        portal: PortalOrigin,
        credential: Arc<dyn Credential>,
        settings: &TransportSettings,
    ) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cancel-pending/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(settings.request_timeout.min(Duration::from_secs(10)))
            .pool_max_idle_per_host(settings.concurrency)
            .https_only(!portal.is_loopback())
            .referer(false);
        if portal.is_loopback() {
            // A proxy would be handed the token in plain text, and could not reach loopback anyway.
            builder = builder.no_proxy();
        }
        if portal.as_str().starts_with("http://") {
            // There is no TLS on the way, and reading the machine's roots takes longer than the call.
            builder = builder.tls_certs_only([]);
        }
        if let Some(address) = settings.emulator {
            let host = PortalOrigin::EMULATOR.trim_start_matches("http://");
            builder = builder.resolve(host, address);
        }
        let client = builder.build().map_err(|error| Failure::Connect(innermost(&error)))?;
        let gate = Gate::new(settings.concurrency);
        let address = Url::parse(portal.as_str()).map_err(|error| Failure::Connect(error.to_string()))?;
        Ok(Self { client, address, portal, credential, gate, request_timeout: settings.request_timeout })
    }

    /// The portal it leads to.
    #[must_use]
    pub const fn portal(&self) -> &PortalOrigin {
        &self.portal
    }

    /// Reads, again where a failure may pass. No attempt begins later than three times the
    /// time of one after the first, which itself may have waited for its turn.
    pub(super) async fn get(&self, path_and_query: &str) -> Result<Answer, Failure> {
        let begun = OnceLock::new();
        let turn = || async {
            let passage = self.gate.read().await;
            begun.get_or_init(Instant::now);
            Ok(passage)
        };
        (|| self.authorized(Method::GET, path_and_query, Wanted::Body, turn, |request| request))
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
            .await
    }

    /// Writes, once. Only where the portal does not accept the token, and so has done nothing,
    /// it is sent again with another one.
    pub(super) async fn post(&self, path_and_query: &str, body: Vec<u8>, if_match: &str) -> Result<Answer, Failure> {
        let finish = move |request: RequestBuilder| {
            request.header(CONTENT_TYPE, "application/json").header(IF_MATCH, if_match).body(body.clone())
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
        finish: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
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
        finish: &(impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync),
    ) -> Result<Answer, Failure> {
        let mut url = self.address.clone();
        let (path, query) = path_and_query.split_once('?').unzip();
        url.set_path(path.unwrap_or(path_and_query));
        url.set_query(query);
        let request = self
            .client
            .request(method.clone(), url)
            .header(AUTHORIZATION, token.header())
            .header(ACCEPT, "application/json");
        let started = Instant::now();
        let time = self.request_timeout;
        let result = timeout(time, exchange(finish(request), wanted)).await.unwrap_or(Err(Failure::Timeout(time)));
        passage.end(verdict(&result));
        let milliseconds = started.elapsed().as_millis();
        match &result {
            Ok(answer) => {
                tracing::debug!(%method, path = path_and_query, bytes = answer.body.len(), milliseconds, "answered");
            }
            Err(failure) => tracing::debug!(%method, path = path_and_query, milliseconds, %failure, "failed"),
        }
        result
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

async fn exchange(request: RequestBuilder, wanted: Wanted) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(|error| failure_of(&error))?;
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
        let body = timeout(ERROR_BODY_TIME, read_body(&mut response)).await.unwrap_or(Ok(Vec::new()));
        let retry_after = retry::retry_after(response.headers(), SystemTime::now());
        let error = wire::PortalError::read(&body.unwrap_or_default());
        return Err(Failure::Status { status, error, retry_after });
    }
    let body = match wanted {
        Wanted::Head => Vec::new(),
        Wanted::Body => read_body(&mut response).await?,
    };
    Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body })
}

async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, Failure> {
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Failure::Compressed(String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect()));
    }
    if response.content_length().is_some_and(|length| length > MAX_ANSWER_BYTES as u64) {
        return Err(Failure::TooLarge(MAX_ANSWER_BYTES));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Failure::TooLarge(MAX_ANSWER_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_connect() { Failure::Connect(innermost(error)) } else { Failure::Interrupted(innermost(error)) }
}

/// The first cause: the outer layers only say that there was one, and name the address.
fn innermost(error: &reqwest::Error) -> String {
    if error.source().is_none() { "the request could not be made".to_owned() } else { first_cause(error) }
}
