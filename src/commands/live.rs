//! The live state of all offers that need it, side by side.
//!
//! Owns the order of asking. It is handed readers and nothing that could write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::{DesiredSet, FailureScope, Observed, OfferQuery, PortalKind};
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

/// The offers that need their live state read, by state and place in it.
fn wanted(states: &[ObservedState], now: Timestamp) -> Vec<(usize, usize)> {
    let is_wanted = |one: &Observation| one.observed.is_none() && one.desired.needs_live_state(now);
    let of_state = |(at, state): (usize, &ObservedState)| -> Vec<(usize, usize)> {
        let offers = state.offers.iter().enumerate().filter(|(_, one)| is_wanted(one));
        offers.map(|(index, _)| (at, index)).collect()
    };
    states.iter().enumerate().flat_map(of_state).collect()
}

/// How many offers need their live state read.
#[must_use]
pub fn needed(states: &[ObservedState], now: Timestamp) -> usize {
    wanted(states, now).len()
}

/// Reads what a number of questions ask for, `concurrency` at a time, and tells after each. The answers come in the order
/// of the questions.
pub async fn read_each(
    count: usize,
    question: impl Fn(usize) -> OfferQuery,
    backends: &Backends,
    concurrency: usize,
    after_each: impl Fn(),
) -> Vec<Result<Observed, Failure>> {
    for backend in backends.iter() {
        let kind = backend.kind();
        backend.prepare((0..count).map(&question).filter(|query| query.key.portal == kind)).await;
    }
    let seen: Mutex<Vec<Option<Result<Observed, Failure>>>> = Mutex::new((0..count).map(|_| None).collect());
    // As many as may be asked for at once, each going on to the next offer that nobody has taken:
    // what waiting for an answer needs is set up once for each of them, and not for each offer.
    let next = AtomicUsize::new(0);
    let reader = async || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let query = question(index);
            let result = if let Some(backend) = backends.get(query.key.portal) {
                backend.reader().live(&query).await
            } else {
                let why = format!("the portal {} is not in use", query.key.portal);
                Ok(Observed::unreadable(why, FailureScope::Offer))
            };
            seen.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
            after_each();
        }
    };
    join_all((0..concurrency.clamp(1, count.max(1))).map(|_| reader())).await;
    seen.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

/// Reads the live state of each offer that needs it and of which it is not known, `concurrency` at a time, and tells
/// after each.
pub async fn observe(
    mut states: Vec<ObservedState>,
    backends: &Backends,
    concurrency: usize,
    now: Timestamp,
    after_each: impl Fn(),
) -> Vec<ObservedState> {
    let wanted = wanted(&states, now);
    // Asked for one by one: most portals need none of them, and there may be a hundred thousand.
    let question = |at: usize| {
        let (state, index) = wanted[at];
        states[state].offers[index].desired.query()
    };
    let seen = read_each(wanted.len(), question, backends, concurrency, after_each).await;
    let portal = |at: usize| states[wanted[at].0].offers[wanted[at].1].desired.key.portal;
    let common: BTreeMap<PortalKind, Failure> = backends
        .iter()
        .filter_map(|backend| {
            let own = seen.iter().enumerate().filter(|(at, _)| portal(*at) == backend.kind());
            Some((backend.kind(), common_failure(own.map(|(_, result)| result))?.clone()))
        })
        .collect();
    for (portal, failure) in &common {
        tracing::warn!(%portal, %failure, "no live state is known");
    }
    for ((state, index), result) in wanted.iter().zip(seen) {
        let offer = &mut states[*state].offers[*index];
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
