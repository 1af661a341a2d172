//! Apply: carry a plan out, and say only what was seen.
//!
//! Owns the irreversible half: one loop an entry, in which every cancel call is preceded by a
//! read that still wants it, and a journal that survives a kill at any point. It is handed a
//! reader and a writer, and decides nothing that the plan has not decided: an operation that
//! the plan does not name is never cancelled.

mod entry;
mod follow;
mod journal;
mod stop;

use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;

pub use journal::{Journal, JournalError, OpenCall};
pub use stop::{Stop, Stopper};

use crate::domain::{EmailAddress, OfferId, OperationId, PublisherId, StatusWord};
use crate::outcome::{OutcomeDocument, OutcomeEntry, OutcomeSummary};
use crate::plan::{Decision, Entry, FormatVersion, Plan};
use crate::portal::{CancelPortal, ReadPortal};
use entry::EntryRun;

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// Name and version of the program, for the outcome document.
    pub tool: String,
    /// Whether accepted cancellations are followed to their end.
    pub wait: bool,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What may be done about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The plan says `cancel`: a call may be sent.
    Cancel,
    /// The plan says `wait`: it is followed, nothing is sent.
    Follow,
    /// An earlier run left a call open that the plan does not mention: it is settled, nothing is sent.
    Settle,
}

/// One operation that is to be cancelled or followed.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// The operation, and no other.
    pub operation_id: OperationId,
    /// Who is told.
    pub notification_emails: Vec<EmailAddress>,
    /// What may be done.
    pub mode: Mode,
    /// What an earlier run left open.
    pub left_open: Option<OpenCall>,
}

/// What happens to a target, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum News<'a> {
    /// The portal is read.
    Reading,
    /// A cancel call goes out, the first, second, … one.
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
    /// The portal is read again.
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
    fn news(&self, target: &Target, news: &News<'_>);
}

/// Carries out a plan, whose digest and refusal the caller has checked. Does not fail: what
/// fails is in the outcome.
pub async fn apply(
    plan: &Plan,
    (reader, writer): (&impl ReadPortal, &impl CancelPortal),
    (journal, left_open): (Journal, Vec<OpenCall>),
    options: &ApplyOptions,
    stop: &Stop,
    watch: &impl Watch,
) -> OutcomeDocument {
    let started_at = now();
    let deadline = Instant::now() + options.timeout;
    let journal = Mutex::new(journal);
    let targets = targets(plan, left_open);
    let mut runs: FuturesUnordered<_> = targets
        .iter()
        .map(|target| EntryRun::new(target, (reader, writer), &journal, (options.wait, deadline), stop, watch).run())
        .collect();
    let mut entries = Vec::with_capacity(targets.len());
    while let Some(entry) = runs.next().await {
        entries.push(entry);
    }
    entries.sort_by(|a, b| (&a.publisher, &a.offer, &a.operation_id).cmp(&(&b.publisher, &b.offer, &b.operation_id)));
    OutcomeDocument {
        format_version: FormatVersion,
        tool: options.tool.clone(),
        started_at,
        finished_at: now(),
        portal: plan.portal.clone(),
        decision_digest: plan.decision_digest.clone(),
        summary: OutcomeSummary::of(&entries),
        entries,
    }
}

/// What time it is, in milliseconds: finer is noise in a document.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn targets(plan: &Plan, mut left_open: Vec<OpenCall>) -> Vec<Target> {
    let mut targets: Vec<Target> = plan.entries.iter().filter_map(|entry| target(entry, &mut left_open)).collect();
    targets.extend(left_open.into_iter().map(|call| Target {
        publisher: call.publisher.clone(),
        offer: call.offer.clone(),
        operation_id: call.operation_id.clone(),
        notification_emails: Vec::new(),
        mode: Mode::Settle,
        left_open: Some(call),
    }));
    targets
}

fn target(entry: &Entry, left_open: &mut Vec<OpenCall>) -> Option<Target> {
    let mode = match entry.decision {
        Decision::Cancel => Mode::Cancel,
        Decision::Wait => Mode::Follow,
        _ => return None,
    };
    let operation_id = entry.operation.as_ref()?.id.clone();
    let own = |call: &OpenCall| {
        call.publisher.same(&entry.publisher) && call.offer.same(&entry.offer) && call.operation_id.same(&operation_id)
    };
    let left_open = left_open.iter().position(own).map(|index| left_open.remove(index));
    Some(Target {
        publisher: entry.publisher.clone(),
        offer: entry.offer.clone(),
        operation_id,
        notification_emails: entry.notification_emails.clone(),
        mode,
        left_open,
    })
}
