//! Apply: carry out a plan, and say only what was seen.
//!
//! Owns the irreversible half: one loop an entry, in which every cancel call follows right after a
//! read that still wants it, and a journal that survives a kill at any point. It decides nothing
//! that the plan has not decided: an operation that the plan does not name is never cancelled.

mod ending;
mod entry;
mod follow;
mod journal;
mod settle;
mod stop;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;

pub use ending::Sent;
pub use journal::{Journal, JournalError, JournalStore, OpenCall, OpenedJournal};
pub use settle::SettledCall;
pub use stop::{Stop, Stopper};

use crate::domain::{EmailAddress, JobId, OfferKey, OfferQuery, OperationId, ProductId, StatusWord};
use crate::outcome::{OutcomeDocument, OutcomeEntry, OutcomeSummary};
use crate::plan::{Decision, Entry, FormatVersion, Plan};
use crate::portal::Backends;
use entry::{EntryRun, Shared};
use journal::SharedJournal;

/// What time it is, by the clock on the wall.
#[derive(Clone, Copy)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    /// The clock of this machine.
    pub const SYSTEM: Self = Self(Timestamp::now);

    /// Another clock.
    #[must_use]
    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    /// The time, in milliseconds: finer is noise in a document.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// How a plan is carried out.
#[derive(Clone)]
pub struct ApplyOptions {
    /// Name and version of the program, for the outcome document.
    pub tool: String,
    /// Whether accepted cancellations are followed to their end.
    pub wait: bool,
    /// How long is looked, after a confirmed cancellation, whether something new starts on the offer.
    pub linger: Duration,
    /// No call leaves after this moment.
    pub deadline: Instant,
    /// The clock on the wall.
    pub clock: Clock,
    /// Offers of the plan that are not to be cancelled after all, each with why.
    pub withheld: HashMap<OfferKey, String>,
}

/// What may be done about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The plan says `cancel`: a call may be sent.
    Cancel,
    /// The plan says `wait`: it is followed, nothing is sent.
    Follow,
    /// An earlier run left a call open on an offer of the plan: it is settled, nothing is sent.
    Settle,
}

/// One operation that is to be cancelled or followed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The offer.
    pub key: OfferKey,
    /// The product, where the call names it.
    pub product: Option<ProductId>,
    /// The operation, and no other.
    pub operation_id: OperationId,
    /// The job, where the call names it.
    pub job: Option<JobId>,
    /// From when on the mark does nothing.
    pub expires: Option<Timestamp>,
    /// Who is told.
    pub notification_emails: Vec<EmailAddress>,
    /// What may be done.
    pub mode: Mode,
    /// What an earlier run left open.
    pub left_open: Option<OpenCall>,
}

impl Target {
    /// What the portal is asked about it.
    #[must_use]
    pub fn query(&self) -> OfferQuery {
        OfferQuery {
            key: self.key.clone(),
            product: self.product.clone(),
            operation: Some(self.operation_id.clone()),
            job: self.job.clone(),
        }
    }
}

/// What happens to a target, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum ApplyEvent<'a> {
    /// The portal is read.
    Reading,
    /// A cancel call is sent, the first, second, … one.
    Sending(u32),
    /// The portal accepted it.
    Accepted {
        /// Where it can be followed.
        location: Option<&'a str>,
    },
    /// It is being cancelled.
    Waiting {
        /// The last status word.
        status: Option<&'a StatusWord>,
        /// The step that is being cancelled, or that the cancellation is in.
        step: Option<&'a str>,
        /// How far that step has come, in percent.
        percent: Option<u8>,
    },
    /// It is tried again.
    Again {
        /// Why.
        why: &'a str,
    },
    /// It ended.
    Ended(&'a OutcomeEntry),
}

/// Somebody who is told what happens. Everything said to it may quote the portal.
pub trait Watch: Sync {
    /// Something happened.
    fn event(&self, target: &Target, event: &ApplyEvent<'_>);
}

/// What an apply brought.
#[derive(Debug, Clone)]
pub struct Applied {
    /// What came of the plan.
    pub outcome: OutcomeDocument,
    /// What was seen of open calls of other plans.
    pub settled: Vec<SettledCall>,
}

/// Carries out a plan, whose digest and refusal the caller has checked. Does not fail: what
/// fails is in the outcome. An entry whose portal is not among `backends` is left out.
pub async fn apply(
    plan: &Plan,
    backends: &Backends,
    opened: OpenedJournal,
    options: &ApplyOptions,
    stop: &Stop,
    watch: &impl Watch,
) -> Applied {
    let started_at = options.clock.now();
    let journal = SharedJournal::new(opened.journal);
    let (mut targets, others) = targets(plan, opened.open_calls);
    for target in &mut targets {
        // What an earlier run sent is looked after, and nothing more is sent.
        if target.left_open.is_some() && options.withheld.contains_key(&target.key) {
            target.mode = Mode::Settle;
        }
    }
    let shared = Shared {
        journal: &journal,
        wait: options.wait,
        linger: options.linger,
        deadline: options.deadline,
        stop,
        watch,
        clock: &options.clock,
        withheld: &options.withheld,
    };
    let mut runs: FuturesUnordered<_> = targets
        .iter()
        .filter_map(|target| Some(EntryRun::new(target, backends.get(target.key.portal)?, &shared).run()))
        .collect();
    let entries = async {
        let mut entries = Vec::with_capacity(targets.len());
        while let Some(entry) = runs.next().await {
            entries.push(entry);
        }
        entries
    };
    let settling = join_all(others.into_iter().map(|call| settle::look(call, backends, &shared)));
    let (mut entries, settled) = tokio::join!(entries, settling);
    entries.sort_by(|a, b| (a.key(), &a.operation_id).cmp(&(b.key(), &b.operation_id)));
    let outcome = OutcomeDocument {
        format_version: FormatVersion,
        tool: options.tool.clone(),
        started_at,
        finished_at: options.clock.now(),
        portals: plan.portals.clone(),
        decision_digest: plan.decision_digest.clone(),
        summary: OutcomeSummary::of(&entries),
        entries,
    };
    Applied { outcome, settled }
}

/// What the plan wants, each with what an earlier run left open of it; and what else is open.
fn targets(plan: &Plan, mut left_open: Vec<OpenCall>) -> (Vec<Target>, Vec<OpenCall>) {
    let mut targets: Vec<Target> =
        plan.entries.iter().filter_map(|entry| target(plan, entry, &mut left_open)).collect();
    let offers: HashSet<OfferKey> = plan.entries.iter().map(Entry::key).collect();
    let is_own = |call: &OpenCall| {
        offers.contains(&call.key) && plan.origin(call.key.portal).is_some_and(|origin| *origin == call.origin)
    };
    let (own, others): (Vec<_>, Vec<_>) = left_open.into_iter().partition(is_own);
    targets.extend(own.into_iter().map(|call| Target {
        key: call.key.clone(),
        product: call.product.clone(),
        operation_id: call.operation_id.clone(),
        job: call.job.clone(),
        expires: None,
        notification_emails: Vec::new(),
        mode: Mode::Settle,
        left_open: Some(call),
    }));
    (targets, others)
}

fn target(plan: &Plan, entry: &Entry, left_open: &mut Vec<OpenCall>) -> Option<Target> {
    let mode = match entry.decision {
        Decision::Cancel => Mode::Cancel,
        Decision::Wait => Mode::Follow,
        _ => return None,
    };
    let operation = entry.operation.as_ref()?;
    let (key, origin) = (entry.key(), plan.origin(entry.portal)?);
    let own = |call: &OpenCall| call.key == key && call.origin == *origin && call.operation_id == operation.id;
    let left_open = left_open.iter().position(own).map(|index| left_open.remove(index));
    Some(Target {
        key,
        product: entry.product_id.clone(),
        operation_id: operation.id.clone(),
        job: operation.job_id.clone(),
        expires: entry.expires,
        notification_emails: entry.notification_emails.clone(),
        mode,
        left_open,
    })
}
