//! The offers of the Cloud Partner API: their operations, and how these move.
//!
//! Owns what happens: publish starts an operation, its steps advance with the clock, go-live
//! follows on the publisher's sign-off, cancel ends what runs. Knows nothing of HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::StartAnswer;
use super::reads::ReadsLeft;
use crate::emulator::scenario::{CancelBehaviour, OfferSpec, OperationSpec};

/// Id, name and estimate of the steps, in order (source: the page on the status of operations).
pub(in crate::emulator) const STEPS: [(&str, &str, &str); 6] = [
    ("displaydummycertify", "Validate Pre-Requisites", "< 15 min"),
    ("displaycertify", "Certification", "< 5 day"),
    ("displayprovision", "Provisioning", "< 1 day"),
    ("displaypackage", "Packaging and Lead Generation Registration", "< 1 hour"),
    ("publisher-signoff", "Publisher signoff", "< 1 day"),
    ("live", "Live", "~2-5 days"),
];

/// The `cancellationRequestState` of an operation that is being cancelled.
const REQUESTED: &str = "cancelRequested";

const SIGN_OFF: usize = 4;
const LIVE: usize = 5;

#[derive(Debug)]
pub(in crate::emulator) struct EmulatedOffers {
    offers: BTreeMap<(String, String), EmulatedOffer>,
    started: u64,
}

#[derive(Debug)]
pub(in crate::emulator) struct EmulatedOffer {
    pub spec: OfferSpec,
    /// What the entity tag counts.
    pub revision: u64,
    pub publishing_version: u64,
    pub definition: serde_json::Value,
    pub operations: Vec<EmulatedOperation>,
}

#[derive(Debug, Clone)]
pub(in crate::emulator) struct EmulatedOperation {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub step: usize,
    pub step_status: Option<String>,
    pub step_since: Timestamp,
    pub message: Option<String>,
    pub cancellation: Option<String>,
    /// Of a cancellation: the id of what it cancels, and how many reads it still takes; none: it never ends.
    cancels: Option<(String, Option<ReadsLeft>)>,
}

fn refused(status: u16, code: &str, message: &str) -> StartAnswer {
    StartAnswer::Refused(status, code.to_owned(), message.to_owned())
}

impl EmulatedOperation {
    pub fn is_running(&self) -> bool {
        !matches!(self.status.as_str(), "complete" | "completed" | "canceled" | "failed" | "succeeded")
    }

    fn from_spec(spec: OperationSpec, now: Timestamp) -> Self {
        let changed = now.checked_sub(spec.changed_ago).unwrap_or(now);
        let step = spec.step.as_deref().and_then(|id| STEPS.iter().position(|step| step.0 == id)).unwrap_or(0);
        Self {
            id: spec.id.to_string(),
            kind: spec.kind,
            status: spec.status,
            created: changed,
            changed,
            step,
            step_status: spec.step_status,
            step_since: now,
            message: spec.message,
            cancellation: Some(spec.cancellation).filter(|word| word != "none"),
            cancels: None,
        }
    }

    fn end(&mut self, status: &str, now: Timestamp) {
        status.clone_into(&mut self.status);
        self.changed = now;
        self.cancellation = None;
        if status == "canceled" {
            self.step_status = Some("canceled".to_owned());
        }
    }

    /// Moves the steps on with the clock.
    fn advance(&mut self, step_time: Duration, now: Timestamp) {
        while self.is_running() && self.cancels.is_none() && self.step_status.is_none() {
            let Ok(next) = self.step_since.checked_add(step_time) else { return };
            if next > now {
                return;
            }
            self.step_since = next;
            self.changed = next;
            if self.step == LIVE {
                self.end("complete", next);
            } else {
                self.step += 1;
                if self.step == SIGN_OFF {
                    self.step_status = Some("waitingForPublisherReview".to_owned());
                }
            }
        }
    }

    /// The status of a step.
    pub fn status_of(&self, step: usize) -> String {
        match step.cmp(&self.step) {
            std::cmp::Ordering::Less => "complete".to_owned(),
            std::cmp::Ordering::Greater => "notStarted".to_owned(),
            std::cmp::Ordering::Equal => match &self.step_status {
                Some(status) => status.clone(),
                None if self.status == "complete" => "complete".to_owned(),
                None => "inProgress".to_owned(),
            },
        }
    }

    /// How far a step has come, in percent.
    pub fn progress_of(&self, step: usize, step_time: Duration, now: Timestamp) -> u8 {
        if step < self.step || self.status == "complete" {
            return 100;
        }
        if step > self.step || self.step_status.is_some() || step_time.is_zero() {
            return 0;
        }
        let passed = now.duration_since(self.step_since).unsigned_abs().as_millis();
        u8::try_from((passed * 100 / step_time.as_millis().max(1)).min(99)).unwrap_or(99)
    }
}

impl EmulatedOffer {
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.spec.id, self.revision)
    }

    pub fn running(&self) -> Option<&EmulatedOperation> {
        self.operations.iter().find(|operation| operation.is_running() && operation.cancels.is_none())
    }

    fn running_mut(&mut self) -> Option<&mut EmulatedOperation> {
        self.operations.iter_mut().find(|operation| operation.is_running() && operation.cancels.is_none())
    }

    /// The operations that the list of submissions shows: cancellations are none.
    pub fn submissions(&self) -> impl Iterator<Item = &EmulatedOperation> {
        self.operations.iter().filter(|operation| operation.cancels.is_none())
    }

    /// One read of an operation: it brings the cancellation that it belongs to nearer its end.
    pub fn poll(&mut self, id: &str, now: Timestamp) -> Option<&EmulatedOperation> {
        self.count_reads(now, |cancellation, target, reads| {
            (cancellation == id || target == id) && reads.single_read()
        });
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// One read of the list: it brings each cancellation nearer its end.
    pub fn poll_list(&mut self, now: Timestamp) {
        self.count_reads(now, |_, _, reads| reads.list_read());
    }

    /// Ends the cancellations that are done, and what they cancel.
    fn count_reads(&mut self, now: Timestamp, mut done: impl FnMut(&str, &str, &mut ReadsLeft) -> bool) {
        let mut finished = Vec::new();
        for operation in self.operations.iter_mut().filter(|operation| operation.is_running()) {
            if let Some((target, Some(reads))) = &mut operation.cancels
                && done(&operation.id, target, reads)
            {
                finished.push(target.clone());
                operation.end("complete", now);
            }
        }
        for target in finished {
            self.revision += 1;
            if let Some(operation) = self.operations.iter_mut().find(|operation| operation.id == target) {
                operation.end("canceled", now);
            }
        }
    }
}

impl EmulatedOffers {
    pub fn new(offers: Vec<OfferSpec>, now: Timestamp) -> Self {
        let offers = offers
            .into_iter()
            .map(|mut spec| {
                let operations = std::mem::take(&mut spec.operations)
                    .into_iter()
                    .map(|one| EmulatedOperation::from_spec(one, now))
                    .collect();
                let name = spec.display_text.as_deref().unwrap_or(spec.id.as_str());
                let definition = serde_json::json!({ "displayText": name });
                let key = (spec.publisher.to_string(), spec.id.to_string());
                (key, EmulatedOffer { spec, revision: 1, publishing_version: 1, definition, operations })
            })
            .collect();
        let mut world = Self { offers, started: 0 };
        world.begin_requested(now);
        world
    }

    /// An operation that starts out as being cancelled has a cancellation that ends it.
    fn begin_requested(&mut self, now: Timestamp) {
        let keys: Vec<_> = self.offers.keys().cloned().collect();
        for (publisher, offer) in keys {
            let mut cancellation = self.new_operation("cancel", 0, now);
            let Some(offer) = self.offer_mut(&publisher, &offer) else { continue };
            let polls =
                (offer.spec.cancel.answer != CancelBehaviour::Stuck).then(|| ReadsLeft::new(offer.spec.cancel.polls));
            let requested =
                |one: &&EmulatedOperation| one.is_running() && one.cancellation.as_deref() == Some(REQUESTED);
            if let Some(target) = offer.operations.iter().find(requested) {
                cancellation.cancellation = None;
                cancellation.cancels = Some((target.id.clone(), polls));
                offer.operations.push(cancellation);
            }
        }
    }

    pub fn has_publisher(&self, publisher: &str) -> bool {
        self.offers.keys().any(|(own, _)| own == publisher)
    }

    pub fn offers_of(&self, publisher: &str) -> impl Iterator<Item = &EmulatedOffer> {
        self.offers.iter().filter(move |((own, _), _)| own == publisher).map(|(_, offer)| offer)
    }

    pub fn offer_mut(&mut self, publisher: &str, offer: &str) -> Option<&mut EmulatedOffer> {
        self.offers.get_mut(&(publisher.to_owned(), offer.to_owned()))
    }

    /// Moves everything on to this moment.
    pub fn advance(&mut self, now: Timestamp) {
        for offer in self.offers.values_mut() {
            let step_time = offer.spec.step_time;
            for operation in &mut offer.operations {
                operation.advance(step_time, now);
            }
        }
    }

    fn new_operation(&mut self, kind: &str, step: usize, now: Timestamp) -> EmulatedOperation {
        self.started += 1;
        EmulatedOperation {
            id: format!("00000000-0000-4000-8000-{:012x}", self.started),
            kind: kind.to_owned(),
            status: "running".to_owned(),
            created: now,
            changed: now,
            step,
            step_status: None,
            step_since: now,
            message: None,
            cancellation: Some("canCancel".to_owned()),
            cancels: None,
        }
    }

    pub fn publish(&mut self, publisher: &str, offer: &str, now: Timestamp) -> Option<StartAnswer> {
        let operation = self.new_operation("publish", 0, now);
        let offer = self.offer_mut(publisher, offer)?;
        if offer.running().is_some() {
            return Some(refused(409, "OperationInProgress", "An operation is in progress on this offer."));
        }
        offer.publishing_version += 1;
        Some(start(offer, operation))
    }

    pub fn go_live(&mut self, publisher: &str, offer: &str, now: Timestamp) -> Option<StartAnswer> {
        let operation = self.new_operation("golive", LIVE, now);
        let offer = self.offer_mut(publisher, offer)?;
        match offer.running_mut() {
            Some(publish) if publish.kind == "publish" && publish.step == SIGN_OFF => publish.end("complete", now),
            _ => {
                return Some(refused(
                    400,
                    "NotReadyForGoLive",
                    "The offer does not wait for the publisher's sign-off.",
                ));
            }
        }
        Some(start(offer, operation))
    }

    pub fn cancel(&mut self, publisher: &str, offer: &str, now: Timestamp) -> Option<StartAnswer> {
        let mut cancellation = self.new_operation("cancel", 0, now);
        let offer = self.offer_mut(publisher, offer)?;
        let spec = offer.spec.cancel.clone();
        let Some(running) = offer.running_mut() else {
            return Some(refused(400, "NoOperationInProgress", "No operation is in progress on this offer."));
        };
        if running.cancellation.as_deref() == Some(REQUESTED) {
            return Some(refused(409, "CancellationInProgress", "The operation is being canceled already."));
        }
        let target = running.id.clone();
        let polls = match spec.answer {
            CancelBehaviour::Refused => return Some(refused(spec.status, &spec.code, &spec.message)),
            CancelBehaviour::Ignored => return Some(StartAnswer::Done),
            CancelBehaviour::AtOnce => {
                running.end("canceled", now);
                offer.revision += 1;
                return Some(StartAnswer::Done);
            }
            CancelBehaviour::Accepted => Some(ReadsLeft::new(spec.polls)),
            CancelBehaviour::Stuck => None,
        };
        running.cancellation = Some(REQUESTED.to_owned());
        running.changed = now;
        cancellation.cancellation = None;
        cancellation.cancels = Some((target, polls));
        Some(start(offer, cancellation))
    }
}

fn start(offer: &mut EmulatedOffer, operation: EmulatedOperation) -> StartAnswer {
    offer.revision += 1;
    let id = operation.id.clone();
    offer.operations.push(operation);
    StartAnswer::Accepted(id)
}
