//! How a command ended: its last line, and why its exit status is not 0.
//!
//! Owns these sentences. Names in them are ids, which need no escape; what quotes a file or the portal is made inert.

use super::escape::terminal;
use super::words::{self, counted};
use crate::domain::OfferKey;
use crate::outcome::{Outcome, OutcomeDocument};
use crate::plan::{Coverage, Decision, Plan};

/// How many offers are named where several have one fault.
const MAX_NAMED: usize = 3;

/// The last line of a plan.
#[must_use]
pub fn plan_last_line(plan: &Plan) -> String {
    words::headline(plan)
}

/// The last line of an outcome.
#[must_use]
pub fn outcome_last_line(document: &OutcomeDocument) -> String {
    words::outcome_headline(document)
}

/// Why a plan is no success; none where it is one.
#[must_use]
pub fn plan_failure(plan: &Plan) -> Option<String> {
    if let Some(failures) = &plan.failed {
        let first = failures.first().map_or("there is no plan", |failure| failure.message.as_str());
        return Some(format!("the plan failed: {}", terminal(first)));
    }
    if let Some(refused) = &plan.refused {
        return Some(format!("the plan is refused: {}", terminal(refused)));
    }
    joined(&unplanned(plan))
}

/// Why an apply is no success; none where it is one.
#[must_use]
pub fn apply_failure(plan: &Plan, outcome: &OutcomeDocument) -> Option<String> {
    let mut faults = Vec::new();
    for (kind, one, many) in [
        (Outcome::Failed, "1 cancellation failed", "cancellations failed"),
        (
            Outcome::Completed,
            "1 operation completed without being cancelled",
            "operations completed without being cancelled",
        ),
        (Outcome::NotAttempted, "1 cancellation was not attempted", "cancellations were not attempted"),
        (Outcome::Unknown, "the result of 1 call is not known", "results of calls are not known"),
    ] {
        let keys: Vec<OfferKey> = outcome.entries_with(kind).map(crate::outcome::OutcomeEntry::key).collect();
        if !keys.is_empty() {
            faults.push(fault(&keys, one, many));
        }
    }
    if !outcome.has_failures() {
        faults.clear();
    }
    faults.extend(unplanned(plan));
    joined(&faults)
}

/// What of an outcome is not known to be final; none where all of it is.
#[must_use]
pub fn open_ends(outcome: &OutcomeDocument) -> Option<String> {
    let total = outcome.entries.len();
    let mut parts = Vec::new();
    if outcome.summary.accepted > 0 {
        let of = format!("{} of {}", outcome.summary.accepted, counted(total, "cancellation"));
        parts.push(format!("{of} accepted but not yet confirmed"));
    }
    if outcome.summary.unknown > 0 {
        parts.push(format!("the result of {} is not known", counted(outcome.summary.unknown, "cancel call")));
    }
    joined(&parts)
}

/// The offers of a plan that keep it from being a success, although it can be applied.
fn unplanned(plan: &Plan) -> Vec<String> {
    let keys = |decision| -> Vec<OfferKey> {
        plan.entries_with(decision).filter(|entry| !entry.is_unread()).map(crate::plan::Entry::key).collect()
    };
    let (blocked, unreadable) = (keys(Decision::Blocked), keys(Decision::Error));
    let mut faults = Vec::new();
    if !blocked.is_empty() {
        faults.push(fault(&blocked, "1 offer blocked", "offers blocked"));
    }
    if !unreadable.is_empty() {
        let one = if faults.is_empty() { "1 offer could not be read" } else { "1 could not be read" };
        let many = if faults.is_empty() { "offers could not be read" } else { "could not be read" };
        faults.push(fault(&unreadable, one, many));
    }
    for (freeze, why) in plan.unlisted_freezes() {
        let place = format!("{}:{}", terminal(&freeze.source.path), freeze.source.line);
        faults.push(format!("the offers of the freeze at {place} could not be listed ({})", terminal(why)));
    }
    let is_told = |one: &Coverage| {
        let mut freezes = plan.unlisted_freezes();
        freezes.any(|(freeze, _)| freeze.portal == one.portal && freeze.publisher == one.publisher)
    };
    for one in plan.incomplete_coverage().filter(|one| one.error.is_none() || !is_told(one)) {
        let publisher = words::covered_publisher(one, plan);
        faults.push(match &one.error {
            Some(why) => format!("the offers of {publisher} could not be listed ({})", terminal(why)),
            None => format!("{} of {publisher} in no file could not be read", counted(one.unclear.len(), "offer")),
        });
    }
    faults
}

/// A count of offers with one fault, and which they are.
fn fault(keys: &[OfferKey], one: &str, many: &str) -> String {
    let names: Vec<String> =
        keys.iter().take(MAX_NAMED).map(|key| format!("{}/{}", key.publisher, key.offer)).collect();
    let rest = keys.len() - names.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let what = if keys.len() == 1 { one.to_owned() } else { format!("{} {many}", keys.len()) };
    format!("{what} ({}{more})", names.join(", "))
}

fn joined(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(", "))
}
