//! The emulator as a server: listening, closing connections on demand, shutting down.
//!
//! Owns sockets and tasks. axum answers; what it can't do, closing a connection without an
//! answer, is done here, where a connection is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::exchange::{CloseConnection, SharedState, router};
use super::scenario::Scenario;

/// A request that the emulator has answered, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The header `If-Match`.
    pub if_match: Option<String>,
    /// The body.
    pub body: String,
}

/// A running emulator. It stops when it is dropped.
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<SharedState>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Starts an emulator. `origin` is what absolute locations begin with; absent: where it listens.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub async fn start(scenario: Scenario, listen: SocketAddr, origin: Option<String>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let origin = origin.unwrap_or_else(|| format!("http://{address}"));
        let shared = Arc::new(SharedState::new(scenario, origin));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router(Arc::clone(&shared)), stopped));
        Ok(Self { address, shared, stop, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Turns its clock.
    pub fn advance(&self, by: Duration) {
        self.shared.lock().clock.turn(by);
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.lock().log.clone()
    }

    /// Stops listening, gives the answers under way a moment, and closes what is left.
    pub async fn shut_down(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How long answers under way have when the emulator shuts down.
const GRACE: Duration = Duration::from_secs(1);

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, router.clone(), stopped.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

#[derive(Debug, thiserror::Error)]
#[error("the state file wants this connection closed")]
struct Closed;

async fn connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let api = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = api.call(request);
        async move {
            let Ok(response) = answer.await;
            if response.extensions().get::<CloseConnection>().is_some() { Err(Closed) } else { Ok(response) }
        }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => {}
        _ = stopped.changed() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
