//! What must hold of an outcome, held against the truth.
//!
//! Owns the rules for outcomes, in words.

use std::time::Duration;

use cancel_pending::apply::SettledCall;
use cancel_pending::domain::PortalKind;
use cancel_pending::outcome::{Outcome, OutcomeDocument, OutcomeEntry, OutcomeSummary};
use tokio::time::Instant;

use super::offer::{SimulatedOffer, SimulatedOperation, Truth};
use super::world::Simulation;

/// Holds each entry against the truth.
pub fn check(document: &OutcomeDocument, world: &mut Simulation) {
    let mut broken = Vec::new();
    for entry in &document.entries {
        let offer = world.offers.iter().find(|offer| entry.offer == *offer.name.as_str());
        let Some((offer, operation)) =
            offer.and_then(|offer| Some((offer, offer.operation(entry.operation_id.as_str())?)))
        else {
            broken.push(format!("an outcome for {}, which never was", entry.operation_id));
            continue;
        };
        let id = operation.id.as_str();
        let left_now = world.watch.left_now.get(id).copied().unwrap_or_default();
        let said = said_of(entry);
        if let Some(why) = untrue(entry, offer, operation, left_now) {
            broken.push(format!("{said}, and {why}"));
        }
        if entry.attempts < left_now {
            broken.push(format!("{said} after {} attempts, and {left_now} calls left in this run", entry.attempts));
        }
        let message = entry.message.as_deref().unwrap_or_default();
        let denies = message.contains("nothing was sent") || message.contains("before anything was sent");
        if denies && left_now > 0 {
            broken.push(format!("{said}, and {left_now} calls left in this run"));
        }
        if world.watch.accepted.get(id) == Some(&true) && entry.location.is_none() {
            broken.push(format!("{said}, and the location of its accepted call is missing"));
        }
    }
    for (id, left) in &world.watch.left_now {
        if !document.entries.iter().any(|entry| entry.operation_id == *id.as_str()) {
            broken.push(format!("{left} calls left for {id}, which is not in the outcome"));
        }
    }
    broken.extend(exit_status(document));
    world.watch.violations.append(&mut broken);
}

/// Holds what was said of calls of other plans against the truth.
pub fn check_settled(settled: &[SettledCall], world: &mut Simulation) {
    for SettledCall { call, outcome, seen } in settled {
        let offer = world.offers.iter().find(|offer| call.key.offer == *offer.name.as_str());
        let truth = offer.and_then(|offer| offer.operation(call.operation_id.as_str())).map(|one| one.truth);
        let is_true = match outcome {
            Some(Outcome::Cancelled) => truth == Some(Truth::Cancelled),
            Some(_) => truth.is_some_and(|truth| matches!(truth, Truth::Completed | Truth::Failed)),
            None => true,
        };
        if !is_true {
            let said = format!(
                "of the open call for {} is said {outcome:?} ({seen}), and in truth it is {truth:?}",
                call.operation_id
            );
            world.watch.violations.push(said);
        }
    }
}

/// How long after its end an operation is seen to have ended, at the latest: the longest pause and a few reads.
const LONGEST_BLINDNESS: Duration = Duration::from_secs(90);

/// Where nothing went wrong and there was time, nothing is left open that the portal told the end of.
pub fn check_ends(document: &OutcomeDocument, deadline: Instant, world: &mut Simulation) {
    let mut broken = Vec::new();
    for entry in &document.entries {
        let offer = world.offers.iter().find(|offer| entry.offer == *offer.name.as_str());
        let Some(one) = offer.and_then(|offer| offer.operation(entry.operation_id.as_str())) else { continue };
        // Of a job that is another one's, nothing can be concluded.
        let is_own_job = world.kind != PortalKind::ProductIngestion
            || world.watch.offer_of_job(&one.job).is_some_and(|name| entry.offer == *name);
        let is_told = !one.odd && is_own_job && (!one.forgotten || world.kind == PortalKind::PartnerCenter);
        let was_time = one.over_since.is_some_and(|over| over + LONGEST_BLINDNESS < deadline);
        if !entry.message.as_deref().unwrap_or_default().contains("timeout") {
            continue;
        }
        let is_open = matches!(entry.outcome, Outcome::Accepted | Outcome::Unknown);
        if is_open && is_told && was_time {
            broken.push(format!("{}, and it was over long before", said_of(entry)));
        }
        if entry.outcome == Outcome::NotAttempted {
            broken.push(format!("{}, and there was time", said_of(entry)));
        }
    }
    world.watch.violations.append(&mut broken);
}

fn said_of(entry: &OutcomeEntry) -> String {
    let message = entry.message.as_deref().unwrap_or("no message");
    format!("the outcome of {} is `{}` ({message})", entry.operation_id, entry.outcome.as_str())
}

fn untrue(entry: &OutcomeEntry, offer: &SimulatedOffer, operation: &SimulatedOperation, left: u32) -> Option<String> {
    let truth = operation.truth;
    let ended = || Some(format!("in truth it is {truth:?}"));
    match entry.outcome {
        Outcome::Cancelled | Outcome::AlreadyDone if truth != Truth::Cancelled => ended(),
        Outcome::Completed if !matches!(truth, Truth::Completed | Truth::Failed) => ended(),
        Outcome::Superseded if !truth.is_over() => ended(),
        Outcome::Superseded if offer.operations.last().is_some_and(|last| last.id == operation.id) => {
            Some("nothing came after it".to_owned())
        }
        Outcome::NotAttempted if left > 0 => Some(format!("{left} calls left")),
        Outcome::Failed if operation.by_call && left > 0 => Some(format!("our call took effect: it is {truth:?}")),
        _ => None,
    }
}

/// The exit status follows from the counts, and the counts from the entries.
fn exit_status(document: &OutcomeDocument) -> Option<String> {
    let has = |outcomes: &[Outcome]| document.entries.iter().any(|entry| outcomes.contains(&entry.outcome));
    let fails = has(&[Outcome::Failed, Outcome::Completed, Outcome::NotAttempted]);
    let open = has(&[Outcome::Accepted, Outcome::Unknown]);
    let follows = document.summary == OutcomeSummary::of(&document.entries)
        && document.has_failures() == fails
        && document.has_open_ends() == open;
    (!follows).then(|| "the exit status does not follow from the outcomes".to_owned())
}
