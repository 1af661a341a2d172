//! HTTP as the portal, GitHub and sign-ins are spoken to: hyper's pooled client over rustls.
//!
//! Owns how a server is reached: the machine's proxies and roots, and the time for a connection.
//! What is sent is sent once, where it is told to: no redirects, no cookies, no repetition.

mod connect;

use std::net::SocketAddr;
use std::time::Duration;

use http::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use connect::Connector;

use crate::domain::first_cause;

/// What requests call the program.
pub const USER_AGENT: &str = concat!("cancel-pending/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take, from the name to the end of the TLS handshake.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A pool of connections. `B` is the body of requests.
pub type Client<B> = legacy::Client<Connector, B>;

/// Which way servers are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An `https` server through the proxy that the environment or the system names for it, if
    /// one is named. An `http` server never: a proxy would be handed in plain text what is sent.
    Proxied,
    /// Straight.
    Direct,
    /// Straight to this address, whatever the name of the server.
    To(SocketAddr),
}

/// A client that opens no connection yet, and reads the machine's roots when it opens its first
/// TLS connection. `idle` is how many unused connections to a server it keeps.
#[must_use]
pub fn client<B>(way: Way, connect_time: Duration, idle: usize) -> Client<B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(idle)
        .build(Connector::new(way, connect_time))
}

/// Why there is no whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than was allowed.
    TooLarge,
    /// The connection broke.
    Broken(String),
}

/// Reads the body of an answer, at most `most` bytes of it.
///
/// # Errors
/// When it is larger, whether it says so or not, and when the connection breaks.
pub async fn read_body(response: &mut Response<Incoming>, most: usize) -> Result<Bytes, BodyError> {
    let body = response.body_mut();
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLarge);
    }
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(error) => Err(BodyError::Broken(first_cause(&*error))),
    }
}
