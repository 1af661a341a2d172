//! The live state of all offers that need it, side by side.
//!
//! Owns the order of asking. It is handed readers and nothing that could write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::{DesiredSet, FailureScope, Observed, PortalKind};
use crate::plan::{Observation, ObservedState};
use crate::portal::{Backends, Failure, ReadPortal as _};

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
    // Asked for one by one: most portals need none of them, and there may be a hundred thousand.
    let query = |(state, index): &(usize, usize)| states[*state].offers[*index].desired.query();
    for backend in backends.iter() {
        let kind = backend.kind();
        backend.prepare(wanted.iter().map(query).filter(|query| query.key.portal == kind)).await;
    }
    // As many as may be asked for at once, each going on to the next offer that nobody has taken:
    // what waiting for an answer needs is set up once for each of them, and not for each offer.
    let next = AtomicUsize::new(0);
    let reader = async || {
        let mut seen = Vec::new();
        while let Some((state, index)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let offer = &states[*state].offers[*index].desired;
            let result = if let Some(backend) = backends.get(offer.key.portal) {
                backend.reader().live(&offer.query()).await
            } else {
                let why = format!("the portal {} is not in use", offer.key.portal);
                Ok(Observed::unreadable(why, FailureScope::Offer))
            };
            seen.push((*state, *index, result));
            after_each();
        }
        seen
    };
    let readers = (0..concurrency.clamp(1, wanted.len().max(1))).map(|_| reader());
    let seen = join_all(readers).await;
    let portal = |state: usize, index: usize| states[state].offers[index].desired.key.portal;
    let common: BTreeMap<PortalKind, Failure> = backends
        .iter()
        .filter_map(|backend| {
            let own = seen.iter().flatten().filter(|(state, index, _)| portal(*state, *index) == backend.kind());
            Some((backend.kind(), common_failure(own.map(|(_, _, result)| result))?.clone()))
        })
        .collect();
    for (portal, failure) in &common {
        tracing::warn!(%portal, %failure, "no live state is known");
    }
    for (state, index, result) in seen.into_iter().flatten() {
        let offer = &mut states[state].offers[index];
        offer.observed = Some(result.unwrap_or_else(|failure| {
            // In one text, whatever each had to try: one reason is said once.
            if let Some(common) = common.get(&offer.desired.key.portal) {
                return Observed::unreadable(common.to_string(), FailureScope::Portal);
            }
            tracing::warn!(offer = %offer.desired.key, %failure, "the live state is not known");
            Observed::unreadable(failure.to_string(), FailureScope::Offer)
        }));
    }
    states
}

/// Why not one of a portal's offers could be read, where that is one reason for all of them. A fault that
/// passes is one of the portal only where more than one offer met it.
fn common_failure<'a>(results: impl Iterator<Item = &'a Result<Observed, Failure>>) -> Option<&'a Failure> {
    let failures: Vec<&Failure> = results.map(|result| result.as_ref().err()).collect::<Option<_>>()?;
    let first = *failures.first()?;
    let is_of_portal = first.is_about_portal() || (failures.len() > 1 && first.is_transient());
    (is_of_portal && failures.iter().all(|failure| failure.has_same_reason(first))).then_some(first)
}
