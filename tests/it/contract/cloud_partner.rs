//! How the Cloud Partner Portal says things.

use cancel_pending::domain::{OfferKey, PortalKind};
use serde_json::{Value, json};

use super::{Asked, Rig, Said};
use crate::support::plans::key;
use crate::support::raw::Request;

pub(super) struct CloudPartnerRig;

/// The status of an operation and its `cancellationRequestState`.
const fn words(said: Said) -> (&'static str, &'static str) {
    match said {
        Said::Queued => ("not started", "canCancel"),
        Said::Running => ("running", "canCancel"),
        Said::Cancelling => ("running", "cancelRequested"),
        Said::NotCancellable => ("running", "cannotCancel"),
        Said::UnknownState => ("thawing", "canCancel"),
        Said::UnknownCancellation => ("running", "perhaps"),
        Said::Cancelled => ("canceled", "none"),
        Said::Completed => ("complete", "none"),
    }
}

impl Rig for CloudPartnerRig {
    fn kind(&self) -> PortalKind {
        PortalKind::CloudPartner
    }

    fn key(&self) -> OfferKey {
        key("contoso", "vm")
    }

    fn state(&self, operations: &[(&str, Said)]) -> String {
        let operations: Vec<String> = operations
            .iter()
            .map(|(id, said)| {
                let (status, cancellation) = words(*said);
                format!("{{id: '{id}', status: '{status}', cancellation: {cancellation}}}")
            })
            .collect();
        format!(
            "clock: {{now: 2026-11-22T12:00:00Z, speed: 0}}\noffers: [{{publisher: contoso, id: vm, cancel: {{answer: accepted, polls: 3}}, operations: [{}]}}]\n",
            operations.join(", ")
        )
    }

    fn list(&self, operations: &[(&str, Said)]) -> Vec<u8> {
        // The version is past 2^53, as in the API's own example.
        let one = |(id, said): &(&str, Said)| json!({"id": id, "submissionState": words(*said).0, "publisherId": "Contoso", "version": 636_576_975_611_768_314_u64});
        Value::from(operations.iter().map(one).collect::<Vec<_>>()).to_string().into_bytes()
    }

    fn lists_about_others(&self, id: &str) -> Vec<Vec<u8>> {
        let about = |publisher: &str, offer: &str| json!([{"id": id, "submissionState": "running", "publisherId": publisher, "offerId": offer}]);
        [about("fabrikam", "vm"), about("contoso", "another")].map(|list| list.to_string().into_bytes()).into()
    }

    fn operation(&self, said: Said) -> Vec<u8> {
        let (status, cancellation) = words(said);
        json!({"status": status, "cancellationRequestState": cancellation}).to_string().into_bytes()
    }

    fn offers(&self, publisher: &str, ids: &[Option<&str>]) -> Vec<u8> {
        let one = |id: Option<&str>| match id {
            Some(id) => {
                json!({"id": id, "publisherId": publisher, "status": "running", "version": 636_576_975_611_768_314_u64})
            }
            None => json!({"publisherId": publisher, "status": "running"}),
        };
        Value::from(ids.iter().copied().map(one).collect::<Vec<_>>()).to_string().into_bytes()
    }

    fn asked(&self, request: &Request) -> Asked {
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", path) if path.ends_with("/cancel") => Asked::Cancel,
            ("GET", path) if path.ends_with("/submissions/") => Asked::List,
            ("GET", path) if path.contains("/operations/") => Asked::Operation,
            ("GET", path) if path.ends_with("/offers") => Asked::Offers,
            ("GET", path) if path.ends_with("/offers/vm") => Asked::Guard,
            _ => Asked::Other,
        }
    }

    fn ids(&self) -> [&'static str; 2] {
        ["5A63DEB5-925b-4ee0-938b-7c86fbf287c5", "1b7a4d2e-5e3f-4c56-9f10-2d8f0d5c6a77"]
    }

    fn location(&self, origin: &str) -> String {
        format!("{origin}/api/publishers/contoso/offers/vm/operations/1")
    }

    fn location_headers(&self) -> &'static [&'static str] {
        &["Operation-Location", "Location"]
    }
}
