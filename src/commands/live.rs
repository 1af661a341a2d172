//! The live state of all offers that need it, side by side.
//!
//! Owns the order of asking. It is handed readers and nothing that could write.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::{DesiredSet, Observed};
use crate::plan::{Observation, ObservedState};
use crate::portal::{Backends, ReadPortal as _};

/// All offers, with nothing known of their live state.
#[must_use]
pub fn unread(desired: DesiredSet) -> Vec<ObservedState> {
    let unread = |offer| Observation { desired: offer, observed: None };
    let states = desired.states.into_iter();
    states
        .map(|state| ObservedState { limits: state.limits, offers: state.offers.into_iter().map(unread).collect() })
        .collect()
}

/// How many offers need their live state read.
#[must_use]
pub fn needed(desired: &DesiredSet, now: Timestamp) -> usize {
    desired.offers().filter(|offer| offer.needs_live_state(now)).count()
}

/// Reads the live state of each offer that needs it, `concurrency` at a time, and tells after each.
pub async fn observe(
    desired: DesiredSet,
    backends: &Backends,
    concurrency: usize,
    now: Timestamp,
    after_each: impl Fn(),
) -> Vec<ObservedState> {
    let mut states = unread(desired);
    let wanted: Vec<(usize, usize)> = states
        .iter()
        .enumerate()
        .flat_map(|(state, observed)| {
            let needed = observed.offers.iter().enumerate().filter(|(_, one)| one.desired.needs_live_state(now));
            needed.map(move |(index, _)| (state, index)).collect::<Vec<_>>()
        })
        .collect();
    // As many as may be asked for at once, each going on to the next offer that nobody has taken:
    // what waiting for an answer needs is set up once for each of them, and not for each offer.
    let next = AtomicUsize::new(0);
    let reader = async || {
        let mut seen = Vec::new();
        while let Some((state, index)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let offer = &states[*state].offers[*index].desired;
            let observed = match backends.get(offer.key.portal) {
                Some(backend) => backend.reader().live(&offer.query()).await.unwrap_or_else(|failure| {
                    tracing::warn!(offer = %offer.key, %failure, "the live state is not known");
                    Observed::unreadable(failure.to_string())
                }),
                None => Observed::unreadable(format!("the portal {} is not in use", offer.key.portal)),
            };
            seen.push((*state, *index, observed));
            after_each();
        }
        seen
    };
    let readers = (0..concurrency.clamp(1, wanted.len().max(1))).map(|_| reader());
    let seen = join_all(readers).await;
    for (state, index, observed) in seen.into_iter().flatten() {
        states[state].offers[index].observed = Some(observed);
    }
    states
}
