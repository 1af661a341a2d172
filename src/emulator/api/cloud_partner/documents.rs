//! The documents of the Cloud Partner API, made from the state.
//!
//! Owns how offers and operations are told.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::emulator::scenario::{ListedBy, Spelling};
use crate::emulator::world::{EmulatedOffer, EmulatedOperation, STEPS};
use crate::portal::cloud_partner::wire::{Message, OperationDocument, StepDocument, Submission};

/// The GUID of an offer that is given none, from the API's page.
const EXAMPLE_GUID: &str = "56615b67-2185-49fe-80d2-c4ddf77bb2e8";

/// An operation, as it is told. Percentages are whole numbers on the wire: one client of the API reads nothing else.
pub(super) fn operation(operation: &EmulatedOperation, version: u64, step_time: Duration, now: Timestamp) -> Value {
    let document = operation_document(operation, version, step_time, now);
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for (index, step) in document["steps"].as_array_mut().into_iter().flatten().enumerate() {
        step["progressPercentage"] = json!(operation.progress_of(index, step_time, now));
    }
    document
}

fn operation_document(
    operation: &EmulatedOperation,
    version: u64,
    step_time: Duration,
    now: Timestamp,
) -> OperationDocument {
    let steps = STEPS.iter().enumerate().map(|(index, (id, name, estimate))| {
        let message = operation.message.as_ref().filter(|_| index == operation.step);
        StepDocument {
            estimated_time_frame: Some((*estimate).to_owned()),
            id: Some((*id).to_owned()),
            step_name: Some((*name).to_owned()),
            description: Some(format!("{name} of the offer.")),
            status: Some(operation.status_of(index)),
            progress_percentage: Some(operation.progress_of(index, step_time, now).into()),
            messages: message
                .map(|text| Message {
                    message_html: Some(text.clone()),
                    level: Some("error".to_owned()),
                    timestamp: Some(operation.changed.to_string()),
                })
                .into_iter()
                .collect(),
        }
    });
    OperationDocument {
        status: Some(operation.status.clone()),
        messages: Vec::new(),
        publishing_version: Some(version),
        offer_version: Some(1),
        cancellation_request_state: operation.cancellation.clone().map(Value::String),
        steps: if operation.kind == "cancel" { Vec::new() } else { steps.collect() },
    }
}

pub(super) fn submission(offer: &EmulatedOffer, operation: &EmulatedOperation) -> Submission {
    let common = Submission {
        id: operation.id.clone(),
        offer_id: Some(offer.spec.guid.as_deref().unwrap_or(EXAMPLE_GUID).to_owned()),
        offer_version: Some(1),
        offer_type_id: Some(offer_type(offer).to_owned()),
        publisher_id: Some(offer.spec.publisher.to_string()),
        submission_type: Some(operation.kind.clone()),
        publishing_version: Some(offer.publishing_version),
        slot: Some("staging".to_owned()),
        version: Some(636_576_975_611_768_314 + offer.revision),
        ..Submission::default()
    };
    match offer.spec.spelling {
        Spelling::Example => Submission {
            submission_state: Some(operation.status.clone()),
            changed_time: Some(operation.changed.to_string()),
            ..common
        },
        Spelling::Table => Submission {
            status: Some(operation.status.clone()),
            created_date_time: Some(operation.created.to_string()),
            last_action_date_time: Some(operation.changed.to_string()),
            ..common
        },
    }
}

/// The state word of an offer.
fn offer_state(offer: &EmulatedOffer) -> &'static str {
    match (offer.running(), offer.submissions().last()) {
        (Some(running), _) if running.step_status.as_deref() == Some("waitingForPublisherReview") => {
            "waitingForPublisherReview"
        }
        (Some(_), _) => "running",
        (None, None) => "neverPublished",
        (None, Some(last)) => match last.status.as_str() {
            "canceled" => "canceled",
            "failed" => "failed",
            _ => "succeeded",
        },
    }
}

/// An offer in a list.
pub(super) fn listed_offer(offer: &EmulatedOffer, now: Timestamp) -> Value {
    described(offer, offer.spec.listed_by != ListedBy::Id, now)
}

/// An offer by itself.
pub(super) fn offer(offer: &EmulatedOffer, now: Timestamp) -> Value {
    described(offer, offer.spec.listed_by == ListedBy::Guid, now)
}

fn described(offer: &EmulatedOffer, by_guid: bool, now: Timestamp) -> Value {
    let guid = offer.spec.guid.as_deref().filter(|_| by_guid);
    json!({
        "offerTypeId": offer_type(offer),
        "publisherId": offer.spec.publisher,
        "id": guid.unwrap_or(offer.spec.id.as_str()),
        "status": offer_state(offer),
        "version": offer.revision,
        "definition": offer.definition,
        "changedTime": offer.operations.iter().map(|operation| operation.changed).max().unwrap_or(now),
    })
}

pub(super) fn status(offer: &EmulatedOffer, now: Timestamp) -> Value {
    let last = offer.running().or_else(|| offer.submissions().last());
    let steps = last.map(|last| operation(last, offer.publishing_version, offer.spec.step_time, now)["steps"].take());
    json!({
        "status": offer_state(offer),
        "messages": [],
        "steps": steps.unwrap_or_else(|| json!([])),
        "previewLinks": [],
        "liveLinks": [],
    })
}

fn offer_type(offer: &EmulatedOffer) -> &str {
    offer.spec.kind.as_deref().unwrap_or("microsoft-azure-virtualmachines")
}
