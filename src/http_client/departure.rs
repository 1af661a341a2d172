//! Whether a request has left, or still waits for its connection.
//!
//! Owns that one fact. A connection can take seconds, and what waits for one can be called back: dropped, it never leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::watch;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// The request for which a connection is made.
    static OWN: Departure;
}

/// The departure of one request after the other.
#[derive(Debug, Clone)]
pub struct Departure(Arc<watch::Sender<bool>>);

impl Default for Departure {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Departure {
    /// Sends a request, and follows whether it waits for a connection.
    pub async fn follow<F: Future>(&self, request: F) -> F::Output {
        self.goes();
        OWN.scope(self.clone(), request).await
    }

    /// Returns when the request waits for a connection: at once where it does, and never where it has left for good.
    pub async fn waits_for_connection(&self) {
        let mut waits = self.0.subscribe();
        if waits.wait_for(|waits| *waits).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// It waits for a connection.
    pub fn waits(&self) {
        self.0.send_replace(true);
    }

    /// It leaves, or has left.
    pub fn goes(&self) {
        self.0.send_replace(false);
    }

    fn is_own(&self) -> bool {
        OWN.try_with(|own| Arc::ptr_eq(&own.0, &self.0)).unwrap_or(false)
    }
}

/// Tells each request when a connection is made for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DepartureLayer;

impl<S> Layer<S> for DepartureLayer {
    type Service = DepartureService<S>;

    fn layer(&self, connector: S) -> DepartureService<S> {
        DepartureService(connector)
    }
}

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct DepartureService<S>(S);

impl<R, S: Service<R>> Service<R> for DepartureService<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Connecting<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Connecting<S::Future> {
        let departure = OWN.try_with(Clone::clone).ok();
        if let Some(departure) = &departure {
            departure.waits();
        }
        Connecting { connection: Box::pin(self.0.call(destination)), departure }
    }
}

/// A connection that is being made, and the request that waits for it.
pub(super) struct Connecting<F> {
    connection: Pin<Box<F>>,
    departure: Option<Departure>,
}

impl<F: Future> Future for Connecting<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Another connection was free first. The request has left on that one, and this one is made for the next.
        if let Some(departure) = self.departure.take_if(|departure| !departure.is_own()) {
            departure.goes();
        }
        let connection = ready!(self.connection.as_mut().poll(context));
        if let Some(departure) = self.departure.take() {
            departure.goes();
        }
        Poll::Ready(connection)
    }
}
