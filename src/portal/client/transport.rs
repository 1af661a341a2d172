//! Requests to one portal: slots, tokens, bounded answers, repeated reads.
//!
//! Owns what a request may cost, and that a token goes to the portal's origin and below its
//! prefix alone. Nothing that happens in a slot waits; what waits happens outside of any.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{HeaderMap, LOCATION};
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};
use url::Url;

use super::error_body::{PortalError, correlation_ids};
use super::exchange::{Exchange, Incoming, Outgoing, Wanted};
use super::failure::Failure;
use super::pace::Feedback;
use super::path::address_below;
use super::reachability::Reachability;
use super::retry::{self, MAX_ATTEMPTS};
use super::slots::{Permit, Slots, Turn};
use super::token::{Credential, Token};
use crate::domain::PortalOrigin;
use crate::http_client::Departure;
use crate::secrets::{redact, redact_bytes};

/// How requests are made.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// The maximum of concurrent slots. Fewer are used where the portal asks for that.
    pub concurrency: usize,
    /// The time for one attempt, from connecting to the last byte.
    pub request_timeout: Duration,
    /// Who is told of retries.
    pub retries: RetryListener,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self { concurrency: 16, request_timeout: Duration::from_secs(20), retries: RetryListener::default() }
    }
}

/// Somebody who is told that a read will be retried: why, and after how long.
#[derive(Clone, Default)]
pub struct RetryListener(Option<Arc<ListenToRetry>>);

type ListenToRetry = dyn Fn(&Failure, Duration) + Send + Sync;

impl RetryListener {
    /// Listens by a function, which must not block.
    #[must_use]
    pub fn new(listen: impl Fn(&Failure, Duration) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listen)))
    }

    fn tell(&self, failure: &Failure, pause: Duration) {
        if let Some(listen) = &self.0 {
            listen(failure, pause);
        }
    }
}

impl fmt::Debug for RetryListener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RetryListener").field(&self.0.is_some()).finish()
    }
}

/// What a status means on a portal and what to do about it; none: what it means anywhere.
pub type StatusMeaning = fn(StatusCode) -> Option<&'static str>;

/// The way to a portal.
pub struct Transport {
    origin: PortalOrigin,
    origin_url: Url,
    prefix: &'static str,
    meaning: StatusMeaning,
    headers: HeaderMap,
    credential: Arc<dyn Credential>,
    exchange: Arc<dyn Exchange>,
    slots: Arc<Slots>,
    reachability: Reachability,
    request_timeout: Duration,
    retries: RetryListener,
}

/// A request that is sent in a slot.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path_and_query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub wanted: Wanted,
}

impl Call {
    pub fn get(path_and_query: &str, wanted: Wanted) -> Self {
        Self {
            method: Method::GET,
            path_and_query: path_and_query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            wanted,
        }
    }
}

/// An answer with a status of success.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// One unit of a portal's concurrency. Requests in it are sent once each, with one token.
pub struct Slot<'a> {
    transport: &'a Transport,
    token: Token,
    permit: Permit,
    departure: Departure,
}

/// Makes reads: in a slot, or with a slot for each attempt.
pub trait Requests: Sync {
    /// Reads.
    fn get(&self, path_and_query: &str, wanted: Wanted) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// Reads with a slot for each attempt, and tries again what may pass by itself.
pub struct Retrying<'a> {
    pub transport: &'a Transport,
    pub turn: Turn,
}

impl Transport {
    /// Opens no connection yet. Every request stays below `prefix`.
    #[must_use]
    pub fn new(
        origin: PortalOrigin,
        prefix: &'static str,
        meaning: StatusMeaning,
        credential: Arc<dyn Credential>,
        exchange: Arc<dyn Exchange>,
        settings: &TransportSettings,
    ) -> Self {
        Self {
            origin_url: origin.url(),
            origin,
            prefix,
            meaning,
            headers: HeaderMap::new(),
            credential,
            exchange,
            slots: Slots::new(settings.concurrency),
            reachability: Reachability::default(),
            request_timeout: settings.request_timeout,
            retries: settings.retries.clone(),
        }
    }

    /// The same way, on which every request has these headers.
    #[must_use]
    pub fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// The portal that it leads to.
    #[must_use]
    pub const fn origin(&self) -> &PortalOrigin {
        &self.origin
    }

    /// A token that will do for a while: one with fewer than five minutes left is renewed.
    pub async fn sign_in(&self) -> Result<Token, Failure> {
        Ok(self.credential.token().await?)
    }

    /// Another token than the one that the portal did not accept.
    pub async fn renew(&self, rejected: &Token) -> Result<Token, Failure> {
        Ok(self.credential.renew(rejected).await?)
    }

    /// Waits for a slot.
    pub async fn slot(&self, turn: Turn, token: Token) -> Slot<'_> {
        Slot { transport: self, token, permit: self.slots.take(turn).await, departure: Departure::default() }
    }

    /// Reads, again where a failure may pass, unless the portal was just found to be out of reach.
    /// No attempt begins later than three times the time of one after the first, which itself may
    /// have waited for its turn.
    async fn read(&self, turn: Turn, call: &Call) -> Result<Answer, Failure> {
        let came = Instant::now();
        if let Some(failure) = self.reachability.lost(came) {
            return Err(failure);
        }
        let mut pauses = retry::pauses();
        let mut token = self.sign_in().await?;
        let begun: OnceLock<Instant> = OnceLock::new();
        let (mut attempts, mut renewed) = (0, false);
        loop {
            let result = {
                let slot = self.slot(turn, token.clone()).await;
                begun.get_or_init(Instant::now);
                slot.send(call.clone()).await
            };
            attempts += 1;
            let failure = match result {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.is_unauthorized() && !renewed {
                renewed = true;
                match self.renew(&token).await {
                    Ok(other) => {
                        token = other;
                        attempts -= 1;
                        continue;
                    }
                    Err(error) => tracing::info!(%error, "no other token"),
                }
            }
            let begun = *begun.get_or_init(Instant::now);
            let pause = failure.is_transient().then(|| pauses.next()).flatten();
            let pause = pause.map(|pause| failure.retry_after().map_or(pause, |asked| pause.max(asked)));
            let in_time =
                |pause: &Duration| begun.elapsed().saturating_add(*pause) < self.request_timeout.saturating_mul(3);
            let Some(pause) = pause.filter(in_time).filter(|_| attempts < MAX_ATTEMPTS) else {
                let failure = failure.after(attempts, begun.elapsed());
                if matches!(failure, Failure::Connect { .. }) {
                    self.reachability.lose(came, Instant::now(), &failure);
                }
                return Err(failure);
            };
            tracing::info!(path = call.path_and_query, wait_ms = pause.as_millis(), %failure, "reading again");
            self.retries.tell(&failure, pause);
            sleep(pause).await;
        }
    }
}

impl Slot<'_> {
    /// The token that its requests carry.
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Whether the portal has asked for a pause since the slot was taken.
    pub fn must_wait(&self) -> bool {
        self.permit.must_wait()
    }

    /// Returns when the request that was sent last waits for its connection, so that nothing of it has left.
    pub async fn waits_for_connection(&self) {
        self.departure.waits_for_connection().await;
    }

    /// Sends a request, once: no pause, no repetition, no sign-in.
    pub async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let transport = self.transport;
        let Call { method, path_and_query, mut headers, body, wanted } = call;
        headers.extend(transport.headers.clone());
        let Some(url) = address_below(&path_and_query, transport.prefix, &transport.origin_url) else {
            return Err(Failure::OutOfBounds(path_and_query.chars().take(200).collect()));
        };
        let started = Instant::now();
        let (token, departure) = (self.token.clone(), self.departure.clone());
        let request = Outgoing { method: method.clone(), url, headers, body, token, wanted, departure };
        let result = transport.exchange.exchange(request).await.and_then(|incoming| judge(incoming, transport.meaning));
        self.permit.report(feedback(&result));
        if !matches!(result, Err(Failure::Connect { .. } | Failure::Timeout(_))) {
            transport.reachability.heard(Instant::now());
        }
        let path = path_and_query;
        let milliseconds = started.elapsed().as_millis();
        match &result {
            Ok(answer) => tracing::debug!(%method, path, bytes = answer.body.len(), milliseconds, "answered"),
            Err(failure) => tracing::debug!(%method, path, milliseconds, %failure, "failed"),
        }
        result
    }
}

impl Requests for Retrying<'_> {
    async fn get(&self, path_and_query: &str, wanted: Wanted) -> Result<Answer, Failure> {
        self.transport.read(self.turn, &Call::get(path_and_query, wanted)).await
    }
}

impl Requests for &Slot<'_> {
    async fn get(&self, path_and_query: &str, wanted: Wanted) -> Result<Answer, Failure> {
        self.send(Call::get(path_and_query, wanted)).await
    }
}

/// What an answer comes to, by its status alone.
fn judge(incoming: Incoming, meaning: StatusMeaning) -> Result<Answer, Failure> {
    let Incoming { status, headers, body } = incoming;
    // Whatever is made of an answer, no secret that it echoes is in it.
    let body = match redact_bytes(&body) {
        Cow::Borrowed(_) => body,
        Cow::Owned(redacted) => redacted.into(),
    };
    if status.is_redirection() {
        // Cut out before it is cut short: half of a secret is not recognised.
        let to =
            headers.get(LOCATION).map(|to| redact(&String::from_utf8_lossy(to.as_bytes())).chars().take(200).collect());
        return Err(Failure::Redirect { status, to });
    }
    if status.is_success() {
        return Ok(Answer { status, headers, body });
    }
    let retry_after = retry::retry_after(&headers, SystemTime::now());
    Err(Failure::Status {
        status,
        meaning: meaning(status),
        error: PortalError::read(&body).map(Box::new),
        correlation: correlation_ids(&headers),
        retry_after,
    })
}

/// What an answer says of how many requests there may be. A 503 says it when it says for how long.
fn feedback(result: &Result<Answer, Failure>) -> Feedback {
    match result {
        Err(failure) if failure.is_throttle() => Feedback::Throttled(failure.retry_after()),
        Err(Failure::Status { status, .. }) if status.is_server_error() => Feedback::Nothing,
        Ok(_) | Err(Failure::Status { .. } | Failure::Redirect { .. }) => Feedback::Served,
        Err(_) => Feedback::Nothing,
    }
}
