//! The wish to stop, as everything under way sees it.
//!
//! Owns the moments: no new call from the wish on, and a little time for the calls under way.

use std::time::Duration;

use tokio::sync::watch;

/// How long a cancel call under way may still take. With the time to write the outcome it
/// stays within the five seconds that an interrupted run may last.
const GRACE: Duration = Duration::from_secs(4);

/// The side that wishes.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// The side that stops.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// Both sides.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Wishes.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it is wished.
    #[must_use]
    pub fn is_wished(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is wished.
    pub async fn wished(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|wished| *wished).await.is_err() {
            // Nobody is left who could wish.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until it is wished and the grace is over.
    pub(super) async fn grace_is_over(&self) {
        self.wished().await;
        tokio::time::sleep(GRACE).await;
    }

    /// Does some work unless it is wished before its end.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.wished() => None,
        }
    }
}
