//! A connection: straight or through a proxy's tunnel, with TLS where the address asks for it.
//!
//! Owns the machine's proxies and roots, and the time that all of it may take together.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tower_service::Service;

use super::Way;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A connection below the TLS to the server itself. To a proxy there may be TLS, too.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// How long a connection is idle before it is asked whether it still stands, and how often then.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_RETRIES: u32 = 3;

/// Opens connections.
#[derive(Debug, Clone)]
pub struct Connector {
    path: Path,
    tls: Arc<Tls>,
    time: Duration,
}

impl Connector {
    pub(super) fn new(way: Way, time: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Of several addresses each gets its share of it.
        tcp.set_connect_timeout(Some(time));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(KEEP_ALIVE_RETRIES));
        let proxies = (way == Way::Proxied).then(|| Arc::new(Matcher::from_system()));
        let tls = Arc::new(Tls::default());
        Self { path: Path { way, tcp, proxies, tls: Arc::clone(&tls) }, tls, time }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Self { mut path, tls, time } = self.clone();
        let connecting = async move {
            if server.scheme() == Some(&Scheme::HTTPS) {
                HttpsConnector::from((path, tls.config(&[b"h2", b"http/1.1"])?)).call(server).await
            } else {
                path.call(server).await.map(MaybeHttpsStream::Http)
            }
        };
        Box::pin(async move {
            let late = |_| format!("it took longer than {} s", time.as_secs_f64());
            tokio::time::timeout(time, connecting).await.map_err(late)?
        })
    }
}

/// The way to a server, below its own TLS.
#[derive(Debug, Clone)]
struct Path {
    way: Way,
    tcp: HttpConnector,
    proxies: Option<Arc<Matcher>>,
    tls: Arc<Tls>,
}

impl Service<Uri> for Path {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Self { way, mut tcp, proxies, tls } = self.clone();
        Box::pin(async move {
            if let Way::To(address) = way {
                let address = Uri::try_from(format!("http://{address}"))?;
                return Ok(MaybeHttpsStream::Http(tcp.call(address).await?));
            }
            let proxy = proxies
                .filter(|_| server.scheme() == Some(&Scheme::HTTPS))
                .and_then(|proxies| proxies.intercept(&server));
            let Some(proxy) = proxy else { return Ok(MaybeHttpsStream::Http(tcp.call(server).await?)) };
            let scheme = proxy.uri().scheme_str().unwrap_or_default();
            if !matches!(scheme, "http" | "https") {
                return Err(format!("a proxy that is reached by `{scheme}` can't be used, only http and https").into());
            }
            let mut tunnel = Tunnel::new(proxy.uri().clone(), HttpsConnector::from((tcp, tls.config(&[b"http/1.1"])?)));
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            Ok(tunnel.call(server).await?)
        })
    }
}

/// The configuration of TLS, made when it is first needed: reading the machine's roots takes
/// longer than a call on loopback.
#[derive(Debug, Default)]
struct Tls(Mutex<Option<ClientConfig>>);

impl Tls {
    /// The configuration for a server with which these protocols may be spoken.
    fn config(&self, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, BoxError> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let config = match &*made {
            Some(config) => config,
            None => made.insert(machine_config()?),
        };
        let mut config = config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn machine_config() -> Result<ClientConfig, BoxError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("TLS can't be set up on this machine ({error})"))?;
    Ok(config.with_no_client_auth())
}
