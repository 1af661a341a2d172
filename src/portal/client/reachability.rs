//! Whether a portal can be reached at all.
//!
//! Owns when a read is given up unsent: a portal that nobody answers at is not called thousands of
//! times, each with all its repetitions, to find that out for each offer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;

/// How long it is taken for granted that a portal still can't be reached.
const HOLD: Duration = Duration::from_secs(5);

/// What is known of it. Shared by all requests.
#[derive(Debug, Default)]
pub(super) struct Reachability(Mutex<Contacts>);

#[derive(Debug, Default)]
struct Contacts {
    heard: Option<Instant>,
    lost: Option<(Instant, Failure)>,
}

impl Reachability {
    /// There was a connection.
    pub fn heard(&self, now: Instant) {
        *self.lock() = Contacts { heard: Some(now), lost: None };
    }

    /// A read that began then found none, as often as it tried. That means nothing where another one did since.
    pub fn lose(&self, began: Instant, now: Instant, failure: &Failure) {
        let mut known = self.lock();
        if known.heard.is_none_or(|heard| heard < began) {
            known.lost = Some((now, failure.clone()));
        }
    }

    /// Why there is no sense in a read, just now.
    pub fn lost(&self, now: Instant) -> Option<Failure> {
        self.lock().lost.as_ref().filter(|(at, _)| now < *at + HOLD).map(|(_, failure)| failure.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Contacts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_lost_for_a_while_or_until_it_is_heard_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let failure = Failure::connect(&crate::domain::PortalOrigin::microsoft(), "refused".to_owned());
        let reachability = Reachability::default();
        assert_eq!(reachability.lost(at(0)), None);
        reachability.lose(at(0), at(4), &failure);
        assert_eq!(reachability.lost(at(8)), Some(failure.clone()));
        assert_eq!(reachability.lost(at(9)), None, "it is tried again");
        reachability.lose(at(9), at(13), &failure);
        reachability.heard(at(14));
        assert_eq!(reachability.lost(at(14)), None);
        reachability.lose(at(13), at(15), &failure);
        assert_eq!(reachability.lost(at(15)), None, "another one had a connection meanwhile");
        reachability.lose(at(15), at(19), &failure);
        assert_eq!(reachability.lost(at(19)), Some(failure));
    }
}
