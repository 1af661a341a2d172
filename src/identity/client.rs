//! The HTTP client that `azure_identity` is given, in place of its own.
//!
//! Owns where a sign-in may go and how much it may answer: https alone, but for the machine
//! itself and Azure's link-local addresses; no redirects, no compression, bounded in size and
//! time. Of an error the first cause alone is told: the layers around it name the address, which
//! may hold what is not to be shown. It remembers the last answer, because what Entra says of a
//! refusal is in there.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, HttpClient, Method, RawResponse, Request};
use bytes::Bytes;
use url::{Host, Url};

use crate::domain::{first_cause, is_loopback};
use crate::http_client::{self, BodyError, CONNECT_TIME, Route, Security, read_body};

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(15);

/// The most bytes of an answer. A token has a few thousand.
const MAX_BYTES: usize = 256 * 1024;

/// The client for everything: through the proxy of the environment, or straight to what is near.
/// Each is made when it is first needed: a token that is given needs none.
#[derive(Debug, Default)]
struct SignInClient {
    far: OnceLock<reqwest::Client>,
    near: OnceLock<reqwest::Client>,
}

impl SignInClient {
    fn of(&self, url: &Url) -> azure_core::Result<&reqwest::Client> {
        let (place, route) = if is_near(url) { (&self.near, Route::Direct) } else { (&self.far, Route::Proxied) };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let made = http_client::client(&route, Security::Tls, CONNECT_TIME, 1).map_err(|error| {
            let text = format!("TLS can't be set up on this machine ({})", first_cause(&error));
            Error::with_message(ErrorKind::Other, text)
        })?;
        Ok(place.get_or_init(|| made))
    }
}

/// The client. It opens no connection yet.
pub(super) fn client() -> Arc<dyn HttpClient> {
    Arc::new(SignInClient::default())
}

/// This machine, or the address at which Azure tells a machine who it is.
fn is_near(url: &Url) -> bool {
    is_loopback(url)
        || match url.host() {
            Some(Host::Ipv4(address)) => address.is_link_local(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            _ => false,
        }
}

fn method_of(request: &Request) -> azure_core::Result<http::Method> {
    match request.method() {
        Method::Get => Ok(http::Method::GET),
        Method::Post => Ok(http::Method::POST),
        other => Err(Error::with_message(ErrorKind::Other, format!("no sign-in uses {other:?}"))),
    }
}

#[async_trait]
impl HttpClient for SignInClient {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let client = match request.url().scheme() {
            "https" => self.of(request.url())?,
            "http" if is_near(request.url()) => self.of(request.url())?,
            _ => {
                let message = "signing in goes over https alone, except to this machine itself";
                return Err(Error::with_message(ErrorKind::Other, message));
            }
        };
        let exchange = async {
            let mut builder = client.request(method_of(request)?, request.url().clone());
            for (name, value) in request.headers().iter() {
                builder = builder.header(name.as_str(), value.as_str());
            }
            let response = builder.body(Bytes::from(request.body())).send().await.map_err(|error| {
                let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
                Error::with_message(kind, first_cause(&error))
            })?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read_body(response, MAX_BYTES).await.map_err(|error| match error {
                BodyError::TooLarge => {
                    Error::with_message(ErrorKind::DataConversion, "the answer is larger than 256 KiB".to_owned())
                }
                BodyError::Broken(cause) => Error::with_message(ErrorKind::Io, cause),
            })?;
            azure_core::Result::Ok((status, headers, body))
        };
        let late = |_| Error::with_message(ErrorKind::Io, format!("no answer within {} s", REQUEST_TIME.as_secs()));
        let (status, headers, body) = tokio::time::timeout(REQUEST_TIME, exchange).await.map_err(late)??;
        let headers: Headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .map(|(name, value)| (HeaderName::from(name), azure_core::http::headers::HeaderValue::from(value)))
            .collect::<std::collections::HashMap<_, _>>()
            .into();
        Ok(AsyncRawResponse::from_bytes(status.as_u16().into(), headers, body))
    }
}

/// What a sign-in was answered last.
#[derive(Debug, Clone, Default)]
pub(super) struct LastAnswer {
    pub host: String,
    pub status: u16,
    pub body: Vec<u8>,
    /// How far this machine's clock is ahead of the one that answered, in seconds.
    pub clock_ahead: Option<i64>,
}

/// A client that remembers what it was answered.
#[derive(Debug)]
pub(super) struct Remembering {
    inner: Arc<dyn HttpClient>,
    last: Mutex<Option<LastAnswer>>,
}

impl Remembering {
    pub fn new(inner: Arc<dyn HttpClient>) -> Self {
        Self { inner, last: Mutex::new(None) }
    }

    /// The last answer since this was asked before.
    pub fn take(&self) -> Option<LastAnswer> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl HttpClient for Remembering {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.inner.execute_request(request).await?.try_into_raw_response().await?;
        let date = answer.headers().iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case("date"));
        let last = LastAnswer {
            host: request.url().host_str().unwrap_or_default().to_owned(),
            status: u16::from(answer.status()),
            // A success holds the token, and nothing about it is worth remembering.
            body: if answer.status().is_success() { Vec::new() } else { answer.body().to_vec() },
            clock_ahead: date.and_then(|(_, value)| clock_ahead(value.as_str(), SystemTime::now())),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        let (status, headers, body) = RawResponse::deconstruct(answer);
        Ok(AsyncRawResponse::from_bytes(status, headers, Bytes::from(body)))
    }
}

fn clock_ahead(date: &str, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Some(match now.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}
