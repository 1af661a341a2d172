//! How the Product Ingestion API says things.

use cancel_pending::domain::{JobId, OfferKey, PortalKind, ProductId};
use serde_json::{Value, json};

use super::{Asked, Rig, Said};
use crate::support::raw::Request;

pub(super) struct ProductIngestionRig;

const PRODUCT: &str = "0d5c0a4e-1111-4222-8333-944455566677";
const JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0de";

/// Status and result of a submission. It has no words for what is past cancelling, and none for what is being cancelled.
const fn words(said: Said) -> Option<(&'static str, &'static str)> {
    match said {
        Said::Queued => Some(("notStarted", "pending")),
        Said::Running => Some(("running", "pending")),
        Said::UnknownState => Some(("thawing", "slowly")),
        Said::Cancelled => Some(("completed", "cancelled")),
        Said::Completed => Some(("completed", "succeeded")),
        Said::Cancelling | Said::NotCancellable | Said::UnknownCancellation => None,
    }
}

/// A submission that is over is live: a preview would wait for go-live.
fn target(said: Said) -> &'static str {
    if said == Said::Completed { "live" } else { "preview" }
}

fn product(number: usize, offer: Option<&str>) -> Value {
    let id = if number == 0 { PRODUCT.to_owned() } else { format!("0d5c0a4e-1111-4222-8333-{number:012}") };
    json!({"id": format!("product/{id}"), "type": "azureVirtualMachine", "identity": {"externalID": offer}})
}

impl Rig for ProductIngestionRig {
    fn kind(&self) -> PortalKind {
        PortalKind::ProductIngestion
    }

    fn key(&self) -> OfferKey {
        OfferKey { portal: self.kind(), ..crate::support::plans::key("contoso", "vm") }
    }

    fn product(&self) -> Option<ProductId> {
        PRODUCT.parse().ok()
    }

    fn job(&self) -> Option<JobId> {
        JOB.parse().ok()
    }

    fn can_say(&self, said: Said) -> bool {
        words(said).is_some()
    }

    fn state(&self, operations: &[(&str, Said)]) -> String {
        let submissions: Vec<String> = operations
            .iter()
            .map(|(id, said)| {
                let (status, result) = words(*said).expect("words");
                let target = target(*said);
                format!("{{id: '{id}', targets: [{target}], status: {status}, result: {result}, startedAgo: 1h}}")
            })
            .collect();
        // A job without anything that runs is another offer's.
        let jobs = if operations.is_empty() { String::new() } else { format!("{{id: {JOB}, startedAgo: 1h 5s}}") };
        format!(
            "clock: {{now: 2026-11-22T12:00:00Z, speed: 0}}\noffers: [{{portal: product-ingestion, publisher: contoso, id: vm, product: {PRODUCT}, cancel: {{answer: accepted, polls: 3}}, submissions: [{}], jobs: [{jobs}]}}]\n",
            submissions.join(", ")
        )
    }

    fn list(&self, operations: &[(&str, Said)]) -> Vec<u8> {
        let draft = json!({"id": format!("submission/{PRODUCT}/0"), "target": {"targetType": "draft"}});
        let one = |(id, said): &(&str, Said)| {
            let (status, result) = words(*said).expect("words");
            json!({"id": format!("submission/{PRODUCT}/{id}"), "target": {"TargetType": target(*said)},
                   "Status": status, "result": result, "created": "2026-11-22T11:00:05Z"})
        };
        let all: Vec<Value> = std::iter::once(draft).chain(operations.iter().map(one)).collect();
        json!({ "value": all }).to_string().into_bytes()
    }

    fn lists_about_others(&self, id: &str) -> Vec<Vec<u8>> {
        let other = "1e6d1b5f-2222-4333-8444-a55566677788";
        let about = |own: &str, named: &str| {
            json!({"value": [{"id": format!("submission/{own}/{id}"), "product": format!("product/{named}"),
                   "target": {"targetType": "live"}, "status": "completed", "result": "succeeded"}]})
        };
        [about(other, other), about(PRODUCT, other)].map(|list| list.to_string().into_bytes()).into()
    }

    /// The status of the job.
    fn operation(&self, _: Said) -> Vec<u8> {
        let status = json!({"jobID": JOB, "jobStatus": "running", "jobResult": "pending",
            "jobStart": "2026-11-22T11:00:00Z", "jobEnd": "0001-01-01T00:00:00Z"});
        status.to_string().into_bytes()
    }

    /// A submission is known without its job: it can't be cancelled then.
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

    fn other(&self, _: &Request) -> Vec<u8> {
        self.offers("contoso", &[Some("vm")])
    }

    fn asked(&self, request: &Request) -> Asked {
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", path) if path.ends_with("/cancel") => Asked::Cancel,
            ("GET", path) if path.contains("/submission/") => Asked::List,
            ("GET", path) if path.ends_with("/status") => Asked::Operation,
            ("GET", path) if path.ends_with("/product") && !request.path.contains("externalId") => Asked::Offers,
            _ => Asked::Other,
        }
    }

    fn ids(&self) -> [&'static str; 2] {
        ["1152921505700000005", "1152921505700000007"]
    }

    fn location(&self, origin: &str) -> String {
        format!("{origin}/rp/product-ingestion/submission/{PRODUCT}/1")
    }
}
