//! How Partner Center says things.

use cancel_pending::domain::{OfferKey, PortalKind, ProductId};
use serde_json::{Value, json};

use super::{Asked, Rig, Said};
use crate::support::raw::Request;

pub(super) struct PartnerCenterRig;

const PRODUCT: &str = "0d5c0a4e-1111-4222-8333-944455566677";

/// State and substate of a submission. It has no words for what waits, and none for what is being cancelled.
const fn words(said: Said) -> Option<(&'static str, &'static str)> {
    match said {
        Said::Running => Some(("InProgress", "Submitted")),
        Said::NotCancellable => Some(("Published", "Publishing")),
        Said::UnknownState => Some(("Thawing", "Slowly")),
        Said::Cancelled => Some(("Cancelled", "Cancelled")),
        Said::Completed => Some(("Published", "InStore")),
        Said::Queued | Said::Cancelling | Said::UnknownCancellation => None,
    }
}

fn product(number: usize, offer: Option<&str>) -> Value {
    let ids: Vec<Value> = offer.iter().map(|offer| json!({"type": "AzureOfferId", "value": offer})).collect();
    let id = if number == 0 { PRODUCT.to_owned() } else { format!("0d5c0a4e-1111-4222-8333-{number:012}") };
    json!({"id": id, "resourceType": "AzureApplication", "name": "An offer", "externalIDs": ids})
}

impl Rig for PartnerCenterRig {
    fn kind(&self) -> PortalKind {
        PortalKind::PartnerCenter
    }

    fn key(&self) -> OfferKey {
        OfferKey { portal: self.kind(), ..crate::support::plans::key("contoso", "vm") }
    }

    fn product(&self) -> Option<ProductId> {
        PRODUCT.parse().ok()
    }

    fn can_say(&self, said: Said) -> bool {
        words(said).is_some()
    }

    fn state(&self, operations: &[(&str, Said)]) -> String {
        let submissions: Vec<String> = operations
            .iter()
            .map(|(id, said)| {
                let (state, substate) = words(*said).expect("words");
                format!("{{id: '{id}', state: {state}, substate: {substate}}}")
            })
            .collect();
        format!(
            "clock: {{now: 2026-11-22T12:00:00Z, speed: 0}}\noffers: [{{portal: partner-center, publisher: contoso, id: vm, product: {PRODUCT}, cancel: {{answer: accepted, polls: 3}}, submissions: [{}]}}]\n",
            submissions.join(", ")
        )
    }

    fn list(&self, operations: &[(&str, Said)]) -> Vec<u8> {
        let one = |(id, said): &(&str, Said)| {
            let (state, substate) = words(*said).expect("words");
            json!({"resourceType": "Submission", "id": id, "state": state, "substate": substate, "releaseNumber": 4})
        };
        json!({"value": operations.iter().map(one).collect::<Vec<_>>()}).to_string().into_bytes()
    }

    /// A submission names no publisher and no offer.
    fn lists_about_others(&self, _: &str) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn operation(&self, _: Said) -> Vec<u8> {
        json!({"value": []}).to_string().into_bytes()
    }

    /// A plan lives without the workflow of a submission.
    fn needs_operation(&self) -> bool {
        false
    }

    fn offers(&self, _: &str, ids: &[Option<&str>]) -> Vec<u8> {
        let all: Vec<Value> = ids.iter().enumerate().map(|(number, id)| product(number, *id)).collect();
        json!({ "value": all }).to_string().into_bytes()
    }

    /// A product names no publisher.
    fn offers_name_their_publisher(&self) -> bool {
        false
    }

    fn other(&self, request: &Request) -> Vec<u8> {
        if request.path.contains("/products?") {
            return self.offers("contoso", &[Some("vm")]);
        }
        product(0, Some("vm")).to_string().into_bytes()
    }

    fn asked(&self, request: &Request) -> Asked {
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("DELETE", _) => Asked::Cancel,
            ("GET", path) if path.ends_with("/submissions") => Asked::List,
            ("GET", path) if path.ends_with("/workflowdetails") => Asked::Operation,
            ("GET", path) if path.ends_with("/products") && !request.path.contains("filter") => Asked::Offers,
            _ => Asked::Other,
        }
    }

    fn ids(&self) -> [&'static str; 2] {
        ["1152921505700000005", "1152921505700000007"]
    }

    fn location(&self, origin: &str) -> String {
        format!("{origin}/v1.0/ingestion/products/{PRODUCT}/submissions/1")
    }
}
