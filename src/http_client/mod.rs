//! HTTP as the portals, GitHub and sign-ins are spoken to: reqwest, set up once.
//!
//! Owns how a server is reached. What is sent is sent once, where it is told to: no redirects,
//! no cookies, no repetition, no decompression; rustls with aws-lc-rs and the system's roots
//! (`SSL_CERT_FILE` in their place), the system's proxy.

mod departure;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use departure::Departure;

use crate::domain::first_cause;

/// What requests call the program.
pub const USER_AGENT: &str = concat!("cancel-pending/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take, from the name to the end of the TLS handshake.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long a connection is idle before it is asked whether it still stands, and how often then.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_RETRIES: u32 = 3;

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// An `https` server through the proxy that the environment or the system names for it, if
    /// one is named.
    Proxied,
    /// Straight.
    Direct,
    /// Straight, and this name stands for this address.
    Named(String, SocketAddr),
}

/// Which servers a client speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Over TLS. The machine's root certificates are read when the client is made.
    Tls,
    /// In plain text: a server on this machine. No certificates are read, which takes longer than a call.
    Plain,
}

/// Returns a client that opens no connection yet. `idle` is how many unused connections to a
/// server it keeps.
///
/// # Errors
/// When TLS can't be set up on this machine.
pub fn client(
    route: &Route,
    security: Security,
    connect_time: Duration,
    idle: usize,
) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect_time)
        .connector_layer(departure::DepartureLayer)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .tcp_keepalive_retries(KEEP_ALIVE_RETRIES)
        .pool_max_idle_per_host(idle);
    let builder = match security {
        Security::Tls => builder,
        Security::Plain => builder.tls_certs_only([]),
    };
    match route {
        Route::Proxied => builder,
        Route::Direct => builder.no_proxy(),
        Route::Named(name, address) => builder.no_proxy().resolve(name, *address),
    }
    .build()
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
pub async fn read_body(mut response: reqwest::Response, most: usize) -> Result<Bytes, BodyError> {
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(BodyError::TooLarge);
    }
    let broken = |error: reqwest::Error| BodyError::Broken(first_cause(&error));
    let Some(first) = response.chunk().await.map_err(broken)? else { return Ok(Bytes::new()) };
    if first.len() > most {
        return Err(BodyError::TooLarge);
    }
    // Most answers come in one piece, and are not copied.
    let Some(second) = response.chunk().await.map_err(broken)? else { return Ok(first) };
    let mut body = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if body.len() + chunk.len() > most {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(broken)?;
    }
    Ok(body.freeze())
}
