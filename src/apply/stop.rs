//! The request to stop, as everything under way sees it.
//!
//! Owns the moments: no new call from the request on, and a little time for the calls in progress.

use std::time::Duration;

use tokio::sync::watch;

/// How long requests in progress may still take after a request to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The side that requests a stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// The side that stops.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// Returns both sides.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Requests a stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether a stop is requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until a stop is requested.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requested| *requested).await.is_err() {
            // Nobody is left who could request it.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until a stop is requested and the grace is over.
    pub(super) async fn grace_is_over(&self) {
        self.requested().await;
        tokio::time::sleep(GRACE).await;
    }
}
