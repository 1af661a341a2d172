//! What every cancel call is held against, at the moment at which it begins and at that at which it arrives.
//!
//! Owns the rules for calls, in words, and the count of those that left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cancel_pending::apply::Stop;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::offer::{SimulatedOffer, SimulatedOperation, Tags};
use super::run::{job_start, wall};
use super::world::LONGEST_WAY;

/// What keeps a call from hitting another operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// What it names, or its tag.
    Yes,
    /// The times of the job that it names.
    ByTimes,
    /// Nothing.
    No,
}

/// An operation that is not over, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownOperation {
    pub id: String,
    pub may_be_cancelled: bool,
}

/// A list as it was served, page after page.
#[derive(Debug, Clone)]
struct ServedList {
    number: u32,
    begun: Instant,
    at: Instant,
    slowness: Duration,
    shown: Vec<ShownOperation>,
}

impl ServedList {
    /// Whether it shows this operation alone, and that it may be cancelled.
    fn wants_call(&self, operation: &str) -> bool {
        matches!(self.shown.as_slice(), [one] if one.id == operation && one.may_be_cancelled)
    }
}

/// The status of a job as it was served.
#[derive(Debug, Clone)]
struct ServedJob {
    at: Instant,
    is_open: bool,
    start: Timestamp,
}

impl ServedJob {
    /// Whether the job may be that of a submission which came to be at that moment.
    fn fits(&self, created: Timestamp) -> bool {
        let way = created.duration_since(self.start);
        self.is_open && way >= SignedDuration::ZERO && way <= SignedDuration::from_mins(10)
    }
}

/// How many answers about one thing are kept.
const KEPT: usize = 4;

fn keep<T>(all: &mut VecDeque<T>, one: T) {
    all.push_back(one);
    if all.len() > KEPT {
        all.pop_front();
    }
}

/// What a plan wants of an offer.
#[derive(Debug, Clone)]
pub struct PlannedCall {
    pub operation: String,
    pub job: Option<String>,
    /// When its mark expires.
    pub expires: Option<Instant>,
}

/// The limits of the run that is under way.
#[derive(Debug, Clone)]
pub struct RunLimits {
    pub deadline: Instant,
    pub stop: Stop,
    pub concurrency: usize,
    /// What is planned for each offer.
    pub planned: BTreeMap<String, PlannedCall>,
    /// Operations whose call the journal says was accepted.
    pub accepted_before: BTreeSet<String>,
    /// Offers on which the journal names another operation than the planned one, too: two entries read them.
    pub read_twice: BTreeSet<String>,
    /// Offers that are not to be cancelled after all.
    pub withheld: BTreeSet<String>,
}

/// The record of calls.
#[derive(Debug, Default)]
pub struct CallWatch {
    limits: Option<RunLimits>,
    /// The last lists of each offer, the newest last.
    served: BTreeMap<String, VecDeque<ServedList>>,
    served_jobs: BTreeMap<String, VecDeque<ServedJob>>,
    lists: u32,
    last_call: BTreeMap<String, Instant>,
    rejected: BTreeSet<(String, String)>,
    /// How many calls begun in this run, by operation; and how many of them left.
    begun: BTreeMap<String, u32>,
    pub left_now: BTreeMap<String, u32>,
    pub left_ever: BTreeMap<String, u32>,
    /// Whether a call was answered as accepted, and with a location, as the run got to know.
    pub accepted: BTreeMap<String, bool>,
    /// Offers whose call was answered with a clear no, as the run got to know.
    refused: BTreeSet<String>,
    /// From when on the run knew that the portal asks to be left alone, until when, and how slow the disk was by then: what
    /// becomes known while the journal is written comes too late.
    pauses: Vec<(Instant, Instant, Duration)>,
    under_way: Arc<AtomicUsize>,
    /// How much time went into the journal's disk.
    pub slowness: Duration,
    /// How much time went into connections for calls.
    pub slowness_of_connections: Duration,
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
        self.served_jobs.clear();
        self.last_call.clear();
        self.rejected.clear();
        self.begun.clear();
        self.left_now.clear();
        self.accepted.clear();
        self.refused.clear();
        self.pauses.clear();
        self.limits = Some(limits);
    }

    fn check(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(rule());
        }
    }

    fn planned(&self, name: &str) -> Option<PlannedCall> {
        self.limits.as_ref().and_then(|limits| limits.planned.get(name).cloned())
    }

    /// The offer for which the plan names a job.
    pub fn offer_of_job(&self, job: &str) -> Option<&str> {
        let planned = &self.limits.as_ref()?.planned;
        planned.iter().find(|(_, planned)| planned.job.as_deref() == Some(job)).map(|(name, _)| name.as_str())
    }

    /// A call begins: for which offer, and what it names besides. It was made before, and may have waited for its connection.
    pub fn begin(&mut self, name: &str, names: Option<&str>, leaves: bool, made: Instant) -> UnderWay {
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
        let is_paused = |(known, until, slowness): &(Instant, Instant, Duration)| {
            *known < made && made < *until && *slowness == self.slowness
        };
        let is_paused = self.pauses.iter().any(is_paused);
        self.check(!is_paused, || format!("a call for {name} although the portal had asked for a pause"));
        self.check(!self.refused.contains(name), || format!("a call for {name} after a clear no"));
        self.check(!limits.withheld.contains(name), || format!("a call for {name}, which was not approved"));
        let Some(PlannedCall { operation, job, expires }) = self.planned(name) else {
            self.violations.push(format!("a call for {name}, which the plan does not cancel"));
            return guard;
        };
        self.check(names.is_none_or(|named| named == job.as_deref().unwrap_or(&operation)), || {
            format!("a call that names {names:?}, and {operation} of the job {job:?} is planned")
        });
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

    /// A list is served, or the next page of one. Returns its number.
    pub fn served(&mut self, offer: &SimulatedOffer, page_of: Option<u32>, shown: Vec<ShownOperation>) -> u32 {
        let (now, slowness) = (Instant::now(), self.slowness + self.slowness_of_connections);
        let lists = self.served.entry(offer.name.clone()).or_default();
        if let Some(list) = lists.iter_mut().find(|list| Some(list.number) == page_of) {
            // What stood on an earlier page is no second operation.
            let new = shown.into_iter().filter(|one| list.shown.iter().all(|other| other.id != one.id));
            let new: Vec<_> = new.collect();
            list.shown.extend(new);
            (list.at, list.slowness) = (now, slowness);
            return list.number;
        }
        self.lists += 1;
        keep(lists, ServedList { number: self.lists, begun: now, at: now, slowness, shown });
        self.lists
    }

    /// The status of a job is served.
    pub fn served_job(&mut self, one: &SimulatedOperation, is_open: bool) {
        let jobs = self.served_jobs.entry(one.job.clone()).or_default();
        keep(jobs, ServedJob { at: Instant::now(), is_open, start: job_start(one) });
    }

    /// Whether two entries read an offer: one may have read it again between the other's read and its call, and who is
    /// who can't be told.
    fn is_read_twice(&self, name: &str) -> bool {
        self.limits.as_ref().is_some_and(|limits| limits.read_twice.contains(name))
    }

    /// The list that a call rests on: the last one.
    fn rests_on(&self, name: &str, operation: &str) -> Option<&ServedList> {
        let lists = self.served.get(name)?;
        let is_read_twice = self.is_read_twice(name);
        let fitting = lists.iter().filter(|list| is_read_twice && list.wants_call(operation));
        fitting.max_by_key(|list| list.at).or_else(|| lists.iter().max_by_key(|list| list.at))
    }

    /// A call arrives and is turned away before anything is looked at.
    pub fn arrive_unread(&mut self, name: &str) {
        let Some(PlannedCall { operation, .. }) = self.planned(name) else { return };
        let now = Instant::now();
        match self.rests_on(name, &operation).cloned() {
            None => self.violations.push(format!("a call for {name} without a read in this run")),
            Some(list) => {
                self.check(list.wants_call(&operation), || {
                    format!("a call for {operation} although the last list showed {:?}", list.shown)
                });
                // The way back of the list, the operation's own document or its job, and the call's way there.
                let slowness = self.slowness + self.slowness_of_connections;
                let age = (now - list.at).saturating_sub(slowness.saturating_sub(list.slowness));
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
    pub fn arrive(&mut self, offer: &SimulatedOffer) {
        self.arrive_unread(&offer.name);
    }

    /// A call with a tag, or with `*`, arrives and is looked at.
    pub fn arrive_with_tag(&mut self, offer: &SimulatedOffer, tag: &str) {
        let has_tag = offer.tags == Tags::Strong;
        self.check(has_tag == (tag != "*"), || {
            format!("a call for {} with If-Match {tag}, and the offer has {:?}", offer.name, offer.tags)
        });
        let key = (offer.name.clone(), tag.to_owned());
        let is_repeated = self.rejected.contains(&key);
        self.check(!is_repeated, || format!("a call for {} with a tag that the portal had rejected", offer.name));
    }

    /// A call for a job arrives and is looked at. That job must have been read since the list, and fit.
    pub fn arrive_for_job(&mut self, offer: &SimulatedOffer, job: &str) {
        let Some(PlannedCall { operation, .. }) = self.planned(&offer.name) else { return };
        let list = self.rests_on(&offer.name, &operation).map(|list| list.at);
        let readings = self.served_jobs.get(job);
        let newest = readings.and_then(VecDeque::back).cloned();
        let created = offer.operation(&operation).map(|one| wall(one.since));
        let fits = |reading: &ServedJob| {
            created.is_some_and(|created| reading.fits(created)) && list.is_some_and(|list| list <= reading.at)
        };
        let holds = newest.as_ref().is_some_and(fits)
            || (self.is_read_twice(&offer.name) && readings.is_some_and(|all| all.iter().any(fits)));
        self.check(holds, || format!("a call for {operation} by the job {job}, of which was read {newest:?}"));
    }

    /// A tag is rejected.
    pub fn reject(&mut self, name: &str, tag: &str) {
        self.rejected.insert((name.to_owned(), tag.to_owned()));
    }

    /// A call is about to take effect on an operation. Returns whether that is the one that it was meant for.
    pub fn hit(&mut self, offer: &SimulatedOffer, id: &str, guarded: Guarded) -> bool {
        let Some(PlannedCall { operation: planned, .. }) = self.planned(&offer.name) else { return false };
        if planned == id {
            return true;
        }
        let since = offer.operation(id).map(|one| one.since);
        let read = self.rests_on(&offer.name, &planned).map(|list| list.begun);
        let could_not_know = match guarded {
            Guarded::Yes => false,
            Guarded::No => since.zip(read).is_some_and(|(since, read)| since >= read),
            Guarded::ByTimes => true,
        };
        self.check(could_not_know, || format!("a call for {planned} took effect on {id}"));
        false
    }

    /// The run got to know that the portal asks to be left alone.
    pub fn close(&mut self, pause: Duration) {
        self.pauses.push((Instant::now(), Instant::now() + pause, self.slowness));
    }

    /// The run got to know that a call was refused.
    pub fn refuse(&mut self, name: &str) {
        self.refused.insert(name.to_owned());
    }

    /// The run got to know that a call was accepted.
    pub fn accepted(&mut self, name: &str, told_location: bool) {
        if let Some(PlannedCall { operation, .. }) = self.planned(name) {
            self.accepted.insert(operation, told_location);
        }
    }
}
