//! What every cancel call is held against, at the moment at which it begins and at that at which it arrives.
//!
//! Owns the rules for calls, in words, and the count of those that left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cancel_pending::apply::Stop;
use tokio::time::Instant;

use super::offer::{SimulatedOffer, Tags};
use super::world::LONGEST_WAY;

/// Whether a call carries a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    Yes,
    No,
}

/// A list as it was served.
#[derive(Debug, Clone)]
struct ServedList {
    at: Instant,
    slowness: Duration,
    unfinished: Vec<String>,
    shows_cancelling: bool,
}

impl ServedList {
    /// Whether it shows this operation alone, and not that it is being cancelled.
    fn wants_call(&self, operation: &str) -> bool {
        self.unfinished == [operation] && !self.shows_cancelling
    }
}

/// How many lists of an offer are kept.
const KEPT_LISTS: usize = 4;

/// The limits of the run that is under way.
#[derive(Debug, Clone)]
pub struct RunLimits {
    pub deadline: Instant,
    pub stop: Stop,
    pub concurrency: usize,
    /// The planned operation of each offer, and when its mark expires.
    pub planned: BTreeMap<String, (String, Option<Instant>)>,
    /// Operations whose call the journal says was accepted.
    pub accepted_before: BTreeSet<String>,
    /// Offers on which the journal names another operation than the planned one, too: two entries read them.
    pub read_twice: BTreeSet<String>,
}

/// The record of calls.
#[derive(Debug, Default)]
pub struct CallWatch {
    limits: Option<RunLimits>,
    /// The last lists of each offer, the newest last.
    served: BTreeMap<String, VecDeque<ServedList>>,
    last_call: BTreeMap<String, Instant>,
    rejected: BTreeSet<(String, String)>,
    /// How many calls begun in this run, by operation; and how many of them left.
    begun: BTreeMap<String, u32>,
    pub left_now: BTreeMap<String, u32>,
    pub left_ever: BTreeMap<String, u32>,
    /// Whether a call was answered as accepted, and with a location, as the run got to know.
    pub accepted: BTreeMap<String, bool>,
    under_way: Arc<AtomicUsize>,
    /// How much time went into the journal's disk.
    pub slowness: Duration,
    pub violations: Vec<String>,
}

/// A call under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl CallWatch {
    /// A new run begins.
    pub fn begin_run(&mut self, limits: RunLimits) {
        self.served.clear();
        self.last_call.clear();
        self.rejected.clear();
        self.begun.clear();
        self.left_now.clear();
        self.accepted.clear();
        self.limits = Some(limits);
    }

    fn check(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(rule());
        }
    }

    fn planned(&self, name: &str) -> Option<(String, Option<Instant>)> {
        self.limits.as_ref().and_then(|limits| limits.planned.get(name).cloned())
    }

    /// A call begins.
    pub fn begin(&mut self, name: &str, leaves: bool) -> UnderWay {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        let guard = UnderWay(Arc::clone(&self.under_way));
        let Some(limits) = self.limits.clone() else {
            self.violations.push("a call left while a plan was made".to_owned());
            return guard;
        };
        self.check(Instant::now() < limits.deadline, || format!("a call for {name} began after the deadline"));
        self.check(!limits.stop.is_requested(), || format!("a call for {name} began after the request to stop"));
        self.check(now <= limits.concurrency, || {
            format!("{now} calls at once, and {} are allowed", limits.concurrency)
        });
        let Some((operation, expires)) = self.planned(name) else {
            self.violations.push(format!("a call for {name}, which the plan does not cancel"));
            return guard;
        };
        self.check(expires.is_none_or(|at| Instant::now() < at), || {
            format!("a call for {name} after its mark expired")
        });
        self.check(!limits.accepted_before.contains(&operation), || {
            format!("a call for {operation}, which an earlier run's journal says was accepted")
        });
        let begun = self.begun.entry(operation.clone()).or_default();
        *begun += 1;
        let begun = *begun;
        self.check(begun <= 4, || format!("call {begun} for {operation} in one run"));
        if leaves {
            *self.left_now.entry(operation.clone()).or_default() += 1;
            *self.left_ever.entry(operation).or_default() += 1;
        }
        guard
    }

    /// A list is served.
    pub fn served(&mut self, offer: &SimulatedOffer) {
        let unfinished = offer.unfinished();
        let shows_cancelling = offer.list().to_string().contains("canceling");
        let list = ServedList {
            at: Instant::now(),
            slowness: self.slowness,
            shows_cancelling,
            unfinished: unfinished.iter().map(|one| one.id.clone()).collect(),
        };
        let lists = self.served.entry(offer.name.clone()).or_default();
        lists.push_back(list);
        if lists.len() > KEPT_LISTS {
            lists.pop_front();
        }
    }

    /// The list that a call rests on: the last one. Where two entries read an offer, one may have read it again
    /// between the other's read and its call, and who is who can't be told.
    fn rests_on(&self, name: &str, operation: &str) -> Option<&ServedList> {
        let lists = self.served.get(name)?;
        let is_read_twice = self.limits.as_ref().is_some_and(|limits| limits.read_twice.contains(name));
        let fitting = lists.iter().rev().filter(|_| is_read_twice).find(|list| list.wants_call(operation));
        fitting.or_else(|| lists.back())
    }

    /// A call arrives and is turned away before anything is looked at.
    pub fn arrive_unread(&mut self, name: &str) {
        let Some((operation, _)) = self.planned(name) else { return };
        let now = Instant::now();
        match self.rests_on(name, &operation).cloned() {
            None => self.violations.push(format!("a call for {name} without a read in this run")),
            Some(list) => {
                self.check(list.wants_call(&operation), || {
                    format!("a call for {operation} although the last list showed {:?}", list.unfinished)
                });
                // The way back of the list, the operation's own document, and the call's way there.
                let age = (now - list.at).saturating_sub(self.slowness.saturating_sub(list.slowness));
                self.check(age <= Duration::from_millis(4 * LONGEST_WAY + 10), || {
                    format!("a call for {operation} rests on a list of {} ms ago", age.as_millis())
                });
                let since = self.last_call.get(name).copied();
                self.check(since.is_none_or(|since| since <= list.at), || {
                    format!("a second call for {operation} without another read")
                });
            }
        }
        self.last_call.insert(name.to_owned(), now);
    }

    /// A call arrives and is looked at.
    pub fn arrive(&mut self, offer: &SimulatedOffer, tag: &str) {
        self.arrive_unread(&offer.name);
        let has_tag = offer.tags == Tags::Strong;
        self.check(has_tag == (tag != "*"), || {
            format!("a call for {} with If-Match {tag}, and the offer has {:?}", offer.name, offer.tags)
        });
        let key = (offer.name.clone(), tag.to_owned());
        let is_repeated = self.rejected.contains(&key);
        self.check(!is_repeated, || format!("a call for {} with a tag that the portal had rejected", offer.name));
    }

    /// A tag is rejected.
    pub fn reject(&mut self, name: &str, tag: &str) {
        self.rejected.insert((name.to_owned(), tag.to_owned()));
    }

    /// A call is about to take effect on an operation. Returns whether that is the one that it was meant for.
    pub fn hit(&mut self, offer: &SimulatedOffer, id: &str, guarded: Guarded) -> bool {
        let Some((planned, _)) = self.planned(&offer.name) else { return false };
        if planned == id {
            return true;
        }
        let since = offer.operation(id).map(|one| one.since);
        let read = self.rests_on(&offer.name, &planned).map(|list| list.at);
        let could_not_know = guarded == Guarded::No && since.zip(read).is_some_and(|(since, read)| since >= read);
        self.check(could_not_know, || format!("a call for {planned} took effect on {id}"));
        false
    }

    /// The run got to know that a call was accepted.
    pub fn accepted(&mut self, name: &str, told_location: bool) {
        if let Some((operation, _)) = self.planned(name) {
            self.accepted.insert(operation, told_location);
        }
    }
}
